//! The figures that the store is held to, each with its number: `cargo bench -p rushhour-store --bench figures`, or some
//! of them: `-- ingest ingest-log hot sealed recordings`. The last one takes the real days in the folder `RUSHHOUR_DAYS`.
//!
//! One after the other, on whatever else the machine is doing; `docs/design/store.md` says what they are to be.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]
#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::fs::File;
use std::hint::black_box;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use flate2::read::GzDecoder;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use rushhour_store::{Ack, NewRow, Options, Query, Store, Upload};
use serde_json::Value;
use tikv_jemallocator::Jemalloc;
use tokio::runtime::Runtime;

const START_S: f64 = 1_767_571_200.0;
const DAY_S: f64 = 86_400.0;
/// Entries of a day of a phone, in uploads of so many.
const DAY_ENTRIES: usize = 864;
const UPLOAD_ENTRIES: usize = 200;
const WRITERS: usize = 64;

/// As in the program.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() {
    let figures: [(&str, fn()); 5] = [
        ("ingest", || ingest(Ack::Sync)),
        ("ingest-log", || ingest(Ack::Log)),
        ("hot", || hot_memory(tempfile::tempdir().unwrap().path())),
        ("sealed", || sealed_days(tempfile::tempdir().unwrap().path())),
        ("recordings", || sealed_recordings(tempfile::tempdir().unwrap().path())),
    ];
    // cargo itself adds `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, figure) in figures {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            figure();
        }
    }
}

fn open(dir: &Path, ack: Ack) -> Store {
    Store::open(Options { ack, ..Options::new(dir, StdRng::seed_from_u64(1)) }).unwrap()
}

