//! Entries as phones send them: text, written straight from the numbers.
//!
//! A study has a thousand million of them, so that nothing here goes through a tree of values: the hot keys are written
//! digit by digit, and what does not change between entries is written once. The stored form has no writer of its own; it
//! is what `rushhour_model::stored` makes of this text.

mod clock;
mod key;
mod number;
mod words;

use rushhour_model::wire::route;

pub use key::Key;
pub use number::{push_fixed, push_seconds, push_whole};

use crate::entries::clock::Clock;
use crate::entries::number::{push_f32, push_f64};
use crate::entries::words::{confidence_word, state_word, step_word};
use crate::phone::Platform;
use crate::plane::Locale;
use crate::sensed::{Activity, Battery, Config, Fix, Label, Motion, Recording, Setting, Stat, Transition};
use crate::truth::{LocaleIndex, Micros};
use crate::upload::{Call, Request};

/// One entry of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    /// `background/location`
    Location(&'a Fix),
    /// `background/filtered_location`, and when it was written.
    FilteredLocation(&'a Fix, Micros),
    /// `background/motion_activity`
    Motion(&'a Motion),
    /// `statemachine/transition`
    Transition(&'a Transition),
    /// `background/battery`
    Battery(&'a Battery),
    /// `stats/…`
    Stat(&'a Stat),
    /// `config/…`
    Config(&'a Config),
    /// `manual/…`
    Label(&'a Label),
}

impl Item<'_> {
    /// What it is written under.
    pub fn key(&self) -> Key {
        match self {
            Self::Location(_) => Key::Location,
            Self::FilteredLocation(..) => Key::FilteredLocation,
            Self::Motion(_) => Key::Motion,
            Self::Transition(_) => Key::Transition,
            Self::Battery(_) => Key::Battery,
            Self::Stat(stat) => stat.kind.into(),
            Self::Config(config) => (&config.setting).into(),
            Self::Label(label) => label.about.into(),
        }
    }

    /// When it was written.
    pub fn write_us(&self) -> Micros {
        match self {
            Self::Location(fix) => fix.write_us,
            Self::FilteredLocation(_, write_us) => *write_us,
            Self::Motion(motion) => motion.write_us,
            Self::Transition(transition) => transition.write_us,
            Self::Battery(battery) => battery.write_us,
            Self::Stat(stat) => stat.write_us,
            Self::Config(config) => config.write_us,
            Self::Label(label) => label.write_us,
        }
    }

    /// The locale whose clock the phone showed.
    pub fn locale(&self) -> LocaleIndex {
        match self {
            Self::Location(fix) | Self::FilteredLocation(fix, _) => fix.locale,
            Self::Motion(motion) => motion.locale,
            Self::Transition(transition) => transition.locale,
            Self::Battery(battery) => battery.locale,
            Self::Stat(stat) => stat.locale,
            Self::Config(config) => config.locale,
            Self::Label(label) => label.locale,
        }
    }
}

/// The entries of a recording in the order in which `platform` sends them: by write time; iOS asks the system for the
/// motion activities when it uploads, and appends them.
pub fn items(recording: &Recording, platform: Platform) -> Vec<Item<'_>> {
    let Recording { fixes, motions, transitions, batteries, stats, configs, labels } = recording;
    let mut items = Vec::with_capacity(recording.count());
    let appended = if platform == Platform::Ios { motions.as_slice() } else { &[] };
    let stored = if platform == Platform::Ios { &[] } else { motions.as_slice() };
    // A copy follows its fix at once.
    for fix in fixes {
        items.push(Item::Location(fix));
        items.extend(fix.filtered_write_us.map(|write_us| Item::FilteredLocation(fix, write_us)));
    }
    items.extend(stored.iter().map(Item::Motion));
    items.extend(transitions.iter().map(Item::Transition));
    items.extend(batteries.iter().map(Item::Battery));
    items.extend(stats.iter().map(Item::Stat));
    items.extend(configs.iter().map(Item::Config));
    items.extend(labels.iter().map(Item::Label));
    // Stable, and quick with runs that are in order already.
    items.sort_by_key(Item::write_us);
    items.extend(appended.iter().map(Item::Motion));
    items
}

/// Writes what a phone recorded as the JSON that it sends.
#[derive(Debug)]
pub struct Writer {
    platform: Platform,
    /// For each locale and key: all of an entry that comes before its write time.
    heads: Vec<Vec<u8>>,
    clocks: Vec<Clock>,
    /// The data of the fix that was written last: its copy under the other key follows closely.
    fix: Option<Fix>,
    fix_data: Vec<u8>,
}

/// What an entry takes, so that room is made once: 412 bytes are the mean of a study.
const ENTRY_BYTES: usize = 420;

/// The versions that a phone says it runs. A choice: an app of 2024 on systems that were common then.
const APP_VERSION: &str = "1.9.3";

impl Writer {
    /// A writer for a phone that can be in any of `locales`.
    pub fn new(platform: Platform, locales: &[Locale]) -> Self {
        let heads = |locale: &Locale| Key::ALL.map(|key| key.head(platform, &locale.zone_name));
        Self {
            platform,
            heads: locales.iter().flat_map(heads).collect(),
            clocks: locales.iter().map(|locale| Clock::new(locale.zone.clone())).collect(),
            fix: None,
            fix_data: Vec::new(),
        }
    }

    /// Appends a call as a line of JSON: its intended time, who calls, the route, whether the phone learns of the answer,
    /// and the body.
    pub fn push_call(&mut self, token: &str, call: &Call, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"at\":");
        push_seconds(out, call.at_us);
        let (route, is_answered) = match &call.request {
            Request::Get => (route::USERCACHE_GET, true),
            Request::Put { is_answered, .. } => (route::USERCACHE_PUT, *is_answered),
        };
        let flag = if is_answered { "true" } else { "false" };
        for part in [",\"user\":\"", token, "\",\"route\":\"", route, "\",\"is_answered\":", flag, ",\"body\":"] {
            out.extend_from_slice(part.as_bytes());
        }
        match &call.request {
            Request::Get => push_user(token, b"\"}", out),
            Request::Put { recording, .. } => self.push_put(token, recording, out),
        }
        out.extend_from_slice(b"}\n");
    }

    /// Appends the body of `usercache/put`.
    pub fn push_put(&mut self, token: &str, recording: &Recording, out: &mut Vec<u8>) {
        let items = items(recording, self.platform);
        out.reserve(items.len() * ENTRY_BYTES);
        push_user(token, b"\",\"phone_to_server\":[", out);
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            self.push_entry(item, out);
        }
        out.extend_from_slice(b"]}");
    }

    /// Appends an entry.
    pub fn push_entry(&mut self, item: &Item<'_>, out: &mut Vec<u8>) {
        let head = usize::from(item.locale()) * Key::ALL.len() + item.key() as usize;
        out.extend_from_slice(self.heads.get(head).expect("a recording is from the writer's locales"));
        push_seconds(out, item.write_us());
        out.extend_from_slice(b"},\"data\":");
        match item {
            Item::Location(fix) | Item::FilteredLocation(fix, _) => self.push_fix(fix, out),
            Item::Motion(motion) => push_motion(self.platform, motion, out),
            Item::Transition(transition) => push_transition(self.platform, transition, out),
            Item::Battery(battery) => push_battery(self.platform, battery, out),
            Item::Stat(stat) => push_stat(self.platform, stat, out),
            Item::Config(config) => push_setting(self.platform, config.setting, out),
            Item::Label(label) => push_label(label, out),
        }
        out.push(b'}');
    }

    fn push_fix(&mut self, fix: &Fix, out: &mut Vec<u8>) {
        if self.fix != Some(*fix) {
            self.fix = Some(*fix);
            self.fix_data.clear();
            let clock = self.clocks.get_mut(usize::from(fix.locale)).expect("a recording is from the writer's locales");
            match self.platform {
                Platform::Android => push_android_fix(fix, clock, &mut self.fix_data),
                Platform::Ios => push_ios_fix(fix, clock, &mut self.fix_data),
            }
        }
        out.extend_from_slice(&self.fix_data);
    }
}

fn push_user(token: &str, rest: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"user\":\"");
    out.extend_from_slice(token.as_bytes());
    out.extend_from_slice(rest);
}

/// Appends `text`, which ends with a field's name, and lets `push` write the value.
macro_rules! push {
    ($out:ident, $($text:literal $(=> $push:expr)?),+ $(,)?) => {{
        $($out.extend_from_slice($text.as_bytes()); $($push;)?)+
    }};
}

fn push_android_fix(fix: &Fix, clock: &mut Clock, out: &mut Vec<u8>) {
    push!(out,
        "{\"accuracy\":" => push_f32(out, fix.accuracy_m),
        ",\"altitude\":" => push_f32(out, fix.altitude_m),
        ",\"bearing\":" => push_f32(out, fix.bearing_deg),
        ",\"elapsedRealtimeNanos\":" => push_whole(out, fix.elapsed_ns),
        ",\"filter\":\"time\",\"fmt_time\":\"" => clock.push_android(fix.ts_us, out),
        "\",\"latitude\":" => push_fixed::<7>(out, ten_millionths(fix.latitude)),
        ",\"longitude\":" => push_fixed::<7>(out, ten_millionths(fix.longitude)),
        ",\"sensed_speed\":" => push_f32(out, fix.speed_m_s),
        ",\"ts\":" => push_seconds(out, fix.ts_us),
        "}",
    );
}

/// Degrees as a whole number of 1e-7 degrees: what Android's fixes are multiples of.
pub fn ten_millionths(degrees: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 180 degrees")]
    let whole = (degrees * 1e7).round() as i64;
    whole
}

fn push_ios_fix(fix: &Fix, clock: &mut Clock, out: &mut Vec<u8>) {
    push!(out,
        "{\"floor\":0,\"altitude\":" => push_f32(out, fix.altitude_m),
        ",\"fmt_time\":\"" => clock.push_ios(fix.ts_us, out),
        "\",\"vaccuracy\":" => push_f32(out, fix.vaccuracy_m),
        ",\"ts\":" => push_seconds(out, fix.ts_us),
        ",\"longitude\":" => push_f64(out, fix.longitude),
        ",\"filter\":\"distance\",\"latitude\":" => push_f64(out, fix.latitude),
        ",\"sensed_speed\":" => push_f32(out, fix.speed_m_s),
        ",\"accuracy\":" => push_f32(out, fix.accuracy_m),
        ",\"bearing\":" => push_f32(out, fix.bearing_deg),
        "}",
    );
}

fn push_motion(platform: Platform, motion: &Motion, out: &mut Vec<u8>) {
    match platform {
        Platform::Android => push!(out,
            "{\"confidence\":" => push_whole(out, motion.confidence.into()),
            ",\"ts\":" => push_seconds(out, motion.ts_us),
            ",\"type\":" => push_whole(out, motion.activity as i64),
            "}",
        ),
        Platform::Ios => push_ios_motion(motion, out),
    }
}

fn push_ios_motion(motion: &Motion, out: &mut Vec<u8>) {
    let activity = motion.activity;
    let flags = [
        ("stationary", matches!(activity, Activity::Still | Activity::StoppedInVehicle)),
        ("walking", matches!(activity, Activity::Walking | Activity::OnFoot)),
        ("running", activity == Activity::Running),
        ("automotive", matches!(activity, Activity::InVehicle | Activity::StoppedInVehicle)),
        ("cycling", activity == Activity::Bicycling),
        ("unknown", matches!(activity, Activity::Unknown | Activity::Tilting)),
    ];
    out.push(b'{');
    for (name, is_set) in flags {
        push!(out, "\"" => out.extend_from_slice(name.as_bytes()), "\":");
        out.extend_from_slice(if is_set { b"true," } else { b"false," });
    }
    push!(out,
        "\"confidence\":\"" => out.extend_from_slice(confidence_word(motion.confidence).as_bytes()),
        "\",\"ts\":" => push_seconds(out, motion.ts_us),
        "}",
    );
}

fn push_transition(platform: Platform, transition: &Transition, out: &mut Vec<u8>) {
    push!(out,
        "{\"currState\":\"" => out.extend_from_slice(state_word(platform, transition.state).as_bytes()),
        "\",\"transition\":\"" => out.extend_from_slice(step_word(platform, transition.step).as_bytes()),
        "\",\"ts\":" => push_seconds(out, transition.write_us),
        "}",
    );
}

fn push_battery(platform: Platform, battery: &Battery, out: &mut Vec<u8>) {
    let is_full = battery.is_charging && battery.level_pct >= 100.0;
    match platform {
        Platform::Android => {
            // Many phones repeat the temperature as the voltage: emission-format a.4.
            let status = if is_full {
                5
            } else if battery.is_charging {
                2
            } else {
                3
            };
            let plugged = if battery.is_charging { "AC" } else { "UNKNOWN" };
            push!(out,
                "{\"android_health\":\"GOOD\",\"android_plugged\":\"" => out.extend_from_slice(plugged.as_bytes()),
                "\",\"android_technology\":\"Li-ion\",\"android_temperature\":" => push_whole(out, battery.temperature.into()),
                ",\"android_voltage\":" => push_whole(out, battery.temperature.into()),
                ",\"battery_level_pct\":" => push_f32(out, battery.level_pct.round()),
                ",\"battery_status\":" => push_whole(out, status),
                ",\"ts\":" => push_seconds(out, battery.write_us),
                "}",
            );
        }
        Platform::Ios => {
            let status = if is_full {
                3
            } else if battery.is_charging {
                2
            } else {
                1
            };
            push!(out,
                "{\"battery_level_ratio\":" => push_f32(out, battery.level_pct.round() / 100.0),
                ",\"battery_status\":" => push_whole(out, status),
                ",\"ts\":" => push_seconds(out, battery.write_us),
                "}",
            );
        }
    }
}

fn push_stat(platform: Platform, stat: &Stat, out: &mut Vec<u8>) {
    let system_version = match platform {
        Platform::Android => "14",
        Platform::Ios => "17.4",
    };
    push!(out,
        "{\"client_app_version\":\"" => out.extend_from_slice(APP_VERSION.as_bytes()),
        "\",\"client_os_version\":\"" => out.extend_from_slice(system_version.as_bytes()),
        "\",\"name\":\"" => out.extend_from_slice(stat.name.as_bytes()),
        "\",\"reading\":" => push_f64(out, stat.reading),
        ",\"ts\":" => push_seconds(out, stat.write_us),
        "}",
    );
}

/// The values of emission-format a.4; the protocol is the app's default one.
fn push_setting(platform: Platform, setting: Setting, out: &mut Vec<u8>) {
    match setting {
        Setting::Sensor { filter_distance_m, filter_time_ms } => {
            let (accuracy, responsiveness_ms, stationary_min) = match platform {
                Platform::Android => (100, 5_000, 5),
                Platform::Ios => (-1, -1, 10),
            };
            push!(out,
                "{\"is_duty_cycling\":true,\"simulate_user_interaction\":false,\"accuracy\":" => push_whole(out, accuracy),
                ",\"accuracy_threshold\":200,\"filter_distance\":" => push_f64(out, filter_distance_m.unwrap_or(-1.0)),
                ",\"filter_time\":" => push_whole(out, filter_time_ms.map_or(-1, i64::from)),
                ",\"geofence_radius\":100,\"trip_end_stationary_mins\":" => push_whole(out, stationary_min),
                ",\"ios_use_visit_notifications_for_detection\":true,\"ios_use_remote_push_for_sync\":true",
                ",\"android_geofence_responsiveness\":" => push_whole(out, responsiveness_ms),
                "}",
            );
        }
        Setting::Sync { sync_interval_s } => push!(out,
            "{\"sync_interval\":" => push_whole(out, sync_interval_s.into()),
            ",\"ios_use_remote_push\":true}",
        ),
        Setting::Consent => push!(
            out,
            "{\"category\":\"emSensorDataCollectionProtocol\",\"protocol_id\":\"2014-04-6267\"",
            ",\"approval_date\":\"2016-07-14\"}",
        ),
    }
}

fn push_label(label: &Label, out: &mut Vec<u8>) {
    push!(out,
        "{\"start_ts\":" => push_seconds(out, label.start_us),
        ",\"end_ts\":" => push_seconds(out, label.end_us),
        ",\"label\":\"" => out.extend_from_slice(label.label.as_bytes()),
        "\"}",
    );
}
