//! The rows of records and chunks, and which of them are one entry.

use std::cmp::Ordering;

pub use rushhour_chunk::NewRow;
pub(crate) use rushhour_chunk::Rows;

/// The order of identities: two rows that are equal in it are one entry.
pub(crate) fn by_identity(one: (&Rows, usize), other: (&Rows, usize)) -> Ordering {
    let (name, other_name) = (one.0.name(one.1), other.0.name(other.1));
    // `-0.0` and `0.0` are one time.
    let stamps = || (one.0.write_ts(one.1) + 0.0).total_cmp(&(other.0.write_ts(other.1) + 0.0));
    // Most often it is the very same name.
    let names = if std::ptr::eq(name, other_name) { Ordering::Equal } else { name.cmp(other_name) };
    names.then_with(stamps)
}
