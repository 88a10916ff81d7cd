//! What the store asks of a disk, so that tests can give it one that fails, forgets and lies.

use std::fmt::Debug;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FallocateFlags;

/// Files in folders.
///
/// What was written is only safe after [`DiskFile::sync`], and that a file is there, or gone, only after
/// [`Disk::sync_dir`] of its folder.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder and those above it, in a way that survives a power loss.
    ///
    /// # Errors
    /// When that fails.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// The files in a folder, in order of their names.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    /// Makes an empty file, in place of one that is there.
    ///
    /// # Errors
    /// When that fails.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is none, and whatever else fails.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Removes a file.
    ///
    /// # Errors
    /// When that fails.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes durable which files there are.
    ///
    /// # Errors
    /// When that fails.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// How many bytes may still be written below a folder.
    ///
    /// # Errors
    /// When nobody knows.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
}

/// An open file.
#[expect(clippy::len_without_is_empty, reason = "nobody asks a file whether it is empty")]
pub trait DiskFile: Debug + Send + Sync {
    /// Its length.
    ///
    /// # Errors
    /// When the disk fails.
    fn len(&self) -> io::Result<u64>;
    /// How much of the disk it takes: what it was lengthened by and was never written or reserved takes nothing.
    ///
    /// # Errors
    /// When the disk fails.
    fn taken_bytes(&self) -> io::Result<u64>;
    /// Fills `into` from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the file ends before, and whatever else fails.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// When the disk fails; then any part may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file, or lengthens it with zeros.
    ///
    /// # Errors
    /// When the disk fails.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// Reserves the first `bytes` of the file, so that writing there cannot find the disk full.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] when there is no room, and whatever else fails.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    /// Makes what was written, and the length, durable.
    ///
    /// # Errors
    /// When the disk fails; then nobody knows what of it is durable.
    fn sync(&self) -> io::Result<()>;
    /// Keeps other processes from [`try_lock`](Self::try_lock)ing the file until it is dropped; tells whether that
    /// worked.
    ///
    /// # Errors
    /// When the disk fails.
    fn try_lock(&self) -> io::Result<bool>;
}

/// The file system of this machine.
#[derive(Clone, Copy, Debug)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = dir.ancestors().take_while(|folder| !folder.exists()).collect();
        std::fs::create_dir_all(dir)?;
        let mut parents = missing.iter().filter_map(|folder| folder.parent());
        // The parent of a relative path's first part is the empty path, which stands for the present folder.
        parents
            .try_for_each(|parent| self.sync_dir(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths = std::fs::read_dir(dir)?.map(|item| Ok(item?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(File::options().read(true).write(true).create(true).truncate(true).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(File::options().read(true).write(true).open(path)?))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(dir)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn taken_bytes(&self) -> io::Result<u64> {
        /// `st_blocks` counts in these, whatever the file system's own blocks are (POSIX, `sys/stat.h`).
        const BLOCK_BYTES: u64 = 512;
        Ok(self.metadata()?.blocks() * BLOCK_BYTES)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(into, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let disk = rustix::fs::fstatvfs(self)?;
        let missing = bytes.saturating_sub(self.taken_bytes()?);
        // A request that cannot be met would first take all the room there is from everybody else.
        if disk.f_bavail.saturating_mul(disk.f_frsize) < missing {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(rustix::fs::fallocate(self, FallocateFlags::empty(), 0, bytes)?)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(self)?)
    }

    fn try_lock(&self) -> io::Result<bool> {
        match File::try_lock(self) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Reads a whole file.
pub(crate) fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// Writes the first `bytes` of a file again as they are read, and makes them durable: after a failed sync a system may show
/// what it never brings to the disk, unless it is written once more. Where nothing was ever written nothing is.
pub(crate) fn write_again(file: &dyn DiskFile, bytes: u64) -> io::Result<()> {
    const PART_BYTES: u64 = 1 << 20;
    let mut part = Vec::new();
    let mut at = 0;
    while at < bytes {
        part.resize(usize::try_from(PART_BYTES.min(bytes - at)).map_err(io::Error::other)?, 0);
        file.read_at(at, &mut part)?;
        if part.iter().any(|byte| *byte != 0) {
            file.write_at(at, &part)?;
        }
        at += part.len() as u64;
    }
    file.sync()
}

/// Whether an error says that the disk has no room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
