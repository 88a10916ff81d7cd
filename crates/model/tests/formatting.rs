//! Every key on every platform, and every rule of the formatters, on entries made for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use rushhour_model::entry::Entry;
use rushhour_model::stored::{StoredEntry, to_phone, to_stored};
use serde_json::{Value, json};

/// 2016-06-20 08:28:11.932 in Los Angeles.
const WRITE_TS: f64 = 1_466_436_491.932;

fn entry(platform: &str, key: &str, zone: Option<&str>, data: Value) -> Entry {
    let mut metadata = json!({"key": key, "platform": platform, "type": "message", "read_ts": 0, "write_ts": WRITE_TS});
    if let Some(zone) = zone {
        metadata.as_object_mut().unwrap().insert("time_zone".into(), zone.into());
    }
    Entry::try_from(json!({"metadata": metadata, "data": data})).unwrap()
}

fn format(platform: &str, key: &str, data: Value) -> Result<StoredEntry, String> {
    to_stored(entry(platform, key, Some("America/Los_Angeles"), data)).map_err(|refusal| refusal.to_string())
}

/// Puts the parts and the text of `WRITE_TS` into `data`.
fn with_written(mut data: Value) -> Value {
    let fields = data.as_object_mut().unwrap();
    fields.insert("local_dt".into(), written_local_dt());
    fields.insert("fmt_time".into(), "2016-06-20T08:28:11.932000-07:00".into());
    data
}

fn written_local_dt() -> Value {
    json!({"year": 2016, "month": 6, "day": 20, "hour": 8, "minute": 28, "second": 11, "weekday": 0,
        "timezone": "America/Los_Angeles"})
}

/// `sent` must be stored as `stored`, and come back as `back`.
fn check(platform: &str, key: &str, sent: Value, stored: Value, back: Value) {
    let ours = format(platform, key, sent).unwrap();
    assert_eq!(serde_json::to_value(&ours.data).unwrap(), stored, "{platform} {key}");
    assert_eq!(ours.metadata.write_fmt_time, "2016-06-20T08:28:11.932000-07:00");
    let again = StoredEntry::try_from(serde_json::to_value(&ours).unwrap()).unwrap();
    assert_eq!(again, ours, "written and read again");
    let phone = to_phone(ours).unwrap();
    assert_eq!(serde_json::to_value(&phone.data).unwrap(), back, "{platform} {key}, back");
}

fn refuses(platform: &str, key: &str, sent: Value, rule: &str) {
    let refusal = format(platform, key, sent).unwrap_err();
    assert!(refusal.contains(rule), "{platform} {key}: {refusal}");
}

#[test]
fn a_location_gets_its_point_its_heading_and_its_own_time() {
    let keys = ["background/location", "background/filtered_location"];
    for (platform, key) in keys.into_iter().flat_map(|key| [("android", key), ("ios", key)]) {
        let fmt_time = "2016-06-20T08:28:03.395000-07:00";
        let sent = json!({"latitude": 37.3898049, "longitude": -122.0857861, "ts": 1466436483.395, "altitude": 0,
            "bearing": 0.0, "filter": "time", "new": [1], "fmt_time": "in the phone's locale"});
        let mut local_dt = written_local_dt();
        local_dt.as_object_mut().unwrap().insert("second".into(), 3.into());
        let stored = json!({"latitude": 37.3898049, "longitude": -122.0857861, "ts": 1466436483.395, "altitude": 0,
            "heading": 0.0, "filter": "time", "new": [1], "fmt_time": fmt_time, "local_dt": local_dt,
            "loc": {"type": "Point", "coordinates": [-122.0857861, 37.3898049]}});
        let mut back = sent.clone();
        back.as_object_mut().unwrap().insert("fmt_time".into(), fmt_time.into());
        check(platform, key, sent, stored, back);
    }
}

