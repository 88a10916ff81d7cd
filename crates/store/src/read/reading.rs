//! Entries as they are kept, for who wants something of each and not all of its text.

use std::sync::{Arc, LazyLock};

use rushhour_chunk::{Fields, Look, Reader, Seen};
use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::{Identity, UserId};
use rushhour_model::stored::glance::{Glance, Leaf, PATHS};
use rushhour_model::stored::observe::Observed;
use serde::Deserialize;

use super::{At, View, identity_of};
use crate::chunk::Rows;

/// What a glance looks at.
static FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::at(&PATHS).expect("they are of the phone's format"));

/// Entries of one user, in an order.
#[derive(Clone, Debug)]
pub struct Reading {
    user: UserId,
    pieces: Vec<Arc<Rows>>,
    rows: Vec<At>,
    /// How many uploads were taken in.
    taken: u32,
}

impl Reading {
    /// Nothing yet of `user`, of whom so many uploads were taken in.
    pub(super) fn new(user: UserId, taken: u32) -> Self {
        Self { user, taken, pieces: Vec::new(), rows: Vec::new() }
    }

    /// These rows of a view.
    pub(super) fn of(user: UserId, view: View, rows: Vec<At>) -> Self {
        Self { user, pieces: view.pieces, rows, taken: view.taken }
    }

    /// Adds rows of one more piece.
    pub(super) fn add(&mut self, piece: &Arc<Rows>, rows: impl IntoIterator<Item = usize>) {
        let number = self.pieces.len();
        self.pieces.push(Arc::clone(piece));
        self.rows.extend(rows.into_iter().map(|row| (number, row)));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// When the first one was written, in seconds since 1970.
    pub fn first_write_ts(&self) -> Option<f64> {
        let (piece, row) = *self.rows.first()?;
        Some(self.pieces.get(piece)?.write_ts(row))
    }

    /// Shows every entry, in order.
    pub fn for_each(&self, mut visit: impl FnMut(EntryRef<'_>)) {
        let seen = self.pieces.iter().map(|rows| (Reader::new(rows), Look::new(rows, &FIELDS)));
        let seen: Vec<(Reader<'_>, Look<'_>)> = seen.collect();
        for (piece, row) in &self.rows {
            if let Some(((reader, look), rows)) = seen.get(*piece).zip(self.pieces.get(*piece)) {
                let is_taken = rows.upload(*row) < self.taken;
                visit(EntryRef { user: self.user, is_taken, reader, seen: look.at(*row), rows, row: *row });
            }
        }
    }
}

/// An entry where it is kept.
#[derive(Clone, Copy, Debug)]
pub struct EntryRef<'a> {
    user: UserId,
    is_taken: bool,
    reader: &'a Reader<'a>,
    seen: Seen<'a>,
    rows: &'a Rows,
    row: usize,
}

impl<'a> EntryRef<'a> {
    /// What tells it from all others.
    pub fn identity(&self) -> Identity<'a> {
        identity_of(self.user, self.rows, self.row)
    }

    /// Its id.
    pub fn id(&self) -> ObjectId {
        self.identity().id()
    }

    /// `metadata.key`.
    pub fn key(&self) -> &'a str {
        &self.rows.name(self.row).key
    }

    /// `metadata.write_ts`.
    pub fn write_ts(&self) -> f64 {
        self.rows.write_ts(self.row)
    }

    /// `data.ts`, if it is a number.
    pub fn ts(&self) -> Option<f64> {
        self.rows.ts(self.row)
    }

    /// Whether it was taken in.
    pub fn is_taken(&self) -> bool {
        self.is_taken
    }

    /// What it says to a pipeline, if a glance is enough.
    pub fn glance(&self) -> Option<Observed> {
        let leaf = |leaf| match leaf {
            rushhour_chunk::Leaf::Null => Leaf::Null,
            rushhour_chunk::Leaf::Bool(value) => Leaf::Bool(value),
            rushhour_chunk::Leaf::Int(value) => Leaf::Int(value),
            rushhour_chunk::Leaf::Float(value) => Leaf::Float(value),
            rushhour_chunk::Leaf::Text(text) => Leaf::Text(text),
            rushhour_chunk::Leaf::Other => Leaf::Other,
        };
        Glance::new(|field| self.seen.leaf(field as usize).map(leaf)).observe()
    }

    /// The entry as what its text would be read as.
    ///
    /// # Errors
    /// When it is no `T`.
    pub fn read<T: Deserialize<'a>>(&self) -> Result<T, serde_json::Error> {
        self.reader.read(self.row)
    }

    /// The entry as one JSON object, the same value that was appended.
    pub fn text(&self) -> String {
        self.rows.text(self.row)
    }
}
