//! What sealing costs, stage by stage, on one core: `RUSHHOUR_DAYS=… cargo run --release -p rushhour-chunk --example stages`
//! takes real days in uploads of 200 entries from plain records to a chunk, and prints the best of 300 runs.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool of ours, run by hand"
)]

use std::path::Path;
use std::time::Instant;

use flate2::read::GzDecoder;
use rushhour_chunk::{NewRow, Rows};
use serde_json::Value;
use tikv_jemallocator::Jemalloc;

const DAYS: [&str; 3] = ["android-2016-08-15", "android-2023-03-12", "ios-2016-02-22"];
const UPLOAD_ENTRIES: usize = 200;
const RUNS: usize = 300;
const STAGES: [&str; 5] = ["reading", "sorting and selecting", "encoding", "decoding", "comparing"];

/// As in the program.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// The records of a day.
fn records(path: &Path) -> Vec<Vec<u8>> {
    let file = std::fs::File::open(path).unwrap();
    let entries: Vec<Value> = serde_json::from_reader(GzDecoder::new(file)).unwrap();
    let texts: Vec<String> = entries.iter().map(Value::to_string).collect();
    let text = |entry: &'_ Value, field: &str| entry.pointer(field).unwrap().as_str().unwrap().to_owned();
    let names: Vec<[String; 2]> =
        entries.iter().map(|entry| ["/metadata/type", "/metadata/key"].map(|field| text(entry, field))).collect();
    let write_ts = |entry: &Value| entry.pointer("/metadata/write_ts").unwrap().as_f64().unwrap();
    let mut rows: Vec<NewRow<'_>> = (entries.iter().zip(&names).zip(&texts))
        .map(|((entry, [kind, key]), text)| NewRow { kind, key, write_ts: write_ts(entry), text })
        .collect();
    rows.sort_by(|one, other| one.write_ts.total_cmp(&other.write_ts));
    rows.chunks(UPLOAD_ENTRIES).map(|rows| Rows::parse(rows).pack()).collect()
}

/// How long each stage takes, in seconds, and the bytes of the chunk.
fn seal(records: &[Vec<u8>]) -> ([f64; STAGES.len()], usize) {
    let mut last = Instant::now();
    let mut lap = || std::mem::replace(&mut last, Instant::now()).elapsed().as_secs_f64();
    let mut fresh = Rows::default();
    records.iter().for_each(|record| fresh.append_upload(record, 0).unwrap());
    let reading = lap();
    let mut order: Vec<usize> = (0..fresh.len()).collect();
    fresh.sort_by_identity(&mut order);
    let rows = fresh.select(&order);
    let selecting = lap();
    let bytes = rows.encode();
    let encoding = lap();
    let read = Rows::decode(&bytes, None).unwrap();
    let decoding = lap();
    assert!(read == rows);
    ([reading, selecting, encoding, decoding, lap()], bytes.len())
}

fn main() {
    let folder = std::env::var_os("RUSHHOUR_DAYS").unwrap();
    for day in DAYS {
        let records = records(&Path::new(&folder).join(format!("{day}.raw.json.gz")));
        let entries: usize = records.iter().map(|record| Rows::decode(record, None).unwrap().len()).sum();
        let mut best = [f64::INFINITY; STAGES.len()];
        let mut bytes = 0;
        for _ in 0..RUNS {
            let (taken, chunk_bytes) = seal(&records);
            best.iter_mut().zip(taken).for_each(|(best, taken)| *best = best.min(taken));
            bytes = chunk_bytes;
        }
        let per_entry = |of: f64| of / entries as f64;
        let log_bytes: usize = records.iter().map(Vec::len).sum();
        let [in_log, in_chunk] = [log_bytes, bytes].map(|bytes| per_entry(bytes as f64));
        println!("{day}: {entries} entries, {in_log:.1} B each in the log, {in_chunk:.2} in the chunk; ns an entry:");
        for (stage, best) in STAGES.iter().zip(best) {
            println!("  {stage:22} {:5.0}", per_entry(best) * 1e9);
        }
        println!("  {:22} {:5.0}", "all", per_entry(best.iter().sum()) * 1e9);
    }
}
