//! A quick look at an entry in phone form: as much of it as a pipeline reads, borrowed from where it stands.
//!
//! Nothing is decided here. What is in any way out of the ordinary is no glance, and is read as an
//! [`Entry`](crate::entry::Entry), by whose rules [`observe`](super::observe::observe) judges it.

use serde::Deserialize;

use crate::arrival::MILLISECONDS_FROM;
use crate::entry::{Platform, key};
use crate::local_date::zone;
use crate::stored::observe::{Fix, INPUT_KEYS, Motion, Observed, Transition, time};
use crate::stored::{codes, format};

/// An entry of which some fields can be read without the others.
pub trait Fields<'a> {
    /// The fields with these paths (`data.ts`), as the items of a list would be read; `None` when one of them is not there,
    /// is not a plain value, or the list is no `T`.
    fn pick<T: Deserialize<'a>>(&self, fields: &'static [&'static str]) -> Option<T>;
}

/// What an entry says to a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Glance {
    /// When the phone wrote it, in seconds since 1970.
    pub write_ts: f64,
    /// What it says.
    pub observed: Observed,
}

impl Glance {
    /// Looks at an entry in phone form; `None` when only the whole entry tells.
    pub fn of<'a>(entry: &impl Fields<'a>) -> Option<Self> {
        let metadata: Metadata<'a> = entry.pick(&METADATA)?;
        let observed = match (metadata.key, named(metadata.platform)?) {
            (key::FILTERED_LOCATION, _) => Observed::Fix(entry.pick::<Location<'_>>(&LOCATION)?.fix(&metadata)?),
            (key::MOTION_ACTIVITY | key::ACTIVITY, Platform::Android) => {
                Observed::Motion(entry.pick::<AndroidMotion>(&ANDROID_MOTION)?.motion(&metadata)?)
            }
            (key::MOTION_ACTIVITY, _) => Observed::Motion(entry.pick::<IosMotion<'_>>(&IOS_MOTION)?.motion(&metadata)?),
            (key::TRANSITION, platform) => {
                Observed::Transition(entry.pick::<Step<'_>>(&STEP)?.transition(&metadata, &platform)?)
            }
            (name, _) if name == key::ACTIVITY || INPUT_KEYS.contains(&name) => return None,
            _ => Observed::Nothing,
        };
        Some(Self { write_ts: metadata.write_ts, observed })
    }
}

const METADATA: [&str; 5] =
    ["metadata.key", "metadata.type", "metadata.platform", "metadata.write_ts", "metadata.time_zone"];

#[derive(Deserialize)]
struct Metadata<'a> {
    key: &'a str,
    _kind: &'a str,
    platform: &'a str,
    write_ts: f64,
    time_zone: &'a str,
}

const LOCATION: [&str; 6] =
    ["data.latitude", "data.longitude", "data.ts", "data.altitude", "data.bearing", "data.filter"];

#[derive(Deserialize)]
struct Location<'a> {
    latitude: f64,
    longitude: f64,
    ts: f64,
    altitude: Option<f64>,
    _bearing: f64,
    #[serde(borrow)]
    filter: Option<&'a str>,
}

impl Location<'_> {
    fn fix(&self, metadata: &Metadata<'_>) -> Option<Fix> {
        Some(Fix {
            ts: seconds(self.ts)?,
            write_ts: seconds(metadata.write_ts)?,
            latitude: self.latitude,
            longitude: self.longitude,
            altitude: self.altitude,
            filter: self.filter.map(str::to_owned),
            zone: zone(metadata.time_zone)?,
        })
    }
}

const ANDROID_MOTION: [&str; 3] = ["data.ts", "data.type", "data.confidence"];

#[derive(Deserialize)]
struct AndroidMotion {
    ts: f64,
    activity: i64,
    confidence: f64,
}

impl AndroidMotion {
    fn motion(&self, metadata: &Metadata<'_>) -> Option<Motion> {
        is_in_order(metadata)?;
        let activity = Some(self.activity).filter(|activity| codes::is_activity(*activity))?;
        Some(Motion { ts: seconds(self.ts)?, activity, confidence: self.confidence, is_ios: false })
    }
}

const IOS_MOTION: [&str; 8] = [
    "data.ts",
    "data.confidence",
    "data.stationary",
    "data.walking",
    "data.running",
    "data.automotive",
    "data.cycling",
    "data.unknown",
];

#[derive(Deserialize)]
struct IosMotion<'a> {
    _ts: f64,
    confidence: &'a str,
    stationary: bool,
    walking: bool,
    running: bool,
    automotive: bool,
    cycling: bool,
    unknown: bool,
}

impl IosMotion<'_> {
    fn motion(&self, metadata: &Metadata<'_>) -> Option<Motion> {
        is_in_order(metadata)?;
        let Self { stationary, automotive, walking, running, cycling, unknown, .. } = *self;
        let flags = format::IosFlags { stationary, automotive, walking, running, cycling, unknown };
        let (activity, per_cent) = format::ios_activity(flags, self.confidence).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "50, 75 or 100")]
        Some(Motion { ts: metadata.write_ts, activity, confidence: per_cent as f64, is_ios: true })
    }
}

const STEP: [&str; 3] = ["data.currState", "data.transition", "data.ts"];

#[derive(Deserialize)]
struct Step<'a> {
    state: &'a str,
    #[serde(borrow)]
    transition: Option<&'a str>,
    _ts: f64,
}

impl Step<'_> {
    fn transition(&self, metadata: &Metadata<'_>, platform: &Platform) -> Option<Transition> {
        is_in_order(metadata)?;
        let (state, transition) = format::step_numbers(self.state, self.transition, platform).ok()?;
        Some(Transition { ts: metadata.write_ts, state, transition })
    }
}

/// Whether the formatters would take these metadata as they are.
fn is_in_order(metadata: &Metadata<'_>) -> Option<()> {
    seconds(metadata.write_ts)?;
    zone(metadata.time_zone).map(drop)
}

/// A time that needs no correction.
fn seconds(stamp: f64) -> Option<f64> {
    time("", stamp).ok().filter(|stamp| *stamp < MILLISECONDS_FROM)
}

fn named(platform: &str) -> Option<Platform> {
    match platform {
        "android" => Some(Platform::Android),
        "ios" => Some(Platform::Ios),
        _ => None,
    }
}
