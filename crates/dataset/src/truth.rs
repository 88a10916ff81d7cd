//! The ground truth as CSV: one file per kind of row in the folder `truth`. The structs are the files' columns.
//!
//! A shard's files have the numbers of its first and last person in their names; one after another, without their first
//! lines, they are the file of the whole. Times are seconds since 1970 with microseconds; an empty cell is an absent value.

mod read;
mod text;

use rushhour_synth::phone::Platform;
use rushhour_synth::truth::{Fault, Mode, Purpose};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use read::read;
pub(crate) use text::{TABLES, Text};
pub use text::{metres, ten_millionths, ts};

/// A row of one of the tables.
pub trait Row: Serialize + DeserializeOwned {
    /// The table's name.
    const TABLE: &'static str;
    /// The names of its columns, as the first line has them.
    const HEADER: &'static str;
}

/// `users.csv`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserRow {
    /// Which person, counted from 0.
    pub user: u32,
    /// What they tell the server that they are called.
    pub token: String,
    /// What the server calls them.
    pub user_id: String,
    /// What they carry.
    pub platform: Platform,
    /// The handset's profile.
    pub profile: String,
    /// Where they live, in degrees.
    pub home_latitude: f64,
    /// Where they live, in degrees.
    pub home_longitude: f64,
}

/// `places.csv`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceRow {
    /// Whose.
    pub user: u32,
    /// Which of theirs.
    pub place: u32,
    /// In degrees.
    pub latitude: f64,
    /// In degrees.
    pub longitude: f64,
    /// What they go there for.
    pub purpose: Purpose,
    /// The IANA name of the clock there.
    pub time_zone: String,
}

/// `visits.csv`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VisitRow {
    /// Whose.
    pub user: u32,
    /// Where.
    pub place: u32,
    /// What for.
    pub purpose: Purpose,
    /// When it began.
    pub arrive_ts: f64,
    /// When it ended.
    pub depart_ts: f64,
}

/// `trips.csv`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TripRow {
    /// Whose.
    pub user: u32,
    /// Which of theirs.
    pub trip: u32,
    /// Where it starts.
    pub from_place: u32,
    /// Where it ends.
    pub to_place: u32,
    /// When it really began.
    pub depart_ts: f64,
    /// When it really ended.
    pub arrive_ts: f64,
    /// The mode of its longest section.
    pub mode: Mode,
    /// What for.
    pub purpose: Purpose,
    /// Along its path.
    pub distance_m: f64,
    /// Write time of the first filtered location within it.
    pub sensed_start_ts: Option<f64>,
    /// Write time of the last filtered location within it.
    pub sensed_end_ts: Option<f64>,
    /// How many filtered locations are within it.
    pub fixes: u32,
    /// Whether a pipeline is meant to find it as one trip.
    pub expected_segmented: bool,
}

/// `sections.csv`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SectionRow {
    /// Whose.
    pub user: u32,
    /// Of which trip.
    pub trip: u32,
    /// Which of the trip's, counted from 0.
    pub section: u32,
    /// How.
    pub mode: Mode,
    /// When it began.
    pub start_ts: f64,
    /// When it ended.
    pub end_ts: f64,
    /// Along its path.
    pub distance_m: f64,
}

/// `events.csv`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// Whose phone.
    pub user: u32,
    /// What went wrong.
    pub fault: Fault,
    /// When it began.
    pub start_ts: f64,
    /// When it was over.
    pub end_ts: f64,
}

macro_rules! rows {
    ($($Row:ident: $table:literal, $header:literal;)*) => {
        $(impl Row for $Row {
            const TABLE: &'static str = $table;
            const HEADER: &'static str = $header;
        })*
    };
}

rows! {
    UserRow: "users", "user,token,user_id,platform,profile,home_latitude,home_longitude";
    PlaceRow: "places", "user,place,latitude,longitude,purpose,time_zone";
    VisitRow: "visits", "user,place,purpose,arrive_ts,depart_ts";
    TripRow: "trips", "user,trip,from_place,to_place,depart_ts,arrive_ts,mode,purpose,distance_m,sensed_start_ts,\
        sensed_end_ts,fixes,expected_segmented";
    SectionRow: "sections", "user,trip,section,mode,start_ts,end_ts,distance_m";
    EventRow: "events", "user,fault,start_ts,end_ts";
}
