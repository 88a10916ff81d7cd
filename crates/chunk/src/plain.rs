//! Entries as the log keeps them, in the order in which they were sent: written and read in a fraction of the time that a
//! chunk takes, at two to three times the bytes. They stay there for a day or two.
//!
//! ```text
//! plain = version u8 | is rounded u8 | paths { parent | is index u8 | text or index }* | names { kind | key }*
//!         | shapes { leaves { path }* }* | rows { pattern | head | body }*
//! half  = mask, a bit for each leaf | { what it says }*, for each leaf that has its bit
//! leaf  = twice the difference of a decimal, if its tag is that of the last number at its path
//!         | twice the tag and one | what it says
//! ```
//! Numbers are LEB128, and every list starts with its length. A pattern is a name with the shapes of head and body; the
//! number behind the last one is followed by the three of a new one. A leaf without its bit is what it was in the last head
//! of the pattern, or in the last body of the shape: so a filtered location is a few bytes behind its location.

use std::collections::HashMap;

use crate::chunk::{put_number, take, take_number};
use crate::moment::{Moment, ts_of, ts_place};
use crate::number::Kind;
use crate::paths::{CALLED, PathId, Paths, Step};
use crate::rows::{Name, Row, Rows, ShapeId};
use crate::value::Value;

/// The first byte of these bytes.
pub(crate) const VERSION: u8 = 2;

/// Numbers of up to so many decimals, of which positions have most, are told by how far they are from the last; the tag
/// is how many.
const DECIMALS_MAX: u8 = 7;
const FLOAT: u8 = 8;
const INT: u8 = 9;
const UINT: u8 = 10;
const NULL: u8 = 11;
const FALSE: u8 = 12;
const TRUE: u8 = 13;
const EMPTY_OBJECT: u8 = 14;
const EMPTY_ARRAY: u8 = 15;
/// A text that was not there before.
const TEXT: u8 = 16;
/// One that was.
const TEXT_AGAIN: u8 = 17;
/// `data.ts` in words.
const MOMENT: u8 = 18;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pattern {
    name: u32,
    head: ShapeId,
    body: ShapeId,
}

/// Where the leaves of earlier entries are that the next one is told by.
#[derive(Debug, Default)]
struct Before {
    /// By number of the pattern: the last head.
    heads: Vec<Option<usize>>,
    /// By number of the shape: the last body.
    bodies: Vec<Option<usize>>,
}

impl Before {
    /// Where the last halves like these are; the present ones take their place.
    fn replace(&mut self, pattern: usize, body: ShapeId, head_at: usize, body_at: usize) -> [Option<usize>; 2] {
        let body = body as usize;
        self.heads.resize(self.heads.len().max(pattern + 1), None);
        self.bodies.resize(self.bodies.len().max(body + 1), None);
        let (head, body) = (self.heads.get_mut(pattern), self.bodies.get_mut(body));
        [head.and_then(|head| head.replace(head_at)), body.and_then(|body| body.replace(body_at))]
    }
}

