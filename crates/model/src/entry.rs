//! An entry in phone form: typed where the format is known, kept as it came everywhere else.
//!
//! Whatever an entry holds comes back equal to what went in: unknown keys, extra fields, nulls, and the difference
//! between `0` and `0.0`. A known key whose required fields are not what we expect is kept whole as [`Data::Other`], so
//! that judging it is left to those who need its meaning.

mod reading;

use serde::Serialize;
use serde_json::{Number, Value};

use crate::entered::{AppUiConfig, Consent, Demographics, Label, SensorConfig, Survey, SyncConfig};
use crate::record::{Field, Nullable, Object, Record, record};
use crate::sensed::{
    AndroidBattery, AndroidMotion, Bluetooth, ClientStat, IosBattery, IosMotion, Location, Transition,
};

/// The keys whose data has a type of its own.
pub mod key {
    /// Every fix.
    pub const LOCATION: &str = "background/location";
    /// A fix that passed the phone's accuracy filter.
    pub const FILTERED_LOCATION: &str = "background/filtered_location";
    /// What the activity recogniser said.
    pub const MOTION_ACTIVITY: &str = "background/motion_activity";
    /// The same under an older name; Android only.
    pub const ACTIVITY: &str = "background/activity";
    /// A battery reading.
    pub const BATTERY: &str = "background/battery";
    /// A beacon seen or lost.
    pub const BLUETOOTH: &str = "background/bluetooth_ble";
    /// A step of the trip state machine.
    pub const TRANSITION: &str = "statemachine/transition";
    /// How the phone senses.
    pub const SENSOR_CONFIG: &str = "config/sensor_config";
    /// How the phone syncs.
    pub const SYNC_CONFIG: &str = "config/sync_config";
    /// What the person agreed to.
    pub const CONSENT: &str = "config/consent";
    /// The deployment's configuration.
    pub const APP_UI_CONFIG: &str = "config/app_ui_config";
    /// How long something took in the app.
    pub const CLIENT_TIME: &str = "stats/client_time";
    /// Something the app did.
    pub const CLIENT_NAV_EVENT: &str = "stats/client_nav_event";
    /// Something that failed in the app.
    pub const CLIENT_ERROR: &str = "stats/client_error";
    /// The mode of a trip.
    pub const MODE_CONFIRM: &str = "manual/mode_confirm";
    /// The purpose of a trip.
    pub const PURPOSE_CONFIRM: &str = "manual/purpose_confirm";
    /// The mode that a trip replaced.
    pub const REPLACED_MODE: &str = "manual/replaced_mode";
    /// A survey about a trip.
    pub const TRIP_USER_INPUT: &str = "manual/trip_user_input";
    /// An addition to a trip.
    pub const TRIP_ADDITION_INPUT: &str = "manual/trip_addition_input";
    /// An addition to a place.
    pub const PLACE_ADDITION_INPUT: &str = "manual/place_addition_input";
    /// A survey about the person.
    pub const DEMOGRAPHIC_SURVEY: &str = "manual/demographic_survey";
}

/// One record of a phone: what it is, and what was recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Key, type, write time, zone and platform.
    pub metadata: Metadata,
    /// What was recorded, in the form its key prescribes.
    pub data: Data,
    /// Fields beside the two; phones send none.
    #[serde(flatten)]
    pub extra: Object,
}

record! {
    /// What an entry says about itself.
    pub struct Metadata {
        /// What was recorded, such as `background/location`.
        key: String,
        /// Which operating system wrote it.
        platform: Option<Platform>,
        /// How the phone keeps it: `sensor-data`, `message` or `rw-document`.
        kind = "type": String,
        /// When the phone wrote it, in seconds since 1970.
        write_ts: Number,
        /// When the app read it, in seconds since 1970; `0` for never.
        read_ts: Option<Number>,
        /// The phone's IANA time zone when it wrote the entry.
        time_zone: Option<String>,
        /// `"none"` or `null` on iOS, absent on Android.
        plugin: Option<Nullable<String>>,
    }
}

impl Metadata {
    /// When the phone wrote the entry, in seconds since 1970.
    pub fn write_s(&self) -> f64 {
        seconds(&self.write_ts)
    }
}

