//! The documents of real days, against those that the original's pipeline made of them.
//!
//! The days are read in place: `RUSHHOUR_DAYS` names their folder. What the original does and we do not is excluded by
//! name, in [`EXCLUDED`]; `docs/COMPATIBILITY.md` says why.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it is wrong")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::UserId;
use rushhour_model::stored::StoredEntry;
use rushhour_pipeline::chapter::Opening;
use rushhour_pipeline::documents::{Wanted, documents};
use rushhour_pipeline::keys;
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::timeline::all_trips;
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write};
use serde_json::Value;

/// Fields that are not compared, with the reason.
const EXCLUDED: [(&str, &str); 11] = [
    ("user_id", "the original drew one"),
    ("write_ts", "when the original ran"),
    ("write_local_dt", "when the original ran"),
    ("write_fmt_time", "when the original ran"),
    ("accuracy", "left over from the fix that a point was copied from"),
    ("elapsedRealtimeNanos", "left over from the fix that a point was copied from"),
    ("filter", "left over from the fix that a point was copied from"),
    ("sensed_speed", "left over from the fix that a point was copied from"),
    ("heading", "left over from the fix that a point was copied from"),
    ("index", "left over from the table of a section of one point"),
    ("metadata_write_ts", "left over from the table of a section of one point"),
];

struct Day {
    name: String,
    stored: Vec<Value>,
    analysis: Vec<Value>,
    trips: Vec<Value>,
}

fn read(path: &Path) -> Vec<Value> {
    let file = BufReader::new(File::open(path).unwrap());
    serde_json::from_reader(GzDecoder::new(file)).unwrap()
}

fn days() -> Vec<Day> {
    #[expect(clippy::disallowed_methods, reason = "the days are where the caller says")]
    let Some(folder) = std::env::var_os("RUSHHOUR_DAYS").map(PathBuf::from) else { return Vec::new() };
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|file| file.unwrap().file_name().to_str()?.strip_suffix(".analysis.json.gz").map(str::to_owned))
        .collect();
    names.sort();
    let part = |name: &str, part: &str| read(&folder.join(format!("{name}.{part}.json.gz")));
    let day = |name: String| Day {
        stored: part(&name, "stored"),
        analysis: part(&name, "analysis"),
        trips: part(&name, "trips"),
        name,
    };
    names.into_iter().map(day).collect()
}

fn oid(value: &Value) -> Option<String> {
    value.get("$oid")?.as_str().map(str::to_owned)
}

/// Our documents and trips.
fn ours(day: &Day) -> (Vec<Value>, Vec<Value>) {
    let mut observations = Observations::default();
    for value in &day.stored {
        let id = ObjectId::parse(&oid(&value["_id"]).unwrap()).unwrap();
        observations.push_stored(id, StoredEntry::try_from(value.clone()).unwrap());
    }
    assert_eq!(observations.rejected(), []);
    let user = UserId(Default::default());
    let settings = Settings { user, stops: &Stops::default(), model: &Model::default() };
    let inputs = observations.take_inputs();
    let chapters = write(observations, inputs, Opening::first(), &settings);
    let documents = documents(user, &chapters, &[], Wanted::All);
    let documents = documents.iter().map(|document| serde_json::to_value(document).unwrap()).collect();
    let trips = all_trips(&chapters, &[]);
    (documents, trips.iter().map(|trip| serde_json::to_value(trip).unwrap()).collect())
}

/// By key, in order of time.
fn by_key(documents: &[Value]) -> BTreeMap<String, Vec<&Value>> {
    let mut by_key: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for document in documents {
        by_key.entry(document["metadata"]["key"].as_str().unwrap().to_owned()).or_default().push(document);
    }
    by_key
}

fn by_id(documents: &[Value]) -> HashMap<String, &Value> {
    documents.iter().map(|document| (oid(&document["_id"]).unwrap(), document)).collect()
}

/// What orders the documents of a key: their times, or those of the section that they belong to.
fn order(document: &Value, all: &HashMap<String, &Value>) -> [u64; 2] {
    let data = &document["data"];
    let time = |name: &str| data[name].as_f64();
    match data.get("section").and_then(oid) {
        Some(section) if time("ts").is_none() => order(all[&section], all),
        // The bits of positive numbers are in their order.
        _ => [time("start_ts").or(time("enter_ts")).or(time("ts")), time("end_ts").or(time("exit_ts"))]
            .map(|time| time.unwrap_or(0.0).to_bits()),
    }
}

struct Comparison<'a> {
    ids: HashMap<String, String>,
    failures: Vec<String>,
    day: &'a str,
}

