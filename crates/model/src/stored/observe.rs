//! What a pipeline reads from an entry, in either form, without formatting the whole of it.
//!
//! The rules are those of the formatters: what they refuse is refused here too.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::arrival::in_seconds;
use crate::entry::{Data, Entry, Platform, key, seconds};
use crate::local_date::zone;
use crate::record::Object;
use crate::stored::format::{self, IosFlags, Refusal, Rule};
use crate::stored::{StoredEntry, to_stored};

/// 0001-01-02 and 9999-12-30, a day inside what the calendar holds, so that every zone can show the time.
const YEAR_1_S: f64 = -62_135_510_400.0;
const YEAR_10000_S: f64 = 253_402_128_000.0;

/// What an entry says to a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Observed {
    /// A fix that passed the phone's accuracy filter.
    Fix(Fix),
    /// What the activity recogniser said.
    Motion(Motion),
    /// A step of the trip state machine.
    Transition(Transition),
    /// What a person said about a trip or a place, in stored form.
    Input(Box<StoredEntry>),
    /// Nothing: a pipeline does not read this key.
    Nothing,
}

/// A fix.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// When it was taken, in seconds since 1970.
    pub ts: f64,
    /// When the phone wrote it, in seconds since 1970.
    pub write_ts: f64,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Metres.
    pub altitude: Option<f64>,
    /// Which sampling rule took it.
    pub filter: Option<Cow<'static, str>>,
    /// The phone's zone.
    pub zone: TimeZone,
}

/// A motion activity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// When, in seconds since 1970.
    pub ts: f64,
    /// A `MotionTypes` number.
    pub activity: i64,
    /// Per cent.
    pub confidence: f64,
    /// Whether iOS said it, which is surer of itself.
    pub is_ios: bool,
}

/// A transition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// When, in seconds since 1970.
    pub ts: f64,
    /// The number of the state before it.
    pub state: i64,
    /// The number of the transition.
    pub transition: Option<i64>,
}

/// Reads an entry as a phone sends it.
///
/// # Errors
/// With the rule of the formatters that the entry breaks, for the keys that are read.
pub fn observe(entry: Entry) -> Result<Observed, Refusal> {
    let read = match entry.metadata.key.as_str() {
        key::FILTERED_LOCATION | key::MOTION_ACTIVITY | key::ACTIVITY | key::TRANSITION => sensed,
        name if is_input(name) => |entry| to_stored(entry).map(|stored| Observed::Input(Box::new(stored))),
        _ => |_| Ok(Observed::Nothing),
    };
    read(entry)
}

/// The keys of what people say about trips and places.
pub const INPUT_KEYS: [&str; 6] = [
    key::MODE_CONFIRM,
    key::PURPOSE_CONFIRM,
    key::REPLACED_MODE,
    key::TRIP_USER_INPUT,
    key::TRIP_ADDITION_INPUT,
    key::PLACE_ADDITION_INPUT,
];

fn is_input(name: &str) -> bool {
    INPUT_KEYS.contains(&name)
}

fn sensed(entry: Entry) -> Result<Observed, Refusal> {
    let Entry { mut metadata, data, .. } = entry;
    let platform = format::platform(&metadata)?;
    metadata.write_ts = in_seconds(&metadata.write_ts);
    let rule = Rule::of(&metadata, &platform)?;
    let zone = rule.zone(&mut metadata)?;
    let write_ts = time("metadata.write_ts", seconds(&metadata.write_ts))?;
    Ok(match (rule, data) {
        (Rule::Location, Data::Location(location)) => {
            location.bearing.as_ref().ok_or(Refusal::Field("bearing"))?;
            Observed::Fix(Fix {
                ts: time("data.ts", seconds(&in_seconds(&location.ts)))?,
                write_ts,
                latitude: seconds(&location.latitude),
                longitude: seconds(&location.longitude),
                altitude: location.altitude.as_ref().map(seconds),
                filter: location.filter.map(Cow::Owned),
                zone,
            })
        }
        (Rule::Motion, Data::AndroidMotion(motion)) => {
            let (activity, confidence) = format::android_activity(&motion)?;
            let activity = activity.as_i64().ok_or(Refusal::Field("type"))?;
            let ts = time("data.ts", seconds(&in_seconds(&motion.ts)))?;
            Observed::Motion(Motion { ts, activity, confidence: seconds(confidence), is_ios: false })
        }
        (Rule::Motion, Data::IosMotion(motion)) => {
            let (activity, per_cent) = format::ios_activity(IosFlags::of(&motion), &motion.confidence)?;
            #[expect(clippy::cast_precision_loss, reason = "50, 75 or 100")]
            Observed::Motion(Motion { ts: write_ts, activity, confidence: per_cent as f64, is_ios: true })
        }
        (Rule::Transition, Data::Transition(step)) => {
            let (state, transition) = format::step_numbers(&step.curr_state, step.transition.0.as_deref(), &platform)?;
            Observed::Transition(Transition { ts: write_ts, state, transition })
        }
        (rule, data) => {
            data.into_object().ok_or(Refusal::Data)?;
            return Err(Refusal::Field(rule.key_field()));
        }
    })
}

/// Reads an entry as a server keeps it.
///
/// # Errors
/// When a field that is read is missing or of another type.
pub fn observe_stored(entry: StoredEntry) -> Result<Observed, Refusal> {
    let name = entry.metadata.key.as_str();
    if is_input(name) {
        return Ok(Observed::Input(Box::new(entry)));
    }
    let data = &entry.data;
    let write_ts = time("metadata.write_ts", seconds(&entry.metadata.write_ts))?;
    Ok(match name {
        key::FILTERED_LOCATION => {
            let name = entry.metadata.time_zone.clone().ok_or(Refusal::ZoneMissing)?;
            Observed::Fix(Fix {
                ts: time("data.ts", number(data, "ts")?)?,
                write_ts,
                latitude: number(data, "latitude")?,
                longitude: number(data, "longitude")?,
                altitude: data.get("altitude").and_then(Value::as_f64),
                filter: data.get("filter").and_then(Value::as_str).map(|filter| Cow::Owned(filter.to_owned())),
                zone: zone(&name).ok_or(Refusal::Zone(name))?,
            })
        }
        key::MOTION_ACTIVITY => Observed::Motion(Motion {
            ts: time("data.ts", number(data, "ts")?)?,
            activity: whole(data, "type")?,
            confidence: number(data, "confidence")?,
            is_ios: entry.metadata.platform == Some(Platform::Ios),
        }),
        key::TRANSITION => Observed::Transition(Transition {
            ts: write_ts,
            state: whole(data, "curr_state")?,
            transition: data.get("transition").and_then(Value::as_i64),
        }),
        _ => Observed::Nothing,
    })
}

fn number(data: &Object, field: &'static str) -> Result<f64, Refusal> {
    data.get(field).and_then(Value::as_f64).ok_or(Refusal::Field(field))
}

fn whole(data: &Object, field: &'static str) -> Result<i64, Refusal> {
    data.get(field).and_then(Value::as_i64).ok_or(Refusal::Field(field))
}

/// A time that the calendar of the stored form can hold.
pub(super) fn time(field: &'static str, seconds: f64) -> Result<f64, Refusal> {
    let is_held = (YEAR_1_S..YEAR_10000_S).contains(&seconds);
    is_held.then_some(seconds).ok_or_else(|| Refusal::Time { field, seconds: seconds.to_string() })
}
