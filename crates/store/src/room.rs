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
    /// What its segments take that are not written any more, as of the last look.
    closed_bytes: AtomicU64,
    /// What it may take, as of the last look.
    log_bytes_max: AtomicU64,
    /// What it was refused last, until there is room for that.
    refused_bytes: AtomicU64,
}

impl Room {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, segments: Arc<Segments>) -> Self {
        let [kept_bytes, log_bytes, closed_bytes, refused_bytes] = [0; 4].map(AtomicU64::new);
        let log_bytes_max = AtomicU64::new(u64::MAX);
        Self { disk, dir, segments, kept_bytes, log_bytes, closed_bytes, log_bytes_max, refused_bytes }
    }

    /// Looks how much there is beside what is kept for changes; returns whether that is less than sealing may take.
    pub(crate) fn look(&self, kept_bytes: u64) -> Result<bool, Error> {
        self.kept_bytes.store(kept_bytes, Ordering::Relaxed);
        let free = self.free_beside_log()?;
        if free >= self.needed_with(self.refused_bytes.load(Ordering::Relaxed)) {
            self.refused_bytes.store(0, Ordering::Relaxed);
        }
        Ok(free < self.needed())
    }

    /// What the log takes, where `hot_bytes` of it are not sealed, as a share of what it may: half of what is free or the
    /// log's, because what is sealed takes less than it did there. A segment that is written now can only be removed later.
    /// All of it while more was refused.
    pub(crate) fn log_share(&self, hot_bytes: u64) -> f64 {
        if self.refused_bytes.load(Ordering::Relaxed) > 0 {
            return 1.0;
        }
        let taken = hot_bytes.max(self.closed_bytes.load(Ordering::Relaxed));
        taken as f64 / self.log_bytes_max.load(Ordering::Relaxed).max(1) as f64
    }

    /// Refuses the log another `bytes` at `path` if sealing all of it might then find no room.
    ///
    /// # Errors
    /// [`Error::Unsealed`] where sealing what is in it makes room, [`Error::DiskFull`] where it does not, or when nobody knows.
    pub(crate) fn for_log(&self, path: &Path, bytes: u64) -> Result<(), Error> {
        let free = self.free_beside_log()?;
        let needed = self.needed_with(bytes);
        if needed <= free {
            return Ok(());
        }
        self.refused_bytes.store(bytes, Ordering::Relaxed);
        // What is sealed leaves its room, and as much as was kept for sealing it.
        let sealable = 2 * self.closed_bytes.load(Ordering::Relaxed);
        let is_sealing_enough = sealable > 0 && free >= self.needed() && free + sealable >= needed;
        Err(if is_sealing_enough { Error::Unsealed } else { Error::full(path, needed) })
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

    /// With another `bytes` in the log, which take as much again when they are sealed.
    fn needed_with(&self, bytes: u64) -> u64 {
        self.needed() + 2 * bytes
    }

    fn free_beside_log(&self) -> Result<u64, Error> {
        let (free, segments) = (self.free()?, self.segments.lengths()?);
        let log: u64 = segments.iter().sum();
        let unsealed = (free + log).saturating_sub(self.kept_bytes.load(Ordering::Relaxed));
        self.log_bytes.store(log, Ordering::Relaxed);
        self.closed_bytes.store(log - segments.last().unwrap_or(&0), Ordering::Relaxed);
        self.log_bytes_max.store(unsealed / 2, Ordering::Relaxed);
        Ok(free)
    }

    fn free(&self) -> Result<u64, Error> {
        self.disk.free_bytes(&self.dir).map_err(Error::io("asking for room in", &self.dir))
    }
}