impl Rows {
    /// The entries as the log keeps them; [`decode`](Self::decode) reads this too. Which uploads they are of is not told.
    pub fn pack(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.is_rounded.into()];
        self.put_tables(&mut bytes);
        put_number(&mut bytes, self.rows.len());
        let tags = vec![0; self.paths.len() as usize];
        let mut writer = Writer { rows: self, bytes, texts: HashMap::new(), tags };
        let mut patterns: HashMap<Pattern, usize> = HashMap::new();
        let mut last = None;
        let mut before = Before::default();
        for row in &self.rows {
            let pattern = Pattern { name: row.name, head: row.head, body: row.body };
            let new = patterns.len();
            // Neighbours are mostly alike.
            let number = match last {
                Some((known, number)) if known == pattern => number,
                _ => *patterns.entry(pattern).or_insert(new),
            };
            last = Some((pattern, number));
            put_number(&mut writer.bytes, number);
            if number == new {
                for number in [row.name, row.head, row.body] {
                    put_number(&mut writer.bytes, number as usize);
                }
            }
            let body_at = row.first + self.shape(row.head).len();
            let [head, body] = before.replace(number, row.body, row.first, body_at);
            writer.half(self.shape(row.head), row.first, head);
            writer.half(self.shape(row.body), body_at, body);
        }
        writer.bytes
    }

    fn put_tables(&self, bytes: &mut Vec<u8>) {
        put_number(bytes, self.paths.own().len());
        for node in self.paths.own() {
            put_number(bytes, node.parent as usize);
            match &node.step {
                Step::Index(index) => {
                    bytes.push(1);
                    put_number(bytes, *index as usize);
                }
                Step::Key(key) => {
                    bytes.push(0);
                    put_text(bytes, key);
                }
                Step::Aside(_) => unreachable!("all asides are known paths"),
            }
        }
        put_number(bytes, self.names.len());
        for name in &self.names {
            put_text(bytes, &name.kind);
            put_text(bytes, &name.key);
        }
        put_number(bytes, self.shapes.len());
        for shape in &self.shapes {
            put_number(bytes, shape.len());
            shape.iter().for_each(|path| put_number(bytes, *path as usize));
        }
    }

    /// Reads what [`pack`](Self::pack) wrote, behind the version, onto the end of these; `None` if it is something else, and
    /// then anything may be there.
    pub(crate) fn unpack(&mut self, mut bytes: &[u8]) -> Option<()> {
        let [is_rounded @ 0..=1] = take(&mut bytes, 1)? else { return None };
        self.is_rounded |= *is_rounded == 1;
        let tables = self.take_tables(&mut bytes)?;
        let count = take_number(&mut bytes)?;
        // Each entry has a byte at least.
        self.reserve(count.min(bytes.len()));
        let tags = vec![0; self.paths.len() as usize];
        let mut reader = Reader { rows: self, tables, bytes, texts: Vec::new(), tags };
        // Each with the leaf of its head that says when an entry was written, and those of its body that say it in words.
        let mut patterns: Vec<(Pattern, usize, Option<Words>)> = Vec::new();
        let mut before = Before::default();
        for _ in 0..count {
            let number = take_number(&mut reader.bytes)?;
            if number == patterns.len() {
                let pattern = reader.pattern()?;
                let words = Words::of(reader.rows.shape(pattern.body));
                patterns.push((pattern, reader.rows.write_ts_place(pattern.head)?, words));
            }
            let (Pattern { name, head, body }, write_ts_at, words) = *patterns.get(number)?;
            let first = reader.rows.values.len();
            let body_at = first + reader.rows.shape(head).len();
            let [last_head, last_body] = before.replace(number, body, first, body_at);
            reader.half(head, last_head)?;
            let told = reader.half(body, last_body)?;
            if let Some((words, last_body)) = words.zip(last_body) {
                reader.keep_words(words, told, body_at, last_body)?;
            }
            let write_ts = reader.rows.values.get(first + write_ts_at)?.as_f64()?;
            reader.rows.rows.push(Row { name, upload: 0, head, body, first, write_ts });
        }
        reader.bytes.is_empty().then_some(())
    }

    fn take_tables(&mut self, bytes: &mut &[u8]) -> Option<Tables> {
        let mut paths = (0..Paths::default().len()).collect::<Vec<_>>();
        for _ in 0..take_number(bytes)? {
            let parent = *paths.get(take_number(bytes)?)?;
            let step = match take(bytes, 1)? {
                [0] => Step::Key(take_text(bytes)?.into()),
                [1] => Step::Index(u32::try_from(take_number(bytes)?).ok()?),
                _ => return None,
            };
            paths.push(self.paths.child(parent, step));
        }
        let mut tables = Tables::default();
        for _ in 0..take_number(bytes)? {
            let [kind, key] = [take_text(bytes)?, take_text(bytes)?].map(Into::into);
            tables.names.push(self.name_id(Name { kind, key }));
        }
        for _ in 0..take_number(bytes)? {
            let leaves = take_number(bytes).filter(|leaves| *leaves < paths.len())?;
            let shape = (0..leaves).map(|_| paths.get(take_number(bytes)?).copied()).collect::<Option<_>>()?;
            tables.shapes.push(self.shape_id(shape));
        }
        Some(tables)
    }

    /// Which leaf of a head says when an entry was written.
    fn write_ts_place(&self, head: ShapeId) -> Option<usize> {
        let find = |path: PathId| self.shape(head).iter().position(|leaf| *leaf == path);
        find(CALLED.aside_write_ts).or_else(|| find(CALLED.write_ts))
    }
}

