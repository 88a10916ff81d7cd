//! What is in the log and not sealed yet, in memory: per user a list of uploads, and nothing per entry.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use rushhour_model::ids::UserId;

use crate::clock::Clock;
use crate::key_set::KeySet;
use crate::log::RecordAt;
use crate::pending::Pending;
use crate::upload::RecordHeader;

/// An upload in the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct HotRecord {
    pub(crate) at: RecordAt,
    /// The how manieth upload of its user.
    pub(crate) number: u32,
    pub(crate) entries: u32,
    /// How many bytes its rows take.
    pub(crate) bytes: u32,
    pub(crate) first_ts: f64,
    pub(crate) last_ts: f64,
    /// What its entries are of; of an upload from before the store was opened nobody knows.
    pub(crate) keys: KeySet,
    /// When it came, in tenths of a second since the store was opened: enough for thirteen years, and it takes no room.
    pub(crate) arrived_ds: u32,
}

impl HotRecord {
    pub(crate) fn new(header: &RecordHeader, keys: KeySet, at: RecordAt, arrived: Duration) -> Self {
        let RecordHeader { number, entries, bytes, first_ts, last_ts, .. } = *header;
        let arrived_ds = u32::try_from(arrived.as_millis() / 100).unwrap_or(u32::MAX);
        Self { at, number, entries, bytes, first_ts, last_ts, keys, arrived_ds }
    }
}

/// A user's uploads in the log, in order of arrival.
#[derive(Clone, Debug, Default)]
pub(crate) struct HotUser {
    pub(crate) records: VecDeque<HotRecord>,
    /// The number of the next upload.
    pub(crate) next: u32,
    /// Uploads below this number were taken in.
    pub(crate) taken: u32,
    /// When they were last looked at for sealing.
    pub(crate) sealing_s: Option<f64>,
    /// Whether they could not be sealed then; nobody else waits for it.
    pub(crate) is_stuck: bool,
}

impl HotUser {
    pub(crate) fn rows(&self) -> u64 {
        self.records.iter().map(|record| u64::from(record.entries)).sum()
    }

    /// How many bytes of the log they take.
    pub(crate) fn bytes(&self) -> u64 {
        self.records.iter().map(|record| u64::from(record.bytes)).sum()
    }
}

/// Every user's uploads in the log.
#[derive(Debug)]
pub(crate) struct Hot {
    users: RwLock<HashMap<UserId, Arc<RwLock<HotUser>>>>,
    pending: Pending,
    clock: Clock,
    opened: Duration,
    /// How many uploads of everybody there are.
    uploads: AtomicUsize,
    /// How many bytes of the log they take.
    log_bytes: AtomicU64,
}

