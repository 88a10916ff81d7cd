//! Room on the disk: the log leaves as much of it free as sealing may take, so that a disk fills with what is sealed and
//! not with what waits for that.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::Disk;
use crate::error::Error;
use crate::hot::Hot;
use crate::log::Segments;

/// What is free on the store's disk, and who may have it.
#[derive(Debug)]
pub(crate) struct Room {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segments: Arc<Segments>,
    hot: Arc<Hot>,
    seen: Mutex<Seen>,
    /// What segments take that can be sealed and removed, as of the last look. Every upload asks for it.
    sealable_bytes: AtomicU64,
}

/// What there was at the last look.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    free_bytes: u64,
    log_bytes: u64,
    /// What of the log is not sealed.
    hot_bytes: u64,
    /// What is kept for a change of the directory and a volume that is written anew.
    kept_bytes: u64,
    /// The first segment that somebody is in who can be sealed.
    first_sealable: Option<u32>,
    /// What the log was refused, until there is room for that.
    refused_bytes: u64,
}

impl Seen {
    /// What must be free so that all of the log can be sealed: that takes no more than it did there.
    fn needed_bytes(&self) -> u64 {
        self.hot_bytes + self.kept_bytes
    }

    /// The same with another `bytes` in the log, which take as much again when they are sealed.
    fn needed_bytes_with(&self, bytes: u64) -> u64 {
        self.needed_bytes() + 2 * bytes
    }
}

impl Room {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, segments: Arc<Segments>, hot: Arc<Hot>) -> Self {
        Self { disk, dir, segments, hot, seen: Mutex::default(), sealable_bytes: AtomicU64::new(0) }
    }

    /// Looks how much there is, knowing what is to be kept for changes and the first segment that can be sealed; returns whether
    /// that is less than sealing may take.
    pub(crate) fn look(&self, kept_bytes: u64, first_sealable: Option<u32>) -> Result<bool, Error> {
        let mut seen = self.seen();
        (seen.kept_bytes, seen.first_sealable) = (kept_bytes, first_sealable);
        self.measure(&mut seen)?;
        if seen.needed_bytes_with(seen.refused_bytes) <= seen.free_bytes {
            seen.refused_bytes = 0;
        }
        Ok(seen.free_bytes < seen.needed_bytes())
    }

    /// What segments take that can be sealed and removed. One that is still written can only be removed later.
    pub(crate) fn sealable_bytes(&self) -> u64 {
        self.sealable_bytes.load(Ordering::Relaxed)
    }

    /// What waits in the log as a share of what may: half of what is free or the log's, because what is sealed takes less than
    /// it did there. All of it while more was refused.
    pub(crate) fn waiting_share(&self) -> f64 {
        let seen = *self.seen();
        if seen.refused_bytes > 0 {
            return 1.0;
        }
        let unsealed = (seen.free_bytes + seen.log_bytes).saturating_sub(seen.kept_bytes);
        self.hot.log_bytes().max(self.sealable_bytes()) as f64 / (unsealed / 2).max(1) as f64
    }

    /// Refuses the log another `bytes` at `path` if sealing all of it might then find no room.
    ///
    /// # Errors
    /// [`Error::Unsealed`] where sealing what is in it makes room, [`Error::DiskFull`] where it does not, or when nobody knows.
    pub(crate) fn for_log(&self, path: &Path, bytes: u64) -> Result<(), Error> {
        let mut seen = self.seen();
        self.measure(&mut seen)?;
        let needed = seen.needed_bytes_with(bytes);
        if needed <= seen.free_bytes {
            return Ok(());
        }
        seen.refused_bytes = bytes;
        // What is sealed leaves its room, and as much as was kept for sealing it.
        let sealable = 2 * self.sealable_bytes();
        let is_sealing_enough =
            sealable > 0 && seen.needed_bytes() <= seen.free_bytes && needed <= seen.free_bytes + sealable;
        Err(if is_sealing_enough { Error::Unsealed } else { Error::full(path, needed) })
    }

    /// Refuses a change that can wait until what is in the log is sealed, if it might take the room for that.
    ///
    /// # Errors
    /// [`Error::DiskFull`], or when nobody knows.
    pub(crate) fn beside_sealing(&self) -> Result<(), Error> {
        let needed = self.seen().needed_bytes();
        if self.free()? < needed { Err(Error::full(&self.dir, needed)) } else { Ok(()) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no holder panics")
    }

    fn measure(&self, seen: &mut Seen) -> Result<(), Error> {
        let segments = self.segments.lengths()?;
        let written = segments.keys().next_back().copied().unwrap_or_default();
        let first = seen.first_sealable.unwrap_or(written).min(written);
        self.sealable_bytes.store(segments.range(first..written).map(|(_, bytes)| bytes).sum(), Ordering::Relaxed);
        (seen.free_bytes, seen.log_bytes) = (self.free()?, segments.values().sum());
        seen.hot_bytes = self.hot.log_bytes();
        Ok(())
    }

    fn free(&self) -> Result<u64, Error> {
        self.disk.free_bytes(&self.dir).map_err(Error::io("asking for room in", &self.dir))
    }
}
