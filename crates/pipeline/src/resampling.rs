//! Resampling: a point every 30 s along a section, so that every phone's sections look alike.

use crate::leg::TrackPoint;
use crate::moment::Zone;
use crate::position::Position;
use crate::track::{Timed, distances_m, speeds_over};

/// Between two points, in seconds.
const INTERVAL_S: f64 = 30.0;

/// A point that a section is known by: one of its fixes, or the place that it was led to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) ts: f64,
    pub(crate) at: Position,
    pub(crate) altitude: f64,
    pub(crate) zone: Zone,
}

impl Timed for Known {
    fn ts(&self) -> f64 {
        self.ts
    }

    fn at(&self) -> Position {
        self.at
    }
}

/// The section's points: every 30 s from the first, and the last. A single one stays as it is.
pub(crate) fn resample(known: &[Known]) -> Vec<TrackPoint> {
    let ([first, ..], [.., last]) = (known, known) else { return Vec::new() };
    // As numpy counts: by the step that is left when the first two are rounded.
    let step_s = (first.ts + INTERVAL_S) - first.ts;
    let whole = (0_u32..).map(|number| first.ts + f64::from(number) * step_s);
    let inner = whole.take_while(|ts| *ts < last.ts && known.len() > 1);
    let mut next = 1;
    let mut points: Vec<Known> = Vec::new();
    for ts in inner.chain([last.ts]) {
        while next + 1 < known.len() && known.get(next).is_some_and(|point| point.ts < ts) {
            next += 1;
        }
        let ahead = known.get(next).unwrap_or(last);
        let behind = known.get(next - 1).unwrap_or(first);
        points.push(between(behind, ahead, ts));
    }
    let zones = zones(known);
    for point in &mut points {
        point.zone = zone_at(&zones, point.ts);
    }
    with_speeds(&points)
}

/// Every point with its distance, speed and heading from the one before.
fn with_speeds(points: &[Known]) -> Vec<TrackPoint> {
    let distances = distances_m(points);
    let speeds = speeds_over(points, &distances);
    let mut before: Option<&Known> = None;
    let mut track = Vec::with_capacity(points.len());
    for (idx, ((point, distance_m), speed_m_per_s)) in (0..).zip(points.iter().zip(distances).zip(speeds)) {
        track.push(TrackPoint {
            idx: Some(idx),
            ts: point.ts,
            at: point.at,
            altitude: point.altitude,
            zone: point.zone.clone(),
            distance_m,
            speed_m_per_s,
            heading: before.map_or(0.0, |before| before.at.heading_to(point.at)),
        });
        before = Some(point);
    }
    track
}

/// The point at `ts` on the line through two points.
fn between(one: &Known, next: &Known, ts: f64) -> Known {
    let span_s = next.ts - one.ts;
    let line = |from: f64, to: f64| if span_s > 0.0 { (to - from) / span_s * (ts - one.ts) + from } else { from };
    Known {
        ts,
        at: Position {
            latitude: line(one.at.latitude, next.at.latitude),
            longitude: line(one.at.longitude, next.at.longitude),
        },
        altitude: line(one.altitude, next.altitude),
        zone: one.zone.clone(),
    }
}

/// Where each zone starts and ends: it lasts until the first point of the next.
fn zones(known: &[Known]) -> Vec<(f64, f64, &Zone)> {
    let mut zones: Vec<(f64, f64, &Zone)> = Vec::new();
    for point in known {
        match zones.last_mut() {
            Some((_, end, zone)) if **zone == point.zone => *end = point.ts,
            Some((_, end, _)) => {
                *end = point.ts;
                zones.push((point.ts, point.ts, &point.zone));
            }
            None => zones.push((point.ts, point.ts, &point.zone)),
        }
    }
    zones
}

/// The zone of a time; of two that meet there, the one that lasts longer.
fn zone_at(zones: &[(f64, f64, &Zone)], ts: f64) -> Zone {
    let first = zones.partition_point(|(_, end, _)| *end < ts);
    let at = zones.get(first..).unwrap_or_default().iter().take_while(|(start, _, _)| *start <= ts);
    // The first of equals, as pandas takes it.
    let longest = at.reduce(|best, other| if other.1 - other.0 > best.1 - best.0 { other } else { best });
    longest.or(zones.last()).map_or_else(|| Zone::from(jiff::tz::TimeZone::UTC), |(_, _, zone)| (*zone).clone())
}
