//! Uploads, taken apart while they are read: no entry is looked at twice, as long as there is nothing odd about any.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::flatten::{Leaves, walk};
use crate::paths::{CALLED, PathId, Paths, Step};
use crate::rows::{Name, Rows, ShapeId};
use crate::value::Value;

/// Stamps from here on are in milliseconds, which a server corrects.
const MILLISECONDS_FROM: f64 = 1e11;
/// The longest type or key that servers take.
const NAME_BYTES_MAX: usize = 255;

/// Entries of an upload that are kept as they are: each has metadata with a type, a key and a write time in seconds, and data
/// that are an object, and nothing beside them; no field has a dot in its name. A list with any other is refused as a whole;
/// it is read entry by entry then.
#[derive(Clone, Debug)]
pub struct Ordinary(
    /// The entries, in order.
    pub Rows,
);

impl<'de> Deserialize<'de> for Ordinary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = Ordinary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of ordinary entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Ordinary, A::Error> {
        let mut reading = Reading::default();
        while entries.next_element_seed(&mut reading)?.is_some() {}
        Ok(Ordinary(reading.rows))
    }
}

#[derive(Default)]
struct Reading {
    rows: Rows,
    leaves: Leaves,
    /// By number of the shape: whether a half of that shape was found to be ordinary.
    known: Vec<bool>,
}

impl<'de> DeserializeSeed<'de> for &mut Reading {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Reading { rows, leaves, .. } = self;
        leaves.clear();
        walk(deserializer, &mut rows.paths, &mut rows.texts, leaves)?;
        let odd = || D::Error::custom("an entry that is not ordinary");
        let (name, write_ts) = self.identity().ok_or_else(odd)?;
        let (head, body) = self.rows.push_leaves(&mut self.leaves, name, write_ts);
        let is_ordinary = self.knows(head, |paths, shape| has_only_named(paths, shape, CALLED.metadata))
            && self.knows(body, |paths, shape| has_only_named(paths, shape, CALLED.data));
        if is_ordinary { Ok(()) } else { Err(odd()) }
    }
}

impl Reading {
    /// The number of the entry's name, and when it was written.
    fn identity(&mut self) -> Option<(u32, f64)> {
        let Self { rows, leaves, .. } = self;
        let stamp = |path| leaves.find(path).and_then(Value::as_f64);
        let write_ts = stamp(CALLED.write_ts).filter(|write_ts| *write_ts < MILLISECONDS_FROM)?;
        if stamp(CALLED.ts).is_some_and(|ts| ts >= MILLISECONDS_FROM) {
            return None;
        }
        let text = |path| match leaves.find(path)? {
            value @ Value::Text { bytes: 1.., .. } => Some(rows.text_of(value)),
            _ => None,
        };
        let (kind, key) = (text(CALLED.kind)?, text(CALLED.key)?);
        if kind.len().max(key.len()) > NAME_BYTES_MAX {
            return None;
        }
        let known = rows.names.iter().position(|name| *name.key == *key && *name.kind == *kind);
        let name = match known {
            Some(known) => u32::try_from(known).ok()?,
            None => {
                let name = Name { kind: kind.into(), key: key.into() };
                rows.name_id(name)
            }
        };
        Some((name, write_ts))
    }

    /// Whether halves of this shape are ordinary, which `look` finds out once.
    fn knows(&mut self, shape: ShapeId, look: impl FnOnce(&Paths, &[PathId]) -> bool) -> bool {
        let at = shape as usize;
        if self.known.get(at) != Some(&true) {
            self.known.resize(self.known.len().max(at + 1), false);
            if let Some(known) = self.known.get_mut(at) {
                *known = look(&self.rows.paths, self.rows.shape(shape));
            }
        }
        self.known.get(at) == Some(&true)
    }
}

/// Whether all of these are inside the object `top`, which has a field that is a leaf, and no name on the way has a dot.
fn has_only_named(paths: &Paths, shape: &[PathId], top: PathId) -> bool {
    let is_field = |leaf: &PathId| paths.node(*leaf).parent == top && matches!(paths.node(*leaf).step, Step::Key(_));
    shape.iter().any(is_field) && shape.iter().all(|leaf| is_named_inside(paths, *leaf, top))
}

fn is_named_inside(paths: &Paths, leaf: PathId, top: PathId) -> bool {
    let mut path = leaf;
    while path != top {
        let node = paths.node(path);
        match &node.step {
            Step::Key(key) if key.contains('.') => return false,
            Step::Aside(_) => return false,
            Step::Key(_) | Step::Index(_) => {}
        }
        if node.parent == path {
            return false;
        }
        path = node.parent;
    }
    true
}
