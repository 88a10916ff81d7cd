//! Reading the log after a stop or a crash, without changing anything.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, read_all};
use crate::error::Error;
use crate::log::frame::{self, Frame};
use crate::log::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, segment_path};
use crate::log::{LogPosition, RecordAt};
use crate::upload::{RECORD_HEADER_BYTES, RecordHeader};

/// A part of the log that was durable once and is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment's file, which may be missing.
    pub file: PathBuf,
    /// Where the damage starts.
    pub offset: u64,
    /// Where what is good again starts, or the segment ends.
    pub end: u64,
    /// What was found.
    pub what: String,
    pub(crate) kind: DamageKind,
    /// The frames that are gone.
    pub(crate) first_sequence: u64,
    pub(crate) last_sequence: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.file.display(), self.offset, self.what)
    }
}

/// What has to be done to go on without what is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DamageKind {
    /// A gap takes the place of frames.
    Frames,
    /// The header of a segment is written anew.
    Header,
    /// The log starts later than it should.
    Start,
    /// The log ends earlier than it did.
    End,
}

/// A segment that is there.
#[derive(Debug)]
pub(crate) struct ScannedSegment {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) path: PathBuf,
    pub(crate) header: SegmentHeader,
    pub(crate) bytes: u64,
    /// Where the last good frame ends.
    pub(crate) end: u64,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) segments: Vec<ScannedSegment>,
    pub(crate) damage: Vec<Damage>,
    /// The bytes behind the last good frame that are not zero.
    pub(crate) torn_bytes: u64,
    /// Where the log goes on.
    pub(crate) end: LogPosition,
    /// Files that belong to no segment any more: retired ones, and one whose creation was cut short.
    pub(crate) leftovers: Vec<PathBuf>,
}

/// Reads every segment in `dir` from `start` on, in order, and hands each record to `on_record`. Segment `last` was there
/// once.
///
/// # Errors
/// [`Error::Io`] when a file cannot be read.
pub(crate) fn scan(
    disk: &dyn Disk,
    dir: &Path,
    start: LogPosition,
    last: u32,
    on_record: &mut dyn FnMut(RecordHeader, RecordAt),
) -> Result<Scanned, Error> {
    let numbers = segment_numbers(disk, dir)?;
    let (retired, numbers): (Vec<u32>, Vec<u32>) = numbers.into_iter().partition(|number| *number < start.segment);
    let leftovers = retired.into_iter().map(|number| segment_path(dir, number)).collect();
    let mut scanned = Scanned { segments: Vec::new(), damage: Vec::new(), torn_bytes: 0, end: start, leftovers };
    for (position, number) in numbers.iter().enumerate() {
        let path = segment_path(dir, *number);
        let file = disk.open(&path).map_err(Error::io("opening", &path))?;
        let bytes = read_all(&*file).map_err(Error::io("reading", &path))?;
        let is_last = position + 1 == numbers.len();
        let is_empty = bytes.iter().skip(SEGMENT_HEADER_BYTES).all(|byte| *byte == 0);
        if is_last && is_empty && SegmentHeader::read(&bytes).is_none() {
            // A crash while a segment was being created leaves zeros, perhaps a part of a header, and nothing acknowledged.
            scanned.leftovers.push(path);
        } else {
            let walk = Walk { path: &path, number: *number, bytes: &bytes, is_last, on_record };
            walk.segment(file, &mut scanned);
        }
    }
    scanned.damage.extend(missing_end(dir, start, last, &scanned));
    Ok(scanned)
}

/// What is missing behind the last segment, if `last` was there once and was not retired.
fn missing_end(dir: &Path, start: LogPosition, last: u32, scanned: &Scanned) -> Option<Damage> {
    let first = scanned.segments.last().map_or(start.segment, |segment| segment.header.number + 1);
    if last < first {
        return None;
    }
    let sequence = scanned.end.sequence;
    Some(Damage {
        file: segment_path(dir, first),
        offset: 0,
        end: 0,
        what: format!("missing; the directory knows of segments up to {last}"),
        kind: DamageKind::End,
        first_sequence: sequence,
        last_sequence: sequence,
    })
}

/// Where the log in `dir` starts, as its first segment says; `None` without one that says it.
///
/// # Errors
/// [`Error::Io`] when a file cannot be read.
pub(crate) fn first_position(disk: &dyn Disk, dir: &Path) -> Result<Option<LogPosition>, Error> {
    let Some(segment) = segment_numbers(disk, dir)?.first().copied() else { return Ok(None) };
    let path = segment_path(dir, segment);
    let file = disk.open(&path).map_err(Error::io("opening", &path))?;
    let header = SegmentHeader::read(&read_all(&*file).map_err(Error::io("reading", &path))?);
    Ok(header.map(|header| LogPosition { segment, sequence: header.first_sequence }))
}

fn segment_numbers(disk: &dyn Disk, dir: &Path) -> Result<Vec<u32>, Error> {
    let paths = disk.list(dir).map_err(Error::io("listing", dir))?;
    let segments = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse::<u32>().ok();
    let mut numbers: Vec<u32> = segments.filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

struct Walk<'a> {
    path: &'a Path,
    number: u32,
    bytes: &'a [u8],
    is_last: bool,
    on_record: &'a mut dyn FnMut(RecordHeader, RecordAt),
}

