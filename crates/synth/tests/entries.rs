//! What phones recorded, as text: it is what phones send, and what servers take.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may panic")]

use std::collections::BTreeSet;

use rushhour_model::entry::{Data, Entry};
use rushhour_model::stored::to_stored;
use rushhour_synth::entries::{Item, Key, Writer, items};
use rushhour_synth::phone::Platform;
use rushhour_synth::plane::Locale;
use rushhour_synth::sensed::{
    About, Activity, Battery, Config, Fix, Label, Motion, Recording, Setting, Stat, StatKind, State, Step, Transition,
};
use rushhour_synth::truth::SECOND_US;
use rushhour_synth::upload::{Call, Request};
use serde_json::{Value, json};

const AT_US: i64 = 1_775_000_000 * SECOND_US;

fn locales() -> Vec<Locale> {
    let locale = |name| Locale::new(39.74, -104.99, name, jiff::tz::TimeZone::get(name).unwrap());
    vec![locale("America/Denver"), locale("Europe/Berlin")]
}

fn fixes() -> Vec<Fix> {
    let fix = Fix {
        ts_us: AT_US,
        write_us: AT_US + 131_072,
        filtered_write_us: Some(AT_US + 140_000),
        latitude: 39.740_123_4,
        longitude: -104.990_5,
        altitude_m: 1_609.3,
        accuracy_m: 13.246,
        vaccuracy_m: 3.0,
        speed_m_s: 0.0,
        bearing_deg: 215.359_53,
        elapsed_ns: 47_598_314_000_000,
        locale: 0,
    };
    let cell = Fix { write_us: AT_US + 5 * SECOND_US, filtered_write_us: None, locale: 1, altitude_m: 0.0, ..fix };
    vec![fix, cell]
}

/// One after another, a second apart.
fn at(i: usize, offset_us: i64) -> i64 {
    AT_US + i64::try_from(i).unwrap() * SECOND_US + offset_us
}

fn each<T, U>(items: impl IntoIterator<Item = T>, make: impl Fn(usize, T) -> U) -> Vec<U> {
    items.into_iter().enumerate().map(|(i, item)| make(i, item)).collect()
}

/// An entry of every kind, and every word of the platform.
fn recording(platform: Platform) -> Recording {
    use Activity::{InVehicle, OnFoot, Running, Still, StoppedInVehicle, Tilting, Unknown, Walking};
    let is_ios = platform == Platform::Ios;
    let apart = if is_ios { [Activity::None, StoppedInVehicle] } else { [OnFoot, Tilting] };
    let activities = [InVehicle, Activity::Bicycling, Still, Unknown, Walking, Running].into_iter().chain(apart);
    let steps = if is_ios { IOS_STEPS.as_slice() } else { &ANDROID_STEPS };
    let sensor =
        Setting::Sensor { filter_distance_m: is_ios.then_some(50.0), filter_time_ms: (!is_ios).then_some(30_000) };
    let settings = [sensor, Setting::Sync { sync_interval_s: 3_600 }, Setting::Consent];
    let stats = [(StatKind::Time, 1.052), (StatKind::NavEvent, -1.0), (StatKind::Error, -1.0)];
    let levels = [(84.2, false), (31.0, true), (100.0, true)];
    let locale = 0;
    Recording {
        fixes: fixes(),
        motions: each(activities, |i, activity| {
            let ts_us = at(i, 7);
            Motion { ts_us, write_us: ts_us, activity, confidence: [50, 75, 100][i % 3], locale }
        }),
        transitions: each(steps, |i, &(state, step)| Transition { write_us: at(i, 11), state, step, locale }),
        batteries: each(levels, |i, (level_pct, is_charging)| Battery {
            write_us: at(i, 13),
            level_pct,
            is_charging,
            temperature: 203,
            locale,
        }),
        stats: each(stats, |i, (kind, reading)| Stat {
            write_us: at(i, 17),
            kind,
            name: "push_duration",
            reading,
            locale,
        }),
        configs: each(settings, |i, setting| Config { write_us: at(i, 19), setting, locale }),
        labels: each([About::Mode, About::Purpose, About::ReplacedMode], |i, about| Label {
            write_us: at(i, 23),
            start_us: AT_US - 500,
            end_us: AT_US,
            about,
            label: "drove_alone",
            locale,
        }),
    }
}

const ANDROID_STEPS: [(State, Step); 6] = [
    (State::Start, Step::Initialize),
    (State::WaitingForTripStart, Step::ExitedGeofence),
    (State::OngoingTrip, Step::StoppedMoving),
    (State::OngoingTrip, Step::StopTracking),
    (State::TrackingStopped, Step::StartTracking),
    (State::Unknown, Step::Booted),
];

const IOS_STEPS: [(State, Step); 15] = [
    (State::Start, Step::Initialize),
    (State::Start, Step::InitComplete),
    (State::WaitingForTripStart, Step::ExitedGeofence),
    (State::WaitingForTripStart, Step::TripStarted),
    (State::OngoingTrip, Step::TripRestarted),
    (State::OngoingTrip, Step::VisitEnded),
    (State::OngoingTrip, Step::VisitStarted),
    (State::OngoingTrip, Step::ReceivedSilentPush),
    (State::OngoingTrip, Step::TripEndDetected),
    (State::OngoingTrip, Step::EndTripTracking),
    (State::OngoingTrip, Step::StoppedMoving),
    (State::WaitingForTripStart, Step::DataPushed),
    (State::WaitingForTripStart, Step::Nop),
    (State::OngoingTrip, Step::StopTracking),
    (State::TrackingStopped, Step::StartTracking),
];

