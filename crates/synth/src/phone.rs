//! Phones: what they notice of their owners' movements, and what they tell the server.

use serde::{Deserialize, Serialize};

use crate::plane::Point;
use crate::track::Track;
use crate::truth::{Event, LocaleIndex, Micros};
use crate::upload::Call;

/// The operating system of a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Android.
    Android,
    /// iOS.
    Ios,
}

impl Platform {
    /// The name in files, flags and entries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
        }
    }
}

/// What a phone's owner does between two changes.
#[derive(Clone, Debug)]
pub enum Stretch<'a> {
    /// They stay.
    Stay(Stay),
    /// They move.
    Move(&'a Track),
}

/// Time at one place.
#[derive(Clone, Copy, Debug)]
pub struct Stay {
    /// Where.
    pub at: Point,
    /// In which locale.
    pub locale: LocaleIndex,
    /// Until when; it began when the stretch before it ended.
    pub until_us: Micros,
}

/// What a phone made of a day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Witnessed {
    /// Its calls, in order of time.
    pub calls: Vec<Call>,
    /// What went wrong.
    pub events: Vec<Event>,
    /// What it has of each trip.
    pub trips: Vec<Noticed>,
}

/// What a phone recorded of a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// The trip's id.
    pub trip: u32,
    /// Write times of the first and the last filtered location within the trip's true times.
    pub sensed_us: Option<(Micros, Micros)>,
    /// How many filtered locations.
    pub fixes: u32,
    /// Whether nothing went wrong that would keep a pipeline from finding the trip.
    pub is_clean: bool,
}
