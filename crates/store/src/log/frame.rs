//! A frame: the unit that is written, synced and checked as a whole.
//!
//! ```text
//! frame = "RHFR" | payload bytes u32 | sequence u64 | unsynced u32 | crc32c u32 | payload
//! gap   = "RHGP" | …the same, with a payload of zeros
//! ```
//! Little-endian. The checksum covers the segment's salt and everything but itself; the salt keeps bytes that a client
//! sent, or that an older file left on the disk, from passing for a frame. Sequences count up by one across segments.
//!
//! A frame says how many frames right before it were not durable yet when it was written. A bad frame that a good one
//! behind it knows to have been durable is *damage*; any other bad frame is a write that was cut short. A gap stands
//! where a repair gave up damaged frames: its sequence is that of the last one of them.

use std::ops::Range;

const MAGIC: [u8; 4] = *b"RHFR";
const GAP: [u8; 4] = *b"RHGP";
/// The bytes in front of a frame's payload.
pub(crate) const FRAME_HEADER_BYTES: usize = 24;

/// A frame found in a segment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) sequence: u64,
    /// How many frames before it were not durable when it was written.
    pub(crate) unsynced: u32,
    pub(crate) is_gap: bool,
    /// Where its payload lies in the segment.
    pub(crate) payload: Range<usize>,
}

impl Frame {
    /// Where it starts in the segment.
    pub(crate) fn start(&self) -> usize {
        self.payload.start - FRAME_HEADER_BYTES
    }

    /// Whether it stands where `sequence` is expected.
    fn follows(&self, sequence: u64) -> bool {
        if self.is_gap { self.sequence >= sequence } else { self.sequence == sequence }
    }

    /// Whether it tells that the frame `sequence` was durable once.
    pub(crate) fn vouches_for(&self, sequence: u64) -> bool {
        self.sequence > sequence.saturating_add(self.unsynced.into())
    }
}

/// Fills in the header of a frame whose payload stands behind [`FRAME_HEADER_BYTES`] bytes of room.
pub(crate) fn seal(frame: &mut [u8], salt: u64, sequence: u64, unsynced: u32) {
    write_header(frame, MAGIC, salt, sequence, unsynced);
}

/// A gap of `bytes` bytes with its header, in place of the frames up to `sequence`.
pub(crate) fn gap(bytes: usize, salt: u64, sequence: u64) -> Vec<u8> {
    let mut gap = vec![0; bytes.max(FRAME_HEADER_BYTES)];
    write_header(&mut gap, GAP, salt, sequence, 0);
    gap
}

fn write_header(frame: &mut [u8], magic: [u8; 4], salt: u64, sequence: u64, unsynced: u32) {
    let (header, payload) = frame.split_first_chunk_mut::<FRAME_HEADER_BYTES>().expect("room for the header was left");
    let bytes = u32::try_from(payload.len()).expect("a group is bounded far below 4 GiB").to_le_bytes();
    let numbers = [&magic[..], &bytes, &sequence.to_le_bytes(), &unsynced.to_le_bytes()].concat();
    let crc = checksum(salt, &numbers, payload).to_le_bytes();
    header.copy_from_slice(&[&numbers[..], &crc].concat());
}

/// The valid frame that starts at `offset`, if there is one.
pub(crate) fn read(segment: &[u8], offset: usize, salt: u64) -> Option<Frame> {
    let (header, rest) = segment.get(offset..)?.split_first_chunk::<FRAME_HEADER_BYTES>()?;
    let (numbers, crc) = header.split_at(FRAME_HEADER_BYTES - 4);
    let (magic, numbers_behind) = numbers.split_first_chunk::<4>()?;
    if *magic != MAGIC && *magic != GAP {
        return None;
    }
    let (bytes, numbers_behind) = numbers_behind.split_first_chunk::<4>()?;
    let (sequence, unsynced) = numbers_behind.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*bytes)).ok()?;
    let payload = rest.get(..length)?;
    if checksum(salt, numbers, payload).to_le_bytes() != *crc {
        return None;
    }
    let start = offset + FRAME_HEADER_BYTES;
    Some(Frame {
        sequence: u64::from_le_bytes(*sequence),
        unsynced: u32::from_le_bytes(*unsynced.first_chunk()?),
        is_gap: *magic == GAP,
        payload: start..start + length,
    })
}

/// The valid frame at `offset` if it is the one that is expected there.
pub(crate) fn read_next(segment: &[u8], offset: usize, salt: u64, sequence: u64) -> Option<Frame> {
    read(segment, offset, salt).filter(|frame| frame.follows(sequence))
}

/// The first valid frame with at least this sequence that starts behind `offset`.
pub(crate) fn find_later(segment: &[u8], offset: usize, salt: u64, sequence_min: u64) -> Option<Frame> {
    let behind = segment.get(offset + 1..)?;
    behind
        .windows(MAGIC.len())
        .enumerate()
        .filter(|(_, window)| *window == MAGIC || *window == GAP)
        .filter_map(|(position, _)| read(segment, offset + 1 + position, salt))
        .find(|frame| frame.sequence >= sequence_min)
}

fn checksum(salt: u64, numbers: &[u8], payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&salt.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(crc, numbers), payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(salt: u64, sequence: u64, unsynced: u32, payload: &[u8]) -> Vec<u8> {
        let mut frame = [&[0; FRAME_HEADER_BYTES][..], payload].concat();
        seal(&mut frame, salt, sequence, unsynced);
        frame
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = frame(9, 3, 1, b"payload");
        let read_back = Frame { sequence: 3, unsynced: 1, is_gap: false, payload: 24..31 };
        assert_eq!(read(&good, 0, 9), Some(read_back));
        assert_eq!(read(&good, 0, 8), None, "another segment's frame");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&bad, 0, 9), None, "bit {bit}");
        }
    }

    #[test]
    fn a_later_frame_is_found_behind_damage() {
        let mut segment = frame(9, 3, 0, b"first");
        let second = segment.len();
        segment.extend(frame(9, 4, 0, b"second"));
        segment[7] ^= 1;
        assert_eq!(find_later(&segment, 0, 9, 4).unwrap().start(), second);
        assert_eq!(find_later(&segment, 0, 9, 5), None);
        assert_eq!(find_later(&segment, segment.len(), 9, 0), None);
    }

    #[test]
    fn a_frame_vouches_for_those_that_were_durable_before_it() {
        let later = read(&frame(9, 7, 2, b""), 0, 9).unwrap();
        assert!(later.vouches_for(4) && !later.vouches_for(5) && !later.vouches_for(6));
    }

    #[test]
    fn a_gap_stands_for_the_frames_before_its_sequence() {
        let gap = gap(40, 9, 5);
        let found = read_next(&gap, 0, 9, 3).unwrap();
        assert_eq!((found.is_gap, found.sequence, found.payload), (true, 5, 24..40));
        assert_eq!(read_next(&gap, 0, 9, 6), None);
    }
}