impl Walk<'_> {
    fn segment(mut self, file: Arc<dyn DiskFile>, scanned: &mut Scanned) {
        let expected = scanned.end.sequence;
        let valid = SegmentHeader::read(self.bytes).filter(|header| header.number == self.number);
        let header = valid.or_else(|| SegmentHeader::read_damaged(self.bytes)).unwrap_or(SegmentHeader {
            number: self.number,
            salt: 0,
            first_sequence: expected,
        });
        let header = SegmentHeader { number: self.number, ..header };
        if valid.is_none() {
            let what = "the header of the segment is not valid".to_owned();
            let damage = self.damage((0, SEGMENT_HEADER_BYTES), (expected, expected), what);
            scanned.damage.push(Damage { kind: DamageKind::Header, ..damage });
        } else if header.first_sequence != expected {
            self.missing(expected, header.first_sequence.saturating_sub(1), scanned);
        }
        let first = if valid.is_some() { header.first_sequence } else { expected };
        let end = self.frames(header, first, scanned);
        let bytes = self.bytes.len() as u64;
        scanned.end.segment = self.number;
        scanned.segments.push(ScannedSegment { file, path: self.path.to_owned(), header, bytes, end: end as u64 });
    }

    /// Notes that frames are missing before this segment.
    fn missing(&self, first: u64, last: u64, scanned: &mut Scanned) {
        let what = format!("frames {first} to {last} before {} are missing", self.path.display());
        let Some(before) = scanned.segments.last() else {
            let damage = self.damage((0, 0), (first, last), what);
            scanned.damage.push(Damage { kind: DamageKind::Start, ..damage });
            return;
        };
        match scanned.damage.last_mut().filter(|damage| damage.file == before.path && damage.offset == before.end) {
            Some(damage) => damage.last_sequence = last,
            None => scanned.damage.push(Damage {
                file: before.path.clone(),
                offset: before.end,
                end: before.end,
                ..self.damage((0, 0), (first, last), what)
            }),
        }
    }

    /// Walks the frames from `sequence` on; returns where the last good one ends.
    fn frames(&mut self, header: SegmentHeader, mut sequence: u64, scanned: &mut Scanned) -> usize {
        let mut end = SEGMENT_HEADER_BYTES.min(self.bytes.len());
        loop {
            if let Some(frame) = frame::read_next(self.bytes, end, header.salt, sequence) {
                (end, sequence) = (frame.payload.end, frame.sequence + 1);
                self.records(&frame, scanned);
                continue;
            }
            let later = frame::find_later(self.bytes, end, header.salt, sequence);
            let Some(later) = later.filter(|_| !self.is_torn(end, header.salt, sequence)) else { break };
            let last = later.sequence.saturating_sub(1);
            let what = if last > sequence {
                format!("frames {sequence} to {last} are damaged, but frame {} behind them is whole", later.sequence)
            } else {
                format!("frame {sequence} is damaged, but frame {} behind it is whole", later.sequence)
            };
            scanned.damage.push(self.damage((end, later.start()), (sequence, last), what));
            (end, sequence) = (later.start(), later.sequence);
        }
        scanned.end.sequence = sequence;
        let written = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let torn_bytes = written.saturating_sub(end) as u64;
        if self.is_last {
            scanned.torn_bytes = torn_bytes;
        } else if torn_bytes > 0 {
            let what = "a frame is damaged, and newer segments follow".to_owned();
            // The next segment tells how many are gone.
            scanned.damage.push(self.damage((end, self.bytes.len()), (sequence, sequence), what));
        }
        end
    }

    /// Whether what stands at `end` instead of frame `sequence` is a write that was cut short: no frame behind it knows
    /// that it was durable once.
    fn is_torn(&self, end: usize, salt: u64, sequence: u64) -> bool {
        if !self.is_last {
            return false;
        }
        let mut later = frame::find_later(self.bytes, end, salt, sequence);
        while let Some(frame) = later {
            if frame.vouches_for(sequence) {
                return false;
            }
            later = frame::find_later(self.bytes, frame.start(), salt, sequence);
        }
        true
    }

    fn records(&mut self, frame: &Frame, scanned: &mut Scanned) {
        let mut at = frame.payload.start;
        while at < frame.payload.end && !frame.is_gap {
            let next = self.record(at, frame.payload.end);
            if next.is_none() {
                let what = "a record inside a valid frame is not one".to_owned();
                let sequences = (frame.sequence, frame.sequence);
                scanned.damage.push(self.damage((frame.start(), frame.payload.end), sequences, what));
            }
            at = next.unwrap_or(frame.payload.end);
        }
    }

    /// Reads the record at `at` and returns where the next one starts.
    fn record(&mut self, at: usize, end: usize) -> Option<usize> {
        let header = RecordHeader::read(self.bytes.get(at..end)?)?;
        let next = at + RECORD_HEADER_BYTES + usize::try_from(header.bytes).ok()?;
        let offset = u32::try_from(at).ok().filter(|_| next <= end)?;
        (self.on_record)(header, RecordAt { segment: self.number, offset });
        Some(next)
    }

    fn damage(&self, (offset, end): (usize, usize), (first, last): (u64, u64), what: String) -> Damage {
        Damage {
            file: self.path.to_owned(),
            offset: offset as u64,
            end: end as u64,
            what,
            kind: DamageKind::Frames,
            first_sequence: first,
            last_sequence: last,
        }
    }
}
