//! What real phones sent comes back as it was, and takes few bytes.
//!
//! The days are read in place: `RUSHHOUR_DAYS` names their folder.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use rushhour_chunk::{NewRow, Rows};
use serde_json::Value;

/// The entries of a file, by identity: of two with one the last is kept.
struct Day(BTreeMap<(String, String, u64), Value>);

impl Day {
    fn read(path: &Path) -> Self {
        let file = BufReader::new(File::open(path).unwrap());
        let entries: Vec<Value> = serde_json::from_reader(GzDecoder::new(file)).unwrap();
        let identity = |entry: &Value| {
            let metadata = entry.get("metadata").unwrap();
            let text = |field: &str| metadata.get(field).unwrap().as_str().unwrap().to_owned();
            (text("type"), text("key"), metadata.get("write_ts").unwrap().as_f64().unwrap().to_bits())
        };
        Self(entries.into_iter().map(|entry| (identity(&entry), entry)).collect())
    }

    fn rows(&self) -> Rows {
        let texts: Vec<String> = self.0.values().map(Value::to_string).collect();
        let rows = self.0.keys().zip(&texts).map(|((kind, key, write_ts), text)| {
            let write_ts = f64::from_bits(*write_ts);
            NewRow { kind, key, write_ts, text }
        });
        Rows::parse(&rows.collect::<Vec<_>>())
    }
}

fn days() -> Vec<(String, Day)> {
    #[expect(clippy::disallowed_methods, reason = "the days are where the caller says")]
    let Some(folder) = std::env::var_os("RUSHHOUR_DAYS").map(PathBuf::from) else { return Vec::new() };
    let names = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".raw.json.gz")).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), Day::read(&folder.join(name)))).collect()
}

#[test]
fn every_entry_comes_back_as_the_same_value() {
    for (name, day) in days() {
        let rows = day.rows();
        assert!(Rows::decode(&rows.pack(), None).unwrap() == rows, "{name}");
        let rows = Rows::decode(&rows.encode(), None).unwrap();
        assert_eq!(rows.len(), day.0.len(), "{name}");
        for (text, entry) in rows.texts().zip(day.0.values()) {
            assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), entry, "{name}");
        }
    }
}

/// The rows that were written until then.
fn until(rows: &Rows, write_ts: f64) -> Rows {
    rows.select(&(0..rows.len()).filter(|row| rows.write_ts(*row) <= write_ts).collect::<Vec<_>>())
}

#[test]
fn what_was_written_until_then_is_read_without_most_of_what_follows() {
    for (name, day) in days() {
        let rows = day.rows();
        let bytes = rows.encode();
        for keys in [None, Some(vec!["background/filtered_location".to_owned(), "statemachine/transition".to_owned()])]
        {
            let all = Rows::decode(&bytes, keys.as_deref()).unwrap();
            let mut times: Vec<f64> = (0..rows.len()).map(|row| rows.write_ts(row)).collect();
            times.sort_by(f64::total_cmp);
            let mut later: Vec<(usize, usize)> = Vec::new();
            for write_ts in times.iter().copied().step_by(times.len() / 10).chain([0.0]) {
                let read = Rows::decode_until(&bytes, keys.as_deref(), write_ts).unwrap();
                assert!(until(&read, write_ts) == until(&all, write_ts), "{name} {write_ts}");
                later.push((read.len() - until(&read, write_ts).len(), all.len() - until(&all, write_ts).len()));
            }
            // Each stream is read one entry further, and locations as far as the copy needs that tells it.
            let [read, all] =
                [|of: &(usize, usize)| of.0, |of: &(usize, usize)| of.1].map(|of| later.iter().map(of).sum::<usize>());
            assert!(read * 8 <= all, "{name}: {read} of {all} entries that came later");
        }
    }
}

/// Bytes an entry, by platform.
fn bytes_per_entry(encode: impl Fn(Rows) -> Vec<u8>) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (name, day) in days() {
        let platform = name.split('-').next().unwrap().to_owned();
        let sum = sums.entry(platform).or_default();
        *sum = (sum.0 + day.0.len(), sum.1 + encode(day.rows()).len());
    }
    sums.into_iter().map(|(platform, (entries, bytes))| (platform, bytes as f64 / entries as f64)).collect()
}

#[test]
fn a_day_takes_few_bytes() {
    let exact = bytes_per_entry(|rows| rows.encode());
    let rounded = bytes_per_entry(|mut rows| {
        rows.round_ios(0);
        rows.encode()
    });
    for (what, sizes, platform, bytes_max) in
        [("exact", &exact, "android", 6.25), ("exact", &exact, "ios", 6.05), ("rounded", &rounded, "ios", 3.25)]
    {
        if let Some(bytes) = sizes.get(platform) {
            assert!(*bytes <= bytes_max, "{platform}, {what}: {bytes:.3} bytes an entry");
        }
    }
}
