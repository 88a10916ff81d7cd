//! What a volume is made of.
//!
//! ```text
//! volume = "RHCHNK\0\1" | number u32 | crc32c u32 | salt u64 | frame*
//! frame  = kind u8 | head bytes u8 | head | payload | crc32c u32
//! ```
//! Fixed-width numbers are little-endian; heads are in postcard's format. The checksum covers the salt and the whole frame
//! but itself. Kinds: `C`, a chunk; `P`, who a user is, so that the directory can be made anew; `X`, a frame that was
//! erased, with a payload of zeros.
//!
//! Frames are written in groups. Each says how many of its group follow, so that a group whose writing was cut short is
//! known for what it is. A chunk takes the place of all earlier ones of its user that it overlaps.

use rushhour_model::ids::UserId;
use serde::{Deserialize, Serialize};

use crate::directory::ChunkRow;
use crate::disk::{DiskFile, read_all};

const MAGIC: [u8; 8] = *b"RHCHNK\0\x01";
/// The bytes in front of a volume's first frame.
pub(crate) const VOLUME_HEADER_BYTES: usize = 24;
const CHUNK: u8 = b'C';
const PERSON: u8 = b'P';
const ERASED: u8 = b'X';
const CRC_BYTES: usize = 4;

/// What stands at the start of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VolumeHeader {
    pub(crate) number: u32,
    /// Drawn at random, so that bytes of a client or of an older file cannot pass for a frame.
    pub(crate) salt: u64,
}

impl VolumeHeader {
    pub(crate) fn write(self) -> [u8; VOLUME_HEADER_BYTES] {
        let (number, salt) = (self.number.to_le_bytes(), self.salt.to_le_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c(&number), &salt).to_le_bytes();
        let mut header = [0; VOLUME_HEADER_BYTES];
        header.copy_from_slice(&[&MAGIC[..], &number, &crc, &salt].concat());
        header
    }

    /// Reads the header of a volume; `None` when it is not whole.
    pub(crate) fn read(file: &dyn DiskFile) -> Option<Self> {
        let mut header = [0; VOLUME_HEADER_BYTES];
        file.read_at(0, &mut header).ok()?;
        let number = u32::from_le_bytes(*header.get(8..)?.first_chunk()?);
        let salt = u64::from_le_bytes(*header.get(16..)?.first_chunk()?);
        let read = Self { number, salt };
        (read.write() == header).then_some(read)
    }
}

/// What all heads start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// How many frames of the group follow.
    more: u32,
    /// How many bytes the payload has.
    bytes: u32,
    user: u32,
}

/// What the directory says of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ChunkHead {
    first_s: u32,
    span_s: u32,
    lag_s: u32,
    first_upload: u32,
    span_uploads: u32,
    entries: u32,
}

/// Who a user is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PersonNote {
    id: [u8; 16],
    pub(crate) tokens: Vec<String>,
    /// The profile as JSON, empty when there is none.
    pub(crate) profile: Vec<u8>,
}

impl PersonNote {
    pub(crate) fn new(id: UserId, tokens: Vec<String>, profile: Vec<u8>) -> Self {
        Self { id: *id.0.as_bytes(), tokens, profile }
    }

    pub(crate) fn id(&self) -> UserId {
        UserId(uuid::Uuid::from_bytes(self.id))
    }

    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        postcard::from_bytes(payload).ok()
    }
}

/// A frame to be written.
#[derive(Clone, Debug)]
pub(crate) enum Draft {
    /// A chunk; where it will be is not known yet.
    Chunk(ChunkRow, Vec<u8>),
    /// Who a user is.
    Person(u32, PersonNote),
}

/// Puts a group of frames together. Also returns where each one starts in the volume and how long it is.
pub(crate) fn group(drafts: &[Draft], salt: u64, offset: u64) -> (Vec<u8>, Vec<(u32, u32)>) {
    let mut bytes = Vec::new();
    let mut places = Vec::with_capacity(drafts.len());
    for (draft, more) in drafts.iter().zip((0..drafts.len()).rev()) {
        let start = bytes.len();
        write(draft, u32::try_from(more).expect("a group is small"), salt, &mut bytes);
        let at = u32::try_from(offset + start as u64).expect("a volume is smaller than 4 GiB");
        places.push((at, u32::try_from(bytes.len() - start).expect("a frame is smaller than 4 GiB")));
    }
    (bytes, places)
}

