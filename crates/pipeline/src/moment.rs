//! When something is, and when and where together.

use std::fmt;

use jiff::tz::TimeZone;
use rushhour_model::local_date::zone;
use serde::{Deserialize, Serialize};

use crate::position::Position;

/// A phone's time zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Zone(TimeZone);

impl Zone {
    /// The IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The zone's rules.
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }
}

impl From<TimeZone> for Zone {
    fn from(zone: TimeZone) -> Self {
        Self(zone)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

/// No zone has this name.
#[derive(Debug)]
pub struct NoZone(String);

impl fmt::Display for NoZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not an IANA time zone", self.0)
    }
}

impl TryFrom<String> for Zone {
    type Error = NoZone;

    fn try_from(name: String) -> Result<Self, NoZone> {
        zone(&name).map(Self).ok_or(NoZone(name))
    }
}

/// By name: the rules follow from it.
impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

/// A time in a zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Seconds since 1970.
    pub ts: f64,
    /// The time that is shown for it, in seconds since 1970. The start of untracked time is shown 5 s early, as by the
    /// original; everywhere else it is `ts`.
    pub shown_ts: f64,
    /// Where the phone thought it was.
    pub zone: Zone,
}

/// When and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spot {
    /// When.
    pub moment: Moment,
    /// Where.
    pub at: Position,
}

impl Spot {
    /// A spot that is shown at its own time.
    pub fn new(ts: f64, zone: Zone, at: Position) -> Self {
        Self { moment: Moment { ts, shown_ts: ts, zone }, at }
    }

    /// When, in seconds since 1970.
    pub fn ts(&self) -> f64 {
        self.moment.ts
    }
}
