//! The one loop that waits: it lets each request go at its intended time, whatever became of the ones before it.
//!
//! An arrival is never skipped and never re-timed. What was let go stands in one line per thread, and every connection is
//! a worker that takes the next from that line, so a slow answer delays no request that another connection could carry.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::line::Line;
use crate::pacer::Pacer;
use crate::recorder::Record;
use crate::request::Source;
use crate::stop::Stop;
use crate::transport::Transport;

/// So many requests are let go before those who carry them have their turn, when many are due at once.
const RELEASED_AT_ONCE_MAX: u64 = 64;

/// How a drive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// How many requests were let go.
    pub released: u64,
}

impl Driven {
    /// Before anything was let go.
    pub(crate) const NOTHING: Self =
        Self { ending: Ending::Finished, ended: Duration::ZERO, backlog_max: 0, released: 0 };
}

/// Sends every request at its time, and records each. Must run inside a [`tokio::task::LocalSet`].
pub async fn drive<T, R>(mut requests: impl Source, line: &Rc<Line<T, R>>, mut pacer: Pacer, stop: Stop) -> Driven
where
    T: Transport + 'static,
    R: Record + 'static,
{
    let mut workers = JoinSet::new();
    let mut driven = Driven::NOTHING;
    let expiring = tokio::task::spawn_local(Rc::clone(line).expire());
    while let Some(request) = requests.next().await {
        if !pacer.wait_until(request.at, &stop).await {
            driven.ending = Ending::Interrupted;
            break;
        }
        driven.ended = line.now();
        if driven.ended >= line.bounds.end {
            line.miss(&request);
            continue;
        }
        driven.released += 1;
        line.release(request, driven.ended, &mut workers);
        let backlog = line.backlog();
        driven.backlog_max = driven.backlog_max.max(backlog as u64);
        if backlog >= line.bounds.backlog_max {
            driven.ending = Ending::Saturated;
            break;
        }
        if driven.released.is_multiple_of(RELEASED_AT_ONCE_MAX) {
            tokio::task::yield_now().await;
        }
    }
    if driven.ending == Ending::Finished && !drained(line, stop).await {
        driven.ending = Ending::Interrupted;
    }
    expiring.abort();
    workers.shutdown().await;
    line.give_up();
    driven
}

/// Waits until nothing is under way, or for the end of the run; false if somebody stopped it first.
async fn drained<T: Transport + 'static, R: Record + 'static>(line: &Line<T, R>, mut stop: Stop) -> bool {
    tokio::select! {
        biased;
        () = line.quiet() => true,
        () = sleep_until(line.epoch + line.bounds.end) => true,
        () = stop.requested() => false,
    }
}
