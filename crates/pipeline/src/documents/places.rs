//! Documents of places.

use rushhour_model::analysis::{Document, Finding, Place};
use rushhour_model::extended_json::ObjectId;
use rushhour_model::record::Object;

use crate::documents::said::said;
use crate::documents::{Shelf, Times, number, point};
use crate::ids::id_of;
use crate::input::{Input, Said};
use crate::keys::{
    CLEANED_PLACE, CLEANED_TRIP, CLEANED_UNTRACKED, CONFIRMED_PLACE, CONFIRMED_TRIP, CONFIRMED_UNTRACKED, RAW_PLACE,
};
use crate::moment::Spot;
use crate::place::OpenPlace;
use crate::stays::{CleanStay, RawStay};

/// The key of a cleaned leg.
pub(super) fn cleaned_key(is_tracked: bool) -> &'static str {
    if is_tracked { CLEANED_TRIP } else { CLEANED_UNTRACKED }
}

/// The key of a confirmed leg.
pub(super) fn confirmed_key(is_tracked: bool) -> &'static str {
    if is_tracked { CONFIRMED_TRIP } else { CONFIRMED_UNTRACKED }
}

impl Shelf<'_> {
    pub(super) fn add_raw_place(&mut self, stay: &RawStay<'_>) {
        self.put(RAW_PLACE, stay.place.id(RAW_PLACE), found_ts(&stay.place), |_| {
            let ending_trip = stay.place.entered().map(|touch| touch.leg);
            let leaves = stay.leaves.map(|leg| (&leg.start, leg.id));
            Finding::Place(Box::new(Place { ending_trip, ..place(&stay.place, leaves) }))
        });
    }

    pub(super) fn add_clean_place(&mut self, stay: &CleanStay<'_>) {
        self.put(CLEANED_PLACE, stay.place.id(CLEANED_PLACE), found_ts(&stay.place), |_| {
            Finding::Place(Box::new(cleaned(stay, cleaned_key)))
        });
        if self.wanted.has(CONFIRMED_PLACE) {
            let document = self.confirmed_place(stay);
            self.documents.push(document);
        }
    }

    pub(super) fn confirmed_place(&self, stay: &CleanStay<'_>) -> Document {
        let (id, place) = confirmed(stay);
        self.document(CONFIRMED_PLACE, id, found_ts(&stay.place), Finding::Place(Box::new(place)))
    }
}

/// A confirmed place, with its id.
pub(crate) fn confirmed(stay: &CleanStay<'_>) -> (ObjectId, Place) {
    let enter_ts = stay.place.enter_ts().unwrap_or(f64::NEG_INFINITY);
    let exit_ts = stay.exit_ts().unwrap_or(f64::INFINITY);
    let next_ts = stay.leaves.and_then(|leg| leg.cleaned.as_ref()).map(|cleaned| cleaned.end.ts());
    let is_about = |input: &&&Input| input.is_about_place() && input.is_about(enter_ts, exit_ts, next_ts);
    let about = stay.inputs.iter().filter(is_about);
    let (user_input, additions) = said(&Said::of(about.copied()));
    let place = Place {
        cleaned_place: Some(stay.place.id(CLEANED_PLACE)),
        user_input: Some(user_input),
        additions: Some(additions),
        ..cleaned(stay, confirmed_key)
    };
    (stay.place.id(CONFIRMED_PLACE), place)
}

fn found_ts(place: &OpenPlace) -> f64 {
    place.touch().map_or(0.0, |touch| touch.found_ts)
}

fn cleaned(stay: &CleanStay<'_>, key: fn(bool) -> &'static str) -> Place {
    let leaves =
        stay.leaves.and_then(|leg| Some((&leg.cleaned.as_ref()?.start, id_of(leg.id, key(leg.is_tracked), 0))));
    Place {
        ending_trip: stay.place.entered().map(|touch| id_of(touch.leg, key(touch.is_tracked), 0)),
        raw_places: Some(stay.raw_places.clone()),
        ..place(&stay.place, leaves)
    }
}

fn place(place: &OpenPlace, leaves: Option<(&Spot, ObjectId)>) -> Place {
    let enter = place.entered().map(|touch| Times::of(&touch.spot.moment));
    let exit = leaves.map(|(spot, _)| Times::of(&spot.moment));
    let duration = place.enter_ts().zip(leaves).map(|(enter_ts, (spot, _))| number(spot.ts() - enter_ts));
    let (enter_ts, enter_local_dt, enter_fmt_time) = Times::parts(enter);
    let (exit_ts, exit_local_dt, exit_fmt_time) = Times::parts(exit);
    Place {
        source: place.touch().map_or("", |touch| touch.method.name()).to_owned(),
        location: place.at().map(point),
        enter_ts,
        enter_local_dt,
        enter_fmt_time,
        exit_ts,
        exit_local_dt,
        exit_fmt_time,
        duration,
        ending_trip: None,
        starting_trip: leaves.map(|(_, id)| id),
        raw_places: None,
        cleaned_place: None,
        user_input: None,
        additions: None,
        extra: Object::new(),
    }
}
