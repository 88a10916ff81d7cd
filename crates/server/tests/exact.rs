//! Whatever made-up phones send comes back as the same JSON values, from the log and from chunks.
//!
//! `USER_DAYS=1000 cargo test --release -p rushhour-server --test exact` looks at more days than every run does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

#[path = "support/people.rs"]
mod people;

use std::collections::BTreeMap;

use people::Person;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_store::{NewRow, Options, Query, Store, Upload};
use serde_json::Value;

const DAYS: u32 = 20;
const USER_DAYS: u32 = 200;

/// Entries by what tells them apart.
type Entries = BTreeMap<(String, String, u64), Value>;

fn identity(entry: &Value) -> (String, String, u64) {
    let text = |field: &str| entry.pointer(field).unwrap().as_str().unwrap().to_owned();
    let write_ts = entry.pointer("/metadata/write_ts").unwrap().as_f64().unwrap();
    (text("/metadata/type"), text("/metadata/key"), write_ts.to_bits())
}

/// Has the store keep what somebody sent, and returns that.
async fn send(store: &Store, person: &Person) -> Entries {
    let user = store.register(&person.token).await.unwrap();
    let mut sent = Entries::new();
    for (number, put) in person.puts.iter().enumerate() {
        let mut body: Value = serde_json::from_slice(put).unwrap();
        let Value::Array(entries) = body.pointer_mut("/phone_to_server").unwrap().take() else { continue };
        let texts: Vec<_> = entries.iter().map(|entry| (identity(entry), entry.to_string())).collect();
        let rows = texts.iter().map(|((kind, key, write_ts), text)| {
            let write_ts = f64::from_bits(*write_ts);
            NewRow { kind, key, write_ts, text }
        });
        store.append(Upload::pack(user, &rows.collect::<Vec<_>>())).await.unwrap();
        sent.extend(entries.into_iter().map(|entry| (identity(&entry), entry)));
        // The last ones stay in the log, and days that were sealed are sealed once more with what came late.
        if number % 16 == 15 {
            store.seal(user).unwrap();
        }
    }
    sent
}

#[expect(clippy::disallowed_methods, reason = "a test that can be asked for more has no other way to be asked")]
fn user_days() -> u32 {
    std::env::var("USER_DAYS").map_or(USER_DAYS, |asked| asked.parse().unwrap())
}

#[tokio::test]
async fn what_made_up_phones_send_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
    let mut entries = 0;
    for person in people::people(user_days().div_ceil(DAYS), DAYS) {
        let sent = send(&store, &person).await;
        let found = store.find(store.user(&person.token).unwrap(), Query::all(None)).await.unwrap();
        entries += found.len();
        let found: Entries = found
            .iter()
            .map(|found| serde_json::from_str(&found.text).unwrap())
            .map(|it| (identity(&it), it))
            .collect();
        assert!(found == sent, "of {}", person.token);
    }
    assert!(entries > 100 * user_days() as usize, "{entries} entries");
    let stat = store.stat();
    assert!(stat.hot_entries > 0 && stat.entries > 2 * stat.hot_entries, "some are in the log, and most are sealed");
}
