//! A person's truth and what was found, trip by trip: what corresponds, what was missed, what is wrong, and why.

use rushhour_synth::truth::Fault;
use serde::Serialize;

use super::figures::{Figures, Tally};
use super::found::{FoundTrip, Spot};
use super::pairing::pair;
use super::user_truth::{TrueTrip, UserTruth};
use super::{PLACE_M_MAX, TIME_S_MAX};

/// A person's truth and what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison<'a> {
    /// Whose.
    pub user: &'a UserTruth,
    /// In order of time.
    pub rows: Vec<Row<'a>>,
}

/// A trip of the truth, a found trip, or both.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'a> {
    /// What became of it.
    pub outcome: Outcome,
    /// The trip of the truth; of a wrong or neutral trip, the one that it lies over longest.
    pub trip: Option<&'a TrueTrip>,
    /// The found trip; of a missed or unmeant trip, the one that lies over it longest.
    pub found: Option<&'a FoundTrip>,
    /// What went wrong meanwhile.
    pub faults: Vec<Fault>,
}

/// What became of a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It corresponds to a found trip.
    Matched,
    /// It was meant to be found, and nothing corresponds to it.
    Missed(Reason),
    /// Nothing corresponds to it, and that was to be expected.
    Unmeant,
    /// It was found and corresponds to nothing.
    Wrong(Reason),
    /// It was found, corresponds to nothing, and lies only over trips that are not meant to be found.
    Neutral,
}

/// Why nothing corresponds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing is there at that time.
    Nothing,
    /// The found trip is several true ones.
    Merged,
    /// The true trip is several found ones.
    Split,
    /// They do not start at the same time.
    StartTime,
    /// They do not end at the same time.
    EndTime,
    /// They do not start at the same place.
    StartPlace,
    /// They do not end at the same place.
    EndPlace,
    /// It would, if another did not.
    Taken,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Nothing,
        Self::Merged,
        Self::Split,
        Self::StartTime,
        Self::EndTime,
        Self::StartPlace,
        Self::EndPlace,
        Self::Taken,
    ];

    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Merged => "merged",
            Self::Split => "split",
            Self::StartTime => "start_time",
            Self::EndTime => "end_time",
            Self::StartPlace => "start_place",
            Self::EndPlace => "end_place",
            Self::Taken => "taken",
        }
    }
}

impl<'a> Comparison<'a> {
    /// Compares, in whatever order the found trips are.
    pub(super) fn of(user: &'a UserTruth, found: &'a [FoundTrip]) -> Self {
        let mut found: Vec<&FoundTrip> = found.iter().collect();
        found.sort_by(|one, other| one.start.ts.total_cmp(&other.start.ts));
        let pairs = pair(&user.trips, &found);
        let both = Both { truth: &user.trips, found: &found };
        let mut rows: Vec<Row<'_>> = Vec::new();
        for (place, trip) in user.trips.iter().enumerate() {
            let pair = pairs.binary_search_by_key(&place, |pair| pair.0).ok().and_then(|pair| pairs.get(pair));
            let (outcome, found) = match pair.and_then(|(_, other)| found.get(*other).copied()) {
                Some(found) => (Outcome::Matched, Some(found)),
                None => both.outcome_of(trip),
            };
            let faults = user.faults_within(trip.start.ts, trip.end.ts);
            rows.push(Row { outcome, trip: Some(trip), found, faults });
        }
        for (place, found) in found.iter().enumerate() {
            if pairs.binary_search_by_key(&place, |pair| pair.1).is_err() {
                let (outcome, trip) = both.outcome_of_found(found);
                let faults = user.faults_within(found.start.ts, found.end.ts);
                rows.push(Row { outcome, trip, found: Some(found), faults });
            }
        }
        rows.sort_by(|one, other| one.start_ts().total_cmp(&other.start_ts()));
        Self { user, rows }
    }

    /// What it comes to.
    pub fn figures(&self) -> Figures {
        let mut tally = Tally::default();
        self.rows.iter().for_each(|row| tally.add(row));
        tally.figures()
    }
}

