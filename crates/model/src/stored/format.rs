//! Phone form to stored form, by the rules of the original's formatters: one for each platform and key.

use jiff::tz::TimeZone;
use serde_json::{Number, Value, json};

use crate::arrival;
use crate::entry::{Data, Entry, Metadata, Platform, key, seconds};
use crate::local_date::{LocalDate, local_time, zone};
use crate::record::{Field, Object};
use crate::sensed::{AndroidMotion, IosMotion, Transition};
use crate::stored::{StoredEntry, StoredMetadata, codes};

/// The zone that the original takes where it has none (`America/Los_Angeles`).
const DEFAULT_ZONE: &str = "America/Los_Angeles";

/// Why the original cannot format an entry: it would go to its error collection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no formatter for the platform.
    #[error("`metadata.platform` is {0}; there are formatters for android and ios")]
    Platform(String),
    /// There is no formatter for the key on the platform.
    #[error("`metadata.key`: there is no formatter for {key} on {platform}")]
    Key {
        /// The key.
        key: String,
        /// The platform.
        platform: String,
    },
    /// The zone is missing where nothing replaces it.
    #[error("`metadata.time_zone` is missing")]
    ZoneMissing,
    /// The zone is not in the IANA database.
    #[error("`metadata.time_zone`: {0} is not an IANA time zone")]
    Zone(String),
    /// A time that the original's dates cannot hold.
    #[error("`{field}`: {seconds} is not a time between the years 1 and 9999")]
    Time {
        /// Where.
        field: &'static str,
        /// What stands there.
        seconds: String,
    },
    /// There is nothing to format.
    #[error("`data` is not an object")]
    Data,
    /// A field that the formatter reads is missing, or of another type.
    #[error("`data.{0}` is missing, or of another type than the formatter reads")]
    Field(&'static str),
    /// A word or number that has no code.
    #[error("`data.{field}`: {value} has no code in the stored form")]
    Code {
        /// Where.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// iOS set two flags that do not go together.
    #[error("`data`: the flags {0} are set together")]
    Flags(String),
}

/// The stored form of `entry`, without id and user.
///
/// # Errors
/// With the rule that the entry breaks.
pub fn to_stored(entry: Entry) -> Result<StoredEntry, Refusal> {
    let Entry { mut metadata, data, extra } = entry;
    let platform = platform(&metadata)?;
    metadata.write_ts = arrival::in_seconds(&metadata.write_ts);
    let rule = Rule::of(&metadata, &platform)?;
    let zone = rule.zone(&mut metadata)?;
    let written = Stamp::at("metadata.write_ts", &metadata.write_ts, &zone)?;
    if metadata.key == key::ACTIVITY {
        key::MOTION_ACTIVITY.clone_into(&mut metadata.key);
    }
    let data = rule.data(data, &platform, &metadata.write_ts, &written, &zone)?;
    Ok(StoredEntry { id: None, user: None, metadata: stored(metadata, written), data, extra })
}

/// The platform, if there are formatters for it.
pub(super) fn platform(metadata: &Metadata) -> Result<Platform, Refusal> {
    match &metadata.platform {
        Some(platform @ (Platform::Android | Platform::Ios)) => Ok(platform.clone()),
        other => Err(Refusal::Platform(other.as_ref().map_or("missing", Platform::name).to_owned())),
    }
}

fn stored(metadata: Metadata, written: Stamp) -> StoredMetadata {
    StoredMetadata {
        key: metadata.key,
        platform: metadata.platform,
        kind: Some(metadata.kind),
        write_ts: metadata.write_ts,
        read_ts: metadata.read_ts,
        time_zone: metadata.time_zone,
        plugin: metadata.plugin,
        origin_key: None,
        write_local_dt: written.date,
        write_fmt_time: written.text,
        extra: metadata.extra,
    }
}

/// A time in its zone.
#[derive(Clone, Debug)]
struct Stamp {
    date: LocalDate,
    text: String,
}

impl Stamp {
    fn at(field: &'static str, stamp: &Number, zone: &TimeZone) -> Result<Self, Refusal> {
        let (date, text) =
            local_time(seconds(stamp), zone).ok_or_else(|| Refusal::Time { field, seconds: stamp.to_string() })?;
        Ok(Self { date, text })
    }

    /// Adds the two fields, whose names start with `prefix`.
    fn insert(self, data: &mut Object, prefix: &str) {
        data.insert(format!("{prefix}local_dt"), self.date.into_value());
        data.insert(format!("{prefix}fmt_time"), self.text.into());
    }
}

/// What is done to an entry: the formatters, each for the keys that share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Location,
    Motion,
    Transition,
    Battery,
    Bluetooth,
    /// Kept unchanged but for dots in names.
    Stat,
    /// Kept unchanged.
    Config,
    /// Kept, with its own `ts` in its zone.
    Stamped,
    /// Kept, with start and end in its zone.
    Spanned,
}

