//! The directory: who there is, where their chunks are, and what was made of their entries, in redb, because all of it
//! is small and each change must be atomic.
//!
//! Everything but diaries can be made anew from the volumes ([`crate::Store::rebuild`]).

mod chapters;
mod chunks;
mod people;

pub use chapters::{ChapterKey, Rewrite, Taken};
pub(crate) use chunks::{ChunkRow, Publication, UserChange, VolumeRow};
pub(crate) use people::Person;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, RwLock};

use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase, StorageBackend, StorageError, TableDefinition,
    WriteTransaction,
};

use crate::disk::{Disk, DiskFile, is_full, write_again};
use crate::error::Error;
use crate::log::LogPosition;

/// How much of the directory is kept in memory.
const CACHE_BYTES_MAX: usize = 32 << 20;
/// Nothing is changed when the disk has less room than this, or than the directory takes, up to what is kept in memory
/// before it is written: redb takes no more after a write that found the disk full, until it is opened again.
const CHANGE_BYTES_MIN: u64 = 2 << 20;

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
const LOG_SEGMENT: &str = "log segment";
const LOG_SEQUENCE: &str = "log sequence";
const LAST_SEGMENT: &str = "last segment";
/// The version of all tables together.
const VERSION: &str = "version";
const VERSION_HERE: u64 = 1;

/// The directory's file.
pub(crate) struct Directory {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    dir: PathBuf,
    /// Its file holds the lock that keeps other processes out; the database is opened again after a failed write.
    backend: Backend,
    database: RwLock<Option<Database>>,
    /// How often the database was opened again, which loses what was not durable.
    epoch: AtomicU32,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The name of the directory's file in a store.
pub(crate) const DIRECTORY_FILE: &str = "directory.redb";

/// Is there while the directory is closed, if everything was brought to the disk.
const CLOSED_FILE: &str = "closed";

impl Directory {
    /// Opens or creates the directory.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process has it open.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, Error> {
        let path = dir.join(DIRECTORY_FILE);
        let opened = match disk.open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                disk.create(&path).and_then(|file| disk.sync_dir(dir).map(|()| file))
            }
            opened => opened,
        };
        let file = opened.map_err(Error::io("opening", &path))?;
        if !file.try_lock().map_err(Error::io("locking", &path))? {
            return Err(Error::InUse(dir.to_owned()));
        }
        let backend = Backend { file, has_failed: Arc::default() };
        let marker = dir.join(CLOSED_FILE);
        match disk.remove(&marker) {
            Ok(()) => disk.sync_dir(dir),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => backend.write_again(),
            failed => failed,
        }
        .map_err(Error::io("preparing", &path))?;
        let database = open_database(backend.clone()).map_err(failed(&path))?;
        let (epoch, database) = (AtomicU32::new(0), RwLock::new(Some(database)));
        let directory = Self { disk, path, dir: dir.to_owned(), backend, database, epoch };
        directory.prepare()?;
        Ok(directory)
    }

    /// Makes the tables that are not there.
    fn prepare(&self) -> Result<(), Error> {
        let version = self.read(|database| {
            let read = database.begin_read()?;
            match read.open_table(META) {
                Ok(meta) => Ok(meta.get(VERSION)?.map(|version| version.value())),
                Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })?;
        match version {
            Some(VERSION_HERE) => Ok(()),
            Some(other) => Err(Error::Version { path: self.path.clone(), version: other }),
            None => self.write(Durability::Immediate, |change| {
                change.open_table(META)?.insert(VERSION, VERSION_HERE)?;
                chapters::prepare(change)?;
                chunks::prepare(change)?;
                people::prepare(change)
            }),
        }
    }

    /// How much of the disk its file takes.
    pub(crate) fn bytes(&self) -> Result<u64, Error> {
        self.backend.file.taken_bytes().map_err(Error::io("measuring", &self.path))
    }

    /// How much room a change may take.
    pub(crate) fn change_bytes(&self) -> Result<u64, Error> {
        Ok(self.bytes()?.clamp(CHANGE_BYTES_MIN, CACHE_BYTES_MAX as u64))
    }

    /// Makes the file as short as it can be. Everybody else waits.
    pub(crate) fn compact(&self) -> Result<(), Error> {
        let mut database = self.database.write().expect("no holder panics");
        let compacted = database.as_mut().map(Database::compact).transpose();
        compacted.map_err(|error| failed(&self.path)(error.into()))?;
        Ok(())
    }

    /// Which opening of the database this is.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Where the log starts; what is before was sealed.
    pub(crate) fn log_start(&self) -> Result<LogPosition, Error> {
        self.read(|database| {
            let meta = database.begin_read()?.open_table(META)?;
            let segment = meta.get(LOG_SEGMENT)?.and_then(|segment| u32::try_from(segment.value()).ok());
            let sequence = meta.get(LOG_SEQUENCE)?.map(|sequence| sequence.value());
            let first = LogPosition::FIRST;
            let (segment, sequence) = (segment.unwrap_or(first.segment), sequence.unwrap_or(first.sequence));
            Ok(LogPosition { segment, sequence })
        })
    }

    /// Notes that everything in the log before `start` was sealed.
    pub(crate) fn set_log_start(&self, start: LogPosition) -> Result<(), Error> {
        self.write(Durability::Immediate, |change| {
            let mut meta = change.open_table(META)?;
            meta.insert(LOG_SEGMENT, u64::from(start.segment))?;
            meta.insert(LOG_SEQUENCE, start.sequence)?;
            Ok(())
        })
    }

    /// The last segment of the log that was noted; zero before any was.
    pub(crate) fn last_segment(&self) -> Result<u32, Error> {
        self.read(|database| {
            let meta = database.begin_read()?.open_table(META)?;
            let last = meta.get(LAST_SEGMENT)?.and_then(|last| u32::try_from(last.value()).ok());
            Ok(last.unwrap_or_default())
        })
    }

    /// Notes that the log had this segment, so that it will be missed.
    pub(crate) fn set_last_segment(&self, last: u32) -> Result<(), Error> {
        self.write(Durability::Immediate, |change| {
            change.open_table(META)?.insert(LAST_SEGMENT, u64::from(last))?;
            Ok(())
        })
    }

    /// Makes all changes so far durable.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.write(Durability::Immediate, |_| Ok(()))
    }

    fn read<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Error> {
        let database = self.database.read().expect("no holder panics");
        let Some(open) = database.as_ref() else {
            drop(database);
            return Err(self.reopen());
        };
        let outcome = work(open);
        drop(database);
        outcome.map_err(|error| self.recover(error))
    }

    fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        let room = self.change_bytes()?;
        if self.disk.free_bytes(&self.dir).map_err(Error::io("asking for room in", &self.dir))? < room {
            return Err(Error::full(&self.path, room));
        }
        self.read(|database| {
            let mut change = database.begin_write()?;
            change.set_durability(durability)?;
            let done = work(&change)?;
            change.commit()?;
            Ok(done)
        })
    }

    /// After a failed read or write redb refuses everything until it is opened again.
    fn recover(&self, error: redb::Error) -> Error {
        match &error {
            redb::Error::PreviousIo => self.reopen(),
            redb::Error::Io(source) => {
                let is_full = is_full(source);
                let reopened = self.reopen();
                match (is_full, reopened) {
                    (true, _) => Error::full(&self.path, CHANGE_BYTES_MIN),
                    (false, Error::Reopened) => failed(&self.path)(error),
                    (false, other) => other,
                }
            }
            _ => failed(&self.path)(error),
        }
    }

    /// Opens the database again. What was not durable is gone, which [`epoch`](Self::epoch) tells.
    fn reopen(&self) -> Error {
        let mut held = self.database.write().expect("no holder panics");
        drop(held.take());
        let written = self.backend.write_again().map_err(redb::Error::Io);
        match written.and_then(|()| open_database(self.backend.clone())) {
            Ok(opened) => {
                *held = Some(opened);
                self.epoch.fetch_add(1, Ordering::AcqRel);
                Error::Reopened
            }
            Err(error) => failed(&self.path)(error),
        }
    }
}

