//! How far a target's pipeline falls behind the phones while people live.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::control;
use crate::settle::lag_s;
use crate::transport::http1::Http1;

/// How often the target is asked.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// Watches the lag.
pub(crate) struct Lag {
    most_s: Rc<Cell<Option<f64>>>,
    task: AbortHandle,
}

impl Lag {
    /// Starts watching at `from`, on this thread.
    pub(crate) fn watch(target: Http1, from: Instant) -> Self {
        let most_s = Rc::new(Cell::new(None));
        let known = Rc::clone(&most_s);
        let task = tokio::task::spawn_local(async move {
            let Ok(client) = control::client(&target) else { return };
            let mut every = interval_at(from, ASKED_EVERY);
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                // Who does not tell now may do so later; who never tells is not judged by it.
                if let Some(now_s) = lag_s(&client, &target).await {
                    known.set(Some(f64::max(known.get().unwrap_or(0.0), now_s)));
                }
            }
        });
        Self { most_s, task: task.abort_handle() }
    }

    /// The most that it was, in seconds; `None` when the target never told.
    pub(crate) fn finish(self) -> Option<f64> {
        self.task.abort();
        self.most_s.get()
    }
}
