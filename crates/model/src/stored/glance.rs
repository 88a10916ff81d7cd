//! A quick look at an entry in phone form: the few fields that a pipeline reads, wherever they stand.
//!
//! Nothing is decided here. What is in any way out of the ordinary is not seen, and is read as an
//! [`Entry`](crate::entry::Entry), by whose rules [`observe`](super::observe::observe) judges it.

use crate::arrival::MILLISECONDS_FROM;
use crate::entry::{Platform, key};
use crate::local_date::zone;
use crate::stored::observe::{Fix, INPUT_KEYS, Motion, Observed, Transition, time};
use crate::stored::{codes, format};

/// A field that is looked at; [`PATHS`] has its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `metadata.key`
    Key,
    /// `metadata.type`
    Kind,
    /// `metadata.platform`
    Platform,
    /// `metadata.write_ts`
    WriteTs,
    /// `metadata.time_zone`
    TimeZone,
    /// `data.ts`
    Ts,
    /// `data.latitude`
    Latitude,
    /// `data.longitude`
    Longitude,
    /// `data.altitude`
    Altitude,
    /// `data.bearing`
    Bearing,
    /// `data.filter`
    Filter,
    /// `data.type`
    Activity,
    /// `data.confidence`
    Confidence,
    /// `data.stationary`
    Stationary,
    /// `data.walking`
    Walking,
    /// `data.running`
    Running,
    /// `data.automotive`
    Automotive,
    /// `data.cycling`
    Cycling,
    /// `data.unknown`
    Unknown,
    /// `data.currState`
    CurrState,
    /// `data.transition`
    Transition,
}

/// The paths of the fields, in their order.
pub const PATHS: [&str; 21] = [
    "metadata.key",
    "metadata.type",
    "metadata.platform",
    "metadata.write_ts",
    "metadata.time_zone",
    "data.ts",
    "data.latitude",
    "data.longitude",
    "data.altitude",
    "data.bearing",
    "data.filter",
    "data.type",
    "data.confidence",
    "data.stationary",
    "data.walking",
    "data.running",
    "data.automotive",
    "data.cycling",
    "data.unknown",
    "data.currState",
    "data.transition",
];

/// What stands in a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leaf<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(&'a str),
    /// Something else.
    Other,
}

/// An entry that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Glance<F> {
    /// What stands in a field; `None` when there is none.
    look: F,
}

impl<'a, F: Fn(Field) -> Option<Leaf<'a>>> Glance<F> {
    /// At an entry in whose fields `look` finds what stands there.
    pub fn new(look: F) -> Self {
        Self { look }
    }

    /// What the entry says to a pipeline; `None` when only the whole entry tells.
    pub fn observe(&self) -> Option<Observed> {
        self.text(Field::Kind)?;
        let key = self.text(Field::Key)?;
        let platform = platform(self.text(Field::Platform)?)?;
        let write_ts = self.number(Field::WriteTs)?;
        let zone_name = self.text(Field::TimeZone)?;
        let read = match (key, &platform) {
            (key::FILTERED_LOCATION, _) => Self::fix,
            (key::MOTION_ACTIVITY | key::ACTIVITY, Platform::Android) => Self::android_motion,
            (key::MOTION_ACTIVITY, _) => Self::ios_motion,
            (key::TRANSITION, _) => Self::transition,
            (key::ACTIVITY, _) => return None,
            (name, _) if INPUT_KEYS.contains(&name) => return None,
            _ => return Some(Observed::Nothing),
        };
        let write_s = seconds(write_ts)?;
        let zone = zone(zone_name)?;
        let now = Now { write_s, zone, platform };
        read(self, now)
    }

    fn fix(&self, now: Now) -> Option<Observed> {
        self.number(Field::Bearing)?;
        let filter = match self.leaf(Field::Filter) {
            None | Some(Leaf::Null) => None,
            // One that is copied for every fix costs more than looking at it.
            Some(Leaf::Text("time")) => Some("time".into()),
            Some(Leaf::Text("distance")) => Some("distance".into()),
            Some(Leaf::Text(filter)) => Some(filter.to_owned().into()),
            Some(_) => return None,
        };
        let altitude = match self.leaf(Field::Altitude) {
            None | Some(Leaf::Null) => None,
            Some(_) => Some(self.number(Field::Altitude)?),
        };
        Some(Observed::Fix(Fix {
            ts: seconds(self.number(Field::Ts)?)?,
            write_ts: now.write_s,
            latitude: self.number(Field::Latitude)?,
            longitude: self.number(Field::Longitude)?,
            altitude,
            filter,
            zone: now.zone,
        }))
    }

    fn android_motion(&self, _: Now) -> Option<Observed> {
        let Some(Leaf::Int(activity)) = self.leaf(Field::Activity) else { return None };
        Some(Observed::Motion(Motion {
            ts: seconds(self.number(Field::Ts)?)?,
            activity: Some(activity).filter(|activity| codes::is_activity(*activity))?,
            confidence: self.number(Field::Confidence)?,
            is_ios: false,
        }))
    }

    fn ios_motion(&self, now: Now) -> Option<Observed> {
        self.number(Field::Ts)?;
        let flags = format::IosFlags {
            stationary: self.flag(Field::Stationary)?,
            walking: self.flag(Field::Walking)?,
            running: self.flag(Field::Running)?,
            automotive: self.flag(Field::Automotive)?,
            cycling: self.flag(Field::Cycling)?,
            unknown: self.flag(Field::Unknown)?,
        };
        let (activity, per_cent) = format::ios_activity(flags, self.text(Field::Confidence)?).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "50, 75 or 100")]
        Some(Observed::Motion(Motion { ts: now.write_s, activity, confidence: per_cent as f64, is_ios: true }))
    }

    fn transition(&self, now: Now) -> Option<Observed> {
        self.number(Field::Ts)?;
        // It must be there even if it says nothing.
        let transition = match self.leaf(Field::Transition)? {
            Leaf::Null => None,
            Leaf::Text(transition) => Some(transition),
            _ => return None,
        };
        let state = self.text(Field::CurrState)?;
        let (state, transition) = format::step_numbers(state, transition, &now.platform).ok()?;
        Some(Observed::Transition(Transition { ts: now.write_s, state, transition }))
    }

    fn leaf(&self, field: Field) -> Option<Leaf<'a>> {
        (self.look)(field)
    }

    fn text(&self, field: Field) -> Option<&'a str> {
        if let Some(Leaf::Text(text)) = self.leaf(field) { Some(text) } else { None }
    }

    fn number(&self, field: Field) -> Option<f64> {
        match self.leaf(field)? {
            #[expect(clippy::cast_precision_loss, reason = "as JSON numbers are read")]
            Leaf::Int(int) => Some(int as f64),
            Leaf::Float(float) => Some(float),
            _ => None,
        }
    }

    fn flag(&self, field: Field) -> Option<bool> {
        if let Some(Leaf::Bool(flag)) = self.leaf(field) { Some(flag) } else { None }
    }
}

/// What the metadata say.
struct Now {
    write_s: f64,
    zone: jiff::tz::TimeZone,
    platform: Platform,
}

/// A time that needs no correction.
fn seconds(stamp: f64) -> Option<f64> {
    time("", stamp).ok().filter(|stamp| *stamp < MILLISECONDS_FROM)
}

fn platform(name: &str) -> Option<Platform> {
    match name {
        "android" => Some(Platform::Android),
        "ios" => Some(Platform::Ios),
        _ => None,
    }
}
