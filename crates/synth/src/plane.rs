//! Positions in metres on a plane that touches the earth where a city is.
//!
//! Up to 60 km from the centre a distance on the plane is within 0.1 % of the one on the sphere. The sphere is the
//! pipeline's (radius 6,371 km), so that lengths agree.

use std::f64::consts::PI;

/// Metres in a degree of latitude: the pipeline's sphere.
const METRES_PER_DEGREE: f64 = 6_371_000.0 * PI / 180.0;

/// A position: metres to the east and to the north of the centre.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the east.
    pub x_m: f64,
    /// To the north.
    pub y_m: f64,
}

impl Point {
    /// The position `x_m` to the east and `y_m` to the north of the centre.
    pub fn new(x_m: f64, y_m: f64) -> Self {
        Self { x_m, y_m }
    }

    /// How far it is to `other`, in metres.
    pub fn distance_m(self, other: Self) -> f64 {
        self.square_m2(other).sqrt()
    }

    /// The square of that: enough to compare, and quicker.
    pub(crate) fn square_m2(self, other: Self) -> f64 {
        let (x_m, y_m) = (other.x_m - self.x_m, other.y_m - self.y_m);
        x_m * x_m + y_m * y_m
    }

    /// The position at `share` of the way to `other`.
    pub fn towards(self, other: Self, share: f64) -> Self {
        Self { x_m: self.x_m + share * (other.x_m - self.x_m), y_m: self.y_m + share * (other.y_m - self.y_m) }
    }
}

/// Where a plane touches the earth, and which clock is used there.
#[derive(Clone, Debug, PartialEq)]
pub struct Locale {
    /// The centre's latitude in degrees.
    pub latitude: f64,
    /// The centre's longitude in degrees.
    pub longitude: f64,
    /// The time zone's IANA name.
    pub zone_name: String,
    /// The time zone's rules.
    pub zone: jiff::tz::TimeZone,
    metres_per_degree_east: f64,
    /// Kept because a division takes as long as all the rest of finding a position.
    degrees_per_metre_east: f64,
}

impl Locale {
    /// The plane that touches the earth at a position, with the clock that is used there.
    pub fn new(latitude: f64, longitude: f64, zone_name: &str, zone: jiff::tz::TimeZone) -> Self {
        let metres_per_degree_east = METRES_PER_DEGREE * latitude.to_radians().cos();
        let degrees_per_metre_east = 1.0 / metres_per_degree_east;
        let zone_name = zone_name.to_owned();
        Self { latitude, longitude, zone_name, zone, metres_per_degree_east, degrees_per_metre_east }
    }

    /// Latitude and longitude of `point`, in degrees.
    pub fn degrees(&self, point: Point) -> (f64, f64) {
        let latitude = self.latitude + point.y_m * (1.0 / METRES_PER_DEGREE);
        (latitude, self.longitude + point.x_m * self.degrees_per_metre_east)
    }

    /// The position of a latitude and longitude in degrees.
    pub fn point(&self, latitude: f64, longitude: f64) -> Point {
        let east = (longitude - self.longitude) * self.metres_per_degree_east;
        Point::new(east, (latitude - self.latitude) * METRES_PER_DEGREE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_and_back_is_the_same_place() {
        let berlin = Locale::new(52.52, 13.405, "Europe/Berlin", jiff::tz::TimeZone::UTC);
        let point = Point::new(12_345.0, -6_789.0);
        let (latitude, longitude) = berlin.degrees(point);
        assert!(berlin.point(latitude, longitude).distance_m(point) < 1e-6);
        assert!((latitude - 52.4589).abs() < 1e-3 && (longitude - 13.5875).abs() < 1e-3, "{latitude} {longitude}");
    }
}
