//! The one loop that waits: it lets each request go at its intended time, whatever became of the ones before it.
//!
//! An arrival is never skipped and never re-timed. Everything behind its release is a task of its own, so a slow answer
//! delays no later request; only the line for a connection can, and that counts as the target's time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::pool::Pool;
use crate::recorder::{Outcome, Recorder, Sample};
use crate::request::{Request, Source};
use crate::stop::{Stop, stop};
use crate::transport::{Connection, Failure, Transport};

/// What bounds a drive.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long an answer may take from the moment the request was sent.
    pub request_timeout: Duration,
    /// When this many requests wait for a connection, the target is saturated.
    pub backlog_max: u64,
    /// When the run ends, whatever is still under way.
    pub end: Duration,
}

/// How a drive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The schedule was sent to its end.
    Finished,
    /// The backlog passed its bound.
    Saturated,
    /// Somebody stopped it.
    Interrupted,
}

/// What a drive tells beside the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Driven {
    /// How it ended.
    pub ending: Ending,
    /// When the last request was let go, from the start of the run.
    pub ended: Duration,
    /// The most requests that waited for a connection at once.
    pub backlog_max: u64,
}

struct Shared<T: Transport> {
    pool: Pool<T>,
    recorder: RefCell<Recorder>,
    request_timeout: Duration,
    epoch: Instant,
}

/// Sends every request at its time, and records each in `recorder`. Must run inside a [`tokio::task::LocalSet`].
pub async fn drive<T: Transport + 'static>(
    mut requests: impl Source,
    pool: Pool<T>,
    recorder: Recorder,
    bounds: Bounds,
    mut stopped: Stop,
) -> (Driven, Recorder) {
    let Bounds { request_timeout, backlog_max, end } = bounds;
    let epoch = Instant::now();
    let shared = Rc::new(Shared { pool, recorder: RefCell::new(recorder), request_timeout, epoch });
    let (over, is_over) = stop();
    let mut tasks = JoinSet::new();
    let mut driven = Driven { ending: Ending::Finished, ended: Duration::ZERO, backlog_max: 0 };
    while let Some(request) = requests.next().await {
        if !wait_until(epoch + request.at, &mut stopped).await {
            driven.ending = Ending::Interrupted;
            break;
        }
        let released = epoch.elapsed();
        driven.ended = released;
        tasks.spawn_local(send(Rc::clone(&shared), request, released, is_over.clone()));
        while tasks.try_join_next().is_some() {}
        driven.backlog_max = driven.backlog_max.max(shared.pool.waiting());
        if shared.pool.waiting() >= backlog_max {
            driven.ending = Ending::Saturated;
            break;
        }
    }
    if driven.ending == Ending::Finished {
        let drained = async { while tasks.join_next().await.is_some() {} };
        tokio::select! {
            () = drained => {}
            () = sleep_until(epoch + end) => {}
            () = stopped.requested() => driven.ending = Ending::Interrupted,
        }
    }
    over.stop();
    while tasks.join_next().await.is_some() {}
    let shared = Rc::into_inner(shared).expect("every task that shared it has ended");
    (driven, shared.recorder.into_inner())
}

/// Whether the time came before somebody stopped the run.
async fn wait_until(at: Instant, stopped: &mut Stop) -> bool {
    if at <= Instant::now() {
        // Late: let what was released before run, or it would wait until we have caught up.
        tokio::task::yield_now().await;
        return !stopped.is_requested();
    }
    tokio::select! {
        biased;
        () = stopped.requested() => false,
        () = sleep_until(at) => true,
    }
}

async fn send<T: Transport>(shared: Rc<Shared<T>>, request: Request, released: Duration, mut is_over: Stop) {
    let sent = Cell::new(None);
    let outcome = tokio::select! {
        // The end comes first: giving up a connection must not let the next in line send on it.
        biased;
        () = is_over.requested() => Outcome::Censored,
        outcome = exchange(&shared, &request, &sent) => outcome,
    };
    shared.recorder.borrow_mut().record(&Sample {
        operation: request.operation,
        intended: request.at,
        released,
        sent: sent.get(),
        done: shared.epoch.elapsed(),
        request_bytes: request.body.len(),
        outcome,
    });
}

async fn exchange<T: Transport>(shared: &Shared<T>, request: &Request, sent: &Cell<Option<Duration>>) -> Outcome {
    let mut lease = match shared.pool.lease().await {
        Ok(lease) => lease,
        Err(failure) => return Outcome::Failed(failure),
    };
    sent.set(Some(shared.epoch.elapsed()));
    match timeout(shared.request_timeout, lease.connection().exchange(request)).await {
        Ok(Ok(answer)) => {
            lease.give_back();
            Outcome::Completed(answer)
        }
        Ok(Err(failure @ Failure::Status(_))) => {
            lease.give_back();
            Outcome::Failed(failure)
        }
        Ok(Err(failure)) => Outcome::Failed(failure),
        Err(_) => Outcome::Failed(Failure::Timeout),
    }
}
