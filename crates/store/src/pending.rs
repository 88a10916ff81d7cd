//! Who has entries that nobody has taken in yet, first come, first served.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use rushhour_model::ids::UserId;

/// Users in a queue; each is in it at most once, and not while someone works for them.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    users: Mutex<VecDeque<UserId>>,
    more: Condvar,
}

impl Pending {
    pub(crate) fn push(&self, user: UserId) {
        self.users.lock().expect("no holder panics").push_back(user);
        self.more.notify_one();
    }

    pub(crate) fn pop(&self) -> Option<UserId> {
        self.users.lock().expect("no holder panics").pop_front()
    }

    pub(crate) fn count(&self) -> usize {
        self.users.lock().expect("no holder panics").len()
    }

    /// Waits until somebody is in the queue, at most `timeout`.
    pub(crate) fn wait(&self, timeout: Duration) {
        let users = self.users.lock().expect("no holder panics");
        let waited = self.more.wait_timeout_while(users, timeout, |users| users.is_empty());
        drop(waited.expect("no holder panics"));
    }

    pub(crate) fn replace(&self, users: impl IntoIterator<Item = UserId>) {
        *self.users.lock().expect("no holder panics") = users.into_iter().collect();
        self.more.notify_all();
    }
}
