//! Stores of earlier versions: what they hold is found.
//!
//! `FIXTURE=write cargo test -p rushhour-store --test fixtures` writes the store of this version anew; do that only while
//! nobody has stores of it, and with a new name once the form changes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_store::{NewRow, Options, Query, Store, Upload};
use serde_json::{Value, json};

/// The versions that are kept, oldest first. The last one is written by this program.
const VERSIONS: [&str; 2] = ["v1", "v2"];
/// The files of a store, apart from the lock and the room that redb keeps.
const FILES: [&str; 3] = ["log/00000002.log", "chunks/00000001.chunks", "directory.redb"];

fn folder(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version)
}

fn options(dir: &Path) -> Options {
    Options { segment_bytes: 1024, ..Options::new(dir, StdRng::seed_from_u64(1)) }
}

/// What every store of the fixtures holds: six entries, of which the first three are sealed.
fn entries() -> Vec<Value> {
    let entry = |number: u32| {
        let ts = 1_700_000_000.25 + 40_000.0 * f64::from(number);
        let metadata = json!({"key": "background/location", "type": "sensor-data", "platform": "android",
            "time_zone": "Europe/Zurich", "write_ts": ts});
        json!({"metadata": metadata, "data": {"ts": ts - 0.5, "latitude": 47.371_234_5, "note": "Zürich", "n": number}})
    };
    (0..6).map(entry).collect()
}

async fn append(store: &Store, entries: &[Value]) {
    let user = store.register("anna").await.unwrap();
    let texts: Vec<(f64, String)> = entries
        .iter()
        .map(|entry| (entry.pointer("/metadata/write_ts").unwrap().as_f64().unwrap(), entry.to_string()))
        .collect();
    let rows: Vec<NewRow<'_>> = texts
        .iter()
        .map(|(write_ts, text)| NewRow { kind: "sensor-data", key: "background/location", write_ts: *write_ts, text })
        .collect();
    store.append(Upload::pack(user, &rows)).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a test that can be asked for more has no other way to be asked")]
fn is_asked_to_write() -> bool {
    std::env::var("FIXTURE").is_ok_and(|asked| asked == "write")
}

fn write(version: &str) {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = Store::open(options(dir.path())).unwrap();
    let entries = entries();
    let (sealed, hot) = entries.split_at(3);
    runtime.block_on(append(&store, sealed));
    store.seal_all().unwrap();
    runtime.block_on(append(&store, hot));
    store.compact(0.0).unwrap();
    drop(store);
    for file in FILES {
        let bytes = std::fs::read(dir.path().join(file)).unwrap_or_default();
        let packed = zstd::bulk::compress(&bytes, 19).unwrap();
        let path = folder(version).join(format!("{}.zst", file.replace('/', "-")));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, packed).unwrap();
    }
}

fn unpack(version: &str, dir: &Path) {
    for file in FILES {
        let packed = std::fs::read(folder(version).join(format!("{}.zst", file.replace('/', "-")))).unwrap();
        let bytes = zstd::bulk::decompress(&packed, 16 << 20).unwrap();
        std::fs::create_dir_all(dir.join(file).parent().unwrap()).unwrap();
        std::fs::write(dir.join(file), bytes).unwrap();
    }
}

#[test]
fn stores_of_earlier_versions_open_and_hold_what_they_held() {
    if is_asked_to_write() {
        VERSIONS.last().into_iter().for_each(|version| write(version));
    }
    for version in VERSIONS.iter().filter(|version| folder(version).is_dir()) {
        let dir = tempfile::tempdir().unwrap();
        unpack(version, dir.path());
        let store = Store::open(options(dir.path())).unwrap();
        let found = store.find_blocking(store.user("anna").unwrap(), &Query::all(None)).unwrap();
        let found: Vec<Value> = found.iter().map(|found| serde_json::from_str(&found.text).unwrap()).collect();
        assert_eq!(found, entries(), "{version}");
        assert_eq!(store.stat().hot_entries, 3, "{version}");
        assert_eq!(store.verify(&mut |_| {}).unwrap().flaws, [], "{version}");
    }
}
