//! Inputs: what people say about their trips and places, and which trip or place they mean.

use rushhour_model::entry::seconds;
use rushhour_model::extended_json::ObjectId;
use rushhour_model::stored::StoredEntry;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// An input may end this long after its trip (upstream's `emcommon`).
const LATE_S_MAX: f64 = 900.0;
/// An input that ends later belongs to what it overlaps by more than this share.
const OVERLAP_MIN: f64 = 0.5;

/// One of a person's inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The entry's id.
    pub id: ObjectId,
    /// Its key, such as `manual/mode_confirm`.
    pub key: String,
    /// When it was written, in seconds since 1970.
    pub write_ts: f64,
    /// When what it is about starts, in seconds since 1970.
    pub start_ts: f64,
    /// When that ends, in seconds since 1970.
    pub end_ts: f64,
    /// The label.
    pub label: Option<String>,
    /// The same for all versions of one addition.
    pub match_id: Option<String>,
    /// Whether it takes an addition back.
    pub is_deleted: bool,
    /// The whole entry in stored form, as JSON.
    pub entry: String,
}

impl Input {
    pub(crate) fn read(id: ObjectId, mut entry: StoredEntry) -> Result<Self, String> {
        entry.id = Some(id);
        let number = |name: &str| {
            let number = entry.data.get(name).and_then(Value::as_number);
            number.map(|number: &Number| seconds(number)).ok_or(format!("`data.{name}` is not a number"))
        };
        let text = |name: &str| entry.data.get(name).and_then(Value::as_str).map(str::to_owned);
        let (start_ts, end_ts) = (number("start_ts")?, number("end_ts")?);
        Ok(Self {
            id,
            key: entry.metadata.key.clone(),
            write_ts: seconds(&entry.metadata.write_ts),
            start_ts,
            end_ts,
            label: text("label"),
            match_id: text("match_id"),
            is_deleted: text("status").as_deref() == Some("DELETED"),
            entry: serde_json::to_string(&entry).map_err(|error| error.to_string())?,
        })
    }

    /// The key without its first part: what the input is called in documents.
    pub fn name(&self) -> &str {
        self.key.split_once('/').map_or(&self.key, |(_, name)| name)
    }

    /// Whether it is one of several additions, of which none replaces another.
    pub fn is_addition(&self) -> bool {
        self.key.ends_with("_addition_input")
    }

    /// Whether it is about a place.
    pub fn is_about_place(&self) -> bool {
        self.key.starts_with("manual/place_")
    }

    /// Whether it is about what lasts from `start_ts` to `end_ts`, behind which the next such thing ends at `next_end_ts`.
    pub(crate) fn is_about(&self, start_ts: f64, end_ts: f64, next_end_ts: Option<f64>) -> bool {
        if self.start_ts < start_ts || self.start_ts >= end_ts {
            return false;
        }
        if self.end_ts <= end_ts + LATE_S_MAX {
            return true;
        }
        let overlap_s = self.end_ts.min(end_ts) - self.start_ts;
        let is_covered = next_end_ts.is_some_and(|next| self.end_ts <= next);
        is_covered && overlap_s / (self.end_ts - self.start_ts) > OVERLAP_MIN
    }
}

/// What was said about one thing.
#[derive(Debug, Default)]
pub(crate) struct Said<'a> {
    /// The latest input of each kind.
    pub(crate) latest: Vec<&'a Input>,
    /// Every addition that was not taken back, by the time of writing.
    pub(crate) additions: Vec<&'a Input>,
}

impl<'a> Said<'a> {
    pub(crate) fn of(inputs: impl Iterator<Item = &'a Input>) -> Self {
        let mut inputs: Vec<&Input> = inputs.collect();
        inputs.sort_by(|one, other| one.write_ts.total_cmp(&other.write_ts).then_with(|| one.id.cmp(&other.id)));
        let mut said = Self::default();
        for input in inputs {
            if input.is_addition() {
                said.additions.retain(|other| other.match_id.is_none() || other.match_id != input.match_id);
                said.additions.push(input);
            } else {
                said.latest.retain(|other| other.key != input.key);
                said.latest.push(input);
            }
        }
        said.additions.retain(|addition| !addition.is_deleted);
        said
    }
}
