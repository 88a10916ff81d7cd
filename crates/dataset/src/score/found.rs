//! What a pipeline found, whichever it was.

use rushhour_pipeline::position::Position;
use rushhour_synth::truth::Mode;
use serde::Serialize;

/// A time and a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// In seconds since 1970.
    pub ts: f64,
    /// Where.
    pub at: Position,
}

/// A trip that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundTrip {
    /// Where it starts.
    pub start: Spot,
    /// Where it ends.
    pub end: Spot,
    /// Along its way.
    pub distance_m: f64,
    /// Its parts, in order.
    pub sections: Vec<FoundSection>,
}

/// A part of a found trip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundSection {
    /// How; none when the pipeline cannot say.
    pub class: Option<Class>,
    /// In seconds since 1970.
    pub start_ts: f64,
    /// In seconds since 1970.
    pub end_ts: f64,
    /// Along its way.
    pub distance_m: f64,
}

impl FoundTrip {
    /// How its longest section was moved.
    pub fn main_class(&self) -> Option<Class> {
        self.sections.iter().max_by(|one, other| one.distance_m.total_cmp(&other.distance_m))?.class
    }
}

/// What phones can tell apart of how people move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Walking, running.
    Foot,
    /// On two wheels, with or without a motor.
    Bicycle,
    /// In a car, a bus or a train.
    Vehicle,
    /// In the air.
    Air,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Foot, Self::Bicycle, Self::Vehicle, Self::Air];

    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Foot => "foot",
            Self::Bicycle => "bicycle",
            Self::Vehicle => "vehicle",
            Self::Air => "air",
        }
    }

    /// The class of a true mode. Phones take e-bikes and scooters for bicycles, by their speed.
    pub fn of(mode: Mode) -> Self {
        match mode {
            Mode::Walk => Self::Foot,
            Mode::Bicycle | Mode::Ebike | Mode::Scooter => Self::Bicycle,
            Mode::Car | Mode::Bus | Mode::Train => Self::Vehicle,
            Mode::Air => Self::Air,
        }
    }

    /// The class of a sensed or an inferred mode, by the name that the original gives it.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "WALKING" | "ON_FOOT" | "RUNNING" => Some(Self::Foot),
            "BICYCLING" => Some(Self::Bicycle),
            "IN_VEHICLE" | "STOPPED_WHILE_IN_VEHICLE" | "CAR" | "BUS" | "TRAIN" | "SUBWAY" | "TRAM" | "LIGHT_RAIL" => {
                Some(Self::Vehicle)
            }
            "AIR_OR_HSR" => Some(Self::Air),
            _ => None,
        }
    }
}
