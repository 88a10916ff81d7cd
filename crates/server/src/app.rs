//! What every request shares.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rushhour_store::Store;
use tokio::sync::Semaphore;

use crate::activity::Activity;
use crate::admission::{Admission, QueueLimits};
use crate::auth::Auth;
use crate::by_day::Everybody;
use crate::diary::Recent;
use crate::events::Hub;
use crate::intake::wall_time;
use crate::metrics::Metrics;
use crate::operator::Operator;
use crate::request_log::RequestLog;
use crate::serial::Serial;
use crate::stamps::Stamps;
use crate::usages::Usages;
use crate::watched::FileError;

/// Room for bodies is handed out in pieces of this size.
pub(crate) const ROOM_BYTES: usize = 1024;

/// Bounds on what one client may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body; a larger one is answered 413.
    pub body_bytes_max: usize,
    /// How much memory all bodies together may take; a request that finds none within `body_timeout` is answered 503.
    pub bodies_bytes_max: usize,
    /// The most entries in one upload; a larger one is answered 413.
    pub put_entries_max: usize,
    /// How long a body may take to arrive; a slower one is answered 408.
    pub body_timeout: Duration,
    /// How long the head of a request may take to arrive; after that the connection is closed.
    pub head_timeout: Duration,
    /// How many connections are served at once; further ones wait to be accepted.
    pub connections_max: usize,
    /// The most entries in one answer; the original's `DB_RESULT_LIMIT`.
    pub entries_max: usize,
    /// How much memory the chapters may take that were asked for lately.
    pub chapters_bytes_max: usize,
    /// How long an answer that reads much may take; a slower one is answered 503.
    pub answer_timeout: Duration,
    /// How many follow logs at once; a further one is answered 503.
    pub subscribers_max: usize,
    /// Uploads.
    pub uploads: QueueLimits,
    /// Those of them whose body has come, while it is taken apart.
    pub bodies: QueueLimits,
    /// Requests for a day's diary.
    pub diaries: QueueLimits,
    /// Requests that read much: entries, documents of any time.
    pub reads: QueueLimits,
    /// All others.
    pub calls: QueueLimits,
    /// How long requests under way may take to finish after the signal to stop.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A full batch of 10,000 entries has 3.6 MB, the largest one seen 12,849.
            body_bytes_max: 16 << 20,
            bodies_bytes_max: 256 << 20,
            // Phones send at most 10,000, and those that the original reloads have had some more.
            put_entries_max: 50_000,
            body_timeout: Duration::from_secs(30),
            head_timeout: Duration::from_secs(30),
            connections_max: 4096,
            entries_max: 250_000,
            // Some 1,500 days: those that phones ask for again and again are the last few.
            chapters_bytes_max: 32 << 20,
            answer_timeout: Duration::from_secs(60),
            subscribers_max: 20_000,
            // Many uploads at once share a sync of the disk; they wait for it more than they work.
            uploads: QueueLimits { at_once: 512, waiting_max: 4096, wait_max: Duration::from_millis(500) },
            // An upload takes three times as long as a diary. With these a server that is asked for too much of both spends
            // twice as long on uploads, which matter most.
            diaries: QueueLimits { at_once: 5, waiting_max: 1024, wait_max: Duration::from_millis(500) },
            // These do nothing but work, and may be large; more of them at once only make each other late.
            reads: QueueLimits { at_once: 8, waiting_max: 1024, wait_max: Duration::from_millis(500) },
            // These as well; a server with more cores has as many as it has cores.
            bodies: QueueLimits { at_once: 2, waiting_max: 4096, wait_max: Duration::from_millis(200) },
            calls: QueueLimits { at_once: 512, waiting_max: 4096, wait_max: Duration::from_millis(500) },
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// The store, the limits, the counters, and what was asked for lately.
#[derive(Debug)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) body_room: Arc<Semaphore>,
    pub(crate) recent: Recent,
    pub(crate) auth: Auth,
    pub(crate) admission: Admission,
    pub(crate) hub: Hub,
    pub(crate) stamps: Stamps,
    pub(crate) usages: Usages,
    pub(crate) everybody: Everybody,
    /// Held by whoever changes labels.
    pub(crate) labels: tokio::sync::Mutex<()>,
    /// How long each request takes at least, one after another; `None` where they are worked on side by side.
    pub(crate) serial: Option<Serial>,
    pub(crate) activity: Activity,
    pub(crate) request_log: RequestLog,
    pub(crate) operator: OnceLock<Operator>,
    is_draining: AtomicBool,
}

impl App {
    /// An application over `store` that believes everybody.
    pub fn new(store: Store, limits: Limits) -> Self {
        Self::guarded(store, limits, Auth::skip())
    }

    /// An application over `store` that believes whom `auth` does.
    pub fn guarded(store: Store, limits: Limits, auth: Auth) -> Self {
        let body_room = Arc::new(Semaphore::new(limits.bodies_bytes_max / ROOM_BYTES));
        let recent = Recent::new(limits.chapters_bytes_max);
        let (stamps, usages) = (Stamps::new(store.draw()), Usages::of(&store));
        let admission = Admission::new(&limits);
        Self {
            store,
            limits,
            metrics: Metrics::new(),
            body_room,
            recent,
            auth,
            admission,
            hub: Hub::default(),
            stamps,
            usages,
            everybody: Everybody::default(),
            labels: tokio::sync::Mutex::default(),
            serial: None,
            activity: Activity::default(),
            request_log: RequestLog::new(wall_time()),
            operator: OnceLock::new(),
            is_draining: AtomicBool::new(false),
        }
    }

    /// The same, but it serves one request at a time, and each takes `service_time` at least: what a store is like that
    /// does one thing after another, for showing what becomes of it.
    pub fn serial(self, service_time: Duration) -> Self {
        Self { serial: Some(Serial::new(service_time)), ..self }
    }

    /// Reads what has changed of the files that say who is believed, and who is the operator.
    ///
    /// # Errors
    /// When one makes no sense any more; what was known of it stays.
    pub fn refresh(&self) -> Result<(), FileError> {
        // Both, whatever one of them makes of its file.
        let (auth, operator) = (self.auth.refresh(), self.operator.get().map_or(Ok(()), Operator::refresh));
        auth.and(operator)
    }

    /// Sums up what everybody has done so far. Blocks the thread.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sum_up(&self) -> Result<(), rushhour_store::Error> {
        self.everybody.look(&self.store, &|| false)
    }

    /// How much memory bodies take now.
    pub(crate) fn bodies_bytes(&self) -> usize {
        self.limits.bodies_bytes_max.saturating_sub(self.body_room.available_permits() * ROOM_BYTES)
    }

    /// Why nobody should be sent here now.
    pub(crate) fn unready(&self) -> Option<&'static str> {
        if self.is_draining() {
            return Some("the server is stopping");
        }
        if self.store.damage().is_some() {
            return Some("the log is damaged, so nothing can be uploaded");
        }
        self.store.is_poisoned().then_some("a write to the log has failed, so nothing can be uploaded")
    }

    /// Whether the server stops.
    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// Lets `/readyz` say that the server stops, and those who follow logs go; requests are answered as before.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
        self.hub.wake();
    }

    /// What it answers from.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
