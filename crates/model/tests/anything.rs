//! Whatever comes: nothing panics, nothing is lost, and what is refused says why.

#[path = "support/glance.rs"]
mod glance;

use glance::glance;
use proptest::prelude::*;
use rushhour_model::analysis::Document;
use rushhour_model::entry::Entry;
use rushhour_model::received::Received;
use rushhour_model::record::{Field, Record};
use rushhour_model::shift;
use rushhour_model::stored::observe::observe;
use rushhour_model::stored::{StoredEntry, to_phone, to_stored};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// Names that mean something somewhere, so that values land where they are read.
const NAMES: [&str; 40] = [
    "ts",
    "write_ts",
    "start_ts",
    "end_ts",
    "latitude",
    "longitude",
    "bearing",
    "heading",
    "altitude",
    "accuracy",
    "filter",
    "fmt_time",
    "local_dt",
    "loc",
    "type",
    "confidence",
    "confidence_level",
    "stationary",
    "walking",
    "automotive",
    "unknown",
    "running",
    "cycling",
    "currState",
    "curr_state",
    "transition",
    "battery_level_pct",
    "battery_level_ratio",
    "battery_status",
    "eventType",
    "name",
    "reading",
    "label",
    "coordinates",
    "year",
    "timezone",
    "$oid",
    "$uuid",
    "a.b",
    "zzbhB",
];

const KEYS: [&str; 12] = [
    "background/location",
    "background/filtered_location",
    "background/motion_activity",
    "background/battery",
    "background/bluetooth_ble",
    "statemachine/transition",
    "stats/client_time",
    "manual/mode_confirm",
    "manual/demographic_survey",
    "config/app_ui_config",
    "background/activity",
    "some/other",
];

fn leaf() -> impl Strategy<Value = Value> {
    let words = [
        "android",
        "ios",
        "high",
        "STATE_START",
        "local.state.start",
        "T_NOP",
        "REGION_EXIT",
        "Point",
        "2016-06-20T00:00:00Z",
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0_i64..20).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (1.4e9..1.8e9).prop_map(Value::from),
        (1.4e12..1.8e12).prop_map(Value::from),
        proptest::sample::select(words.to_vec()).prop_map(Value::from),
        ".*".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned), 1 => ".{0,8}"]
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec((name(), value()), 0..16).prop_map(|fields| fields.into_iter().collect())
}

prop_compose! {
    /// Something that looks like an entry, with anything inside.
    fn entry()(
        key in proptest::sample::select(KEYS.to_vec()),
        platform in prop_oneof![Just(json!("android")), Just(json!("ios")), value()],
        zone in prop_oneof![Just(json!("Europe/Berlin")), Just(Value::Null), value()],
        write_ts in prop_oneof![4 => (1.4e9..1.8e9).prop_map(Value::from), 1 => value()],
        metadata in fields(), data in prop_oneof![4 => fields().prop_map(Value::Object), 1 => value()], extra in fields(),
    ) -> Value {
        let mut metadata = metadata;
        metadata.extend([("key".to_owned(), key.into()), ("type".to_owned(), "message".into()), ("platform".to_owned(), platform),
            ("time_zone".to_owned(), zone), ("write_ts".to_owned(), write_ts)]);
        let mut entry = extra;
        entry.extend([("metadata".to_owned(), Value::Object(metadata)), ("data".to_owned(), data)]);
        Value::Object(entry)
    }
}

