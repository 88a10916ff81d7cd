//! A day's trips as `timeline/getTrips` answers them: one GeoJSON feature collection per trip.

use serde::Serialize;
use serde_json::Value;

use crate::record::{Field, Object, Record, record};

record! {
    /// A line or a point.
    pub struct Geometry {
        /// `Point` or `LineString`.
        kind = "type": String,
        /// `[longitude, latitude]`, or a list of them, in degrees.
        coordinates: Vec<Value>,
    }

    /// A place, a stop, or the line of a section.
    pub struct Feature {
        /// `Feature`.
        kind = "type": String,
        /// The document's id in hexadecimal; in `extra` where it has another type.
        id: Option<String>,
        /// Where.
        geometry: Geometry,
        /// The document's data, and `feature_type`.
        properties: Object,
    }

    /// A trip, or a section.
    pub struct FeatureCollection {
        /// `FeatureCollection`.
        kind = "type": String,
        /// The trip's id in hexadecimal.
        id: Option<String>,
        /// The trip's data, and `feature_type`.
        properties: Option<Object>,
        /// Of a trip: its two places, its stops, its sections; of a section: its line.
        features: Vec<Item>,
    }
}

/// What a collection holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Item {
    /// A place, a stop, or a line.
    Feature(Box<Feature>),
    /// A section.
    Collection(Box<FeatureCollection>),
}

impl Field for Item {
    fn from_value(value: Value) -> Result<Self, Value> {
        let Value::Object(object) = value else { return Err(value) };
        let read = match object.get("type").and_then(Value::as_str) {
            Some("Feature") => Feature::from_object(object).map(|feature| Self::Feature(Box::new(feature))),
            Some("FeatureCollection") => {
                FeatureCollection::from_object(object).map(|collection| Self::Collection(Box::new(collection)))
            }
            _ => Err(object),
        };
        read.map_err(Value::Object)
    }

    fn into_value(self) -> Value {
        match self {
            Self::Feature(feature) => feature.into_value(),
            Self::Collection(collection) => collection.into_value(),
        }
    }
}