impl Hot {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            users: RwLock::default(),
            pending: Pending::default(),
            clock,
            opened: clock(),
            uploads: AtomicUsize::new(0),
            log_bytes: AtomicU64::new(0),
        }
    }

    /// The time since the store was opened.
    pub(crate) fn now(&self) -> Duration {
        (self.clock)().saturating_sub(self.opened)
    }

    /// When the oldest upload came that was not taken in.
    pub(crate) fn oldest_waiting(&self) -> Option<Duration> {
        let first_waiting = |user: &Arc<RwLock<HotUser>>| {
            let hot = user.read().expect("no writer panics");
            let taken = hot.records.partition_point(|record| record.number < hot.taken);
            hot.records.get(taken).map(|record| record.arrived_ds)
        };
        let users = self.users.read().expect("no writer panics");
        users.values().filter_map(first_waiting).min().map(|tenths| Duration::from_millis(u64::from(tenths) * 100))
    }

    /// Takes in a record of the log. Later calls win over earlier ones.
    pub(crate) fn apply(&self, user: UserId, record: HotRecord) {
        let known = self.user(user);
        let hot =
            known.unwrap_or_else(|| Arc::clone(self.users.write().expect("no reader panics").entry(user).or_default()));
        let mut hot = hot.write().expect("no reader panics");
        if record.number < hot.next {
            // It was sealed before its segment could be removed.
            return;
        }
        if hot.taken == hot.next {
            self.pending.push(user);
        }
        hot.next = record.number + 1;
        hot.records.push_back(record);
        self.uploads.fetch_add(1, Ordering::Relaxed);
        self.log_bytes.fetch_add(record.bytes.into(), Ordering::Relaxed);
    }

    /// The number that the next upload of `user` gets.
    pub(crate) fn next_number(&self, user: UserId) -> u32 {
        self.user(user).map_or(0, |hot| hot.read().expect("no writer panics").next)
    }

    /// Starts with what is known of users before the log is read: how many of their uploads were sealed.
    pub(crate) fn start(&self, sealed: impl IntoIterator<Item = (UserId, u32)>) {
        let mut users = self.users.write().expect("no reader panics");
        for (user, sealed) in sealed {
            users.insert(user, Arc::new(RwLock::new(HotUser { next: sealed, taken: sealed, ..HotUser::default() })));
        }
    }

    /// Continues with how many of each user's uploads were taken in.
    pub(crate) fn resume(&self, progress: &HashMap<UserId, u32>) {
        self.pending.replace([]);
        for user in self.users() {
            self.take(user, Some(progress.get(&user).copied().unwrap_or(0)));
        }
    }

    /// A copy of what is there of `user`.
    pub(crate) fn snapshot(&self, user: UserId) -> HotUser {
        self.user(user).map(|hot| hot.read().expect("no writer panics").clone()).unwrap_or_default()
    }

    /// Whatever `look` makes of what is there of `user`, without a copy.
    pub(crate) fn look<T>(&self, user: UserId, look: impl FnOnce(&HotUser) -> T) -> Option<T> {
        self.user(user).map(|hot| look(&hot.read().expect("no writer panics")))
    }

    /// Forgets the uploads of `user` below `sealed`: they are in chunks now.
    pub(crate) fn drop_sealed(&self, user: UserId, sealed: u32) {
        let Some(hot) = self.user(user) else { return };
        let mut hot = hot.write().expect("no reader panics");
        let gone = hot.records.partition_point(|record| record.number < sealed);
        let bytes = hot.records.drain(..gone).map(|record| u64::from(record.bytes)).sum();
        hot.records.shrink_to_fit();
        self.uploads.fetch_sub(gone, Ordering::Relaxed);
        self.log_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Notes that `user` was looked at for sealing, and whether that failed.
    pub(crate) fn note_sealing(&self, user: UserId, now_s: f64, is_stuck: bool) {
        if let Some(hot) = self.user(user) {
            let mut hot = hot.write().expect("no reader panics");
            (hot.sealing_s, hot.is_stuck) = (Some(now_s), is_stuck);
        }
    }

    /// Forgets `user`.
    pub(crate) fn remove(&self, user: UserId) {
        let gone = self.users.write().expect("no reader panics").remove(&user);
        let Some(gone) = gone else { return };
        let gone = gone.read().expect("no writer panics");
        self.uploads.fetch_sub(gone.records.len(), Ordering::Relaxed);
        self.log_bytes.fetch_sub(gone.bytes(), Ordering::Relaxed);
    }

    /// How much memory the uploads take; their lists may have as much room again for the next ones.
    pub(crate) fn bytes(&self) -> u64 {
        (self.uploads.load(Ordering::Relaxed) * size_of::<HotRecord>()) as u64
    }

    /// How many bytes of the log the uploads take.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.log_bytes.load(Ordering::Relaxed)
    }

    /// Who has uploads that were not taken in.
    pub(crate) fn pending(&self) -> &Pending {
        &self.pending
    }

    /// Notes that the uploads of `user` below `taken` were taken in; who has more waits again.
    pub(crate) fn take(&self, user: UserId, taken: Option<u32>) {
        let Some(hot) = self.user(user) else { return };
        let mut hot = hot.write().expect("no reader panics");
        hot.taken = taken.unwrap_or(hot.taken).min(hot.next);
        if hot.taken < hot.next {
            self.pending.push(user);
        }
    }

    /// The last upload of `user` counts as one that was not taken in.
    pub(crate) fn take_last_again(&self, user: UserId) {
        let Some(hot) = self.user(user) else { return };
        let mut hot = hot.write().expect("no reader panics");
        if hot.taken == hot.next && hot.next > 0 {
            hot.taken = hot.next - 1;
            self.pending.push(user);
        }
    }

    /// Everybody who is known, in order.
    pub(crate) fn users(&self) -> Vec<UserId> {
        let mut users: Vec<UserId> = self.users.read().expect("no writer panics").keys().copied().collect();
        users.sort();
        users
    }

    /// The first segment that uploads of somebody who counts are in.
    pub(crate) fn first_segment(&self, counts: impl Fn(&HotUser) -> bool) -> Option<u32> {
        let users: Vec<_> = self.users.read().expect("no writer panics").values().cloned().collect();
        let first = |user: &Arc<RwLock<HotUser>>| {
            let hot = user.read().expect("no writer panics");
            hot.records.front().filter(|_| counts(&hot)).map(|record| record.at.segment)
        };
        users.iter().filter_map(first).min()
    }

    /// How many entries were uploaded and are not sealed, re-sent ones counted again.
    pub(crate) fn entries(&self) -> u64 {
        let users: Vec<_> = self.users.read().expect("no writer panics").values().cloned().collect();
        users.iter().map(|user| user.read().expect("no writer panics").rows()).sum()
    }

    fn user(&self, user: UserId) -> Option<Arc<RwLock<HotUser>>> {
        self.users.read().expect("no writer panics").get(&user).cloned()
    }
}
