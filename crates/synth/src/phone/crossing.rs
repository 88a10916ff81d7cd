//! When somebody gets out of a circle: found on the pieces of a track, not by stepping along it.

use crate::plane::Point;
use crate::track::Piece;
use crate::truth::{LocaleIndex, Micros};

/// A circle around a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Circle {
    /// Its centre.
    pub(super) centre: Point,
    /// The locale of its centre: whoever is in another one is outside.
    pub(super) locale: LocaleIndex,
    /// Its radius.
    pub(super) radius_m: f64,
}

/// When the movement along `pieces` leaves `circle`, from `from_us` on; none when it does not. Pieces that were over
/// before are dropped, so that the next search starts where this one ended.
pub(super) fn leaves(pieces: &mut &[Piece], from_us: Micros, circle: Circle) -> Option<Micros> {
    while let [piece, rest @ ..] = *pieces {
        if piece.end_us > from_us {
            let start_us = piece.start_us.max(from_us);
            if piece.locale != circle.locale {
                return Some(start_us);
            }
            // The distance to a point is convex along a line: if neither end is outside, nothing between is.
            if piece.to.distance_m(circle.centre) >= circle.radius_m {
                return Some(moment_us(piece, way_out(piece, circle)).max(start_us));
            }
            let is_outside_only_at_first = piece.from.distance_m(circle.centre) >= circle.radius_m;
            if is_outside_only_at_first && start_us == piece.start_us {
                return Some(start_us);
            }
        }
        *pieces = rest;
    }
    None
}

/// The share of the way at which `piece`, whose end is outside of `circle`, gets out for the last time.
fn way_out(piece: &Piece, circle: Circle) -> f64 {
    let (to_x, to_y) = (piece.to.x_m - piece.from.x_m, piece.to.y_m - piece.from.y_m);
    let (from_x, from_y) = (piece.from.x_m - circle.centre.x_m, piece.from.y_m - circle.centre.y_m);
    let square = to_x * to_x + to_y * to_y;
    let half = from_x * to_x + from_y * to_y;
    let rest = from_x * from_x + from_y * from_y - circle.radius_m * circle.radius_m;
    let under_root = half * half - square * rest;
    if square == 0.0 || under_root < 0.0 {
        return 0.0;
    }
    ((under_root.sqrt() - half) / square).clamp(0.0, 1.0)
}

/// When `piece` has gone `share` of its way.
fn moment_us(piece: &Piece, share: f64) -> Micros {
    let mean_m_s = (piece.from_speed_m_s + piece.to_speed_m_s) / 2.0;
    let duration_us = (piece.end_us - piece.start_us) as f64;
    let share_of_time = if mean_m_s > 0.0 {
        let from = piece.from_speed_m_s / mean_m_s;
        let gain = (piece.to_speed_m_s - piece.from_speed_m_s) / mean_m_s;
        let root = (from * from + 2.0 * gain * share).max(0.0).sqrt();
        if from + root > 0.0 { 2.0 * share / (from + root) } else { 0.0 }
    } else {
        share
    };
    #[expect(clippy::cast_possible_truncation, reason = "within a piece")]
    let after_us = (share_of_time.min(1.0) * duration_us).ceil() as Micros;
    piece.start_us + after_us
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::{Cover, Track};
    use crate::truth::{Mode, SECOND_US};

    fn piece(start_s: i64, end_s: i64, from: (f64, f64), to: (f64, f64), speeds: (f64, f64)) -> Piece {
        Piece {
            start_us: start_s * SECOND_US,
            end_us: end_s * SECOND_US,
            from: Point::new(from.0, from.1),
            to: Point::new(to.0, to.1),
            from_speed_m_s: speeds.0,
            to_speed_m_s: speeds.1,
            mode: Mode::Car,
            cover: Cover::Open,
            locale: 0,
        }
    }

    #[test]
    fn the_way_out_is_where_the_cursor_crosses_the_circle() {
        let pieces = vec![
            piece(0, 10, (0.0, 0.0), (50.0, 0.0), (0.0, 10.0)),
            piece(10, 20, (50.0, 0.0), (50.0, 100.0), (10.0, 10.0)),
            piece(20, 30, (50.0, 100.0), (50.0, 100.0), (0.0, 0.0)),
            piece(30, 40, (50.0, 100.0), (0.0, 40.0), (15.6, 0.0)),
        ];
        let track = Track { trip: 0, pieces };
        for radius_m in [1.0, 20.0, 49.9, 70.0, 100.0, 111.0] {
            let circle = Circle { centre: Point::default(), locale: 0, radius_m };
            let at_us = leaves(&mut &track.pieces[..], 0, circle).unwrap();
            let distance_m = track.cursor().at(at_us).at.distance_m(circle.centre);
            assert!((distance_m - radius_m).abs() < 0.01, "{radius_m}: {distance_m}");
        }
        let far = Circle { centre: Point::default(), locale: 0, radius_m: 112.0 };
        assert_eq!(leaves(&mut &track.pieces[..], 0, far), None);
        let elsewhere = Circle { centre: Point::default(), locale: 1, radius_m: 112.0 };
        assert_eq!(leaves(&mut &track.pieces[..], 5, elsewhere), Some(5));
    }

    #[test]
    fn the_search_goes_on_from_the_middle_of_a_piece() {
        let track = Track { trip: 0, pieces: vec![piece(0, 100, (0.0, 0.0), (1_000.0, 0.0), (10.0, 10.0))] };
        let mut pieces = &track.pieces[..];
        let mut from_us = 0;
        for step in 1..=10 {
            let centre = track.cursor().at(from_us).at;
            from_us = leaves(&mut pieces, from_us, Circle { centre, locale: 0, radius_m: 100.0 }).unwrap();
            assert!((from_us - step * 10 * SECOND_US).abs() <= step, "{from_us}");
        }
    }
}
