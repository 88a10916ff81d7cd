//! Entries of one user, taken apart into leaves.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::flatten::{Leaves, flatten};
use crate::paths::{CALLED, PathId, Paths};
use crate::text::Skeletons;
use crate::value::Value;

/// One entry to keep.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    /// `metadata.type`.
    pub kind: &'a str,
    /// `metadata.key`.
    pub key: &'a str,
    /// `metadata.write_ts`, in seconds since 1970.
    pub write_ts: f64,
    /// The whole entry as one JSON object.
    pub text: &'a str,
}

/// What an entry is called, next to its time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// `metadata.type`.
    pub kind: Box<str>,
    /// `metadata.key`.
    pub key: Box<str>,
}

/// Which leaves one half of an entry has, in the order in which they are coded.
pub(crate) type Shape = Box<[PathId]>;
pub(crate) type ShapeId = u32;

/// An entry: where its leaves are among the values, the head's before the body's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: u32,
    pub(crate) upload: u32,
    pub(crate) head: ShapeId,
    pub(crate) body: ShapeId,
    pub(crate) first: usize,
    pub(crate) write_ts: f64,
}

/// Entries of one user, taken apart: what a log record and a sealed chunk hold.
///
/// An entry comes back as the same JSON value, not as the same text: the fields of an object have an order of their own
/// here. What is not JSON comes back as it was.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub(crate) paths: Paths,
    pub(crate) names: Vec<Name>,
    pub(crate) shapes: Vec<Shape>,
    shape_ids: HashMap<Shape, ShapeId>,
    pub(crate) values: Vec<Value>,
    pub(crate) texts: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) is_rounded: bool,
}

impl Rows {
    /// Takes entries apart, in order.
    pub fn parse(rows: &[NewRow<'_>]) -> Self {
        let mut parsed = Self::default();
        let mut leaves = Leaves::default();
        for row in rows {
            parsed.push(row, &mut leaves);
        }
        parsed
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What an entry is called.
    pub fn name(&self, row: usize) -> &Name {
        self.names.get(self.row(row).name as usize).expect("a row only refers to its own names")
    }

    /// What entries are called, each name once.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// `data.ts`, if it is a number.
    pub fn ts(&self, row: usize) -> Option<f64> {
        let row = self.row(row);
        let place = self.shape(row.body).iter().position(|path| *path == CALLED.ts)?;
        self.body_of(row).get(place)?.as_f64()
    }

    /// When it was written, in seconds since 1970.
    pub fn write_ts(&self, row: usize) -> f64 {
        self.row(row).write_ts
    }

    /// The number of the upload that it came in.
    pub fn upload(&self, row: usize) -> u32 {
        self.row(row).upload
    }

    /// Says of all entries which upload they came in.
    pub fn set_upload(&mut self, upload: u32) {
        self.rows.iter_mut().for_each(|row| row.upload = upload);
    }

    /// The entry as one JSON object.
    pub fn text(&self, row: usize) -> String {
        self.text_by(row, &mut Skeletons::default())
    }

    /// The entries as JSON objects, in order.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.texts_of(0..self.len())
    }

    /// These of the entries as JSON objects, in this order: what many of them share is only worked out once.
    pub fn texts_of(&self, rows: impl IntoIterator<Item = usize>) -> impl Iterator<Item = String> {
        let mut skeletons = Skeletons::default();
        rows.into_iter().map(move |row| self.text_by(row, &mut skeletons))
    }

    fn text_by(&self, row: usize, skeletons: &mut Skeletons) -> String {
        let row = self.row(row);
        skeletons.of(self, row.head, row.body).text(self, self.leaves_of(row))
    }

    /// How far at most `data.ts` lies from the write time, in seconds, of any entry that has it.
    pub fn lag_s(&self) -> f64 {
        let ts_of: Vec<Option<usize>> =
            self.shapes.iter().map(|shape| shape.iter().position(|path| *path == CALLED.ts)).collect();
        let lag = |row: &Row| {
            let ts = ts_of.get(row.body as usize).copied().flatten()?;
            Some((self.body_of(row).get(ts)?.as_f64()? - row.write_ts).abs())
        };
        self.rows.iter().filter_map(lag).fold(0.0, f64::max)
    }

    /// Adds the entries of `others` behind these.
    pub fn append(&mut self, others: &Self) {
        self.adopt(others, 0..others.len());
    }

    /// Adds these of the entries of `others` behind these, in this order.
    pub fn append_these(&mut self, others: &Self, rows: &[usize]) {
        self.adopt(others, rows.iter().copied());
    }

    /// These of the entries, in this order.
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut selected = Self::default();
        selected.append_these(self, rows);
        selected
    }

