//! A leg: a trip or a time without tracking, and everything that was found about it. What is shown of it, its documents,
//! follows from these alone.

use rushhour_model::extended_json::ObjectId;
use serde::{Deserialize, Serialize};

use crate::labels::Prediction;
use crate::mode::{Mode, Motion};
use crate::moment::{Spot, Zone};
use crate::position::Position;
use crate::smoothing::Smoothed;
use crate::trips::Method;

/// Fixes that follow each other: the row of the first and that of the last. In a leg that is told they are counted from the
/// first fix of its chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Rows {
    /// The same fixes counted from `row`.
    fn counted_from(self, row: usize) -> Self {
        Self { first: self.first.wrapping_sub(row), last: self.last.wrapping_sub(row) }
    }

    /// The same fixes where they were counted from `row`.
    pub(crate) fn counted_before(self, row: usize) -> Self {
        Self { first: self.first.wrapping_add(row), last: self.last.wrapping_add(row) }
    }
}

/// What lies between two places.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// The id of the raw trip or the raw untracked time.
    pub id: ObjectId,
    /// Whether it was observed.
    pub is_tracked: bool,
    /// The rules that found it.
    pub method: Method,
    /// When the phone wrote what showed that it is over, in seconds since 1970: the write time of its documents.
    pub found_ts: f64,
    /// Where it starts, before anything was cleaned.
    pub start: Spot,
    /// Where it ends, before anything was cleaned.
    pub end: Spot,
    /// Its fixes; `None` where there are none.
    pub(crate) rows: Option<Rows>,
    /// The parts in one mode.
    pub sections: Vec<RawSection>,
    /// What is left after cleaning; nothing of a trip that nobody made, which its places swallow.
    pub cleaned: Option<Cleaned>,
}

impl Leg {
    /// The same leg with its fixes counted from `row`.
    pub(crate) fn counted_from(mut self, row: usize) -> Self {
        self.rows = self.rows.map(|rows| rows.counted_from(row));
        for section in &mut self.sections {
            section.rows = section.rows.counted_from(row);
        }
        self
    }
}

/// A section before cleaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawSection {
    /// What the phone sensed.
    pub motion: Motion,
    /// Its fixes.
    pub(crate) rows: Rows,
    /// Its first fix.
    pub start: Spot,
    /// Its last fix.
    pub end: Spot,
    /// Which of its fixes are jumps; `None` when they contradict each other.
    pub smoothed: Option<Smoothed>,
}

/// A leg after cleaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cleaned {
    /// Where it starts: at the place it comes from.
    pub start: Spot,
    /// Where it ends.
    pub end: Spot,
    /// Seconds between the two.
    pub duration_s: f64,
    /// Metres along the way.
    pub distance_m: f64,
    /// The parts in one mode; none of untracked time.
    pub sections: Vec<Section>,
    /// What lies between two sections.
    pub stops: Vec<Stop>,
    /// Labels that the person would probably give.
    pub labels: Vec<Prediction>,
}

/// A section after cleaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// What was sensed, corrected where it cannot be.
    pub motion: Motion,
    /// The mode of its points.
    pub point_motion: Motion,
    /// What the speeds say.
    pub mode: Mode,
    /// Where it starts.
    pub start: Spot,
    /// Where it ends.
    pub end: Spot,
    /// Seconds between the two.
    pub duration_s: f64,
    /// Metres along the way.
    pub distance_m: f64,
    /// Metres from each point to the next, and what was added at the ends.
    pub distances_m: Vec<f64>,
    /// The same in metres per second.
    pub speeds_m_per_s: Vec<f64>,
    /// A point every 30 s.
    pub points: Vec<TrackPoint>,
}

/// A point of a cleaned section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackPoint {
    /// Its number in the section; `None` for one that was added where the trip was led back to its place.
    pub idx: Option<u32>,
    /// When, in seconds since 1970.
    pub ts: f64,
    /// Where.
    pub at: Position,
    /// Metres.
    pub altitude: f64,
    /// The phone's zone.
    pub zone: Zone,
    /// Metres from the point before.
    pub distance_m: f64,
    /// Metres per second.
    pub speed_m_per_s: f64,
    /// Degrees from north, -180 to 180.
    pub heading: f64,
}

impl crate::track::Timed for TrackPoint {
    fn ts(&self) -> f64 {
        self.ts
    }

    fn at(&self) -> Position {
        self.at
    }
}

/// What lies between two sections of a trip after cleaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// Where the section before it ends.
    pub enter: Spot,
    /// Where the section behind it starts.
    pub exit: Spot,
    /// Seconds between the two.
    pub duration_s: f64,
    /// Metres between the two.
    pub distance_m: f64,
}
