//! Diaries: what was made of a user's entries, in chapters, and how far the entries have been taken in.
//!
//! The store knows of a chapter only where it stands and what its bytes are. Chapters and progress change in one
//! transaction, so entries are taken in exactly once: after a crash both are as they were before or after a change. A
//! change may be lost in a crash; then its entries, which are in the log, are taken in again.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use rushhour_model::ids::UserId;
use uuid::Uuid;

use crate::error::Error;
use crate::log::RecordAt;

type ChapterAt = (u128, u64, u64);

const CHAPTERS: TableDefinition<ChapterAt, &[u8]> = TableDefinition::new("chapters");
/// The last record that was taken in, as segment and offset, and the caller's own state.
const PROGRESS: TableDefinition<u128, (u32, u32, &[u8])> = TableDefinition::new("progress");

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    pub(crate) segment: u32,
    pub(crate) offset: u32,
}

impl Taken {
    pub(crate) fn of(at: RecordAt) -> Self {
        Self { segment: at.segment, offset: at.offset }
    }
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

/// The diaries' tables.
#[derive(Debug)]
pub(crate) struct Diaries {
    database: Database,
    path: PathBuf,
}

impl Diaries {
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("diaries.redb");
        let database = Database::create(&path)
            .map_err(|error| Error::Directory { path: path.clone(), source: Arc::new(error.into()) })?;
        let diaries = Self { database, path };
        diaries.attempt(|database| {
            let change = database.begin_write()?;
            change.open_table(CHAPTERS)?;
            change.open_table(PROGRESS)?;
            Ok(change.commit()?)
        })?;
        Ok(diaries)
    }

    /// How far each user's entries have been taken in.
    pub(crate) fn progress(&self) -> Result<Vec<(UserId, Taken)>, Error> {
        self.attempt(|database| {
            let table = database.begin_read()?.open_table(PROGRESS)?;
            let rows = table.iter()?.map(|row| {
                let (user, progress) = row?;
                let (segment, offset, _) = progress.value();
                Ok((UserId(Uuid::from_u128(user.value())), Taken { segment, offset }))
            });
            rows.collect()
        })
    }

    /// The caller's state.
    pub(crate) fn state(&self, user: UserId) -> Result<Option<Vec<u8>>, Error> {
        self.attempt(|database| {
            let table = database.begin_read()?.open_table(PROGRESS)?;
            Ok(table.get(user.0.as_u128())?.map(|row| row.value().2.to_vec()))
        })
    }

    /// Shows chapters in order, from the last that stands at or before `from`, until `visit` has seen enough.
    pub(crate) fn forward(
        &self,
        user: UserId,
        from: ChapterKey,
        visit: &mut dyn FnMut(ChapterKey, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let user = user.0.as_u128();
        self.attempt(|database| {
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
    pub(crate) fn backward(
        &self,
        user: UserId,
        visit: &mut dyn FnMut(ChapterKey, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let user = user.0.as_u128();
        self.attempt(|database| {
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

    /// Changes a diary.
    pub(crate) fn rewrite(&self, user: UserId, change: &Rewrite) -> Result<(), Error> {
        let user = user.0.as_u128();
        self.write(Durability::None, |transaction| {
            let mut chapters = transaction.open_table(CHAPTERS)?;
            chapters.retain_in((user, change.from.0, change.from.1)..=(user, u64::MAX, u64::MAX), |_, _| false)?;
            for (at, bytes) in &change.chapters {
                chapters.insert((user, at.0, at.1), bytes.as_slice())?;
            }
            let mut progress = transaction.open_table(PROGRESS)?;
            let known = progress.get(user)?.map(|row| (row.value().0, row.value().1));
            let (segment, offset) =
                change.taken.map(|taken| (taken.segment, taken.offset)).or(known).unwrap_or_default();
            progress.insert(user, (segment, offset, change.state.as_slice()))?;
            Ok(())
        })
    }

    /// Makes all changes so far durable.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.write(Durability::Immediate, |_| Ok(()))
    }

    fn write(
        &self,
        durability: Durability,
        work: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), Error> {
        self.attempt(|database| {
            let mut transaction = database.begin_write()?;
            transaction.set_durability(durability)?;
            work(&transaction)?;
            Ok(transaction.commit()?)
        })
    }

    fn attempt<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Error> {
        work(&self.database).map_err(|source| Error::Directory { path: self.path.clone(), source: Arc::new(source) })
    }
}
