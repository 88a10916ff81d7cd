//! Puts leaves together into JSON texts again.

use std::collections::HashMap;

use crate::paths::{Aside, PathId, Paths, ROOT, Step};
use crate::rows::{Rows, ShapeId};
use crate::value::Value;

/// How the entries of one shape are written: what stands in front of which leaf, and at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Skeleton {
    /// The text in front of each leaf that is shown, and the leaf's number.
    pieces: Vec<(String, usize)>,
    end: String,
    /// The leaf that is the whole text.
    raw: Option<usize>,
}

/// The skeletons of shapes that were met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Skeletons(HashMap<(ShapeId, ShapeId), Skeleton>);

impl Skeletons {
    pub(crate) fn of(&mut self, rows: &Rows, head: ShapeId, body: ShapeId) -> &Skeleton {
        self.0.entry((head, body)).or_insert_with(|| {
            let leaves = rows.shape(head).iter().chain(rows.shape(body).iter());
            Skeleton::new(&rows.paths, leaves.copied())
        })
    }
}

/// What an entry is made of: a leaf with its number, or steps to what is inside.
enum Part {
    Leaf(usize),
    Inside(Vec<(PathId, Part)>),
}

impl Part {
    fn insert(&mut self, way: &[PathId], leaf: usize) {
        let Some((step, way)) = way.split_first() else {
            *self = Self::Leaf(leaf);
            return;
        };
        let Self::Inside(parts) = self else { return };
        let known = parts.iter().position(|(path, _)| path == step);
        let at = known.unwrap_or_else(|| {
            parts.push((*step, Self::Inside(Vec::new())));
            parts.len() - 1
        });
        if let Some((_, part)) = parts.get_mut(at) {
            part.insert(way, leaf);
        }
    }
}

impl Part {
    /// Puts the items of arrays into their order.
    fn sort(&mut self, paths: &Paths) {
        let Self::Inside(parts) = self else { return };
        parts.sort_by_key(|(path, _)| match paths.node(*path).step {
            Step::Index(index) => index,
            _ => 0,
        });
        parts.iter_mut().for_each(|(_, part)| part.sort(paths));
    }
}

impl Skeleton {
    fn new(paths: &Paths, leaves: impl Iterator<Item = PathId>) -> Self {
        let mut root = Part::Inside(Vec::new());
        let mut skeleton = Self::default();
        for (number, leaf) in leaves.enumerate() {
            match paths.node(leaf).step {
                Step::Aside(Aside::Raw) => skeleton.raw = Some(number),
                Step::Aside(_) => {}
                _ => root.insert(&way_to(paths, leaf), number),
            }
        }
        root.sort(paths);
        skeleton.lay_out(paths, &root);
        skeleton
    }

    fn lay_out(&mut self, paths: &Paths, part: &Part) {
        let parts = match part {
            Part::Leaf(leaf) => return self.pieces.push((std::mem::take(&mut self.end), *leaf)),
            Part::Inside(parts) => parts,
        };
        let is_array = parts.first().is_some_and(|(path, _)| matches!(paths.node(*path).step, Step::Index(_)));
        let [open, close] = if is_array { ['[', ']'] } else { ['{', '}'] };
        self.end.push(open);
        for (number, (path, part)) in parts.iter().enumerate() {
            if number > 0 {
                self.end.push(',');
            }
            if let Step::Key(key) = &paths.node(*path).step {
                write_string(key, &mut self.end);
                self.end.push(':');
            }
            self.lay_out(paths, part);
        }
        self.end.push(close);
    }

    /// Writes the entry with these leaves.
    pub(crate) fn write(&self, rows: &Rows, leaves: &[Value], text: &mut String) {
        if let Some(raw) = self.raw.and_then(|raw| leaves.get(raw)) {
            text.push_str(rows.text_of(*raw));
            return;
        }
        for (piece, leaf) in &self.pieces {
            text.push_str(piece);
            if let Some(value) = leaves.get(*leaf) {
                write_value(rows, *value, text);
            }
        }
        text.push_str(&self.end);
    }
}

/// The steps from the entry to a leaf.
fn way_to(paths: &Paths, leaf: PathId) -> Vec<PathId> {
    let mut way: Vec<PathId> = std::iter::successors(Some(leaf), |path| Some(paths.node(*path).parent))
        .take_while(|path| *path != ROOT)
        .collect();
    way.reverse();
    way
}

fn write_value(rows: &Rows, value: Value, text: &mut String) {
    use std::fmt::Write as _;
    const NEVER: &str = "writing to a text cannot fail";
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if value { "true" } else { "false" }),
        Value::Int(value) => write!(text, "{value}").expect(NEVER),
        Value::Uint(value) => write!(text, "{value}").expect(NEVER),
        Value::Float(value) => text.push_str(zmij::Buffer::new().format_finite(value)),
        Value::EmptyObject => text.push_str("{}"),
        Value::EmptyArray => text.push_str("[]"),
        Value::Text { .. } => write_string(rows.text_of(value), text),
    }
}

fn write_string(string: &str, text: &mut String) {
    let is_plain = string.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if is_plain {
        text.push('"');
        text.push_str(string);
        text.push('"');
        return;
    }
    text.push_str(&serde_json::to_string(string).expect("a string is valid JSON"));
}
