//! A day's trips as GeoJSON: what `timeline/getTrips` answers.

use std::borrow::Borrow;

use rushhour_model::geojson::{Feature, FeatureCollection, Geometry, Item};
use rushhour_model::ids::UserId;
use rushhour_model::local_date::local_time;
use rushhour_model::record::Object;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::chapter::Chapter;
use crate::documents::{Shelf, confirmed_data, said_about, section_data, stop_data};
use crate::ids::id_of;
use crate::keys::{CLEANED_SECTION, CLEANED_STOP, CONFIRMED_TRIP};
use crate::labels::{LabelledTrip, Labels};
use crate::leg::TrackPoint;
use crate::moment::Moment;
use crate::stays::{CleanStay, Kept, Stays};

/// A day of the local calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// The year.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
}

impl Day {
    /// The day on which a moment is where it is.
    pub(crate) fn of(moment: &Moment) -> Option<Self> {
        let (date, _) = local_time(moment.shown_ts, moment.zone.rules())?;
        Some(Self { year: date.year, month: date.month, day: date.day })
    }

    /// The days since 1970-01-01; `None` of one that no calendar has.
    pub fn number(self) -> Option<i32> {
        let (year, month, day) = (self.year.try_into().ok()?, self.month.try_into().ok()?, self.day.try_into().ok()?);
        let date = jiff::civil::Date::new(year, month, day).ok()?;
        Some((date - jiff::civil::date(1970, 1, 1)).get_days())
    }
}

/// The trips that start on `day` where they start. Of `chapters` and `following` see
/// [`documents`](crate::documents::documents).
pub fn trips_of_day<C: Borrow<Chapter>>(
    user: UserId,
    chapters: &[C],
    following: &[C],
    day: Day,
) -> Vec<FeatureCollection> {
    trips(user, chapters, following, |kept| Day::of(&kept.cleaned.start.moment) == Some(day))
}

/// All trips of `chapters`.
pub fn all_trips<C: Borrow<Chapter>>(user: UserId, chapters: &[C], following: &[C]) -> Vec<FeatureCollection> {
    trips(user, chapters, following, |_| true)
}

/// The trips of `chapters` that their person labelled, with the labels.
pub fn labelled_trips<C: Borrow<Chapter>>(chapters: &[C], following: &[C]) -> Vec<LabelledTrip> {
    let stays = Stays::of(chapters, following);
    let trips = stays.kept_legs().filter(|kept| kept.is_ours && kept.leg.is_tracked);
    trips.filter_map(|kept| labelled(&kept)).collect()
}

/// What sums over many people are made of: a trip without where it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// The day on which it starts where it starts, counted from 1970-01-01.
    pub day: i32,
    /// Whole metres.
    pub distance_m: u32,
    /// Whole seconds.
    pub duration_s: u32,
    /// What the person said about it.
    pub labels: Labels,
}

