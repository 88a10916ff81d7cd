//! Keeps and finds entries: an append-only log in front, sealed chunks behind it, a small directory beside them.
//!
//! An upload that [`Store::append`] acknowledged is on the disk: it survives `kill -9` and power loss, and a re-sent
//! entry replaces itself, because an entry is identified by user, type, key and `write_ts` and the last write wins.
//! [`Store::maintain`] moves what is old from the log into chunks, one per user and day, a hundredth of the size of the
//! JSON. This crate knows neither HTTP nor trips.
//!
//! It is not a general database: values are never changed in place, and only uploads and chunks are indexed, not entries.

mod bulk;
mod chunk;
mod clock;
mod core;
mod directory;
mod disk;
mod erase;
mod error;
mod figures;
mod hot;
mod inventory;
mod key_set;
mod log;
mod maintain;
mod open;
mod pending;
mod profiles;
mod query;
mod read;
mod repair;
mod room;
mod seal;
mod store;
mod upload;
mod verify;
mod volume;

pub use chunk::NewRow;
pub use clock::{Clock, steady_time};
pub use directory::{ChapterKey, Rewrite, Taken};
pub use disk::{Disk, DiskFile, LocalDisk};
pub use erase::Erased;
pub use error::Error;
pub use figures::Sizes;
pub use inventory::{Inventory, KeyUsage, PersonUsage};
pub use log::{Ack, Damage, Repaired, SYNC_BOUNDS_S, SyncTimes};
pub use maintain::{Maintained, Policy};
pub use open::{IosRounding, Options};
pub use query::{LocalDates, PartRange, Query, TimeField};
pub use read::{Changes, EntryRef, Found, Fresh, Position, Reading};
pub use repair::{Rebuilt, Repair};
pub use store::{Stat, Store, blocking};
pub use upload::Upload;
pub use verify::{Flaw, Usage, Verified};