impl Rule {
    pub(super) fn of(metadata: &Metadata, platform: &Platform) -> Result<Self, Refusal> {
        Ok(match metadata.key.as_str() {
            key::LOCATION | key::FILTERED_LOCATION => Self::Location,
            key::MOTION_ACTIVITY => Self::Motion,
            key::ACTIVITY if *platform == Platform::Android => Self::Motion,
            key::TRANSITION => Self::Transition,
            key::BATTERY => Self::Battery,
            key::BLUETOOTH => Self::Bluetooth,
            key::CLIENT_TIME | key::CLIENT_NAV_EVENT | key::CLIENT_ERROR => Self::Stat,
            key::SENSOR_CONFIG | key::SYNC_CONFIG | key::CONSENT => Self::Config,
            key::APP_UI_CONFIG | key::DEMOGRAPHIC_SURVEY => Self::Stamped,
            key::MODE_CONFIRM | key::PURPOSE_CONFIRM | key::REPLACED_MODE => Self::Spanned,
            key::TRIP_USER_INPUT | key::TRIP_ADDITION_INPUT | key::PLACE_ADDITION_INPUT => Self::Spanned,
            key => return Err(Refusal::Key { key: key.to_owned(), platform: platform.name().to_owned() }),
        })
    }

    /// The zone of the entry's times. Where the original puts its default, so do we.
    pub(super) fn zone(self, metadata: &mut Metadata) -> Result<TimeZone, Refusal> {
        let is_manual = metadata.key.starts_with("manual/");
        let is_android = metadata.platform == Some(Platform::Android);
        let is_sensed = matches!(self, Self::Location | Self::Motion | Self::Transition | Self::Bluetooth);
        let replaces_missing = is_manual || is_android && is_sensed;
        let replaces_unknown = metadata.key.starts_with("config/") || metadata.key.starts_with("stats/");
        let found = metadata.time_zone.as_deref().map(|name| zone(name).ok_or_else(|| name.to_owned()));
        let default = match found {
            Some(Ok(zone)) => return Ok(zone),
            Some(Err(name)) if !replaces_unknown => return Err(Refusal::Zone(name)),
            None if !replaces_missing => return Err(Refusal::ZoneMissing),
            _ => DEFAULT_ZONE,
        };
        metadata.time_zone = Some(default.to_owned());
        zone(default).ok_or(Refusal::ZoneMissing)
    }

