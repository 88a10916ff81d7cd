//! An entry in phone form: typed where the format is known, kept as it came everywhere else.
//!
//! Whatever an entry holds comes back from [`serde_json::to_value`] equal to what went in: unknown keys, extra fields,
//! nulls, and the difference between `0` and `0.0`. A known key whose fields are not what we expect is kept whole as
//! [`Data::Other`], so that judging it is left to those who need its meaning.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::sensed::{AndroidBattery, AndroidMotion, ClientStat, IosBattery, IosMotion, Location, Transition};

/// The keys that have a type of their own here.
pub mod key {
    /// Every fix.
    pub const LOCATION: &str = "background/location";
    /// A fix that passed the phone's accuracy filter.
    pub const FILTERED_LOCATION: &str = "background/filtered_location";
    /// What the activity recogniser said.
    pub const MOTION_ACTIVITY: &str = "background/motion_activity";
    /// A battery reading.
    pub const BATTERY: &str = "background/battery";
    /// A step of the trip state machine.
    pub const TRANSITION: &str = "statemachine/transition";
    /// How long something took in the app.
    pub const CLIENT_TIME: &str = "stats/client_time";
    /// Something the app did.
    pub const CLIENT_NAV_EVENT: &str = "stats/client_nav_event";
    /// Something that failed in the app.
    pub const CLIENT_ERROR: &str = "stats/client_error";
}

/// One record of a phone: what it is, and what was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Entry {
    /// Key, type, write time, zone and platform.
    pub metadata: Metadata,
    /// What was recorded, in the form its key prescribes.
    pub data: Data,
    /// Fields beside the two; phones send none.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What an entry says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// What was recorded, such as `background/location`.
    pub key: String,
    /// Which operating system wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub platform: Option<Platform>,
    /// How the phone keeps it: `sensor-data`, `message` or `rw-document`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the phone wrote it, in seconds since 1970.
    pub write_ts: Number,
    /// When the app read it, in seconds since 1970; `0` for never.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub read_ts: Option<Number>,
    /// The phone's IANA time zone when it wrote the entry.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub time_zone: Option<String>,
    /// `"none"` or `null` on iOS, absent on Android.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub plugin: Option<Option<String>>,
    /// Fields we do not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Metadata {
    /// When the phone wrote the entry, in seconds since 1970.
    pub fn write_s(&self) -> f64 {
        self.write_ts.as_f64().expect("a JSON number without arbitrary precision is an f64 or an integer")
    }
}

/// The operating system of a phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Android.
    Android,
    /// iOS.
    Ios,
    /// Any other name.
    #[serde(untagged)]
    Other(String),
}

/// What was recorded. Which form it takes follows from the key and, where the platforms differ, from its fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Data {
    /// `background/location` and `background/filtered_location`.
    Location(Location),
    /// `background/motion_activity` from Android.
    AndroidMotion(AndroidMotion),
    /// `background/motion_activity` from iOS.
    IosMotion(IosMotion),
    /// `statemachine/transition`.
    Transition(Transition),
    /// `background/battery` from Android.
    AndroidBattery(AndroidBattery),
    /// `background/battery` from iOS.
    IosBattery(IosBattery),
    /// `stats/client_time`, `stats/client_nav_event` and `stats/client_error`.
    ClientStat(ClientStat),
    /// Any other key, and any known key in an unexpected form.
    Other(Value),
}

impl Data {
    /// Reads `value` as what `key` prescribes, or keeps it whole.
    fn of(key: &str, value: Value) -> Self {
        let typed = match key {
            key::LOCATION | key::FILTERED_LOCATION => typed(&value, Self::Location),
            key::MOTION_ACTIVITY => typed(&value, Self::AndroidMotion).or_else(|| typed(&value, Self::IosMotion)),
            key::TRANSITION => typed(&value, Self::Transition),
            key::BATTERY => typed(&value, Self::AndroidBattery).or_else(|| typed(&value, Self::IosBattery)),
            key::CLIENT_TIME | key::CLIENT_NAV_EVENT | key::CLIENT_ERROR => typed(&value, Self::ClientStat),
            _ => None,
        };
        typed.unwrap_or(Self::Other(value))
    }
}

fn typed<'a, T: Deserialize<'a>>(value: &'a Value, wrap: fn(T) -> Data) -> Option<Data> {
    if !value.is_object() {
        return None;
    }
    T::deserialize(value).ok().map(wrap)
}

/// Why a JSON value is not an entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// One of the two parts is missing.
    #[error("the entry has no `{0}`")]
    Missing(&'static str),
    /// The metadata lacks a field that every entry has, or has it in another type.
    #[error("the entry's metadata: {0}")]
    Metadata(serde_json::Error),
}

impl TryFrom<Map<String, Value>> for Entry {
    type Error = EntryError;

