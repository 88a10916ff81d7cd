//! Letting requests in: at most so many of a class at once, and a bounded queue before them. A server that is asked for
//! more than it can do then does what it can in time, and tells the others at once to come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::metrics::counter::Counter;
use rushhour_model::wire::route;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::app::{App, Limits};
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

/// A queue for each class, and one for uploads that have come and are to be taken apart.
#[derive(Debug)]
pub(crate) struct Admission {
    uploads: Queue,
    bodies: Queue,
    reads: Queue,
    calls: Queue,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let Limits { uploads, bodies, reads, calls, .. } = *limits;
        let [uploads, bodies, reads, calls] = [uploads, bodies, reads, calls].map(Queue::new);
        Self { uploads, bodies, reads, calls }
    }

    /// Waits until the body of an upload is to be taken apart.
    ///
    /// Bodies come at the pace of their phones and share syncs of the disk, so many uploads are under way at once; but if
    /// all were worked on in turns, piece by piece, each would take as long as all of them.
    pub(crate) async fn work(&self) -> Result<OwnedSemaphorePermit, ServerError> {
        self.bodies.enter().await
    }

    fn queue(&self, class: Class) -> &Queue {
        match class {
            Class::Upload => &self.uploads,
            Class::Read => &self.reads,
            Class::Call => &self.calls,
        }
    }

    /// Each class with how many of its requests were refused, and how many wait.
    pub(crate) fn refused(&self) -> [(&'static str, u64, usize); 4] {
        [("upload", &self.uploads), ("body", &self.bodies), ("read", &self.reads), ("call", &self.calls)]
            .map(|(name, queue)| (name, queue.refused.get(), queue.waiting.load(Ordering::Relaxed)))
    }
}

#[derive(Debug)]
struct Queue {
    limits: QueueLimits,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How long whoever had to wait last waited, in microseconds.
    waited_us: AtomicU64,
    refused: Counter,
}

impl Queue {
    fn new(limits: QueueLimits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.at_once));
        Self {
            limits,
            permits,
            waiting: AtomicUsize::new(0),
            waited_us: AtomicU64::new(0),
            refused: Counter::default(),
        }
    }

    /// Waits for its turn.
    async fn enter(&self) -> Result<OwnedSemaphorePermit, ServerError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let Some(_place) = Place::take(self) else { return Err(self.refuse()) };
        let since = Instant::now();
        let turn = timeout(self.limits.wait_max, Arc::clone(&self.permits).acquire_owned()).await;
        self.waited_us.store(u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(turn.map_err(|_| self.refuse())?.expect("the semaphore is never closed"))
    }

    fn refuse(&self) -> ServerError {
        self.refused.inc();
        ServerError::Crowded
    }

    /// Whether those who wait are like to wait for more than half of what they would wait at most.
    fn is_behind(&self) -> bool {
        let waited = Duration::from_micros(self.waited_us.load(Ordering::Relaxed));
        self.waiting.load(Ordering::Relaxed) > 0 && waited > self.limits.wait_max / 2
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
    // Whoever would be sent away with a body that has come is better sent away before.
    if matches!(class, Class::Upload) && app.admission.bodies.is_behind() {
        return app.admission.uploads.refuse().into_response();
    }
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

    #[tokio::test(start_paused = true)]
    async fn a_queue_is_behind_while_somebody_waits_and_the_last_one_waited_long() {
        let queue = Queue::new(QueueLimits { waiting_max: 2, ..LIMITS });
        let first = queue.enter().await.unwrap();
        let (second, third) = (queue.enter(), queue.enter());
        tokio::pin!(second, third);
        assert!(timeout(LIMITS.wait_max * 3 / 5, &mut second).await.is_err());
        assert!(timeout(Duration::ZERO, &mut third).await.is_err());
        assert!(!queue.is_behind(), "nobody has got in who waited");
        drop(first);
        let second = second.await.unwrap();
        assert!(queue.is_behind());
        drop(second);
        drop(third.await.unwrap());
        assert!(!queue.is_behind(), "nobody waits");
    }
}
