//! Takes a JSON object apart into its leaves, without building it first.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::moment::Moment;
use crate::paths::{CALLED, PathId, Paths, ROOT, Step};
use crate::rows::{Shape, ShapeId};
use crate::value::Value;

/// An entry with more leaves is kept as text.
const LEAVES_MAX: usize = 4096;

/// Once the entries of an upload or a chunk have more names than this between them, what comes is kept as text: a name takes
/// some 200 bytes of memory, and may have taken ten in a body. Phones have some hundred.
const NAMES_MAX: usize = 1 << 16;

/// So many layouts are remembered.
const LAYOUTS_MAX: usize = 32;

/// So many paths that came after one are remembered.
const NEXT_MAX: usize = 4;

/// How the leaves of an entry came, and how they are ordered.
#[derive(Clone, Debug)]
struct Layout {
    came: Vec<PathId>,
    /// The places at which they came, in the order in which they are coded.
    order: Vec<usize>,
    head: ShapeId,
    body: ShapeId,
}

/// The leaves of one entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaves {
    leaves: Vec<(PathId, Value)>,
    /// By path: which ones came next lately. Entries of several kinds begin alike.
    next: Vec<[PathId; NEXT_MAX]>,
    /// By path: the last text there, which is most often the next one too.
    texts: Vec<Value>,
    /// Ways in which leaves came, the most recent first.
    layouts: Vec<Layout>,
    /// The one that was found last.
    layout: usize,
    /// The keys of the objects that are being read.
    seen: Vec<PathId>,
}

impl Leaves {
    pub(crate) fn clear(&mut self) {
        self.leaves.clear();
        self.seen.clear();
    }

    pub(crate) fn push(&mut self, path: PathId, value: Value) {
        self.leaves.push((path, value));
    }

    /// The value at a path.
    pub(crate) fn find(&self, path: PathId) -> Option<Value> {
        self.leaves.iter().find(|(at, _)| *at == path).map(|(_, value)| *value)
    }

    /// Sees whether the text at `data.fmt_time` is `data.ts` in words.
    pub(crate) fn find_moment(&mut self, texts: &str) {
        let Some(Value::Text { start, bytes }) = self.find(CALLED.fmt_time) else { return };
        let ts = self.find(CALLED.ts).and_then(Value::as_f64).unwrap_or_default();
        let moment = texts.get(start..start + bytes as usize).and_then(|text| Moment::of(text, ts));
        let place = self.leaves.iter_mut().find(|(at, _)| *at == CALLED.fmt_time);
        if let Some(((_, value), moment)) = place.zip(moment) {
            *value = Value::Moment(moment);
        }
    }

    /// Finds out how the leaves are put into the order in which they are coded; returns the shapes of head and body,
    /// which `shape_id` numbers.
    pub(crate) fn lay_out(&mut self, paths: &Paths, mut shape_id: impl FnMut(Shape) -> ShapeId) -> (ShapeId, ShapeId) {
        let is_of_these = |layout: &Layout| {
            layout.came.len() == self.leaves.len()
                && std::iter::zip(&layout.came, &self.leaves).all(|(came, (path, _))| came == path)
        };
        if let Some(known) = self.layouts.iter().position(is_of_these) {
            self.layouts.swap(known, known / 2);
            self.layout = known / 2;
            let layout = self.layouts.get(self.layout).expect("it was just found");
            return (layout.head, layout.body);
        }
        let came: Vec<PathId> = self.leaves.iter().map(|(path, _)| *path).collect();
        let mut sorted: Vec<(usize, PathId)> = came.iter().copied().enumerate().collect();
        sorted.sort_by_key(|(_, path)| (!paths.is_head(*path), *path));
        let (head, body) = sorted.split_at(sorted.partition_point(|(_, path)| paths.is_head(*path)));
        let [head, body] = [head, body].map(|half| half.iter().map(|(_, path)| *path).collect::<Shape>());
        let order = sorted.into_iter().map(|(place, _)| place).collect();
        self.layouts.truncate(LAYOUTS_MAX - 1);
        let (head, body) = (shape_id(head), shape_id(body));
        self.layouts.insert(0, Layout { came, order, head, body });
        self.layout = 0;
        (head, body)
    }

    /// The leaves, as they were last laid out.
    pub(crate) fn values(&self) -> impl Iterator<Item = Value> {
        let order = self.layouts.get(self.layout).into_iter().flat_map(|layout| &layout.order);
        order.map(|place| self.leaves.get(*place).map_or(Value::Null, |(_, value)| *value))
    }

    /// A text at `path`, put behind `texts` if it is not what was there the last time.
    fn text(&mut self, path: PathId, text: &str, texts: &mut String) -> Option<Value> {
        let path = path as usize;
        if let Some(last @ Value::Text { start, bytes }) = self.texts.get(path).copied()
            && texts.get(start..start + bytes as usize) == Some(text)
        {
            return Some(last);
        }
        let value = Value::Text { start: texts.len(), bytes: u32::try_from(text.len()).ok()? };
        texts.push_str(text);
        if self.texts.len() <= path {
            self.texts.resize(path + 1, Value::Null);
        }
        *self.texts.get_mut(path)? = value;
        Some(value)
    }

