//! What stands at a leaf of an entry.

use crate::moment::Moment;

/// A leaf: a JSON value without anything inside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number beyond `i64`.
    Uint(u64),
    Float(f64),
    /// A range of the rows' texts.
    Text {
        start: usize,
        bytes: u32,
    },
    /// `data.fmt_time`, where it is the entry's `data.ts` in words.
    Moment(Moment),
    EmptyObject,
    EmptyArray,
}

impl Value {
    /// The number as a float, if it is one.
    pub(crate) fn as_f64(self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(int as f64),
            Self::Uint(uint) => Some(uint as f64),
            Self::Float(float) => Some(float),
            _ => None,
        }
    }

    /// Whether both are the same range of texts.
    pub(crate) fn is_same_range(self, other: Self) -> bool {
        match (self, other) {
            (Self::Text { start, bytes }, Self::Text { start: other, bytes: other_bytes }) => {
                start == other && bytes == other_bytes
            }
            _ => false,
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Int(_) | Self::Uint(_) | Self::Float(_))
    }
}
