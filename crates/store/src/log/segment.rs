//! Segments: preallocated files of the log, one of which is written at a time.
//!
//! ```text
//! segment = "RHLOG\0\0\2" | number u32 | crc32c u32 | salt u64 | first sequence u64 | frame* | zeros
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use crate::disk::{Disk, DiskFile, is_full};
use crate::error::Error;
use crate::log::{LogPosition, RecordAt};
use crate::upload::{RECORD_HEADER_BYTES, RecordHeader};

const MAGIC: [u8; 8] = *b"RHLOG\0\0\x02";
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
    pub(crate) fn write(self) -> [u8; SEGMENT_HEADER_BYTES] {
        let number = self.number.to_le_bytes();
        let tail = [self.salt.to_le_bytes(), self.first_sequence.to_le_bytes()].concat();
        let crc = crc32c::crc32c_append(crc32c::crc32c(&number), &tail).to_le_bytes();
        let mut header = [0; SEGMENT_HEADER_BYTES];
        header.copy_from_slice(&[&MAGIC[..], &number, &crc, &tail].concat());
        header
    }

    /// Reads the header at the start of `segment`; `None` when it is not whole.
    pub(crate) fn read(segment: &[u8]) -> Option<Self> {
        let read = Self::read_damaged(segment)?;
        (Some(&read.write()) == segment.first_chunk()).then_some(read)
    }

    /// What a header says that may be damaged.
    pub(crate) fn read_damaged(segment: &[u8]) -> Option<Self> {
        let header = segment.first_chunk::<SEGMENT_HEADER_BYTES>()?;
        let number = u32::from_le_bytes(*header.get(8..)?.first_chunk()?);
        let salt = u64::from_le_bytes(*header.get(16..)?.first_chunk()?);
        let first_sequence = u64::from_le_bytes(*header.get(24..)?.first_chunk()?);
        Some(Self { number, salt, first_sequence })
    }
}

/// The segment that is being written, and where.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) file: Arc<dyn DiskFile>,
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
    pub(crate) fn create(disk: &dyn Disk, dir: &Path, header: SegmentHeader, bytes: u64) -> Result<Self, Error> {
        let path = segment_path(dir, header.number);
        let file = disk.create(&path).map_err(|error| refused(&path, bytes, error))?;
        let prepared = file.allocate(bytes).and_then(|()| {
            file.write_at(0, &header.write())?;
            file.sync()?;
            disk.sync_dir(dir)
        });
        if let Err(error) = prepared {
            // Without the file the log looks as it did before; if even that fails, recovery skips it for its header.
            let _ = disk.remove(&path);
            return Err(refused(&path, bytes, error));
        }
        let (offset, sequence) = (SEGMENT_HEADER_BYTES as u64, header.first_sequence);
        Ok(Self { file, header, path, offset, allocated: bytes, sequence })
    }

    /// Reserves the first `bytes`.
    pub(crate) fn extend(&mut self, bytes: u64) -> Result<(), Error> {
        let extended = self.file.allocate(bytes).and_then(|()| self.file.sync());
        extended.map_err(|error| refused(&self.path, bytes, error))?;
        self.allocated = bytes;
        Ok(())
    }

    /// Gives back the room behind the last frame. If that fails the room stays taken.
    pub(crate) fn trim(&mut self) {
        if self.file.set_len(self.offset).is_ok() {
            self.allocated = self.offset;
        }
    }
}

fn refused(path: &Path, bytes: u64, error: std::io::Error) -> Error {
    if is_full(&error) { Error::full(path, bytes) } else { Error::io("preparing", path)(error) }
}

/// The file of segment `number`.
pub(crate) fn segment_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.log"))
}

#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) first_sequence: u64,
}

/// The segments that can be read.
#[derive(Debug)]
pub(crate) struct Segments {
    dir: PathBuf,
    files: RwLock<BTreeMap<u32, Segment>>,
    /// Every record in a segment before this one has reached the index.
    end: Mutex<LogPosition>,
}

impl Segments {
    pub(crate) fn new(dir: PathBuf, files: BTreeMap<u32, Segment>, end: LogPosition) -> Self {
        Self { dir, files: RwLock::new(files), end: Mutex::new(end) }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn add(&self, number: u32, segment: Segment) {
        self.files.write().expect("no reader panics").insert(number, segment);
    }

    pub(crate) fn end(&self) -> LogPosition {
        *self.end.lock().expect("no holder panics")
    }

    pub(crate) fn set_end(&self, end: LogPosition) {
        *self.end.lock().expect("no holder panics") = end;
    }

    /// The number of the last one, if there are any.
    pub(crate) fn last(&self) -> Option<u32> {
        self.files.read().expect("no writer panics").keys().next_back().copied()
    }

    pub(crate) fn count(&self) -> usize {
        self.files.read().expect("no reader panics").len()
    }

    /// How long the files are together.
    pub(crate) fn bytes(&self) -> Result<u64, Error> {
        Ok(self.lengths()?.values().sum())
    }

    /// How long each file is, by its number.
    pub(crate) fn lengths(&self) -> Result<BTreeMap<u32, u64>, Error> {
        let files = self.files.read().expect("no writer panics").clone();
        let length = |(number, segment): (u32, Segment)| {
            let length = segment.file.len().map_err(Error::io("measuring", &segment_path(&self.dir, number)));
            Ok((number, length?))
        };
        files.into_iter().map(length).collect()
    }

    /// Where the first segment from `number` on starts, or the log's end.
    pub(crate) fn first_from(&self, number: u32) -> LogPosition {
        let end = self.end();
        let files = self.files.read().expect("no writer panics");
        let first = files.range(number..end.segment).next();
        let start = first.or_else(|| files.range(end.segment..).next().filter(|(number, _)| **number == end.segment));
        start.map_or(end, |(number, segment)| LogPosition { segment: *number, sequence: segment.first_sequence })
    }

    /// Takes out the segments before `number`, for the caller to remove. Whoever reads them now can finish.
    pub(crate) fn take_before(&self, number: u32) -> Vec<PathBuf> {
        let mut files = self.files.write().expect("no reader panics");
        let left = files.split_off(&number);
        let taken = std::mem::replace(&mut *files, left);
        taken.into_keys().map(|number| segment_path(&self.dir, number)).collect()
    }

    /// Reads a record, `None` when its segment is gone because everything in it was sealed.
    pub(crate) fn read(&self, at: RecordAt, bytes: u32) -> Result<Option<(RecordHeader, Vec<u8>)>, Error> {
        let file = self.files.read().expect("no writer panics").get(&at.segment).map(|segment| segment.file.clone());
        let Some(file) = file else { return Ok(None) };
        let bytes = RECORD_HEADER_BYTES + usize::try_from(bytes).expect("a record fits in memory");
        let mut record = vec![0; bytes];
        let read = file.read_at(at.offset.into(), &mut record);
        read.map_err(Error::io("reading", &segment_path(&self.dir, at.segment)))?;
        let header = RecordHeader::read(&record).ok_or_else(|| self.damaged(at))?;
        Ok(Some((header, record.split_off(RECORD_HEADER_BYTES))))
    }

    /// The error of a record that was whole when it was written or recovered, and is not any more.
    pub(crate) fn damaged(&self, at: RecordAt) -> Error {
        Error::Corrupt {
            file: segment_path(&self.dir, at.segment),
            offset: at.offset.into(),
            what: "a record is not what was written".to_owned(),
        }
    }
}
