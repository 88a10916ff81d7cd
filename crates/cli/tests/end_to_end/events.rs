//! `kill -9` while a log is appended to and followed: whoever comes back is told every acknowledged event, and none twice.
//!
//! `EVENTS=100000 cargo test -p rushhour --test end_to_end events` does it with more of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::serving::{Serving, client, post};

const EVENTS: u64 = 4_000;
/// The server is killed at the end of each of them.
const LIVES: u64 = 5;
const APPENDERS: u64 = 16;

#[expect(clippy::disallowed_methods, reason = "a test that can be asked for more has no other way to be asked")]
fn events() -> u64 {
    std::env::var("EVENTS").ok().and_then(|events| events.parse().ok()).unwrap_or(EVENTS)
}

async fn append(client: &reqwest::Client, url: &str, number: u64) -> reqwest::Result<()> {
    let request = client.post(format!("{url}/logs/a")).header("x-em-key", "anna").json(&json!({"number": number}));
    request.send().await?.error_for_status().map(drop)
}

/// Appends number after number until the server is gone, and reports the acknowledged ones. One that was not acknowledged
/// may be there or not; it is not sent again, for that would be another event.
async fn append_on(url: String, next: Arc<AtomicU64>, acknowledged: mpsc::UnboundedSender<u64>) {
    let client = client();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if append(&client, &url, number).await.is_err() {
            return;
        }
        acknowledged.send(number).unwrap();
    }
}

/// Somebody who follows the log across its server's lives, and what they were told how often.
#[derive(Default)]
struct Follower {
    last_id: Option<String>,
    told: HashMap<u64, u32>,
}

impl Follower {
    /// Follows until the connection breaks, or `until` was told.
    async fn follow(&mut self, url: &str, until: Option<u64>) {
        let mut request = client().get(format!("{url}/events?log=a&from=0")).header("x-em-key", "anna");
        if let Some(id) = &self.last_id {
            request = request.header("last-event-id", id);
        }
        let Ok(mut answer) = request.send().await else { return };
        assert_eq!(answer.status(), 200);
        let mut text = String::new();
        while !until.is_some_and(|number| self.told.contains_key(&number)) {
            let Ok(Some(bytes)) = answer.chunk().await else { return };
            text.push_str(std::str::from_utf8(&bytes).unwrap());
            // What did not come to its end never came; its id was not told either.
            while let Some((event, rest)) = text.split_once("\n\n") {
                self.note(event);
                text = rest.to_owned();
            }
        }
    }

    fn note(&mut self, event: &str) {
        for line in event.lines() {
            if let Some(data) = line.strip_prefix("data: ") {
                let data: Value = serde_json::from_str(data).unwrap();
                for entry in data["entries"].as_array().unwrap() {
                    *self.told.entry(entry["data"]["number"].as_u64().unwrap()).or_default() += 1;
                }
            } else if let Some(id) = line.strip_prefix("id: ") {
                self.last_id = Some(id.to_owned());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_lost_or_told_twice_across_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let (mut follower, next) = (Follower::default(), Arc::new(AtomicU64::new(0)));
    let mut acknowledged = Vec::new();
    for life in 0..LIVES {
        // What is sealed is told like what is not.
        let mut server = Serving::start_with(data.path(), &["--seal-eagerly"]);
        post(&client(), &server.url, "/profile/create", &json!({"user": "anna"})).await.unwrap();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let appenders: Vec<_> = (0..APPENDERS)
            .map(|_| tokio::spawn(append_on(server.url.clone(), Arc::clone(&next), sender.clone())))
            .collect();
        drop(sender);
        let url = server.url.clone();
        let kill_after_so_many = async {
            while let Some(number) = receiver.recv().await {
                acknowledged.push(number);
                if acknowledged.len() as u64 == (life + 1) * events() / LIVES {
                    server.kill();
                }
            }
        };
        tokio::join!(kill_after_so_many, follower.follow(&url, None));
        for appender in appenders {
            appender.await.unwrap();
        }
    }
    let server = Serving::start(data.path());
    append(&client(), &server.url, u64::MAX).await.unwrap();
    follower.follow(&server.url, Some(u64::MAX)).await;
    assert!(acknowledged.len() as u64 >= events());
    let lost = acknowledged.iter().filter(|number| !follower.told.contains_key(number)).count();
    let doubled = follower.told.values().filter(|times| **times > 1).count();
    assert_eq!((lost, doubled), (0, 0), "of {} acknowledged and {} told", acknowledged.len(), follower.told.len());
}
