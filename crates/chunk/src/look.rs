//! Looks at some fields of entries: where they stand is worked out once for all entries that are alike.

use crate::paths::{PathId, Paths};
use crate::rows::Rows;
use crate::value::Value;

/// Fields of the phone's format, by number.
#[derive(Clone, Debug)]
pub struct Fields(Vec<Field>);

#[derive(Clone, Copy, Debug)]
struct Field {
    path: PathId,
    is_head: bool,
}

impl Fields {
    /// The fields at these paths, such as `data.ts`; `None` if one is not of the phone's format.
    pub fn at(paths: &[&str]) -> Option<Self> {
        let known = Paths::default();
        let field = |path: &&str| {
            let path = Paths::known(path)?;
            Some(Field { path, is_head: known.is_head(path) })
        };
        paths.iter().map(field).collect::<Option<_>>().map(Self)
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
    /// An array, an object, or a whole number beyond `i64`.
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
    fields: &'a Fields,
    /// By shape, then by field.
    places: Vec<Place>,
}

impl<'a> Look<'a> {
    /// At these fields of these entries.
    pub fn new(rows: &'a Rows, fields: &'a Fields) -> Self {
        let place = |shape: &[PathId], path: PathId| match shape.iter().position(|leaf| *leaf == path) {
            Some(leaf) => Place::Leaf(leaf),
            None if shape.iter().any(|leaf| rows.paths.is_inside(*leaf, path)) => Place::Inside,
            None => Place::Nowhere,
        };
        let places = rows.shapes.iter().flat_map(|shape| fields.0.iter().map(|field| place(shape, field.path)));
        Self { rows, fields, places: places.collect() }
    }

    /// What stands in the field of this number of the entry in `row`; `None` if it has no such field.
    pub fn leaf(&self, row: usize, field: usize) -> Option<Leaf<'a>> {
        let row = self.rows.row(row);
        let Field { is_head, .. } = self.fields.0.get(field)?;
        let (shape, first) = if *is_head { (row.head, 0) } else { (row.body, self.rows.shape(row.head).len()) };
        let leaf = match *self.places.get(shape as usize * self.fields.0.len() + field)? {
            Place::Nowhere => return None,
            Place::Leaf(leaf) => leaf,
            Place::Inside => return Some(Leaf::Other),
        };
        Some(match *self.rows.values.get(row.first + first + leaf)? {
            Value::Null => Leaf::Null,
            Value::Bool(value) => Leaf::Bool(value),
            Value::Int(value) => Leaf::Int(value),
            Value::Float(value) => Leaf::Float(value),
            value @ Value::Text { .. } => Leaf::Text(self.rows.text_of(value)),
            Value::Uint(_) | Value::EmptyObject | Value::EmptyArray => Leaf::Other,
        })
    }
}
