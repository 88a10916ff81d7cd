//! Documents of trips and of untracked time, from the first cut to what the diary shows.

use rushhour_model::analysis::{Document, Finding, LabelInference, ModeSummary, Trip};
use rushhour_model::extended_json::ObjectId;
use rushhour_model::record::Object;
use rushhour_model::stored::StoredMetadata;
use serde_json::{Map, Value, json};

use crate::documents::places::{cleaned_key, confirmed_key};
use crate::documents::said::said;
use crate::documents::{Shelf, Times, number, point};
use crate::expectation::Expectation;
use crate::ids::id_of;
use crate::input::Said;
use crate::keys::{
    CLEANED_PLACE, CLEANED_SECTION, CLEANED_TRIP, COMPOSITE_TRIP, CONFIRMED_PLACE, EXPECTED_TRIP, INFERRED_LABELS,
    INFERRED_TRIP, LABELS, RAW_PLACE, RAW_TRIP, RAW_UNTRACKED,
};
use crate::labels::Prediction;
use crate::leg::{Cleaned, Leg, Section, TrackPoint};
use crate::moment::Spot;
use crate::stays::{Kept, RawStay};

/// The greedy binning among the original's `AlgorithmTypes`.
const GREEDY_BINNING: i64 = 7;
/// Of more points than this a composite trip shows every second, of more than twice as many every third, and so on.
const POINTS_MAX: usize = 100;

impl Shelf<'_> {
    pub(super) fn add_raw_leg(&mut self, leg: &Leg, from: &RawStay<'_>, to: &RawStay<'_>) {
        let key = if leg.is_tracked { RAW_TRIP } else { RAW_UNTRACKED };
        self.put(key, leg.id, leg.found_ts, |_| {
            let (duration_s, metres) = (leg.end.ts() - leg.start.ts(), leg.start.at.distance_m(leg.end.at));
            let places = [from.place.id(RAW_PLACE), to.place.id(RAW_PLACE)];
            Finding::Trip(Box::new(trip(leg, &leg.start, &leg.end, [duration_s, metres], places)))
        });
        self.add_raw_sections(leg);
    }

    pub(super) fn add_kept_leg(&mut self, kept: &Kept<'_>) {
        let Kept { leg, cleaned, .. } = kept;
        let id = id_of(leg.id, cleaned_key(leg.is_tracked), 0);
        self.put(cleaned_key(leg.is_tracked), id, leg.found_ts, |_| Finding::Trip(Box::new(clean_trip(kept))));
        if leg.is_tracked {
            self.add_clean_sections(leg, cleaned);
            let inferred_id = id_of(leg.id, INFERRED_TRIP, 0);
            for key in [LABELS, INFERRED_LABELS] {
                let labels = |_: &mut Self| label_inference(cleaned, inferred_id);
                self.put(key, id_of(leg.id, key, 0), leg.found_ts, labels);
            }
            self.put(INFERRED_TRIP, inferred_id, leg.found_ts, |_| Finding::Trip(Box::new(inferred(kept))));
            let expected_id = id_of(leg.id, EXPECTED_TRIP, 0);
            self.put(EXPECTED_TRIP, expected_id, leg.found_ts, |_| Finding::Trip(Box::new(expected(kept))));
        }
        let key = confirmed_key(leg.is_tracked);
        self.put(key, id_of(leg.id, key, 0), leg.found_ts, |_| Finding::Trip(Box::new(confirmed(kept))));
        if self.wanted.has(COMPOSITE_TRIP) {
            let document = self.composite(kept);
            self.documents.push(document);
        }
    }

    fn composite(&self, kept: &Kept<'_>) -> Document {
        let Kept { leg, cleaned, from, to, .. } = kept;
        let key = confirmed_key(leg.is_tracked);
        let data = Trip {
            confirmed_trip: Some(id_of(leg.id, key, 0)),
            start_confirmed_place: Some(self.confirmed_place(from)),
            end_confirmed_place: Some(self.confirmed_place(to)),
            locations: Some(self.locations(leg, cleaned)),
            sections: Some(self.sections(leg, cleaned)),
            ..confirmed(kept)
        };
        let id = id_of(leg.id, COMPOSITE_TRIP, 0);
        let metadata = self.metadata(COMPOSITE_TRIP, leg.found_ts);
        let metadata = StoredMetadata { origin_key: Some(key.to_owned()), ..metadata }.into();
        Document { id, user: self.user, metadata, data: Finding::Trip(Box::new(data)), extra: Object::new() }
    }

    fn locations(&self, leg: &Leg, cleaned: &Cleaned) -> Vec<Document> {
        let points: Vec<(&Section, ObjectId, u32, &TrackPoint)> = (0..)
            .zip(&cleaned.sections)
            .flat_map(|(place, section)| {
                let id = id_of(leg.id, CLEANED_SECTION, place);
                (0..).zip(&section.points).map(move |(number, point)| (section, id, number, point))
            })
            .collect();
        let step = if points.len() > POINTS_MAX { points.len() / POINTS_MAX + 1 } else { 1 };
        let metadata = self.metadata_of_points(leg);
        let shown = points.into_iter().step_by(step);
        shown.map(|(section, id, number, point)| self.point(&metadata, section, id, number, point)).collect()
    }

    fn sections(&self, leg: &Leg, cleaned: &Cleaned) -> Vec<Document> {
        let document = |(number, section): (u32, &Section)| {
            let mut document = self.inferred_section(leg, cleaned, section, number);
            if let Finding::Section(shown) = &mut document.data {
                (shown.speeds, shown.distances) = (None, None);
                shown.sensed_mode_str = Some(section.mode.name().to_owned());
            }
            document
        };
        (0..).zip(&cleaned.sections).map(document).collect()
    }
}