fn texts(platform: Platform) -> Vec<(Key, String)> {
    let mut writer = Writer::new(platform, &locales());
    let recording = recording(platform);
    let text = |item: &Item<'_>| {
        let mut out = Vec::new();
        writer.push_entry(item, &mut out);
        (item.key(), String::from_utf8(out).unwrap())
    };
    items(&recording, platform).iter().map(text).collect()
}

#[test]
fn every_entry_is_typed_and_has_a_stored_form_and_no_field_is_unknown() {
    for platform in [Platform::Android, Platform::Ios] {
        let mut keys = BTreeSet::new();
        for (key, text) in texts(platform) {
            let entry: Entry = serde_json::from_str(&text).unwrap();
            assert_eq!(entry.metadata.key, key.name());
            assert_eq!(entry.metadata.platform.as_ref().unwrap().name(), platform.name());
            assert!(!matches!(entry.data, Data::Other(_)), "{text}");
            assert!(entry.metadata.extra.is_empty() && entry.extra.is_empty());
            assert_eq!(serde_json::to_value(&entry).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
            to_stored(entry).unwrap_or_else(|refusal| panic!("{refusal}: {text}"));
            keys.insert(key);
        }
        assert_eq!(keys.len(), Key::ALL.len(), "{platform:?}");
    }
}

#[test]
fn android_writes_what_android_phones_send() {
    let texts = texts(Platform::Android);
    let of = |key| -> Value {
        let (_, text) = texts.iter().find(|(found, _)| *found == key).unwrap();
        serde_json::from_str(text).unwrap()
    };
    let location = of(Key::Location);
    assert_eq!(
        location,
        json!({
            "metadata": {
                "key": "background/location", "platform": "android", "read_ts": 0, "time_zone": "America/Denver",
                "type": "sensor-data", "write_ts": 1_775_000_000.131_072
            },
            "data": {
                "accuracy": 13.246, "altitude": 1609.3, "bearing": 215.35953,
                "elapsedRealtimeNanos": 47_598_314_000_000_i64, "filter": "time",
                "fmt_time": "Mar 31, 2026 5:33:20 PM", "latitude": 39.740_123_4, "longitude": -104.9905,
                "sensed_speed": 0, "ts": 1_775_000_000
            }
        })
    );
    assert_eq!(of(Key::FilteredLocation)["data"], location["data"]);
    assert_eq!(of(Key::Battery)["data"]["battery_level_pct"], 84);
    assert_eq!(of(Key::Transition)["data"]["currState"], "local.state.start");
}

#[test]
fn ios_appends_motion_activities_and_names_its_plugin() {
    let texts = texts(Platform::Ios);
    let first_motion = texts.iter().position(|(key, _)| *key == Key::Motion).unwrap();
    assert!(texts[first_motion..].iter().all(|(key, _)| *key == Key::Motion));
    let (_, text) = &texts[first_motion];
    assert!(text.contains(r#""plugin":null"#) && text.contains(r#""automotive":true"#), "{text}");
    let (_, text) = texts.iter().find(|(key, _)| *key == Key::Location).unwrap();
    assert!(text.contains(r#""plugin":"none""#) && text.contains("2026-03-31T17:33:20-0600"), "{text}");
}

#[test]
fn a_fix_in_another_city_shows_that_citys_clock() {
    let texts = texts(Platform::Android);
    let (_, cell) = texts.iter().filter(|(key, _)| *key == Key::Location).nth(1).unwrap();
    assert!(cell.contains("Europe/Berlin") && cell.contains("Apr 1, 2026 1:33:20 AM"), "{cell}");
}

#[test]
fn calls_are_lines_with_their_time_and_the_whole_body() {
    let mut writer = Writer::new(Platform::Android, &locales());
    let mut out = Vec::new();
    let request = Request::Put { recording: recording(Platform::Android), is_answered: false };
    for call in [Call { at_us: AT_US, request: Request::Get }, Call { at_us: AT_US + 1_500_000, request }] {
        writer.push_call("synth-0000007", &call, &mut out);
    }
    let lines: Vec<Value> =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [get, put] = lines.as_slice() else { panic!("two calls are two lines") };
    assert_eq!(
        *get,
        json!({
            "at": 1_775_000_000, "user": "synth-0000007", "route": "/usercache/get", "is_answered": true,
            "body": {"user": "synth-0000007"}
        })
    );
    assert_eq!(put["at"], 1_775_000_001.5);
    assert_eq!(put["is_answered"], false);
    let entries = put["body"]["phone_to_server"].as_array().unwrap();
    assert_eq!(entries.len(), recording(Platform::Android).count());
    let times = entries.iter().map(|entry| entry["metadata"]["write_ts"].as_f64().unwrap());
    assert!(times.is_sorted());
}