fn write(draft: &Draft, more: u32, salt: u64, into: &mut Vec<u8>) {
    let note;
    let (kind, user, payload) = match draft {
        Draft::Chunk(row, payload) => (CHUNK, row.user, payload.as_slice()),
        Draft::Person(user, person) => {
            note = to_vec(person);
            (PERSON, *user, note.as_slice())
        }
    };
    let bytes = u32::try_from(payload.len()).expect("a chunk is smaller than 4 GiB");
    let mut head = to_vec(&Head { more, bytes, user });
    if let Draft::Chunk(row, _) = draft {
        head.extend(to_vec(&ChunkHead::of(row)));
    }
    let start = into.len();
    into.extend([kind, u8::try_from(head.len()).expect("nine varints have at most 45 bytes")]);
    into.extend(head);
    into.extend_from_slice(payload);
    let crc = checksum(salt, into.get(start..).unwrap_or_default());
    into.extend(crc.to_le_bytes());
}

fn to_vec<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("plain structures can be written")
}

impl ChunkHead {
    fn of(row: &ChunkRow) -> Self {
        Self {
            first_s: row.first_s,
            span_s: row.last_s.saturating_sub(row.first_s),
            lag_s: row.lag_s,
            first_upload: row.first_upload,
            span_uploads: row.last_upload.saturating_sub(row.first_upload),
            entries: row.entries,
        }
    }

    fn row(self, user: u32, volume: u32, offset: u32, bytes: u32) -> ChunkRow {
        ChunkRow {
            user,
            first_s: self.first_s,
            last_s: self.first_s.saturating_add(self.span_s),
            volume,
            offset,
            bytes,
            lag_s: self.lag_s,
            first_upload: self.first_upload,
            last_upload: self.first_upload.saturating_add(self.span_uploads),
            entries: self.entries,
        }
    }
}

/// A frame that was found whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    kind: u8,
    head: Head,
    chunk: Option<ChunkHead>,
    pub(crate) payload: &'a [u8],
    /// How long it is as a whole.
    pub(crate) bytes: usize,
}

impl<'a> Frame<'a> {
    /// The frame at the start of `bytes`, if there is a whole one.
    pub(crate) fn read(bytes: &'a [u8], salt: u64) -> Option<Self> {
        let ([kind, head_bytes], rest) = bytes.split_first_chunk()?;
        let (head_bytes, rest) = rest.split_at_checked((*head_bytes).into())?;
        let (head, rest_of_head) = postcard::take_from_bytes::<Head>(head_bytes).ok()?;
        let chunk = if *kind == CHUNK { Some(postcard::from_bytes(rest_of_head).ok()?) } else { None };
        let (payload, rest) = rest.split_at_checked(usize::try_from(head.bytes).ok()?)?;
        let length = 2 + head_bytes.len() + payload.len();
        let crc = rest.first_chunk::<CRC_BYTES>()?;
        let is_whole = checksum(salt, bytes.get(..length)?).to_le_bytes() == *crc;
        is_whole.then_some(Self { kind: *kind, head, chunk, payload, bytes: length + CRC_BYTES })
    }

    /// How many frames of its group follow.
    pub(crate) fn more(&self) -> u32 {
        self.head.more
    }

    /// Whose it is, unless it was erased.
    pub(crate) fn user(&self) -> Option<u32> {
        (self.kind != ERASED).then_some(self.head.user)
    }

    /// What the directory shall say of it, if it is a chunk.
    pub(crate) fn row(&self, volume: u32, offset: usize) -> Option<ChunkRow> {
        let (offset, bytes) = (u32::try_from(offset).ok()?, u32::try_from(self.bytes).ok()?);
        Some(self.chunk?.row(self.head.user, volume, offset, bytes))
    }

    /// Who a user is, if it says that.
    pub(crate) fn person(&self) -> Option<PersonNote> {
        if self.kind == PERSON { PersonNote::read(self.payload) } else { None }
    }

    /// The payload, if this is the chunk that the directory means.
    pub(crate) fn chunk_of(&self, row: &ChunkRow) -> Option<&'a [u8]> {
        let offset = usize::try_from(row.offset).ok()?;
        (self.row(row.volume, offset).as_ref() == Some(row)).then_some(self.payload)
    }
}