/// What phones send, with one field or none changed, dropped or added.
fn ordinary() -> impl Strategy<Value = Value> {
    let stamp = 1.7e9;
    let ios = |motion: &str, state: &str| {
        let flags = ["stationary", "walking", "running", "automotive", "cycling", "unknown"];
        let flags = flags.map(|flag| (flag.to_owned(), json!(flag == motion)));
        let mut data = Map::from_iter(flags);
        data.insert("confidence".to_owned(), json!(state));
        data.insert("ts".to_owned(), json!(stamp));
        Value::Object(data)
    };
    let data = [
        (
            "background/filtered_location",
            "android",
            json!({"latitude": 39.5, "longitude": -105, "ts": stamp, "altitude": 0, "bearing": 0.0, "filter": "time"}),
        ),
        ("background/motion_activity", "android", json!({"type": 7, "confidence": 100, "ts": stamp})),
        ("background/motion_activity", "ios", ios("walking", "high")),
        ("background/motion_activity", "ios", ios("", "low")),
        (
            "statemachine/transition",
            "android",
            json!({"currState": "local.state.start", "transition": null, "ts": stamp}),
        ),
        (
            "statemachine/transition",
            "ios",
            json!({"currState": "STATE_WAITING_FOR_TRIP_START", "transition": "T_NOP", "ts": stamp}),
        ),
        ("background/battery", "ios", json!({"battery_level_ratio": 0.5, "battery_status": 1, "ts": stamp})),
    ];
    let change = (any::<bool>(), any::<prop::sample::Index>(), name(), value());
    (proptest::sample::select(data.to_vec()), proptest::option::of(change)).prop_map(
        move |((key, platform, data), change)| {
            let metadata = json!({"key": key, "type": "message", "platform": platform, "time_zone": "Europe/Berlin", "write_ts": stamp});
            let mut entry = json!({"metadata": metadata, "data": data});
            if let Some((is_data, which, name, value)) = change {
                let half = entry.get_mut(if is_data { "data" } else { "metadata" });
                let half = half.and_then(Value::as_object_mut).expect("both are objects");
                let names: Vec<String> = half.keys().cloned().chain([name]).collect();
                let name = which.get(&names);
                if value.is_null() {
                    half.shift_remove(name);
                } else {
                    half.insert(name.clone(), value);
                }
            }
            entry
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_glance_tells_what_the_whole_entry_does_or_nothing(value in prop_oneof![entry(), ordinary()]) {
        let text = value.to_string();
        let seen = glance(&value);
        if let Some(seen) = seen {
            prop_assert_eq!(Ok(seen), observe(serde_json::from_str(&text).unwrap()));
        }
    }

    #[test]
    fn an_entry_comes_back_as_it_came_from_memory_and_from_text(value in entry()) {
        let text = value.to_string();
        let from_text = serde_json::from_str::<Entry>(&text);
        match Entry::try_from(value.clone()) {
            Ok(entry) => {
                prop_assert_eq!(serde_json::to_value(&entry).unwrap(), value);
                prop_assert_eq!(from_text.unwrap(), entry);
            }
            Err(_) => prop_assert!(from_text.is_err()),
        }
    }

    #[test]
    fn formatting_and_back_and_shifting_never_panic(value in entry(), days in -100_000_i32..100_000) {
        if let Ok(mut entry) = Entry::try_from(value) {
            if let Ok(stored) = to_stored(entry.clone()) {
                let written = serde_json::to_value(&stored).unwrap();
                prop_assert_eq!(&serde_json::to_value(StoredEntry::try_from(written.clone()).unwrap()).unwrap(), &written);
                let _ = to_phone(stored);
            }
            shift::by_days(&mut entry, days);
        }
    }

    #[test]
    fn whatever_is_received_has_an_identity_and_is_received_the_same_again(value in entry()) {
        let raw: Box<RawValue> = serde_json::from_str(&value.to_string()).unwrap();
        if let Ok(received) = Received::read(&raw) {
            prop_assert!(received.write_ts.is_finite());
            let again: Box<RawValue> = serde_json::from_str(&received.text).unwrap();
            let again = Received::read(&again).unwrap();
            prop_assert_eq!((&again.kind, &again.key), (&received.kind, &received.key));
            // What is still in milliseconds after one division was never a time.
            if received.write_ts < 1e11 {
                prop_assert_eq!(again.write_ts.to_bits(), received.write_ts.to_bits());
            }
        }
    }

    #[test]
    fn documents_and_features_are_read_whole_or_handed_back_whole(value in entry(), data in fields()) {
        let mut document = value;
        document.as_object_mut().unwrap().extend([
            ("_id".to_owned(), json!({"$oid": "6b007bcd6a1f11ce5d9a584a"})),
            ("user_id".to_owned(), json!({"$uuid": "421d3f44377e4034a4a149fa4fa319a9"})),
        ]);
        for value in [document, Value::Object(data)] {
            let read = Document::from_value(value.clone());
            if let Ok(document) = &read {
                for name in NAMES {
                    let number = |part: &str| value.get(part)?.get(name)?.as_f64();
                    prop_assert_eq!(document.metadata.number(name), number("metadata"));
                    prop_assert_eq!(document.data.number(name), number("data"));
                }
            }
            let read = read.map_or_else(|value| value, Field::into_value);
            prop_assert_eq!(&read, &value);
        }
    }
}