    fn adopt(&mut self, others: &Self, rows: impl Iterator<Item = usize>) {
        self.is_rounded |= others.is_rounded;
        let mut names = vec![None; others.names.len()];
        let mut shapes = vec![None; others.shapes.len()];
        let mut moved = Pairs::default();
        self.rows.reserve(rows.size_hint().0);
        for row in rows {
            let row = others.row(row);
            let first = self.values.len();
            let name = || others.names.get(row.name as usize).expect("a row only refers to its own names").clone();
            let name = *at(&mut names, row.name).get_or_insert_with(|| self.name_id(name()));
            let [head, body] = [row.head, row.body]
                .map(|shape| *at(&mut shapes, shape).get_or_insert_with(|| self.adopt_shape(others, shape)));
            let texts = &mut self.texts;
            self.values.extend(others.leaves_of(row).iter().map(|value| moved.adopt(texts, others, *value)));
            self.rows.push(Row { name, head, body, first, ..*row });
        }
    }

    fn adopt_shape(&mut self, others: &Self, shape: ShapeId) -> ShapeId {
        let shape = others.shape(shape).iter().map(|path| self.paths.adopt(&others.paths, *path)).collect();
        self.shape_id(shape)
    }

    pub(crate) fn text_value(&mut self, text: &str) -> Value {
        put_text(&mut self.texts, text)
    }

    /// The text that a value stands for; empty for all others.
    pub(crate) fn text_of(&self, value: Value) -> &str {
        match value {
            Value::Text { start, bytes } => {
                self.texts.get(start..start + bytes as usize).expect("a value only refers to its own texts")
            }
            _ => "",
        }
    }

    /// Puts some of the entries into the order of [`by_identity`]; of two with one identity the first stays it.
    pub fn sort_by_identity(&self, rows: &mut [usize]) {
        let ranks = self.ranks();
        let identity = |row: &usize| {
            let row = self.row(*row);
            (ranks.get(row.name as usize).copied(), row.write_ts)
        };
        rows.sort_by(|one, other| {
            let ((one, ts), (other, other_ts)) = (identity(one), identity(other));
            one.cmp(&other).then_with(|| by_time(ts, other_ts))
        });
    }

    /// By the number of a name, the how manieth it is of all names.
    pub(crate) fn ranks(&self) -> Vec<usize> {
        let mut order: Vec<(&Name, usize)> = self.names.iter().zip(0..).collect();
        order.sort_unstable();
        let mut ranks = vec![0; order.len()];
        for (rank, (_, name)) in order.into_iter().enumerate() {
            if let Some(here) = ranks.get_mut(name) {
                *here = rank;
            }
        }
        ranks
    }

    pub(crate) fn row(&self, row: usize) -> &Row {
        self.rows.get(row).expect("a row of these")
    }

    pub(crate) fn shape(&self, shape: ShapeId) -> &Shape {
        self.shapes.get(shape as usize).expect("a row only refers to its own shapes")
    }

    /// The values of the head, then of the body.
    pub(crate) fn leaves_of(&self, row: &Row) -> &[Value] {
        let count = self.shape(row.head).len() + self.shape(row.body).len();
        self.values.get(row.first..row.first + count).expect("a row only refers to its own values")
    }

    pub(crate) fn body_of(&self, row: &Row) -> &[Value] {
        self.leaves_of(row).get(self.shape(row.head).len()..).unwrap_or_default()
    }

    /// Makes room for so many more entries of phones.
    pub(crate) fn reserve(&mut self, rows: usize) {
        /// Those of a location.
        const LEAVES: usize = 20;
        self.rows.reserve(rows);
        self.values.reserve(rows * LEAVES);
    }