/// The bytes that take the place of a frame when nothing of it may be left.
pub(crate) fn erase(frame: &Frame<'_>, salt: u64) -> Vec<u8> {
    let head = to_vec(&Head { user: 0, ..frame.head });
    let head_bytes = frame.bytes - frame.payload.len() - CRC_BYTES - 2;
    let mut bytes = vec![ERASED, u8::try_from(head_bytes).expect("it was read from one byte")];
    bytes.extend(head);
    // The user's number may have taken more bytes than the 0 does.
    bytes.resize(frame.bytes - CRC_BYTES, 0);
    let crc = checksum(salt, &bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// The frames of a volume in memory, one after the other.
#[derive(Debug)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    salt: u64,
}

impl Frames {
    /// Reads a volume up to `end`.
    pub(crate) fn of(file: &dyn DiskFile, header: VolumeHeader, end: u64) -> std::io::Result<Self> {
        let mut bytes = read_all(file)?;
        bytes.truncate(usize::try_from(end).unwrap_or(usize::MAX));
        Ok(Self { bytes, salt: header.salt })
    }

    /// Shows each whole frame and where it starts. A stretch of bytes that is no frame is shown as `None`, with where it
    /// starts and ends.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(usize, usize, Option<Frame<'_>>)) {
        let mut at = VOLUME_HEADER_BYTES;
        while at < self.bytes.len() {
            let frame = self.at(at);
            let end = match &frame {
                Some(frame) => at + frame.bytes,
                None => self.next_after(at),
            };
            visit(at, end, frame);
            at = end;
        }
    }

    fn at(&self, offset: usize) -> Option<Frame<'_>> {
        Frame::read(self.bytes.get(offset..)?, self.salt)
    }

    /// Where the next whole frame starts behind something that is none.
    fn next_after(&self, offset: usize) -> usize {
        let mut later = offset + 1..self.bytes.len();
        let is_kind = |at: &usize| self.bytes.get(*at).is_some_and(|kind| [CHUNK, PERSON, ERASED].contains(kind));
        later.find(|at| is_kind(at) && self.at(*at).is_some()).unwrap_or(self.bytes.len())
    }
}

fn checksum(salt: u64, frame: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> ChunkRow {
        ChunkRow {
            user: 300,
            first_s: 1_700_000_000,
            last_s: 1_700_086_399,
            volume: 3,
            offset: 24,
            bytes: 0,
            lag_s: 2,
            first_upload: 5,
            last_upload: 9,
            entries: 864,
        }
    }

    fn two() -> (Vec<u8>, Vec<(u32, u32)>) {
        let note = PersonNote::new(UserId(uuid::Uuid::from_u128(7)), vec!["anna".to_owned()], Vec::new());
        group(&[Draft::Person(300, note), Draft::Chunk(row(), b"payload".to_vec())], 9, 24)
    }

    #[test]
    fn a_group_is_read_back_and_every_flipped_bit_is_noticed() {
        let (bytes, places) = two();
        let person = Frame::read(&bytes, 9).unwrap();
        assert_eq!((person.more(), person.person().unwrap().tokens), (1, vec!["anna".to_owned()]));
        let start = usize::try_from(places[1].0).unwrap() - 24;
        let chunk = Frame::read(&bytes[start..], 9).unwrap();
        let expected = ChunkRow { offset: places[1].0, bytes: places[1].1, ..row() };
        assert_eq!((chunk.more(), chunk.chunk_of(&expected)), (0, Some(&b"payload"[..])));
        assert_eq!(chunk.chunk_of(&ChunkRow { entries: 1, ..expected }), None);
        // What a chunk costs beside its payload.
        assert!(places[1].1 <= 7 + 26, "{} bytes", places[1].1);
        for bit in 0..(bytes.len() - start) * 8 {
            let mut bad = bytes[start..].to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::read(&bad, 9).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn an_erased_frame_leaves_its_neighbours_alone() {
        let (mut bytes, places) = two();
        let erased = erase(&Frame::read(&bytes, 9).unwrap(), 9);
        bytes[..erased.len()].copy_from_slice(&erased);
        let frames = Frames { bytes: [&[0; VOLUME_HEADER_BYTES][..], &bytes].concat(), salt: 9 };
        let mut seen = Vec::new();
        frames.each(&mut |at, _, frame| seen.push((at, frame.unwrap().user())));
        assert_eq!(seen, [(24, None), (usize::try_from(places[1].0).unwrap(), Some(300))]);
        assert!(!frames.bytes.windows(4).any(|window| window == b"anna"));
    }

    #[test]
    fn a_chunk_behind_damage_is_found() {
        let (mut bytes, places) = two();
        bytes[3] ^= 1;
        let frames = Frames { bytes: [&[0; VOLUME_HEADER_BYTES][..], &bytes].concat(), salt: 9 };
        let mut seen = Vec::new();
        frames.each(&mut |at, _, frame| seen.push((at, frame.is_some())));
        assert_eq!(seen, [(24, false), (usize::try_from(places[1].0).unwrap(), true)]);
    }
}
