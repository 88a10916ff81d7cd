//! What every request shares.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rushhour_store::Store;
use tokio::sync::Semaphore;

use crate::activity::Activity;
use crate::diary::Recent;
use crate::intake::wall_time;
use crate::metrics::Metrics;
use crate::operator::Operator;
use crate::request_log::RequestLog;

/// Room for bodies is handed out in pieces of this size.
pub(crate) const ROOM_BYTES: usize = 1024;

/// Bounds on what one client may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body; a larger one is answered 413.
    pub body_bytes_max: usize,
    /// How much memory all bodies together may take; a request that finds none within `body_timeout` is answered 503.
    pub bodies_bytes_max: usize,
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
    /// How long requests under way may take to finish after the signal to stop.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A full batch of 10,000 entries has 3.6 MB, the largest one seen 12,849.
            body_bytes_max: 16 << 20,
            bodies_bytes_max: 256 << 20,
            body_timeout: Duration::from_secs(30),
            head_timeout: Duration::from_secs(30),
            connections_max: 4096,
            entries_max: 250_000,
            // Some 1,500 days: those that phones ask for again and again are the last few.
            chapters_bytes_max: 32 << 20,
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
    pub(crate) activity: Activity,
    pub(crate) request_log: RequestLog,
    pub(crate) operator: OnceLock<Operator>,
    is_draining: AtomicBool,
}

impl App {
    /// An application over `store`.
    pub fn new(store: Store, limits: Limits) -> Self {
        let body_room = Arc::new(Semaphore::new(limits.bodies_bytes_max / ROOM_BYTES));
        let recent = Recent::new(limits.chapters_bytes_max);
        Self {
            store,
            limits,
            metrics: Metrics::new(),
            body_room,
            recent,
            activity: Activity::default(),
            request_log: RequestLog::new(wall_time()),
            operator: OnceLock::new(),
            is_draining: AtomicBool::new(false),
        }
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

    /// Lets `/readyz` say that the server stops; requests are answered as before.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// What it answers from.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
