//! Entries of iOS that are rounded when they are sealed: what is sent again is still one entry, and none is lost.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

use std::path::Path;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use rushhour_store::{IosRounding, NewRow, Options, Query, Store, Upload};
use tokio::runtime::Runtime;

fn open(dir: &Path) -> Store {
    let options = Options { ios_rounding: IosRounding::Centimetre, ..Options::new(dir, StdRng::seed_from_u64(1)) };
    Store::open(options).unwrap()
}

/// Entries written as `latitude@write_ts`.
async fn append(store: &Store, user: UserId, entries: &[(&str, &str)]) {
    let text = |(latitude, write_ts): &(&str, &str)| {
        format!(
            r#"{{"metadata":{{"key":"k","platform":"ios","type":"t","write_ts":{write_ts}}},"data":{{"latitude":{latitude}}}}}"#
        )
    };
    let texts: Vec<(f64, String)> = entries.iter().map(|entry| (entry.1.parse().unwrap(), text(entry))).collect();
    let rows = texts.iter().map(|(write_ts, text)| NewRow { kind: "t", key: "k", write_ts: *write_ts, text });
    store.append(Upload::pack(user, &rows.collect::<Vec<_>>())).await.unwrap();
}

async fn kept(store: &Store, user: UserId) -> Vec<(f64, f64)> {
    let found = store.find(user, Query::all(None)).await.unwrap();
    let latitude = |text: &str| {
        let entry: serde_json::Value = serde_json::from_str(text).unwrap();
        entry.pointer("/data/latitude").unwrap().as_f64().unwrap()
    };
    found.iter().map(|entry| (latitude(&entry.text), entry.stamp)).collect()
}

#[test]
fn what_is_sent_again_after_sealing_is_still_one_entry() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let runtime = Runtime::new().unwrap();
    let user = runtime.block_on(store.register("anna")).unwrap();
    let kept = || runtime.block_on(kept(&store, user));
    let sent = [("37.39020049373536", "1456160319.678613"), ("37.1", "1456160319.678913")];
    runtime.block_on(append(&store, user, &sent));
    let rounded = [(37.390_200_5, 1_456_160_319.678), (37.1, 1_456_160_319.678_913)];
    assert_eq!(kept(), rounded, "two entries of one millisecond stay two");
    store.seal_all().unwrap();
    assert_eq!(kept(), rounded, "sealing changes nothing that is read");
    runtime.block_on(append(&store, user, &sent));
    store.seal_all().unwrap();
    assert_eq!(kept(), rounded);
}

#[test]
fn a_late_entry_written_at_the_millisecond_of_a_rounded_one_does_not_take_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let runtime = Runtime::new().unwrap();
    let user = runtime.block_on(store.register("anna")).unwrap();
    runtime.block_on(append(&store, user, &[("37.1", "1456160319.678613")]));
    store.seal_all().unwrap();
    // The second time it is the phone that did not hear of the first.
    for _ in 0..2 {
        runtime.block_on(append(&store, user, &[("37.2", "1456160319.678")]));
        store.seal_all().unwrap();
        let kept = runtime.block_on(kept(&store, user));
        assert_eq!(kept, [(37.1, 1_456_160_319.678), (37.2, 1_456_160_319.678_001)]);
    }
}