    /// The field without which there is nothing to format.
    pub(super) fn key_field(self) -> &'static str {
        match self {
            Self::Location => "latitude",
            Self::Motion => "type",
            _ => "currState",
        }
    }

    fn data(
        self,
        data: Data,
        platform: &Platform,
        write_ts: &Number,
        written: &Stamp,
        zone: &TimeZone,
    ) -> Result<Object, Refusal> {
        let mut object = match (self, data) {
            (Self::Motion, Data::AndroidMotion(motion)) => android_motion(&motion)?,
            (Self::Motion, Data::IosMotion(motion)) => ios_motion(motion, write_ts)?,
            (Self::Transition, Data::Transition(step)) => transition(&step, platform, write_ts)?,
            (_, data) => data.into_object().ok_or(Refusal::Data)?,
        };
        arrival::correct_ts(&mut object);
        match self {
            Self::Location => location(&mut object, zone)?,
            Self::Battery => battery(&mut object, platform, write_ts)?,
            Self::Bluetooth => code(&mut object, "eventType", codes::bluetooth_event)?,
            Self::Stat => object = arrival::undot_object(object),
            Self::Motion if !object.contains_key("type") => return Err(Refusal::Field("type")),
            Self::Transition if !object.contains_key("curr_state") => return Err(Refusal::Field("currState")),
            Self::Stamped => Stamp::at("data.ts", number(&object, "ts")?, zone)?.insert(&mut object, ""),
            Self::Spanned => {
                for (field, name, prefix) in
                    [("start_ts", "data.start_ts", "start_"), ("end_ts", "data.end_ts", "end_")]
                {
                    Stamp::at(name, number(&object, field)?, zone)?.insert(&mut object, prefix);
                }
            }
            Self::Config | Self::Motion | Self::Transition => {}
        }
        if matches!(self, Self::Motion | Self::Transition | Self::Battery | Self::Bluetooth) {
            written.clone().insert(&mut object, "");
        }
        Ok(object)
    }
}

fn number<'a>(object: &'a Object, field: &'static str) -> Result<&'a Number, Refusal> {
    object.get(field).and_then(Value::as_number).ok_or(Refusal::Field(field))
}

/// Replaces the word in `field` by its number.
fn code(object: &mut Object, field: &'static str, table: fn(&str) -> Option<i64>) -> Result<(), Refusal> {
    let word = object.get(field).and_then(Value::as_str).ok_or(Refusal::Field(field))?;
    let number = table(word).ok_or_else(|| Refusal::Code { field, value: word.to_owned() })?;
    object.insert(field.to_owned(), number.into());
    Ok(())
}

fn location(object: &mut Object, zone: &TimeZone) -> Result<(), Refusal> {
    let coordinates = [number(object, "longitude")?, number(object, "latitude")?];
    let loc = json!({"type": "Point", "coordinates": coordinates});
    Stamp::at("data.ts", number(object, "ts")?, zone)?.insert(object, "");
    object.insert("loc".to_owned(), loc);
    let heading = object.shift_remove("bearing").ok_or(Refusal::Field("bearing"))?;
    object.insert("heading".to_owned(), heading);
    Ok(())
}

fn android_motion(motion: &AndroidMotion) -> Result<Object, Refusal> {
    let (activity, confidence) = android_activity(motion)?;
    let fields = [("type", activity), ("confidence", confidence), ("ts", &motion.ts)];
    Ok(fields.map(|(name, number)| (name.to_owned(), Value::Number(number.clone()))).into_iter().collect())
}

/// What Android says: the activity, and how sure it is in per cent.
pub(super) fn android_activity(motion: &AndroidMotion) -> Result<(&Number, &Number), Refusal> {
    let activity = motion.activity().ok_or(Refusal::Field("type"))?;
    if !activity.as_i64().is_some_and(codes::is_activity) {
        return Err(Refusal::Code { field: "type", value: activity.to_string() });
    }
    Ok((activity, motion.confidence().ok_or(Refusal::Field("confidence"))?))
}

fn ios_motion(motion: IosMotion, write_ts: &Number) -> Result<Object, Refusal> {
    let (activity, confidence) = ios_activity(IosFlags::of(&motion), &motion.confidence)?;
    let mut object = crate::record::Record::into_object(motion);
    let level = object.insert("confidence".to_owned(), confidence.into());
    object.extend(level.map(|level| ("confidence_level".to_owned(), level)));
    object.insert("type".to_owned(), activity.into());
    object.insert("ts".to_owned(), write_ts.clone().into());
    Ok(object)
}

