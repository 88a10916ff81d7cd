//! A comparison as a table for programs: one row per trip that was made, and per found trip that corresponds to none.

use rushhour_synth::truth::Mode;
use serde::Serialize;

use super::comparison::{Comparison, Outcome, Row};
use super::found::{FoundTrip, Spot};
use super::user_truth::TrueTrip;

/// A row; the fields are the columns. An empty cell is an absent value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TripRow {
    /// Which person, counted from 0.
    pub user: u32,
    /// What the server calls them.
    pub user_id: String,
    /// What they carry.
    pub platform: &'static str,
    /// `matched`, `missed`, `unmeant`, `wrong` or `neutral`.
    pub outcome: &'static str,
    /// Why it was missed, or is wrong.
    pub reason: Option<&'static str>,
    /// The trip of the truth. Of a wrong or neutral trip: the one that it lies over longest.
    pub trip: Option<u32>,
    /// Whether that is meant to be found.
    pub is_meant: Option<bool>,
    /// How it was moved.
    pub mode: Option<Mode>,
    /// What was found of how it was moved.
    pub found_mode: Option<&'static str>,
    /// When it began.
    pub start_ts: Option<f64>,
    /// When it ended.
    pub end_ts: Option<f64>,
    /// When the found trip begins. Of a missed or unmeant trip: the one that lies over it longest.
    pub found_start_ts: Option<f64>,
    /// When that ends.
    pub found_end_ts: Option<f64>,
    /// Found less true.
    pub start_error_s: Option<f64>,
    /// Found less true.
    pub end_error_s: Option<f64>,
    /// Between both starts.
    pub start_error_m: Option<f64>,
    /// Between both ends.
    pub end_error_m: Option<f64>,
    /// Along the path.
    pub distance_m: Option<f64>,
    /// Along the found way.
    pub found_distance_m: Option<f64>,
    /// What went wrong with the phone meanwhile, with spaces between.
    pub faults: String,
}

impl Comparison<'_> {
    /// The comparison as rows of a table.
    pub fn table(&self) -> impl Iterator<Item = TripRow> {
        self.rows.iter().map(|row| self.trip_row(row))
    }

    fn trip_row(&self, row: &Row<'_>) -> TripRow {
        let (outcome, reason) = match row.outcome {
            Outcome::Matched => ("matched", None),
            Outcome::Missed(reason) => ("missed", Some(reason.name())),
            Outcome::Unmeant => ("unmeant", None),
            Outcome::Wrong(reason) => ("wrong", Some(reason.name())),
            Outcome::Neutral => ("neutral", None),
        };
        let Row { trip, found, faults, .. } = row;
        let starts = both(row, |trip| trip.start, |found| found.start);
        let ends = both(row, |trip| trip.end, |found| found.end);
        TripRow {
            user: self.user.user,
            user_id: self.user.user_id.clone(),
            platform: self.user.platform.name(),
            outcome,
            reason,
            trip: trip.map(|trip| trip.trip),
            is_meant: trip.map(|trip| trip.is_meant),
            mode: trip.map(|trip| trip.mode),
            found_mode: found.and_then(FoundTrip::main_class).map(super::Class::name),
            start_ts: trip.map(|trip| trip.start.ts),
            end_ts: trip.map(|trip| trip.end.ts),
            found_start_ts: found.map(|found| thousandths(found.start.ts)),
            found_end_ts: found.map(|found| thousandths(found.end.ts)),
            start_error_s: starts.map(|(meant, found)| thousandths(found.ts - meant.ts)),
            end_error_s: ends.map(|(meant, found)| thousandths(found.ts - meant.ts)),
            start_error_m: starts.map(|(meant, found)| thousandths(found.at.distance_m(meant.at))),
            end_error_m: ends.map(|(meant, found)| thousandths(found.at.distance_m(meant.at))),
            distance_m: trip.map(|trip| thousandths(trip.distance_m)),
            found_distance_m: found.map(|found| thousandths(found.distance_m)),
            faults: faults.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(" "),
        }
    }
}

fn both(row: &Row<'_>, of_trip: fn(&TrueTrip) -> Spot, of_found: fn(&FoundTrip) -> Spot) -> Option<(Spot, Spot)> {
    Some((of_trip(row.trip?), of_found(row.found?)))
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
