//! What phones sense, key by key, as they send it.
//!
//! Numbers are kept as [`Number`] because `0` and `0.0` are different answers from different phones.

use serde_json::Number;

use crate::record::{Nullable, record};

record! {
    /// A position fix.
    pub struct Location {
        /// Degrees north, WGS84.
        latitude: Number,
        /// Degrees east, WGS84.
        longitude: Number,
        /// When the fix was taken, in seconds since 1970.
        ts: Number,
        /// Metres above the ellipsoid; `0` for Android's network fixes.
        altitude: Option<Number>,
        /// Radius of 68 % confidence, in metres.
        accuracy: Option<Number>,
        /// The same for the altitude, in metres; iOS only.
        vaccuracy: Option<Number>,
        /// Metres per second; unknown is `0` on Android and `-1` on iOS.
        sensed_speed: Option<Number>,
        /// Degrees clockwise from north; unknown is `0` on Android and `-1` on iOS.
        bearing: Option<Number>,
        /// The floor of a building; iOS only.
        floor: Option<Number>,
        /// Which sampling rule took the fix: `time` (Android) or `distance` (iOS).
        filter: Option<String>,
        /// The time of the fix as text, in the phone's locale.
        fmt_time: Option<String>,
        /// Nanoseconds since boot; Android only.
        elapsed_realtime_ns = "elapsedRealtimeNanos": Option<Number>,
    }

    /// What Android's activity recogniser said.
    pub struct AndroidMotion {
        /// When, in seconds since 1970.
        ts: Number,
        /// Google's `DetectedActivity`: 0 in vehicle, 1 bicycling, 2 on foot, 3 still, 4 unknown, 5 tilting, 7 walking,
        /// 8 running. Apps of 2015 to 2017 sent it under a name that obfuscation gave: see [`AndroidMotion::activity`].
        activity = "type": Option<Number>,
        /// Per cent; obfuscated likewise: see [`AndroidMotion::confidence`].
        confidence: Option<Number>,
    }

    /// What iOS's motion coprocessor said: six flags of which none, one or several are set.
    pub struct IosMotion {
        /// When, in seconds since 1970.
        ts: Number,
        /// `low`, `medium` or `high`.
        confidence: String,
        /// Not moving.
        stationary: bool,
        /// Walking.
        walking: bool,
        /// Running.
        running: bool,
        /// In a vehicle.
        automotive: bool,
        /// On a bicycle.
        cycling: bool,
        /// Moving, but unclear how.
        unknown: bool,
    }

    /// A step of the phone's trip state machine.
    pub struct Transition {
        /// The state before the step, in the platform's spelling.
        curr_state = "currState": String,
        /// What happened, in the platform's spelling; a phone may send `null`, but not leave it out.
        transition: Nullable<String>,
        /// When, in seconds since 1970.
        ts: Number,
    }

    /// A battery reading from Android.
    pub struct AndroidBattery {
        /// Per cent.
        battery_level_pct: Number,
        /// 1 unknown, 2 charging, 3 discharging, 4 not charging, 5 full.
        battery_status: Number,
        /// When, in seconds since 1970.
        ts: Number,
        /// `GOOD`, `COLD`, `DEAD`, `OVERHEAT`, `OVER_VOLTAGE`, `UNSPECIFIED_FAILURE` or `UNKNOWN`.
        android_health: Option<String>,
        /// `AC`, `USB`, `WIRELESS` or `UNKNOWN`.
        android_plugged: Option<String>,
        /// Such as `Li-ion`.
        android_technology: Option<String>,
        /// Tenths of a degree Celsius.
        android_temperature: Option<Number>,
        /// Millivolts; many phones repeat the temperature here.
        android_voltage: Option<Number>,
    }

    /// A battery reading from iOS.
    pub struct IosBattery {
        /// 0 to 1; unknown is `-1`.
        battery_level_ratio: Number,
        /// 0 unknown, 1 unplugged, 2 charging, 3 full.
        battery_status: Number,
        /// When, in seconds since 1970.
        ts: Number,
    }

    /// A beacon seen or lost; fleets only.
    pub struct Bluetooth {
        /// `REGION_ENTER`, `REGION_EXIT` or `RANGE_UPDATE`.
        event_type = "eventType": String,
        /// The beacon's id.
        uuid: Option<String>,
        /// The first part of its number.
        major: Option<Number>,
        /// The second part of its number.
        minor: Option<Number>,
        /// `ProximityImmediate`, `ProximityNear`, `ProximityFar` or `ProximityUnknown`.
        proximity: Option<String>,
        /// Metres.
        accuracy: Option<Number>,
        /// Signal strength in dBm; `-1` on iOS outside range updates.
        rssi: Option<Number>,
        /// When, in seconds since 1970.
        ts: Number,
    }

    /// Something the app measured or noticed about itself.
    pub struct ClientStat {
        /// What, such as `push_duration` or `sync_launched`.
        name: String,
        /// When, in seconds since 1970.
        ts: Number,
        /// A number, a text, an object or `null`.
        reading: serde_json::Value,
        /// Such as `1.9.3`.
        client_app_version: Option<String>,
        /// Such as `14`.
        client_os_version: Option<String>,
    }
}

/// What obfuscation made of `type` and `confidence` in builds of the Android app from 2015 to 2017.
const OBFUSCATED_MOTION: [(&str, &str); 6] =
    [("agb", "agc"), ("zzaEg", "zzaEh"), ("zzbjA", "zzbjB"), ("ajO", "ajP"), ("zzaKM", "zzaKN"), ("zzbhB", "zzbhC")];

impl AndroidMotion {
    /// The activity, under whichever name it was sent.
    pub fn activity(&self) -> Option<&Number> {
        self.activity.as_ref().or_else(|| self.obfuscated(|(activity, _)| activity))
    }

    /// The confidence in per cent, under whichever name it was sent.
    pub fn confidence(&self) -> Option<&Number> {
        self.confidence.as_ref().or_else(|| self.obfuscated(|(_, confidence)| confidence))
    }

    fn obfuscated(&self, name: fn(&(&'static str, &'static str)) -> &'static str) -> Option<&Number> {
        OBFUSCATED_MOTION.iter().find_map(|names| self.extra.get(name(names))?.as_number())
    }
}

impl Transition {
    /// Whether this step ends a trip: afterwards the phone uploads what it has.
    pub fn is_trip_end(&self) -> bool {
        matches!(self.transition.0.as_deref(), Some("local.transition.stopped_moving" | "T_TRIP_ENDED"))
    }
}
