//! The rows of records and chunks, and which of them are one entry.

pub use rushhour_chunk::NewRow;
pub(crate) use rushhour_chunk::{Rows, by_identity, by_time};
