//! An upload as the log keeps it: a table of names, a column of times, and the texts, packed together.
//!
//! ```text
//! record  = user 16 | codec 1 | rows u32 | plain bytes u32 | packed bytes u32 | packed
//! packed  = zstd(plain)                                     (codec 1)
//! plain   = names u32 | (kind bytes u8 | key bytes u8 | kind | key)*
//!         | (name u32 | write_ts f64 | text bytes u32)*     (one per row)
//!         | text*
//! ```
//! Numbers are little-endian.

use std::collections::HashMap;
use std::ops::Range;

use rushhour_model::ids::UserId;
use uuid::Uuid;

/// The bytes in front of a record's packed part.
pub(crate) const RECORD_HEADER_BYTES: usize = 29;
const CODEC_ZSTD: u8 = 1;
const ZSTD_LEVEL: i32 = 1;

/// One entry to keep.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    /// `metadata.type`, at most 255 bytes.
    pub kind: &'a str,
    /// `metadata.key`, at most 255 bytes.
    pub key: &'a str,
    /// `metadata.write_ts`, in seconds since 1970.
    pub write_ts: f64,
    /// The whole entry as one JSON object.
    pub text: &'a str,
}

/// What an entry is called, next to its time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) key: Box<str>,
    pub(crate) kind: Box<str>,
}

/// The identities in one record, in the order of its rows.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Batch {
    pub(crate) names: Vec<Name>,
    /// Index into `names`, and `write_ts`.
    pub(crate) rows: Vec<(u32, f64)>,
}

/// A batch of one user's entries, packed and ready for the log. Packing is the caller's work, so that it runs in
/// parallel and not in the one thread that writes.
#[derive(Debug)]
pub struct Upload {
    pub(crate) user: UserId,
    pub(crate) record: Vec<u8>,
    pub(crate) batch: Batch,
}

impl Upload {
    /// Packs `rows` of `user`.
    pub fn pack(user: UserId, rows: &[NewRow<'_>]) -> Self {
        let batch = Batch::of(rows);
        let plain = encode(&batch, rows);
        let packed = compress(&plain).expect("compressing into a fresh vector cannot fail");
        let mut record = Vec::with_capacity(RECORD_HEADER_BYTES + packed.len());
        record.extend_from_slice(user.0.as_bytes());
        record.push(CODEC_ZSTD);
        for number in [rows.len(), plain.len(), packed.len()] {
            record.extend_from_slice(&u32_of(number).to_le_bytes());
        }
        record.extend_from_slice(&packed);
        Self { user, record, batch }
    }
}

/// With a checksum of its own: a record is read alone, without its frame's.
fn compress(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    compressor.include_checksum(true)?;
    compressor.compress(plain)
}

impl Batch {
    fn of(rows: &[NewRow<'_>]) -> Self {
        let mut batch = Self { names: Vec::new(), rows: Vec::with_capacity(rows.len()) };
        let mut known = HashMap::new();
        for row in rows {
            let name = *known.entry((row.kind, row.key)).or_insert_with(|| {
                batch.names.push(Name { key: row.key.into(), kind: row.kind.into() });
                u32_of(batch.names.len() - 1)
            });
            batch.rows.push((name, row.write_ts));
        }
        batch
    }
}

fn encode(batch: &Batch, rows: &[NewRow<'_>]) -> Vec<u8> {
    let texts: usize = rows.iter().map(|row| row.text.len()).sum();
    let mut plain = Vec::with_capacity(texts + rows.len() * 16 + batch.names.len() * 64 + 4);
    plain.extend_from_slice(&u32_of(batch.names.len()).to_le_bytes());
    for name in &batch.names {
        plain.extend(
            [&name.kind, &name.key].map(|part| u8::try_from(part.len()).expect("names have at most 255 bytes")),
        );
        plain.extend_from_slice(name.kind.as_bytes());
        plain.extend_from_slice(name.key.as_bytes());
    }
    for ((name, write_ts), row) in batch.rows.iter().zip(rows) {
        plain.extend_from_slice(&name.to_le_bytes());
        plain.extend_from_slice(&write_ts.to_le_bytes());
        plain.extend_from_slice(&u32_of(row.text.len()).to_le_bytes());
    }
    rows.iter().for_each(|row| plain.extend_from_slice(row.text.as_bytes()));
    plain
}

fn u32_of(number: usize) -> u32 {
    u32::try_from(number).expect("an upload is far below 4 GiB: the body limit is")
}

/// A record's header, read back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RecordHeader {
    pub(crate) user: UserId,
    pub(crate) shape: Shape,
}

/// What is needed to unpack a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    codec: u8,
    rows: u32,
    plain_bytes: u32,
    pub(crate) packed_bytes: u32,
}

impl RecordHeader {
    /// Reads the header at the start of `bytes`.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = Cursor(bytes);
        let user = UserId(Uuid::from_bytes(rest.array()?));
        let [codec] = rest.array()?;
        let shape = Shape { codec, rows: rest.u32()?, plain_bytes: rest.u32()?, packed_bytes: rest.u32()? };
        Some(Self { user, shape })
    }
}