/// A number as a float.
pub fn seconds(number: &Number) -> f64 {
    number.as_f64().expect("a JSON number without arbitrary precision is an f64 or an integer")
}

/// The operating system of a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Android.
    Android,
    /// iOS.
    Ios,
    /// Any other name.
    Other(String),
}

impl Platform {
    /// The name as phones send it.
    pub fn name(&self) -> &str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Other(name) => name,
        }
    }
}

impl Field for Platform {
    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::String(name) if name == "android" => Ok(Self::Android),
            Value::String(name) if name == "ios" => Ok(Self::Ios),
            Value::String(name) => Ok(Self::Other(name)),
            other => Err(other),
        }
    }

    fn into_value(self) -> Value {
        self.name().into()
    }
}

impl Serialize for Platform {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

macro_rules! data {
    ($($(#[$about:meta])* $Variant:ident,)*) => {
        /// What was recorded. Which form it takes follows from the key and, where the platforms differ, the platform.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Data {
            $($(#[$about])* $Variant($Variant),)*
            /// Any other key, and any known key that lacks what it must have.
            Other(Value),
        }

        /// The forms.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Form {
            $($Variant,)*
        }

        impl Data {
            /// Its fields; `None` when it is no object.
            pub fn into_object(self) -> Option<Object> {
                match self {
                    $(Self::$Variant(data) => Some(data.into_object()),)*
                    Self::Other(Value::Object(object)) => Some(object),
                    Self::Other(_) => None,
                }
            }
        }

        impl Form {
            fn read<'a, F: crate::record::Fields<'a>>(self, fields: F) -> Result<Data, F::Error> {
                Ok(match self {
                    $(Self::$Variant => $Variant::read(fields)?.map_or_else(Data::kept, Data::$Variant),)*
                })
            }
        }
    };
}

data! {
    /// `background/location` and `background/filtered_location`.
    Location,
    /// `background/motion_activity` from Android.
    AndroidMotion,
    /// `background/motion_activity` from iOS.
    IosMotion,
    /// `statemachine/transition`.
    Transition,
    /// `background/battery` from Android.
    AndroidBattery,
    /// `background/battery` from iOS.
    IosBattery,
    /// `background/bluetooth_ble`.
    Bluetooth,
    /// `stats/client_time`, `stats/client_nav_event` and `stats/client_error`.
    ClientStat,
    /// `manual/mode_confirm`, `manual/purpose_confirm` and `manual/replaced_mode`.
    Label,
    /// `manual/trip_user_input`, `manual/trip_addition_input` and `manual/place_addition_input`.
    Survey,
    /// `manual/demographic_survey`.
    Demographics,
    /// `config/sensor_config`.
    SensorConfig,
    /// `config/sync_config`.
    SyncConfig,
    /// `config/consent`.
    Consent,
    /// `config/app_ui_config`.
    AppUiConfig,
}

impl Form {
    /// The form that `key` prescribes on the platform.
    fn of(metadata: &Metadata) -> Option<Self> {
        let is_ios = metadata.platform == Some(Platform::Ios);
        Some(match metadata.key.as_str() {
            key::LOCATION | key::FILTERED_LOCATION => Self::Location,
            key::MOTION_ACTIVITY | key::ACTIVITY if is_ios => Self::IosMotion,
            key::MOTION_ACTIVITY | key::ACTIVITY => Self::AndroidMotion,
            key::TRANSITION => Self::Transition,
            key::BATTERY if is_ios => Self::IosBattery,
            key::BATTERY => Self::AndroidBattery,
            key::BLUETOOTH => Self::Bluetooth,
            key::CLIENT_TIME | key::CLIENT_NAV_EVENT | key::CLIENT_ERROR => Self::ClientStat,
            key::MODE_CONFIRM | key::PURPOSE_CONFIRM | key::REPLACED_MODE => Self::Label,
            key::TRIP_USER_INPUT | key::TRIP_ADDITION_INPUT | key::PLACE_ADDITION_INPUT => Self::Survey,
            key::DEMOGRAPHIC_SURVEY => Self::Demographics,
            key::SENSOR_CONFIG => Self::SensorConfig,
            key::SYNC_CONFIG => Self::SyncConfig,
            key::CONSENT => Self::Consent,
            key::APP_UI_CONFIG => Self::AppUiConfig,
            _ => return None,
        })
    }
}

impl Data {
    fn kept(fields: Object) -> Self {
        Self::Other(Value::Object(fields))
    }

    fn into_value(self) -> Value {
        match self {
            Self::Other(value) => value,
            typed => typed.into_object().map_or(Value::Null, Value::Object),
        }
    }

    /// Reads `value` as what its metadata prescribes, or keeps it whole.
    fn of(metadata: &Metadata, value: Value) -> Self {
        match (Form::of(metadata), value) {
            (Some(form), Value::Object(fields)) => {
                let Ok(data) = form.read(crate::record::InMemory(fields.into_iter()));
                data
            }
            (_, value) => Self::Other(value),
        }
    }
}

/// Why a JSON value is not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// One of the two parts is missing, or `metadata` is no object.
    #[error("the entry has no `{0}`")]
    Missing(&'static str),
    /// The metadata lacks a text `key`, a text `type` or a number `write_ts`.
    #[error("the entry's metadata has no `{0}`, or one of another type")]
    Metadata(&'static str),
}

fn metadata(value: Value) -> Result<Metadata, EntryError> {
    let Value::Object(object) = value else { return Err(EntryError::Missing("metadata")) };
    Metadata::from_object(object).map_err(|object| EntryError::Metadata(lacking(&object)))
}

fn lacking(metadata: &Object) -> &'static str {
    let is_text = |name: &str| metadata.get(name).is_some_and(Value::is_string);
    if !is_text("key") {
        "key"
    } else if !is_text("type") {
        "type"
    } else {
        "write_ts"
    }
}

impl Entry {
    /// An entry of these parts; `data` is read as its metadata prescribes, or kept whole.
    pub fn new(metadata: Metadata, data: Value, extra: Object) -> Self {
        Self { data: Data::of(&metadata, data), metadata, extra }
    }
}

impl TryFrom<Value> for Entry {
    type Error = EntryError;

    fn try_from(value: Value) -> Result<Self, EntryError> {
        let Value::Object(mut fields) = value else { return Err(EntryError::Missing("metadata")) };
        let metadata = metadata(fields.shift_remove("metadata").ok_or(EntryError::Missing("metadata"))?)?;
        let data = fields.shift_remove("data").ok_or(EntryError::Missing("data"))?;
        Ok(Self::new(metadata, data, fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an entry whose metadata holds `key` and whose data is `data`, and checks that it comes back as it went in.
    fn check(key: &str, data: &str) -> Data {
        check_on("android", key, data)
    }

    fn check_on(platform: &str, key: &str, data: &str) -> Data {
        let text = format!(
            r#"{{"metadata":{{"key":"{key}","platform":"{platform}","type":"sensor-data","write_ts":1.5}},"data":{data}}}"#
        );
        let entry: Entry = serde_json::from_str(&text).unwrap();
        let before: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&entry).unwrap(), before, "{text}");
        assert_eq!(Entry::try_from(before).unwrap(), entry, "read from memory and from text alike");
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
        let flags = r#"{"stationary":true,"walking":false,"running":false,"automotive":false,"cycling":false,
            "unknown":false,"confidence":"high","ts":1.25}"#;
        assert!(matches!(check_on("ios", key::MOTION_ACTIVITY, flags), Data::IosMotion(_)));
        let android = r#"{"battery_level_pct":2,"battery_status":2,"ts":1}"#;
        assert!(matches!(check(key::BATTERY, android), Data::AndroidBattery(_)));
        let ios = r#"{"battery_level_ratio":0.5,"battery_status":1,"ts":1}"#;
        assert!(matches!(check_on("ios", key::BATTERY, ios), Data::IosBattery(_)));
    }

    #[test]
    fn every_other_key_has_its_form() {
        let forms = [
            (key::BLUETOOTH, r#"{"eventType":"RANGE_UPDATE","uuid":"u","major":1,"minor":2,"rssi":-60,"ts":1}"#),
            (key::SENSOR_CONFIG, r#"{"is_duty_cycling":true,"filter_distance":-1,"filter_time":30000,"x":1}"#),
            (key::SYNC_CONFIG, r#"{"sync_interval":3600,"ios_use_remote_push":true}"#),
            (key::CONSENT, r#"{"category":"c","protocol_id":"p","approval_date":"2016-07-14"}"#),
            (key::APP_UI_CONFIG, r#"{"ts":1.5,"version":2,"intro":{"a":[]}}"#),
            (key::CLIENT_ERROR, r#"{"name":"ui_error","ts":1,"reading":"text","client_app_version":"1"}"#),
            (key::REPLACED_MODE, r#"{"start_ts":1,"end_ts":2.5,"label":"walk"}"#),
            (
                key::TRIP_ADDITION_INPUT,
                r#"{"start_ts":1,"end_ts":2,"name":"n","version":1,"xmlResponse":"<a/>","status":"ACTIVE"}"#,
            ),
            (key::DEMOGRAPHIC_SURVEY, r#"{"ts":1,"fmt_time":"t","name":"n","jsonDocResponse":{"a":1}}"#),
        ];
        for (key, data) in forms {
            assert!(!matches!(check(key, data), Data::Other(_)), "{key}");
        }
    }

    #[test]
    fn a_historical_motion_entry_is_read_by_its_obfuscated_names() {
        let Data::AndroidMotion(motion) = check(key::MOTION_ACTIVITY, r#"{"zzbhB":7,"zzbhC":92,"ts":1}"#) else {
            panic!("not a motion entry")
        };
        assert_eq!((motion.activity().unwrap().as_i64(), motion.confidence().unwrap().as_i64()), (Some(7), Some(92)));
    }

    #[test]
    fn a_field_of_another_type_stays_as_it_came() {
        let Data::Location(fix) = check(key::LOCATION, r#"{"latitude":1,"longitude":2,"ts":3,"altitude":"high"}"#)
        else {
            panic!("not a location")
        };
        assert_eq!((fix.altitude, &fix.extra["altitude"]), (None, &Value::from("high")));
    }

    #[test]
    fn whatever_we_do_not_expect_is_kept_as_it_came() {
        check("some/key", r#"{"a":[1,1.0,null,{"b":"c"}],"ts":-0.0}"#);
        check(key::LOCATION, r#"{"latitude":"north","ts":1}"#);
        check(key::LOCATION, r#"{"latitude":1,"longitude":2,"ts":3,"altitude":null,"new_field":{"x":1}}"#);
        check(key::TRANSITION, r#"{"currState":"local.state.start","transition":null,"ts":1}"#);
        check(key::CLIENT_TIME, r#"{"name":"a","ts":1,"reading":{"a.b":1}}"#);
        check(key::BATTERY, "[1,2]");
        check(key::BATTERY, "null");
        check(key::BATTERY, "-1.5");
        check(key::BATTERY, "\"text\"");
        check("some/key", "true");
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
    fn of_a_name_that_comes_twice_the_last_one_counts() {
        for text in [
            r#"{"metadata":{"key":"k","write_ts":"x","type":"t","write_ts":1},"data":{}}"#,
            r#"{"metadata":{"key":"k","type":"t","write_ts":1,"read_ts":1,"read_ts":"x"},"data":{}}"#,
            r#"{"metadata":{"key":"background/motion_activity","type":"t","write_ts":1},"data":{"ts":1,"type":2},
                "metadata":{"key":"statemachine/transition","type":"t","write_ts":1}}"#,
            r#"{"metadata":{"key":"k","type":"t","write_ts":1},"data":{"a":1},"data":{"b":2}}"#,
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let entry: Entry = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_value(&entry).unwrap(), value);
            assert_eq!(Entry::try_from(value).unwrap(), entry, "{text}");
        }
    }

    #[test]
    fn an_entry_without_identity_is_refused() {
        for (text, reason) in [
            (r#"{"data":{}}"#, "no `metadata`"),
            (r#"{"metadata":{"key":"k","type":"t","write_ts":1}}"#, "no `data`"),
            (r#"{"metadata":{"type":"t","write_ts":1},"data":{}}"#, "no `key`"),
            (r#"{"metadata":{"key":"k","type":"t","write_ts":"1"},"data":{}}"#, "no `write_ts`"),
            (r#"{"metadata":["k","t",1],"data":{}}"#, "expected an object"),
        ] {
            let error = serde_json::from_str::<Entry>(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
