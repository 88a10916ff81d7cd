//! A day's trips as GeoJSON: what `timeline/getTrips` answers.

use std::borrow::Borrow;

use jiff::civil::{Date, date};
use rushhour_model::analysis::Place;
use rushhour_model::local_date::local_time;
use serde::{Deserialize, Serialize};

use crate::chapter::Chapter;
use crate::documents::{clean_section, clean_stop, confirmed_place, confirmed_trip, said_about};
use crate::features::{Feature, Geometry, Item, Properties, SectionFeatures, Track, TripFeatures};
use crate::ids::id_of;
use crate::keys::{CLEANED_SECTION, CLEANED_STOP, CONFIRMED_TRIP};
use crate::labels::{LabelledTrip, Labels};
use crate::leg::{Section, TrackPoint};
use crate::moment::Moment;
use crate::position::Position;
use crate::stays::{CleanStay, Kept, Stays};

const EPOCH: Date = date(1970, 1, 1);

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
        let date = Date::new(year, month, day).ok()?;
        Some((date - EPOCH).get_days())
    }

    /// The day so many days after 1970-01-01; `None` of one that no calendar has.
    pub(crate) fn numbered(number: i32) -> Option<Self> {
        let date = EPOCH.checked_add(jiff::Span::new().try_days(number).ok()?).ok()?;
        Some(Self { year: date.year().into(), month: date.month().into(), day: date.day().into() })
    }
}

/// The trips that start on `day` where they start. Of `chapters` and `following` see
/// [`documents`](crate::documents::documents).
pub fn trips_of_day<C: Borrow<Chapter>>(chapters: &[C], following: &[C], day: Day) -> Vec<TripFeatures> {
    trips(chapters, following, |kept| Day::of(&kept.cleaned.start.moment) == Some(day))
}

/// All trips of `chapters`.
pub fn all_trips<C: Borrow<Chapter>>(chapters: &[C], following: &[C]) -> Vec<TripFeatures> {
    trips(chapters, following, |_| true)
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
    chapters: &[C],
    following: &[C],
    is_asked: impl Fn(&Kept<'_>) -> bool,
) -> Vec<TripFeatures> {
    let stays = Stays::of(chapters, following);
    let trips = stays.kept_legs().filter(|kept| kept.is_ours && kept.leg.is_tracked && is_asked(kept));
    trips.map(|kept| collection(&kept)).collect()
}

fn collection(kept: &Kept<'_>) -> TripFeatures {
    let Kept { leg, cleaned, from, to, .. } = kept;
    let places = [place(from, Properties::StartPlace), place(to, Properties::EndPlace)];
    let stops = (0..).zip(&cleaned.stops).map(|(number, halt)| Feature {
        id: id_of(leg.id, CLEANED_STOP, number).to_string(),
        geometry: Geometry::LineString([&halt.enter, &halt.exit].map(|spot| coordinates(spot.at)).to_vec()),
        properties: Properties::Stop(Box::new(clean_stop(leg, halt, number))),
    });
    let points: Vec<&TrackPoint> = cleaned.sections.iter().flat_map(|section| &section.points).collect();
    let sections = (0..)
        .zip(&cleaned.sections)
        .map(|(number, section)| Item::Section(SectionFeatures { features: [line(kept, &points, section, number)] }));
    TripFeatures {
        id: id_of(leg.id, CONFIRMED_TRIP, 0).to_string(),
        properties: Properties::Trip(Box::new(confirmed_trip(kept))),
        features: places.into_iter().chain(stops).map(Item::Feature).chain(sections).collect(),
    }
}

fn place(stay: &CleanStay<'_>, properties: fn(Box<Place>) -> Properties) -> Feature {
    let (id, place) = confirmed_place(stay);
    let coordinates = place.location.as_ref().map(|point| point.coordinates.clone()).unwrap_or_default();
    Feature { id: id.to_string(), geometry: Geometry::Point(coordinates), properties: properties(Box::new(place)) }
}

/// A section's line: all points between its start and its end, so that it meets its neighbours.
fn line(kept: &Kept<'_>, points: &[&TrackPoint], section: &Section, number: u32) -> Feature {
    let Kept { leg, cleaned, .. } = kept;
    let (from, to) = (section.start.ts(), section.end.ts());
    let line = || points.iter().filter(|point| point.ts >= from && point.ts <= to);
    let track = Track {
        section: clean_section(leg, cleaned, section, number),
        mode: section.mode.name(),
        times: line().map(|point| point.ts).collect(),
    };
    Feature {
        id: id_of(leg.id, CLEANED_SECTION, number).to_string(),
        geometry: Geometry::LineString(line().map(|point| coordinates(point.at)).collect()),
        properties: Properties::Section(Box::new(track)),
    }
}

fn coordinates(at: Position) -> [f64; 2] {
    [at.longitude, at.latitude]
}
