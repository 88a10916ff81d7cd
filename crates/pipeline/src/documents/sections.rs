//! Documents of sections, of the stops between them, and of their points.

use rushhour_model::analysis::Section as SectionDocument;
use rushhour_model::analysis::{Document, Finding, Metadata, Prediction, RecreatedLocation, Smoothing, Stop};
use rushhour_model::extended_json::ObjectId;
use rushhour_model::record::{Nullable, Object};
use serde_json::Number;

use crate::documents::{Shelf, Times, number, numbers, point, shown};
use crate::ids::id_of;
use crate::keys::{
    CLEANED_SECTION, CLEANED_STOP, CLEANED_TRIP, INFERRED_SECTION, PREDICTION, RAW_SECTION, RAW_STOP,
    RECREATED_LOCATION, SMOOTHING,
};
use crate::leg::{Cleaned, Leg, RawSection, Section, TrackPoint};
use crate::moment::Spot;

/// What sections are found by.
const SOURCE: &str = "SmoothedHighConfidenceMotion";
/// The rule engine among the original's `AlgorithmTypes`.
const RULE_ENGINE: i64 = 2;

/// The stops before and behind a section.
struct Ends {
    before: Option<ObjectId>,
    behind: Option<ObjectId>,
}

impl Ends {
    fn of(leg: &Leg, key: &str, number: u32, sections: usize) -> Self {
        let is_last = usize::try_from(number).is_ok_and(|number| number + 1 >= sections);
        let stop = |number: u32| id_of(leg.id, key, number);
        Self { before: number.checked_sub(1).map(stop), behind: (!is_last).then(|| stop(number)) }
    }
}

impl Shelf<'_> {
    pub(super) fn add_raw_sections(&mut self, leg: &Leg) {
        for (number, section) in (0..).zip(&leg.sections) {
            let id = id_of(leg.id, RAW_SECTION, number);
            self.put(RAW_SECTION, id, leg.found_ts, |_| {
                let ends = Ends::of(leg, RAW_STOP, number, leg.sections.len());
                Finding::Section(Box::new(raw(leg, section, ends)))
            });
            if let Some(smoothed) = &section.smoothed {
                self.put(SMOOTHING, id_of(id, SMOOTHING, 0), leg.found_ts, |_| {
                    Finding::Smoothing(Box::new(Smoothing {
                        section: id,
                        deleted_points: smoothed.deleted.clone(),
                        outlier_algo: "BoxplotOutlier".to_owned(),
                        filtering_algo: smoothed.smoother.name().to_owned(),
                        extra: Object::new(),
                    }))
                });
            }
        }
        for (number, (before, behind)) in (0..).zip(leg.sections.iter().zip(leg.sections.iter().skip(1))) {
            self.put(RAW_STOP, id_of(leg.id, RAW_STOP, number), leg.found_ts, |_| {
                let halt = crate::leg::Stop {
                    duration_s: behind.start.ts() - before.end.ts(),
                    distance_m: before.end.at.distance_m(behind.start.at),
                    enter: before.end.clone(),
                    exit: behind.start.clone(),
                };
                let sections = [number, number + 1].map(|number| id_of(leg.id, RAW_SECTION, number));
                Finding::Stop(Box::new(stop(&halt, leg.id, sections)))
            });
        }
    }

    pub(super) fn add_clean_sections(&mut self, leg: &Leg, cleaned: &Cleaned) {
        let trip = id_of(leg.id, CLEANED_TRIP, 0);
        for (number, section) in (0..).zip(&cleaned.sections) {
            let id = id_of(leg.id, CLEANED_SECTION, number);
            self.put(CLEANED_SECTION, id, leg.found_ts, |_| {
                Finding::Section(Box::new(clean(leg, cleaned, section, number)))
            });
            self.put(PREDICTION, id_of(id, PREDICTION, 0), leg.found_ts, |_| prediction(section, trip, id));
            if self.wanted.has(INFERRED_SECTION) {
                let document = self.inferred_section(leg, cleaned, section, number);
                self.documents.push(document);
            }
            if self.wanted.has(RECREATED_LOCATION) {
                self.add_points(leg, section, id);
            }
        }
        for (number, halt) in (0..).zip(&cleaned.stops) {
            self.put(CLEANED_STOP, id_of(leg.id, CLEANED_STOP, number), leg.found_ts, |_| {
                Finding::Stop(Box::new(clean_stop(leg, halt, number)))
            });
        }
    }

    fn add_points(&mut self, leg: &Leg, section: &Section, section_id: ObjectId) {
        let metadata = self.metadata_of_points(leg);
        for (number, point) in (0..).zip(&section.points) {
            let document = self.point(&metadata, section, section_id, number, point);
            self.documents.push(document);
        }
    }

    /// What all points of a leg have in common.
    pub(super) fn metadata_of_points(&self, leg: &Leg) -> Metadata {
        Metadata::of_many(self.metadata(RECREATED_LOCATION, leg.found_ts))
    }

    pub(super) fn point(
        &self,
        metadata: &Metadata,
        section: &Section,
        section_id: ObjectId,
        number: u32,
        point: &TrackPoint,
    ) -> Document {
        let id = id_of(section_id, RECREATED_LOCATION, number);
        let data = Finding::RecreatedLocation(Box::new(location(section, section_id, point)));
        Document { id, user: self.user, metadata: metadata.clone(), data, extra: Object::new() }
    }

    pub(super) fn inferred_section(&self, leg: &Leg, cleaned: &Cleaned, section: &Section, number: u32) -> Document {
        let id = id_of(leg.id, CLEANED_SECTION, number);
        let inferred = SectionDocument {
            sensed_mode: section.mode.number().into(),
            cleaned_section: Some(id),
            ..clean(leg, cleaned, section, number)
        };
        let finding = Finding::Section(Box::new(inferred));
        self.document(INFERRED_SECTION, id_of(id, INFERRED_SECTION, 0), leg.found_ts, finding)
    }
}

