//! What to find.

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