#[test]
fn what_a_location_lacks_is_named() {
    let fix = |more: Value| {
        let mut fix = json!({"latitude": 1, "longitude": 2, "ts": 3, "bearing": 0});
        fix.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fix
    };
    refuses("android", "background/location", json!({"latitude": 1, "longitude": 2, "ts": 3}), "`data.bearing`");
    refuses("ios", "background/location", fix(json!({"latitude": "x"})), "`data.latitude`");
    refuses("ios", "background/location", fix(json!({"ts": null})), "`data.ts`");
    refuses("ios", "background/location", fix(json!({"ts": -1e11})), "between the years 1 and 9999");
}

#[test]
fn android_motion_keeps_type_and_confidence_under_any_name() {
    let stored = |ts: f64| with_written(json!({"type": 7, "confidence": 92, "ts": ts}));
    let back = json!({"type": 7, "confidence": 92, "ts": 5.5});
    for (activity, confidence) in [
        ("type", "confidence"),
        ("agb", "agc"),
        ("zzaEg", "zzaEh"),
        ("zzbjA", "zzbjB"),
        ("ajO", "ajP"),
        ("zzaKM", "zzaKN"),
        ("zzbhB", "zzbhC"),
    ] {
        let sent = json!({activity: 7, confidence: 92, "ts": 5.5});
        check("android", "background/motion_activity", sent, stored(5.5), back.clone());
    }
    let sent = json!({"type": 7, "confidence": 92, "ts": 5.5});
    let renamed = format("android", "background/activity", sent.clone()).unwrap();
    assert_eq!(renamed.metadata.key, "background/motion_activity");
    refuses("ios", "background/activity", sent, "no formatter");
    refuses("android", "background/motion_activity", json!({"type": 6, "confidence": 1, "ts": 1}), "`data.type`: 6");
    refuses("android", "background/motion_activity", json!({"confidence": 1, "ts": 1}), "`data.type`");
    refuses("android", "background/motion_activity", json!({"type": 1, "ts": 1}), "`data.confidence`");
}

#[test]
fn ios_motion_maps_its_flags_and_its_confidence() {
    const FLAGS: [&str; 6] = ["stationary", "walking", "running", "automotive", "cycling", "unknown"];
    let sent = |set: &[&str], confidence: &str| {
        let mut data = json!({"confidence": confidence, "ts": WRITE_TS});
        let flags = FLAGS.map(|flag| (flag.to_owned(), Value::Bool(set.contains(&flag))));
        data.as_object_mut().unwrap().extend(flags);
        data
    };
    for (set, activity) in [
        (&[][..], 9),
        (&["stationary"], 3),
        (&["walking"], 7),
        (&["running"], 8),
        (&["cycling"], 1),
        (&["automotive"], 0),
        (&["unknown"], 4),
        (&["stationary", "automotive"], 10),
    ] {
        for (word, per_cent) in [("low", 50), ("medium", 75), ("high", 100)] {
            let phone = sent(set, word);
            let mut stored = with_written(phone.clone());
            let fields = stored.as_object_mut().unwrap();
            fields.insert("confidence".into(), per_cent.into());
            fields.insert("confidence_level".into(), word.into());
            fields.insert("type".into(), activity.into());
            check("ios", "background/motion_activity", phone.clone(), stored, phone);
        }
    }
    refuses("ios", "background/motion_activity", sent(&["walking", "cycling"], "low"), "walking, cycling");
    refuses("ios", "background/motion_activity", sent(&[], "certain"), "certain has no code");
    refuses("ios", "background/motion_activity", json!({"walking": true, "confidence": "low", "ts": 1}), "`data.type`");
}

