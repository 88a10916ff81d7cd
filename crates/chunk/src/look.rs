//! Looks at some fields of entries: where they stand is worked out once for all entries that are alike.

use crate::paths::{PathId, Paths};
use crate::rows::{Rows, ShapeId};
use crate::value::Value;

/// Fields of the phone's format, by number.
#[derive(Clone, Debug)]
pub struct Fields {
    count: usize,
    /// By path: the number of the field there.
    numbers: Vec<Option<usize>>,
}

impl Fields {
    /// The fields at these paths, such as `data.ts`; `None` if one is not of the phone's format.
    pub fn at(paths: &[&str]) -> Option<Self> {
        let mut numbers = vec![None; Paths::default().len() as usize];
        for (field, path) in paths.iter().enumerate() {
            *numbers.get_mut(Paths::known(path)? as usize)? = Some(field);
        }
        Some(Self { count: paths.len(), numbers })
    }

    fn number(&self, path: PathId) -> Option<usize> {
        self.numbers.get(path as usize).copied().flatten()
    }

    /// Where the fields are in a shape of these rows.
    fn places(&self, rows: &Rows, shape: &[PathId]) -> Vec<Place> {
        let mut places = vec![Place::Nowhere; self.count];
        for (leaf, path) in shape.iter().enumerate() {
            let found = match self.number(*path) {
                Some(field) => Some((field, Place::Leaf(leaf))),
                None => rows.paths.known_around(*path).and_then(|outer| Some((self.number(outer)?, Place::Inside))),
            };
            if let Some((place, here)) = found.and_then(|(field, here)| Some((places.get_mut(field)?, here))) {
                *place = here;
            }
        }
        places
    }
}

/// What stands in a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leaf<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(&'a str),
    /// An array, an object, a whole number beyond `i64`, or `data.fmt_time` where it is `data.ts` in words.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Leaf(usize),
    /// Several leaves lie inside it.
    Inside,
}

/// Looks at fields of entries.
#[derive(Debug)]
pub struct Look<'a> {
    rows: &'a Rows,
    fields: usize,
    /// By shape, then by field.
    places: Vec<Place>,
}

impl<'a> Look<'a> {
    /// At these fields of these entries.
    pub fn new(rows: &'a Rows, fields: &Fields) -> Self {
        let places = rows.shapes.iter().flat_map(|shape| fields.places(rows, shape)).collect();
        Self { rows, fields: fields.count, places }
    }

    /// At the entry in `row`.
    pub fn at(&self, row: usize) -> Seen<'_> {
        let row = self.rows.row(row);
        let places = |shape: ShapeId| {
            let first = shape as usize * self.fields;
            self.places.get(first..first + self.fields).unwrap_or_default()
        };
        let (head, body) = self.rows.leaves_of(row).split_at(self.rows.shape(row.head).len());
        Seen { rows: self.rows, halves: [(places(row.head), head), (places(row.body), body)] }
    }
}

/// An entry that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    rows: &'a Rows,
    halves: [(&'a [Place], &'a [Value]); 2],
}

impl<'a> Seen<'a> {
    /// What stands in the field of this number; `None` if the entry has no such field.
    #[inline]
    pub fn leaf(&self, field: usize) -> Option<Leaf<'a>> {
        let in_half = |(places, values): (&[Place], &'a [Value])| match *places.get(field)? {
            Place::Nowhere => None,
            Place::Leaf(leaf) => values.get(leaf).map(|value| self.leaf_of(*value)),
            Place::Inside => Some(Leaf::Other),
        };
        let [head, body] = self.halves;
        in_half(head).or_else(|| in_half(body))
    }

    fn leaf_of(&self, value: Value) -> Leaf<'a> {
        match value {
            Value::Null => Leaf::Null,
            Value::Bool(value) => Leaf::Bool(value),
            Value::Int(value) => Leaf::Int(value),
            Value::Float(value) => Leaf::Float(value),
            Value::Text { .. } => Leaf::Text(self.rows.text_of(value)),
            Value::Uint(_) | Value::Moment(_) | Value::EmptyObject | Value::EmptyArray => Leaf::Other,
        }
    }
}
