//! Sections: the parts of a trip in one mode each, and where they start and end among its fixes.

use std::ops::Range;

use crate::changes::{Change, changes};
use crate::flip_flop::merge_flip_flops;
use crate::leg::Rows;
use crate::mode::Motion;
use crate::observations::{Fix, Observations, VISIT_ENDED, places_within};
use crate::trips::Method;

/// Android: a trip without activities that leads farther than this is one section of unknown mode.
const TIME_FILTER_M_MIN: f64 = 100.0;
/// iOS: likewise.
const DISTANCE_FILTER_M_MIN: f64 = 50.0;
/// iOS tells of a visit after the trip, within this time.
const VISIT_S_MAX: f64 = 300.0;
/// Two sections farther apart than this are stretched towards each other (`section.startStopRadius`).
pub(crate) const STOP_M_MAX: f64 = 150.0;
/// One of two gaps is the larger from this ratio on.
const GAP_RATIO_MIN: f64 = 1.5;

/// A section: its mode, and its fixes among those that were observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub(crate) motion: Motion,
    pub(crate) rows: Rows,
}

/// A trip whose sections are looked for.
#[derive(Clone, Copy)]
pub(crate) struct Whole<'a> {
    pub(crate) observations: &'a Observations,
    pub(crate) method: Method,
    pub(crate) rows: Rows,
    pub(crate) start: &'a Fix,
    pub(crate) end: &'a Fix,
    /// Metres from the place where it started to its end.
    pub(crate) metres_from_place: f64,
}

/// The sections of a trip; none when there is no sign that anybody moved.
pub(crate) fn sections(trip: &Whole<'_>) -> Vec<Stretch> {
    let fixes = &trip.observations.fixes;
    let changes = changes(trip.observations, trip.method, trip.start.ts, trip.end.ts);
    let changes = if changes.is_empty() { changes } else { merge_flip_flops(changes, fixes) };
    let mut sections = match trip.method {
        Method::TimeFilter => by_activity(&changes, fixes),
        Method::DistanceFilter => by_activity_and_distance(changes.clone(), trip),
    };
    if sections.is_empty() {
        sections.extend(only_motion(trip, &changes).map(|motion| Stretch { motion, rows: trip.rows }));
    }
    if let Some(section) = sections.first_mut() {
        section.rows.first = trip.rows.first;
    }
    if let Some(section) = sections.last_mut() {
        section.rows.last = trip.rows.last;
    }
    sections
}

/// The mode of a trip in which no section was found.
fn only_motion(trip: &Whole<'_>, changes: &[Change]) -> Option<Motion> {
    match (trip.method, changes) {
        (Method::TimeFilter, [only]) => Some(only.motion),
        (Method::TimeFilter, []) => (trip.metres_from_place > TIME_FILTER_M_MIN).then_some(Motion::Unknown),
        (Method::DistanceFilter, []) => {
            let steps = trip.observations.transitions_within(trip.start.ts, trip.end.ts + VISIT_S_MAX);
            let is_visit = steps.iter().any(|step| step.transition == Some(VISIT_ENDED));
            let is_trip = !steps.is_empty() && (trip.metres_from_place > DISTANCE_FILTER_M_MIN || is_visit);
            is_trip.then_some(Motion::Unknown)
        }
        _ => None,
    }
}

fn rows_of(change: &Change, fixes: &[Fix]) -> Range<usize> {
    places_within(fixes, |fix| fix.ts, change.start.ts, change.end.ts)
}

fn by_activity(changes: &[Change], fixes: &[Fix]) -> Vec<Stretch> {
    let section = |change: &Change| {
        let rows = rows_of(change, fixes);
        let rows = Rows { first: rows.start, last: rows.end.checked_sub(1).filter(|last| *last >= rows.start)? };
        Some(Stretch { motion: change.motion, rows })
    };
    changes.iter().filter_map(section).collect()
}

/// iOS tells activities when they change, and fixes when they are far apart: the two hardly meet at the ends of a trip.
fn by_activity_and_distance(mut changes: Vec<Change>, trip: &Whole<'_>) -> Vec<Stretch> {
    let fixes = &trip.observations.fixes;
    if let Some(change) = changes.first_mut() {
        change.start.ts = trip.start.ts;
    }
    if let Some(change) = changes.last_mut() {
        change.end.ts = trip.end.ts;
    }
    changes.retain(|change| rows_of(change, fixes).len() > 1);
    let mut sections = by_activity(&changes, fixes);
    for (place, pair) in changes.windows(2).enumerate() {
        if let (Some([one, next]), [before, after]) = (sections.get_mut(place..place + 2), pair) {
            close_gap(one, next, (before.end.ts, after.start.ts), fixes);
        }
    }
    sections
}

/// Stretches that of two sections to the other whose fixes are farther in time from where the mode changed.
fn close_gap(one: &mut Stretch, next: &mut Stretch, (one_ends, next_starts): (f64, f64), fixes: &[Fix]) {
    let (Some(last), Some(first)) = (fixes.get(one.rows.last), fixes.get(next.rows.first)) else { return };
    if last.at.distance_m(first.at) <= STOP_M_MAX {
        return;
    }
    let (behind_s, ahead_s) = (one_ends - last.ts, first.ts - next_starts);
    if behind_s.max(ahead_s) / behind_s.min(ahead_s) < GAP_RATIO_MIN {
        return;
    }
    if behind_s < ahead_s {
        next.rows.first = one.rows.last;
    } else if behind_s > ahead_s {
        one.rows.last = next.rows.first;
    }
}
