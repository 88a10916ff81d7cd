//! Puts leaves together into JSON texts again.

use std::collections::HashMap;

use crate::moment::{ts_of, ts_place};
use crate::part::{Form, Part, is_array};
use crate::paths::{PathId, Paths, Step};
use crate::rows::{Rows, ShapeId};
use crate::value::Value;

/// How the entries of one shape are written: what stands in front of which leaf, and at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Skeleton {
    /// The text in front of each leaf that is shown, and the leaf's number.
    pieces: Vec<(String, usize)>,
    end: String,
    /// How many bytes stand between the leaves.
    bytes: usize,
    /// The leaf that is the whole text.
    raw: Option<usize>,
    /// The leaf that times in words tell.
    ts: Option<usize>,
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

impl Skeleton {
    fn new(paths: &Paths, leaves: impl Iterator<Item = PathId> + Clone) -> Self {
        let mut skeleton = Self { ts: ts_place(leaves.clone()), ..Self::default() };
        match Form::of(paths, leaves) {
            Form::Raw(leaf) => skeleton.raw = Some(leaf),
            Form::Parts(root) => skeleton.lay_out(paths, &root),
        }
        skeleton.bytes = skeleton.pieces.iter().map(|(piece, _)| piece.len()).sum::<usize>() + skeleton.end.len();
        skeleton
    }

    fn lay_out(&mut self, paths: &Paths, part: &Part) {
        let parts = match part {
            Part::Leaf(leaf) => return self.pieces.push((std::mem::take(&mut self.end), *leaf)),
            Part::Inside(parts) => parts,
        };
        let [open, close] = if is_array(paths, parts) { ['[', ']'] } else { ['{', '}'] };
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

    /// The entry with these leaves.
    pub(crate) fn text(&self, rows: &Rows, leaves: &[Value]) -> String {
        /// Most numbers and names of real entries take less.
        const LEAF_BYTES: usize = 18;
        if let Some(raw) = self.raw.and_then(|raw| leaves.get(raw)) {
            return rows.text_of(*raw).to_owned();
        }
        let mut text = String::with_capacity(self.bytes + LEAF_BYTES * self.pieces.len());
        for (piece, leaf) in &self.pieces {
            text.push_str(piece);
            match leaves.get(*leaf) {
                Some(Value::Moment(moment)) => {
                    text.push('"');
                    moment.write(ts_of(leaves, self.ts), &mut text);
                    text.push('"');
                }
                Some(value) => write_value(rows, *value, &mut text),
                None => {}
            }
        }
        text.push_str(&self.end);
        text
    }
}

fn write_value(rows: &Rows, value: Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if value { "true" } else { "false" }),
        Value::Int(value) => text.push_str(itoa::Buffer::new().format(value)),
        Value::Uint(value) => text.push_str(itoa::Buffer::new().format(value)),
        Value::Float(value) => text.push_str(zmij::Buffer::new().format_finite(value)),
        Value::EmptyObject => text.push_str("{}"),
        Value::EmptyArray => text.push_str("[]"),
        Value::Text { .. } => write_string(rows.text_of(value), text),
        // Who writes it has the time.
        Value::Moment(_) => {}
    }
}

fn write_string(string: &str, text: &mut String) {
    // All of them are looked at, and sixteen at a time: strings are short and mostly plain.
    let is_plain = string.bytes().fold(true, |is, byte| is & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
    if is_plain {
        text.push('"');
        text.push_str(string);
        text.push('"');
        return;
    }
    text.push_str(&serde_json::to_string(string).expect("a string is valid JSON"));
}