/// The measures of the trips of `chapters`.
pub fn measures<C: Borrow<Chapter>>(chapters: &[C], following: &[C]) -> Vec<Measures> {
    let stays = Stays::of(chapters, following);
    let trips = stays.kept_legs().filter(|kept| kept.is_ours && kept.leg.is_tracked);
    let measured = trips.filter_map(|kept| {
        let day = Day::of(&kept.cleaned.start.moment)?.number()?;
        let (distance_m, duration_s) = (whole(kept.cleaned.distance_m), whole(kept.cleaned.duration_s));
        Some(Measures { day, distance_m, duration_s, labels: labels(&kept) })
    });
    measured.collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, as it shall")]
fn whole(measure: f64) -> u32 {
    measure.round() as u32
}

fn labels(kept: &Kept<'_>) -> Labels {
    let labels = said_about(kept).latest.into_iter().filter_map(|input| {
        let label = input.label.clone().filter(|_| !input.key.ends_with("_user_input"))?;
        Some((input.name().to_owned(), label))
    });
    let mut labels: Labels = labels.collect();
    labels.sort();
    labels
}

fn labelled(kept: &Kept<'_>) -> Option<LabelledTrip> {
    let trip = LabelledTrip { start: kept.cleaned.start.at, end: kept.cleaned.end.at, labels: labels(kept) };
    (!trip.labels.is_empty()).then_some(trip)
}

fn trips<C: Borrow<Chapter>>(
    user: UserId,
    chapters: &[C],
    following: &[C],
    is_asked: impl Fn(&Kept<'_>) -> bool,
) -> Vec<FeatureCollection> {
    let stays = Stays::of(chapters, following);
    let shelf = Shelf::new(user);
    let trips = stays.kept_legs().filter(|kept| kept.is_ours && kept.leg.is_tracked && is_asked(kept));
    trips.map(|kept| collection(&shelf, &kept)).collect()
}

fn collection(shelf: &Shelf<'_>, kept: &Kept<'_>) -> FeatureCollection {
    let Kept { leg, cleaned, from, to, .. } = kept;
    let mut features = vec![place(shelf, from, "start_place"), place(shelf, to, "end_place")];
    for (number, halt) in (0..).zip(&cleaned.stops) {
        let line = [halt.enter.at, halt.exit.at].map(|at| json!([at.longitude, at.latitude]));
        let id = id_of(leg.id, CLEANED_STOP, number);
        features.push(feature(id.to_string(), "LineString", line.into(), stop_data(leg, halt, number), "stop"));
    }
    let points: Vec<&TrackPoint> = cleaned.sections.iter().flat_map(|section| &section.points).collect();
    for number in (0..).zip(&cleaned.sections).map(|(number, _)| number) {
        features.push(section(kept, &points, number));
    }
    FeatureCollection {
        kind: "FeatureCollection".to_owned(),
        id: Some(id_of(leg.id, CONFIRMED_TRIP, 0).to_string()),
        properties: Some(with_type(confirmed_data(kept), "trip")),
        features,
        extra: Object::new(),
    }
}

fn place(shelf: &Shelf<'_>, stay: &CleanStay<'_>, kind: &str) -> Item {
    let document = shelf.confirmed_place(stay);
    let mut data = document.data.into_object();
    let coordinates = match data.shift_remove("location") {
        Some(Value::Object(mut location)) => location.shift_remove("coordinates"),
        _ => None,
    };
    let coordinates = match coordinates {
        Some(Value::Array(coordinates)) => coordinates,
        _ => Vec::new(),
    };
    feature(document.id.to_string(), "Point", coordinates, data, kind)
}

/// A section's line: all points between its start and its end, so that it meets its neighbours.
fn section(kept: &Kept<'_>, points: &[&TrackPoint], number: u32) -> Item {
    let Kept { leg, cleaned, .. } = kept;
    let mut data = section_data(leg, cleaned, number);
    let Some(section) = usize::try_from(number).ok().and_then(|number| cleaned.sections.get(number)) else {
        return feature(String::new(), "LineString", Vec::new(), data, "section");
    };
    let (from, to) = (section.start.ts(), section.end.ts());
    let line: Vec<&&TrackPoint> = points.iter().filter(|point| point.ts >= from && point.ts <= to).collect();
    let times: Vec<f64> = line.iter().map(|point| point.ts).collect();
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a time that the calendar holds")]
    let timestamps: Vec<i64> = times.iter().map(|ts| (ts * 1000.0).round() as i64).collect();
    data.shift_remove("start_loc");
    data.shift_remove("end_loc");
    data.insert("times".to_owned(), json!(times));
    data.insert("timestamps".to_owned(), json!(timestamps));
    data.insert("sensed_mode".to_owned(), format!("PredictedModeTypes.{}", section.mode.name()).into());
    let coordinates = line.iter().map(|point| json!([point.at.longitude, point.at.latitude])).collect();
    let id = id_of(leg.id, CLEANED_SECTION, number).to_string();
    let line = feature(id, "LineString", coordinates, data, "section");
    Item::Collection(Box::new(FeatureCollection {
        kind: "FeatureCollection".to_owned(),
        id: None,
        properties: None,
        features: vec![line],
        extra: Object::new(),
    }))
}

fn feature(id: String, kind: &str, coordinates: Vec<Value>, data: Object, feature_type: &str) -> Item {
    Item::Feature(Box::new(Feature {
        kind: "Feature".to_owned(),
        id: Some(id),
        geometry: Geometry { kind: kind.to_owned(), coordinates, extra: Object::new() },
        properties: with_type(data, feature_type),
        extra: Object::new(),
    }))
}

fn with_type(mut data: Object, feature_type: &str) -> Object {
    data.insert("feature_type".to_owned(), feature_type.into());
    data
}
