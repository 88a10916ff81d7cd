//! Decoding entries from a stream.

use crate::bodies::Bodies;
use crate::draft::{Draft, Part};
use crate::paths::{CALLED, PathId};
use crate::range_coder::Decoder;
use crate::rows::{Name, Row, Rows, ShapeId};
use crate::stream::{Repeats, Stream};
use crate::tables::Tables;
use crate::template::Slot;
use crate::value::Value;

/// A stream that is being read.
pub(crate) struct Reader<'a> {
    coder: Decoder<'a>,
    stream: Stream,
    /// The bytes of the texts that are not labels.
    texts: &'a [u8],
    draft: Draft,
    /// By template of the head.
    called: Vec<Option<CalledAt>>,
    /// The shape of the heads where only the bodies are kept: an empty one.
    no_head: Option<ShapeId>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(stream: Stream, bytes: &'a [u8], texts: &'a [u8]) -> Self {
        let coder = Decoder::new(bytes);
        Self { coder, stream, texts, draft: Draft::default(), called: Vec::new(), no_head: None }
    }

    /// Keeps only the bodies of its entries, which others repeat.
    pub(crate) fn without_heads(self, rows: &mut Rows) -> Self {
        Self { no_head: Some(rows.shape_id(Box::default())), ..self }
    }

    /// Reads one entry onto the end of `rows`, whose body may be one that `body_at` finds. `None` if what is there is none.
    fn read(
        &mut self,
        rows: &mut Rows,
        tables: &Tables,
        body_at: impl FnOnce(&mut Rows, usize) -> Option<usize>,
    ) -> Option<()> {
        let draft = &mut self.draft;
        draft.clear();
        self.stream.code_repeat(&mut self.coder, draft);
        let repeated = match draft.repeats {
            Some(place) => {
                let row = body_at(rows, place)?;
                Some(*rows.row(row))
            }
            None => None,
        };
        draft.repeated_write_ts = repeated.map_or(0.0, |row| row.write_ts);
        self.stream.code(&mut self.coder, tables, rows, draft)?;
        if self.coder.is_beyond() {
            return None;
        }
        let template = draft.head.template;
        let head = finish(&mut draft.head, self.stream.heads.list.get(template)?.shape, rows, tables, &mut self.texts)?;
        if self.called.len() <= template {
            self.called.resize(template + 1, None);
        }
        let called = match self.called.get(template).copied().flatten() {
            Some(called) => called,
            None => {
                let called = CalledAt::of(rows, head, &draft.head.values)?;
                let is_fixed = self.stream.heads.list.get(template)?.told.iter().all(|told| told.slot == Slot::Number);
                if is_fixed {
                    *self.called.get_mut(template)? = Some(called);
                }
                called
            }
        };
        let write_ts = draft.head.values.get(called.write_ts)?.as_f64()?;
        let first = rows.values.len();
        if self.no_head.is_none() {
            rows.values.extend_from_slice(&draft.head.values);
        }
        let body = if let Some(repeated) = repeated {
            let body = repeated.first + rows.shape(repeated.head).len();
            rows.values.extend_from_within(body..body + rows.shape(repeated.body).len());
            repeated.body
        } else {
            let body = self.stream.bodies.list.get(draft.body.template)?.shape;
            let body = finish(&mut draft.body, body, rows, tables, &mut self.texts)?;
            rows.values.extend_from_slice(&draft.body.values);
            body
        };
        let head = self.no_head.unwrap_or(head);
        rows.rows.push(Row { name: called.name, upload: draft.upload, head, body, first, write_ts });
        Some(())
    }
}

/// A stream with what was read of it, which is no more than was needed so far.
pub(crate) struct Source<'a> {
    reader: Reader<'a>,
    /// How many entries are not yet read.
    left: usize,
    /// Where those are that were, if later ones may repeat them.
    bodies: Bodies,
}

impl<'a> Source<'a> {
    pub(crate) fn new(reader: Reader<'a>, count: usize) -> Self {
        Self { reader, left: count, bodies: Bodies::default() }
    }

    /// Reads all entries onto the end of `rows` that were written `until` then, and one behind them; `others` have the
    /// bodies that they may repeat, or else these do. `None` if what is there are none.
    pub(crate) fn read_until(
        &mut self,
        until: f64,
        rows: &mut Rows,
        tables: &Tables,
        others: &mut Option<Self>,
    ) -> Option<()> {
        while self.left > 0 {
            self.read(rows, tables, others.as_mut())?;
            if rows.rows.last()?.write_ts > until {
                break;
            }
        }
        Some(())
    }

    fn read(&mut self, rows: &mut Rows, tables: &Tables, others: Option<&mut Self>) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        let Self { reader, bodies, .. } = self;
        reader.read(rows, tables, |rows, place| match others {
            Some(others) => others.body_at(rows, tables, place),
            None => bodies.at(place),
        })?;
        if self.reader.stream.repeats == Repeats::Itself {
            self.bodies.push(rows.len() - 1);
        }
        // All texts were of some entry.
        (self.left > 0 || self.reader.texts.is_empty()).then_some(())
    }

    /// The entry at a place.
    fn body_at(&mut self, rows: &mut Rows, tables: &Tables, place: usize) -> Option<usize> {
        while self.bodies.at(place).is_none() {
            self.read(rows, tables, None)?;
        }
        self.bodies.at(place)
    }
}

/// What an entry is called, and which leaf says when it was written.
#[derive(Clone, Copy, Debug)]
struct CalledAt {
    name: u32,
    write_ts: usize,
}

impl CalledAt {
    fn of(rows: &mut Rows, head: ShapeId, values: &[Value]) -> Option<Self> {
        let find = |aside: PathId, path: PathId| {
            let leaves = rows.shape(head);
            let find = |path: PathId| leaves.iter().position(|leaf| *leaf == path);
            find(aside).or_else(|| find(path))
        };
        let write_ts = find(CALLED.aside_write_ts, CALLED.write_ts)?;
        let [key, kind] = [find(CALLED.aside_key, CALLED.key)?, find(CALLED.aside_kind, CALLED.kind)?];
        let text = |leaf: usize| values.get(leaf).map(|value| rows.text_of(*value).into());
        let name = Name { key: text(key)?, kind: text(kind)? };
        Some(Self { name: rows.name_id(name), write_ts })
    }
}

/// Puts the texts into a part's values, and returns which shape of the rows it has.
fn finish(part: &mut Part, shape: u32, rows: &mut Rows, tables: &Tables, texts: &mut &[u8]) -> Option<ShapeId> {
    for (leaf, bytes) in &part.texts {
        let (text, rest) = texts.split_at_checked(*bytes)?;
        *texts = rest;
        *part.values.get_mut(*leaf)? = rows.text_value(std::str::from_utf8(text).ok()?);
    }
    tables.shapes.get(shape as usize).copied()
}