fn raw(leg: &Leg, section: &RawSection, ends: Ends) -> SectionDocument {
    let duration_s = section.end.ts() - section.start.ts();
    base(leg.id, &section.start, &section.end, duration_s, section.motion.number(), ends)
}

pub(crate) fn clean(leg: &Leg, cleaned: &Cleaned, section: &Section, number: u32) -> SectionDocument {
    let ends = Ends::of(leg, CLEANED_STOP, number, cleaned.sections.len());
    let trip = id_of(leg.id, CLEANED_TRIP, 0);
    SectionDocument {
        distance: Some(super::number(section.distance_m)),
        speeds: Some(numbers(&section.speeds_m_per_s)),
        distances: Some(numbers(&section.distances_m)),
        ..base(trip, &section.start, &section.end, section.duration_s, section.motion.number(), ends)
    }
}

fn base(trip_id: ObjectId, start: &Spot, end: &Spot, duration_s: f64, mode: i64, ends: Ends) -> SectionDocument {
    let (starts, stops) = (Times::of(&start.moment), Times::of(&end.moment));
    SectionDocument {
        trip_id,
        source: SOURCE.to_owned(),
        start_ts: starts.ts,
        start_local_dt: starts.local_dt,
        start_fmt_time: starts.fmt_time,
        start_loc: point(start.at),
        start_stop: ends.before,
        end_ts: stops.ts,
        end_local_dt: stops.local_dt,
        end_fmt_time: stops.fmt_time,
        end_loc: point(end.at),
        end_stop: ends.behind,
        duration: number(duration_s),
        sensed_mode: mode.into(),
        sensed_mode_str: None,
        // Beacons stand for vehicles only where a deployment says which: none does here.
        ble_sensed_mode: Some(Nullable(None)),
        distance: None,
        speeds: None,
        distances: None,
        cleaned_section: None,
        extra: Object::new(),
    }
}

pub(crate) fn clean_stop(leg: &Leg, halt: &crate::leg::Stop, number: u32) -> Stop {
    let sections = [number, number + 1].map(|number| id_of(leg.id, CLEANED_SECTION, number));
    stop(halt, id_of(leg.id, CLEANED_TRIP, 0), sections)
}

fn stop(halt: &crate::leg::Stop, trip_id: ObjectId, [ending_section, starting_section]: [ObjectId; 2]) -> Stop {
    let (enter, exit) = (Times::of(&halt.enter.moment), Times::of(&halt.exit.moment));
    Stop {
        trip_id,
        source: SOURCE.to_owned(),
        enter_ts: enter.ts,
        enter_local_dt: enter.local_dt,
        enter_fmt_time: enter.fmt_time,
        enter_loc: point(halt.enter.at),
        exit_ts: exit.ts,
        exit_local_dt: exit.local_dt,
        exit_fmt_time: exit.fmt_time,
        exit_loc: point(halt.exit.at),
        duration: number(halt.duration_s),
        distance: number(halt.distance_m),
        ending_section,
        starting_section,
        extra: Object::new(),
    }
}

fn prediction(section: &Section, trip_id: ObjectId, section_id: ObjectId) -> Finding {
    let likely = Object::from_iter([(section.mode.name().to_owned(), 1.into())]);
    Finding::Prediction(Box::new(Prediction {
        trip_id,
        section_id,
        algorithm_id: RULE_ENGINE.into(),
        predicted_mode_map: likely,
        start_ts: number(section.start.ts()),
        end_ts: number(section.end.ts()),
        extra: Object::new(),
    }))
}

fn location(section: &Section, section_id: ObjectId, track: &TrackPoint) -> RecreatedLocation {
    let (local_dt, fmt_time) = shown(track.ts, &track.zone);
    // The point that was added where the trip was led back to its place has the corrected mode.
    let motion = if track.idx.is_some() { section.point_motion } else { section.motion };
    RecreatedLocation {
        section: section_id,
        mode: motion.number().into(),
        idx: track.idx.map(Number::from),
        latitude: number(track.at.latitude),
        longitude: number(track.at.longitude),
        loc: point(track.at),
        altitude: number(track.altitude),
        ts: number(track.ts),
        local_dt: Some(local_dt),
        fmt_time,
        distance: number(track.distance_m),
        speed: number(track.speed_m_per_s),
        heading: number(track.heading),
        extra: Object::new(),
    }
}