#[test]
fn every_state_and_step_has_its_number() {
    let states = [
        ("local.state.start", "STATE_START"),
        ("local.state.waiting_for_trip_start", "STATE_WAITING_FOR_TRIP_START"),
        ("local.state.ongoing_trip", "STATE_ONGOING_TRIP"),
        ("local.state.tracking_stopped", "STATE_TRACKING_STOPPED"),
    ];
    let step = |state: &str, word: Value| json!({"currState": state, "transition": word, "ts": WRITE_TS});
    let stored =
        |state: i64, number: Value| with_written(json!({"curr_state": state, "transition": number, "ts": WRITE_TS}));
    for ((android, ios), number) in states.into_iter().zip(0..) {
        for (platform, word) in [("android", android), ("ios", ios)] {
            let sent = step(word, Value::Null);
            check(platform, "statemachine/transition", sent.clone(), stored(number, Value::Null), sent);
        }
    }
    let android = [
        ("initialize", 0),
        ("exited_geofence", 1),
        ("stopped_moving", 2),
        ("stop_tracking", 3),
        ("start_tracking", 17),
        ("tracking_error", 18),
        ("ble_beacon_lost", 19),
    ];
    for (word, number) in android {
        let sent = step("local.state.start", format!("local.transition.{word}").into());
        check("android", "statemachine/transition", sent.clone(), stored(0, number.into()), sent);
    }
    let ios = [
        ("INITIALIZE", 0),
        ("EXITED_GEOFENCE", 1),
        ("TRIP_ENDED", 2),
        ("FORCE_STOP_TRACKING", 3),
        ("INIT_COMPLETE", 5),
        ("TRIP_STARTED", 6),
        ("RECEIVED_SILENT_PUSH", 7),
        ("TRIP_END_DETECTED", 8),
        ("TRIP_RESTARTED", 9),
        ("END_TRIP_TRACKING", 10),
        ("TRACKING_STOPPED", 11),
        ("NOP", 12),
        ("VISIT_STARTED", 13),
        ("VISIT_ENDED", 14),
        ("DATA_PUSHED", 16),
        ("START_TRACKING", 17),
        ("BLE_BEACON_FOUND", 18),
        ("BLE_BEACON_LOST", 19),
    ];
    for (word, number) in ios {
        let sent = step("STATE_START", format!("T_{word}").into());
        check("ios", "statemachine/transition", sent.clone(), stored(0, number.into()), sent);
    }
    let boot = step("unknown", "booted".into());
    check("android", "statemachine/transition", boot.clone(), stored(3, 4.into()), boot);
    refuses(
        "ios",
        "statemachine/transition",
        step("STATE_START", "T_GEOFENCE_CREATION_ERROR".into()),
        "T_GEOFENCE_CREATION_ERROR",
    );
    refuses("ios", "statemachine/transition", step("local.state.start", Value::Null), "local.state.start");
    refuses(
        "android",
        "statemachine/transition",
        json!({"currState": "local.state.start", "ts": 1}),
        "`data.currState`",
    );
}

#[test]
fn the_time_of_a_transition_and_a_battery_is_when_it_was_written() {
    let stored =
        format("ios", "statemachine/transition", json!({"currState": "STATE_START", "transition": null, "ts": 1}));
    assert_eq!(stored.unwrap().data.get("ts"), Some(&json!(WRITE_TS)));
    for (sent, number) in [(1, 0), (2, 2), (3, 1), (4, 4), (5, 3)] {
        let phone = json!({"battery_level_pct": 54, "battery_status": sent, "android_health": "GOOD", "ts": WRITE_TS});
        let mut stored = with_written(phone.clone());
        stored.as_object_mut().unwrap().insert("battery_status".into(), number.into());
        check("android", "background/battery", phone.clone(), stored, phone);
    }
    for (ratio, level) in [
        (json!(0.54), json!(54.0)),
        (json!(0.29), json!(28.999999999999996)),
        (json!(1), json!(100)),
        (json!(-1), json!(-100)),
    ] {
        let phone = json!({"battery_level_ratio": ratio, "battery_status": 1, "ts": WRITE_TS});
        let stored = with_written(json!({"battery_level_pct": level, "battery_status": 1, "ts": WRITE_TS}));
        check("ios", "background/battery", phone.clone(), stored, phone);
    }
    refuses(
        "android",
        "background/battery",
        json!({"battery_level_pct": 5, "battery_status": 6, "ts": 1}),
        "battery_status`: 6",
    );
    refuses(
        "ios",
        "background/battery",
        json!({"battery_level_ratio": 1, "battery_status": 4, "ts": 1}),
        "battery_status`: 4",
    );
}

