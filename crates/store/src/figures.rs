//! What an operator looks at: how much room everything takes, how long syncs take, how long entries wait.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::error::Error;
use crate::log::SyncTimes;
use crate::store::Store;

/// What the store takes on its disk, and what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The log, with the room that its last segment has reserved.
    pub log_bytes: u64,
    /// The volumes.
    pub volumes_bytes: u64,
    /// The directory.
    pub directory_bytes: u64,
    /// What may still be written.
    pub free_bytes: u64,
}

impl Store {
    /// How much room everything takes: one question to the system for each file. Blocks the thread.
    ///
    /// # Errors
    /// When a file cannot be measured.
    pub fn sizes(&self) -> Result<Sizes, Error> {
        Ok(Sizes {
            log_bytes: self.core.segments.bytes()?,
            volumes_bytes: self.core.volumes.bytes()?,
            directory_bytes: self.core.directory.bytes()?,
            free_bytes: self.core.disk.free_bytes(&self.core.dir).map_err(Error::io("measuring", &self.core.dir))?,
        })
    }

    /// How long the syncs of the log took.
    pub fn sync_times(&self) -> SyncTimes {
        self.counters.sync_times()
    }

    /// How long the oldest upload waits that was not taken in; one of before the store was opened, since then.
    pub fn lag(&self) -> Duration {
        self.core.hot.oldest_waiting().map_or(Duration::ZERO, |arrived| self.core.hot.now().saturating_sub(arrived))
    }

    /// Whether writing has failed in a way that only opening the store again can mend.
    pub fn is_poisoned(&self) -> bool {
        self.counters.is_poisoned.load(Ordering::Relaxed)
    }
}
