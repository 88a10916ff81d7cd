//! The append-only log: numbered segments of frames, each frame a group of uploads that became durable together.

mod committer;
mod frame;
mod mend;
mod scan;
mod segment;

pub use committer::{Ack, SYNC_BOUNDS_S, SyncTimes};
pub(crate) use committer::{Committer, Counters, Log};
pub use mend::Repaired;
pub(crate) use mend::{cut_from, recover, skip};
pub use scan::Damage;
pub(crate) use scan::{first_position, scan};
pub(crate) use segment::{Segments, Tail};

/// Where the rows of a record are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordAt {
    /// The segment's number.
    pub(crate) segment: u32,
    /// Where the record starts in the segment.
    pub(crate) offset: u32,
}

/// Where a log starts or ends: a segment, and the sequence of its next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogPosition {
    pub(crate) segment: u32,
    pub(crate) sequence: u64,
}

impl LogPosition {
    /// Where every log starts.
    pub(crate) const FIRST: Self = Self { segment: 1, sequence: 1 };
}
