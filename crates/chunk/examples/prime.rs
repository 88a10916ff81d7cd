//! Makes `src/primer.bin`: what the models know before the first entry.
//!
//! `RUSHHOUR_DAYS=… cargo run --release -p rushhour-chunk --example prime -- OUT [MORE_DAYS]` learns from all days there
//! are (files ending in `.raw.json.gz`, arrays of entries as phones send them), in both folders, and prints what a day of
//! the first takes cold, and by a primer that has not seen it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool of ours, run by hand"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use rushhour_chunk::{NewRow, Primer, Rows};
use serde_json::Value;

struct Day {
    name: String,
    /// As they are, and rounded.
    forms: [Rows; 2],
}

fn read(path: &Path) -> Day {
    let entries: Vec<Value> =
        serde_json::from_reader(GzDecoder::new(BufReader::new(File::open(path).unwrap()))).unwrap();
    let text = |entry: &Value, field: &str| entry.pointer(field).unwrap().as_str().unwrap().to_owned();
    let write_ts = |entry: &Value| entry.pointer("/metadata/write_ts").unwrap().as_f64().unwrap();
    let kept: BTreeMap<(String, String, u64), String> = entries
        .iter()
        .map(|entry| {
            let identity = (text(entry, "/metadata/type"), text(entry, "/metadata/key"), write_ts(entry).to_bits());
            (identity, entry.to_string())
        })
        .collect();
    let rows = kept.iter().map(|((kind, key, write_ts), text)| {
        let write_ts = f64::from_bits(*write_ts);
        NewRow { kind, key, write_ts, text }
    });
    let exact = Rows::parse(&rows.collect::<Vec<_>>());
    let mut rounded = exact.clone();
    rounded.round_ios(0);
    Day { name: path.file_name().unwrap().to_str().unwrap().to_owned(), forms: [exact, rounded] }
}

fn days(folder: &Path) -> Vec<Day> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.to_str().unwrap().ends_with(".raw.json.gz"));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

/// A primer of days, the last of which it remembers best.
fn primer<'a>(days: impl Iterator<Item = &'a Day>) -> Primer {
    let mut primer = Primer::blank();
    for rows in days.flat_map(|day| &day.forms) {
        primer.learn(rows);
    }
    primer.settled()
}

fn main() {
    let real = days(Path::new(&std::env::var_os("RUSHHOUR_DAYS").unwrap()));
    let more = std::env::args().nth(2).map(|folder| days(Path::new(&folder))).unwrap_or_default();
    let mut sums: BTreeMap<(&str, usize), [usize; 3]> = BTreeMap::new();
    for day in &real {
        let others = primer(more.iter().chain(real.iter().filter(|other| other.name != day.name)));
        let platform = day.name.split('-').next().unwrap();
        for (form, rows) in day.forms.iter().enumerate() {
            let bytes = [rows.len(), Primer::blank().bytes(rows), others.bytes(rows)];
            println!("{:40} {form} {bytes:?}", day.name);
            let sum = sums.entry((platform, form)).or_default();
            sum.iter_mut().zip(bytes).for_each(|(sum, bytes)| *sum += bytes);
        }
    }
    for ((platform, form), [entries, cold, primed]) in sums {
        let [cold, primed] = [cold, primed].map(|bytes| bytes as f64 / entries as f64);
        println!(
            "{platform} {} cold {cold:.3} primed by others {primed:.3}",
            if form == 0 { "exact" } else { "rounded" }
        );
    }
    let out = std::env::args().nth(1).unwrap();
    std::fs::write(out, primer(more.iter().chain(&real)).pack()).unwrap();
}
