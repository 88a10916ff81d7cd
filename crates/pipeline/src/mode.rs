//! How people move: as phones sense it, and as it is inferred from speeds.

use serde::{Deserialize, Serialize};

/// A mode as phones sense it: the original's `MotionTypes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Motion {
    InVehicle,
    Bicycling,
    OnFoot,
    Still,
    Unknown,
    Tilting,
    Walking,
    Running,
    None,
    StoppedWhileInVehicle,
    AirOrHsr,
}

/// Each mode with its number and its name.
const MOTIONS: [(Motion, i64, &str); 11] = [
    (Motion::InVehicle, 0, "IN_VEHICLE"),
    (Motion::Bicycling, 1, "BICYCLING"),
    (Motion::OnFoot, 2, "ON_FOOT"),
    (Motion::Still, 3, "STILL"),
    (Motion::Unknown, 4, "UNKNOWN"),
    (Motion::Tilting, 5, "TILTING"),
    (Motion::Walking, 7, "WALKING"),
    (Motion::Running, 8, "RUNNING"),
    (Motion::None, 9, "NONE"),
    (Motion::StoppedWhileInVehicle, 10, "STOPPED_WHILE_IN_VEHICLE"),
    (Motion::AirOrHsr, 11, "AIR_OR_HSR"),
];

/// The outer range of walking, in metres per second: Long and Srinivasan 2013.
const WALKING_M_PER_S_MAX: f64 = 1.7;
/// The speed of a bicycle without a motor, rounded up from 30 km/h: doi 10.1177/1687814015616918.
const BICYCLING_M_PER_S_MAX: f64 = 8.5;

impl Motion {
    /// The mode with that number in documents.
    pub fn of(number: i64) -> Option<Self> {
        MOTIONS.iter().find(|(_, code, _)| *code == number).map(|(motion, _, _)| *motion)
    }

    /// The mode with that name in documents.
    pub fn named(name: &str) -> Option<Self> {
        MOTIONS.iter().find(|(_, _, known)| *known == name).map(|(motion, _, _)| *motion)
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        MOTIONS.iter().map(|(_, _, name)| *name)
    }

    /// Its number in documents.
    pub fn number(self) -> i64 {
        self.row().1
    }

    /// Its name in documents.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (Self, i64, &'static str) {
        MOTIONS.iter().find(|(motion, _, _)| *motion == self).expect("every mode has a row")
    }

    /// Whether a section can have it.
    pub(crate) fn is_movement(self) -> bool {
        !matches!(self, Self::Tilting | Self::Unknown | Self::Still | Self::None | Self::StoppedWhileInVehicle)
    }

    pub(crate) fn is_motorized(self) -> bool {
        self == Self::InVehicle
    }

    pub(crate) fn is_walking(self) -> bool {
        matches!(self, Self::Walking | Self::OnFoot | Self::Running)
    }
}

/// Whether one can walk at this speed; no speed at all counts as walking.
pub(crate) fn is_walking_speed(metres_per_s: f64) -> bool {
    metres_per_s <= WALKING_M_PER_S_MAX || metres_per_s.is_nan()
}

/// Whether one can cycle at this speed.
pub(crate) fn is_bicycling_speed(metres_per_s: f64) -> bool {
    metres_per_s <= BICYCLING_M_PER_S_MAX || metres_per_s.is_nan()
}

/// A mode as it is inferred: the original's `PredictedModeTypes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Mode {
    Unknown,
    Walking,
    Bicycling,
    Bus,
    Train,
    Car,
    AirOrHsr,
    Subway,
    Tram,
    LightRail,
}

/// The names, each at the place of its number.
const MODES: [(Mode, &str); 10] = [
    (Mode::Unknown, "UNKNOWN"),
    (Mode::Walking, "WALKING"),
    (Mode::Bicycling, "BICYCLING"),
    (Mode::Bus, "BUS"),
    (Mode::Train, "TRAIN"),
    (Mode::Car, "CAR"),
    (Mode::AirOrHsr, "AIR_OR_HSR"),
    (Mode::Subway, "SUBWAY"),
    (Mode::Tram, "TRAM"),
    (Mode::LightRail, "LIGHT_RAIL"),
];

impl Mode {
    /// The mode with that number in documents.
    pub fn of(number: i64) -> Option<Self> {
        (0..).zip(MODES).find(|(code, _)| *code == number).map(|(_, (mode, _))| mode)
    }

    /// Its number in documents.
    pub fn number(self) -> i64 {
        (0..).zip(MODES).find(|(_, (mode, _))| *mode == self).expect("every mode has a row").0
    }

    /// Its name in documents.
    pub fn name(self) -> &'static str {
        MODES.iter().find(|(mode, _)| *mode == self).expect("every mode has a row").1
    }
}
