//! How long writing a diary takes: a person's day, denser and denser days, and a day behind six months of others.
//!
//! `RUSHHOUR_DAYS` names the folder of the real days; without it only made ones are measured.
#![expect(clippy::unwrap_used, reason = "a benchmark fails where it is wrong")]

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use divan::{Bencher, black_box};
use flate2::read::GzDecoder;
use rushhour_model::entry::Entry;
use rushhour_model::ids::{UserId, entry_id};
use rushhour_pipeline::chapter::{Chapter, Opening};
use rushhour_pipeline::documents::{Wanted, documents};
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write};
use serde_json::{Value, json};

fn main() {
    divan::main();
}

fn observed(entries: &[Entry]) -> Observations {
    let user = UserId(Default::default());
    let mut observations = Observations::default();
    for entry in entries {
        let id = entry_id(user, &entry.metadata.kind, &entry.metadata.key, entry.metadata.write_s());
        observations.push(id, entry.clone());
    }
    observations
}

fn written(observations: Observations, opening: Opening) -> Vec<Chapter> {
    let settings = Settings { user: UserId(Default::default()), stops: &Stops::default(), model: &Model::default() };
    write(observations, Vec::new(), opening, &settings)
}

/// The real days, as phones sent them.
fn days() -> Vec<(String, Vec<Entry>)> {
    #[expect(clippy::disallowed_methods, reason = "the days are where the caller says")]
    let Some(folder) = std::env::var_os("RUSHHOUR_DAYS").map(PathBuf::from) else { return Vec::new() };
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    names.sort();
    let raw = names.into_iter().filter(|path| path.to_str().is_some_and(|path| path.ends_with(".raw.json.gz")));
    raw.map(|path| {
        let file = BufReader::new(File::open(&path).unwrap());
        let entries = serde_json::from_reader(GzDecoder::new(file)).unwrap();
        (path.file_name().unwrap().to_str().unwrap().trim_end_matches(".raw.json.gz").to_owned(), entries)
    })
    .collect()
}

fn day_names() -> Vec<String> {
    days().into_iter().map(|(name, _)| name).collect()
}

fn day(name: &str) -> Vec<Entry> {
    days().into_iter().find(|(other, _)| other == name).unwrap().1
}

/// From entries to chapters: all stages. The median of the days' medians is the figure to look at.
#[divan::bench(args = day_names())]
fn real_day_to_chapters(bencher: Bencher<'_, '_>, name: &str) {
    let entries = day(name);
    bencher.bench_local(|| black_box(written(observed(&entries), Opening::first())));
}

/// The same, and every document that is shown of them.
#[divan::bench(args = day_names())]
fn real_day_to_documents(bencher: Bencher<'_, '_>, name: &str) {
    let entries = day(name);
    bencher.bench_local(|| {
        let chapters = written(observed(&entries), Opening::first());
        black_box(documents(UserId(Default::default()), &chapters, &[], Wanted::All));
    });
}

/// A day with four trips, and `times` as many fixes as a phone takes.
fn made_day(day: u32, times: u32) -> Vec<Entry> {
    let start = 1.7e9 + f64::from(day) * 86_400.0;
    let mut entries = Vec::new();
    let mut push = |key: &str, ts: f64, data: Value| {
        let metadata =
            json!({"key": key, "type": "sensor-data", "platform": "android", "write_ts": ts, "time_zone": "UTC"});
        entries.push(Entry::try_from(json!({"metadata": metadata, "data": data})).unwrap());
    };
    for trip in 0..4_u32 {
        let from = start + f64::from(trip) * 10_000.0;
        // Half an hour on the way, ten minutes of staying.
        for step in 0..80 * times {
            let ts = from + f64::from(step) * 30.0 / f64::from(times);
            let metres = f64::from(step.min(60 * times)) * 150.0 / f64::from(times);
            let east = if trip % 2 == 0 { metres } else { 9_000.0 - metres };
            push(
                "background/filtered_location",
                ts,
                json!({"longitude": east / 111_195.0, "latitude": 0.0, "ts": ts,
                "bearing": 0, "filter": "time", "altitude": 1.5}),
            );
            push("background/motion_activity", ts + 0.01, json!({"ts": ts, "type": 0, "confidence": 90}));
        }
    }
    entries
}

#[divan::bench(args = [1, 4, 16])]
fn a_denser_day(bencher: Bencher<'_, '_>, times: u32) {
    let entries = made_day(0, times);
    bencher.bench_local(|| black_box(written(observed(&entries), Opening::first())));
}

/// A day that follows others: only what is needed of them is read again.
#[divan::bench(args = [1, 30, 180])]
fn a_day_behind_others(bencher: Bencher<'_, '_>, days: u32) {
    let before: Vec<Entry> = (0..days).flat_map(|day| made_day(day, 1)).collect();
    let mut all = before.clone();
    all.extend(made_day(days, 1));
    let opening = written(observed(&before), Opening::first()).pop().unwrap().opening;
    let from = opening.start.unwrap().needs_from_write_ts;
    let needed: Vec<Entry> = all.into_iter().filter(|entry| entry.metadata.write_s() >= from).collect();
    bencher.bench_local(|| black_box(written(observed(&needed), opening.clone())));
}
