//! What a pipeline finds in the entries: trips, sections, places and stops, from the first cut to what the diary shows.
//!
//! Each document names those it was made from by their ids. Times stand three times in each: in seconds since 1970, in
//! parts of the local calendar, and as text.

mod metadata;

use serde::Serialize;
use serde_json::{Number, Value};

use crate::extended_json::ObjectId;
use crate::ids::UserId;
use crate::local_date::LocalDate;
use crate::record::{Field, Nullable, Object, Record, record};
use crate::stored::take;
pub use metadata::Metadata;

record! {
    /// A position: `[longitude, latitude]` in degrees, WGS84.
    pub struct Point {
        /// `Point`.
        kind = "type": String,
        /// Longitude and latitude.
        coordinates: Vec<Number>,
    }

    /// A stay between two trips: raw, cleaned or confirmed. The first has no entry and the last no exit.
    pub struct Place {
        /// The algorithm that found it.
        source: String,
        /// Where.
        location: Option<Point>,
        /// When it was entered, in seconds since 1970.
        enter_ts: Option<Number>,
        /// The same in parts.
        enter_local_dt: Option<LocalDate>,
        /// The same as text.
        enter_fmt_time: Option<String>,
        /// When it was left, in seconds since 1970.
        exit_ts: Option<Number>,
        /// The same in parts.
        exit_local_dt: Option<LocalDate>,
        /// The same as text.
        exit_fmt_time: Option<String>,
        /// Seconds between the two.
        duration: Option<Number>,
        /// The trip that ends here.
        ending_trip: Option<ObjectId>,
        /// The trip that starts here.
        starting_trip: Option<ObjectId>,
        /// Cleaned: the raw places it was merged from; ids can repeat.
        raw_places: Option<Vec<ObjectId>>,
        /// Confirmed: the cleaned place.
        cleaned_place: Option<ObjectId>,
        /// Confirmed: what the person said, by kind.
        user_input: Option<Object>,
        /// Confirmed: what the person added.
        additions: Option<Vec<Value>>,
    }

    /// A movement between two places, or a time without tracking: raw, cleaned, inferred, expected, confirmed or
    /// composite. Each step keeps the fields of the one before and adds its own.
    pub struct Trip {
        /// The algorithm that found it.
        source: String,
        /// When it starts, in seconds since 1970.
        start_ts: Number,
        /// The same in parts.
        start_local_dt: LocalDate,
        /// The same as text.
        start_fmt_time: String,
        /// Where it starts.
        start_loc: Point,
        /// The place it starts from.
        start_place: Option<ObjectId>,
        /// When it ends, in seconds since 1970.
        end_ts: Number,
        /// The same in parts.
        end_local_dt: LocalDate,
        /// The same as text.
        end_fmt_time: String,
        /// Where it ends.
        end_loc: Point,
        /// The place it ends at.
        end_place: Option<ObjectId>,
        /// Seconds between the two.
        duration: Number,
        /// Metres: straight for raw ones, along the way for cleaned ones.
        distance: Number,
        /// Cleaned: the raw trip.
        raw_trip: Option<ObjectId>,
        /// Inferred: the cleaned trip.
        cleaned_trip: Option<ObjectId>,
        /// Inferred: the labels that a model gives, with their likelihoods.
        inferred_labels: Option<Vec<Value>>,
        /// Expected: the inferred trip.
        inferred_trip: Option<ObjectId>,
        /// Expected: whether the person is asked for labels.
        expectation: Option<Object>,
        /// Expected: how likely labels must be to be shown.
        confidence_threshold: Option<Number>,
        /// Confirmed: the expected trip.
        expected_trip: Option<ObjectId>,
        /// Confirmed: what the person said, by kind.
        user_input: Option<Object>,
        /// Confirmed: what the person added.
        additions: Option<Vec<Value>>,
        /// Confirmed: its inferred sections by mode.
        inferred_section_summary: Option<ModeSummary>,
        /// Confirmed: its cleaned sections by mode.
        cleaned_section_summary: Option<ModeSummary>,
        /// Confirmed: its sections by the vehicle whose beacon was seen.
        ble_sensed_summary: Option<ModeSummary>,
        /// Composite: the confirmed trip.
        confirmed_trip: Option<ObjectId>,
        /// Composite: the whole place it starts from.
        start_confirmed_place: Option<Document>,
        /// Composite: the whole place it ends at.
        end_confirmed_place: Option<Document>,
        /// Composite: at most about a hundred of its points.
        locations: Option<Vec<Document>>,
        /// Composite: its sections.
        sections: Option<Vec<Document>>,
    }