/// A record, unpacked.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) batch: Batch,
    plain: Vec<u8>,
    texts: Vec<Range<usize>>,
}

impl Rows {
    /// Unpacks the packed part of a record; `None` when it is not what the header says.
    pub(crate) fn unpack(shape: Shape, packed: &[u8]) -> Option<Self> {
        if shape.codec != CODEC_ZSTD {
            return None;
        }
        let plain = zstd::bulk::decompress(packed, usize::try_from(shape.plain_bytes).ok()?).ok()?;
        let mut rest = Cursor(&plain);
        let names = (0..rest.u32()?).map(|_| rest.name()).collect::<Option<Vec<_>>>()?;
        let mut rows = Vec::with_capacity(usize::try_from(shape.rows).ok()?);
        let mut lengths = Vec::with_capacity(rows.capacity());
        for _ in 0..shape.rows {
            let name = rest.u32().filter(|name| usize::try_from(*name).is_ok_and(|name| name < names.len()))?;
            rows.push((name, f64::from_le_bytes(rest.array()?)));
            lengths.push(usize::try_from(rest.u32()?).ok()?);
        }
        let mut end = plain.len() - rest.0.len();
        let texts: Vec<_> = lengths
            .into_iter()
            .map(|bytes| {
                let start = end;
                end += bytes;
                start..end
            })
            .collect();
        (end == plain.len()).then_some(Self { batch: Batch { names, rows }, plain, texts })
    }

    /// The text of one row; `None` when there is no such row or it is not UTF-8.
    pub(crate) fn text(&self, row: u32) -> Option<&str> {
        let range = self.texts.get(usize::try_from(row).ok()?)?;
        std::str::from_utf8(self.plain.get(range.clone())?).ok()
    }
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn text(&mut self, bytes: u8) -> Option<Box<str>> {
        let (head, tail) = self.0.split_at_checked(bytes.into())?;
        self.0 = tail;
        std::str::from_utf8(head).ok().map(Box::from)
    }

    fn name(&mut self) -> Option<Name> {
        let [kind_bytes, key_bytes] = self.array()?;
        let kind = self.text(kind_bytes)?;
        Some(Name { kind, key: self.text(key_bytes)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let rows = [
            NewRow { kind: "sensor-data", key: "background/location", write_ts: 1.5, text: r#"{"a":"ä"}"# },
            NewRow { kind: "message", key: "stats/client_time", write_ts: -2.25, text: "{}" },
            NewRow { kind: "sensor-data", key: "background/location", write_ts: 3.0, text: "" },
        ];
        let user = UserId(Uuid::from_u128(7));
        let upload = Upload::pack(user, &rows);
        let header = RecordHeader::read(&upload.record).unwrap();
        assert_eq!(header.user, user);
        let unpacked = Rows::unpack(header.shape, &upload.record[RECORD_HEADER_BYTES..]).unwrap();
        assert_eq!(unpacked.batch, upload.batch);
        assert_eq!(upload.batch.names.len(), 2);
        for (number, row) in (0..).zip(rows) {
            assert_eq!(unpacked.text(number), Some(row.text));
        }
        assert_eq!(unpacked.text(3), None);
    }

    #[test]
    fn a_record_cut_anywhere_is_refused_without_a_panic() {
        let rows = [NewRow { kind: "t", key: "k", write_ts: 1.0, text: "{}" }; 3];
        let record = Upload::pack(UserId(Uuid::nil()), &rows).record;
        for end in 0..record.len() {
            let cut = &record[..end];
            let whole =
                RecordHeader::read(cut).and_then(|header| Rows::unpack(header.shape, &cut[RECORD_HEADER_BYTES..]));
            assert!(whole.is_none(), "{end}");
        }
    }
}