impl Comparison<'_> {
    fn fail(&mut self, path: &str, expected: &Value, found: &Value) {
        let text = |value: &Value| value.to_string().chars().take(120).collect::<String>();
        self.failures.push(format!("{} {path}: expected {}, found {}", self.day, text(expected), text(found)));
    }

    fn compare(&mut self, path: &str, expected: &Value, found: &Value) {
        match (expected, found) {
            (Value::Object(left), Value::Object(right)) => {
                if let (Some(one), Some(other)) = (oid(expected), oid(found)) {
                    // The fixes had ids of their own when the original ran: that as many of them, in the same order, are
                    // deleted is compared here, and which they are by the points that are left.
                    let known = self.ids.entry(one).or_insert_with(|| other.clone());
                    if *known != other {
                        self.fail(path, expected, found);
                    }
                    return;
                }
                let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
                let is_excluded = |name: &str| {
                    // The table of a section of one point has the parts of a date in columns of their own.
                    let is_in_columns = left.contains_key("local_dt_day") && name.starts_with("local_dt");
                    is_in_columns || EXCLUDED.iter().any(|(excluded, _)| *excluded == name)
                };
                for name in names.into_iter().filter(|name| !is_excluded(name)) {
                    let path = format!("{path}.{name}");
                    match (left.get(name), right.get(name)) {
                        (Some(one), Some(other)) => self.compare(&path, one, other),
                        (one, other) => {
                            self.fail(&path, one.unwrap_or(&"nothing".into()), other.unwrap_or(&"nothing".into()))
                        }
                    }
                }
            }
            (Value::Array(left), Value::Array(right)) => {
                if left.len() != right.len() {
                    self.fail(&format!("{path}.len"), &left.len().into(), &right.len().into());
                    return;
                }
                for (place, (one, other)) in left.iter().zip(right).enumerate() {
                    self.compare(&format!("{path}[{place}]"), one, other);
                }
            }
            (Value::Number(one), Value::Number(other)) => {
                let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
                let off = (one - other).abs();
                let is_equal = if path.contains("_ts") || path.ends_with(".ts") || path.contains(".times") {
                    off <= 1e-3
                } else if path.contains("coordinates") || path.contains("itude") && !path.contains("alt") {
                    off <= 1e-9
                } else {
                    off <= 1e-6 * one.abs().max(1.0)
                };
                if !is_equal {
                    self.fail(path, expected, found);
                }
            }
            // GeoJSON has the bare digits of an id.
            (Value::String(one), Value::String(other)) if path.ends_with(".id") && self.ids.get(one) == Some(other) => {
            }
            _ if expected != found => self.fail(path, expected, found),
            _ => {}
        }
    }
}

fn compare(day: &Day) -> (BTreeMap<String, (usize, usize)>, Vec<String>) {
    let (found, found_trips) = ours(day);
    let (left, right) = (by_id(&day.analysis), by_id(&found));
    assert_eq!(right.len(), found.len(), "ids are unique");
    let (mut expected_keys, mut found_keys) = (by_key(&day.analysis), by_key(&found));
    let mut ids: HashMap<String, String> = HashMap::new();
    for entry in &day.stored {
        let id = oid(&entry["_id"]).unwrap();
        ids.insert(id.clone(), id);
    }
    for (key, expected) in &mut expected_keys {
        expected.sort_by_key(|document| order(document, &left));
        let found = found_keys.entry(key.clone()).or_default();
        found.sort_by_key(|document| order(document, &right));
        for (one, other) in expected.iter().zip(found) {
            ids.insert(oid(&one["_id"]).unwrap(), oid(&other["_id"]).unwrap());
        }
    }
    let mut counts = BTreeMap::new();
    let mut comparison = Comparison { ids, failures: Vec::new(), day: &day.name };
    for key in keys::ALL {
        let (expected, found) =
            (expected_keys.remove(key).unwrap_or_default(), found_keys.remove(key).unwrap_or_default());
        counts.insert(key.to_owned(), (expected.len(), found.len()));
        if expected.len() != found.len() {
            comparison.failures.push(format!(
                "{} {key}: expected {} documents, found {}",
                day.name,
                expected.len(),
                found.len()
            ));
        }
        for (place, (one, other)) in expected.iter().zip(&found).enumerate() {
            comparison.compare(&format!("{key}[{place}]"), one, other);
        }
    }
    if day.trips.len() == found_trips.len() {
        for (place, (one, other)) in day.trips.iter().zip(&found_trips).enumerate() {
            comparison.compare(&format!("getTrips[{place}]"), one, other);
        }
    } else {
        comparison.failures.push(format!(
            "{} getTrips: expected {}, found {}",
            day.name,
            day.trips.len(),
            found_trips.len()
        ));
    }
    assert!(expected_keys.is_empty(), "unknown keys: {expected_keys:?}");
    (counts, comparison.failures)
}

#[test]
fn real_days_become_the_same_documents() {
    let mut failures = Vec::new();
    let kinds = keys::ALL.map(|key| key.split_once('/').unwrap().1);
    let mut table = format!("{:20} {}\n", "day", kinds.join(" "));
    for day in days() {
        let (counts, found) = compare(&day);
        write!(table, "{:20}", day.name).unwrap();
        for (key, kind) in keys::ALL.into_iter().zip(kinds) {
            let (expected, found) = counts[key];
            let cell = if expected == found { found.to_string() } else { format!("{found} of {expected}") };
            write!(table, " {cell:>0$}", kind.len()).unwrap();
        }
        writeln!(table, "  {} differences", found.len()).unwrap();
        failures.extend(found);
    }
    std::io::stderr().write_all(table.as_bytes()).unwrap();
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}