    /// Sums over the sections of a trip, by the name of the mode.
    pub struct ModeSummary {
        /// Metres.
        distance: Object,
        /// Seconds.
        duration: Object,
        /// Sections.
        count: Object,
    }

    /// A part of a trip in one mode: raw, cleaned or inferred.
    pub struct Section {
        /// The trip.
        trip_id: ObjectId,
        /// The algorithm that found it.
        source: String,
        /// When it starts, in seconds since 1970.
        start_ts: Number,
        /// The same in parts.
        start_local_dt: LocalDate,
        /// The same as text.
        start_fmt_time: String,
        /// Where it starts.
        start_loc: Point,
        /// The stop before it.
        start_stop: Option<ObjectId>,
        /// When it ends, in seconds since 1970.
        end_ts: Number,
        /// The same in parts.
        end_local_dt: LocalDate,
        /// The same as text.
        end_fmt_time: String,
        /// Where it ends.
        end_loc: Point,
        /// The stop behind it.
        end_stop: Option<ObjectId>,
        /// Seconds between the two.
        duration: Number,
        /// Raw and cleaned: a `MotionTypes` number; inferred: a `PredictedModeTypes` number.
        sensed_mode: Number,
        /// The mode's name; in composite trips.
        sensed_mode_str: Option<String>,
        /// The vehicle whose beacon was seen.
        ble_sensed_mode: Option<Nullable<Value>>,
        /// Cleaned: metres along the way.
        distance: Option<Number>,
        /// Cleaned: metres per second at each point.
        speeds: Option<Vec<Number>>,
        /// Cleaned: metres to each point from the one before.
        distances: Option<Vec<Number>>,
        /// Inferred: the cleaned section.
        cleaned_section: Option<ObjectId>,
    }

    /// A halt between two sections of a trip: raw or cleaned.
    pub struct Stop {
        /// The trip.
        trip_id: ObjectId,
        /// The algorithm that found it.
        source: String,
        /// When it starts, in seconds since 1970.
        enter_ts: Number,
        /// The same in parts.
        enter_local_dt: LocalDate,
        /// The same as text.
        enter_fmt_time: String,
        /// Where the section before it ends.
        enter_loc: Point,
        /// When it ends, in seconds since 1970.
        exit_ts: Number,
        /// The same in parts.
        exit_local_dt: LocalDate,
        /// The same as text.
        exit_fmt_time: String,
        /// Where the section behind it starts.
        exit_loc: Point,
        /// Seconds between the two.
        duration: Number,
        /// Metres between the two.
        distance: Number,
        /// The section that ends here.
        ending_section: ObjectId,
        /// The section that starts here.
        starting_section: ObjectId,
    }

    /// Which points of a section are noise.
    pub struct Smoothing {
        /// The raw section.
        section: ObjectId,
        /// The points.
        deleted_points: Vec<ObjectId>,
        /// How outliers were told.
        outlier_algo: String,
        /// How the bad ones among them were told.
        filtering_algo: String,
    }

    /// A point of a cleaned section, every 30 s.
    pub struct RecreatedLocation {
        /// The cleaned section.
        section: ObjectId,
        /// Its mode, a `MotionTypes` number.
        mode: Number,
        /// Its number in the section.
        idx: Option<Number>,
        /// Degrees north.
        latitude: Number,
        /// Degrees east.
        longitude: Number,
        /// The same as a point.
        loc: Point,
        /// Metres.
        altitude: Number,
        /// When, in seconds since 1970.
        ts: Number,
        /// The same in parts; left out in a section of one point.
        local_dt: Option<LocalDate>,
        /// The same as text.
        fmt_time: String,
        /// Metres from the point before.
        distance: Number,
        /// Metres per second.
        speed: Number,
        /// Degrees from north, -180 to 180.
        heading: Number,
    }

    /// Which modes a section may have.
    pub struct Prediction {
        /// The trip.
        trip_id: ObjectId,
        /// The cleaned section.
        section_id: ObjectId,
        /// Which algorithm: 2 is the rule engine.
        algorithm_id: Number,
        /// How likely each mode is, by name.
        predicted_mode_map: Object,
        /// When the section starts, in seconds since 1970.
        start_ts: Number,
        /// When it ends, in seconds since 1970.
        end_ts: Number,
    }

    /// Which labels a trip may have.
    pub struct LabelInference {
        /// The trip.
        trip_id: ObjectId,
        /// Which algorithm.
        algorithm_id: Number,
        /// Labels with their likelihoods.
        prediction: Vec<Value>,
        /// When the trip starts, in seconds since 1970.
        start_ts: Number,
        /// When it ends, in seconds since 1970.
        end_ts: Number,
    }
}

