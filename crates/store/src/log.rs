//! The append-only log: numbered segments of frames, each frame a group of uploads that became durable together.

mod committer;
mod frame;
mod recovery;
mod segment;

pub use committer::Sync;
pub(crate) use committer::{Committer, Counters, Log};
pub(crate) use recovery::recover;
pub(crate) use segment::Segments;

use crate::rows::Shape;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RecordAt {
    /// The segment's number.
    pub(crate) segment: u32,
    /// Where the packed part starts in the segment.
    pub(crate) offset: u32,
    /// How to unpack it.
    pub(crate) shape: Shape,
}
