//! Uploading the days before the run, as fast as the target takes them: every connection always has one under way.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rushhour_report::result::UploadResult;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::observer::Observer;
use crate::pool::Pool;
use crate::request::{Request, Source};
use crate::stop::Stop;
use crate::transport::{Connection, Failure, Transport};

/// Sends every request, each as soon as a connection is free. Must run inside a [`tokio::task::LocalSet`].
pub async fn upload<T: Transport + 'static>(
    requests: &mut impl Source,
    pool: &Rc<Pool<T>>,
    request_timeout: Duration,
    observer: &dyn Observer,
    stop: &mut Stop,
) -> UploadResult {
    let started = Instant::now();
    let result = Rc::new(RefCell::new(UploadResult::default()));
    let mut tasks = JoinSet::new();
    let sending = async {
        while let Some(request) = requests.next().await {
            if tasks.len() == pool.connections_max() {
                tasks.join_next().await;
            }
            (0..request.person_days).for_each(|_| observer.step());
            let (pool, result) = (Rc::clone(pool), Rc::clone(&result));
            tasks.spawn_local(async move {
                let outcome = send(&pool, &request, request_timeout).await;
                count(&mut result.borrow_mut(), &request, outcome);
            });
        }
        while tasks.join_next().await.is_some() {}
    };
    tokio::select! {
        () = sending => {}
        () = stop.requested() => {}
    }
    // Nobody waits for what was under way when somebody stopped the run.
    tasks.shutdown().await;
    let seconds = started.elapsed().as_secs_f64();
    UploadResult { seconds, ..*result.borrow() }
}

async fn send<T: Transport>(pool: &Pool<T>, request: &Request, request_timeout: Duration) -> Result<(), Failure> {
    let mut lease = pool.lease().await?;
    let answer = timeout(request_timeout, lease.connection().exchange(request)).await;
    answer.map_err(|_| Failure::Timeout)??;
    lease.give_back();
    Ok(())
}

fn count(result: &mut UploadResult, request: &Request, outcome: Result<(), Failure>) {
    result.sent += 1;
    match outcome {
        Ok(()) => {
            result.entries += request.entries as u64;
            result.bytes += request.body.len() as u64;
        }
        Err(_) => result.failed += 1,
    }
}