    pub(crate) fn name_id(&mut self, name: Name) -> u32 {
        let known = self.names.iter().position(|known| *known == name);
        let id = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        u32::try_from(id).expect("far below 4 G names")
    }

    pub(crate) fn shape_id(&mut self, shape: Shape) -> ShapeId {
        number_shape(&mut self.shapes, &mut self.shape_ids, shape)
    }

    /// Keeps beside an entry what its metadata do not say.
    fn add_asides(&mut self, row: &NewRow<'_>, leaves: &mut Leaves) {
        let called = &*CALLED;
        let says = |leaves: &Leaves, path, text: &str, rows: &Self| {
            leaves.find(path).is_some_and(|value| matches!(value, Value::Text { .. }) && rows.text_of(value) == text)
        };
        if !says(leaves, called.kind, row.kind, self) {
            leaves.push(called.aside_kind, self.text_value(row.kind));
        }
        if !says(leaves, called.key, row.key, self) {
            leaves.push(called.aside_key, self.text_value(row.key));
        }
        let write_ts = leaves.find(called.write_ts).and_then(Value::as_f64);
        if write_ts.is_none_or(|write_ts| write_ts.to_bits() != row.write_ts.to_bits()) {
            leaves.push(called.aside_write_ts, Value::Float(row.write_ts));
        }
    }

    fn push(&mut self, row: &NewRow<'_>, leaves: &mut Leaves) {
        leaves.clear();
        let mark = self.texts.len();
        if !flatten(row.text, &mut self.paths, &mut self.texts, leaves) {
            leaves.clear();
            self.texts.truncate(mark);
            leaves.push(CALLED.aside_raw, self.text_value(row.text));
        }
        self.add_asides(row, leaves);
        let known = self.names.iter().position(|name| *name.key == *row.key && *name.kind == *row.kind);
        let known = known.and_then(|id| u32::try_from(id).ok());
        let name = known.unwrap_or_else(|| self.name_id(Name { key: row.key.into(), kind: row.kind.into() }));
        self.push_leaves(leaves, name, row.write_ts);
    }

    /// Adds the entry that these are the leaves of; returns what shapes its halves have.
    pub(crate) fn push_leaves(&mut self, leaves: &mut Leaves, name: u32, write_ts: f64) -> (ShapeId, ShapeId) {
        let first = self.values.len();
        leaves.find_moment(&self.texts);
        let Self { paths, shapes, shape_ids, values, .. } = self;
        let (head, body) = leaves.lay_out(paths, |shape| number_shape(shapes, shape_ids, shape));
        values.extend(leaves.values());
        self.rows.push(Row { name, upload: 0, head, body, first, write_ts });
        (head, body)
    }
}

/// The order of identities, by name and time: two entries that are equal in it are one.
pub fn by_identity(one: (&Rows, usize), other: (&Rows, usize)) -> Ordering {
    let (name, other_name) = (one.0.name(one.1), other.0.name(other.1));
    // Most often it is the very same name.
    let names = if std::ptr::eq(name, other_name) { Ordering::Equal } else { name.cmp(other_name) };
    names.then_with(|| by_time(one.0.write_ts(one.1), other.0.write_ts(other.1)))
}

/// The order of times: `-0.0` and `0.0` are one.
pub fn by_time(one: f64, other: f64) -> Ordering {
    (one + 0.0).total_cmp(&(other + 0.0))
}

/// Puts a text behind others.
fn put_text(texts: &mut String, text: &str) -> Value {
    let start = texts.len();
    texts.push_str(text);
    Value::Text { start, bytes: u32::try_from(text.len()).expect("an upload is far below 4 GiB: the body limit is") }
}

/// What was found out of one of a few things, if it was.
fn at<T>(known: &mut [Option<T>], number: u32) -> &mut Option<T> {
    known.get_mut(number as usize).expect("a row only refers to its own names and shapes")
}

/// So many pairs are remembered.
const PAIRS: usize = 64;

/// Texts of some rows and what they are among others, by where they are: labels are one text of many entries.
struct Pairs([(Value, Value); PAIRS]);

impl Default for Pairs {
    fn default() -> Self {
        Self([(Value::Null, Value::Null); PAIRS])
    }
}

