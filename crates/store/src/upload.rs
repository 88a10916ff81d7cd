//! An upload as the log keeps it.
//!
//! ```text
//! record = user 16 | number u32 | entries u32 | bytes u32 | crc32c u32 | first write_ts f64 | last write_ts f64 | rows
//! ```
//! Little-endian; `bytes` counts the rows, whose form [`crate::chunk`] describes. The checksum covers all but the number,
//! which the writing thread fills in, and itself; it lets a record be read alone, without its frame's.

use rushhour_model::ids::UserId;
use uuid::Uuid;

use crate::chunk::{NewRow, Rows};
use crate::key_set::KeySet;

/// The bytes in front of a record's rows.
pub(crate) const RECORD_HEADER_BYTES: usize = 48;

/// A batch of one user's entries, packed and ready for the log. Packing is the caller's work, so that it runs in
/// parallel and not in the one thread that writes.
#[derive(Clone, Debug)]
pub struct Upload {
    pub(crate) header: RecordHeader,
    pub(crate) rows: Vec<u8>,
    pub(crate) keys: KeySet,
}

impl Upload {
    /// Takes `rows` of `user` apart, and packs them.
    pub fn pack(user: UserId, rows: &[NewRow<'_>]) -> Self {
        Self::of(user, &Rows::parse(rows))
    }

    /// Packs entries of `user` that were taken apart.
    pub fn of(user: UserId, rows: &Rows) -> Self {
        let stamps = || (0..rows.len()).map(|row| rows.write_ts(row));
        let packed = rows.pack();
        let mut header = RecordHeader {
            user,
            number: 0,
            entries: u32::try_from(rows.len()).expect("a body has far fewer entries than 4 G"),
            bytes: u32::try_from(packed.len()).unwrap_or(u32::MAX),
            crc: 0,
            first_ts: stamps().fold(f64::INFINITY, f64::min),
            last_ts: stamps().fold(f64::NEG_INFINITY, f64::max),
        };
        header.crc = header.checksum(&packed);
        Self { header, rows: packed, keys: KeySet::of(rows.names().iter().map(|name| &*name.key)) }
    }

    /// Whose it is.
    pub fn user(&self) -> UserId {
        self.header.user
    }

    /// How much of the log it takes.
    pub(crate) fn record_bytes(&self) -> usize {
        RECORD_HEADER_BYTES + self.rows.len()
    }
}

/// What stands in front of a record's rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RecordHeader {
    pub(crate) user: UserId,
    /// The how manieth upload of its user, from 0.
    pub(crate) number: u32,
    pub(crate) entries: u32,
    /// How many bytes the rows take.
    pub(crate) bytes: u32,
    crc: u32,
    pub(crate) first_ts: f64,
    pub(crate) last_ts: f64,
}

impl RecordHeader {
    /// The header as it stands in the log.
    pub(crate) fn write(&self) -> [u8; RECORD_HEADER_BYTES] {
        let numbers = [self.number, self.entries, self.bytes, self.crc].map(u32::to_le_bytes).concat();
        let times = [self.first_ts, self.last_ts].map(f64::to_le_bytes).concat();
        let mut header = [0; RECORD_HEADER_BYTES];
        header.copy_from_slice(&[self.user.0.as_bytes().as_slice(), &numbers, &times].concat());
        header
    }

    /// Reads the header at the start of `bytes`.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<RECORD_HEADER_BYTES>()?;
        let number = |at: usize| Some(u32::from_le_bytes(*header.get(at..)?.first_chunk()?));
        let time = |at: usize| Some(f64::from_le_bytes(*header.get(at..)?.first_chunk()?));
        Some(Self {
            user: UserId(Uuid::from_bytes(*header.first_chunk()?)),
            number: number(16)?,
            entries: number(20)?,
            bytes: number(24)?,
            crc: number(28)?,
            first_ts: time(32)?,
            last_ts: time(40)?,
        })
    }

    /// The rows behind this header, in the upload that it says; `None` when they are not what was packed.
    pub(crate) fn unpack(&self, packed: &[u8], keys: Option<&[String]>) -> Option<Rows> {
        if self.checksum(packed) != self.crc {
            return None;
        }
        let mut rows = Rows::decode(packed, keys)?;
        rows.set_upload(self.number);
        Some(rows)
    }

    /// Adds them to `rows`; `None` when they are not what was packed, and then anything may be there.
    pub(crate) fn unpack_onto(&self, packed: &[u8], rows: &mut Rows) -> Option<()> {
        if self.checksum(packed) != self.crc {
            return None;
        }
        rows.append_upload(packed, self.number)
    }

    fn checksum(&self, packed: &[u8]) -> u32 {
        let plain = Self { number: 0, crc: 0, ..*self };
        crc32c::crc32c_append(crc32c::crc32c(&plain.write()), packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_alone_and_every_flipped_bit_is_noticed() {
        let row = NewRow { kind: "t", key: "k", write_ts: 1.5, text: "{}" };
        let mut upload = Upload::pack(UserId(Uuid::from_u128(7)), &[row, NewRow { write_ts: -1.0, ..row }]);
        upload.header.number = 9;
        let record = [upload.header.write().as_slice(), &upload.rows].concat();
        let header = RecordHeader::read(&record).unwrap();
        assert_eq!((header, header.first_ts, header.last_ts), (upload.header, -1.0, 1.5));
        let rows = header.unpack(&record[RECORD_HEADER_BYTES..], None).unwrap();
        assert_eq!((rows.len(), rows.upload(1)), (2, 9));
        for bit in 0..record.len() * 8 {
            let mut bad = record.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let read = RecordHeader::read(&bad).unwrap();
            let is_number = (128..160).contains(&bit);
            assert_eq!(read.unpack(&bad[RECORD_HEADER_BYTES..], None).is_some(), is_number, "bit {bit}");
        }
    }
}
