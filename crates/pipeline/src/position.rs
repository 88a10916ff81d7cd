//! Where something is, and how far and in which direction something else is from there.

use geo::{Bearing, Distance, HaversineMeasure, Point};
use serde::{Deserialize, Serialize};

/// The Earth's radius in metres, as the original takes it (`emission.core.common`).
const EARTH: HaversineMeasure = HaversineMeasure::new(6_371_000.0);

/// A position in degrees, WGS84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// Degrees north, -90 to 90.
    pub latitude: f64,
}

impl Position {
    /// Metres along the great circle.
    pub fn distance_m(self, other: Self) -> f64 {
        if self == other { 0.0 } else { EARTH.distance(self.point(), other.point()) }
    }

    /// Degrees clockwise from north, -180 to 180.
    pub fn heading_to(self, other: Self) -> f64 {
        let clockwise = EARTH.bearing(self.point(), other.point());
        if clockwise > 180.0 { clockwise - 360.0 } else { clockwise }
    }

    fn point(self) -> Point {
        Point::new(self.longitude, self.latitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(longitude: f64, latitude: f64) -> Position {
        Position { longitude, latitude }
    }

    #[test]
    fn distances_hold_everywhere() {
        let quarter = 6_371_000.0 * std::f64::consts::FRAC_PI_2;
        for (one, other, expected) in [
            (at(0.0, 0.0), at(0.0, 90.0), quarter),
            (at(-90.0, 0.0), at(90.0, 0.0), 2.0 * quarter),
            (at(12.0, 90.0), at(-170.0, 90.0), 0.0),
            (at(179.9, 0.0), at(-179.9, 0.0), quarter / 450.0),
            (at(180.0, 10.0), at(-180.0, 10.0), 0.0),
            (at(10.0, 45.0), at(-170.0, -45.0), 2.0 * quarter),
        ] {
            let found = one.distance_m(other);
            assert!((found - expected).abs() < 0.5, "{one:?} {other:?}: {found}, not {expected}");
        }
    }

    #[test]
    fn a_heading_west_is_negative() {
        for (other, expected) in
            [(at(0.0, 1.0), 0.0), (at(1.0, 0.0), 90.0), (at(-1.0, 0.0), -90.0), (at(0.0, -1.0), 180.0)]
        {
            assert!((at(0.0, 0.0).heading_to(other) - expected).abs() < 1e-9);
        }
    }
}
