//! Rows: entries of one user, taken apart; what a record of the log and a sealed chunk hold.
//!
//! ```text
//! rows  = plain bytes u32 | zstd(plain)
//! plain = names u32 | (kind bytes u8 | key bytes u8 | kind | key)*
//!       | rows u32 | (name u32 | upload u32 | write_ts f64 | text bytes u32)*
//!       | text*
//! ```
//! Numbers are little-endian.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::io;

const ZSTD_LEVEL: i32 = 1;
/// More is no chunk of ours.
const PLAIN_BYTES_MAX: usize = 1 << 30;

/// One entry to keep.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    /// `metadata.type`, at most 255 bytes.
    pub kind: &'a str,
    /// `metadata.key`, at most 255 bytes.
    pub key: &'a str,
    /// `metadata.write_ts`, in seconds since 1970; a finite number.
    pub write_ts: f64,
    /// The whole entry as one JSON object.
    pub text: &'a str,
}

/// What an entry is called, next to its time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) kind: Box<str>,
    pub(crate) key: Box<str>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: u32,
    upload: u32,
    write_ts: f64,
    text: Box<str>,
}

/// Entries of one user, in an order that whoever made them chose.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rows {
    names: Vec<Name>,
    rows: Vec<Row>,
}

impl Rows {
    /// Takes entries apart, in order. They belong to upload 0.
    pub(crate) fn parse(rows: &[NewRow<'_>]) -> Self {
        let mut parsed = Self { names: Vec::new(), rows: Vec::with_capacity(rows.len()) };
        let mut known = HashMap::new();
        for row in rows {
            let name = *known.entry((row.kind, row.key)).or_insert_with(|| {
                parsed.names.push(Name { kind: row.kind.into(), key: row.key.into() });
                u32_of(parsed.names.len() - 1)
            });
            parsed.rows.push(Row { name, upload: 0, write_ts: row.write_ts, text: row.text.into() });
        }
        parsed
    }

    /// Reads what [`encode`](Self::encode) wrote, only the rows of `keys` if some are given; `None` when it is damaged.
    pub(crate) fn decode(bytes: &[u8], keys: Option<&[String]>) -> Option<Self> {
        let (plain_bytes, packed) = bytes.split_first_chunk::<4>()?;
        let plain_bytes = usize::try_from(u32::from_le_bytes(*plain_bytes)).ok()?;
        let plain = zstd::bulk::decompress(packed, plain_bytes.min(PLAIN_BYTES_MAX)).ok()?;
        let mut rest = Cursor(&plain);
        let names = (0..rest.u32()?).map(|_| rest.name()).collect::<Option<Vec<_>>>()?;
        let mut heads = Vec::new();
        for _ in 0..rest.u32()? {
            let name = rest.u32().filter(|name| usize::try_from(*name).is_ok_and(|name| name < names.len()))?;
            heads.push((name, rest.u32()?, f64::from_le_bytes(rest.array()?), rest.u32()?));
        }
        let mut rows = Vec::with_capacity(heads.len());
        for (name, upload, write_ts, text_bytes) in heads {
            let text = rest.text(usize::try_from(text_bytes).ok()?)?;
            let key = &names.get(usize::try_from(name).ok()?)?.key;
            if keys.is_none_or(|keys| keys.iter().any(|asked| **asked == **key)) {
                rows.push(Row { name, upload, write_ts, text });
            }
        }
        rest.0.is_empty().then_some(Self { names, rows })
    }

    /// The rows as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let texts: usize = self.rows.iter().map(|row| row.text.len()).sum();
        let mut plain = Vec::with_capacity(texts + self.rows.len() * 20 + self.names.len() * 64 + 8);
        plain.extend_from_slice(&u32_of(self.names.len()).to_le_bytes());
        for Name { kind, key } in &self.names {
            plain.extend([kind, key].map(|part| u8::try_from(part.len()).expect("names have at most 255 bytes")));
            plain.extend_from_slice(kind.as_bytes());
            plain.extend_from_slice(key.as_bytes());
        }
        plain.extend_from_slice(&u32_of(self.rows.len()).to_le_bytes());
        for Row { name, upload, write_ts, text } in &self.rows {
            plain.extend_from_slice(&name.to_le_bytes());
            plain.extend_from_slice(&upload.to_le_bytes());
            plain.extend_from_slice(&write_ts.to_le_bytes());
            plain.extend_from_slice(&u32_of(text.len()).to_le_bytes());
        }
        self.rows.iter().for_each(|row| plain.extend_from_slice(row.text.as_bytes()));
        let mut bytes = u32_of(plain.len()).to_le_bytes().to_vec();
        bytes.extend(compress(&plain).expect("compressing into a fresh vector cannot fail"));
        bytes
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The type and key of a row.
    pub(crate) fn name(&self, row: usize) -> &Name {
        let name = usize::try_from(self.row(row).name).ok().and_then(|name| self.names.get(name));
        name.expect("a row only refers to the names of its rows")
    }

    /// When a row was written.
    pub(crate) fn write_ts(&self, row: usize) -> f64 {
        self.row(row).write_ts
    }

    /// The number of the upload that a row came in.
    pub(crate) fn upload(&self, row: usize) -> u32 {
        self.row(row).upload
    }

    /// Says in which upload all of the rows came.
    pub(crate) fn set_upload(&mut self, upload: u32) {
        self.rows.iter_mut().for_each(|row| row.upload = upload);
    }

    /// The entry as one JSON object, the same value that came in.
    pub(crate) fn text(&self, row: usize) -> String {
        self.row(row).text.to_string()
    }

    /// How far at most `data.ts` lies from `write_ts` in any row that has it.
    pub(crate) fn lag_s(&self) -> f64 {
        let lag = |row: &Row| {
            let entry: serde_json::Value = serde_json::from_str(&row.text).ok()?;
            Some((entry.get("data")?.get("ts")?.as_f64()? - row.write_ts).abs())
        };
        self.rows.iter().filter_map(lag).fold(0.0, f64::max)
    }

    /// Adds the rows of `others` behind these.
    pub(crate) fn append(&mut self, others: &Self) {
        let places: Vec<u32> = others.names.iter().map(|name| self.place_of(name)).collect();
        let moved = others.rows.iter().map(|row| {
            let name = usize::try_from(row.name).ok().and_then(|name| places.get(name));
            Row { name: *name.expect("a row only refers to the names of its rows"), ..row.clone() }
        });
        self.rows.extend(moved);
    }

    /// Only these rows, in this order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let mut selected = Self::default();
        for row in rows {
            let name = selected.place_of(self.name(*row));
            selected.rows.push(Row { name, ..self.row(*row).clone() });
        }
        selected
    }