    fn try_from(mut fields: Map<String, Value>) -> Result<Self, EntryError> {
        let metadata = fields.shift_remove("metadata").ok_or(EntryError::Missing("metadata"))?;
        let data = fields.shift_remove("data").ok_or(EntryError::Missing("data"))?;
        let metadata: crate::object::Object<Metadata> =
            serde_json::from_value(metadata).map_err(EntryError::Metadata)?;
        let data = Data::of(&metadata.0.key, data);
        Ok(Self { metadata: metadata.0, data, extra: fields })
    }
}

/// For optional fields: a field that is there must have its type, so that a `null` is not mistaken for an absence.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an entry whose metadata holds `key` and whose data is `data`, and checks that it comes back as it went in.
    fn check(key: &str, data: &str) -> Data {
        let text = format!(
            r#"{{"metadata":{{"key":"{key}","platform":"android","type":"sensor-data","write_ts":1.5}},"data":{data}}}"#
        );
        let entry: Entry = serde_json::from_str(&text).unwrap();
        let before: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&entry).unwrap(), before, "{text}");
        entry.data
    }

    const FIX: &str = r#"{"latitude":37.3926929,"longitude":-122.0846451,"ts":1681436743.402,"altitude":0,
        "accuracy":68.4,"sensed_speed":0.0,"bearing":0,"filter":"time","elapsedRealtimeNanos":41606883000000,
        "fmt_time":"Apr 8, 2021 2:31:05 PM"}"#;

    #[test]
    fn a_location_is_typed_and_its_numbers_keep_their_identity() {
        let Data::Location(fix) = check(key::LOCATION, FIX) else { panic!("not a location") };
        assert_eq!(fix.altitude.unwrap().to_string(), "0");
        assert_eq!(fix.sensed_speed.unwrap().to_string(), "0.0");
        assert_eq!(fix.latitude.to_string(), "37.3926929");
    }

    #[test]
    fn seventeen_digits_survive() {
        let data = check(key::LOCATION, r#"{"latitude":37.338625341688612,"longitude":-122.04067102644781,"ts":1}"#);
        let Data::Location(fix) = data else { panic!("not a location") };
        assert_eq!(fix.latitude.as_f64().unwrap().to_bits(), 37.338_625_341_688_61_f64.to_bits());
    }

    #[test]
    fn both_platforms_have_their_form() {
        assert!(matches!(check(key::MOTION_ACTIVITY, r#"{"ts":1,"confidence":41,"type":4}"#), Data::AndroidMotion(_)));
        let ios = r#"{"stationary":true,"walking":false,"running":false,"automotive":false,"cycling":false,
            "unknown":false,"confidence":"high","ts":1.25}"#;
        assert!(matches!(check(key::MOTION_ACTIVITY, ios), Data::IosMotion(_)));
        assert!(matches!(
            check(key::BATTERY, r#"{"battery_level_pct":2,"battery_status":2,"ts":1}"#),
            Data::AndroidBattery(_)
        ));
        assert!(matches!(
            check(key::BATTERY, r#"{"battery_level_ratio":0.5,"battery_status":1,"ts":1}"#),
            Data::IosBattery(_)
        ));
    }

    #[test]
    fn whatever_we_do_not_expect_is_kept_as_it_came() {
        check("some/key", r#"{"a":[1,1.0,null,{"b":"c"}],"ts":-0.0}"#);
        check(key::LOCATION, r#"{"latitude":"north","ts":1}"#);
        check(key::LOCATION, r#"{"latitude":1,"longitude":2,"ts":3,"altitude":null,"new_field":{"x":1}}"#);
        check(key::TRANSITION, r#"{"currState":"local.state.start","transition":null,"ts":1}"#);
        check(key::CLIENT_TIME, r#"{"name":"a","ts":1,"reading":{"a.b":1}}"#);
        check(key::BATTERY, "[1,2]");
    }

    #[test]
    fn metadata_keeps_null_apart_from_absent() {
        for plugin in [r#","plugin":null"#, r#","plugin":"none""#, ""] {
            let text = format!(
                r#"{{"metadata":{{"key":"k","type":"t","write_ts":1{plugin},"filter":"distance"}},"data":{{}},"_id":7}}"#
            );
            let entry: Entry = serde_json::from_str(&text).unwrap();
            let before: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_value(&entry).unwrap(), before);
        }
    }

    #[test]
    fn an_entry_without_identity_is_refused() {
        for (text, reason) in [
            (r#"{"data":{}}"#, "no `metadata`"),
            (r#"{"metadata":{"key":"k","type":"t","write_ts":1}}"#, "no `data`"),
            (r#"{"metadata":{"type":"t","write_ts":1},"data":{}}"#, "missing field `key`"),
            (r#"{"metadata":["k","t",1],"data":{}}"#, "expected an object"),
        ] {
            let error = serde_json::from_str::<Entry>(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
