//! Bodies that later entries may repeat: phones send a fix twice, and a filtered location is a copy of a location.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::rows::{Row, Rows};
use crate::value::Value;

/// Entries of some rows, by their bodies, in coding order.
#[derive(Debug, Default)]
pub(crate) struct Bodies {
    rows: Vec<usize>,
    by_hash: HashMap<u64, usize, BuildHasherDefault<AsItIs>>,
}

impl Bodies {
    /// The entry at a place, if there is one.
    pub(crate) fn at(&self, place: usize) -> Option<usize> {
        self.rows.get(place).copied()
    }

    /// Adds an entry of `rows`.
    pub(crate) fn push(&mut self, row: usize) {
        self.rows.push(row);
    }

    /// Adds an entry of `rows` so that it can be found by what it says.
    pub(crate) fn push_hashed(&mut self, rows: &Rows, row: usize) {
        self.by_hash.insert(hash(rows.body_of(rows.row(row))), self.rows.len());
        self.push(row);
    }

    /// The place of a body that is the same to the bit; `next` is tried first.
    pub(crate) fn find(&self, rows: &Rows, row: &Row, next: usize) -> Option<usize> {
        let is_same = |place: &usize| {
            self.at(*place).is_some_and(|other| {
                let other = rows.row(other);
                let mut pairs = std::iter::zip(rows.body_of(other), rows.body_of(row));
                other.body == row.body && pairs.all(|(a, b)| rows.is_same_value(*a, rows, *b))
            })
        };
        let known = || self.by_hash.get(&hash(rows.body_of(row))).copied();
        Some(next).filter(is_same).or_else(|| known().filter(is_same))
    }
}

/// A hash of a body's numbers; bodies with one hash are compared in full.
fn hash(values: &[Value]) -> u64 {
    let numbers = values.iter().filter_map(|value| value.as_f64());
    numbers.fold(0, |hash, number| (hash ^ number.to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29))
}

/// The hash of a number that is one already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
