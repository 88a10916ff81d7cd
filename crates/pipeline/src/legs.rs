//! Legs: what lies between places, from the first cut to what is left of each after cleaning.

use rushhour_model::ids::UserId;

use crate::clean::{Cleaning, clean};
use crate::ids::leg_id;
use crate::keys::{RAW_TRIP, RAW_UNTRACKED};
use crate::leg::{Cleaned, Leg, RawSection, Rows, Section, Stop};
use crate::moment::Spot;
use crate::observations::{Fix, Observations, within};
use crate::place::{OpenPlace, Touch};
use crate::sections::{STOP_M_MAX, Stretch, Whole, sections};
use crate::smoothing::smooth;
use crate::trips::{Cut, Method};

/// Untracked time starts this long after its place was entered (the original's `END_FUZZ_AVOID_LTE`).
const UNTRACKED_AFTER_S: f64 = 5.0;
/// Who comes back this slowly from far away was not tracked, in metres per second: 3 km/h.
const UNTRACKED_M_PER_S_MAX: f64 = 3000.0 / 3600.0;
/// A trip that is shorter is none.
const TRIP_M_MIN: f64 = 100.0;

/// How far away a trip must start from the last place for the time between to count as untracked.
fn untracked_m_min(method: Method) -> f64 {
    match method {
        Method::TimeFilter => 2500.0,
        Method::DistanceFilter => 1200.0,
    }
}

/// A leg, and the place it leads to.
pub(crate) struct Draft {
    pub(crate) leg: Leg,
    pub(crate) from: OpenPlace,
    pub(crate) leads_to: OpenPlace,
    /// The row where the next leg starts, if nothing can change this one any more.
    pub(crate) next: Option<usize>,
}

/// What is known of a trip before its ways are looked at.
pub(crate) struct Plan {
    pub(crate) cut: Cut,
    /// Whether nobody knows how the person got to where it starts.
    pub(crate) is_behind_untracked: bool,
    pub(crate) stretches: Vec<Stretch>,
}

impl Plan {
    /// What phones sensed of a trip from `place`.
    pub(crate) fn sensed(observations: &Observations, cut: Cut, place: &OpenPlace) -> Option<Self> {
        let (start, end) = (observations.fixes.get(cut.start)?, observations.fixes.get(cut.end)?);
        let is_behind_untracked = place.entered().is_some_and(|touch| {
            let from = &touch.spot;
            let metres = from.at.distance_m(start.at);
            let is_restarted = observations.is_restarted_between(from.ts(), start.ts);
            let is_slow = metres / (start.ts - from.ts()) <= UNTRACKED_M_PER_S_MAX;
            is_restarted || metres >= untracked_m_min(cut.method) && is_slow
        });
        let from = place.at().filter(|_| !is_behind_untracked).unwrap_or(start.at);
        let rows = Rows { first: cut.start, last: cut.end };
        let metres_from_place = from.distance_m(end.at);
        let whole = Whole { observations, method: cut.method, rows, start, end, metres_from_place };
        Some(Self { cut, is_behind_untracked, stretches: sections(&whole) })
    }
}

/// The legs from `place` on: `next_plan` knows the next trip from a place.
pub(crate) fn legs(
    fixes: &[Fix],
    user: UserId,
    place: &OpenPlace,
    mut next_plan: impl FnMut(&OpenPlace) -> Option<Plan>,
) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut place = place.clone();
    while let Some(Plan { cut, is_behind_untracked, stretches }) = next_plan(&place) {
        let (Some(start), Some(end)) = (fixes.get(cut.start), fixes.get(cut.end)) else { continue };
        if is_behind_untracked && let Some(draft) = untracked(user, &place, start, &cut) {
            place = draft.leads_to.clone();
            drafts.push(draft);
        }
        let Cut { method, found_ts, .. } = cut;
        let mut leg = Leg {
            id: leg_id(user, RAW_TRIP, start.ts, end.ts),
            is_tracked: true,
            method,
            found_ts,
            start: start.spot(),
            end: end.spot(),
            rows: Some(Rows { first: cut.start, last: cut.end }),
            sections: Vec::new(),
            cleaned: None,
        };
        if place == OpenPlace::Unknown {
            place = OpenPlace::Left(Touch::of(&leg, &leg.start, start.altitude));
        }
        let trip = Trip { fixes, end, place: &place };
        leg.sections = stretches.iter().filter_map(|stretch| trip.section(stretch)).collect();
        leg.cleaned = trip.cleaned(&leg.sections);
        let leads_to = OpenPlace::Entered(Touch::of(&leg, &leg.end, end.altitude));
        drafts.push(Draft { leg, from: place, leads_to: leads_to.clone(), next: cut.next });
        place = leads_to;
    }
    drafts
}

/// The time since the place was entered, of which nobody knows how the person got from there to the start of the next trip.
fn untracked(user: UserId, place: &OpenPlace, next: &Fix, cut: &Cut) -> Option<Draft> {
    let from = &place.entered()?.spot;
    let mut start = from.clone();
    // A phone that restarts at once is back sooner; the original's untracked time then ends before it starts.
    start.moment.ts = next.ts.min(start.moment.ts + UNTRACKED_AFTER_S);
    let end = next.spot();
    let cleaned = Cleaned {
        duration_s: end.ts() - start.ts(),
        distance_m: from.at.distance_m(next.at),
        start: start.clone(),
        end: end.clone(),
        sections: Vec::new(),
        stops: Vec::new(),
        labels: Vec::new(),
    };
    let leg = Leg {
        id: leg_id(user, RAW_UNTRACKED, start.ts(), next.ts),
        is_tracked: false,
        method: cut.method,
        found_ts: cut.found_ts,
        start,
        end,
        rows: None,
        sections: Vec::new(),
        cleaned: Some(cleaned),
    };
    let leads_to = OpenPlace::Entered(Touch::of(&leg, &leg.end, next.altitude));
    Some(Draft { leg, from: place.clone(), leads_to, next: None })
}

