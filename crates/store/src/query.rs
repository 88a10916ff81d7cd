//! What to find.

use rushhour_model::analysis::Document;
use rushhour_model::local_date::{LocalDate, local_time, zone};
use rushhour_model::record::Record;
use serde_json::{Value, json};

/// Entries of one user that match all of this.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Only these keys; all when `None`.
    pub keys: Option<Vec<String>>,
    /// The field the bounds are compared with, and the answer is sorted by.
    pub field: TimeField,
    /// The first time that matches, in seconds since 1970.
    pub from: Option<f64>,
    /// The last time that matches, in seconds since 1970.
    pub to: Option<f64>,
    /// At most this many entries, the first ones in order.
    pub entries_max: usize,
}

impl Query {
    /// Everything with these keys, in order of `write_ts`.
    pub fn all(keys: Option<Vec<String>>) -> Self {
        Self { keys, field: TimeField::WriteTs, from: None, to: None, entries_max: usize::MAX }
    }

    /// The time asked for, if `entry` has it and it matches.
    pub fn stamp_of(&self, entry: &Value) -> Option<f64> {
        let number_at = |path: &[String]| {
            let leaf = path.iter().try_fold(entry, |value, field| value.get(field))?;
            leaf.as_f64().filter(|stamp| self.is_within(*stamp))
        };
        match &self.field {
            TimeField::WriteTs => number_at(&["metadata", "write_ts"].map(str::to_owned)),
            TimeField::Path(path) => number_at(path),
            TimeField::Local(dates) => dates.stamp_of(entry),
        }
    }

    /// The time asked for, if `document` has it and it matches: mostly told without making a tree of it.
    pub fn stamp_of_document(&self, document: &Document) -> Option<f64> {
        let Document { metadata, data, .. } = document;
        let stamp = match &self.field {
            TimeField::WriteTs => metadata.write_ts.as_f64(),
            TimeField::Path(path)
                if let [part, name] = path.as_slice()
                    && part == "metadata" =>
            {
                metadata.number(name)
            }
            TimeField::Path(path)
                if let [part, name] = path.as_slice()
                    && part == "data" =>
            {
                data.number(name)
            }
            TimeField::Path(_) | TimeField::Local(_) => {
                return self.stamp_of(&json!({"metadata": metadata, "data": data}));
            }
        };
        stamp.filter(|stamp| self.is_within(*stamp))
    }

    pub(crate) fn is_within(&self, stamp: f64) -> bool {
        self.from.is_none_or(|from| from <= stamp) && self.to.is_none_or(|to| stamp <= to)
    }
}

/// A time of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeField {
    /// `metadata.write_ts`, which the index knows.
    WriteTs,
    /// A number inside the entry, such as `["data", "ts"]`. Entries without it do not match.
    Path(Vec<String>),
    /// The time beside a local date, whose parts have bounds of their own; those of the query do not count.
    Local(LocalDates),
}

/// Bounds of the parts of a local date, each on its own: it is no range of dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalDates {
    /// Where the date is in an entry of stored form, such as `["data", "local_dt"]`. In an entry without it, it follows
    /// from the time beside it, here `data.ts`, and from the entry's zone.
    pub path: Vec<String>,
    /// The bounds.
    pub parts: Vec<PartRange>,
}

/// Bounds of one part of a local date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRange {
    /// Which, such as `hour`.
    pub name: String,
    /// The first that matches.
    pub from: i64,
    /// The last that matches; when it is less than the first, the range goes round, as from 22 to 5 hours.
    pub to: i64,
}

impl PartRange {
    fn holds(&self, part: i64) -> bool {
        if self.from <= self.to { (self.from..=self.to).contains(&part) } else { part <= self.to || part >= self.from }
    }
}

impl LocalDates {
    /// The time beside the local date, if that matches.
    pub fn stamp_of(&self, entry: &Value) -> Option<f64> {
        let (name, holders) = self.path.split_last()?;
        let holder = holders.iter().try_fold(entry, |value, field| value.get(field))?;
        let stamp = holder.get(format!("{}ts", name.strip_suffix("local_dt")?))?.as_f64()?;
        let stored = holder.get(name);
        let zone = || zone(entry.pointer("/metadata/time_zone")?.as_str()?);
        let made = if stored.is_none() { local_time(stamp, &zone()?).map(|(date, _)| date) } else { None };
        let part = |range: &PartRange| match stored {
            Some(date) => date.get(&range.name)?.as_i64(),
            None => part_of(made.as_ref()?, &range.name),
        };
        self.parts.iter().all(|range| part(range).is_some_and(|part| range.holds(part))).then_some(stamp)
    }
}

fn part_of(date: &LocalDate, name: &str) -> Option<i64> {
    Some(match name {
        "year" => date.year,
        "month" => date.month,
        "day" => date.day,
        "hour" => date.hour,
        "minute" => date.minute,
        "second" => date.second,
        "weekday" => date.weekday,
        _ => return None,
    })
}

impl TimeField {
    /// Whether this is `data.ts`, whose distance from `write_ts` is known of every chunk.
    pub(crate) fn is_data_ts(&self) -> bool {
        matches!(self, Self::Path(path) if path.iter().map(String::as_str).eq(["data", "ts"]))
    }
}

/// The second of a write time, as chunks are told apart by it: times that no phone can mean are the first or last one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, as it shall")]
pub(crate) fn second_of(write_ts: f64) -> u32 {
    write_ts as u32
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(entry: &Value, path: &str, parts: &[(&str, i64, i64)], expected: Option<f64>) {
        let parts = parts.iter().map(|(name, from, to)| PartRange { name: (*name).to_owned(), from: *from, to: *to });
        let dates = LocalDates { path: path.split('.').map(str::to_owned).collect(), parts: parts.collect() };
        assert_eq!(dates.stamp_of(entry), expected, "{path}");
    }

    #[test]
    fn parts_of_a_local_date_are_compared_each_on_its_own() {
        // 2016-06-20, a Monday, 23:28 in Los Angeles.
        let data = json!({"ts": 1_466_490_491.5, "start_ts": 7.0, "start_local_dt": {"hour": 4}});
        let sent = json!({"metadata": {"time_zone": "America/Los_Angeles", "write_ts": 1_466_490_500.0}, "data": data});
        let day = [("year", 2016, 2016), ("month", 6, 6), ("day", 20, 20), ("weekday", 0, 0)];
        check(&sent, "data.local_dt", &day, Some(1_466_490_491.5));
        check(&sent, "metadata.write_local_dt", &day, Some(1_466_490_500.0));
        check(&sent, "data.local_dt", &[("hour", 22, 5)], Some(1_466_490_491.5));
        check(&sent, "data.local_dt", &[("hour", 6, 22)], None);
        check(&sent, "data.start_local_dt", &[("hour", 4, 4)], Some(7.0));
        check(&sent, "data.end_local_dt", &[], None);
        check(&sent, "metadata.write_ts", &[], None);
    }
}
