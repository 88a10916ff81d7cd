//! The bytes of a chunk: what it holds, the tables that its streams share, and the streams.
//!
//! ```text
//! chunk  = version u8 | order and flags u8 | rows | streams | { group | rows | bytes | text bytes | packed text bytes }*
//!          | table bytes | order bytes | tables | order | { stream | packed texts }*
//! ```
//! Numbers without a type are LEB128. Locations, filtered locations and motion activity have streams of their own, and
//! so has every other key with many entries; the few entries of the remaining keys share two, in order of time, because
//! what a phone writes at one moment is told best together: what diaries are made of, and the rest.

use std::collections::BTreeMap;

use memchr::memmem;

use crate::bodies::Bodies;
use crate::decode::{Reader, Source};
use crate::encode::Writer;
use crate::integer::Integer;
use crate::plain;
use crate::primer::{Dialect, Kind, Learnt, Primer};
use crate::range_coder::{Coder, Decoder, Encoder};
use crate::rows::{Row, Rows};
use crate::tables::Tables;

/// The first byte of every chunk of this format.
const VERSION: u8 = 1;
/// The flag beside the order that tells that entries were rounded.
pub(crate) const IS_ROUNDED: u8 = 0x80;
/// The flag that tells that the entries are most like those of iOS.
const IS_IOS: u8 = 0x40;
/// The key that has a stream of its own however few its entries.
const MOTION: &str = "background/motion_activity";
/// The keys that share the stream [`Group::Told`]: what phones and people say of trips.
const TOLD: [&str; 8] = [
    "statemachine/transition",
    "background/activity",
    "manual/mode_confirm",
    "manual/purpose_confirm",
    "manual/replaced_mode",
    "manual/trip_user_input",
    "manual/trip_addition_input",
    "manual/place_addition_input",
];
/// A key with so many entries has a stream of its own.
const OWN_STREAM_ROWS_MIN: usize = 256;
/// No chunk has more entries; it bounds what a damaged one may ask for.
const ROWS_MAX: usize = 1 << 24;
/// Room is made for no more entries before they are there.
const RESERVED_ROWS_MAX: usize = 1 << 14;
/// No chunk has more bytes of texts.
const TEXT_BYTES_MAX: usize = 1 << 32;
/// Texts are packed at this level; there are few.
const ZSTD_LEVEL: i32 = 9;

/// Which entries a stream has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    Location,
    Filtered,
    /// One key's.
    Own(Box<str>),
    /// Those of the other keys that diaries are made of, so that who reads these decodes nothing else.
    Told,
    /// Those of all keys that have no other stream.
    Others,
    /// Those of both, in chunks of earlier versions.
    Mixed,
}

impl Group {
    fn of(key: &str) -> Self {
        match key {
            "background/location" => Self::Location,
            "background/filtered_location" => Self::Filtered,
            MOTION => Self::Own(key.into()),
            key if TOLD.contains(&key) => Self::Told,
            _ => Self::Others,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Location => Kind::Location,
            Self::Filtered => Kind::Filtered,
            Self::Own(key) if **key == *MOTION => Kind::Motion,
            Self::Own(_) | Self::Told | Self::Others | Self::Mixed => Kind::Others,
        }
    }

    /// Whether it has entries of many keys.
    fn is_shared(&self) -> bool {
        matches!(self, Self::Told | Self::Others | Self::Mixed)
    }

    fn has(&self, key: &str) -> bool {
        match self {
            Self::Own(own) => **own == *key,
            Self::Mixed => matches!(Self::of(key), Self::Told | Self::Others),
            other => Self::of(key) == *other,
        }
    }
}

/// In which order the entries stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// By name, then by time.
    Sorted,
    /// As they were sent: the chunk says from which stream each next one is.
    Sent,
}

