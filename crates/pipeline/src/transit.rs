//! Stops of public transport: a vehicle that goes from one to another of the same kind is not a car.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use crate::mode::{Mode, is_bicycling_speed};
use crate::position::Position;
use crate::sections::STOP_M_MAX;

/// A cell of the index, in degrees: larger than the search radius up to 80 degrees north or south.
const CELL_DEGREES: f64 = 0.01;

/// A stop and what stops there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TransitStop {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// The line or the operator; the same at both ends of a ride. Empty where it is not known.
    #[serde(default)]
    pub route: String,
    /// `bus`, `train`, `subway`, `tram` or `light_rail`.
    pub mode: String,
}

#[derive(Clone, Debug)]
struct Stop {
    at: Position,
    mode: Mode,
    route: String,
}

/// The stops of a region; none by default, in which case every vehicle is a car.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    cells: HashMap<(i64, i64), Vec<Stop>>,
}

impl Stops {
    /// The stops, ready to be searched.
    ///
    /// # Errors
    /// With the name of a mode that does not stop anywhere.
    pub fn new(stops: impl IntoIterator<Item = TransitStop>) -> Result<Self, String> {
        let mut cells: HashMap<_, Vec<_>> = HashMap::new();
        for stop in stops {
            let mode = mode(&stop.mode).ok_or(stop.mode)?;
            let at = Position { longitude: stop.longitude, latitude: stop.latitude };
            cells.entry(cell(at)).or_default().push(Stop { at, mode, route: stop.route });
        }
        Ok(Self { cells })
    }

    /// What goes from `start` to `end`, by the stops near both; a bus where several do and none would be so slow.
    pub(crate) fn mode_between(&self, start: Position, end: Position, metres_per_s: f64) -> Option<Mode> {
        let (from, to) = (self.near(start), self.near(end));
        let mut modes: Vec<Mode> = from.intersection(&to).filter_map(|(_, number)| numbered(*number)).collect();
        modes.dedup();
        match modes.as_slice() {
            [] => None,
            [only] => Some(*only),
            several if several.contains(&Mode::Bus) && is_bicycling_speed(metres_per_s) => Some(Mode::Bus),
            several => several.iter().find(|mode| **mode != Mode::Bus).copied(),
        }
    }

    /// Routes and numbers of modes within reach.
    fn near(&self, at: Position) -> BTreeSet<(&str, i64)> {
        let (east, north) = cell(at);
        let cells = (-1..=1).flat_map(|x| (-1..=1).map(move |y| (east.saturating_add(x), north.saturating_add(y))));
        let stops = cells.filter_map(|cell| self.cells.get(&cell)).flatten();
        let reached = stops.filter(|stop| stop.at.distance_m(at) <= STOP_M_MAX);
        reached.map(|stop| (stop.route.as_str(), stop.mode.number())).collect()
    }
}

fn cell(at: Position) -> (i64, i64) {
    #[expect(clippy::cast_possible_truncation, reason = "degrees are small, and others saturate")]
    let cell = |degrees: f64| (degrees / CELL_DEGREES).floor() as i64;
    (cell(at.longitude), cell(at.latitude))
}

fn mode(name: &str) -> Option<Mode> {
    Some(match name {
        "bus" => Mode::Bus,
        "train" | "rail" | "railway" | "monorail" | "funicular" => Mode::Train,
        "subway" => Mode::Subway,
        "tram" => Mode::Tram,
        "light_rail" => Mode::LightRail,
        _ => return None,
    })
}

fn numbered(number: i64) -> Option<Mode> {
    [Mode::Bus, Mode::Train, Mode::Subway, Mode::Tram, Mode::LightRail].into_iter().find(|mode| mode.number() == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(longitude: f64, route: &str, mode: &str) -> TransitStop {
        TransitStop { latitude: 47.0, longitude, route: route.to_owned(), mode: mode.to_owned() }
    }

    fn check(stops: Vec<TransitStop>, metres_per_s: f64, expected: Option<Mode>) {
        let at = |longitude| Position { longitude, latitude: 47.0 };
        assert_eq!(Stops::new(stops).unwrap().mode_between(at(8.0), at(8.1), metres_per_s), expected);
    }

    #[test]
    fn a_ride_is_from_stop_to_stop_of_one_route() {
        check(vec![], 10.0, None);
        check(vec![stop(8.001, "11", "bus"), stop(8.099, "11", "bus")], 10.0, Some(Mode::Bus));
        check(vec![stop(8.001, "11", "bus"), stop(8.099, "12", "bus")], 10.0, None);
        check(vec![stop(8.001, "11", "bus"), stop(8.097, "11", "bus")], 10.0, None);
    }

    #[test]
    fn speed_tells_a_bus_from_a_train() {
        let both = || {
            let ends = [8.001, 8.099];
            ends.into_iter().flat_map(|at| [stop(at, "11", "bus"), stop(at, "S4", "train")]).collect()
        };
        check(both(), 8.0, Some(Mode::Bus));
        check(both(), 20.0, Some(Mode::Train));
    }

    #[test]
    fn what_does_not_stop_is_named() {
        assert_eq!(Stops::new([stop(8.0, "", "rocket")]).unwrap_err(), "rocket");
    }
}
