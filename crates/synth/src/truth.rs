//! What really happened: places, visits, trips and sections, and what went wrong with the phone.

use serde::{Deserialize, Serialize};

use crate::plane::Point;

/// Microseconds since 1970: the finest time that a phone writes.
pub type Micros = i64;

/// Microseconds in a second.
pub const SECOND_US: Micros = 1_000_000;

/// How somebody moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// On foot.
    Walk,
    /// On a bicycle.
    Bicycle,
    /// On a bicycle with a motor.
    Ebike,
    /// On a scooter with a motor.
    Scooter,
    /// In a car, driving or not.
    Car,
    /// On a bus.
    Bus,
    /// On a train.
    Train,
    /// In an aeroplane.
    Air,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 8] =
        [Self::Walk, Self::Bicycle, Self::Ebike, Self::Scooter, Self::Car, Self::Bus, Self::Train, Self::Air];

    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Walk => "walk",
            Self::Bicycle => "bicycle",
            Self::Ebike => "ebike",
            Self::Scooter => "scooter",
            Self::Car => "car",
            Self::Bus => "bus",
            Self::Train => "train",
            Self::Air => "air",
        }
    }
}

/// What somebody goes somewhere for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Where they live.
    Home,
    /// Where they work.
    Work,
    /// Where they learn.
    School,
    /// To buy something.
    Shop,
    /// To eat or drink.
    Meal,
    /// What has to be done: the doctor, the office, the bank.
    Errand,
    /// To do something for its own sake.
    Leisure,
    /// To see somebody.
    Social,
    /// To take somebody along or fetch them.
    Escort,
    /// Where they sleep while away.
    Lodging,
    /// To take an aeroplane.
    Airport,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 11] = [
        Self::Home,
        Self::Work,
        Self::School,
        Self::Shop,
        Self::Meal,
        Self::Errand,
        Self::Leisure,
        Self::Social,
        Self::Escort,
        Self::Lodging,
        Self::Airport,
    ];

    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Work => "work",
            Self::School => "school",
            Self::Shop => "shop",
            Self::Meal => "meal",
            Self::Errand => "errand",
            Self::Leisure => "leisure",
            Self::Social => "social",
            Self::Escort => "escort",
            Self::Lodging => "lodging",
            Self::Airport => "airport",
        }
    }
}

/// Which of a region's locales something happened in: 0 is home.
pub type LocaleIndex = u8;

/// A place that a person knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Counted per person from 0, in the order of their first visit; 0 is home.
    pub id: u32,
    /// Where it is.
    pub at: Point,
    /// In which locale.
    pub locale: LocaleIndex,
    /// The node of the road network that it is reached from.
    pub node: u32,
    /// What the person goes there for.
    pub purpose: Purpose,
}

/// Time spent at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The place's id.
    pub place: u32,
    /// What for.
    pub purpose: Purpose,
    /// When it began; at the start of the study for the first one.
    pub arrive_us: Micros,
    /// When it ended; at the end of the study for the last one.
    pub depart_us: Micros,
}

/// A movement from one place to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    /// Counted per person from 0.
    pub id: u32,
    /// The id of the place it starts at.
    pub from: u32,
    /// The id of the place it ends at.
    pub to: u32,
    /// When it began.
    pub depart_us: Micros,
    /// When it ended.
    pub arrive_us: Micros,
    /// The mode of the longest section.
    pub mode: Mode,
    /// What for.
    pub purpose: Purpose,
    /// Along its path.
    pub distance_m: f64,
    /// Its parts of one mode each, in order.
    pub sections: Vec<Section>,
    /// Write times of the first and the last filtered location that a phone recorded of it; none when it recorded nothing.
    pub sensed_us: Option<(Micros, Micros)>,
    /// How many filtered locations the phone recorded of it.
    pub fixes: u32,
    /// Whether a pipeline is meant to find it as one trip: see [`crate::phone`].
    pub expected_segmented: bool,
}

/// A part of a trip in one mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    /// How.
    pub mode: Mode,
    /// When it began.
    pub start_us: Micros,
    /// When it ended.
    pub end_us: Micros,
    /// Along its path.
    pub distance_m: f64,
}

/// What goes wrong with phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The exit from the geofence was not noticed at all: the trip is missing.
    MissedExit,
    /// The exit was noticed late: a gap at the start of the trip.
    LateExit,
    /// The exit was noticed though nobody moved.
    SpuriousExit,
    /// A burst of exits within seconds.
    ExitBurst,
    /// The system killed the app; nothing until the next trip, or until somebody opens it.
    Killed,
    /// Points come bunched, with a straight line between.
    Bunched,
    /// No fixes for a while in the middle of a trip.
    Gap,
    /// A few fixes far from the truth, and back.
    Outlier,
    /// Fixes from the cell network with an accuracy of kilometres.
    CellFix,
    /// The same fix again.
    RepeatedFix,
    /// The phone was started anew.
    Reboot,
    /// An upload whose answer was lost: sent again.
    Unanswered,
    /// No network at the time of a sync.
    Unreachable,
    /// What belongs to one upload came in two.
    SplitUpload,
    /// Entries were written long after they were measured.
    LateWrite,
    /// All entries of a trip have one write time.
    EqualWriteTimes,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 16] = [
        Self::MissedExit,
        Self::LateExit,
        Self::SpuriousExit,
        Self::ExitBurst,
        Self::Killed,
        Self::Bunched,
        Self::Gap,
        Self::Outlier,
        Self::CellFix,
        Self::RepeatedFix,
        Self::Reboot,
        Self::Unanswered,
        Self::Unreachable,
        Self::SplitUpload,
        Self::LateWrite,
        Self::EqualWriteTimes,
    ];

    /// The name in files, flags and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissedExit => "missed_exit",
            Self::LateExit => "late_exit",
            Self::SpuriousExit => "spurious_exit",
            Self::ExitBurst => "exit_burst",
            Self::Killed => "killed",
            Self::Bunched => "bunched",
            Self::Gap => "gap",
            Self::Outlier => "outlier",
            Self::CellFix => "cell_fix",
            Self::RepeatedFix => "repeated_fix",
            Self::Reboot => "reboot",
            Self::Unanswered => "unanswered",
            Self::Unreachable => "unreachable",
            Self::SplitUpload => "split_upload",
            Self::LateWrite => "late_write",
            Self::EqualWriteTimes => "equal_write_times",
        }
    }
}

/// Something that went wrong, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub fault: Fault,
    /// When it began.
    pub start_us: Micros,
    /// When it was over.
    pub end_us: Micros,
}
