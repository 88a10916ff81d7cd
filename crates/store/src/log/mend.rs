//! Opening the log for writing, and going on without what is damaged.

use std::collections::BTreeMap;
use std::path::Path;

use rushhour_model::ids::UserId;

use crate::disk::{Disk, write_again};
use crate::error::Error;
use crate::log::frame::gap;
use crate::log::scan::{Damage, DamageKind, Scanned, ScannedSegment, scan};
use crate::log::segment::{Segment, SegmentHeader, Tail};
use crate::log::{LogPosition, RecordAt, Segments};
use crate::upload::RecordHeader;

/// What was found.
pub(crate) struct Recovered {
    pub(crate) segments: Segments,
    /// Where writing goes on; `None` in an empty folder, and when there is damage.
    pub(crate) tail: Option<Tail>,
    /// The bytes of a cut-short frame that were removed.
    pub(crate) torn_bytes: u64,
    /// What is damaged. Then nothing was changed, and nothing may be written.
    pub(crate) damage: Vec<Damage>,
}

/// Reads the log, of which segment `last` was there once, and removes a frame that a crash cut short, unless something else
/// is damaged.
///
/// # Errors
/// [`Error::Io`] when a file cannot be read or mended.
pub(crate) fn recover(
    disk: &dyn Disk,
    dir: &Path,
    start: LogPosition,
    last: u32,
    mut on_record: impl FnMut(RecordHeader, RecordAt),
) -> Result<Recovered, Error> {
    let Scanned { mut segments, damage, mut torn_bytes, end, leftovers } =
        scan(disk, dir, start, last, &mut on_record)?;
    let files: BTreeMap<u32, Segment> = segments
        .iter()
        .map(|segment| {
            let first_sequence = segment.header.first_sequence;
            (segment.header.number, Segment { file: segment.file.clone(), first_sequence })
        })
        .collect();
    let mut tail = None;
    if damage.is_empty() {
        for path in leftovers {
            disk.remove(&path).map_err(Error::io("removing", &path))?;
        }
        // The name of the last segment may not be durable either, nor that the others are gone.
        disk.sync_dir(dir).map_err(Error::io("syncing", dir))?;
        tail = segments.pop().map(|last| tail_of(last, end.sequence, torn_bytes > 0)).transpose()?;
    } else {
        torn_bytes = 0;
    }
    Ok(Recovered { segments: Segments::new(dir.to_owned(), files, end), tail, torn_bytes, damage })
}

fn tail_of(last: ScannedSegment, sequence: u64, is_torn: bool) -> Result<Tail, Error> {
    let ScannedSegment { file, path, header, bytes, end } = last;
    if is_torn {
        // Everything behind the last good frame becomes zero again, so that no remnant is ever taken for a frame.
        let mend = || {
            file.set_len(end)?;
            file.allocate(bytes)
        };
        mend().map_err(Error::io("cutting the torn end of", &path))?;
    }
    // A frame may have been read from the page cache only: the crash may have come between its write and its sync.
    write_again(&*file, end).map_err(Error::io("syncing", &path))?;
    Ok(Tail { file, header, path, offset: end, allocated: bytes, sequence })
}

/// What a repair gave up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What was damaged.
    pub damage: Vec<Damage>,
    /// Bytes of the log that are gone.
    pub lost_bytes: u64,
    /// Uploads that were whole, and went with the rest.
    pub lost_uploads: Vec<(UserId, u32)>,
}

/// Removes everything from the first damage on.
///
/// # Errors
/// When a file cannot be changed.
pub(crate) fn cut_from(disk: &dyn Disk, dir: &Path, start: LogPosition, last: u32) -> Result<Repaired, Error> {
    let mut records = Vec::new();
    let Scanned { segments, damage, .. } = scan(disk, dir, start, last, &mut |header, at| records.push((header, at)))?;
    let mut repaired = Repaired { damage: damage.clone(), ..Repaired::default() };
    let Some(first) = damage.first().filter(|damage| damage.kind != DamageKind::End) else { return Ok(repaired) };
    let place = segments.iter().position(|segment| segment.path == first.file).unwrap_or(0);
    let kept_number = segments.get(place).map_or(0, |segment| segment.header.number);
    // What a broken header introduces cannot stand, so its segment goes as a whole.
    let is_kept = first.offset > 0;
    for (number, segment) in segments.iter().enumerate().skip(place).rev() {
        let from = if number == place && is_kept { first.offset } else { 0 };
        repaired.lost_bytes += segment.end.saturating_sub(from);
        if from > 0 {
            let cut = segment.file.set_len(from).and_then(|()| segment.file.sync());
            cut.map_err(Error::io("cutting", &segment.path))?;
        } else {
            disk.remove(&segment.path).map_err(Error::io("removing", &segment.path))?;
        }
    }
    disk.sync_dir(dir).map_err(Error::io("syncing", dir))?;
    let is_lost =
        |at: &RecordAt| at.segment > kept_number || (at.segment == kept_number && u64::from(at.offset) >= first.offset);
    let lost = records.iter().filter(|(_, at)| is_lost(at));
    repaired.lost_uploads = lost.map(|(header, _)| (header.user, header.number)).collect();
    Ok(repaired)
}

/// Puts gaps in the place of what is damaged. Also returns where the log starts then.
///
/// # Errors
/// When a file cannot be changed.
pub(crate) fn skip(
    disk: &dyn Disk,
    dir: &Path,
    start: LogPosition,
    last: u32,
) -> Result<(Repaired, LogPosition), Error> {
    let Scanned { segments, damage, .. } = scan(disk, dir, start, last, &mut |_, _| {})?;
    let mut repaired = Repaired { damage: damage.clone(), ..Repaired::default() };
    let mut first = start;
    // Of what is missing at the end nothing is there to be changed.
    let there = damage.iter().filter(|damage| damage.kind != DamageKind::End);
    for Damage { file, offset, end, kind, first_sequence, last_sequence, .. } in there {
        let segment = segments.iter().find(|segment| segment.path == *file);
        let segment = segment.expect("damage is only found in segments that are there");
        let header = segment.header;
        match kind {
            DamageKind::Start => first = LogPosition { segment: header.number, sequence: header.first_sequence },
            DamageKind::Header => {
                let header = SegmentHeader { first_sequence: *first_sequence, ..header };
                segment.file.write_at(0, &header.write()).map_err(Error::io("writing", file))?;
            }
            DamageKind::Frames | DamageKind::End => {
                let bytes = usize::try_from(end.saturating_sub(*offset)).expect("a segment fits in memory");
                let gap = gap(bytes, header.salt, *last_sequence);
                segment.file.write_at(*offset, &gap).map_err(Error::io("writing", file))?;
                repaired.lost_bytes += bytes as u64;
            }
        }
        segment.file.sync().map_err(Error::io("syncing", file))?;
    }
    Ok((repaired, first))
}
