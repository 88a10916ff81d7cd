//! Sections: the parts of a trip in one mode each, and where they start and end among its fixes.

use crate::changes::{Change, changes};
use crate::flip_flop::merge_flip_flops;
use crate::mode::Motion;
use crate::observations::{Fix, Observations, VISIT_ENDED, within};
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

/// A section: its mode, and its first and last fix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub(crate) motion: Motion,
    pub(crate) start: Fix,
    pub(crate) end: Fix,
}

/// A trip whose sections are looked for.
#[derive(Clone, Copy)]
pub(crate) struct Whole<'a> {
    pub(crate) observations: &'a Observations,
    pub(crate) method: Method,
    pub(crate) start: &'a Fix,
    pub(crate) end: &'a Fix,
    /// Metres from the place where it started to its end.
    pub(crate) metres_from_place: f64,
}

/// The sections of a trip; none when there is no sign that anybody moved.
pub(crate) fn sections(trip: &Whole<'_>) -> Vec<Stretch> {
    let fixes = within(&trip.observations.fixes, |fix| fix.ts, trip.start.ts, trip.end.ts);
    let ([first, ..], [.., last]) = (fixes, fixes) else { return Vec::new() };
    let changes = changes(trip.observations, trip.method, trip.start.ts, trip.end.ts);
    let changes = if changes.is_empty() { changes } else { merge_flip_flops(changes, fixes) };
    let mut sections = match trip.method {
        Method::TimeFilter => by_activity(&changes, fixes),
        Method::DistanceFilter => by_activity_and_distance(changes.clone(), fixes),
    };
    if sections.is_empty() {
        let whole = |motion| Stretch { motion, start: first.clone(), end: last.clone() };
        sections.extend(only_motion(trip, &changes).map(whole));
    }
    if let Some(section) = sections.first_mut() {
        section.start = trip.start.clone();
    }
    if let Some(section) = sections.last_mut() {
        section.end = trip.end.clone();
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

fn fixes_of<'a>(change: &Change, fixes: &'a [Fix]) -> &'a [Fix] {
    within(fixes, |fix| fix.ts, change.start.ts, change.end.ts)
}

fn by_activity(changes: &[Change], fixes: &[Fix]) -> Vec<Stretch> {
    let section = |change: &Change| {
        let ([start, ..], [.., end]) = (fixes_of(change, fixes), fixes_of(change, fixes)) else { return None };
        Some(Stretch { motion: change.motion, start: start.clone(), end: end.clone() })
    };
    changes.iter().filter_map(section).collect()
}

/// iOS tells activities when they change, and fixes when they are far apart: the two hardly meet at the ends of a trip.
fn by_activity_and_distance(mut changes: Vec<Change>, fixes: &[Fix]) -> Vec<Stretch> {
    if let (Some(change), Some(first)) = (changes.first_mut(), fixes.first()) {
        change.start.ts = first.ts;
    }
    if let (Some(change), Some(last)) = (changes.last_mut(), fixes.last()) {
        change.end.ts = last.ts;
    }
    changes.retain(|change| fixes_of(change, fixes).len() > 1);
    let mut sections = by_activity(&changes, fixes);
    for (place, pair) in changes.windows(2).enumerate() {
        if let (Some([one, next]), [before, after]) = (sections.get_mut(place..place + 2), pair) {
            close_gap(one, next, before.end.ts, after.start.ts);
        }
    }
    sections
}

/// Stretches that of two sections to the other whose fixes are farther in time from where the mode changed.
fn close_gap(one: &mut Stretch, next: &mut Stretch, one_ends: f64, next_starts: f64) {
    if one.end.at.distance_m(next.start.at) <= STOP_M_MAX {
        return;
    }
    let (behind_s, ahead_s) = (one_ends - one.end.ts, next.start.ts - next_starts);
    if behind_s.max(ahead_s) / behind_s.min(ahead_s) < GAP_RATIO_MIN {
        return;
    }
    if behind_s < ahead_s {
        next.start = one.end.clone();
    } else if behind_s > ahead_s {
        one.end = next.start.clone();
    }
}
