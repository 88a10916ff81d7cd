//! A stretch of somebody's life as their phone lives it: pieces of movement, be they moves or stays.

use super::Stay;
use crate::plane::Point;
use crate::track::{Cover, Cursor, Piece, Track};
use crate::truth::{LocaleIndex, Micros, Mode};

/// A stretch of somebody's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg<'a> {
    /// At least one, in order.
    pub(super) pieces: &'a [Piece],
    /// The movement; none for a stay.
    pub(super) track: Option<&'a Track>,
}

impl Leg<'_> {
    pub(super) fn start_us(&self) -> Micros {
        self.pieces.first().expect("a leg has pieces").start_us
    }

    pub(super) fn end_us(&self) -> Micros {
        self.pieces.last().expect("a leg has pieces").end_us
    }

    /// Where somebody is at a time.
    pub(super) fn place(&self, at_us: Micros) -> (Point, LocaleIndex) {
        let moment = Cursor::new(self.pieces).at(at_us);
        (moment.at, moment.locale)
    }
}

/// A stay as a piece of movement that goes nowhere.
pub(super) fn still(stay: &Stay, start_us: Micros) -> Piece {
    Piece {
        start_us,
        end_us: stay.until_us,
        from: stay.at,
        to: stay.at,
        from_speed_m_s: 0.0,
        to_speed_m_s: 0.0,
        mode: Mode::Walk,
        cover: Cover::Open,
        locale: stay.locale,
    }
}