struct Writer<'a> {
    rows: &'a Rows,
    bytes: Vec<u8>,
    /// The texts that were told, by number.
    texts: HashMap<&'a str, usize>,
    /// By path: the tag of the last number that was not whole.
    tags: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn half(&mut self, shape: &[PathId], at: usize, before: Option<usize>) {
        let rows = self.rows;
        let leaves = |at: usize| rows.values.get(at..at + shape.len()).expect("a row only refers to its own values");
        let (values, before) = (leaves(at), before.map(leaves));
        let mask = self.bytes.len();
        self.bytes.resize(mask + shape.len().div_ceil(8), 0);
        let mut is_same_ts = true;
        for (leaf, (path, value)) in shape.iter().zip(values).enumerate() {
            let last = before.and_then(|before| before.get(leaf)).copied();
            let is_same = last.is_some_and(|last| rows.is_same_value(*value, rows, last));
            if *path == CALLED.ts {
                is_same_ts = is_same;
            }
            // A moment is what it was with the same time.
            if is_same && (is_same_ts || !matches!(value, Value::Moment(_))) {
                continue;
            }
            if let Some(bits) = self.bytes.get_mut(mask + leaf / 8) {
                *bits |= 1 << (leaf % 8);
            }
            self.value(*value, last.unwrap_or(Value::Null), *path);
        }
    }

    fn value(&mut self, value: Value, last: Value, path: PathId) {
        match value {
            Value::Null => self.tag(NULL),
            Value::Bool(value) => self.tag(if value { TRUE } else { FALSE }),
            Value::EmptyObject => self.tag(EMPTY_OBJECT),
            Value::EmptyArray => self.tag(EMPTY_ARRAY),
            Value::Text { .. } => self.text(self.rows.text_of(value)),
            Value::Moment(moment) => {
                self.tag(MOMENT);
                put_number(&mut self.bytes, fold(moment.number()));
            }
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => self.number(value, last, path),
        }
    }

    fn tag(&mut self, tag: u8) {
        self.bytes.push(tag << 1 | 1);
    }

    fn number(&mut self, value: Value, last: Value, path: PathId) {
        let known = self.tags.get_mut(path as usize).expect("there is one for each path");
        let told = told(value, *known);
        let is_known = *known == told.0;
        learn(known, told.0, value);
        match told {
            (decimals @ 0..=DECIMALS_MAX, payload) => {
                let folded = fold(payload.wrapping_sub(near(decimals, last)));
                if is_known && folded >> 63 == 0 {
                    return put_number(&mut self.bytes, folded << 1);
                }
                self.tag(decimals);
                put_number(&mut self.bytes, folded);
            }
            (tag, bits) => {
                self.tag(tag);
                self.bytes.extend(bits.to_le_bytes());
            }
        }
    }

    fn text(&mut self, text: &'a str) {
        let new = self.texts.len();
        if let Some(number) = self.texts.get(text).copied() {
            self.tag(TEXT_AGAIN);
            put_number(&mut self.bytes, number);
        } else {
            self.texts.insert(text, new);
            self.tag(TEXT);
            put_text(&mut self.bytes, text);
        }
    }
}

/// Where a body has `data.fmt_time`, and `data.ts`.
#[derive(Clone, Copy, Debug)]
struct Words {
    leaf: usize,
    ts: Option<usize>,
}

impl Words {
    fn of(body: &[PathId]) -> Option<Self> {
        let leaf = body.iter().position(|path| *path == CALLED.fmt_time)?;
        Some(Self { leaf, ts: ts_place(body.iter().copied()) })
    }
}

/// By number in what is read: the numbers of names and shapes among the rows.
#[derive(Debug, Default)]
struct Tables {
    names: Vec<u32>,
    shapes: Vec<ShapeId>,
}

