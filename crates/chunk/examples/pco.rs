//! What a day takes column by column in pco's numeric codec, beside its chunk: `RUSHHOUR_DAYS=… cargo run --release
//! -p rushhour-chunk --example pco` prints bytes per entry of every real day.
//!
//! The columns have what helps them: decimals are whole numbers, clocks are told by how far they are from the write time,
//! a filtered location is the number of the location that it repeats, `data.fmt_time` is free, and what never changes is
//! told once. Whatever is no number goes through zstd. No length of a column is counted.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool of ours, run by hand"
)]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use flate2::read::GzDecoder;
use pco::ChunkConfig;
use pco::data_types::Number;
use pco::wrapped::FileCompressor;
use rushhour_chunk::{NewRow, Rows};
use serde_json::Value;

const WRITE_TS: &str = "/metadata/write_ts";
/// What is worked out from others, or stands once for all entries of a key.
const FREE: [&str; 2] = ["/data/fmt_time", "/metadata/key"];

/// What a day takes, in bytes.
#[derive(Default)]
struct Columns {
    numbers: usize,
    /// What is no number, of all columns.
    others: Vec<u8>,
}

impl Columns {
    fn bytes(&self) -> usize {
        self.numbers + zstd::bulk::compress(&self.others, 19).unwrap().len()
    }

    fn put_numbers<T: Number>(&mut self, numbers: &[T]) {
        let mut bytes = Vec::new();
        let mut compressor = FileCompressor::default().chunk_compressor(numbers, &ChunkConfig::default()).unwrap();
        compressor.write_meta(&mut bytes).unwrap();
        for page in 0..compressor.n_per_page().len() {
            compressor.write_page(page, &mut bytes).unwrap();
        }
        self.numbers += bytes.len();
    }

    fn put_column(&mut self, path: &str, column: &[Option<&Value>], write_ts: &[f64]) {
        self.others.extend(path.bytes());
        let there: Vec<(usize, &Value)> =
            column.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?))).collect();
        if there.len() < column.len() {
            self.others.extend(column.iter().map(|value| u8::from(value.is_some())));
        }
        if there.windows(2).all(|pair| pair.first().map(|(_, value)| value) == pair.last().map(|(_, value)| value)) {
            self.others.extend(there.first().unwrap().1.to_string().bytes());
            return;
        }
        let numbers: Option<Vec<f64>> = there.iter().map(|(_, value)| value.as_f64()).collect();
        let Some(numbers) = numbers else { return self.put_labels(there.into_iter().map(|(_, value)| value)) };
        let Some((places, mut numbers)) = decimals(&numbers) else { return self.put_numbers(&numbers) };
        // Clocks run beside the write time, by milliseconds at least.
        let unit = match path {
            "/data/ts" if places >= 3 => 10f64.powi(places),
            "/data/elapsedRealtimeNanos" => 1e9,
            _ => 0.0,
        };
        for (number, (at, _)) in numbers.iter_mut().zip(&there) {
            #[expect(clippy::cast_possible_truncation, reason = "it comes back in the same way")]
            let expected = (write_ts.get(*at).unwrap() * unit).round() as i64;
            *number = number.wrapping_sub(expected);
        }
        self.put_numbers(&numbers);
    }

    fn put_labels<'a>(&mut self, values: impl Iterator<Item = &'a Value>) {
        let mut labels = HashMap::new();
        for value in values {
            let text = value.to_string();
            let new = u8::try_from(labels.len().min(255)).unwrap();
            let label = *labels.entry(text.clone()).or_insert_with(|| {
                self.others.extend(text.bytes());
                new
            });
            self.others.push(label);
        }
    }
}

/// The numbers in units of the fewest decimals that tell them all exactly, if any do.
fn decimals(numbers: &[f64]) -> Option<(i32, Vec<i64>)> {
    (0..=16).find_map(|places| {
        let power = 10f64.powi(places);
        let whole = |number: &f64| {
            #[expect(clippy::cast_possible_truncation, reason = "it is compared")]
            let near = (number * power).round() as i64;
            [near, near + 1, near - 1]
                .into_iter()
                .find(|whole| whole.unsigned_abs() < 1 << 53 && (*whole as f64 / power).to_bits() == number.to_bits())
        };
        Some((places, numbers.iter().map(whole).collect::<Option<_>>()?))
    })
}

