//! Opening a log that a crash, a full disk or a bad disk has touched.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_store::{Disk, Error, LocalDisk, NewRow, Options, Query, Repair, Store, Upload};

fn open_with(dir: &Path, segment_bytes: u64) -> Result<Store, Error> {
    Store::open(Options { segment_bytes, ..Options::new(dir, StdRng::seed_from_u64(1)) })
}

/// A store of `segment_bytes` a segment that holds the entries `from..to`, one upload each; dropped again.
async fn fill(dir: &Path, segment_bytes: u64, from: u32, to: u32) {
    let store = open_with(dir, segment_bytes).unwrap();
    for number in from..to {
        append(&store, number).await.unwrap();
    }
}

async fn append(store: &Store, number: u32) -> Result<(), Error> {
    let user = store.register("anna").await?;
    let text = format!(r#"{{"n":{number},"filler":"{}"}}"#, "x".repeat(50));
    store.append(Upload::pack(user, &[NewRow { kind: "t", key: "k", write_ts: number.into(), text: &text }])).await
}

/// The numbers of the entries that there are.
async fn numbers(store: &Store) -> Vec<u32> {
    let found = store.find(store.user("anna").unwrap(), Query::all(None)).await.unwrap();
    let number = |text: &str| text.strip_prefix(r#"{"n":"#)?.split_once(',')?.0.parse().ok();
    found.iter().map(|entry| number(&entry.text).unwrap()).collect()
}

/// How many entries there are, which must be the first ones.
async fn count(store: &Store) -> u32 {
    let query = Query::all(None);
    let user = store.user("anna").unwrap();
    let found = store.find(user, query).await.unwrap();
    for (number, entry) in (0_u32..).zip(&found) {
        assert!(entry.text.starts_with(&format!(r#"{{"n":{number},"#)), "{}", entry.text);
    }
    u32::try_from(found.len()).unwrap()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir.join("log")).unwrap().map(|item| item.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Where the used part of a segment ends.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

#[tokio::test]
async fn a_frame_cut_at_any_byte_is_removed_and_writing_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 4096, 0, 3).await;
    let path = segments(dir.path()).pop().unwrap();
    let before_last = used(&std::fs::read(&path).unwrap());
    fill(dir.path(), 4096, 3, 4).await;
    let whole = std::fs::read(&path).unwrap();
    for end in (before_last..used(&whole)).step_by(3) {
        let mut torn = whole.clone();
        torn[end..].fill(0);
        std::fs::write(&path, &torn).unwrap();
        let store = open_with(dir.path(), 4096).unwrap();
        assert_eq!(store.stat().torn_bytes > 0, end > before_last, "cut at {end}");
        drop(store);
        let store = open_with(dir.path(), 4096).unwrap();
        assert_eq!(store.stat().torn_bytes, 0, "the torn frame was left behind, cut at {end}");
        assert_eq!(count(&store).await, 3, "cut at {end}");
        append(&store, 3).await.unwrap();
        drop(store);
        assert_eq!(count(&open_with(dir.path(), 4096).unwrap()).await, 4, "cut at {end}");
        assert!(std::fs::metadata(&path).unwrap().len() < 4096, "a closed segment keeps no room");
    }
}

#[tokio::test]
async fn a_file_that_ends_early_is_a_torn_end_too() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 4096, 0, 3).await;
    let path = segments(dir.path()).pop().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..used(&bytes) - 5]).unwrap();
    let store = open_with(dir.path(), 4096).unwrap();
    assert_eq!(count(&store).await, 2);
    assert!(store.stat().torn_bytes > 0);
    append(&store, 2).await.unwrap();
    assert_eq!(count(&store).await, 3);
}

