//! A trip as GeoJSON: features that are written from what they are, without a tree of JSON values in between.

use rushhour_model::analysis::{Place, Section, Stop, Trip};
use rushhour_model::record::Record;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Number;

/// A trip: its two places, its stops and its sections.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "FeatureCollection")]
pub struct TripFeatures {
    /// The trip's id in hexadecimal.
    pub(crate) id: String,
    pub(crate) properties: Properties,
    pub(crate) features: Vec<Item>,
}

/// What a trip consists of.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Item {
    Feature(Feature),
    Section(SectionFeatures),
}

/// A section: a collection of its own, of one line.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "FeatureCollection")]
pub(crate) struct SectionFeatures {
    pub(crate) features: [Feature; 1],
}

/// Something with a place on the map.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(crate) struct Feature {
    /// The document's id in hexadecimal.
    pub(crate) id: String,
    pub(crate) geometry: Geometry,
    pub(crate) properties: Properties,
}

/// `[longitude, latitude]` in degrees, or several of them.
#[derive(Debug, Serialize)]
#[serde(tag = "type", content = "coordinates")]
pub(crate) enum Geometry {
    Point(Vec<Number>),
    LineString(Vec<[f64; 2]>),
}

/// A document's data, and as what they are shown.
#[derive(Debug)]
pub(crate) enum Properties {
    Trip(Box<Trip>),
    StartPlace(Box<Place>),
    EndPlace(Box<Place>),
    Stop(Box<Stop>),
    Section(Box<Track>),
}

/// A section with the times of the points of its line.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) section: Section,
    /// A name of the original's `PredictedModeTypes`.
    pub(crate) mode: &'static str,
    /// In seconds since 1970.
    pub(crate) times: Vec<f64>,
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let kind = match self {
            Self::Trip(trip) => trip.write(&[], &mut map).map(|()| "trip"),
            // The geometry says where it is.
            Self::StartPlace(place) => place.write(&["location"], &mut map).map(|()| "start_place"),
            Self::EndPlace(place) => place.write(&["location"], &mut map).map(|()| "end_place"),
            Self::Stop(stop) => stop.write(&[], &mut map).map(|()| "stop"),
            Self::Section(track) => track.write(&mut map).map(|()| "section"),
        };
        map.serialize_entry("feature_type", kind?)?;
        map.end()
    }
}

impl Track {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.section.write(&["start_loc", "end_loc", "sensed_mode"], map)?;
        map.serialize_entry("times", &self.times)?;
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a time that the calendar holds")]
        let timestamps: Vec<i64> = self.times.iter().map(|ts| (ts * 1000.0).round() as i64).collect();
        map.serialize_entry("timestamps", &timestamps)?;
        map.serialize_entry("sensed_mode", &format!("PredictedModeTypes.{}", self.mode))
    }
}
