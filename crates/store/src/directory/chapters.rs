//! Diaries: what was made of a user's entries, in chapters, and how far the entries have been taken in.
//!
//! The store knows of a chapter only where it stands and what its bytes are. Chapters and progress change in one
//! transaction, so entries are taken in exactly once: after a crash both are as they were before or after a change. A
//! change may be lost in a crash; then its entries, which are in the log, are taken in again.

use std::ops::ControlFlow;

use redb::{Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};

use crate::directory::Directory;
use crate::error::Error;

const CHAPTERS: TableDefinition<(u32, u64, u64), &[u8]> = TableDefinition::new("chapters");
/// How many uploads of a user were taken in, and the caller's own state.
const PROGRESS: TableDefinition<u32, (u32, &[u8])> = TableDefinition::new("progress");

/// Where a chapter stands among a user's: by two times, each in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChapterKey(u64, u64);

impl ChapterKey {
    /// Before all others.
    pub const FIRST: Self = Self(0, 0);
    /// Behind all others.
    pub const END: Self = Self(u64::MAX, u64::MAX);

    /// A chapter that starts at `ts`; of two that start together, the one that was written first comes first.
    pub fn at(ts: f64, write_ts: f64) -> Self {
        Self(ordered(ts), ordered(write_ts))
    }
}

/// The bits of a float, in the order of the floats.
fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if value.is_sign_negative() { !bits } else { bits | 1 << 63 }
}

/// How far a user's entries have been taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many uploads.
    pub(crate) uploads: u32,
    /// The opening of the directory that this follows from.
    pub(crate) epoch: u32,
}

/// A change of a diary.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// All chapters from here on go.
    pub from: ChapterKey,
    /// These take their places, and those of others with the same keys.
    pub chapters: Vec<(ChapterKey, Vec<u8>)>,
    /// How far entries have been taken in; `None` leaves it.
    pub taken: Option<Taken>,
    /// The caller's own state.
    pub state: Vec<u8>,
}

pub(super) fn prepare(change: &WriteTransaction) -> Result<(), redb::Error> {
    change.open_table(CHAPTERS)?;
    change.open_table(PROGRESS)?;
    Ok(())
}

/// Forgets a user's diary.
pub(super) fn forget(change: &WriteTransaction, user: u32) -> Result<(), redb::Error> {
    change.open_table(CHAPTERS)?.retain_in((user, 0, 0)..=(user, u64::MAX, u64::MAX), |_, _| false)?;
    change.open_table(PROGRESS)?.remove(user)?;
    Ok(())
}

impl Directory {
    /// How many uploads of each user have been taken in.
    pub(crate) fn progress(&self) -> Result<Vec<(u32, u32)>, Error> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(PROGRESS)?;
            let rows = table.iter()?.map(|row| {
                let (user, progress) = row?;
                Ok((user.value(), progress.value().0))
            });
            rows.collect()
        })
    }

    /// How many bytes of the directory's file diaries take.
    pub(crate) fn diary_bytes(&self) -> Result<u64, Error> {
        self.read(|database| {
            let read = database.begin_read()?;
            let (chapters, progress) = (read.open_table(CHAPTERS)?.stats()?, read.open_table(PROGRESS)?.stats()?);
            let bytes =
                |stats: redb::TableStats| stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
            Ok(bytes(chapters) + bytes(progress))
        })
    }

    /// The caller's state.
    pub(crate) fn diary_state(&self, user: u32) -> Result<Option<Vec<u8>>, Error> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(PROGRESS)?;
            Ok(table.get(user)?.map(|row| row.value().1.to_vec()))
        })
    }

    /// Shows chapters in order, from the last that stands at or before `from`, until `visit` has seen enough.
    pub(crate) fn chapters(
        &self,
        user: u32,
        from: ChapterKey,
        visit: &mut dyn FnMut(ChapterKey, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(CHAPTERS)?;
            let before = table.range((user, 0, 0)..=(user, from.0, from.1))?.next_back().transpose()?;
            let first = before.map_or((user, from.0, from.1), |(at, _)| at.value());
            for row in table.range(first..=(user, u64::MAX, u64::MAX))? {
                let (at, bytes) = row?;
                let (_, ts, write_ts) = at.value();
                if visit(ChapterKey(ts, write_ts), bytes.value()).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Shows chapters from the last to the first, until `visit` has seen enough.
    pub(crate) fn chapters_backward(
        &self,
        user: u32,
        visit: &mut dyn FnMut(ChapterKey, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(CHAPTERS)?;
            for row in table.range((user, 0, 0)..=(user, u64::MAX, u64::MAX))?.rev() {
                let (at, bytes) = row?;
                let (_, ts, write_ts) = at.value();
                if visit(ChapterKey(ts, write_ts), bytes.value()).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Changes a diary; a crash before the next [`sync`](Self::sync) loses the change as a whole.
    pub(crate) fn rewrite(&self, user: u32, change: &Rewrite) -> Result<(), Error> {
        if change.taken.is_some_and(|taken| taken.epoch != self.epoch()) {
            return Err(Error::Reopened);
        }
        self.write(Durability::None, |transaction| {
            let mut chapters = transaction.open_table(CHAPTERS)?;
            chapters.retain_in((user, change.from.0, change.from.1)..=(user, u64::MAX, u64::MAX), |_, _| false)?;
            for (at, bytes) in &change.chapters {
                chapters.insert((user, at.0, at.1), bytes.as_slice())?;
            }
            let mut progress = transaction.open_table(PROGRESS)?;
            let known = progress.get(user)?.map(|row| row.value().0);
            let taken = change.taken.map(|taken| taken.uploads).or(known).unwrap_or_default();
            progress.insert(user, (taken, change.state.as_slice()))?;
            Ok(())
        })
    }
}
