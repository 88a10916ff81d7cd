//! Stored entries as tables: `parquet/TABLE/users-….parquet`, twenty people to a file.
//!
//! Locations, motion activity and transitions have tables of their own; whatever else there is stands in `entry` with its
//! data as JSON, and so does one of those three that lacks a column. Times are UTC, numbers those of the stored form.

use std::iter::once;
use std::ops::Range;

use serde_json::Value;

use crate::error::Error;
use crate::folder::Folder;
pub use crate::forms::BLOCK_USERS;
use crate::forms::tables::table::{Rows, Table};

const LOCATION: &str = "message location {
    required int32 user;
    required binary platform (utf8);
    required binary time_zone (utf8);
    required int64 write_ts (timestamp(micros, true));
    required int64 ts (timestamp(micros, true));
    required boolean filtered;
    required double latitude;
    required double longitude;
    optional double altitude_m;
    optional double accuracy_m;
    optional double vaccuracy_m;
    optional double speed_m_s;
    optional double heading_deg;
}";

const MOTION: &str = "message motion_activity {
    required int32 user;
    required binary platform (utf8);
    required binary time_zone (utf8);
    required int64 write_ts (timestamp(micros, true));
    required int64 ts (timestamp(micros, true));
    required int32 type;
    required int32 confidence;
}";

const TRANSITION: &str = "message transition {
    required int32 user;
    required binary platform (utf8);
    required binary time_zone (utf8);
    required int64 write_ts (timestamp(micros, true));
    required int32 curr_state;
    required int32 transition;
}";

const ENTRY: &str = "message entry {
    required int32 user;
    required binary platform (utf8);
    required binary time_zone (utf8);
    required int64 write_ts (timestamp(micros, true));
    required binary key (utf8);
    required binary data (utf8);
}";

/// The tables of some people.
pub struct EntryTables<'a> {
    locations: Table<'a>,
    motions: Table<'a>,
    transitions: Table<'a>,
    entries: Table<'a>,
}

impl<'a> EntryTables<'a> {
    /// Empty tables of `users`, who are counted from 0.
    pub fn new(folder: &'a Folder, users: &Range<u32>) -> Self {
        let table = |schema| Table::new(folder, users, schema);
        Self {
            locations: table(LOCATION),
            motions: table(MOTION),
            transitions: table(TRANSITION),
            entries: table(ENTRY),
        }
    }

    /// Adds an entry in stored form.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn add(&mut self, user: u32, entry: &Value) -> Result<(), Error> {
        let head = Head::of(user, entry);
        let is_told = match head.key {
            "background/location" | "background/filtered_location" => self.add_location(&head, entry),
            "background/motion_activity" => self.add_motion(&head, entry),
            "statemachine/transition" => self.add_transition(&head, entry),
            _ => None,
        };
        if is_told.is_none() {
            let mut columns = head.write(&mut self.entries);
            columns.texts(once(head.key));
            columns.texts(once(entry.get("data").unwrap_or(&Value::Null).to_string().into_bytes()));
        }
        let Self { locations, motions, transitions, entries } = self;
        [locations, motions, transitions, entries].into_iter().try_for_each(Table::flush_if_full)
    }

    fn add_location(&mut self, head: &Head<'_>, entry: &Value) -> Option<()> {
        let number = |field: &str| entry.pointer("/data")?.get(field)?.as_f64();
        let (ts, latitude, longitude) = (number("ts")?, number("latitude")?, number("longitude")?);
        let mut columns = head.write(&mut self.locations);
        columns.int64(once(micros(ts)));
        columns.boolean(once(head.key == "background/filtered_location"));
        columns.double(once(latitude));
        columns.double(once(longitude));
        for field in ["altitude", "accuracy", "vaccuracy", "sensed_speed", "heading"] {
            columns.optional_double(once(number(field)));
        }
        Some(())
    }

    fn add_motion(&mut self, head: &Head<'_>, entry: &Value) -> Option<()> {
        let ts = entry.pointer("/data/ts")?.as_f64()?;
        let [activity, confidence] = [whole(entry, "type")?, whole(entry, "confidence")?];
        let mut columns = head.write(&mut self.motions);
        columns.int64(once(micros(ts)));
        columns.int32(once(activity));
        columns.int32(once(confidence));
        Some(())
    }

    fn add_transition(&mut self, head: &Head<'_>, entry: &Value) -> Option<()> {
        let [state, step] = [whole(entry, "curr_state")?, whole(entry, "transition")?];
        let mut columns = head.write(&mut self.transitions);
        columns.int32(once(state));
        columns.int32(once(step));
        Some(())
    }

    /// Writes what is held, and ends the files.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        let Self { locations, motions, transitions, entries } = self;
        [locations, motions, transitions, entries].into_iter().try_for_each(Table::finish)
    }
}

/// The columns that every table begins with, and the key.
struct Head<'a> {
    user: i32,
    platform: &'a str,
    time_zone: &'a str,
    write_ts: f64,
    key: &'a str,
}

impl<'a> Head<'a> {
    fn of(user: u32, entry: &'a Value) -> Self {
        let metadata = |field: &str| entry.get("metadata").and_then(|metadata| metadata.get(field));
        let text = |field: &str| metadata(field).and_then(Value::as_str).unwrap_or_default();
        Self {
            user: i32::try_from(user).expect("people are counted in a few bits less"),
            platform: text("platform"),
            time_zone: text("time_zone"),
            write_ts: metadata("write_ts").and_then(Value::as_f64).unwrap_or_default(),
            key: text("key"),
        }
    }

    fn write<'t>(&self, table: &'t mut Table<'_>) -> Rows<'t> {
        let mut columns = table.rows(1);
        columns.int32(once(self.user));
        columns.texts(once(self.platform));
        columns.texts(once(self.time_zone));
        columns.int64(once(micros(self.write_ts)));
        columns
    }
}

fn whole(entry: &Value, field: &str) -> Option<i32> {
    entry.pointer("/data")?.get(field)?.as_i64()?.try_into().ok()
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, at times that no phone means")]
fn micros(ts: f64) -> i64 {
    (ts * 1e6).round() as i64
}
