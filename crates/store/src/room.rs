//! Room on the disk: the log leaves as much of it free as sealing may take, so that a disk fills with what is sealed and
//! not with what waits for that.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::disk::Disk;
use crate::error::Error;
use crate::log::Segments;

/// What is free on the store's disk, and who may have it.
#[derive(Debug)]
pub(crate) struct Room {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segments: Arc<Segments>,
    /// What is kept for a change of the directory and a volume that is written anew, as of the last maintenance.
    kept_bytes: AtomicU64,
    /// What the log takes, as of the last look.
    log_bytes: AtomicU64,
    /// What it may take, as of the last look.
    log_bytes_max: AtomicU64,
}

impl Room {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, segments: Arc<Segments>) -> Self {
        let [kept_bytes, log_bytes] = [0; 2].map(AtomicU64::new);
        Self { disk, dir, segments, kept_bytes, log_bytes, log_bytes_max: AtomicU64::new(u64::MAX) }
    }

    /// Looks how much there is beside what is kept for changes; returns whether that is less than sealing may take.
    pub(crate) fn look(&self, kept_bytes: u64) -> Result<bool, Error> {
        self.kept_bytes.store(kept_bytes, Ordering::Relaxed);
        Ok(self.free_beside_log()? < self.needed())
    }

    /// How much may wait in the log: half of what is not sealed yet or free, for what is sealed takes less than it took in the log.
    pub(crate) fn log_bytes_max(&self) -> u64 {
        self.log_bytes_max.load(Ordering::Relaxed)
    }

    /// Refuses the log another `bytes` at `path` if sealing all of it might then find no room.
    ///
    /// # Errors
    /// [`Error::DiskFull`], or when nobody knows.
    pub(crate) fn for_log(&self, path: &Path, bytes: u64) -> Result<(), Error> {
        let free = self.free_beside_log()?;
        let needed = self.needed() + 2 * bytes;
        if free < needed { Err(Error::full(path, needed)) } else { Ok(()) }
    }

    /// Refuses a change that can wait until what is in the log is sealed, if it might take the room for that.
    ///
    /// # Errors
    /// [`Error::DiskFull`], or when nobody knows.
    pub(crate) fn beside_sealing(&self) -> Result<(), Error> {
        let needed = self.needed();
        if self.free()? < needed { Err(Error::full(&self.dir, needed)) } else { Ok(()) }
    }

    fn needed(&self) -> u64 {
        self.log_bytes.load(Ordering::Relaxed) + self.kept_bytes.load(Ordering::Relaxed)
    }

    fn free_beside_log(&self) -> Result<u64, Error> {
        let (free, log) = (self.free()?, self.segments.bytes()?);
        let unsealed = (free + log).saturating_sub(self.kept_bytes.load(Ordering::Relaxed));
        self.log_bytes.store(log, Ordering::Relaxed);
        self.log_bytes_max.store(unsealed / 2, Ordering::Relaxed);
        Ok(free)
    }

    fn free(&self) -> Result<u64, Error> {
        self.disk.free_bytes(&self.dir).map_err(Error::io("asking for room in", &self.dir))
    }
}
