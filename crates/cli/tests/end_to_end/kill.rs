//! `kill -9` in the middle of an upload storm, again and again, on one store that seals, merges and writes volumes anew
//! all the while: whatever was acknowledged is there afterwards, and nothing is there twice.
//!
//! `KILL_ROUNDS=200 cargo test -p rushhour --test end_to_end kill` does it more often.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::serving::{Serving, client, entries, post};

const ROUNDS: usize = 20;
/// Some of the entries are older than others, and some are sent again.
const DAY_S: u64 = 86_400;
const UPLOADERS: u64 = 8;
const BATCH: u64 = 20;
const ACKNOWLEDGED_MIN: usize = 400;

fn token(uploader: u64) -> String {
    format!("phone-{uploader}")
}

fn entry(write_ts: u64) -> Value {
    json!({
        "metadata": {"key": "background/location", "type": "sensor-data", "platform": "android", "write_ts": write_ts},
        "data": {"ts": write_ts, "latitude": 47.0 + write_ts as f64 / 1e7, "longitude": 8, "filter": "time"}
    })
}

#[expect(clippy::disallowed_methods, reason = "a test that can be asked for more has no other way to be asked")]
fn rounds() -> usize {
    std::env::var("KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS)
}

/// Uploads batch after batch until the server is gone, and reports the first `write_ts` of each acknowledged one.
async fn upload(url: String, uploader: u64, next: Arc<AtomicU64>, acknowledged: mpsc::UnboundedSender<(u64, u64)>) {
    let client = client();
    loop {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        // Every seventh batch repeats the day before, in part.
        let first = if (first / BATCH).is_multiple_of(7) { first - DAY_S } else { first };
        let batch: Vec<Value> = (first..first + BATCH).map(entry).collect();
        let body = json!({"user": token(uploader), "phone_to_server": batch});
        if post(&client, &url, "/usercache/put", &body).await.is_err() {
            return;
        }
        acknowledged.send((uploader, first)).unwrap();
    }
}

/// Checks every phone's entries: as they were sent, none twice, and no acknowledged one missing.
async fn check(client: &reqwest::Client, url: &str, acknowledged: &HashMap<u64, HashSet<u64>>, round: usize) {
    for uploader in 0..UPLOADERS {
        let mut found = HashSet::new();
        for mut stored in entries(client, url, &token(uploader)).await {
            let fields = stored.as_object_mut().unwrap();
            assert!(fields.remove("_id").is_some() && fields.remove("user_id").is_some());
            let write_ts = stored["metadata"]["write_ts"].as_u64().unwrap();
            assert_eq!(stored, entry(write_ts), "round {round}");
            assert!(found.insert(write_ts), "{write_ts} is there twice in round {round}");
        }
        let missing: Vec<_> = acknowledged[&uploader].difference(&found).collect();
        assert!(missing.is_empty(), "acknowledged and lost in round {round}: {missing:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let client = client();
    let mut rng = StdRng::seed_from_u64(9);
    let next = Arc::new(AtomicU64::new(1_700_000_000));
    let mut acknowledged: HashMap<u64, HashSet<u64>> = (0..UPLOADERS).map(|phone| (phone, HashSet::new())).collect();
    let rounds = rounds();
    for round in 0..rounds {
        let mut server = Serving::start_with(data.path(), &["--seal-eagerly"]);
        for phone in 0..UPLOADERS {
            post(&client, &server.url, "/profile/create", &json!({"user": token(phone)})).await.unwrap();
        }
        check(&client, &server.url, &acknowledged, round).await;
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let uploaders: Vec<_> = (0..UPLOADERS)
            .map(|phone| tokio::spawn(upload(server.url.clone(), phone, Arc::clone(&next), sender.clone())))
            .collect();
        drop(sender);
        let mut left = rng.random_range(1..150);
        while let Some((phone, first)) = receiver.recv().await {
            acknowledged.get_mut(&phone).unwrap().extend(first..first + BATCH);
            left -= 1;
            if left == 0 {
                server.kill();
            }
        }
        for uploader in uploaders {
            uploader.await.unwrap();
        }
    }
    let server = Serving::start(data.path());
    check(&client, &server.url, &acknowledged, rounds).await;
    assert!(acknowledged.values().map(HashSet::len).sum::<usize>() > ACKNOWLEDGED_MIN);
}
