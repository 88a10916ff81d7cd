//! Segments: preallocated files of the log, one of which is written at a time.
//!
//! ```text
//! segment = "RHLOG\0\0\1" | number u32 | crc32c u32 | salt u64 | first sequence u64 | frame* | zeros
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use rustix::fs::FallocateFlags;

use crate::error::Error;
use crate::log::RecordAt;
use crate::rows::Rows;

const MAGIC: [u8; 8] = *b"RHLOG\0\0\x01";
/// The bytes in front of a segment's first frame.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 32;

/// What stands at the start of a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SegmentHeader {
    pub(crate) number: u32,
    /// Drawn at random for each segment, see [`super::frame`].
    pub(crate) salt: u64,
    /// The sequence of the first frame.
    pub(crate) first_sequence: u64,
}

impl SegmentHeader {
    fn write(self) -> [u8; SEGMENT_HEADER_BYTES] {
        let number = self.number.to_le_bytes();
        let tail = [self.salt.to_le_bytes(), self.first_sequence.to_le_bytes()].concat();
        let crc = crc32c::crc32c_append(crc32c::crc32c(&number), &tail).to_le_bytes();
        let mut header = [0; SEGMENT_HEADER_BYTES];
        header.copy_from_slice(&[&MAGIC[..], &number, &crc, &tail].concat());
        header
    }

    /// Reads the header at the start of `segment`; `None` when it is not whole.
    pub(crate) fn read(segment: &[u8]) -> Option<Self> {
        let header = segment.first_chunk::<SEGMENT_HEADER_BYTES>()?;
        let number = u32::from_le_bytes(*header.get(8..)?.first_chunk()?);
        let salt = u64::from_le_bytes(*header.get(16..)?.first_chunk()?);
        let first_sequence = u64::from_le_bytes(*header.get(24..)?.first_chunk()?);
        let read = Self { number, salt, first_sequence };
        (read.write() == *header).then_some(read)
    }
}

/// The segment that is being written, and where.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) file: Arc<File>,
    pub(crate) header: SegmentHeader,
    pub(crate) path: PathBuf,
    /// Where the next frame goes.
    pub(crate) offset: u64,
    /// How far the file is allocated.
    pub(crate) allocated: u64,
    /// The sequence of the next frame.
    pub(crate) sequence: u64,
}

impl Tail {
    /// Creates the segment file with room for `bytes`, durably.
    ///
    /// # Errors
    /// [`Error::DiskFull`] when there is no room, after which nothing is left behind.
    pub(crate) fn create(dir: &Path, header: SegmentHeader, bytes: u64) -> Result<Self, Error> {
        let path = segment_path(dir, header.number);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(Error::io("creating", &path))?;
        let prepared = allocate(&file, bytes).and_then(|()| {
            file.write_all_at(&header.write(), 0)?;
            file.sync_all()?;
            File::open(dir)?.sync_all()
        });
        if let Err(error) = prepared {
            // Without the file the log looks as it did before; if even that fails, recovery skips it for its header.
            let _ = std::fs::remove_file(&path);
            return Err(match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    Error::DiskFull { dir: dir.to_owned(), bytes }
                }
                _ => Error::io("preparing", &path)(error),
            });
        }
        let (offset, sequence) = (SEGMENT_HEADER_BYTES as u64, header.first_sequence);
        Ok(Self { file: Arc::new(file), header, path, offset, allocated: bytes, sequence })
    }

    /// Gives back the room behind the last frame; the segment takes no more. If that fails the room stays taken.
    pub(crate) fn trim(&self) {
        let _ = self.file.set_len(self.offset);
    }
}

/// Reserves the first `bytes` of `file`, so that a full disk shows before an upload is half written.
pub(crate) fn allocate(file: &File, bytes: u64) -> std::io::Result<()> {
    let disk = rustix::fs::fstatvfs(file)?;
    // A request that cannot be met would first take all the room there is from everybody else.
    if disk.f_bavail.saturating_mul(disk.f_frsize) < bytes {
        return Err(std::io::ErrorKind::StorageFull.into());
    }
    Ok(rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes)?)
}

/// The file of segment `number`.
pub(crate) fn segment_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.log"))
}

/// The segments that can be read.
#[derive(Debug)]
pub(crate) struct Segments {
    dir: PathBuf,
    files: RwLock<HashMap<u32, Arc<File>>>,
}

impl Segments {
    pub(crate) fn new(dir: PathBuf, files: HashMap<u32, Arc<File>>) -> Self {
        Self { dir, files: RwLock::new(files) }
    }

    pub(crate) fn add(&self, number: u32, file: Arc<File>) {
        self.files.write().expect("no reader panics").insert(number, file);
    }

    pub(crate) fn count(&self) -> usize {
        self.files.read().expect("no reader panics").len()
    }

    /// Reads and unpacks one record.
    pub(crate) fn read(&self, at: RecordAt) -> Result<Rows, Error> {
        let path = segment_path(&self.dir, at.segment);
        let file = self.files.read().expect("no reader panics").get(&at.segment).cloned();
        let file = file.expect("the index only refers to open segments");
        let mut packed = vec![0; usize::try_from(at.shape.packed_bytes).expect("a record fits in memory")];
        file.read_exact_at(&mut packed, at.offset.into()).map_err(Error::io("reading", &path))?;
        Rows::unpack(at.shape, &packed).ok_or_else(|| self.damaged(at))
    }

    /// The error of a record that was whole when it was written or recovered, and is not any more.
    pub(crate) fn damaged(&self, at: RecordAt) -> Error {
        let segment = segment_path(&self.dir, at.segment);
        Error::Corrupt { segment, offset: at.offset.into(), what: "a record does not unpack".to_owned() }
    }
}
