//! The days that real phones sent, where the machine has them (`RUSHHOUR_DAYS`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::fs::File;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use rushhour_load::recording;
use rushhour_load::request::Before;
use rushhour_load::{population::Population, scenario::Scenario};
use rushhour_model::received::Received;
use serde_json::Value;
use serde_json::value::RawValue;

fn days() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the days lie where the machine has them")]
    std::env::var_os("RUSHHOUR_DAYS").map(PathBuf::from)
}

/// The entries of every day, as JSON.
fn entries(dir: &PathBuf) -> Vec<Value> {
    let names = std::fs::read_dir(dir).unwrap().map(|item| item.unwrap().path());
    let raw = names.filter(|path| path.to_string_lossy().ends_with(".raw.json.gz"));
    raw.flat_map(|path| serde_json::from_reader::<_, Vec<Value>>(GzDecoder::new(File::open(path).unwrap())).unwrap())
        .collect()
}

#[test]
fn every_real_entry_is_received_to_the_letter() {
    let Some(dir) = days() else { return };
    for entry in entries(&dir) {
        let text = entry.to_string();
        let raw: Box<RawValue> = serde_json::from_str(&text).unwrap();
        assert_eq!(Received::read(&raw).unwrap().text, text);
    }
}

#[test]
fn every_real_day_becomes_uploads_of_which_none_is_lost() {
    let Some(dir) = days() else { return };
    let count = entries(&dir).len();
    let recordings = recording::read_dir(&dir).unwrap();
    assert_eq!(recordings.len(), 15);
    let uploads = recordings.iter().map(|recording| recording.uploads.len());
    // Real phones made 2 to 5 uploads a day, simulated ones 1 to 9 (from their transitions).
    assert!(uploads.clone().all(|uploads| (1..=12).contains(&uploads)), "{:?}", uploads.collect::<Vec<_>>());
    let population = Population::recorded(&Scenario::parse("users = 2").unwrap(), recordings);
    let sent: usize = Before::all(population).map(|request| request.entries).sum();
    assert_eq!(sent, 2 * count);
}
