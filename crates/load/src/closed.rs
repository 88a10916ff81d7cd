//! A closed loop: every connection sends its next request when it has the answer to the one before. A slow target is asked
//! less, so this finds how much it can do and says nothing of how long people wait.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::driver::{Driven, Ending};
use crate::line::{Line, Waiting};
use crate::recorder::Record;
use crate::request::Source;
use crate::stop::Stop;
use crate::transport::{Connection, Transport};

/// Sends requests over every connection of `line` until `end`, or until there are no more. Their intended time is when they
/// are sent. Must run inside a [`tokio::task::LocalSet`].
pub async fn drive_closed<T, R>(
    requests: &Rc<Mutex<impl Source + 'static>>,
    line: &Rc<Line<T, R>>,
    end: Duration,
    mut stop: Stop,
) -> Driven
where
    T: Transport + 'static,
    R: Record + 'static,
{
    let released = Rc::new(Cell::new(0));
    let expiring = tokio::task::spawn_local(Rc::clone(line).expire());
    let mut workers = JoinSet::new();
    for _ in 0..line.bounds.connections_max {
        workers.spawn_local(work(Rc::clone(line), Rc::clone(requests), end, Rc::clone(&released)));
    }
    let over = line.epoch.checked_add(line.bounds.end);
    let ending = tokio::select! {
        biased;
        () = async { while workers.join_next().await.is_some() {} } => Ending::Finished,
        () = stop.requested() => Ending::Interrupted,
        () = async { sleep_until(over.unwrap_or(line.epoch)).await }, if over.is_some() => Ending::Finished,
    };
    let ended = line.now().min(end);
    expiring.abort();
    workers.shutdown().await;
    line.give_up();
    Driven { ending, ended, backlog_max: 0, released: released.get() }
}

/// One connection's life: one request after another.
async fn work<T, R>(line: Rc<Line<T, R>>, requests: Rc<Mutex<impl Source>>, end: Duration, released: Rc<Cell<u64>>)
where
    T: Transport + 'static,
    R: Record + 'static,
{
    let worker = line.join();
    let mut connection: Option<T::Connection> = None;
    let mut again = None;
    loop {
        let mut waiting = match again.take() {
            Some(waiting) => waiting,
            None => {
                let next = requests.lock().await.next().await;
                let now = line.now();
                let Some(mut request) = next.filter(|_| now < end) else { return };
                request.at = now;
                released.set(released.get() + 1);
                line.record.borrow_mut().released(request.operation);
                Waiting { request, released: now, is_ours: false, is_again: false }
            }
        };
        let is_open = connection.as_ref().is_some_and(Connection::is_usable);
        let opened = if is_open { Ok(()) } else { line.connect().await.map(|open| connection = Some(open)) };
        let is_again = line.carry_on(worker, opened, &mut connection, &mut waiting).await;
        again = is_again.then_some(waiting);
    }
}