    /// The path of `key` under `parent`, where `last` was the key before it.
    fn child(&mut self, paths: &mut Paths, parent: PathId, last: PathId, key: &str) -> PathId {
        let is_it = |guess: &PathId| {
            let node = paths.node(*guess);
            *guess != ROOT && node.parent == parent && matches!(&node.step, Step::Key(step) if **step == *key)
        };
        if let Some(guess) = self.next.get(last as usize).and_then(|next| next.iter().copied().find(is_it)) {
            return guess;
        }
        let path = paths.child(parent, Step::Key(key.into()));
        let paths = paths.len() as usize;
        if self.next.len() < paths {
            self.next.resize(paths, [ROOT; NEXT_MAX]);
        }
        if let Some(next) = self.next.get_mut(last as usize) {
            next.rotate_right(1);
            next[0] = path;
        }
        path
    }
}

/// Adds the leaves of what is read next, whatever it is.
///
/// # Errors
/// When it cannot be read, has a key twice, or too many leaves or names.
pub(crate) fn walk<'de, D: Deserializer<'de>>(
    deserializer: D,
    paths: &mut Paths,
    texts: &mut String,
    leaves: &mut Leaves,
) -> Result<(), D::Error> {
    Walk { paths, texts, leaves, path: ROOT }.deserialize(deserializer)
}

/// Adds the leaves of the object `text`; `false` if it is no object, has a key twice, or too many leaves
/// or names.
pub(crate) fn flatten(text: &str, paths: &mut Paths, texts: &mut String, leaves: &mut Leaves) -> bool {
    let mut reader = serde_json::Deserializer::from_str(text);
    walk(&mut reader, paths, texts, leaves).is_ok() && reader.end().is_ok() && text.trim_start().starts_with('{')
}

struct Walk<'a> {
    paths: &'a mut Paths,
    texts: &'a mut String,
    leaves: &'a mut Leaves,
    path: PathId,
}

impl Walk<'_> {
    fn push<E: Error>(self, value: Value) -> Result<(), E> {
        if self.leaves.leaves.len() == LEAVES_MAX {
            return Err(E::custom("too many leaves"));
        }
        self.leaves.push(self.path, value);
        Ok(())
    }

    fn inside(&mut self, path: PathId) -> Walk<'_> {
        Walk { paths: self.paths, texts: self.texts, leaves: self.leaves, path }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Before every value, so that what is refused adds no more names on the way to its first leaf.
        if self.paths.own().len() > NAMES_MAX {
            return Err(D::Error::custom("too many names"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.push(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.push(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.push(Value::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.push(i64::try_from(value).map_or(Value::Uint(value), Value::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.push(Value::Float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let value = self.leaves.text(self.path, text, self.texts);
        let value = value.ok_or_else(|| E::custom("a text of more than 4 GiB"))?;
        self.push(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        loop {
            let path = self.paths.child(self.path, Step::Index(index));
            let walk = self.inside(path);
            if items.next_element_seed(walk)?.is_none() {
                break;
            }
            index += 1;
        }
        if index == 0 { self.push(Value::EmptyArray) } else { Ok(()) }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        let mut last = self.path;
        let first = self.leaves.seen.len();
        while let Some(path) = fields.next_key_seed(Key { walk: self.inside(self.path), last })? {
            let seen = self.leaves.seen.get(first..).unwrap_or_default();
            if seen.contains(&path) {
                return Err(A::Error::custom("a key twice"));
            }
            self.leaves.seen.push(path);
            last = path;
            let walk = self.inside(path);
            fields.next_value_seed(walk)?;
        }
        let is_empty = self.leaves.seen.len() == first;
        self.leaves.seen.truncate(first);
        if is_empty { self.push(Value::EmptyObject) } else { Ok(()) }
    }
}

/// Reads a key as the path that it leads to.
struct Key<'a> {
    walk: Walk<'a>,
    last: PathId,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = PathId;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<PathId, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = PathId;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<PathId, E> {
        let Walk { paths, leaves, path, .. } = self.walk;
        Ok(leaves.child(paths, path, self.last, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_for_its_names_adds_no_more_of_them() {
        let (mut paths, mut texts, mut leaves) = (Paths::default(), String::new(), Leaves::default());
        let deep = |entry: usize| {
            let open: String = (0..100).map(|name| format!("{{\"{entry} {name}\":")).collect();
            format!("{open}1{}", "}".repeat(100))
        };
        let taken = (0..1_000).filter(|entry| {
            leaves.clear();
            flatten(&deep(*entry), &mut paths, &mut texts, &mut leaves)
        });
        assert_eq!(taken.count(), NAMES_MAX / 100);
        assert_eq!(paths.own().len(), NAMES_MAX + 1);
    }
}
