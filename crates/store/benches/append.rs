//! Per upload: packing it, making it durable alone and in company, and finding it again, or the last one.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]

use std::sync::Arc;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use rushhour_store::{NewRow, Options, Query, Store, TimeField, Upload};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// As many entries as a median upload has.
const ENTRIES: usize = 180;
const USER: UserId = UserId(Uuid::from_u128(1));

fn main() {
    divan::main();
}

/// Location entries as an Android phone sends them, `ENTRIES` from number `first` on.
fn texts(first: usize) -> Vec<(f64, String)> {
    let text = |number: usize| {
        let at = 1_767_600_000.0 + 30.0 * number as f64 + 0.123;
        let (lat, lon) = (47.371_234_5 + (number % 977) as f64 * 1e-5, 8.529_134_5 + (number % 499) as f64 * 1.3e-5);
        let text = format!(
            r#"{{"metadata":{{"key":"background/location","platform":"android","read_ts":0,"time_zone":"Europe/Zurich","type":"sensor-data","write_ts":{at}}},"data":{{"latitude":{lat:.7},"longitude":{lon:.7},"ts":{at},"accuracy":{acc},"altitude":408.{number},"sensed_speed":1.3{number},"bearing":{b},"filter":"time","elapsedRealtimeNanos":{ns}}}}}"#,
            acc = 3 + number % 29,
            b = number * 7 % 360,
            ns = 685_782_605_000_000_u64 + 30_000_000_000 * number as u64,
        );
        (at, text)
    };
    (first..first + ENTRIES).map(text).collect()
}

fn pack(texts: &[(f64, String)]) -> Upload {
    let rows = texts.iter().map(|(write_ts, text)| NewRow {
        kind: "sensor-data",
        key: "background/location",
        write_ts: *write_ts,
        text,
    });
    Upload::pack(USER, &rows.collect::<Vec<_>>())
}

fn open() -> (Arc<Store>, Runtime, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
    (Arc::new(store), Runtime::new().unwrap(), dir)
}

#[divan::bench]
fn pack_an_upload(bencher: Bencher<'_, '_>) {
    let texts = texts(0);
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    bencher.counter(ItemsCount::new(ENTRIES)).counter(BytesCount::new(bytes)).bench(|| pack(&texts));
}

#[divan::bench(args = [1, 64])]
fn append_at_once(bencher: Bencher<'_, '_>, callers: usize) {
    let (store, runtime, _dir) = open();
    let texts = texts(0);
    bencher
        .counter(ItemsCount::new(callers))
        .with_inputs(|| (0..callers).map(|_| pack(&texts)).collect::<Vec<_>>())
        .bench_local_values(|uploads| {
            runtime.block_on(async {
                let appends = uploads.into_iter().map(|upload| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { store.append(upload).await.unwrap() })
                });
                for append in appends.collect::<Vec<_>>() {
                    append.await.unwrap();
                }
            });
        });
}

#[divan::bench]
fn find_a_day_of_a_year(bencher: Bencher<'_, '_>) {
    let (store, runtime, _dir) = open();
    for upload in 0..365 * 4 {
        runtime.block_on(store.append(pack(&texts(upload * ENTRIES)))).unwrap();
    }
    let from = 1_767_600_000.0 + 30.0 * (200 * 4 * ENTRIES) as f64;
    let query = Query {
        keys: Some(vec!["background/location".to_owned()]),
        field: TimeField::WriteTs,
        from: Some(from),
        to: Some(from + 30.0 * (4 * ENTRIES) as f64),
        entries_max: 250_000,
    };
    bencher
        .counter(ItemsCount::new(4 * ENTRIES))
        .bench_local(|| runtime.block_on(store.find(USER, query.clone())).unwrap().len());
}

/// The last entry of a log that is appended to again and again, beside a day of locations; and of one that nobody has
/// written to.
#[divan::bench(args = ["sensor", "nothing"])]
fn the_last_entry(bencher: Bencher<'_, '_>, key: &str) {
    let (store, runtime, _dir) = open();
    for upload in 0..4 {
        runtime.block_on(store.append(pack(&texts(upload * ENTRIES)))).unwrap();
    }
    for number in 0..1_000 {
        let write_ts = 1_767_600_000.0 + f64::from(number);
        let row =
            NewRow { kind: "log", key: "sensor", write_ts, text: &format!(r#"{{"data":{{"reading":{number}}}}}"#) };
        runtime.block_on(store.append(Upload::pack(USER, &[row]))).unwrap();
    }
    let keys = [key.to_owned()];
    bencher.bench_local(|| store.latest(USER, &keys).unwrap());
}