fn clean_trip(kept: &Kept<'_>) -> Trip {
    let places = [kept.from.place.id(CLEANED_PLACE), kept.to.place.id(CLEANED_PLACE)];
    kept_trip(kept, places)
}

fn kept_trip(kept: &Kept<'_>, places: [ObjectId; 2]) -> Trip {
    let Kept { leg, cleaned, .. } = kept;
    let size = [cleaned.duration_s, cleaned.distance_m];
    let raw_trip = leg.is_tracked.then_some(leg.id);
    Trip { raw_trip, ..trip(leg, &cleaned.start, &cleaned.end, size, places) }
}

fn inferred(kept: &Kept<'_>) -> Trip {
    let labels = kept.cleaned.labels.iter().map(label).collect();
    Trip { cleaned_trip: Some(id_of(kept.leg.id, CLEANED_TRIP, 0)), inferred_labels: Some(labels), ..clean_trip(kept) }
}

fn expected(kept: &Kept<'_>) -> Trip {
    let Expectation { to_label, confidence_threshold } = Expectation::of(kept.cleaned);
    let expectation = Object::from_iter([("to_label".to_owned(), to_label.into())]);
    Trip {
        inferred_trip: Some(id_of(kept.leg.id, INFERRED_TRIP, 0)),
        expectation: Some(expectation),
        confidence_threshold: Some(number(confidence_threshold)),
        ..inferred(kept)
    }
}

pub(crate) fn confirmed(kept: &Kept<'_>) -> Trip {
    let Kept { leg, cleaned, from, to, .. } = kept;
    let places = [from.place.id(CONFIRMED_PLACE), to.place.id(CONFIRMED_PLACE)];
    let (user_input, additions) = said(&said_about(kept));
    let confirmed = Trip { user_input: Some(user_input), additions: Some(additions), ..kept_trip(kept, places) };
    if !leg.is_tracked {
        return confirmed;
    }
    let expected = expected(kept);
    let sum = |name: fn(&Section) -> &'static str| Some(summary(&cleaned.sections, name));
    Trip {
        start_place: confirmed.start_place,
        end_place: confirmed.end_place,
        user_input: confirmed.user_input,
        additions: confirmed.additions,
        expected_trip: Some(id_of(leg.id, EXPECTED_TRIP, 0)),
        inferred_section_summary: sum(|section| section.mode.name()),
        cleaned_section_summary: sum(|section| section.motion.name()),
        ble_sensed_summary: sum(|_| "UNKNOWN"),
        ..expected
    }
}

