//! Which entries there are and where, in memory. The identity (user, type, key, `write_ts`) is the map's key, so the
//! last write of an entry wins by construction.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

use rushhour_model::ids::UserId;

use crate::diary::Taken;
use crate::log::RecordAt;
use crate::pending::Pending;
use crate::query::{Query, TimeField};
use crate::rows::{Batch, Name};

/// Seconds since 1970, ordered as numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp(f64);

impl Stamp {
    /// `-0.0` and `0.0` are one time.
    pub(crate) fn of(seconds: f64) -> Self {
        Self(seconds + 0.0)
    }

    pub(crate) fn seconds(self) -> f64 {
        self.0
    }
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Stamp {}

impl PartialOrd for Stamp {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Stamp {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Where an entry is: a record of its user, and a row in it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slot {
    record: u32,
    row: u32,
}

#[derive(Debug, Default)]
struct UserEntries {
    records: Vec<RecordAt>,
    /// How many of the records have been taken in.
    taken: usize,
    names: BTreeMap<Arc<Name>, BTreeMap<Stamp, Slot>>,
}

/// Every user's entries.
#[derive(Debug, Default)]
pub(crate) struct Index {
    users: RwLock<HashMap<UserId, Arc<RwLock<UserEntries>>>>,
    pending: Pending,
}

/// An entry that may match a query, before its text has been read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) name: Arc<Name>,
    pub(crate) write_ts: f64,
    pub(crate) at: RecordAt,
    pub(crate) row: u32,
}

impl Index {
    /// Takes in the record at `at`. Later calls win over earlier ones.
    pub(crate) fn apply(&self, user: UserId, at: RecordAt, batch: &Batch) {
        let entries = Arc::clone(self.users.write().expect("no reader panics").entry(user).or_default());
        let mut entries = entries.write().expect("no reader panics");
        let record = u32::try_from(entries.records.len()).expect("memory ends before 4 G records of one user");
        if entries.taken == entries.records.len() {
            self.pending.push(user);
        }
        entries.records.push(at);
        for ((name, write_ts), row) in batch.rows.iter().zip(0..) {
            let name = usize::try_from(*name).ok().and_then(|name| batch.names.get(name));
            let name = name.expect("a batch only refers to its own names");
            let slot = Slot { record, row };
            if let Some(stamps) = entries.names.get_mut(name) {
                stamps.insert(Stamp::of(*write_ts), slot);
            } else {
                entries.names.insert(Arc::new(name.clone()), BTreeMap::from([(Stamp::of(*write_ts), slot)]));
            }
        }
    }

    /// The entries of `user` that have one of the keys, and the write time if that is what is asked for.
    pub(crate) fn candidates(&self, user: UserId, query: &Query) -> Vec<Candidate> {
        let Some(entries) = self.users.read().expect("no writer panics").get(&user).cloned() else { return Vec::new() };
        let entries = entries.read().expect("no writer panics");
        let mut found = Vec::new();
        for (name, stamps) in &entries.names {
            let is_asked = query.keys.as_ref().is_none_or(|keys| keys.iter().any(|key| **key == *name.key));
            if is_asked {
                for (stamp, slot) in range(stamps, query) {
                    let record = usize::try_from(slot.record).ok().and_then(|record| entries.records.get(record));
                    let at = *record.expect("a slot only refers to its user's records");
                    found.push(Candidate { name: Arc::clone(name), write_ts: stamp.seconds(), at, row: slot.row });
                }
            }
        }
        found
    }

    /// Who has records that were not taken in.
    pub(crate) fn pending(&self) -> &Pending {
        &self.pending
    }

    /// The records of `user` that were not taken in, in order of arrival.
    pub(crate) fn fresh(&self, user: UserId) -> Vec<RecordAt> {
        let Some(entries) = self.users.read().expect("no writer panics").get(&user).cloned() else { return Vec::new() };
        let entries = entries.read().expect("no writer panics");
        entries.records.get(entries.taken..).unwrap_or_default().to_vec()
    }

    /// Notes that the records of `user` up to `taken` were taken in; who has more waits again.
    pub(crate) fn take(&self, user: UserId, taken: Option<Taken>) {
        let Some(entries) = self.users.read().expect("no writer panics").get(&user).cloned() else { return };
        let mut entries = entries.write().expect("no reader panics");
        if let Some(taken) = taken {
            entries.taken = entries.records.partition_point(|at| Taken::of(*at) <= taken);
        }
        if entries.taken < entries.records.len() {
            self.pending.push(user);
        }
    }

    /// Starts with what was taken in before the store was opened.
    pub(crate) fn resume(&self, progress: Vec<(UserId, Taken)>) {
        self.pending.replace([]);
        let progress: HashMap<UserId, Taken> = progress.into_iter().collect();
        let mut users = self.users();
        users.sort();
        for user in users {
            self.take(user, progress.get(&user).copied());
        }
    }

    /// Everybody who has entries.
    pub(crate) fn users(&self) -> Vec<UserId> {
        self.users.read().expect("no writer panics").keys().copied().collect()
    }

    /// How many entries there are.
    pub(crate) fn entries(&self) -> usize {
        let users: Vec<_> = self.users.read().expect("no writer panics").values().cloned().collect();
        let entries = users.iter().map(|user| {
            let user = user.read().expect("no writer panics");
            user.names.values().map(BTreeMap::len).sum::<usize>()
        });
        entries.sum()
    }
}

fn range<'a>(stamps: &'a BTreeMap<Stamp, Slot>, query: &Query) -> Box<dyn Iterator<Item = (&'a Stamp, &'a Slot)> + 'a> {
    let (from, to) = match query.field {
        TimeField::WriteTs => (query.from, query.to),
        TimeField::Path(_) => (None, None),
    };
    let from = Stamp::of(from.unwrap_or(f64::NEG_INFINITY));
    let to = Stamp::of(to.unwrap_or(f64::INFINITY));
    if from > to { Box::new(std::iter::empty()) } else { Box::new(stamps.range(from..=to)) }
}
