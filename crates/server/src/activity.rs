//! When each phone was last heard of: kept in memory, and written to the profiles now and then.
//!
//! A request costs a look into a map and some stores; nobody waits for anybody. A crash loses what was noted since the
//! profiles were last written.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use rushhour_chunk::Rows;
use rushhour_model::entry::key;
use rushhour_model::ids::UserId;
use rushhour_store::{Error, Store};
use serde_json::{Map, Value};

/// What is kept of everybody, by the names of the profile's fields.
const FIELDS: [&str; 6] =
    ["last_call_ts", "last_sync_ts", "last_put_ts", "last_diary_fetch_ts", "last_location_ts", "last_phone_data_ts"];
const CALL: usize = 0;
const SYNC: usize = 1;
const PUT: usize = 2;
const DIARY: usize = 3;
const LOCATION: usize = 4;
const PHONE_DATA: usize = 5;

/// What somebody wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    /// Anything.
    Call,
    /// Something of the usercache.
    Sync,
    /// To upload.
    Put,
    /// To open the diary.
    Diary,
}

/// When everybody was last heard of: one small record for each user who was.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    users: RwLock<HashMap<UserId, Arc<Times>>>,
}

/// Times in seconds since 1970, as their bits; zero is never.
#[derive(Debug, Default)]
struct Times {
    fields: [AtomicU64; FIELDS.len()],
    has_changed: AtomicBool,
}

impl Times {
    fn set(&self, field: usize, ts: f64) {
        if let Some(field) = self.fields.get(field) {
            field.store(ts.to_bits(), Ordering::Relaxed);
        }
    }

    fn get(&self, field: usize) -> Option<f64> {
        let ts = self.fields.get(field).map_or(0.0, |field| f64::from_bits(field.load(Ordering::Relaxed)));
        (ts != 0.0).then_some(ts)
    }

    fn note(&self) {
        // After the times, so that whoever sees it sees them.
        self.has_changed.store(true, Ordering::Release);
    }

    fn to_fields(&self) -> Map<String, Value> {
        let known = FIELDS.iter().enumerate().filter_map(|(field, name)| Some(((*name).to_owned(), self.get(field)?)));
        known.map(|(name, ts)| (name, ts.into())).collect()
    }
}

/// How many phones synced in the last hour, day and week, longer ago, and never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Synced {
    pub(crate) hour: usize,
    pub(crate) day: usize,
    pub(crate) week: usize,
    pub(crate) longer: usize,
    pub(crate) never: usize,
}

impl Activity {
    /// Notes that `user` wanted something at `now`, the time since 1970.
    pub(crate) fn note(&self, user: UserId, visit: Visit, now: Duration) {
        let (times, ts) = (self.times(user), now.as_secs_f64());
        times.set(CALL, ts);
        match visit {
            Visit::Call => {}
            Visit::Sync => times.set(SYNC, ts),
            Visit::Put => {
                times.set(SYNC, ts);
                times.set(PUT, ts);
            }
            Visit::Diary => times.set(DIARY, ts),
        }
        times.note();
    }

    /// Notes what `user` has sent.
    pub(crate) fn note_sent(&self, user: UserId, sent: Sent) {
        let times = self.times(user);
        if let Some(ts) = sent.location_ts {
            times.set(LOCATION, ts);
        }
        times.set(PHONE_DATA, sent.write_ts);
        times.note();
    }

    /// The fields of a profile that tell when `user` was last heard of, as far as that was noted or read back.
    pub(crate) fn fields(&self, user: UserId) -> Map<String, Value> {
        self.known(user).map(|times| times.to_fields()).unwrap_or_default()
    }

    /// How many of `users` synced when, as of `now_s`.
    pub(crate) fn synced(&self, users: usize, now_s: f64) -> Synced {
        let mut synced = Synced::default();
        let mut known = 0;
        for ts in self.users.read().expect("no writer panics").values().filter_map(|times| times.get(SYNC)) {
            known += 1;
            match now_s - ts {
                ago_s if ago_s <= 3600.0 => synced.hour += 1,
                ago_s if ago_s <= 86_400.0 => synced.day += 1,
                ago_s if ago_s <= 7.0 * 86_400.0 => synced.week += 1,
                _ => synced.longer += 1,
            }
        }
        synced.never = users.saturating_sub(known);
        synced
    }

