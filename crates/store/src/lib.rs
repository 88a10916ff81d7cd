//! Keeps and finds entries: an append-only log in front, an index in memory, a small directory beside it.
//!
//! An upload that [`Store::append`] acknowledged is on the disk: it survives `kill -9` and power loss, and a re-sent
//! entry replaces itself, because an entry is identified by user, type, key and `write_ts` and the last write wins.
//! This crate knows neither HTTP nor trips.
//!
//! It is not a general database: values are never changed in place, and every entry is indexed in memory.

mod diary;
mod directory;
mod error;
mod index;
mod log;
mod pending;
mod query;
mod rows;
mod store;

pub use diary::{ChapterKey, Rewrite, Taken};
pub use error::Error;
pub use log::Sync;
pub use query::{Query, TimeField};
pub use rows::{NewRow, Upload};
pub use store::{Found, Fresh, Options, Stat, Store, blocking};
