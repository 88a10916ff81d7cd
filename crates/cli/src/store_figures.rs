//! What a store takes, by key, by kind of phone and by user, and what the study would take at this rate.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use rushhour_model::local_date::{local_time, zone};
use rushhour_store::{Inventory, KeyUsage, PersonUsage, Usage};
use serde_json::Value;

/// The study: 10,000 people for half a year.
pub(crate) const STUDY_USER_DAYS: f64 = 10_000.0 * 182.5;
/// What the study's disk has room for.
pub(crate) const STUDY_BYTES_MAX: f64 = 10e9;

/// By key; the keys with few entries, which share a stream, are [`OTHER_KEYS`].
pub(crate) type Keys = BTreeMap<String, KeyUsage>;
const OTHER_KEYS: &str = "other keys";

/// What a store takes.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) usage: Usage,
    /// Everybody.
    pub(crate) all: Group,
    /// By kind of phone.
    pub(crate) platforms: BTreeMap<String, Group>,
    /// How many chunks have which version.
    pub(crate) versions: BTreeMap<u8, u64>,
    /// How many chunks have entries that were rounded.
    pub(crate) rounded_chunks: u64,
    /// Those who take the most.
    pub(crate) top: Vec<Person>,
}

/// Some people.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) users: u64,
    pub(crate) user_days: u64,
    pub(crate) entries: u64,
    /// Bytes of their chunks, with what frames them.
    pub(crate) chunk_bytes: u64,
    pub(crate) keys: Keys,
}

/// Somebody.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) usage: PersonUsage,
    pub(crate) platform: String,
    pub(crate) days: u64,
}

impl Figures {
    /// Adds up what everybody takes, and keeps the `top` who take the most.
    pub(crate) fn of(usage: Usage, inventory: Inventory, top: usize) -> Self {
        let Inventory { people, versions, rounded_chunks } = inventory;
        let (all, platforms) = (Group::default(), BTreeMap::new());
        let mut figures = Self { usage, all, platforms, versions, rounded_chunks, top: Vec::new() };
        let mut people: Vec<Person> = people.into_iter().map(Person::of).collect();
        for person in &people {
            figures.all.add(person);
            figures.platforms.entry(person.platform.clone()).or_default().add(person);
        }
        people.sort_by_key(|person| std::cmp::Reverse((person.usage.chunk_bytes, person.usage.log_bytes)));
        people.truncate(top);
        figures.top = people;
        figures
    }

    /// Everything on the disk, divided by the entries.
    pub(crate) fn bytes_per_entry(&self) -> f64 {
        per(self.usage.total(), self.all.entries)
    }

    /// Everything on the disk, divided by the user-days.
    pub(crate) fn bytes_per_user_day(&self) -> f64 {
        per(self.usage.total(), self.all.user_days)
    }

    /// What the study would take.
    pub(crate) fn study_bytes(&self) -> f64 {
        self.bytes_per_user_day() * STUDY_USER_DAYS
    }
}

/// A share; 0 of nothing.
pub(crate) fn per(bytes: u64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { bytes as f64 / count as f64 }
}

impl Group {
    fn add(&mut self, person: &Person) {
        self.users += 1;
        self.user_days += person.days;
        self.entries += person.usage.entries;
        self.chunk_bytes += person.usage.chunk_bytes;
        for (key, more) in &person.usage.keys {
            let name = key.clone().unwrap_or_else(|| OTHER_KEYS.to_owned());
            let sum = self.keys.entry(name).or_default();
            sum.entries += more.entries;
            sum.bytes += more.bytes;
        }
    }

    /// What the streams of a chunk share, and what frames chunks.
    pub(crate) fn shared_bytes(&self) -> u64 {
        self.chunk_bytes - self.keys.values().map(|key| key.bytes).sum::<u64>()
    }
}

impl Person {
    fn of(usage: PersonUsage) -> Self {
        let sample: Value =
            usage.sample.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let text = |path: &str| sample.pointer(path).and_then(Value::as_str);
        let platform = text("/metadata/platform").unwrap_or("unknown").to_owned();
        let zone = text("/metadata/time_zone").and_then(zone).unwrap_or(TimeZone::UTC);
        // A span is within a day of UTC, so both of its ends are all dates that it has.
        let dates = usage.spans.iter().flat_map(|(first, last)| [*first, *last]).map(|second| {
            let date = local_time(second.into(), &zone).map(|(date, _)| (date.year, date.month, date.day));
            date.unwrap_or_default()
        });
        let days = dates.collect::<BTreeSet<_>>().len() as u64;
        Self { usage, platform, days }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_day_is_a_date_on_the_phones_clock() {
        let check = |zone: &str, spans: &[(u32, u32)], days: u64| {
            let sample = Some(format!(r#"{{"metadata":{{"platform":"ios","time_zone":"{zone}"}}}}"#));
            let (user, tokens) = (rushhour_model::ids::UserId(Default::default()), Vec::new());
            let (keys, spans) = (BTreeMap::new(), spans.to_vec());
            let usage =
                PersonUsage { user, tokens, entries: 1, chunks: 1, chunk_bytes: 9, log_bytes: 0, keys, spans, sample };
            let person = Person::of(usage);
            assert_eq!((person.platform.as_str(), person.days), ("ios", days));
        };
        // From 16:00 to 15:59 in Los Angeles: two dates, of which the next day of UTC has the second one again.
        check("UTC", &[(86_400 * 9, 86_400 * 10 - 1)], 1);
        check("America/Los_Angeles", &[(86_400 * 9, 86_400 * 10 - 1)], 2);
        check("America/Los_Angeles", &[(86_400 * 9, 86_400 * 10 - 1), (86_400 * 10, 86_400 * 10 + 5)], 2);
        check("Mars/Olympus", &[], 0);
    }
}