#[test]
fn beacons_stats_and_configurations() {
    for (word, number) in [("REGION_ENTER", 0), ("REGION_EXIT", 1), ("RANGE_UPDATE", 2)] {
        let phone = json!({"eventType": word, "uuid": "u", "major": 1, "minor": 2, "rssi": -60, "ts": 5.5});
        let mut stored = with_written(phone.clone());
        stored.as_object_mut().unwrap().insert("eventType".into(), number.into());
        for platform in ["android", "ios"] {
            check(platform, "background/bluetooth_ble", phone.clone(), stored.clone(), phone.clone());
        }
    }
    refuses("ios", "background/bluetooth_ble", json!({"eventType": "GONE", "ts": 1}), "GONE has no code");
    for platform in ["android", "ios"] {
        for (key, data) in [
            ("stats/client_time", json!({"name": "push_duration", "ts": 5.5, "reading": 0.191})),
            ("stats/client_nav_event", json!({"name": "sync_launched", "ts": 5.5, "reading": -1})),
            ("stats/client_error", json!({"name": "ui_error", "ts": 5.5, "reading": null})),
            ("config/sensor_config", json!({"is_duty_cycling": true, "filter_time": -1})),
            ("config/sync_config", json!({"sync_interval": 3600})),
            ("config/consent", json!({"category": "c", "protocol_id": "p", "approval_date": "2016-07-14"})),
        ] {
            check(platform, key, data.clone(), data.clone(), data);
        }
    }
    let dotted = json!({"name": "multilabel_choose", "ts": 1, "reading": {"a.b": [{"c.d": "e.f"}]}});
    let stored = format("ios", "stats/client_time", dotted).unwrap();
    assert_eq!(stored.data.get("reading"), Some(&json!({"a_b": [{"c_d": "e.f"}]})));
}

#[test]
fn what_people_enter_gets_the_times_it_is_about() {
    let span = |prefix: &str, minute: i64| {
        let mut local_dt = written_local_dt();
        local_dt.as_object_mut().unwrap().extend([("minute".into(), minute.into()), ("second".into(), 0.into())]);
        [
            (format!("{prefix}_local_dt"), local_dt),
            (format!("{prefix}_fmt_time"), format!("2016-06-20T08:{minute:02}:00-07:00").into()),
        ]
    };
    for key in [
        "mode_confirm",
        "purpose_confirm",
        "replaced_mode",
        "trip_user_input",
        "trip_addition_input",
        "place_addition_input",
    ] {
        let phone = json!({"start_ts": 1466435700, "end_ts": 1466436300.0, "label": "walk"});
        let mut stored = phone.clone();
        stored.as_object_mut().unwrap().extend(span("start", 15).into_iter().chain(span("end", 25)));
        for platform in ["android", "ios"] {
            check(platform, &format!("manual/{key}"), phone.clone(), stored.clone(), phone.clone());
        }
    }
    for key in ["manual/demographic_survey", "config/app_ui_config"] {
        for platform in ["android", "ios"] {
            let stored = format(platform, key, json!({"ts": WRITE_TS, "name": "n"})).unwrap();
            let expected = with_written(json!({"ts": WRITE_TS, "name": "n"}));
            assert_eq!(serde_json::to_value(&stored.data).unwrap(), expected, "{platform} {key}");
            assert!(to_phone(stored).unwrap().metadata.key == key);
            refuses(platform, key, json!({"name": "n"}), "`data.ts`");
        }
    }
    refuses("ios", "manual/mode_confirm", json!({"start_ts": 1, "label": "walk"}), "`data.end_ts`");
    refuses(
        "ios",
        "manual/place_user_input",
        json!({"start_ts": 1, "end_ts": 2}),
        "no formatter for manual/place_user_input",
    );
    refuses("android", "background/accelerometer", json!({}), "no formatter");
    refuses("server", "stats/client_time", json!({}), "formatters for android and ios");
    refuses("ios", "stats/client_time", json!([1]), "`data` is not an object");
}

