//! Whatever comes, comes back; and whatever is damaged is noticed or read as something else, without a panic.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

use proptest::prelude::*;
use rushhour_chunk::{Fields, Leaf, Look, NewRow, Ordinary, Reader, Rows};
use serde_json::{Map, Value, json};

/// Names that mean something, so that values land where they are modelled.
const NAMES: [&str; 20] = [
    "ts",
    "latitude",
    "longitude",
    "bearing",
    "sensed_speed",
    "altitude",
    "accuracy",
    "elapsedRealtimeNanos",
    "fmt_time",
    "type",
    "confidence",
    "read_ts",
    "write_ts",
    "key",
    "time_zone",
    "reading",
    "name",
    "filter",
    "äö \"\\",
    "",
];
const KEYS: [&str; 5] = [
    "background/location",
    "background/filtered_location",
    "background/motion_activity",
    "statemachine/transition",
    "x",
];

fn number() -> impl Strategy<Value = Value> {
    let special = [0.0, -0.0, 1e308, -1e308, 5e-324, 0.1, 37.390_200_493_735_36, 14.350_000_381_469_73, 1e15, 1e17];
    let decimal =
        (any::<i64>(), 0u32..18).prop_map(|(digits, places)| digits as f64 / 10f64.powi(places.cast_signed()));
    prop_oneof![
        any::<i64>().prop_map(|int| json!(int)),
        any::<u64>().prop_map(|int| json!(int)),
        (-2i64..200).prop_map(|int| json!(int)),
        any::<f64>().prop_filter("JSON has no others", |float| float.is_finite()).prop_map(|float| json!(float)),
        any::<f32>().prop_filter("JSON has no others", |float| float.is_finite()).prop_map(|float| json!(float)),
        (-90_000_000i32..90_000_000).prop_map(|tiny| json!(f64::from(tiny) / 1e6)),
        decimal.prop_map(|float| json!(float)),
        proptest::sample::select(special.to_vec()).prop_map(|float| json!(float)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => number(),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => ".{0,60}".prop_map(Value::String),
        1 => Just(json!("2016-08-05T04:53:24.886000-07:00")),
    ];
    leaf.prop_recursive(4, 24, 5, |inside| {
        prop_oneof![
            proptest::collection::vec(inside.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::vec((name(), inside), 0..5).prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![8 => proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned), 1 => ".{0,8}"]
}

/// Times in seconds and in words: two of one second, and one whose words are of another time.
const MOMENTS: [(f64, &str); 4] = [
    (1_470_398_004.886, "2016-08-05T04:53:24.886000-07:00"),
    (1_446_503_965.25, "2015-11-02T14:39:25-0800"),
    (1_446_503_965.75, "2015-11-02T14:39:25-0800"),
    (1_446_504_000.5, "2015-11-02T14:39:25-0800"),
];

#[derive(Clone, Debug)]
struct Entry {
    key: &'static str,
    write_ts: f64,
    value: Value,
}

fn entry() -> impl Strategy<Value = Entry> {
    let fields = || proptest::collection::vec((name(), value()), 0..8).prop_map(Map::from_iter);
    let write_ts = prop_oneof![1.4e9..1.5e9, Just(-0.0), Just(1_470_398_004.886)];
    let moment = proptest::option::of(proptest::sample::select(MOMENTS.to_vec()));
    (proptest::sample::select(KEYS.to_vec()), write_ts, fields(), fields(), moment, any::<bool>()).prop_map(
        |(key, write_ts, mut metadata, mut data, moment, is_plain)| {
            if let Some((ts, words)) = moment {
                data.insert("ts".into(), json!(ts));
                data.insert("fmt_time".into(), json!(words));
            }
            if is_plain {
                metadata.insert("key".into(), json!(key));
                metadata.insert("type".into(), json!("t"));
                metadata.insert("write_ts".into(), json!(write_ts));
            }
            Entry { key, write_ts, value: json!({"metadata": metadata, "data": data}) }
        },
    )
}

fn parse(entries: &[Entry]) -> Rows {
    let texts: Vec<String> = entries.iter().map(|entry| entry.value.to_string()).collect();
    let rows = entries.iter().zip(&texts);
    let rows = rows.map(|(entry, text)| NewRow { kind: "t", key: entry.key, write_ts: entry.write_ts, text });
    Rows::parse(&rows.collect::<Vec<_>>())
}

/// Equality that tells 0.0 from -0.0, and 5 from 5.0.
fn assert_is(text: &str, value: &Value) {
    let read: Value = serde_json::from_str(text).unwrap();
    assert_eq!(&read, value);
    let mut sorted = [read, value.clone()];
    sorted.iter_mut().for_each(Value::sort_all_objects);
    let [read, value] = sorted.map(|value| value.to_string());
    assert_eq!(read, value);
}

/// Fields that are looked at.
const SEEN: [&str; 7] =
    ["metadata.key", "metadata.write_ts", "data.ts", "data.latitude", "data.filter", "data.type", "data.confidence"];

/// Whether that is what is seen of a value.
fn is_leaf(seen: Option<Leaf<'_>>, value: Option<&Value>) -> bool {
    match (seen, value) {
        (None, None) | (Some(Leaf::Null), Some(Value::Null)) => true,
        (Some(Leaf::Bool(seen)), Some(Value::Bool(value))) => seen == *value,
        (Some(Leaf::Int(seen)), Some(Value::Number(value))) => value.as_i64() == Some(seen),
        (Some(Leaf::Float(seen)), Some(Value::Number(value))) => {
            value.is_f64() && value.as_f64().map(f64::to_bits) == Some(seen.to_bits())
        }
        (Some(Leaf::Text(seen)), Some(Value::String(value))) => seen == value,
        (Some(Leaf::Other), Some(Value::Number(value))) => value.as_i64().is_none() && value.is_u64(),
        (Some(Leaf::Other), Some(value)) => value.is_object() || value.is_array(),
        _ => false,
    }
}

/// Whether servers keep an entry as it is, by the rules in words.
fn is_ordinary(value: &Value) -> bool {
    let top = value.as_object().unwrap();
    let (Some(metadata), Some(data)) = (top.get("metadata"), top.get("data")) else { return false };
    let is_text = |name: &str| metadata.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let is_in_s = |stamp: f64| stamp < 1e11;
    !has_dots(value)
        && top.len() == 2
        && is_text("type")
        && is_text("key")
        && metadata.get("write_ts").and_then(Value::as_f64).is_some_and(is_in_s)
        && data.get("ts").and_then(Value::as_f64).is_none_or(is_in_s)
        && data.is_object()
}

fn has_dots(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('.') || has_dots(value)),
        Value::Array(items) => items.iter().any(has_dots),
        _ => false,
    }
}

proptest! {
    #[test]
    fn what_is_taken_apart_as_ordinary_is_what_is_taken_apart_entry_by_entry(
        entries in proptest::collection::vec(entry(), 0..6),
        extra in proptest::option::of((name(), value())),
    ) {
        let mut values: Vec<Value> = entries.iter().map(|entry| entry.value.clone()).collect();
        if let Some(((name, value), first)) = extra.zip(values.first_mut().and_then(Value::as_object_mut)) {
            first.insert(name, value);
        }
        let list = Value::Array(values.clone()).to_string();
        if let Ok(Ordinary(rows)) = serde_json::from_str(&list) {
            prop_assert!(values.iter().all(is_ordinary), "{list}");
            let text = |value: &Value, path: &str| value.pointer(path).unwrap().as_str().unwrap().to_owned();
            let names: Vec<[String; 2]> =
                values.iter().map(|value| ["/metadata/type", "/metadata/key"].map(|path| text(value, path))).collect();
            let texts: Vec<String> = values.iter().map(Value::to_string).collect();
            let given = values.iter().zip(&names).zip(&texts).map(|((value, [kind, key]), text)| {
                let write_ts = value.pointer("/metadata/write_ts").unwrap().as_f64().unwrap();
                NewRow { kind, key, write_ts, text }
            });
            prop_assert!(rows == Rows::parse(&given.collect::<Vec<_>>()));
        }
    }

    #[test]
    fn entries_come_back_in_their_order(entries in proptest::collection::vec(entry(), 0..30), uploads in any::<u32>()) {
        let mut rows = parse(&entries);
        let unpacked = Rows::decode(&rows.pack(), None).unwrap();
        prop_assert!(unpacked == rows && unpacked.texts().eq(rows.texts()));
        let reader = Reader::new(&rows);
        let fields = Fields::at(&SEEN).unwrap();
        let look = Look::new(&rows, &fields);
        for (row, entry) in entries.iter().enumerate() {
            assert_is(&reader.read::<Value>(row).unwrap().to_string(), &entry.value);
            for (field, path) in SEEN.iter().enumerate() {
                let there = entry.value.pointer(&format!("/{}", path.replace('.', "/")));
                prop_assert!(is_leaf(look.at(row).leaf(field), there), "{path} of {}", entry.value);
            }
        }
        rows.set_upload(uploads);
        let decoded = Rows::decode(&rows.encode(), None).unwrap();
        prop_assert!(decoded == rows);
        for (number, (entry, text)) in entries.iter().zip(decoded.texts()).enumerate() {
            assert_is(&text, &entry.value);
            prop_assert_eq!(&*decoded.name(number).key, entry.key);
            prop_assert_eq!(decoded.write_ts(number).to_bits(), entry.write_ts.to_bits());
            prop_assert_eq!(decoded.upload(number), uploads);
        }
    }

    #[test]
    fn parts_of_rows_are_as_in_the_whole(
        a in proptest::collection::vec(entry(), 0..12),
        b in proptest::collection::vec(entry(), 0..12),
        key in proptest::sample::select(KEYS.to_vec()),
    ) {
        let mut joined = parse(&a);
        let mut others = Rows::decode(&parse(&b).pack(), None).unwrap();
        others.set_upload(3);
        joined.append(&others);
        let decoded = Rows::decode(&joined.encode(), None).unwrap();
        prop_assert!(decoded == joined);
        joined.set_upload(0);
        let keys = [key.to_owned()];
        let mut wanted: Vec<usize> = (0..joined.len()).filter(|row| *joined.name(*row).key == *key).collect();
        wanted.sort_by(|x, y| joined.write_ts(*x).total_cmp(&joined.write_ts(*y)));
        for bytes in [joined.encode(), joined.pack(), joined.select(&wanted).encode()] {
            prop_assert!(Rows::decode(&bytes, Some(&keys)).unwrap() == joined.select(&wanted));
            let Some(until) = wanted.get(wanted.len() / 2).map(|row| joined.write_ts(*row)) else { continue };
            let earlier = |rows: &Rows| (0..rows.len()).filter(|row| rows.write_ts(*row) <= until).collect::<Vec<_>>();
            let read = Rows::decode_until(&bytes, Some(&keys), until).unwrap();
            let in_time: Vec<usize> = wanted.iter().copied().filter(|row| joined.write_ts(*row) <= until).collect();
            prop_assert!(read.select(&earlier(&read)) == joined.select(&in_time));
        }
    }

    #[test]
    fn damage_is_no_panic(
        entries in proptest::collection::vec(entry(), 1..12),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let rows = parse(&entries);
        for bytes in [rows.encode(), rows.pack()] {
            let mut changed = bytes.clone();
            for (at, byte) in &changes {
                *changed.get_mut(at.index(bytes.len())).unwrap() ^= byte;
            }
            for damaged in [&changed[..], &bytes[..cut.index(bytes.len())]] {
                if let Some(rows) = Rows::decode(damaged, None) {
                    rows.texts().for_each(|text| drop(serde_json::from_str::<Value>(&text)));
                }
            }
        }
    }
}

#[test]
fn what_phones_send_is_ordinary_and_what_needs_a_correction_is_not() {
    let entry = |metadata: &str, data: &str, more: &str| {
        format!(r#"{{"metadata":{{"type":"t","key":"k",{metadata}}},"data":{data}{more}}}"#)
    };
    let plain = entry(r#""write_ts":1.5e9"#, r#"{"ts":1.5e9,"x":{"y":[1]}}"#, "");
    let is_read = |texts: &[&str]| serde_json::from_str::<Ordinary>(&format!("[{}]", texts.join(","))).is_ok();
    assert!(is_read(&[]) && is_read(&[&plain, &plain]));
    for odd in [
        entry(r#""write_ts":1.5e12"#, r#"{"ts":1.5e9}"#, ""),
        entry(r#""write_ts":1.5e9"#, r#"{"ts":1.5e12}"#, ""),
        entry(r#""write_ts":"1""#, r#"{"ts":1.5e9}"#, ""),
        entry(r#""write_ts":1"#, r#"{"a.b":1}"#, ""),
        entry(r#""write_ts":1"#, r#"{"a":{"b.c":1},"d":2}"#, ""),
        entry(r#""write_ts":1"#, "[1]", ""),
        entry(r#""write_ts":1"#, "{}", ""),
        entry(r#""write_ts":1"#, r#"{"a":1}"#, r#","_id":{"$oid":"00"}"#),
        entry(r#""write_ts":1,"write_ts":2"#, r#"{"a":1}"#, ""),
        entry(&format!(r#""write_ts":1,"key":"{}""#, "k".repeat(256)), r#"{"a":1}"#, ""),
        r#"{"metadata":{"type":"","key":"k","write_ts":1},"data":{"a":1}}"#.to_owned(),
        r#"{"metadata":{"key":"k","write_ts":1},"data":{"a":1}}"#.to_owned(),
        r#"{"data":{"a":1}}"#.to_owned(),
        "[1]".to_owned(),
        "5".to_owned(),
    ] {
        assert!(!is_read(&[&plain, &odd]), "{odd}");
    }
}

#[test]
fn what_is_no_entry_comes_back_as_it_was() {
    let deep = "[".repeat(100_000);
    let wide = format!("{{\"a\":[{}1]}}", "1,".repeat(5000));
    let long = format!("{{\"a\":\"{}\"}}", "ä".repeat(1 << 20));
    let texts =
        ["", "{", "[1]", "5", r#"{"a":1,"a":2}"#, r#"{"a":1e999}"#, "{} {}", r#" {"a":[ ]} "#, &deep, &wide, &long];
    let rows = texts.map(|text| NewRow { kind: "t", key: "k", write_ts: 1.0, text });
    let rows = Rows::parse(&rows);
    assert!(Rows::decode(&rows.pack(), None).unwrap() == rows);
    let rows = Rows::decode(&rows.encode(), None).unwrap();
    for (text, given) in rows.texts().zip(texts) {
        let is_same = serde_json::from_str::<Value>(given)
            .is_ok_and(|given| serde_json::from_str::<Value>(&text).is_ok_and(|read| read == given));
        assert!(is_same || text == given, "{}", given.get(..40).unwrap_or(given));
    }
}

#[test]
fn more_names_than_anything_has_come_back_too() {
    let entry = |number: usize| {
        let data = (0..2_000).map(|name| (format!("{number} {name}"), json!(name)));
        let metadata = json!({"type": "t", "key": "x", "write_ts": 1.5});
        Entry { key: "x", write_ts: 1.5, value: json!({"metadata": metadata, "data": Map::from_iter(data)}) }
    };
    let entries: Vec<Entry> = (0..40).map(entry).collect();
    let list = |entries: &[Entry]| Value::Array(entries.iter().map(|entry| entry.value.clone()).collect()).to_string();
    assert!(serde_json::from_str::<Ordinary>(&list(&entries)).is_err());
    assert!(serde_json::from_str::<Ordinary>(&list(&entries[..30])).is_ok());
    let rows = parse(&entries);
    for bytes in [rows.encode(), rows.pack()] {
        let decoded = Rows::decode(&bytes, None).unwrap();
        decoded.texts().zip(&entries).for_each(|(text, entry)| assert_is(&text, &entry.value));
    }
}
