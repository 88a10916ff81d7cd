//! The figures of a group of trips.

use std::collections::BTreeMap;

use serde::Serialize;

use super::comparison::{Outcome, Reason, Row};
use super::confusion::Confusion;
use super::found::{Class, FoundTrip};
use super::user_truth::TrueTrip;

/// What a group of trips comes to. A share is none where there is nothing to share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Trips that were made.
    pub trips: u64,
    /// Those of them that are meant to be found.
    pub meant: u64,
    /// Those of them that a found trip corresponds to.
    pub recalled: u64,
    /// Recalled of meant.
    pub recall: Option<f64>,
    /// Trips that were found.
    pub found: u64,
    /// Those of them that correspond to any trip.
    pub right: u64,
    /// Those of them that correspond to none.
    pub wrong: u64,
    /// Those of them that lie only over trips that are not meant to be found.
    pub neutral: u64,
    /// Right of right and wrong.
    pub precision: Option<f64>,
    /// The share of the time of recalled trips in which sections have the true class: what a limit is put on.
    pub mode: Option<f64>,
    /// The share of recalled trips whose longest section has the true class.
    pub main_mode: Option<f64>,
    /// How far starts are from the truth, in seconds; late is positive.
    pub start_s: Spread,
    /// How far ends are from the truth, in seconds; late is positive.
    pub end_s: Spread,
    /// How far distances are from the truth, in percent of it; long is positive.
    pub distance_pct: Spread,
    /// Why trips were missed.
    pub missed_by: BTreeMap<Reason, u64>,
    /// Why found trips are wrong.
    pub wrong_by: BTreeMap<Reason, u64>,
    /// Seconds of recalled trips by true and found class.
    pub confusion_s: Confusion,
}

/// How errors are spread; none without any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// The median of the errors' sizes.
    pub median: Option<f64>,
    /// Nine of ten errors are at most so large.
    pub p90: Option<f64>,
    /// The median of the errors with their signs.
    pub bias: Option<f64>,
}

/// The trips of a group so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    trips: u64,
    meant: u64,
    right: u64,
    neutral: u64,
    missed: BTreeMap<Reason, u64>,
    wrong: BTreeMap<Reason, u64>,
    main_mode: u64,
    start_s: Vec<f64>,
    end_s: Vec<f64>,
    distance_pct: Vec<f64>,
    confusion: Confusion,
}

impl Tally {
    pub(super) fn add(&mut self, row: &Row<'_>) {
        if let Some(trip) = row.trip.filter(|_| !row.is_found_only()) {
            self.trips += 1;
            self.meant += u64::from(trip.is_meant);
        }
        match (row.outcome, row.trip, row.found) {
            (Outcome::Matched, Some(trip), Some(found)) => {
                self.right += 1;
                if trip.is_meant {
                    self.recall(trip, found);
                }
            }
            (Outcome::Missed(reason), ..) => *self.missed.entry(reason).or_default() += 1,
            (Outcome::Wrong(reason), ..) => *self.wrong.entry(reason).or_default() += 1,
            (Outcome::Neutral, ..) => self.neutral += 1,
            (Outcome::Matched | Outcome::Unmeant, ..) => {}
        }
    }

    fn recall(&mut self, trip: &TrueTrip, found: &FoundTrip) {
        self.main_mode += u64::from(found.main_class() == Some(Class::of(trip.mode)));
        self.start_s.push(found.start.ts - trip.start.ts);
        self.end_s.push(found.end.ts - trip.end.ts);
        if trip.distance_m > 0.0 {
            self.distance_pct.push((found.distance_m / trip.distance_m - 1.0) * 100.0);
        }
        self.confusion.add(trip, found);
    }

    pub(super) fn figures(&self) -> Figures {
        let recalled = self.start_s.len() as u64;
        let wrong: u64 = self.wrong.values().sum();
        Figures {
            trips: self.trips,
            meant: self.meant,
            recalled,
            recall: share(recalled, self.meant),
            found: self.right + wrong + self.neutral,
            right: self.right,
            wrong,
            neutral: self.neutral,
            precision: share(self.right, self.right + wrong),
            mode: self.confusion.agreement(),
            main_mode: share(self.main_mode, recalled),
            start_s: Spread::of(&self.start_s),
            end_s: Spread::of(&self.end_s),
            distance_pct: Spread::of(&self.distance_pct),
            missed_by: self.missed.clone(),
            wrong_by: self.wrong.clone(),
            confusion_s: self.confusion,
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Spread {
    fn of(errors: &[f64]) -> Self {
        let sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        Self { median: quantile(&sizes, 0.5), p90: quantile(&sizes, 0.9), bias: quantile(errors, 0.5) }
    }
}

/// The smallest value that `share` of all values do not exceed.
fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among the values")]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}