#[tokio::test]
async fn damage_before_the_end_is_reported_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 4096, 0, 4).await;
    let path = segments(dir.path()).pop().unwrap();
    let whole = std::fs::read(&path).unwrap();
    // Behind the segment's header, and well before the last frame.
    for position in (32..used(&whole) / 2).step_by(7) {
        let mut bad = whole.clone();
        bad[position] ^= 0x20;
        std::fs::write(&path, &bad).unwrap();
        let store = open_with(dir.path(), 4096).unwrap();
        assert!(store.damage().unwrap().contains("00000001.log"), "{:?}", store.damage());
        assert!(matches!(append(&store, 9).await.unwrap_err(), Error::ReadOnly { .. }));
        assert!(numbers(&store).await.len() >= 2, "what is whole can be read");
        drop(store);
        assert_eq!(std::fs::read(&path).unwrap(), bad);
    }
}

#[tokio::test]
async fn segments_follow_one_another_and_a_missing_one_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 512, 0, 20).await;
    let paths = segments(dir.path());
    assert!(paths.len() >= 4, "{} segments", paths.len());
    assert_eq!(count(&open_with(dir.path(), 512).unwrap()).await, 20);
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        std::fs::remove_file(path).unwrap();
        let store = open_with(dir.path(), 512).unwrap();
        assert!(store.damage().unwrap().contains("missing"), "{:?}", store.damage());
        drop(store);
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(count(&open_with(dir.path(), 512).unwrap()).await, 20);
}

#[tokio::test]
async fn the_end_of_the_log_does_not_get_lost_without_a_word() {
    for (repair, left) in [Repair::Cut, Repair::Skip].into_iter().zip([1, 0]) {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), 512, 0, 20).await;
        segments(dir.path()).split_off(left).iter().for_each(|path| std::fs::remove_file(path).unwrap());
        let store = open_with(dir.path(), 512).unwrap();
        let damage = store.damage().unwrap().to_owned();
        assert!(damage.contains(&format!("{:08}.log", left + 1)) && damage.contains("missing"), "{damage}");
        let kept = count(&store).await;
        assert_eq!(kept > 0, left > 0);
        assert!(matches!(append(&store, 20).await.unwrap_err(), Error::ReadOnly { .. }));
        drop(store);
        let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
        assert_eq!(Store::repair(&disk, dir.path(), repair).unwrap().damage.len(), 1);
        // What was given up is not missed any more, and the log goes on.
        let store = open_with(dir.path(), 512).unwrap();
        assert_eq!((store.damage(), count(&store).await), (None, kept));
        append(&store, kept).await.unwrap();
        drop(store);
        assert_eq!(count(&open_with(dir.path(), 512).unwrap()).await, kept + 1);
    }
}

#[tokio::test]
async fn a_segment_whose_creation_was_cut_short_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 4096, 0, 3).await;
    std::fs::write(dir.path().join("log/00000002.log"), [0; 4096]).unwrap();
    let store = open_with(dir.path(), 4096).unwrap();
    assert_eq!(count(&store).await, 3);
    append(&store, 3).await.unwrap();
    assert_eq!(count(&store).await, 4);
}

#[tokio::test]
async fn an_upload_larger_than_a_segment_gets_one_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_with(dir.path(), 64).unwrap();
    append(&store, 0).await.unwrap();
    append(&store, 1).await.unwrap();
    drop(store);
    assert_eq!(count(&open_with(dir.path(), 64).unwrap()).await, 2);
}

#[tokio::test]
async fn a_full_disk_refuses_the_upload_and_leaves_the_store_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 512, 0, 3).await;
    let before = segments(dir.path());
    // No test machine has 8 TiB free.
    let store = open_with(dir.path(), 8 << 40).unwrap();
    let mut number = 3;
    let refused = loop {
        match append(&store, number).await {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::DiskFull { .. }), "{refused}");
    assert!(matches!(append(&store, number).await.unwrap_err(), Error::DiskFull { .. }), "not poisoned");
    assert_eq!(count(&store).await, number);
    drop(store);
    assert_eq!(segments(dir.path()), before);
    let store = open_with(dir.path(), 512).unwrap();
    append(&store, number).await.unwrap();
    assert_eq!(count(&store).await, number + 1);
}
