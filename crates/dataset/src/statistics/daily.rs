//! How much people get about in a day: row 1, and the places of a day of row 7.
//!
//! An active day is one with at least one trip. The places of a day are those that its trips start and end at, as in the
//! networks of [`crate::statistics::motifs`]; days without a trip have no network and are not counted (Schneider 2013).

use std::collections::BTreeSet;

use crate::statistics::biography::Biography;
use crate::statistics::row::{Row, Target};

/// How many trips a day had, and how many places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Daily {
    /// Days by their number of trips; the last entry is for all with as many or more.
    pub by_trips: [u64; MANY],
    /// Active days by their number of places, in the same way.
    pub by_places: [u64; MANY],
    trips: u64,
    places: u64,
}

/// More trips or places than this are not told apart.
pub const MANY: usize = 13;

/// Trips on an active day, and the share of days without one: mobility.md 2b, choices between surveys.
const TRIPS_PER_ACTIVE_DAY: f64 = 3.3;
const IMMOBILE_SHARE: f64 = 0.18;

impl Daily {
    /// Counts the days of a person.
    pub fn add(&mut self, life: &Biography) {
        for trips in life.trips_by_day() {
            let places: BTreeSet<u32> = trips.iter().flat_map(|trip| [trip.from, trip.to]).collect();
            count(&mut self.by_trips, trips.len());
            self.trips += trips.len() as u64;
            if !trips.is_empty() {
                count(&mut self.by_places, places.len());
                self.places += places.len() as u64;
            }
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.by_trips.iter_mut().zip(other.by_trips).for_each(|(days, other)| *days += other);
        self.by_places.iter_mut().zip(other.by_places).for_each(|(days, other)| *days += other);
        self.trips += other.trips;
        self.places += other.places;
    }

    /// How many trips there were in all.
    pub fn trips(&self) -> u64 {
        self.trips
    }

    fn active(&self) -> u64 {
        self.by_places.iter().sum()
    }

    /// Trips and immobile days.
    pub fn rows(&self) -> Vec<Row> {
        let days: u64 = self.by_trips.iter().sum();
        let near = |reference| Target::Near { reference, tolerance: 0.02 };
        let around = |reference| Target::Around { references: vec![reference], tolerances: vec![0.05] };
        vec![
            Row::new(1, "trips per active day", around(TRIPS_PER_ACTIVE_DAY), share(self.trips, self.active())),
            Row::new(1, "days without a trip", near(IMMOBILE_SHARE), share(days - self.active(), days)),
        ]
    }

    /// Places.
    pub fn place_row(&self) -> Row {
        let mean = share(self.places, self.active());
        Row::new(7, "places per active day", Target::Between { low: 2.6, high: 3.3 }, mean)
    }
}

fn count(days: &mut [u64; MANY], number: usize) {
    if let Some(days) = days.get_mut(number.min(MANY - 1)) {
        *days += 1;
    }
}

/// One number in another; none when there is nothing to be a share of.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use rushhour_synth::truth::Purpose::{Home, Shop, Work};

    use super::*;
    use crate::statistics::biography::tests::biography;

    #[test]
    fn days_and_places_are_counted() {
        // Monday to work and home, Tuesday to work, a shop and home, Wednesday nothing.
        let moves = [(8.0, 1), (17.0, 0), (32.0, 1), (41.0, 2), (42.0, 0)];
        let mut daily = Daily::default();
        daily.add(&biography(&[Home, Work, Shop], 3, &moves));
        let mut twice = daily.clone();
        twice.merge(&daily);
        for daily in [daily, twice] {
            let values: Vec<f64> = daily.rows().iter().map(|row| row.values[0]).collect();
            assert_eq!(values, [2.5, 1.0 / 3.0]);
            assert_eq!(daily.place_row().values, [2.5]);
        }
    }
}
