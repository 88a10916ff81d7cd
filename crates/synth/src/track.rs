//! Where somebody is at every moment of a trip: straight pieces, each with constant acceleration.
//!
//! Nothing is stepped second by second: a phone asks for the moments at which it senses.

use crate::plane::Point;
use crate::truth::{LocaleIndex, Micros, Mode};

/// The movement of one trip. Its pieces follow one another without a gap in time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track {
    /// The trip's id.
    pub trip: u32,
    /// At least one, in order.
    pub pieces: Vec<Piece>,
}

/// A straight line, travelled with constant acceleration; a wait when it has no length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// When it begins.
    pub start_us: Micros,
    /// When it ends; after `start_us`.
    pub end_us: Micros,
    /// Where it begins.
    pub from: Point,
    /// Where it ends.
    pub to: Point,
    /// The speed at its begin. Its mean with the speed at the end, times the time it takes, is its length.
    pub from_speed_m_s: f64,
    /// The speed at its end.
    pub to_speed_m_s: f64,
    /// How.
    pub mode: Mode,
    /// What is above.
    pub cover: Cover,
    /// In which locale.
    pub locale: LocaleIndex,
}

/// What is between a phone and the sky.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    /// Nothing.
    Open,
    /// High houses on both sides.
    Canyon,
    /// Ground, water or a hull: no fixes.
    Tunnel,
}

/// A moment of a movement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Where.
    pub at: Point,
    /// How fast.
    pub speed_m_s: f64,
    /// Towards where, in degrees clockwise from north, 0 to 360; that of the last movement during a wait.
    pub heading_deg: f64,
    /// How.
    pub mode: Mode,
    /// What is above.
    pub cover: Cover,
    /// In which locale.
    pub locale: LocaleIndex,
}

impl Piece {
    /// How long it is, in metres.
    pub fn length_m(&self) -> f64 {
        self.from.distance_m(self.to)
    }

    /// The moment at `t_us`, which lies between its begin and its end.
    fn at(&self, t_us: Micros) -> Moment {
        let duration_us = (self.end_us - self.start_us).max(1) as f64;
        let share_of_time = (t_us - self.start_us) as f64 / duration_us;
        let speed_m_s = self.from_speed_m_s + share_of_time * (self.to_speed_m_s - self.from_speed_m_s);
        let mean_m_s = (self.from_speed_m_s + self.to_speed_m_s) / 2.0;
        let share_of_way = if mean_m_s > 0.0 {
            share_of_time * (self.from_speed_m_s + speed_m_s) / 2.0 / mean_m_s
        } else {
            share_of_time
        };
        let at = self.from.towards(self.to, share_of_way);
        Moment { at, speed_m_s, heading_deg: 0.0, mode: self.mode, cover: self.cover, locale: self.locale }
    }

    /// Towards where, in degrees clockwise from north, of what is no wait. Within a thousandth of a degree, because the exact
    /// arc tangent takes as long as all the rest of a fix; the polynomial is 4.4.49 of Abramowitz and Stegun.
    fn heading_deg(&self) -> f64 {
        let (x_m, y_m) = (self.to.x_m - self.from.x_m, self.to.y_m - self.from.y_m);
        let (short_m, long_m) = (x_m.abs().min(y_m.abs()), x_m.abs().max(y_m.abs()));
        let tangent = short_m / long_m;
        let square = tangent * tangent;
        let slope =
            0.999_866 + square * (-0.330_299_5 + square * (0.180_141 + square * (-0.085_133 + square * 0.020_835_1)));
        let angle_deg = (tangent * slope).to_degrees();
        let from_axis_deg = if x_m.abs() > y_m.abs() { 90.0 - angle_deg } else { angle_deg };
        let from_north_deg = if y_m < 0.0 { 180.0 - from_axis_deg } else { from_axis_deg };
        if x_m < 0.0 { 360.0 - from_north_deg } else { from_north_deg }
    }

    fn is_wait(&self) -> bool {
        self.from == self.to
    }
}