impl Rows {
    /// The entries as the bytes of a chunk.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_by(Primer::of_format()).0
    }

    /// The bytes, and what was learnt in writing them.
    pub(crate) fn encode_by(&self, primer: &Primer) -> (Vec<u8>, Learnt) {
        let order = if self.rows.is_sorted_by_key(by_name(&self.ranks())) { Order::Sorted } else { Order::Sent };
        let groups = self.groups(order);
        let dialect = self.dialect();
        let mut tables = Tables::default();
        let mut locations = Bodies::default();
        let mut parts = Vec::new();
        let mut streams = Vec::new();
        for (group, rows) in &groups {
            let mut writer = Writer::new(self, primer.stream(dialect, group.kind()));
            for row in rows {
                writer.write(*row, &locations, &mut tables);
                if *group == Group::Location {
                    locations.push_hashed(self, *row);
                }
            }
            let (bytes, texts, stream) = writer.finish();
            parts.push((bytes, texts));
            streams.push((group.kind(), stream));
        }
        let mut models = primer.tables(dialect);
        let tables = tables.encode(self, &mut models);
        let order_bytes = if order == Order::Sent { encode_order(&groups) } else { Vec::new() };
        let is_ios = if dialect == Dialect::Android { 0 } else { IS_IOS };
        let is_rounded = if self.is_rounded { IS_ROUNDED } else { 0 };
        let mut bytes = vec![VERSION, order as u8 | is_ios | is_rounded];
        put_number(&mut bytes, groups.len());
        let packed: Vec<Vec<u8>> = parts.iter().map(|(_, texts)| pack(texts)).collect();
        for (((group, rows), (stream, texts)), packed) in groups.iter().zip(&parts).zip(&packed) {
            put_group(&mut bytes, group);
            for number in [rows.len(), stream.len(), texts.len()] {
                put_number(&mut bytes, number);
            }
            if !texts.is_empty() {
                put_number(&mut bytes, packed.len());
            }
        }
        put_number(&mut bytes, tables.len());
        put_number(&mut bytes, order_bytes.len());
        bytes.extend(tables);
        bytes.extend(order_bytes);
        for ((stream, _), packed) in parts.iter().zip(&packed) {
            bytes.extend(stream);
            bytes.extend(packed);
        }
        (bytes, Learnt { dialect, streams, tables: models })
    }

    /// What the entries are most like, by the first of them.
    fn dialect(&self) -> Dialect {
        let platform = self.rows.first().and_then(|row| self.platform_of(row));
        Dialect::of(platform == Some("ios"), self.is_rounded)
    }

    /// Which entries stand in which stream.
    fn groups(&self, order: Order) -> Vec<(Group, Vec<usize>)> {
        let mut rows_of: Vec<Vec<usize>> = vec![Vec::new(); self.names.len()];
        for (row, at) in self.rows.iter().enumerate() {
            rows_of.get_mut(at.name as usize).expect("a row only refers to its own names").push(row);
        }
        let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        for (name, rows) in self.names.iter().zip(rows_of).filter(|(_, rows)| !rows.is_empty()) {
            let group = match Group::of(&name.key) {
                Group::Told | Group::Others if rows.len() >= OWN_STREAM_ROWS_MIN => Group::Own(name.key.clone()),
                group => group,
            };
            groups.entry(group).or_default().extend(rows);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        for (_, rows) in &mut groups {
            // Those of several names stand one behind the other.
            rows.sort_unstable();
        }
        if order == Order::Sorted {
            for (_, rows) in &mut groups {
                rows.sort_by_key(|row| Stamp(self.write_ts(*row)));
            }
        }
        groups
    }

    /// The entries of a chunk, or of what was packed for the log, or those of them with one of the keys. `None` if these
    /// are not the bytes of either.
    pub fn decode(bytes: &[u8], keys: Option<&[String]>) -> Option<Self> {
        Self::decode_until(bytes, keys, f64::INFINITY)
    }

    /// As [`decode`](Self::decode), but of the entries that were written after `until`, in seconds since 1970, some may
    /// be missing.
    pub fn decode_until(bytes: &[u8], keys: Option<&[String]>, until: f64) -> Option<Self> {
        match (bytes.split_first()?, keys) {
            ((&VERSION, behind), keys) => Self::decode_chunk(behind, keys, until),
            ((&plain::VERSION, behind), keys) => {
                let mut rows = Self::default();
                rows.unpack(behind)?;
                Some(if let Some(keys) = keys { rows.of_keys(keys) } else { rows })
            }
            _ => None,
        }
    }

    /// Reads the entries of an upload, as [`decode`](Self::decode) does, onto the end of these. `None` if these are not the
    /// bytes of any; then anything may be there.
    pub fn append_upload(&mut self, bytes: &[u8], upload: u32) -> Option<()> {
        let first = self.len();
        match bytes.split_first()? {
            (&plain::VERSION, behind) => self.unpack(behind)?,
            _ => self.append(&Self::decode(bytes, None)?),
        }
        self.rows.iter_mut().skip(first).for_each(|row| row.upload = upload);
        Some(())
    }

    fn decode_chunk(mut bytes: &[u8], keys: Option<&[String]>, until: f64) -> Option<Self> {
        let [flags] = take(&mut bytes, 1)? else { return None };
        let is_rounded = flags & IS_ROUNDED != 0;
        let dialect = Dialect::of(flags & IS_IOS != 0, is_rounded);
        let order = match flags & !(IS_ROUNDED | IS_IOS) {
            0 => Order::Sorted,
            1 => Order::Sent,
            _ => return None,
        };
        let mut parts = Vec::new();
        for _ in 0..take_number(&mut bytes)? {
            let group = take_group(&mut bytes)?;
            let rows = take_number(&mut bytes).filter(|rows| *rows <= ROWS_MAX)?;
            let [stream, texts] = [take_number(&mut bytes)?, take_number(&mut bytes)?];
            let packed = if texts == 0 { 0 } else { take_number(&mut bytes)? };
            parts.push((group, rows, stream, texts, packed));
        }
        let [tables, order_bytes] = [take_number(&mut bytes)?, take_number(&mut bytes)?];
        let [tables, order_bytes] = [take(&mut bytes, tables)?, take(&mut bytes, order_bytes)?];
        let mut rows = Self::default();
        rows.is_rounded = is_rounded;
        let tables = Tables::decode(tables, Primer::of_format().tables(dialect), &mut rows)?;
        let is_asked = |group: &Group| keys.is_none_or(|keys| keys.iter().any(|key| group.has(key)));
        let asks_filtered = is_asked(&Group::Filtered);
        let counts: Vec<usize> = parts.iter().map(|(_, count, ..)| *count).collect();
        let mut asked = Vec::new();
        for (group, count, stream, text_bytes, packed) in parts {
            let (stream, packed) = (take(&mut bytes, stream)?, take(&mut bytes, packed)?);
            // A filtered location is told by the location that it is a copy of.
            let is_needed = is_asked(&group) || group == Group::Location && asks_filtered;
            if !is_needed {
                continue;
            }
            let texts = unpack(packed, text_bytes)?;
            // A key is a label or, where a phone has too many of them, a text.
            let is_named =
                |key: &String| tables.labels.has(key, &rows) || memmem::find(&texts, key.as_bytes()).is_some();
            if !group.is_shared() || keys.is_none_or(|keys| keys.iter().any(|key| group.has(key) && is_named(key))) {
                asked.push((group, count, stream, texts));
            }
        }
        if !bytes.is_empty() {
            return None;
        }
        // Only a sorted stream has nothing else behind the first entry that is too late.
        let until = if order == Order::Sorted { until } else { f64::INFINITY };
        rows.reserve(asked.iter().map(|(_, count, ..)| count).sum::<usize>().min(RESERVED_ROWS_MAX));
        let mut locations = None;
        for (group, count, stream, texts) in &asked {
            let models = Primer::of_format().stream(dialect, group.kind());
            let mut reader = Reader::new(models, stream, texts);
            if !is_asked(group) {
                reader = reader.without_heads(&mut rows);
            }
            let mut source = Source::new(reader, *count);
            source.read_until(until, &mut rows, &tables, &mut locations)?;
            if *group == Group::Location {
                locations = Some(source);
            }
        }
        match (keys, order) {
            (None, Order::Sent) => rows.put_in_order(order_bytes, &counts),
            (None, Order::Sorted) => Some(rows.sorted()),
            (Some(keys), _) => Some(rows.of_keys(keys)),
        }
    }

    fn of_keys(mut self, keys: &[String]) -> Self {
        let is_asked: Vec<bool> = self.names.iter().map(|name| keys.iter().any(|key| **key == *name.key)).collect();
        self.rows.retain(|row| is_asked.get(row.name as usize).copied().unwrap_or_default());
        self.sorted()
    }

    fn sorted(mut self) -> Self {
        let ranks = self.ranks();
        self.rows.sort_by_key(by_name(&ranks));
        self
    }

    fn put_in_order(mut self, order: &[u8], counts: &[usize]) -> Option<Self> {
        let mut starts = Vec::new();
        let mut start = 0;
        for count in counts {
            starts.push(start..start + count);
            start += count;
        }
        let mut coder = Decoder::new(order);
        let mut model = OrderModel::default();
        let mut ordered = Vec::with_capacity(self.rows.len());
        for _ in 0..self.rows.len() {
            let stream = model.code(&mut coder, 0);
            ordered.push(*self.rows.get(starts.get_mut(stream)?.next()?)?);
        }
        self.rows = ordered;
        Some(self)
    }
}