macro_rules! findings {
    ($($(#[$about:meta])* $Variant:ident,)*) => {
        /// What a document says; which form it has follows from its key.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Finding {
            $($(#[$about])* $Variant(Box<$Variant>),)*
            /// Any other key, and any known key that lacks what it must have.
            Other(Object),
        }

        impl Finding {
            /// Its fields.
            pub fn into_object(self) -> Object {
                match self {
                    $(Self::$Variant(finding) => finding.into_object(),)*
                    Self::Other(object) => object,
                }
            }

            /// The field of this name, if it is a number.
            pub fn number(&self, name: &str) -> Option<f64> {
                match self {
                    $(Self::$Variant(finding) => finding.number(name),)*
                    Self::Other(object) => object.get(name)?.as_f64(),
                }
            }
        }

        $(impl From<Result<$Variant, Object>> for Finding {
            fn from(read: Result<$Variant, Object>) -> Self {
                read.map_or_else(Self::Other, |finding| Self::$Variant(Box::new(finding)))
            }
        })*
    };
}

findings! {
    /// `…_place`
    Place,
    /// `…_trip` and `…_untracked`
    Trip,
    /// `…_section`
    Section,
    /// `…_stop`
    Stop,
    /// `analysis/smoothing`
    Smoothing,
    /// `analysis/recreated_location`
    RecreatedLocation,
    /// `inference/prediction`
    Prediction,
    /// `inference/labels` and `analysis/inferred_labels`
    LabelInference,
}

impl Finding {
    /// Reads `object` as what `key` prescribes, or keeps it whole.
    fn of(key: &str, object: Object) -> Self {
        match key {
            "segmentation/raw_place" | "analysis/cleaned_place" | "analysis/confirmed_place" => {
                Place::from_object(object).into()
            }
            "segmentation/raw_trip"
            | "analysis/cleaned_trip"
            | "analysis/inferred_trip"
            | "analysis/expected_trip"
            | "analysis/confirmed_trip"
            | "analysis/composite_trip"
            | "segmentation/raw_untracked"
            | "analysis/cleaned_untracked"
            | "analysis/confirmed_untracked" => Trip::from_object(object).into(),
            "segmentation/raw_section" | "analysis/cleaned_section" | "analysis/inferred_section" => {
                Section::from_object(object).into()
            }
            "segmentation/raw_stop" | "analysis/cleaned_stop" => Stop::from_object(object).into(),
            "analysis/smoothing" => Smoothing::from_object(object).into(),
            "analysis/recreated_location" => RecreatedLocation::from_object(object).into(),
            "inference/prediction" => Prediction::from_object(object).into(),
            "inference/labels" | "analysis/inferred_labels" => LabelInference::from_object(object).into(),
            _ => Self::Other(object),
        }
    }
}

/// A document with its id, its user and its metadata.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// Its id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Whose it is.
    #[serde(rename = "user_id")]
    pub user: UserId,
    /// Key and write time.
    pub metadata: Metadata,
    /// What it says.
    pub data: Finding,
    /// Fields beside these.
    #[serde(flatten)]
    pub extra: Object,
}

impl Field for Document {
    fn from_value(value: Value) -> Result<Self, Value> {
        let Value::Object(mut fields) = value else { return Err(value) };
        let parts = (
            take(&mut fields, "_id"),
            take(&mut fields, "user_id"),
            take(&mut fields, "metadata"),
            take(&mut fields, "data"),
        );
        let (Some(id), Some(user), Some(metadata), Some(data)) = parts else {
            let (id, user, metadata, data): (Option<ObjectId>, Option<UserId>, Option<Metadata>, Option<Object>) =
                parts;
            let parts = [
                ("_id", id.map(Field::into_value)),
                ("user_id", user.map(Field::into_value)),
                ("metadata", metadata.map(Field::into_value)),
                ("data", data.map(Field::into_value)),
            ];
            fields.extend(parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?))));
            return Err(Value::Object(fields));
        };
        let metadata: Metadata = metadata;
        Ok(Self { id, user, data: Finding::of(&metadata.key, data), metadata, extra: fields })
    }

    fn into_value(self) -> Value {
        let mut fields = Object::from_iter([
            ("_id".to_owned(), self.id.into_value()),
            ("user_id".to_owned(), self.user.into_value()),
            ("metadata".to_owned(), self.metadata.into_value()),
            ("data".to_owned(), Value::Object(self.data.into_object())),
        ]);
        fields.extend(self.extra);
        Value::Object(fields)
    }
}
