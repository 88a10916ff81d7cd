//! What a pipeline found, read from the documents that it wrote.
//!
//! `analysis/confirmed_trip` and `analysis/cleaned_trip` are the trips; a confirmed trip stands for the cleaned one that
//! it was made of. Their modes are those of `analysis/inferred_section`, or, of a trip without, of
//! `analysis/cleaned_section`. All else is passed over.

use std::collections::BTreeMap;

use rushhour_model::analysis::{Document, Finding, Point, Section, Trip};
use rushhour_model::entry::seconds;
use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::UserId;
use rushhour_model::record::Field;
use rushhour_pipeline::keys::{CLEANED_SECTION, CLEANED_TRIP, CONFIRMED_TRIP, INFERRED_SECTION};
use rushhour_pipeline::mode::{Mode, Motion};
use rushhour_pipeline::position::Position;
use serde_json::{Number, Value};

use super::found::{Class, FoundSection, FoundTrip, Spot};

/// The documents of one person.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// By the id of the cleaned trip.
    trips: BTreeMap<ObjectId, FoundTrip>,
    confirmed: BTreeMap<ObjectId, FoundTrip>,
    cleaned_sections: BTreeMap<ObjectId, Vec<FoundSection>>,
    inferred_sections: BTreeMap<ObjectId, Vec<FoundSection>>,
}

impl Documents {
    /// Whose document this is, and its key; none when either is missing.
    pub fn of(value: &Value) -> Option<(UserId, &str)> {
        let user = UserId::from_value(value.get("user_id")?.clone()).ok()?;
        Some((user, value.pointer("/metadata/key")?.as_str()?))
    }

    /// The keys of documents that say what was found.
    pub const KEYS: [&str; 4] = [CONFIRMED_TRIP, CLEANED_TRIP, INFERRED_SECTION, CLEANED_SECTION];

    /// Whether documents with this key say what was found.
    pub fn is_read(key: &str) -> bool {
        Self::KEYS.contains(&key)
    }

    /// Adds a document.
    ///
    /// # Errors
    /// When it has a key that is read and lacks what such a document has.
    pub fn push(&mut self, value: Value) -> Result<(), String> {
        let document = Document::from_value(value).map_err(|_| "it is no document".to_owned())?;
        let Document { id, metadata, data, .. } = document;
        let key = metadata.key.as_str();
        match data {
            Finding::Trip(trip) if key == CLEANED_TRIP => {
                self.trips.insert(id, found_trip(&trip)?);
            }
            Finding::Trip(trip) if key == CONFIRMED_TRIP => {
                self.confirmed.insert(trip.cleaned_trip.unwrap_or(id), found_trip(&trip)?);
            }
            Finding::Section(section) if key == INFERRED_SECTION => {
                let class = Mode::of(integer(&section.sensed_mode)?).and_then(|mode| Class::named(mode.name()));
                self.inferred_sections.entry(section.trip_id).or_default().push(found_section(&section, class));
            }
            Finding::Section(section) if key == CLEANED_SECTION => {
                let class = Motion::of(integer(&section.sensed_mode)?).and_then(|motion| Class::named(motion.name()));
                self.cleaned_sections.entry(section.trip_id).or_default().push(found_section(&section, class));
            }
            _ if Self::is_read(key) => return Err(format!("it lacks what `{key}` has")),
            _ => {}
        }
        Ok(())
    }

    /// The trips, each with its sections.
    pub fn found(mut self) -> Vec<FoundTrip> {
        self.trips.append(&mut self.confirmed);
        let trips = self.trips.into_iter().map(|(id, mut trip)| {
            let sections = self.inferred_sections.remove(&id).or_else(|| self.cleaned_sections.remove(&id));
            trip.sections = sections.unwrap_or_default();
            trip.sections.sort_by(|one, other| one.start_ts.total_cmp(&other.start_ts));
            trip
        });
        trips.collect()
    }
}

fn found_trip(trip: &Trip) -> Result<FoundTrip, String> {
    Ok(FoundTrip {
        start: Spot { ts: seconds(&trip.start_ts), at: position(&trip.start_loc)? },
        end: Spot { ts: seconds(&trip.end_ts), at: position(&trip.end_loc)? },
        distance_m: seconds(&trip.distance),
        sections: Vec::new(),
    })
}

fn found_section(section: &Section, class: Option<Class>) -> FoundSection {
    FoundSection {
        class,
        start_ts: seconds(&section.start_ts),
        end_ts: seconds(&section.end_ts),
        distance_m: section.distance.as_ref().map_or(0.0, seconds),
    }
}

fn position(point: &Point) -> Result<Position, String> {
    match point.coordinates.as_slice() {
        [longitude, latitude, ..] => Ok(Position { longitude: seconds(longitude), latitude: seconds(latitude) }),
        _ => Err("a location has no coordinates".to_owned()),
    }
}

fn integer(number: &Number) -> Result<i64, String> {
    number.as_i64().ok_or_else(|| format!("`sensed_mode` is {number}, which is no mode"))
}