    fn place_of(&mut self, name: &Name) -> u32 {
        let place = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.clone());
            self.names.len() - 1
        });
        u32_of(place)
    }

    fn row(&self, row: usize) -> &Row {
        self.rows.get(row).expect("the caller counts no further than `len`")
    }
}

/// The order of identities: two rows that are equal in it are one entry.
pub(crate) fn by_identity(one: (&Rows, usize), other: (&Rows, usize)) -> Ordering {
    let (name, other_name) = (one.0.name(one.1), other.0.name(other.1));
    // `-0.0` and `0.0` are one time.
    let stamps = || (one.0.write_ts(one.1) + 0.0).total_cmp(&(other.0.write_ts(other.1) + 0.0));
    name.cmp(other_name).then_with(stamps)
}

fn compress(plain: &[u8]) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(plain, ZSTD_LEVEL)
}

fn u32_of(number: usize) -> u32 {
    u32::try_from(number).expect("an upload is far below 4 GiB: the body limit is")
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

    fn text(&mut self, bytes: usize) -> Option<Box<str>> {
        let (head, tail) = self.0.split_at_checked(bytes)?;
        self.0 = tail;
        std::str::from_utf8(head).ok().map(Box::from)
    }

    fn name(&mut self) -> Option<Name> {
        let [kind_bytes, key_bytes] = self.array()?;
        let kind = self.text(kind_bytes.into())?;
        Some(Name { kind, key: self.text(key_bytes.into())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Rows {
        Rows::parse(&[
            NewRow { kind: "sensor-data", key: "background/location", write_ts: 1.5, text: r#"{"a":"ä"}"# },
            NewRow { kind: "message", key: "stats/client_time", write_ts: -2.25, text: "{}" },
            NewRow { kind: "sensor-data", key: "background/location", write_ts: 3.0, text: r#"{"data":{"ts":2.5}}"# },
        ])
    }

    #[test]
    fn what_is_encoded_comes_back() {
        let mut rows = three();
        rows.set_upload(7);
        assert_eq!(Rows::decode(&rows.encode(), None), Some(rows.clone()));
        let some = Rows::decode(&rows.encode(), Some(&["stats/client_time".to_owned()])).unwrap();
        assert_eq!((some.len(), some.write_ts(0), some.upload(0), some.text(0).as_str()), (1, -2.25, 7, "{}"));
        assert_eq!(rows.lag_s(), 0.5);
    }

    #[test]
    fn rows_cut_anywhere_are_refused_without_a_panic() {
        let bytes = three().encode();
        for end in 0..bytes.len() {
            assert!(Rows::decode(&bytes[..end], None).is_none(), "{end}");
        }
    }

    #[test]
    fn rows_are_put_together_and_picked_out() {
        let mut rows = three();
        rows.append(&three());
        assert_eq!(rows.len(), 6);
        let picked = rows.select(&[4, 2]);
        assert_eq!((picked.text(0), picked.write_ts(1)), ("{}".to_owned(), 3.0));
        assert!(by_identity((&rows, 0), (&rows, 3)).is_eq() && by_identity((&rows, 1), (&rows, 0)).is_lt());
    }
}
