//! An entry on its way into or out of a stream.

use crate::template::Slot;
use crate::value::Value;

/// An entry: given as a whole when it is encoded, filled in bit by bit when it is decoded.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) upload: u32,
    /// The place of the body that this one repeats.
    pub(crate) repeats: Option<usize>,
    /// When the entry with that body was written.
    pub(crate) repeated_write_ts: f64,
    pub(crate) head: Part,
    pub(crate) body: Part,
}

/// One half of an entry.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The number of its template.
    pub(crate) template: usize,
    /// The shape and slots of its template, if nobody had it before.
    pub(crate) fresh: Option<(u32, Vec<Slot>)>,
    pub(crate) values: Vec<Value>,
    /// Which of the leaves are texts of their own, and how many bytes they have.
    pub(crate) texts: Vec<(usize, usize)>,
}

impl Draft {
    pub(crate) fn clear(&mut self) {
        self.repeats = None;
        self.repeated_write_ts = 0.0;
        self.head.clear();
        self.body.clear();
    }
}

impl Part {
    fn clear(&mut self) {
        self.template = 0;
        self.fresh = None;
        self.values.clear();
        self.texts.clear();
    }
}