/// What was said about a leg.
pub(crate) fn said_about<'a>(kept: &Kept<'a>) -> Said<'a> {
    let Kept { cleaned, from, to, .. } = kept;
    // An input that is longer than its trip may still be covered by the stay behind it, which lasts until it is left.
    let next_ts = Some(to.exit_ts().unwrap_or(f64::INFINITY));
    let (start_ts, end_ts) = (cleaned.start.ts(), cleaned.end.ts());
    let inputs = from.inputs.iter().filter(|input| !input.is_about_place());
    Said::of(inputs.filter(|input| input.is_about(start_ts, end_ts, next_ts)).copied())
}

fn summary(sections: &[Section], name: fn(&Section) -> &'static str) -> ModeSummary {
    let mut sums: Vec<(&str, f64, f64, u32)> = Vec::new();
    for section in sections {
        let name = name(section);
        match sums.iter_mut().find(|(other, ..)| *other == name) {
            Some((_, metres, seconds, count)) => {
                *metres += section.distance_m;
                *seconds += section.duration_s;
                *count += 1;
            }
            None => sums.push((name, section.distance_m, section.duration_s, 1)),
        }
    }
    let by_name = |value: fn(&(&str, f64, f64, u32)) -> Value| -> Map<String, Value> {
        sums.iter().map(|sum| (sum.0.to_owned(), value(sum))).collect()
    };
    ModeSummary {
        distance: by_name(|sum| number(sum.1).into()),
        duration: by_name(|sum| number(sum.2).into()),
        count: by_name(|sum| sum.3.into()),
        extra: Object::new(),
    }
}

fn label_inference(cleaned: &Cleaned, trip_id: ObjectId) -> Finding {
    Finding::LabelInference(Box::new(LabelInference {
        trip_id,
        algorithm_id: GREEDY_BINNING.into(),
        prediction: cleaned.labels.iter().map(label).collect(),
        start_ts: number(cleaned.start.ts()),
        end_ts: number(cleaned.end.ts()),
        extra: Object::new(),
    }))
}

fn label(prediction: &Prediction) -> Value {
    let labels: Map<String, Value> =
        prediction.labels.iter().map(|(kind, label)| (kind.clone(), label.clone().into())).collect();
    json!({"labels": labels, "p": prediction.p})
}

fn trip(leg: &Leg, start: &Spot, end: &Spot, [duration_s, metres]: [f64; 2], places: [ObjectId; 2]) -> Trip {
    let (starts, ends) = (Times::of(&start.moment), Times::of(&end.moment));
    let [start_place, end_place] = places.map(Some);
    Trip {
        source: leg.method.name().to_owned(),
        start_ts: starts.ts,
        start_local_dt: starts.local_dt,
        start_fmt_time: starts.fmt_time,
        start_loc: point(start.at),
        start_place,
        end_ts: ends.ts,
        end_local_dt: ends.local_dt,
        end_fmt_time: ends.fmt_time,
        end_loc: point(end.at),
        end_place,
        duration: number(duration_s),
        distance: number(metres),
        raw_trip: None,
        cleaned_trip: None,
        inferred_labels: None,
        inferred_trip: None,
        expectation: None,
        confidence_threshold: None,
        expected_trip: None,
        user_input: None,
        additions: None,
        inferred_section_summary: None,
        cleaned_section_summary: None,
        ble_sensed_summary: None,
        confirmed_trip: None,
        start_confirmed_place: None,
        end_confirmed_place: None,
        locations: None,
        sections: None,
        extra: Object::new(),
    }
}
