//! Cleaning: a section without its jumps, led back to the place where its trip starts, resampled, and with a mode that its
//! speeds allow.

use std::collections::HashSet;

use crate::leg::{RawSection, Section};
use crate::mode::{Mode, Motion, is_bicycling_speed, is_walking_speed};
use crate::moment::Spot;
use crate::observations::Fix;
use crate::place::OpenPlace;
use crate::resampling::{Known, resample};
use crate::statistics::{median, outlier_threshold, quantile};
use crate::track::{distances_m, speeds_m_per_s, speeds_over};

/// A deleted fix this near to a place makes the place doubtful too.
const SAME_PLACE_M: f64 = 100.0;
/// A step from the place is too fast for its section above so many ranges between the quartiles.
const OUTLIER_RANGES: f64 = 1.5;
/// A person needs this long to leave a place, at most, when only the place's time bounds the start of a trip.
const LEAVING_S_MAX: f64 = 180.0;
/// In metres per second.
const KM_PER_H: f64 = 1000.0 / 3600.0;

/// A section to clean.
pub(crate) struct Cleaning<'a> {
    pub(crate) raw: &'a RawSection,
    /// All fixes between its start and its end.
    pub(crate) fixes: &'a [Fix],
    /// The place that the trip leaves, if this is its first section.
    pub(crate) from: Option<&'a OpenPlace>,
    /// The fix where the next place was entered, if this is its last section.
    pub(crate) to: Option<&'a Fix>,
}

/// The section as it will be shown.
pub(crate) fn clean(section: &Cleaning<'_>) -> Section {
    let raw = section.raw;
    let deleted: HashSet<_> = raw.smoothed.iter().flat_map(|smoothed| &smoothed.deleted).collect();
    let is_deleted = |fix: &Fix| !deleted.is_empty() && deleted.contains(&fix.id());
    let mut known: Vec<Known> = section.fixes.iter().filter(|fix| !is_deleted(fix)).map(known).collect();
    let mut motion = raw.motion;
    let leaves = section.from.filter(|_| !known.is_empty());
    let first = section.fixes.first();
    if let Some(place) = leaves.filter(|place| !first.is_some_and(|fix| is_deleted(fix) && is_near(fix, place))) {
        let is_led = lead_back(&mut known, place, raw.motion, raw.start.ts());
        // A step from the place that is faster than all others: nobody knows what happened there.
        if is_led && known.first().is_some_and(|first| first.ts != raw.start.ts()) && is_first_step_fast(&known) {
            motion = Motion::Unknown;
        }
    }
    let arrives = section.to.filter(|_| !known.is_empty());
    let last = section.fixes.last();
    if let Some(fix) = arrives.filter(|to| !last.is_some_and(|fix| is_deleted(fix) && is_near_fix(fix, to)))
        && known.last().is_some_and(|last| last.at != fix.at)
    {
        known.push(Known { ts: fix.ts, at: fix.at, altitude: fix.altitude, zone: fix.zone.clone() });
    }
    build(&known, motion, raw)
}

fn known(fix: &Fix) -> Known {
    Known { ts: fix.ts, at: fix.at, altitude: fix.altitude, zone: fix.zone.clone() }
}

fn is_near(fix: &Fix, place: &OpenPlace) -> bool {
    place.at().is_some_and(|at| fix.at.distance_m(at) < SAME_PLACE_M)
}

fn is_near_fix(fix: &Fix, other: &Fix) -> bool {
    fix.at.distance_m(other.at) < SAME_PLACE_M
}

fn build(known: &[Known], motion: Motion, raw: &RawSection) -> Section {
    let points = resample(known);
    let spot = |point: &Known| Spot::new(point.ts, point.zone.clone(), point.at);
    let start = known.first().map_or_else(|| raw.start.clone(), spot);
    // Where every fix is a jump, nothing is left but where it started.
    let end = known.last().map_or_else(|| raw.start.clone(), spot);
    let distances_m: Vec<f64> = points.iter().map(|point| point.distance_m).collect();
    let mut section = Section {
        motion,
        point_motion: motion,
        // Inferred once the trip's start is final.
        mode: Mode::Unknown,
        duration_s: end.ts() - start.ts(),
        distance_m: distances_m.iter().sum(),
        speeds_m_per_s: points.iter().map(|point| point.speed_m_per_s).collect(),
        distances_m,
        points,
        start,
        end,
    };
    section.motion = possible_motion(&section).unwrap_or(motion);
    section
}

/// Puts the place before the first point, as long before it as the way from there takes. Whether it did.
fn lead_back(known: &mut Vec<Known>, place: &OpenPlace, motion: Motion, start_ts: f64) -> bool {
    let Some(first) = known.first() else { return false };
    let Some(door) = place.door() else { return false };
    let way_m = first.at.distance_m(door.at);
    let Some(seconds) = seconds_for(way_m, known, motion).filter(|seconds| *seconds != 0.0) else { return false };
    let mut ts = first.ts - seconds;
    if let Some(enter_ts) = place.enter_ts().filter(|enter_ts| ts < *enter_ts) {
        let stay_s = start_ts - enter_ts;
        ts = (enter_ts + stay_s / 2.0).min(enter_ts + LEAVING_S_MAX);
    }
    known.insert(0, Known { ts, ..door });
    true
}

/// How long the way to the first point takes at the section's own speed; `None` when it has none.
fn seconds_for(way_m: f64, known: &[Known], motion: Motion) -> Option<f64> {
    let distances = distances_m(known);
    let speeds = speeds_over(known, &distances);
    let usual = median(&speeds)?;
    if usual > 0.0 {
        let length_m: f64 = distances.iter().sum();
        let is_possible = if motion.is_walking() { is_walking_speed } else { is_bicycling_speed };
        let is_long = way_m > 2.0 * length_m && !motion.is_motorized();
        // Slightly too fast over a long unseen way: a short trip that iOS noticed late (original: issue 577).
        let slower = 0.9 * usual;
        let speed = if is_long && !is_possible(usual) && is_possible(slower) { slower } else { usual };
        return Some(way_m / speed);
    }
    let moving: Vec<f64> = speeds.into_iter().filter(|speed| *speed != 0.0).collect();
    median(&moving).map(|speed| way_m / speed)
}

fn is_first_step_fast(known: &[Known]) -> bool {
    let speeds = speeds_m_per_s(known);
    let [_, first, rest @ ..] = speeds.as_slice() else { return false };
    outlier_threshold(rest, OUTLIER_RANGES).is_some_and(|threshold| *first > threshold)
}

/// The motion that a section must have had, where the sensed one is impossible.
fn possible_motion(section: &Section) -> Option<Motion> {
    if section.distance_m == 0.0 || section.duration_s == 0.0 {
        return None;
    }
    let km_per_h = section.distance_m / section.duration_s / KM_PER_H;
    let fast = || quantile(&section.speeds_m_per_s, 0.9).is_some_and(|speed| speed > 150.0 * KM_PER_H);
    if km_per_h > 150.0 || km_per_h > 100.0 && fast() {
        return Some(Motion::AirOrHsr);
    }
    let is_impossible = match section.point_motion {
        Motion::OnFoot => section.distance_m > 10_000.0 && km_per_h > 10.0,
        Motion::Bicycling => section.distance_m > 100_000.0 && km_per_h > 20.0,
        _ => false,
    };
    is_impossible.then_some(Motion::Unknown)
}
