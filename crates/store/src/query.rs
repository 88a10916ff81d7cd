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
