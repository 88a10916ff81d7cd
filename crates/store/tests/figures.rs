//! What an operator is told: how much room there is, how long syncs take, how long entries wait.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use rushhour_store::{ChapterKey, NewRow, Options, Rewrite, Store, Upload};
use serde_json::{Map, json};
use tokio::runtime::Runtime;

/// Seconds that pass when a test says so.
static NOW_S: AtomicU64 = AtomicU64::new(1_000);

fn clock() -> Duration {
    Duration::from_secs(NOW_S.load(Ordering::Relaxed))
}

async fn put(store: &Store, user: UserId, write_ts: f64) {
    let text = format!(r#"{{"metadata":{{"key":"k","type":"message","write_ts":{write_ts}}},"data":{{}}}}"#);
    let row = NewRow { kind: "message", key: "k", write_ts, text: &text };
    store.append(Upload::pack(user, &[row])).await.unwrap();
}

/// Takes in one upload.
fn take_one(store: &Store, user: UserId) {
    let taken = store.fresh(user, 1, f64::INFINITY).unwrap().taken;
    store.rewrite(user, &Rewrite { from: ChapterKey::FIRST, chapters: Vec::new(), taken, state: Vec::new() }).unwrap();
    store.sync_diaries().unwrap();
}

#[tokio::test]
async fn the_lag_is_how_long_the_oldest_upload_waits_whenever_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options { clock, ..Options::new(dir.path(), StdRng::seed_from_u64(1)) };
    let store = Store::open(options()).unwrap();
    let (anna, ben) = (store.register("anna").await.unwrap(), store.register("ben").await.unwrap());
    assert_eq!(store.lag(), Duration::ZERO);
    put(&store, anna, 5.0).await;
    NOW_S.fetch_add(10, Ordering::Relaxed);
    put(&store, anna, 6.0).await;
    put(&store, ben, 7.0).await;
    NOW_S.fetch_add(5, Ordering::Relaxed);
    assert_eq!(store.lag(), Duration::from_secs(15));
    take_one(&store, anna);
    assert_eq!(store.lag(), Duration::from_secs(5));
    drop(store);
    // Nobody wrote down when they came: they wait since the store was opened.
    let store = Store::open(options()).unwrap();
    NOW_S.fetch_add(3, Ordering::Relaxed);
    assert_eq!(store.lag(), Duration::from_secs(3));
    take_one(&store, anna);
    take_one(&store, ben);
    assert_eq!(store.lag(), Duration::ZERO);
}

#[test]
fn room_and_syncs_are_told() {
    let runtime = Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
    let anna = runtime.block_on(store.register("anna")).unwrap();
    runtime.block_on(put(&store, anna, 5.0));
    store.seal_all().unwrap();
    let sizes = store.sizes().unwrap();
    assert!(sizes.volumes_bytes > 0 && sizes.directory_bytes > 0 && sizes.free_bytes > 0, "{sizes:?}");
    runtime.block_on(put(&store, anna, 6.0));
    assert_eq!(store.sizes().unwrap().log_bytes, 16 << 20);
    let times = store.sync_times();
    assert_eq!(times.buckets.iter().sum::<u64>(), store.stat().syncs);
    assert!(times.sum_s > 0.0 && !store.is_poisoned());
}

#[tokio::test]
async fn many_profiles_are_changed_at_once_and_keep_what_else_was_set() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
    let (anna, ben) = (store.register("anna").await.unwrap(), store.register("ben").await.unwrap());
    let fields = |name: &str, value: f64| Map::from_iter([(name.to_owned(), json!(value))]);
    store.update_profile(anna, fields("a", 1.0)).await.unwrap();
    let stranger = UserId::parse("00000000-0000-0000-0000-000000000009").unwrap();
    let changes = [(anna, fields("b", 2.0)), (ben, fields("b", 3.0)), (stranger, fields("b", 4.0))];
    store.update_profiles(&changes).unwrap();
    let mut seen = Vec::new();
    store.profiles(&mut |user, fields| seen.push((user, fields.clone()))).unwrap();
    let both = Map::from_iter([("a".to_owned(), json!(1.0)), ("b".to_owned(), json!(2.0))]);
    assert_eq!(seen, [(anna, both), (ben, fields("b", 3.0))]);
}