struct Trip<'a> {
    fixes: &'a [Fix],
    end: &'a Fix,
    place: &'a OpenPlace,
}

impl Trip<'_> {
    fn section(&self, stretch: &Stretch) -> Option<RawSection> {
        let Stretch { motion, rows } = *stretch;
        let (start, end) = (self.fixes.get(rows.first)?, self.fixes.get(rows.last)?);
        let smoothed = smooth(self.fixes(start.ts, end.ts));
        Some(RawSection { motion, rows, smoothed, start: start.spot(), end: end.spot() })
    }

    fn fixes(&self, from: f64, to: f64) -> &[Fix] {
        within(self.fixes, |fix| fix.ts, from, to)
    }

    /// What is left of the trip; `None` when nobody made it.
    fn cleaned(&self, raw: &[RawSection]) -> Option<Cleaned> {
        let last = raw.len().checked_sub(1)?;
        let cleaning = |(place, raw): (usize, &RawSection)| {
            clean(&Cleaning {
                raw,
                fixes: self.fixes(raw.start.ts(), raw.end.ts()),
                from: (place == 0).then_some(self.place),
                to: (place == last).then_some(self.end),
            })
        };
        let mut sections: Vec<Section> = raw.iter().enumerate().map(cleaning).collect();
        let (start, end) = (sections.first()?.start.clone(), sections.last()?.end.clone());
        let stops = self.stops(&mut sections);
        let distance_m = sections.iter().map(|section| section.distance_m).sum::<f64>()
            + stops.iter().map(|stop| stop.distance_m).sum::<f64>();
        let duration_s = end.ts() - start.ts();
        let cleaned = Cleaned { start, end, duration_s, distance_m, sections, stops, labels: Vec::new() };
        (distance_m >= TRIP_M_MIN).then_some(cleaned)
    }

    /// The stops between the sections. Where two sections are far apart, one of them is led to the other.
    fn stops(&self, sections: &mut [Section]) -> Vec<Stop> {
        let mut stops = Vec::new();
        for place in 1..sections.len() {
            let Some([before, after]) = sections.get_mut(place - 1..=place) else { break };
            let (enter, exit) = (before.end.clone(), after.start.clone());
            let metres = enter.at.distance_m(exit.at);
            if metres <= STOP_M_MAX {
                stops.push(Stop { duration_s: exit.ts() - enter.ts(), distance_m: metres, enter, exit });
                continue;
            }
            // The original counts the seconds backwards here; see docs/COMPATIBILITY.md.
            let seconds = enter.ts() - exit.ts();
            let spot = if self.is_after_stretched(before, after) {
                after.start = enter.clone();
                stretch(after, metres, seconds);
                enter
            } else {
                before.end = exit.clone();
                stretch(before, metres, seconds);
                exit
            };
            stops.push(Stop { enter: spot.clone(), exit: spot, duration_s: 0.0, distance_m: 0.0 });
        }
        stops
    }

    /// Which of two sections is led to the other: the vehicle, or else the one with fewer fixes on its way.
    fn is_after_stretched(&self, before: &Section, after: &Section) -> bool {
        match (before.motion.is_motorized(), after.motion.is_motorized()) {
            (true, false) => false,
            (false, true) => true,
            _ => self.density(before) > self.density(after),
        }
    }

    fn density(&self, section: &Section) -> f64 {
        self.fixes(section.start.ts(), section.end.ts()).len() as f64 / (section.distance_m + 1.0)
    }
}

fn stretch(section: &mut Section, metres: f64, seconds: f64) {
    section.distance_m += metres;
    section.duration_s += seconds;
    section.distances_m.push(metres);
    section.speeds_m_per_s.push(if seconds == 0.0 { 0.0 } else { metres / seconds });
}

/// Leads a cleaned trip back to `place`, half a minute earlier, where trips that nobody made lie between.
pub(crate) fn lead_to_place(cleaned: &mut Cleaned, place: &Touch) {
    /// The trip starts so much earlier: about 50 m at 5 km/h.
    const EARLIER_S: f64 = 30.0;
    /// If the trip starts farther away, it stays as it is.
    const SAME_PLACE_M: f64 = 100.0;
    let at = place.spot.at;
    let metres = cleaned.start.at.distance_m(at);
    if metres > SAME_PLACE_M {
        return;
    }
    cleaned.start = Spot::new(cleaned.start.ts() - EARLIER_S, cleaned.start.moment.zone.clone(), at);
    cleaned.distance_m += metres;
    cleaned.duration_s += EARLIER_S;
    let Some(section) = cleaned.sections.first_mut() else { return };
    section.start = cleaned.start.clone();
    section.distance_m += metres;
    section.duration_s += EARLIER_S;
    let speed = metres / EARLIER_S;
    section.distances_m.insert(1.min(section.distances_m.len()), metres);
    section.speeds_m_per_s.insert(1.min(section.speeds_m_per_s.len()), speed);
    if let Some(point) = section.points.first_mut() {
        (point.distance_m, point.speed_m_per_s) = (metres, speed);
    }
    let point = crate::leg::TrackPoint {
        idx: None,
        ts: cleaned.start.ts(),
        at,
        altitude: place.altitude,
        zone: cleaned.start.moment.zone.clone(),
        distance_m: 0.0,
        speed_m_per_s: 0.0,
        heading: 0.0,
    };
    section.points.insert(0, point);
}
