//! Reads entries as values of other types straight from their leaves: no text is written to be parsed again.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Error;

use crate::moment::{ts_of, ts_place};
use crate::part::{Form, Part, is_array};
use crate::paths::{PathId, Step};
use crate::rows::{Rows, ShapeId};
use crate::value::Value;

/// Reads entries.
#[derive(Debug)]
pub struct Reader<'a> {
    rows: &'a Rows,
    /// Laid out when the first entry is read.
    layouts: OnceCell<HashMap<(ShapeId, ShapeId), Layout>>,
}

impl<'a> Reader<'a> {
    /// A reader of these entries.
    pub fn new(rows: &'a Rows) -> Self {
        Self { rows, layouts: OnceCell::new() }
    }

    /// The entry in `row`, as its JSON text would be read. Types that ask for the text itself, as `RawValue` does, or for
    /// an enum's variant by its name cannot be read so.
    ///
    /// # Errors
    /// When it is no `T`.
    pub fn read<'b, T: Deserialize<'b>>(&'b self, row: usize) -> Result<T, Error> {
        let row = self.rows.row(row);
        let layouts = self.layouts.get_or_init(|| layouts(self.rows));
        let Layout { form, ts } = layouts.get(&(row.head, row.body)).expect("all shapes were laid out");
        let leaves = self.rows.leaves_of(row);
        match form {
            Form::Raw(leaf) => serde_json::from_str(leaves.get(*leaf).map_or("", |raw| self.rows.text_of(*raw))),
            Form::Parts(part) => T::deserialize(Inside { rows: self.rows, leaves, ts: *ts, part }),
        }
    }
}

/// How the entries with the same leaves are read.
#[derive(Debug)]
struct Layout {
    form: Form,
    /// The leaf that times in words tell.
    ts: Option<usize>,
}

/// The layouts of entries, by the shapes of their halves.
fn layouts(rows: &Rows) -> HashMap<(ShapeId, ShapeId), Layout> {
    let mut layouts = HashMap::new();
    let mut last = None;
    for row in &rows.rows {
        let shapes = (row.head, row.body);
        // Neighbours are mostly alike.
        if last.replace(shapes) != Some(shapes) {
            let leaves = || rows.shape(row.head).iter().chain(rows.shape(row.body).iter()).copied();
            let layout = || Layout { form: Form::of(&rows.paths, leaves()), ts: ts_place(leaves()) };
            layouts.entry(shapes).or_insert_with(layout);
        }
    }
    layouts
}

/// A part of an entry.
#[derive(Clone, Copy)]
struct Inside<'a> {
    rows: &'a Rows,
    leaves: &'a [Value],
    ts: Option<usize>,
    part: &'a Part,
}

impl<'a> Inside<'a> {
    fn leaf(&self) -> Option<Value> {
        match self.part {
            Part::Leaf(leaf) => self.leaves.get(*leaf).copied(),
            Part::Inside(_) => None,
        }
    }

    fn key(&self, path: PathId) -> BorrowedStrDeserializer<'a, Error> {
        let key = match &self.rows.paths.node(path).step {
            Step::Key(key) => key,
            // An array's items have no keys, and asides are no parts.
            Step::Index(_) | Step::Aside(_) => "",
        };
        BorrowedStrDeserializer::new(key)
    }
}

impl<'a> IntoDeserializer<'a, Error> for Inside<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Inside<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Part::Inside(parts) = self.part else {
            return match self.leaf().unwrap_or(Value::Null) {
                Value::Null => visitor.visit_unit(),
                Value::Bool(value) => visitor.visit_bool(value),
                Value::Int(value) => match u64::try_from(value) {
                    Ok(value) => visitor.visit_u64(value),
                    Err(_) => visitor.visit_i64(value),
                },
                Value::Uint(value) => visitor.visit_u64(value),
                Value::Float(value) => visitor.visit_f64(value),
                value @ Value::Text { .. } => visitor.visit_borrowed_str(self.rows.text_of(value)),
                Value::Moment(moment) => visitor.visit_string(moment.text(ts_of(self.leaves, self.ts))),
                Value::EmptyObject => visitor.visit_map(MapDeserializer::new(std::iter::empty::<(Self, Self)>())),
                Value::EmptyArray => visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<Self>())),
            };
        };
        if is_array(&self.rows.paths, parts) {
            visitor.visit_seq(SeqDeserializer::new(parts.iter().map(|(_, part)| Self { part, ..self })))
        } else {
            let fields = parts.iter().map(|(path, part)| (self.key(*path), Self { part, ..self }));
            visitor.visit_map(MapDeserializer::new(fields))
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.leaf() {
            Some(Value::Null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}