    /// Reads back what the profiles say, but for whom there is news already. Blocks the thread.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub(crate) fn read_back(&self, store: &Store) -> Result<(), Error> {
        store.profiles(&mut |user, profile| {
            let known = FIELDS.iter().map(|name| profile.get(*name).and_then(Value::as_f64)).collect::<Vec<_>>();
            if known.iter().all(Option::is_none) {
                return;
            }
            let times = self.times(user);
            for (field, ts) in times.fields.iter().zip(known) {
                let bits = ts.unwrap_or_default().to_bits();
                // Whoever was faster knows something newer.
                let _ = field.compare_exchange(0, bits, Ordering::Relaxed, Ordering::Relaxed);
            }
        })
    }

    /// Writes to the profiles what was noted since the last time. Blocks the thread.
    ///
    /// # Errors
    /// When the directory cannot be written; then it is written the next time.
    pub(crate) fn write(&self, store: &Store) -> Result<(), Error> {
        let users = self.users.read().expect("no writer panics");
        let changed = users.iter().filter(|(_, times)| times.has_changed.swap(false, Ordering::Acquire));
        let changed: Vec<(UserId, Arc<Times>)> = changed.map(|(user, times)| (*user, Arc::clone(times))).collect();
        drop(users);
        if changed.is_empty() {
            return Ok(());
        }
        let changes: Vec<_> = changed.iter().map(|(user, times)| (*user, times.to_fields())).collect();
        let written = store.update_profiles(&changes);
        if written.is_err() {
            changed.iter().for_each(|(_, times)| times.note());
        }
        written
    }

    fn known(&self, user: UserId) -> Option<Arc<Times>> {
        self.users.read().expect("no writer panics").get(&user).cloned()
    }

    fn times(&self, user: UserId) -> Arc<Times> {
        let first = || Arc::clone(self.users.write().expect("no reader panics").entry(user).or_default());
        self.known(user).unwrap_or_else(first)
    }
}

/// What a batch tells about its phone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sent {
    /// When its last location was.
    location_ts: Option<f64>,
    /// When its last entry was written.
    write_ts: f64,
}

impl Sent {
    /// What these entries tell, in the order in which they came; `None` without any.
    pub(crate) fn of(rows: &Rows) -> Option<Self> {
        let last = rows.len().checked_sub(1)?;
        let location = (0..rows.len()).rev().find(|row| *rows.name(*row).key == *key::LOCATION);
        Some(Self { location_ts: location.and_then(|row| rows.ts(row)), write_ts: rows.write_ts(last) })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use rushhour_store::{NewRow, Options};
    use serde_json::json;

    use super::*;

    const NOON: Duration = Duration::from_secs(1_700_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn user(number: u128) -> UserId {
        UserId::parse(&format!("{number:032x}")).unwrap()
    }

    #[test]
    fn each_visit_notes_what_the_original_notes() {
        let activity = Activity::default();
        activity.note(user(1), Visit::Put, NOON);
        activity.note(user(1), Visit::Sync, NOON + HOUR);
        activity.note(user(1), Visit::Diary, NOON + 2 * HOUR);
        activity.note(user(1), Visit::Call, NOON + 3 * HOUR);
        let noon = NOON.as_secs_f64();
        let expected = json!({"last_call_ts": noon + 10_800.0, "last_sync_ts": noon + 3_600.0, "last_put_ts": noon,
            "last_diary_fetch_ts": noon + 7_200.0});
        assert_eq!(Value::Object(activity.fields(user(1))), expected);
        assert!(activity.fields(user(2)).is_empty());
    }

    #[test]
    fn phones_are_counted_by_their_last_sync() {
        let activity = Activity::default();
        let now_s = NOON.as_secs_f64();
        for (number, hours) in [(1, 0), (2, 1), (3, 2), (4, 100), (5, 1000)] {
            activity.note(user(number), Visit::Sync, NOON - hours * HOUR);
        }
        activity.note(user(6), Visit::Call, NOON);
        assert_eq!(activity.synced(8, now_s), Synced { hour: 2, day: 1, week: 1, longer: 1, never: 3 });
    }

    #[test]
    fn a_batch_without_a_location_says_nothing_about_locations() {
        let row =
            |key: &'static str, write_ts: f64, text: &'static str| NewRow { kind: "sensor-data", key, write_ts, text };
        let location = row(key::LOCATION, 5.0, r#"{"metadata":{},"data":{"ts":4.0}}"#);
        let battery = row(key::BATTERY, 7.0, r#"{"metadata":{},"data":{"ts":6.0}}"#);
        let sent = |rows: &[NewRow<'_>]| Sent::of(&Rows::parse(rows));
        assert_eq!(sent(&[location, battery]), Some(Sent { location_ts: Some(4.0), write_ts: 7.0 }));
        assert_eq!(sent(&[battery]), Some(Sent { location_ts: None, write_ts: 7.0 }));
        assert_eq!(sent(&[]), None);
    }

    #[test]
    fn what_was_written_is_read_back_and_news_win() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
        let anna = runtime.block_on(store.register("anna")).unwrap();
        let before = Activity::default();
        before.note(anna, Visit::Put, NOON);
        before.note(user(9), Visit::Put, NOON);
        before.write(&store).unwrap();
        let after = Activity::default();
        after.note(anna, Visit::Call, NOON + HOUR);
        after.read_back(&store).unwrap();
        let noon = NOON.as_secs_f64();
        let expected = json!({"last_call_ts": noon + 3_600.0, "last_sync_ts": noon, "last_put_ts": noon});
        assert_eq!(Value::Object(after.fields(anna)), expected);
        assert!(after.fields(user(9)).is_empty(), "nobody knows this user");
    }
}
