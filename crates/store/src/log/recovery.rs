//! Reading the log back after a stop or a crash.
//!
//! A frame that was cut short by a crash was never acknowledged: it is removed. Damage anywhere else means that
//! acknowledged entries are gone, and the store does not open.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use rushhour_model::ids::UserId;

use crate::error::Error;
use crate::log::frame::{self, Frame};
use crate::log::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, Tail, allocate, segment_path};
use crate::log::{RecordAt, Segments};
use crate::rows::{Batch, RECORD_HEADER_BYTES, RecordHeader, Rows};

/// The sequence of the first frame of a log.
pub(crate) const FIRST_SEQUENCE: u64 = 1;

/// What was found.
pub(crate) struct Recovered {
    pub(crate) segments: Segments,
    /// Where writing goes on; `None` in an empty folder.
    pub(crate) tail: Option<Tail>,
    /// The bytes of a cut-short frame that were removed.
    pub(crate) torn_bytes: u64,
}

/// Reads every segment in `dir`, in order, and hands each record to `on_record`.
///
/// # Errors
/// [`Error::Corrupt`] when the log is damaged before its end, [`Error::Io`] when a file cannot be read or mended.
pub(crate) fn recover(dir: &Path, mut on_record: impl FnMut(UserId, RecordAt, &Batch)) -> Result<Recovered, Error> {
    let mut numbers = segment_numbers(dir)?;
    let mut files = HashMap::new();
    let mut tail: Option<Tail> = None;
    let mut torn_bytes = 0;
    drop_unborn_segment(dir, &mut numbers)?;
    for (position, number) in numbers.iter().enumerate() {
        let path = segment_path(dir, *number);
        let is_last = position + 1 == numbers.len();
        let file = File::options().read(true).write(true).open(&path).map_err(Error::io("opening", &path))?;
        let bytes = std::fs::read(&path).map_err(Error::io("reading", &path))?;
        let damaged =
            |offset: usize, what: String| Error::Corrupt { segment: path.clone(), offset: offset as u64, what };
        let header = SegmentHeader::read(&bytes).filter(|header| header.number == *number);
        let header = header.ok_or_else(|| damaged(0, "its header is not valid".into()))?;
        let expected = tail.as_ref().map_or(FIRST_SEQUENCE, |tail| tail.sequence);
        if header.first_sequence != expected {
            let what =
                format!("frames {expected} to {} before it are missing", header.first_sequence.saturating_sub(1));
            return Err(damaged(0, what));
        }
        let walked = walk(&bytes, header, &mut on_record).map_err(|(offset, what)| damaged(offset, what))?;
        if walked.torn_bytes > 0 && !is_last {
            return Err(damaged(walked.end, "a frame is damaged, and newer segments follow".into()));
        }
        torn_bytes += walked.torn_bytes;
        let file = Arc::new(file);
        files.insert(*number, Arc::clone(&file));
        tail = Some(Tail {
            file,
            header,
            path,
            offset: walked.end as u64,
            allocated: bytes.len() as u64,
            sequence: walked.next_sequence,
        });
    }
    if let Some(tail) = &tail {
        if torn_bytes > 0 {
            cut(tail)?;
        }
        // A frame may have been read from the page cache only: the crash may have come between its write and its sync.
        tail.file.sync_all().map_err(Error::io("syncing", &tail.path))?;
    }
    Ok(Recovered { segments: Segments::new(dir.to_owned(), files), tail, torn_bytes })
}

fn segment_numbers(dir: &Path) -> Result<Vec<u32>, Error> {
    let listing = std::fs::read_dir(dir).map_err(Error::io("listing", dir))?;
    let mut numbers = Vec::new();
    for item in listing {
        let path = item.map_err(Error::io("listing", dir))?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u32>().ok());
            numbers.extend(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A crash while a segment was being created leaves a last file of zeros, and nothing acknowledged in it.
fn drop_unborn_segment(dir: &Path, numbers: &mut Vec<u32>) -> Result<(), Error> {
    let Some(last) = numbers.last() else { return Ok(()) };
    let path = segment_path(dir, *last);
    let bytes = std::fs::read(&path).map_err(Error::io("reading", &path))?;
    if bytes.iter().all(|byte| *byte == 0) {
        std::fs::remove_file(&path).map_err(Error::io("removing", &path))?;
        numbers.pop();
    }
    Ok(())
}

struct Walked {
    /// Where the last good frame ends.
    end: usize,
    next_sequence: u64,
    torn_bytes: u64,
}

fn walk(
    bytes: &[u8],
    header: SegmentHeader,
    on_record: &mut impl FnMut(UserId, RecordAt, &Batch),
) -> Result<Walked, (usize, String)> {
    let mut end = SEGMENT_HEADER_BYTES;
    let mut next_sequence = header.first_sequence;
    while let Some(Frame { payload, .. }) =
        frame::read(bytes, end, header.salt).filter(|frame| frame.sequence == next_sequence)
    {
        end = payload.end;
        next_sequence += 1;
        let mut at = payload.start;
        while at < payload.end {
            at = read_record(bytes, header.number, at, payload.end, on_record)
                .ok_or_else(|| (at, "a record inside a valid frame does not unpack".to_owned()))?;
        }
    }
    if let Some(later) = frame::find_later(bytes, end, header.salt, next_sequence + 1) {
        return Err((
            end,
            format!("frame {next_sequence} is damaged, but frame {} behind it is whole", later.sequence),
        ));
    }
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    Ok(Walked { end, next_sequence, torn_bytes: written.saturating_sub(end) as u64 })
}

/// Reads the record at `at` and returns where the next one starts.
fn read_record(
    bytes: &[u8],
    segment: u32,
    at: usize,
    end: usize,
    on_record: &mut impl FnMut(UserId, RecordAt, &Batch),
) -> Option<usize> {
    let RecordHeader { user, shape } = RecordHeader::read(bytes.get(at..end)?)?;
    let start = at + RECORD_HEADER_BYTES;
    let next = start + usize::try_from(shape.packed_bytes).ok()?;
    let rows = Rows::unpack(shape, bytes.get(start..next).filter(|_| next <= end)?)?;
    on_record(user, RecordAt { segment, offset: u32::try_from(start).ok()?, shape }, &rows.batch);
    Some(next)
}

/// Makes everything behind the last good frame zero again, so that no remnant is ever taken for a frame.
fn cut(tail: &Tail) -> Result<(), Error> {
    let mend = || {
        tail.file.set_len(tail.offset)?;
        allocate(&tail.file, tail.allocated)
    };
    mend().map_err(Error::io("cutting the torn end of", &tail.path))
}