impl Row<'_> {
    /// When what the row is about starts.
    fn start_ts(&self) -> f64 {
        let found = self.found.filter(|_| self.is_found_only()).map(|found| found.start.ts);
        found.or(self.trip.map(|trip| trip.start.ts)).unwrap_or_default()
    }

    /// Whether the row is about a found trip, and the trip of the truth is there for comparison.
    pub fn is_found_only(&self) -> bool {
        matches!(self.outcome, Outcome::Wrong(_) | Outcome::Neutral)
    }
}

/// Both lists, in order of time.
struct Both<'a, 'b> {
    truth: &'a [TrueTrip],
    found: &'b [&'a FoundTrip],
}

impl<'a> Both<'a, '_> {
    /// What became of a trip that nothing corresponds to.
    fn outcome_of(&self, trip: &TrueTrip) -> (Outcome, Option<&'a FoundTrip>) {
        let longest = self.found_over(trip).max_by(|one, other| shared_s(trip, one).total_cmp(&shared_s(trip, other)));
        match longest {
            found if !trip.is_meant => (Outcome::Unmeant, found),
            Some(found) => (Outcome::Missed(self.reason(trip, found)), Some(found)),
            None => (Outcome::Missed(Reason::Nothing), None),
        }
    }

    /// What a found trip is that corresponds to nothing.
    fn outcome_of_found(&self, found: &FoundTrip) -> (Outcome, Option<&'a TrueTrip>) {
        let longest = |meant: bool| {
            let over = self.trips_under(found).filter(|trip| trip.is_meant == meant);
            over.max_by(|one, other| shared_s(one, found).total_cmp(&shared_s(other, found)))
        };
        match (longest(true), longest(false)) {
            (Some(trip), _) => (Outcome::Wrong(self.reason(trip, found)), Some(trip)),
            (None, Some(trip)) => (Outcome::Neutral, Some(trip)),
            (None, None) => (Outcome::Wrong(Reason::Nothing), None),
        }
    }

    fn found_over<'s>(&'s self, trip: &'s TrueTrip) -> impl Iterator<Item = &'a FoundTrip> + 's {
        self.found.iter().copied().filter(|found| shared_s(trip, found) > 0.0)
    }

    fn trips_under<'s>(&'s self, found: &'s FoundTrip) -> impl Iterator<Item = &'a TrueTrip> + 's {
        self.truth.iter().filter(|trip| shared_s(trip, found) > 0.0)
    }

    /// Why the two do not correspond, which lie over each other.
    fn reason(&self, trip: &TrueTrip, found: &FoundTrip) -> Reason {
        let is_most = |shared_s: f64, (start, end): (Spot, Spot)| shared_s > (end.ts - start.ts) / 2.0;
        let trips = self.trips_under(found).filter(|trip| is_most(shared_s(trip, found), (trip.start, trip.end)));
        let parts = self.found_over(trip).filter(|found| is_most(shared_s(trip, found), (found.start, found.end)));
        let differs = |one: Spot, other: Spot| (one.ts - other.ts).abs() > TIME_S_MAX;
        let is_far = |one: Spot, other: Spot| one.at.distance_m(other.at) > PLACE_M_MAX;
        match () {
            () if trips.count() > 1 => Reason::Merged,
            () if parts.count() > 1 => Reason::Split,
            () if differs(trip.start, found.start) => Reason::StartTime,
            () if differs(trip.end, found.end) => Reason::EndTime,
            () if is_far(trip.start, found.start) => Reason::StartPlace,
            () if is_far(trip.end, found.end) => Reason::EndPlace,
            () => Reason::Taken,
        }
    }
}

/// For how long both last at once.
pub(super) fn shared_s(trip: &TrueTrip, found: &FoundTrip) -> f64 {
    overlap_s((trip.start.ts, trip.end.ts), (found.start.ts, found.end.ts))
}

/// For how long two spans of time last at once.
pub(super) fn overlap_s(one: (f64, f64), other: (f64, f64)) -> f64 {
    (one.1.min(other.1) - one.0.max(other.0)).max(0.0)
}
