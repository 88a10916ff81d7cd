//! Encoding entries into a stream.

use std::collections::HashMap;

use crate::bodies::Bodies;
use crate::draft::{Draft, Part};
use crate::paths::{PathId, Role};
use crate::range_coder::Encoder;
use crate::rows::{Rows, ShapeId};
use crate::stream::{Repeats, Stream};
use crate::tables::Tables;
use crate::template::{Slot, Template, Templates};
use crate::value::Value;

/// A longer text is not taken for a label.
const LABEL_BYTES_MAX: u32 = 48;
/// A path with more labels than this has texts.
const LABELS_MAX: usize = 48;

/// A stream that is being written.
pub(crate) struct Writer<'a> {
    rows: &'a Rows,
    coder: Encoder,
    stream: Stream,
    /// How many labels each path has.
    labels: HashMap<PathId, usize>,
    /// The bytes of the texts that are not labels.
    texts: Vec<u8>,
    draft: Draft,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(rows: &'a Rows, stream: Stream) -> Self {
        Self { rows, coder: Encoder::new(), stream, labels: HashMap::new(), texts: Vec::new(), draft: Draft::default() }
    }

    /// Encodes an entry, whose body may be one of `bodies`.
    pub(crate) fn write(&mut self, row: usize, bodies: &Bodies, tables: &mut Tables) {
        let rows = self.rows;
        let row = rows.row(row);
        let draft = &mut self.draft;
        draft.clear();
        draft.upload = row.upload;
        if self.stream.repeats != Repeats::Nothing {
            draft.repeats = bodies.find(rows, row, self.stream.next_repeated());
            let repeated = draft.repeats.and_then(|place| bodies.at(place));
            draft.repeated_write_ts = repeated.map_or(0.0, |row| rows.write_ts(row));
        }
        let (head, body) = rows.leaves_of(row).split_at(rows.shape(row.head).len());
        let mut plan = Plan { rows, tables, labels: &mut self.labels };
        plan.part(&mut draft.head, &self.stream.heads, row.head, head);
        if draft.repeats.is_none() {
            plan.part(&mut draft.body, &self.stream.bodies, row.body, body);
        }
        self.stream.code_repeat(&mut self.coder, draft);
        self.stream.code(&mut self.coder, tables, rows, draft).expect("templates are of these tables");
        for (part, values) in [(&draft.head, head), (&draft.body, body)] {
            for (leaf, _) in &part.texts {
                self.texts.extend(values.get(*leaf).map_or("", |value| rows.text_of(*value)).bytes());
            }
        }
    }

    /// The coded entries, their texts, and what was learnt of them.
    pub(crate) fn finish(self) -> (Vec<u8>, Vec<u8>, Stream) {
        (self.coder.finish(), self.texts, self.stream)
    }
}

/// Finds out by which templates an entry is told.
struct Plan<'a> {
    rows: &'a Rows,
    tables: &'a mut Tables,
    labels: &'a mut HashMap<PathId, usize>,
}

impl Plan<'_> {
    fn part(&mut self, part: &mut Part, templates: &Templates, shape: ShapeId, values: &[Value]) {
        let paths = self.rows.shape(shape);
        let shape = self.tables.shape_id(shape);
        part.values.extend_from_slice(values);
        let fits = |template: &Template| {
            let mut leaves = std::iter::zip(&template.slots, &template.roles).zip(values);
            template.shape == shape && leaves.all(|((slot, role), value)| self.fits(*slot, *role, *value))
        };
        if let Some(template) = templates.find(fits) {
            part.template = template;
        } else {
            let slots = std::iter::zip(paths, values).map(|(path, value)| self.slot(*path, *value));
            part.fresh = Some((shape, slots.collect()));
            part.template = templates.list.len();
        }
    }

    fn fits(&self, slot: Slot, role: Role, value: Value) -> bool {
        match (slot, value) {
            (Slot::Number, Value::Int(0 | -1)) => !matches!(role, Role::Label) && !role.has_unknown(),
            (Slot::Number, value) => role != Role::Label && value.is_number(),
            (Slot::Text, Value::Text { .. })
            | (Slot::Moment, Value::Moment(_))
            | (Slot::Null, Value::Null)
            | (Slot::EmptyObject, Value::EmptyObject)
            | (Slot::EmptyArray, Value::EmptyArray) => true,
            (Slot::Bool(a), Value::Bool(b)) => a == b,
            (Slot::Int(a), Value::Int(b)) => a == b,
            (Slot::Uint(a), Value::Uint(b)) => a == b,
            (Slot::Float(a), Value::Float(b)) => a == b.to_bits(),
            (Slot::Label(label), Value::Text { .. }) => self.tables.labels.is(label, self.rows, value),
            _ => false,
        }
    }

    /// The slot of a value that has no template yet.
    fn slot(&mut self, path: PathId, value: Value) -> Slot {
        let role = self.rows.paths.role(path);
        match value {
            _ if self.fits(Slot::Number, role, value) => Slot::Number,
            Value::Null => Slot::Null,
            Value::Bool(value) => Slot::Bool(value),
            Value::Int(value) => Slot::Int(value),
            Value::Uint(value) => Slot::Uint(value),
            Value::Float(value) => Slot::Float(value.to_bits()),
            Value::EmptyObject => Slot::EmptyObject,
            Value::EmptyArray => Slot::EmptyArray,
            Value::Moment(_) => Slot::Moment,
            Value::Text { bytes, .. } => {
                let labels = self.labels.entry(path).or_default();
                if bytes > LABEL_BYTES_MAX || *labels >= LABELS_MAX {
                    return Slot::Text;
                }
                *labels += 1;
                Slot::Label(self.tables.labels.id(self.rows, value))
            }
        }
    }
}
