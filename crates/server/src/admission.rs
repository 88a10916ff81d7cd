//! Letting requests in: at most so many of a class at once, and a bounded queue before them. A server that is asked for
//! more than it can do then does what it can in time, and tells the others at once to come back.

mod pace;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::metrics::counter::Counter;
use rushhour_model::wire::route;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::admission::pace::Pace;
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
    /// Who has waited so long is answered 503, and who is like to wait for more than half of it, at once.
    pub wait_max: Duration,
}

/// Requests that are alike in what they cost and how much they matter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Class {
    /// They bring data. Phones send what was refused again, so it matters most that these get through.
    Upload,
    /// They open a day's diary, which somebody is looking at.
    Diary,
    /// They read much: entries, documents of any time, sums over everybody.
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
    diaries: Queue,
    reads: Queue,
    calls: Queue,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let Limits { uploads, bodies, diaries, reads, calls, .. } = *limits;
        let [uploads, bodies, diaries, reads, calls] = [uploads, bodies, diaries, reads, calls].map(Queue::new);
        Self { uploads, bodies, diaries, reads, calls }
    }

    /// Waits until the body of an upload is to be taken apart.
    ///
    /// Bodies come at the pace of their phones and share syncs of the disk, so many uploads are under way at once; but if
    /// all were worked on in turns, piece by piece, each would take as long as all of them.
    pub(crate) async fn work(&self) -> Result<Turn, ServerError> {
        self.bodies.enter().await
    }

    /// Whether an upload is like to be sent away once its body has come, which costs it and the server more than to be sent
    /// away before. How long a body takes to come is the phone's affair, so those that are on their way do not count as
    /// waiting; but no more are let in than are taken apart.
    fn comes_in_vain(&self) -> bool {
        let Queue { pace, waiting, limits, .. } = &self.bodies;
        let now = Instant::now();
        let waits = pace.time_for(waiting.load(Ordering::Relaxed), now);
        waits.is_some_and(|waits| waits > limits.wait_max / 2) || !pace.lets_in(now)
    }

    fn queue(&self, class: Class) -> &Queue {
        match class {
            Class::Upload => &self.uploads,
            Class::Diary => &self.diaries,
            Class::Read => &self.reads,
            Class::Call => &self.calls,
        }
    }

    /// Each class with how many of its requests were refused, and how many wait.
    pub(crate) fn refused(&self) -> [(&'static str, u64, usize); 5] {
        let Self { uploads, bodies, diaries, reads, calls } = self;
        [("upload", uploads), ("body", bodies), ("diary", diaries), ("read", reads), ("call", calls)]
            .map(|(name, queue)| (name, queue.refused.get(), queue.waiting.load(Ordering::Relaxed)))
    }
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Whether others were at it when it was asked for, so that there is more to do than is done at once.
    pub(crate) has_waited: bool,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Queue {
    limits: QueueLimits,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    pace: Pace,
    refused: Counter,
}

impl Queue {
    fn new(limits: QueueLimits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.at_once));
        Self { limits, permits, waiting: AtomicUsize::new(0), pace: Pace::default(), refused: Counter::default() }
    }

    /// Waits for its turn.
    async fn enter(&self) -> Result<Turn, ServerError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            self.pace.pause();
            return Ok(Turn { has_waited: false, _permit: permit });
        }
        let Some(place) = Place::take(self) else { return Err(self.refuse()) };
        let waits = self.pace.time_for(place.number, Instant::now());
        if waits.is_some_and(|waits| waits > self.limits.wait_max / 2) {
            return Err(self.refuse());
        }
        let turn = timeout(self.limits.wait_max, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = turn.map_err(|_| self.refuse())?.expect("the semaphore is never closed");
        self.pace.turn(Instant::now());
        Ok(Turn { has_waited: true, _permit: permit })
    }

    fn refuse(&self) -> ServerError {
        self.refused.inc();
        ServerError::Crowded
    }
}

/// A place in a queue, also of a client that goes away.
struct Place<'a> {
    queue: &'a Queue,
    /// 1 is the front.
    number: usize,
}

impl<'a> Place<'a> {
    fn take(queue: &'a Queue) -> Option<Self> {
        let number = queue.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        let place = Self { queue, number };
        (number <= queue.limits.waiting_max).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets a request in when it is its turn, or answers that there are too many.
pub(crate) async fn admit(State((app, class)): State<(Arc<App>, Class)>, request: Request, next: Next) -> Response {
    let class = class.of(request.uri().path());
    if matches!(class, Class::Upload) && app.admission.comes_in_vain() {
        return app.admission.uploads.refuse().into_response();
    }
    let turn = match app.admission.queue(class).enter().await {
        Ok(turn) => turn,
        Err(error) => {
            let mut response = error.into_response();
            if !matches!(class, Class::Upload) {
                // Nothing of such a request is still on its way.
                response.headers_mut().remove(header::CONNECTION);
            }
            return response;
        }
    };
    if let Class::Upload | Class::Call = class {
        let response = next.run(request).await;
        drop(turn);
        return response;
    }
    // What has been begun on another thread cannot be stopped; it keeps its place until it is done, so that no more
    // than `at_once` are ever under way.
    let answer = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(turn);
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
    use std::future::Future;

    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use futures_util::future::join_all;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use rushhour_store::{Options, Store};
    use tower::ServiceExt;

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

    /// Twenty milliseconds of work, once it is its turn; whether there was one.
    async fn work(turn: impl Future<Output = Result<Turn, ServerError>>) -> bool {
        let turn = turn.await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        turn.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_too_long_is_refused_at_once() {
        let queue = Queue::new(QueueLimits { waiting_max: 100, ..LIMITS });
        let known = join_all((0..11).map(|_| work(queue.enter()))).await;
        assert!(known.into_iter().all(|served| served));
        // In half of the longest wait there are twelve turns.
        let crowd = join_all((0..20).map(|_| work(queue.enter()))).await;
        let served = crowd.into_iter().filter(|served| *served).count() as u64;
        assert_eq!((served, queue.refused.get()), (13, 7), "one has its turn at once, and twelve wait");
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_would_wait_too_long_is_refused_before_its_body_has_come() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
        let bodies = QueueLimits { waiting_max: 100, wait_max: Duration::from_millis(400), ..LIMITS };
        let app = Arc::new(App::new(store, Limits { bodies, ..Limits::default() }));
        let admitting = from_fn_with_state((Arc::clone(&app), Class::Upload), admit);
        let router = Router::new().route("/", post(|_: Bytes| async {})).route_layer(admitting);
        let send = || {
            let endless = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
            router.clone().oneshot(Request::post("/").body(endless).unwrap())
        };
        join_all((0..11).map(|_| work(app.admission.work()))).await;
        // As many as are taken apart in a tenth of a second, and one more.
        let mut coming: Vec<_> = (0..6).map(|_| Box::pin(send())).collect();
        for upload in &mut coming {
            assert!(futures_util::poll!(upload).is_pending());
        }
        let refused = send().await.unwrap();
        assert_eq!((refused.status().as_u16(), app.admission.uploads.refused.get()), (503, 1));
        assert_eq!(refused.headers()[header::CONNECTION], "close", "its body is still on its way");
    }
}