/// The leaves of an entry by their path.
fn leaves<'a>(value: &'a Value, path: &str, found: &mut BTreeMap<String, &'a Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(field, value)| leaves(value, &format!("{path}/{field}"), found));
        }
        _ => drop(found.insert(path.to_owned(), value)),
    }
}

fn label<'a>(entry: &'a Value, path: &str) -> &'a str {
    entry.pointer(path).unwrap().as_str().unwrap()
}

fn write_ts(entry: &Value) -> f64 {
    entry.pointer(WRITE_TS).unwrap().as_f64().unwrap()
}

/// What a day takes in columns.
fn columns(by_key: &BTreeMap<&str, Vec<&Value>>) -> usize {
    let mut columns = Columns::default();
    let locations: HashMap<String, i64> = (by_key.get("background/location").into_iter().flatten().zip(0..))
        .map(|(entry, number)| (data(entry).to_string(), number))
        .collect();
    for (key, entries) in by_key {
        columns.others.extend(key.bytes());
        let copied = |entry: &&&Value| locations.get(&data(entry).to_string()).copied();
        let copied = |entry: &&&Value| copied(entry).filter(|_| key.ends_with("filtered_location"));
        let copies: Vec<i64> = entries.iter().filter_map(|entry| copied(&entry)).collect();
        let (repeated, told): (Vec<&Value>, Vec<&Value>) = entries.iter().partition(|entry| copied(entry).is_some());
        if !copies.is_empty() {
            columns.put_numbers(&copies);
        }
        for (entries, parts) in [(repeated, &["/metadata"][..]), (told, &["/metadata", "/data"])] {
            let mut by_path: BTreeMap<String, Vec<Option<&Value>>> = BTreeMap::new();
            for (number, entry) in entries.iter().enumerate() {
                let mut found = BTreeMap::new();
                parts.iter().for_each(|part| leaves(entry.pointer(part).unwrap(), part, &mut found));
                for (path, value) in found.into_iter().filter(|(path, _)| !FREE.contains(&path.as_str())) {
                    let column = by_path.entry(path).or_insert_with(|| vec![None; entries.len()]);
                    *column.get_mut(number).unwrap() = Some(value);
                }
            }
            let write_ts: Vec<f64> = entries.iter().map(|entry| write_ts(entry)).collect();
            for (path, column) in by_path {
                columns.put_column(&path, &column, &write_ts);
            }
        }
    }
    columns.bytes()
}

fn data(entry: &Value) -> &Value {
    entry.pointer("/data").unwrap()
}

fn main() {
    let folder = std::env::var_os("RUSHHOUR_DAYS").unwrap();
    let mut days: Vec<_> = std::fs::read_dir(Path::new(&folder)).unwrap().map(|file| file.unwrap().path()).collect();
    days.retain(|path| path.to_string_lossy().ends_with(".raw.json.gz"));
    days.sort();
    println!("{:40} {:>7} {:>7} {:>7}", "bytes an entry", "entries", "pco", "chunk");
    let mut sums: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for path in &days {
        let entries: Vec<Value> = serde_json::from_reader(GzDecoder::new(std::fs::File::open(path).unwrap())).unwrap();
        let mut by_key: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for entry in &entries {
            by_key.entry(label(entry, "/metadata/key")).or_default().push(entry);
        }
        by_key.values_mut().for_each(|entries| entries.sort_by(|one, other| write_ts(one).total_cmp(&write_ts(other))));
        let texts: Vec<_> = by_key
            .iter()
            .flat_map(|(key, entries)| entries.iter().map(move |entry| (*key, entry, entry.to_string())))
            .collect();
        let rows: Vec<NewRow<'_>> = (texts.iter())
            .map(|(key, entry, text)| NewRow {
                kind: label(entry, "/metadata/type"),
                key,
                write_ts: write_ts(entry),
                text,
            })
            .collect();
        let taken = [entries.len(), columns(&by_key), Rows::parse(&rows).encode().len()];
        let name = path.file_name().unwrap().to_string_lossy();
        print(&name, taken);
        let platform = if name.starts_with("ios") { "iOS" } else { "Android" };
        let sum = sums.entry(platform).or_default();
        sum.iter_mut().zip(taken).for_each(|(sum, taken)| *sum += taken);
    }
    for (platform, sum) in sums {
        print(platform, sum);
    }
}

fn print(name: &str, [entries, pco, chunk]: [usize; 3]) {
    let per_entry = |bytes: usize| bytes as f64 / entries as f64;
    println!("{name:40} {entries:7} {:7.2} {:7.2}", per_entry(pco), per_entry(chunk));
}