/// The flags that iOS sets.
#[expect(clippy::struct_excessive_bools, reason = "iOS has them")]
#[derive(Clone, Copy, Debug)]
pub(super) struct IosFlags {
    pub(super) stationary: bool,
    pub(super) automotive: bool,
    pub(super) walking: bool,
    pub(super) running: bool,
    pub(super) cycling: bool,
    pub(super) unknown: bool,
}

impl IosFlags {
    pub(super) fn of(motion: &IosMotion) -> Self {
        let IosMotion { stationary, automotive, walking, running, cycling, unknown, .. } = *motion;
        Self { stationary, automotive, walking, running, cycling, unknown }
    }
}

/// The activity that iOS's flags stand for, and how sure it is in per cent: none is 9, and stationary in a vehicle is 10.
pub(super) fn ios_activity(flags: IosFlags, confidence: &str) -> Result<(i64, i64), Refusal> {
    let flags = [
        (flags.stationary, "stationary", 3),
        (flags.automotive, "automotive", 0),
        (flags.walking, "walking", 7),
        (flags.running, "running", 8),
        (flags.cycling, "cycling", 1),
        (flags.unknown, "unknown", 4),
    ];
    let set = || flags.into_iter().filter(|(is_set, _, _)| *is_set);
    let activity = match [set().next(), set().nth(1), set().nth(2)] {
        [None, ..] => 9,
        [Some((_, _, activity)), None, _] => activity,
        [Some((_, "stationary", _)), Some((_, "automotive", _)), None] => 10,
        _ => return Err(Refusal::Flags(set().map(|(_, name, _)| name).collect::<Vec<_>>().join(", "))),
    };
    let confidence = codes::confidence(confidence)
        .ok_or_else(|| Refusal::Code { field: "confidence", value: confidence.to_owned() })?;
    Ok((activity, confidence))
}

fn transition(step: &Transition, platform: &Platform, write_ts: &Number) -> Result<Object, Refusal> {
    let (state, transition) = step_numbers(&step.curr_state, step.transition.0.as_deref(), platform)?;
    let fields = [("curr_state", state.into()), ("transition", transition.into()), ("ts", write_ts.clone().into())];
    Ok(fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
}

/// The numbers of the state before a step, and of the step.
pub(super) fn step_numbers(
    state: &str,
    transition: Option<&str>,
    platform: &Platform,
) -> Result<(i64, Option<i64>), Refusal> {
    let unknown = |field, word: &str| Refusal::Code { field, value: word.to_owned() };
    let state = codes::state(platform, state).ok_or_else(|| unknown("currState", state))?;
    let number = |word: &str| codes::transition(platform, word).ok_or_else(|| unknown("transition", word));
    Ok((state, transition.map(number).transpose()?))
}

fn battery(object: &mut Object, platform: &Platform, write_ts: &Number) -> Result<(), Refusal> {
    let sent = number(object, "battery_status")?;
    let known = sent.as_i64().and_then(|status| match platform {
        Platform::Ios => Some(status).filter(|status| codes::is_ios_battery(*status)),
        _ => codes::battery(status),
    });
    let status = known.ok_or_else(|| Refusal::Code { field: "battery_status", value: sent.to_string() })?;
    if *platform == Platform::Ios {
        let ratio = number(object, "battery_level_ratio")?;
        let level = match ratio.as_i64() {
            Some(whole) => whole.saturating_mul(100).into(),
            None => Number::from_f64(seconds(ratio) * 100.0).ok_or(Refusal::Field("battery_level_ratio"))?,
        };
        *object = Object::from_iter([("battery_level_pct".to_owned(), level.into())]);
    }
    object.insert("battery_status".to_owned(), status.into());
    object.insert("ts".to_owned(), write_ts.clone().into());
    Ok(())
}