/// An entry: its key, when it was written, and its text.
type Sent = (&'static str, f64, String);

/// Entries as an Android phone sends them, in the original's shares: of ten, three are locations, each with its filtered
/// copy, and four are of motion. `entries` from number `first` on.
fn texts(first: usize, entries: usize) -> Vec<Sent> {
    (first..first + entries).map(text).collect()
}

fn text(number: usize) -> Sent {
    let (round, place) = (number / 10, number % 10);
    let at = START_S + 1_000.0 * round as f64 + 100.0 * place as f64;
    let noise = |of: usize, range: usize| of.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20 & (range - 1);
    let (key, write_ts, data) = match place {
        0..=5 => {
            let fix = round * 3 + place / 2;
            let ts = START_S + 1_000.0 * round as f64 + 200.0 * (place / 2) as f64 + noise(fix, 1024) as f64 / 1e3;
            let (lat, lon) = (47.37 + noise(fix + 1, 4096) as f64 / 1e6, 8.53 + noise(fix + 2, 4096) as f64 / 1e6);
            let accuracy = 3 + noise(fix + 3, 16);
            let ns = 685_782_605_000_000 + (round * 10 + place) * 100_000_000_000 + noise(fix + 4, 1 << 30);
            let data = format!(
                r#""ts":{ts},"latitude":{lat:.7},"longitude":{lon:.7},"accuracy":{accuracy},"altitude":{},"sensed_speed":{},"bearing":{},"filter":"time","elapsedRealtimeNanos":{ns}"#,
                400.0 + noise(fix + 5, 1 << 16) as f32 / 4096.0,
                noise(fix + 6, 2048) as f64 / 100.0,
                noise(fix + 7, 256),
            );
            let is_copy = place % 2 == 1;
            let key = if is_copy { "background/filtered_location" } else { "background/location" };
            (key, ts + 0.1 + if is_copy { noise(fix + 8, 512) as f64 / 1e3 } else { 0.0 }, data)
        }
        _ => {
            let ts = at + noise(number, 32_768) as f64 / 1e3;
            let kind = [0, 2, 3, 4].get(noise(number + 1, 4)).copied().unwrap_or_default();
            (
                "background/motion_activity",
                ts,
                format!(r#""ts":{ts},"type":{kind},"confidence":{}"#, 40 + noise(number + 2, 64)),
            )
        }
    };
    let write_ts = (write_ts * 1e3).round() / 1e3;
    let text = format!(
        r#"{{"metadata":{{"key":"{key}","platform":"android","read_ts":0,"time_zone":"Europe/Zurich","type":"sensor-data","write_ts":{write_ts}}},"data":{{{data}}}}}"#
    );
    (key, write_ts, text)
}

fn pack(user: UserId, texts: &[Sent]) -> Upload {
    let rows = texts.iter().map(|(key, write_ts, text)| NewRow { kind: "sensor-data", key, write_ts: *write_ts, text });
    Upload::pack(user, &rows.collect::<Vec<_>>())
}

fn register(store: &Store, runtime: &Runtime, users: usize) -> Vec<UserId> {
    (0..users).map(|user| runtime.block_on(store.register(&format!("token-{user:06}"))).unwrap()).collect()
}

/// Batches that are packed already, from 64 writers that each wait for the answer.
fn ingest(ack: Ack) {
    const BATCHES: usize = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let store = Arc::new(open(dir.path(), ack));
    let users = register(&store, &runtime, 100);
    let upload = pack(*users.first().unwrap(), &texts(0, UPLOAD_ENTRIES));
    let left = Arc::new(AtomicUsize::new(BATCHES));
    let started = Instant::now();
    runtime.block_on(async {
        let writer = |_| {
            let (store, left, upload) = (Arc::clone(&store), Arc::clone(&left), upload.clone());
            tokio::spawn(async move {
                let mut waits_us = Vec::new();
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let asked = Instant::now();
                    store.append(upload.clone()).await.unwrap();
                    waits_us.push(asked.elapsed().as_micros());
                }
                waits_us
            })
        };
        let writers: Vec<_> = (0..WRITERS).map(writer).collect();
        let mut waits_us = Vec::new();
        for writer in writers {
            waits_us.extend(writer.await.unwrap());
        }
        let rate = BATCHES as f64 / started.elapsed().as_secs_f64();
        let stat = store.stat();
        let bytes = stat.written_bytes / stat.uploads;
        println!(
            "ingest, ack {ack:?}: {rate:.0} batches/s of {UPLOAD_ENTRIES} entries ({bytes} B each, {} per sync), p99 {:.2} ms",
            stat.uploads / stat.syncs.max(1),
            percentile(&mut waits_us, 0.99) as f64 / 1e3,
        );
    });
}

fn percentile(values: &mut [u128], share: f64) -> u128 {
    values.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
    let place = ((values.len() - 1) as f64 * share) as usize;
    values.get(place).copied().unwrap_or_default()
}

/// What the process has used of the cores: unlike the clock it does not count what else they do.
fn cpu_s() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

fn resident_bytes() -> u64 {
    let status = procfs::process::Process::myself().and_then(|process| process.status()).unwrap();
    status.vmrss.unwrap_or_default() * 1024
}

/// 10,000 people with a day in the log.
fn hot_memory(dir: &Path) {
    const USERS: usize = 10_000;
    let runtime = Runtime::new().unwrap();
    let store = open(dir, Ack::Memory);
    let users = register(&store, &runtime, USERS);
    let day: Vec<Vec<Sent>> = (0..24).map(|hour| texts(hour * 36, 36)).collect();
    for user in &users {
        for hour in &day {
            runtime.block_on(store.append(pack(*user, hour))).unwrap();
        }
    }
    drop(store);
    let before = resident_bytes();
    let started = Instant::now();
    let store = open(dir, Ack::Sync);
    let opened = started.elapsed();
    let found = store.find_blocking(*users.first().unwrap(), &Query::all(None)).unwrap();
    println!(
        "{USERS} people with a day of {} entries in the log: opened in {:.2} s, {} MB resident ({} MB before)",
        found.len(),
        opened.as_secs_f64(),
        resident_bytes() >> 20,
        before >> 20,
    );
    let mut waits_us = Vec::new();
    for user in users.iter().take(2_000) {
        let asked = Instant::now();
        black_box(store.find_blocking(*user, &Query::all(None)).unwrap());
        waits_us.push(asked.elapsed().as_micros());
    }
    println!("a day in the log, 24 uploads, read: p99 {:.2} ms", percentile(&mut waits_us, 0.99) as f64 / 1e3);
}

/// Seals everything, and tells how fast that was.
fn seal(store: &Store) {
    let (started, started_cpu_s) = (Instant::now(), cpu_s());
    let sealed = store.seal_all().unwrap();
    let [rate, cpu_rate] =
        [started.elapsed().as_secs_f64(), cpu_s() - started_cpu_s].map(|taken_s| sealed.entries as f64 / taken_s);
    println!("sealing: {rate:.0} entries/s, {cpu_rate:.0} a second of a core, {} chunks", sealed.chunks);
}

/// Does it for each of the users, and tells how long that took.
fn tell_each(what: &str, users: &[UserId], entries_of: impl Fn(UserId) -> usize) {
    let (mut waits_us, started_cpu_s) = (Vec::new(), cpu_s());
    for user in users {
        let asked = Instant::now();
        assert_eq!(black_box(entries_of(*user)), DAY_ENTRIES);
        waits_us.push(asked.elapsed().as_micros());
    }
    println!(
        "{what}: p50 {:.2} ms, p99 {:.2} ms, {:.2} ms of a core",
        percentile(&mut waits_us, 0.5) as f64 / 1e3,
        percentile(&mut waits_us, 0.99) as f64 / 1e3,
        (cpu_s() - started_cpu_s) * 1e3 / users.len() as f64,
    );
}

/// 150 people for each real day, which is sealed.
fn sealed_recordings(dir: &Path) {
    const COPIES: usize = 150;
    let Some(folder) = std::env::var_os("RUSHHOUR_DAYS") else {
        return println!("sealing real days: RUSHHOUR_DAYS does not say where they are");
    };
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let days: Vec<Vec<RealEntry>> =
        files.filter(|path| path.to_str().unwrap().ends_with(".raw.json.gz")).map(|path| real_day(&path)).collect();
    let runtime = Runtime::new().unwrap();
    let store = open(dir, Ack::Memory);
    let users = register(&store, &runtime, COPIES * days.len());
    for (user, day) in users.iter().zip(days.iter().cycle()) {
        for part in day.chunks(UPLOAD_ENTRIES) {
            let rows = part.iter().map(|RealEntry { kind, key, write_ts, text }| NewRow {
                kind,
                key,
                write_ts: *write_ts,
                text,
            });
            runtime.block_on(store.append(Upload::pack(*user, &rows.collect::<Vec<_>>()))).unwrap();
        }
    }
    seal(&store);
}

/// An entry of a recording.
struct RealEntry {
    kind: String,
    key: String,
    write_ts: f64,
    text: String,
}

/// The entries of a recorded day, in the order in which they were written.
fn real_day(path: &Path) -> Vec<RealEntry> {
    let file = BufReader::new(File::open(path).unwrap());
    let entries: Vec<Value> = serde_json::from_reader(GzDecoder::new(file)).unwrap();
    let text = |entry: &Value, path: &str| entry.pointer(path).unwrap().as_str().unwrap().to_owned();
    let read = |entry: Value| RealEntry {
        kind: text(&entry, "/metadata/type"),
        key: text(&entry, "/metadata/key"),
        write_ts: entry.pointer("/metadata/write_ts").unwrap().as_f64().unwrap(),
        text: entry.to_string(),
    };
    let mut entries: Vec<RealEntry> = entries.into_iter().map(read).collect();
    entries.sort_by(|one, other| one.write_ts.total_cmp(&other.write_ts));
    entries
}

/// 3,000 people with a sealed day each.
fn sealed_days(dir: &Path) {
    const USERS: usize = 3_000;
    let runtime = Runtime::new().unwrap();
    let store = open(dir, Ack::Memory);
    let users = register(&store, &runtime, USERS);
    let day = texts(0, DAY_ENTRIES);
    for user in &users {
        for part in day.chunks(UPLOAD_ENTRIES) {
            runtime.block_on(store.append(pack(*user, part))).unwrap();
        }
    }
    seal(&store);
    store.compact(0.0).unwrap();
    let chunk_bytes = store.usage().unwrap().live_chunks;
    drop(store);
    let started = Instant::now();
    let store = open(dir, Ack::Sync);
    println!("opening it: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    let usage = store.usage().unwrap();
    println!(
        "{USERS} people with a day of {DAY_ENTRIES} entries sealed: {} B in {chunk_bytes} B of volumes, \
         directory {} B, log {} B, {:.1} B beside volumes per person",
        usage.total(),
        usage.directory,
        usage.log,
        (usage.total() - usage.live_chunks) as f64 / USERS as f64,
    );
    let query = Query { from: Some(START_S), to: Some(START_S + DAY_S), ..Query::all(None) };
    let keys = ["background/location", "background/filtered_location", "background/motion_activity"];
    let times = (START_S, START_S + DAY_S);
    let read = |user: UserId| store.read(user, &keys, times, usize::MAX).unwrap().len();
    let find = |user: UserId| store.find_blocking(user, &query).unwrap().len();
    tell_each("a sealed day read and decoded", &users, read);
    tell_each("a sealed day read, decoded and put into texts", &users, find);
}