#[test]
fn a_zone_is_replaced_where_the_original_replaces_it() {
    let fix = json!({"latitude": 1, "longitude": 2, "ts": 3, "bearing": 0});
    let label = json!({"start_ts": 1, "end_ts": 2, "label": "l"});
    let stat = json!({"name": "n", "ts": 1, "reading": 1});
    let zone = |platform: &str, key: &str, zone: Option<&str>, data: &Value| {
        let stored = to_stored(entry(platform, key, zone, data.clone())).map_err(|refusal| refusal.to_string())?;
        Ok::<_, String>(stored.metadata.time_zone.unwrap())
    };
    let default = Ok("America/Los_Angeles".to_owned());
    assert_eq!(zone("android", "background/location", None, &fix), default);
    assert_eq!(zone("ios", "manual/mode_confirm", None, &label), default);
    assert_eq!(zone("android", "stats/client_time", Some("Mars/Olympus"), &stat), default);
    assert_eq!(zone("ios", "background/location", Some("Europe/Berlin"), &fix), Ok("Europe/Berlin".to_owned()));
    for (platform, key, name, data) in [
        ("ios", "background/location", None, &fix),
        ("android", "stats/client_time", None, &stat),
        ("android", "background/location", Some("Mars/Olympus"), &fix),
        ("ios", "manual/mode_confirm", Some("Mars/Olympus"), &label),
    ] {
        assert!(zone(platform, key, name, data).unwrap_err().contains("time_zone"), "{platform} {key} {name:?}");
    }
}

#[test]
fn times_in_milliseconds_become_seconds() {
    let value = json!({"metadata": {"key": "background/motion_activity", "platform": "android", "type": "t",
        "time_zone": "America/Los_Angeles", "write_ts": 1466436491932_i64},
        "data": {"type": 3, "confidence": 100, "ts": 1466436491932.0}});
    let stored = to_stored(Entry::try_from(value).unwrap()).unwrap();
    assert_eq!(serde_json::to_value(&stored.metadata.write_ts).unwrap(), json!(WRITE_TS));
    assert_eq!(
        serde_json::to_value(&stored.data).unwrap(),
        with_written(json!({"type": 3, "confidence": 100, "ts": WRITE_TS}))
    );
}

#[test]
fn an_entry_is_told_in_the_clock_of_its_zone_on_its_day() {
    let stored = |zone: &str, write_ts: f64| {
        let value = json!({"metadata": {"key": "stats/client_time", "platform": "ios", "type": "message",
            "time_zone": zone, "write_ts": write_ts}, "data": {"name": "n", "ts": write_ts, "reading": 1}});
        let metadata = to_stored(Entry::try_from(value).unwrap()).unwrap().metadata;
        (metadata.write_fmt_time, metadata.write_local_dt.hour, metadata.write_local_dt.weekday)
    };
    // The hour that comes twice, the hour that does not come, a zone that changed its offset, a day that was skipped.
    for (zone, write_ts, text, hour, weekday) in [
        ("America/Los_Angeles", 1_478_421_000.0, "2016-11-06T01:30:00-07:00", 1, 6),
        ("America/Los_Angeles", 1_478_424_600.0, "2016-11-06T01:30:00-08:00", 1, 6),
        ("America/Los_Angeles", 1_457_863_200.0, "2016-03-13T03:00:00-07:00", 3, 6),
        ("Europe/Moscow", 1_414_278_000.0, "2014-10-26T02:00:00+03:00", 2, 6),
        ("Pacific/Apia", 1_325_239_200.0, "2011-12-31T00:00:00+14:00", 0, 5),
    ] {
        assert_eq!(stored(zone, write_ts), (text.to_owned(), hour, weekday), "{zone}");
    }
}