impl Track {
    /// When it begins.
    pub fn start_us(&self) -> Micros {
        self.pieces.first().expect("a track has pieces").start_us
    }

    /// When it ends.
    pub fn end_us(&self) -> Micros {
        self.pieces.last().expect("a track has pieces").end_us
    }

    /// How long it is, in metres.
    pub fn length_m(&self) -> f64 {
        self.pieces.iter().map(Piece::length_m).sum()
    }

    /// Looks at moments one after another.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor::new(&self.pieces)
    }
}

/// Looks at the moments of a track, each no earlier than the one before.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    pieces: &'a [Piece],
    /// The last piece before that was no wait.
    moved: Option<&'a Piece>,
}

impl<'a> Cursor<'a> {
    /// Looks at the moments of `pieces`, of which there is at least one.
    pub(crate) fn new(pieces: &'a [Piece]) -> Self {
        Self { pieces, moved: None }
    }

    /// The moment at `t_us`; the first or the last one when that is outside of the track.
    pub fn at(&mut self, t_us: Micros) -> Moment {
        let moment = self.glance(t_us);
        let piece = self.pieces.first().filter(|piece| !piece.is_wait());
        Moment { heading_deg: piece.or(self.moved).map_or(0.0, Piece::heading_deg), ..moment }
    }

    /// The same without a heading, which takes as long to find as all the rest.
    pub(crate) fn glance(&mut self, t_us: Micros) -> Moment {
        while let [piece, rest @ ..] = self.pieces
            && !rest.is_empty()
            && piece.end_us <= t_us
        {
            if !piece.is_wait() {
                self.moved = Some(piece);
            }
            self.pieces = rest;
        }
        let piece = self.pieces.first().expect("a track has pieces");
        piece.at(t_us.clamp(piece.start_us, piece.end_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start_s: i64, end_s: i64, from: f64, to: f64, speeds: (f64, f64)) -> Piece {
        Piece {
            start_us: start_s * 1_000_000,
            end_us: end_s * 1_000_000,
            from: Point::new(from, 0.0),
            to: Point::new(to, 0.0),
            from_speed_m_s: speeds.0,
            to_speed_m_s: speeds.1,
            mode: Mode::Car,
            cover: Cover::Open,
            locale: 0,
        }
    }

    #[test]
    fn headings_are_those_of_the_compass() {
        for deg in 0..360 {
            let (east, north) = f64::from(deg).to_radians().sin_cos();
            let piece = Piece { to: Point::new(70.0 * east, 70.0 * north), ..piece(0, 10, 0.0, 0.0, (7.0, 7.0)) };
            let error_deg = (piece.heading_deg() - f64::from(deg)).abs();
            assert!(error_deg.min(360.0 - error_deg) < 0.001, "{deg}: {}", piece.heading_deg());
        }
    }

    #[test]
    fn a_car_that_starts_drives_and_waits_is_where_physics_puts_it() {
        // 10 s from 0 to 10 m/s, 10 s at 10 m/s, and a wait of 5 s.
        let pieces = vec![
            piece(0, 10, 0.0, 50.0, (0.0, 10.0)),
            piece(10, 20, 50.0, 150.0, (10.0, 10.0)),
            piece(20, 25, 150.0, 150.0, (0.0, 0.0)),
        ];
        let track = Track { trip: 0, pieces };
        let mut cursor = track.cursor();
        for (t_s, x_m, speed_m_s) in
            [(-1, 0.0, 0.0), (5, 12.5, 5.0), (10, 50.0, 10.0), (15, 100.0, 10.0), (22, 150.0, 0.0), (99, 150.0, 0.0)]
        {
            let moment = cursor.at(t_s * 1_000_000);
            assert!((moment.at.x_m - x_m).abs() < 1e-9 && (moment.speed_m_s - speed_m_s).abs() < 1e-9, "{moment:?}");
            assert_eq!(moment.heading_deg, 90.0);
        }
        assert_eq!(track.length_m(), 150.0);
    }
}