struct Reader<'a> {
    rows: &'a mut Rows,
    tables: Tables,
    bytes: &'a [u8],
    /// The texts that were told.
    texts: Vec<Value>,
    /// As the writer's.
    tags: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn pattern(&mut self) -> Option<Pattern> {
        let mut one_of = |numbers: &[u32]| numbers.get(take_number(&mut self.bytes)?).copied();
        let Tables { names, shapes } = &self.tables;
        Some(Pattern { name: one_of(names)?, head: one_of(shapes)?, body: one_of(shapes)? })
    }

    /// Reads half of an entry; returns which leaves were told, a bit for each.
    fn half(&mut self, shape: ShapeId, before: Option<usize>) -> Option<&'a [u8]> {
        let leaves = self.rows.shape(shape).len();
        let mask = take(&mut self.bytes, leaves.div_ceil(8))?;
        let first = self.rows.values.len();
        // Most leaves say what they said before.
        match before {
            Some(before) => self.rows.values.extend_from_within(before..before + leaves),
            None => self.rows.values.resize(first + leaves, Value::Null),
        }
        for (byte, bits) in mask.iter().enumerate() {
            let mut left = *bits;
            while left != 0 {
                let leaf = byte * 8 + left.trailing_zeros() as usize;
                left &= left - 1;
                let path = *self.rows.shape(shape).get(leaf)?;
                let last = *self.rows.values.get(first + leaf)?;
                let value = self.value(last, path)?;
                *self.rows.values.get_mut(first + leaf)? = value;
            }
        }
        Some(mask)
    }

    /// A moment that was not told has the words of the one in the body before, as records of earlier versions have it also
    /// where the time is another.
    fn keep_words(&mut self, Words { leaf, ts }: Words, told: &[u8], body: usize, before: usize) -> Option<()> {
        let is_told = told.get(leaf / 8)? >> (leaf % 8) & 1 == 1;
        let Value::Moment(moment) = *self.rows.values.get(body + leaf)? else { return Some(()) };
        let [ts, ts_before] = [body, before].map(|at| ts_of(self.rows.values.get(at..).unwrap_or_default(), ts));
        if is_told || ts.to_bits() == ts_before.to_bits() {
            return Some(());
        }
        let words = moment.text(ts_before);
        let moment = Moment::of(&words, ts).map(Value::Moment);
        let value = moment.unwrap_or_else(|| self.rows.text_value(&words));
        *self.rows.values.get_mut(body + leaf)? = value;
        Some(())
    }

    fn value(&mut self, last: Value, path: PathId) -> Option<Value> {
        let known = *self.tags.get(path as usize)?;
        let first = take_number(&mut self.bytes)?;
        let tag = if first & 1 == 0 { known } else { u8::try_from(first >> 1).ok()? };
        let value = match tag {
            decimals @ 0..=DECIMALS_MAX => {
                let folded = if first & 1 == 0 { first >> 1 } else { take_number(&mut self.bytes)? };
                Kind::Decimal(decimals).value(near(decimals, last).wrapping_add(unfold(folded)))
            }
            FLOAT..=UINT => {
                let bits = u64::from_le_bytes(*take(&mut self.bytes, 8)?.first_chunk()?);
                match tag {
                    FLOAT => Value::Float(Some(f64::from_bits(bits)).filter(|float| float.is_finite())?),
                    INT => Value::Int(bits.cast_signed()),
                    _ => Value::Uint(bits),
                }
            }
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            EMPTY_OBJECT => Value::EmptyObject,
            EMPTY_ARRAY => Value::EmptyArray,
            TEXT => {
                let text = take_text(&mut self.bytes)?;
                let value = self.rows.text_value(text);
                self.texts.push(value);
                value
            }
            TEXT_AGAIN => *self.texts.get(take_number(&mut self.bytes)?)?,
            MOMENT => Value::Moment(Moment::from_number(unfold(take_number(&mut self.bytes)?))),
            _ => return None,
        };
        if value.is_number() {
            learn(self.tags.get_mut(path as usize)?, tag, value);
        }
        Some(value)
    }
}

/// The tag to tell a number by, and what is told: as many decimals as the last one had, if that is possible.
fn told(value: Value, known: u8) -> (u8, i64) {
    let fits = |decimals: u8| Some((decimals, Kind::Decimal(decimals).payload(value)?));
    let decimal = match known {
        0..=DECIMALS_MAX => fits(known).or_else(|| (0..=DECIMALS_MAX).find_map(fits)),
        // Where one number has no few decimals, others have not.
        _ => fits(0),
    };
    decimal.unwrap_or_else(|| match value {
        Value::Int(int) => (INT, int),
        Value::Uint(uint) => (UINT, uint.cast_signed()),
        other => (FLOAT, other.as_f64().unwrap_or_default().to_bits().cast_signed()),
    })
}

/// Whole numbers tell nothing of how many decimals others have.
fn learn(known: &mut u8, tag: u8, value: Value) {
    /// All floats from here on are whole.
    const WHOLE_MIN: f64 = (1_u64 << 52) as f64;
    if let Value::Float(float) = value {
        // The remainder would be a call of the system's library.
        #[expect(clippy::cast_possible_truncation, reason = "it is no larger than that")]
        let is_whole = float.abs() >= WHOLE_MIN || (float as i64) as f64 == float;
        if !is_whole {
            *known = tag;
        }
    }
}

/// The payload of a decimal that the last value was, or is nearest to.
fn near(decimals: u8, last: Value) -> i64 {
    last.as_f64().map_or(0, |last| Kind::Decimal(decimals).near(last))
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len());
    bytes.extend(text.bytes());
}

fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let count = take_number(bytes)?;
    std::str::from_utf8(take(bytes, count)?).ok()
}

/// A number of either sign, so that small ones stay small.
fn fold(number: i64) -> usize {
    usize::from_ne_bytes(((number << 1) ^ (number >> 63)).to_ne_bytes())
}

fn unfold(folded: usize) -> i64 {
    let half = i64::from_ne_bytes((folded >> 1).to_ne_bytes());
    if folded & 1 == 1 { !half } else { half }
}
