//! What phones record, key by key, as they send it.
//!
//! Numbers are kept as [`Number`] because `0` and `0.0` are different answers from different phones; fields that a
//! phone may leave out are options; fields we do not know stay in `extra`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::entry::present;

/// A position fix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// Degrees north, WGS84.
    pub latitude: Number,
    /// Degrees east, WGS84.
    pub longitude: Number,
    /// When the fix was taken, in seconds since 1970.
    pub ts: Number,
    /// Metres above the ellipsoid; `0` for Android's network fixes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub altitude: Option<Number>,
    /// Radius of 68 % confidence, in metres.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub accuracy: Option<Number>,
    /// The same for the altitude, in metres; iOS only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub vaccuracy: Option<Number>,
    /// Metres per second; unknown is `0` on Android and `-1` on iOS.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub sensed_speed: Option<Number>,
    /// Degrees clockwise from north; unknown is `0` on Android and `-1` on iOS.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub bearing: Option<Number>,
    /// The floor of a building; iOS only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub floor: Option<Number>,
    /// Which sampling rule took the fix: `time` (Android) or `distance` (iOS).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub filter: Option<String>,
    /// The time of the fix as text, in the phone's locale.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub fmt_time: Option<String>,
    /// Nanoseconds since boot; Android only.
    #[serde(
        default,
        rename = "elapsedRealtimeNanos",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub elapsed_realtime_ns: Option<Number>,
    /// Fields we do not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What Android's activity recogniser said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AndroidMotion {
    /// When, in seconds since 1970.
    pub ts: Number,
    /// Google's `DetectedActivity`: 0 in vehicle, 1 bicycling, 2 on foot, 3 still, 4 unknown, 5 tilting, 7 walking, 8 running.
    #[serde(rename = "type")]
    pub activity: Number,
    /// Per cent.
    pub confidence: Number,
    /// Fields we do not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What iOS's motion coprocessor said: six flags of which none, one or several are set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IosMotion {
    /// When, in seconds since 1970.
    pub ts: Number,
    /// `low`, `medium` or `high`.
    pub confidence: String,
    /// Not moving.
    pub stationary: bool,
    /// Walking.
    pub walking: bool,
    /// Running.
    pub running: bool,
    /// In a vehicle.
    pub automotive: bool,
    /// On a bicycle.
    pub cycling: bool,
    /// Moving, but unclear how.
    pub unknown: bool,
    /// Fields we do not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A step of the phone's trip state machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// The state before the step, in the platform's spelling.
    #[serde(rename = "currState")]
    pub curr_state: String,
    /// What happened, in the platform's spelling; a phone may send `null`, but not leave it out.
    #[serde(deserialize_with = "Option::deserialize")]
    pub transition: Option<String>,
    /// When, in seconds since 1970.
    pub ts: Number,
    /// Fields we do not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Transition {
    /// Whether this step ends a trip: afterwards the phone uploads what it has.
    pub fn is_trip_end(&self) -> bool {
        matches!(self.transition.as_deref(), Some("local.transition.stopped_moving" | "T_TRIP_ENDED"))
    }
}

/// A battery reading from Android.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AndroidBattery {
    /// Per cent.
    pub battery_level_pct: Number,
    /// 1 unknown, 2 charging, 3 discharging, 4 not charging, 5 full.
    pub battery_status: Number,
    /// When, in seconds since 1970.
    pub ts: Number,
    /// Health, plug, technology, temperature and voltage as `android_*`, and fields we do not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A battery reading from iOS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IosBattery {
    /// 0 to 1; unknown is `-1`.
    pub battery_level_ratio: Number,
    /// 0 unknown, 1 unplugged, 2 charging, 3 full.
    pub battery_status: Number,
    /// When, in seconds since 1970.
    pub ts: Number,
    /// Fields we do not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Something the app measured or noticed about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientStat {
    /// What, such as `push_duration` or `sync_launched`.
    pub name: String,
    /// When, in seconds since 1970.
    pub ts: Number,
    /// A number, a text, an object or `null`.
    pub reading: Value,
    /// Fields we do not know, and the versions of app and system.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
