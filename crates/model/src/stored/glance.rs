//! A quick look at an entry in phone form: as much of it as a pipeline reads, borrowed from where it stands.
//!
//! Nothing is decided here. What is in any way out of the ordinary is no glance, and is read as an
//! [`Entry`](crate::entry::Entry), by whose rules [`observe`](super::observe::observe) judges it.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::arrival::MILLISECONDS_FROM;
use crate::entry::{Platform, key};
use crate::local_date::zone;
use crate::stored::observe::{Fix, INPUT_KEYS, Motion, Observed, Transition, time};
use crate::stored::{codes, format};
use crate::strict::Strict;

/// What a pipeline reads of an entry.
#[derive(Debug)]
pub struct Glance<'a> {
    metadata: Metadata<'a>,
    data: Data<'a>,
}

#[derive(Debug, Deserialize)]
struct Metadata<'a> {
    key: &'a str,
    #[serde(rename = "type")]
    _kind: &'a str,
    platform: &'a str,
    write_ts: f64,
    time_zone: &'a str,
}

#[derive(Debug)]
enum Data<'a> {
    Location(Location<'a>),
    AndroidMotion(AndroidMotion),
    IosMotion(IosMotion<'a>),
    Step(Step<'a>),
    /// A pipeline does not read it.
    Unread,
}

#[derive(Debug, Deserialize)]
struct Location<'a> {
    latitude: f64,
    longitude: f64,
    ts: f64,
    altitude: Option<f64>,
    #[serde(rename = "bearing")]
    _bearing: f64,
    #[serde(borrow)]
    filter: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
struct AndroidMotion {
    ts: f64,
    #[serde(rename = "type")]
    activity: i64,
    confidence: f64,
}

#[derive(Debug, Deserialize)]
struct IosMotion<'a> {
    #[serde(rename = "ts")]
    _ts: f64,
    confidence: &'a str,
    stationary: bool,
    walking: bool,
    running: bool,
    automotive: bool,
    cycling: bool,
    unknown: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step<'a> {
    curr_state: &'a str,
    // By name, so that it must be there even if it says nothing.
    #[serde(borrow, deserialize_with = "Option::deserialize")]
    transition: Option<&'a str>,
    #[serde(rename = "ts")]
    _ts: f64,
}

impl Glance<'_> {
    /// When the phone wrote the entry, in seconds since 1970.
    pub fn write_s(&self) -> f64 {
        self.metadata.write_ts
    }

    /// What the entry says to a pipeline; `None` when only the whole entry tells.
    pub fn observe(&self) -> Option<Observed> {
        let Metadata { platform, write_ts, time_zone, .. } = self.metadata;
        if matches!(self.data, Data::Unread) {
            return Some(Observed::Nothing);
        }
        let write_ts = seconds(write_ts)?;
        let zone = zone(time_zone)?;
        Some(match &self.data {
            Data::Unread => Observed::Nothing,
            Data::Location(location) => Observed::Fix(Fix {
                ts: seconds(location.ts)?,
                write_ts,
                latitude: location.latitude,
                longitude: location.longitude,
                altitude: location.altitude,
                filter: location.filter.map(str::to_owned),
                zone,
            }),
            Data::AndroidMotion(motion) => {
                let activity = Some(motion.activity).filter(|activity| codes::is_activity(*activity))?;
                Observed::Motion(Motion {
                    ts: seconds(motion.ts)?,
                    activity,
                    confidence: motion.confidence,
                    is_ios: false,
                })
            }
            Data::IosMotion(motion) => {
                let IosMotion { stationary, automotive, walking, running, cycling, unknown, .. } = *motion;
                let flags = format::IosFlags { stationary, automotive, walking, running, cycling, unknown };
                let (activity, per_cent) = format::ios_activity(flags, motion.confidence).ok()?;
                #[expect(clippy::cast_precision_loss, reason = "50, 75 or 100")]
                Observed::Motion(Motion { ts: write_ts, activity, confidence: per_cent as f64, is_ios: true })
            }
            Data::Step(step) => {
                let platform = named(platform)?;
                let (state, transition) = format::step_numbers(step.curr_state, step.transition, &platform).ok()?;
                Observed::Transition(Transition { ts: write_ts, state, transition })
            }
        })
    }
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

impl<'de: 'a, 'a> Deserialize<'de> for Glance<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GlanceVisitor)
    }
}

struct GlanceVisitor;

impl<'de> Visitor<'de> for GlanceVisitor {
    type Value = Glance<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry whose metadata come first")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Glance<'de>, A::Error> {
        let (mut metadata, mut data) = (None, None);
        while let Some(name) = fields.next_key::<&str>()? {
            match (name, &metadata) {
                ("metadata", None) => metadata = Some(fields.next_value::<Strict<Metadata<'_>>>()?.0),
                ("data", Some(metadata)) if data.is_none() => data = Some(fields.next_value_seed(DataOf(metadata))?),
                ("metadata" | "data", _) => return Err(A::Error::custom("not in order")),
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        let missing = || A::Error::custom("no entry");
        Ok(Glance { metadata: metadata.ok_or_else(missing)?, data: data.ok_or_else(missing)? })
    }
}

/// Reads the data of an entry with these metadata.
struct DataOf<'a, 'b>(&'b Metadata<'a>);

impl<'de> DeserializeSeed<'de> for DataOf<'_, '_> {
    type Value = Data<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data<'de>, D::Error> {
        let platform = named(self.0.platform).ok_or_else(|| D::Error::custom("another platform"))?;
        Ok(match (self.0.key, platform) {
            (key::FILTERED_LOCATION, _) => Data::Location(Strict::deserialize(deserializer)?.0),
            (key::MOTION_ACTIVITY | key::ACTIVITY, Platform::Android) => {
                Data::AndroidMotion(Strict::deserialize(deserializer)?.0)
            }
            (key::MOTION_ACTIVITY, _) => Data::IosMotion(Strict::deserialize(deserializer)?.0),
            (key::TRANSITION, _) => Data::Step(Strict::deserialize(deserializer)?.0),
            (name, _) if name == key::ACTIVITY || INPUT_KEYS.contains(&name) => {
                return Err(D::Error::custom("to be read as a whole"));
            }
            _ => {
                IgnoredAny::deserialize(deserializer)?;
                Data::Unread
            }
        })
    }
}
