//! Trips: where the rows of fixes are cut, each run of one filter by its own rules.

mod distance_filter;
mod time_filter;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::observations::{Filter, Fix, Observations, STOPPED_MOVING};

/// A silence this long ends a trip whatever was observed in it: no flight without a fix lasts longer (the original's
/// `TWELVE_HOURS`).
const SILENCE_S_MAX: f64 = 43_200.0;

/// Which rules found a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// For fixes at fixed intervals: Android.
    TimeFilter,
    /// For fixes at fixed distances: iOS.
    DistanceFilter,
}

impl Method {
    /// The name in `data.source`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TimeFilter => "DwellSegmentationTimeFilter",
            Self::DistanceFilter => "DwellSegmentationDistFilter",
        }
    }
}

/// A trip, as rows of the fixes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cut {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) method: Method,
    /// When the phone wrote the row by which the end was found, in seconds since 1970.
    pub(crate) found_ts: f64,
    /// The row where the next trip starts, if rows that come later cannot change this one any more.
    pub(crate) next: Option<usize>,
}

/// Cuts the fixes from `first_row` on into trips, in order of time.
pub(crate) fn segment(observations: &Observations, first_row: usize) -> Vec<Cut> {
    let runs = runs(&observations.fixes, first_row);
    let mut cuts = Vec::new();
    for (place, (filter, rows)) in runs.iter().enumerate() {
        let next_run = runs.get(place + 1).map(|(_, rows)| rows.start);
        let run = Run { observations, rows: rows.clone(), ends_at: next_run };
        let first = cuts.len();
        match filter {
            Filter::Time => time_filter::cut(&run, &mut cuts),
            Filter::Distance => distance_filter::cut(&run, &mut cuts),
        }
        if let Some(last) = cuts.get_mut(first..).and_then(<[Cut]>::last_mut) {
            // What is open at the end of a run stays open for ever: the next phone's trips follow.
            last.next = last.next.or(next_run);
        }
    }
    cuts
}

/// Rows that one rule sampled.
struct Run<'a> {
    observations: &'a Observations,
    rows: Range<usize>,
    /// The row where the next run starts.
    ends_at: Option<usize>,
}

impl Run<'_> {
    fn fix(&self, row: usize) -> &Fix {
        #[expect(clippy::indexing_slicing, reason = "rows are made from the fixes")]
        &self.observations.fixes[row]
    }

    /// Seconds from the fix in row `one` to that in `next`.
    fn gap_s(&self, one: usize, next: usize) -> f64 {
        self.fix(next).ts - self.fix(one).ts
    }

    fn is_restarted(&self, one: usize, next: usize) -> bool {
        self.observations.is_restarted_between(self.fix(one).ts, self.fix(next).ts)
    }

    fn has_motion(&self, one: usize, next: usize) -> bool {
        self.observations.has_motion_between(self.fix(one).ts, self.fix(next).ts)
    }

    fn metres(&self, one: usize, next: usize) -> f64 {
        self.fix(one).at.distance_m(self.fix(next).at)
    }

    /// Whether the phone said after the last row that its person stays.
    fn stopped_moving_ts(&self, last: usize) -> Option<f64> {
        let until = self.ends_at.map_or(f64::INFINITY, |row| self.fix(row).ts);
        let after = self.observations.transitions_within(self.fix(last).ts, until);
        let stopped = |ts: f64| ts > self.fix(last).ts;
        let mut found = after.iter().filter(|step| step.transition == Some(STOPPED_MOVING) && stopped(step.ts));
        found.next().map(|step| step.ts)
    }
}

/// Maximal runs of one filter, from `first_row` on.
fn runs(fixes: &[Fix], first_row: usize) -> Vec<(Filter, Range<usize>)> {
    let mut runs: Vec<(Filter, Range<usize>)> = Vec::new();
    for (row, filter) in fixes.iter().enumerate().skip(first_row).filter_map(|(row, fix)| Some((row, fix.filter?))) {
        match runs.last_mut() {
            Some((last, rows)) if *last == filter => rows.end = row + 1,
            _ => runs.push((filter, row..row + 1)),
        }
    }
    runs
}