/// Where an entry stands in a sorted chunk.
fn by_name(ranks: &[usize]) -> impl Fn(&Row) -> (Option<usize>, Stamp) {
    |row| (ranks.get(row.name as usize).copied(), Stamp(row.write_ts))
}

/// Times in their order.
#[derive(Clone, Copy, PartialEq)]
struct Stamp(f64);

impl Eq for Stamp {}

impl PartialOrd for Stamp {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Stamp {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// From which stream each next entry is, known from the last.
#[derive(Debug, Default)]
struct OrderModel {
    last: usize,
    streams: Integer<16, 16>,
}

impl OrderModel {
    fn code(&mut self, coder: &mut impl Coder, stream: usize) -> usize {
        let stream = self.streams.code(coder, self.last, stream as i64);
        self.last = usize::try_from(stream).unwrap_or(usize::MAX);
        self.last
    }
}

fn encode_order(groups: &[(Group, Vec<usize>)]) -> Vec<u8> {
    let mut streams: Vec<(usize, usize)> =
        groups.iter().enumerate().flat_map(|(stream, (_, rows))| rows.iter().map(move |row| (*row, stream))).collect();
    streams.sort_unstable();
    let mut coder = Encoder::new();
    let mut model = OrderModel::default();
    for (_, stream) in streams {
        model.code(&mut coder, stream);
    }
    coder.finish()
}

fn pack(texts: &[u8]) -> Vec<u8> {
    if texts.is_empty() {
        return Vec::new();
    }
    zstd::bulk::compress(texts, ZSTD_LEVEL).expect("compressing into a fresh vector cannot fail")
}

fn unpack(packed: &[u8], bytes: usize) -> Option<Vec<u8>> {
    if bytes == 0 {
        return Some(Vec::new());
    }
    let texts = zstd::bulk::decompress(packed, bytes.min(TEXT_BYTES_MAX)).ok()?;
    (texts.len() == bytes).then_some(texts)
}

pub(crate) fn put_number(bytes: &mut Vec<u8>, number: usize) {
    let mut left = number;
    loop {
        let [low, ..] = left.to_le_bytes();
        left >>= 7;
        if left == 0 {
            bytes.push(low & 127);
            return;
        }
        bytes.push(low | 128);
    }
}

pub(crate) fn take_number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = *take(bytes, 1)?.first()?;
        number |= usize::from(byte & 127).checked_shl(shift)?;
        if byte < 128 {
            return Some(number);
        }
    }
    None
}

pub(crate) fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn put_group(bytes: &mut Vec<u8>, group: &Group) {
    match group {
        Group::Location => bytes.push(0),
        Group::Filtered => bytes.push(1),
        Group::Mixed => bytes.push(2),
        Group::Told => bytes.push(5),
        Group::Others => bytes.push(6),
        Group::Own(key) if **key == *MOTION => bytes.push(3),
        Group::Own(key) => {
            bytes.push(4);
            put_number(bytes, key.len());
            bytes.extend(key.bytes());
        }
    }
}

pub(crate) fn take_group(bytes: &mut &[u8]) -> Option<Group> {
    Some(match take(bytes, 1)? {
        [0] => Group::Location,
        [1] => Group::Filtered,
        [2] => Group::Mixed,
        [5] => Group::Told,
        [6] => Group::Others,
        [3] => Group::Own(MOTION.into()),
        [4] => {
            let count = take_number(bytes)?;
            Group::Own(std::str::from_utf8(take(bytes, count)?).ok()?.into())
        }
        _ => return None,
    })
}
