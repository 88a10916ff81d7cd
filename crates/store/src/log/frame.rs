//! A frame: the unit that is written, synced and checked as a whole.
//!
//! ```text
//! frame = "RHFR" | payload bytes u32 | sequence u64 | crc32c u32 | payload
//! ```
//! Little-endian. The checksum covers the segment's salt, the length, the sequence and the payload; the salt keeps
//! bytes that a client sent, or that an older file left on the disk, from passing for a frame. Sequences count up by one
//! across segments. A frame is only written after the one before it is durable, so a bad frame with a good one behind it
//! is damage, and a bad frame with nothing good behind it is a write that was cut short.

use std::ops::Range;

const MAGIC: [u8; 4] = *b"RHFR";
/// The bytes in front of a frame's payload.
pub(crate) const FRAME_HEADER_BYTES: usize = 20;

/// A frame found in a segment.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) sequence: u64,
    /// Where its payload lies in the segment.
    pub(crate) payload: Range<usize>,
}

/// Fills in the header of a frame whose payload stands behind [`FRAME_HEADER_BYTES`] bytes of room.
pub(crate) fn seal(frame: &mut [u8], salt: u64, sequence: u64) {
    let (header, payload) = frame.split_first_chunk_mut::<FRAME_HEADER_BYTES>().expect("room for the header was left");
    let bytes = u32::try_from(payload.len()).expect("a group is bounded far below 4 GiB").to_le_bytes();
    let sequence = sequence.to_le_bytes();
    let crc = checksum(salt, bytes, sequence, payload).to_le_bytes();
    let parts = [&MAGIC[..], &bytes, &sequence, &crc].concat();
    header.copy_from_slice(&parts);
}

/// The valid frame that starts at `offset`, if there is one.
pub(crate) fn read(segment: &[u8], offset: usize, salt: u64) -> Option<Frame> {
    let rest = segment.get(offset..)?;
    let (magic, rest) = rest.split_first_chunk::<4>()?;
    let (bytes, rest) = rest.split_first_chunk::<4>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    if *magic != MAGIC {
        return None;
    }
    let length = usize::try_from(u32::from_le_bytes(*bytes)).ok()?;
    let payload = rest.get(..length)?;
    if checksum(salt, *bytes, *sequence, payload) != u32::from_le_bytes(*crc) {
        return None;
    }
    let start = offset + FRAME_HEADER_BYTES;
    Some(Frame { sequence: u64::from_le_bytes(*sequence), payload: start..start + length })
}

/// The first valid frame with at least this sequence that starts behind `offset`.
pub(crate) fn find_later(segment: &[u8], offset: usize, salt: u64, sequence_min: u64) -> Option<Frame> {
    let behind = segment.get(offset + 1..)?;
    behind
        .windows(MAGIC.len())
        .enumerate()
        .filter(|(_, window)| *window == MAGIC)
        .filter_map(|(position, _)| read(segment, offset + 1 + position, salt))
        .find(|frame| frame.sequence >= sequence_min)
}

fn checksum(salt: u64, bytes: [u8; 4], sequence: [u8; 8], payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&salt.to_le_bytes());
    let crc = crc32c::crc32c_append(crc, &bytes);
    let crc = crc32c::crc32c_append(crc, &sequence);
    crc32c::crc32c_append(crc, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(salt: u64, sequence: u64, payload: &[u8]) -> Vec<u8> {
        let mut frame = [&[0; FRAME_HEADER_BYTES][..], payload].concat();
        seal(&mut frame, salt, sequence);
        frame
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = frame(9, 3, b"payload");
        assert_eq!(read(&good, 0, 9), Some(Frame { sequence: 3, payload: 20..27 }));
        assert_eq!(read(&good, 0, 8), None, "another segment's frame");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&bad, 0, 9), None, "bit {bit}");
        }
    }

    #[test]
    fn a_later_frame_is_found_behind_damage() {
        let mut segment = frame(9, 3, b"first");
        let second = segment.len();
        segment.extend(frame(9, 4, b"second"));
        segment[7] ^= 1;
        assert_eq!(find_later(&segment, 0, 9, 4).unwrap().payload.start, second + FRAME_HEADER_BYTES);
        assert_eq!(find_later(&segment, 0, 9, 5), None);
        assert_eq!(find_later(&segment, segment.len(), 9, 0), None);
    }
}
