//! Letting requests in: at most so many of a class at once, and a bounded queue before them. A server that is asked for
//! more than it can do then does what it can in time, and tells the others at once to come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::metrics::counter::Counter;
use rushhour_model::wire::route;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::app::App;
use crate::error::ServerError;
use crate::routes::LAST;

/// Bounds on the requests of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// So many are worked on at once.
    pub at_once: usize,
    /// So many more wait for that; a further one is answered 503 at once.
    pub waiting_max: usize,
    /// Who has waited so long is answered 503.
    pub wait_max: Duration,
}

/// Requests that are alike in what they cost and how much they matter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Class {
    /// They bring data. Phones send what was refused again, so it matters most that these get through.
    Upload,
    /// They read much: diaries, entries.
    Read,
    /// All others: they are answered from memory, or with one look into the directory.
    Call,
}

impl Class {
    /// What a request of this class's routes is: the last entry of a log is one look, and clients ask for it all the time.
    fn of(self, path: &str) -> Self {
        match self {
            Self::Read if path.starts_with(route::LOGS) && path.ends_with(LAST) => Self::Call,
            class => class,
        }
    }
}

/// A queue for each class.
#[derive(Debug)]
pub(crate) struct Admission {
    uploads: Queue,
    reads: Queue,
    calls: Queue,
}

impl Admission {
    pub(crate) fn new(uploads: QueueLimits, reads: QueueLimits, calls: QueueLimits) -> Self {
        Self { uploads: Queue::new(uploads), reads: Queue::new(reads), calls: Queue::new(calls) }
    }

    fn queue(&self, class: Class) -> &Queue {
        match class {
            Class::Upload => &self.uploads,
            Class::Read => &self.reads,
            Class::Call => &self.calls,
        }
    }

    /// Each class with how many of its requests were refused, and how many wait.
    pub(crate) fn refused(&self) -> [(&'static str, u64, usize); 3] {
        [("upload", &self.uploads), ("read", &self.reads), ("call", &self.calls)]
            .map(|(name, queue)| (name, queue.refused.get(), queue.waiting.load(Ordering::Relaxed)))
    }
}

#[derive(Debug)]
struct Queue {
    limits: QueueLimits,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    refused: Counter,
}

impl Queue {
    fn new(limits: QueueLimits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.at_once));
        Self { limits, permits, waiting: AtomicUsize::new(0), refused: Counter::default() }
    }

    /// Waits for its turn.
    async fn enter(&self) -> Result<OwnedSemaphorePermit, ServerError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let refuse = || {
            self.refused.inc();
            ServerError::Crowded
        };
        let Some(_place) = Place::take(self) else { return Err(refuse()) };
        let turn = timeout(self.limits.wait_max, Arc::clone(&self.permits).acquire_owned()).await;
        Ok(turn.map_err(|_| refuse())?.expect("the semaphore is never closed"))
    }
}

/// A place in a queue, also of a client that goes away.
struct Place<'a>(&'a Queue);

impl<'a> Place<'a> {
    fn take(queue: &'a Queue) -> Option<Self> {
        let place = Self(queue);
        let before = queue.waiting.fetch_add(1, Ordering::Relaxed);
        (before < queue.limits.waiting_max).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets a request in when it is its turn, or answers that there are too many.
pub(crate) async fn admit(State((app, class)): State<(Arc<App>, Class)>, request: Request, next: Next) -> Response {
    let class = class.of(request.uri().path());
    let permit = match app.admission.queue(class).enter().await {
        Ok(permit) => permit,
        Err(error) => return error.into_response(),
    };
    let Class::Read = class else {
        let response = next.run(request).await;
        drop(permit);
        return response;
    };
    // What has been begun on another thread cannot be stopped; it keeps its place until it is done, so that no more
    // than `at_once` are ever under way.
    let answer = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(permit);
        response
    });
    match timeout(app.limits.answer_timeout, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        Err(_) => ServerError::Slow(app.limits.answer_timeout.as_secs_f64()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: QueueLimits = QueueLimits { at_once: 1, waiting_max: 1, wait_max: Duration::from_millis(500) };

    #[tokio::test(start_paused = true)]
    async fn one_is_let_in_one_waits_and_the_third_is_refused_at_once() {
        let queue = Queue::new(LIMITS);
        let first = queue.enter().await.unwrap();
        let second = queue.enter();
        tokio::pin!(second);
        assert!(timeout(Duration::from_millis(100), &mut second).await.is_err(), "it waits");
        let asked = tokio::time::Instant::now();
        assert!(matches!(queue.enter().await, Err(ServerError::Crowded)));
        assert_eq!(asked.elapsed(), Duration::ZERO);
        drop(first);
        drop(second.await.unwrap());
        assert_eq!((queue.refused.get(), queue.waiting.load(Ordering::Relaxed)), (1, 0));
    }

    #[test]
    fn whoever_polls_the_last_entry_of_a_log_does_not_wait_behind_those_who_read_much() {
        assert!(matches!(Class::Read.of("/logs/sensor/last"), Class::Call));
        assert!(matches!(Class::Read.of("/logs/sensor"), Class::Read));
        assert!(matches!(Class::Upload.of("/logs/sensor/last"), Class::Upload));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_too_long_is_refused() {
        let queue = Queue::new(LIMITS);
        let _first = queue.enter().await.unwrap();
        let asked = tokio::time::Instant::now();
        assert!(matches!(queue.enter().await, Err(ServerError::Crowded)));
        assert_eq!(asked.elapsed(), LIMITS.wait_max);
        assert_eq!((queue.refused.get(), queue.waiting.load(Ordering::Relaxed)), (1, 0));
    }
}