impl Drop for Directory {
    /// Notes that everything was brought to the disk, if it was.
    fn drop(&mut self) {
        drop(self.database.get_mut().expect("no holder panics").take());
        if !self.backend.has_failed.load(Ordering::Acquire) {
            // Without the note the next opening takes a moment longer.
            let _ = self.disk.create(&self.dir.join(CLOSED_FILE)).and_then(|_| self.disk.sync_dir(&self.dir));
        }
    }
}

fn open_database(backend: Backend) -> Result<Database, redb::Error> {
    let opened = Builder::new().set_cache_size(CACHE_BYTES_MAX).create_with_backend(backend);
    opened.map_err(|error| match error {
        DatabaseError::Storage(StorageError::Io(error)) => redb::Error::Io(error),
        error => error.into(),
    })
}

/// redb's view of the file.
#[derive(Clone, Debug)]
struct Backend {
    file: Arc<dyn DiskFile>,
    /// Whether a change or a sync has failed.
    has_failed: Arc<AtomicBool>,
}

impl Backend {
    /// Makes durable what is read from the file: it was not closed well, and perhaps a sync had failed.
    fn write_again(&self) -> Result<(), std::io::Error> {
        write_again(&*self.file, self.file.len()?)?;
        self.has_failed.store(false, Ordering::Release);
        Ok(())
    }

    fn note<T>(&self, outcome: Result<T, std::io::Error>) -> Result<T, std::io::Error> {
        if outcome.is_err() {
            self.has_failed.store(true, Ordering::Release);
        }
        outcome
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> Result<u64, std::io::Error> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        self.file.read_at(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
        // It doubles the file when it needs another page. What it does not write takes no room.
        self.note(self.file.set_len(len))
    }

    fn sync_data(&self) -> Result<(), std::io::Error> {
        self.note(self.file.sync())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        self.note(self.file.write_at(offset, data))
    }
}

fn failed(path: &Path) -> impl FnOnce(redb::Error) -> Error {
    move |source| Error::Directory { path: path.to_owned(), source: Arc::new(source) }
}

#[cfg(test)]
mod tests {
    use rushhour_model::ids::UserId;
    use uuid::Uuid;

    use super::*;
    use crate::disk::LocalDisk;

    #[test]
    fn a_directory_that_doubles_its_file_takes_no_room_for_what_is_not_in_it() {
        const GROWN_BYTES: u64 = 16 << 20;
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::open(Arc::new(LocalDisk), dir.path()).unwrap();
        let length = || directory.backend.file.len().unwrap();
        for first in (0..1_000_000_u128).step_by(2_000).take_while(|_| length() < GROWN_BYTES) {
            let some = (first..first + 2_000).map(|id| (format!("somebody-{id}"), UserId(Uuid::from_u128(id))));
            directory.register(&some.collect::<Vec<_>>()).unwrap();
        }
        assert!(length() >= GROWN_BYTES && directory.bytes().unwrap() < GROWN_BYTES * 3 / 4);
    }
}