impl Pairs {
    /// Where the pair of a text that starts there is remembered.
    fn of(&mut self, start: usize) -> &mut (Value, Value) {
        self.0.get_mut(start % PAIRS).expect("there are so many")
    }

    /// The text put behind `texts`, where it is not yet there: what is one text stays it.
    fn adopt(&mut self, texts: &mut String, others: &Rows, value: Value) -> Value {
        let Value::Text { start, .. } = value else { return value };
        let (from, to) = self.of(start);
        if !from.is_same_range(value) {
            (*from, *to) = (value, put_text(texts, others.text_of(value)));
        }
        *to
    }
}

/// The number of a shape, a new one if it has none.
fn number_shape(shapes: &mut Vec<Shape>, ids: &mut HashMap<Shape, ShapeId>, shape: Shape) -> ShapeId {
    if let Some(id) = ids.get(&shape) {
        return *id;
    }
    let id = ShapeId::try_from(shapes.len()).expect("far below 4 G shapes");
    shapes.push(shape.clone());
    ids.insert(shape, id);
    id
}

impl PartialEq for Rows {
    /// Whether both hold the same entries, in the same order, each of the same upload.
    fn eq(&self, others: &Self) -> bool {
        // Neighbours are mostly alike.
        let mut alike = None;
        let mut same_texts = Pairs::default();
        let is_same = |(mine, theirs): (&Row, &Row)| {
            let kinds = (mine.name, mine.head, mine.body, theirs.name, theirs.head, theirs.body);
            let is_alike = alike == Some(kinds) || self.is_alike(mine, others, theirs);
            alike = Some(kinds);
            is_alike && self.says_the_same(mine, others, theirs, &mut same_texts)
        };
        self.len() == others.len() && std::iter::zip(&self.rows, &others.rows).all(is_same)
    }
}

impl Rows {
    fn is_alike(&self, mine: &Row, others: &Self, theirs: &Row) -> bool {
        self.names.get(mine.name as usize) == others.names.get(theirs.name as usize)
            && self.is_same_shape(mine.head, others, theirs.head)
            && self.is_same_shape(mine.body, others, theirs.body)
    }

    /// Whether two entries of the same shape say the same; `same_texts` are known to.
    fn says_the_same(&self, mine: &Row, others: &Self, theirs: &Row, same_texts: &mut Pairs) -> bool {
        let mut is_same = |a: Value, b: Value| match (a, b) {
            (Value::Text { start, .. }, Value::Text { .. }) => {
                let pair = same_texts.of(start);
                let is_known = pair.0.is_same_range(a) && pair.1.is_same_range(b);
                *pair = (a, b);
                is_known || self.text_of(a) == others.text_of(b)
            }
            _ => self.is_same_value(a, others, b),
        };
        mine.upload == theirs.upload
            && mine.write_ts.to_bits() == theirs.write_ts.to_bits()
            && std::iter::zip(self.leaves_of(mine), others.leaves_of(theirs)).all(|(a, b)| is_same(*a, *b))
    }

    fn is_same_shape(&self, shape: ShapeId, others: &Self, other: ShapeId) -> bool {
        let (mine, theirs) = (self.shape(shape), others.shape(other));
        mine.len() == theirs.len() && std::iter::zip(mine, theirs).all(|(a, b)| self.is_same_path(*a, others, *b))
    }

    fn is_same_path(&self, path: PathId, others: &Self, other: PathId) -> bool {
        if Paths::is_known(path) || Paths::is_known(other) {
            return path == other;
        }
        let (mine, theirs) = (self.paths.node(path), others.paths.node(other));
        mine.step == theirs.step && self.is_same_path(mine.parent, others, theirs.parent)
    }

    /// Whether two values are one, to the bit.
    pub(crate) fn is_same_value(&self, value: Value, others: &Self, other: Value) -> bool {
        match (value, other) {
            (Value::Null, Value::Null)
            | (Value::EmptyObject, Value::EmptyObject)
            | (Value::EmptyArray, Value::EmptyArray) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Uint(a), Value::Uint(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Text { .. }, Value::Text { .. }) => self.text_of(value) == others.text_of(other),
            // The times that they tell are leaves beside them.
            (Value::Moment(a), Value::Moment(b)) => a == b,
            _ => false,
        }
    }
}
