//! Logs: appended to, read and followed, and nothing lost or told twice.

use std::collections::VecDeque;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use rushhour_server::{App, Limits};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Server, open};

fn start(dir: &TempDir, seed: u64) -> Server {
    Server::of(App::new(open(dir.path(), seed), Limits::default()))
}

async fn append(server: &Server, log: &str, number: u32) {
    let (status, answer) =
        server.as_anna("POST", &format!("/logs/{log}"), &json!({"number": number}).to_string()).await;
    assert_eq!(status, 201, "{answer}");
}

/// Somebody who follows a log.
struct Follower {
    body: Body,
    last_id: Option<String>,
    seen: VecDeque<u64>,
}

impl Follower {
    async fn start(server: &Server, query: &str, last_id: Option<&str>) -> Self {
        let mut request = Request::get(format!("/events?{query}")).header("x-em-key", "anna");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = server.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut follower = Self { body: response.into_body(), last_id: None, seen: VecDeque::new() };
        assert_eq!(follower.frame().await.as_deref(), Some("retry: 1000\n\n"));
        follower
    }

    async fn frame(&mut self) -> Option<String> {
        let frame = self.body.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    /// The number in the next entry.
    async fn next(&mut self) -> u64 {
        while self.seen.is_empty() {
            let frame = self.frame().await.unwrap();
            for line in frame.lines() {
                if let Some(data) = line.strip_prefix("data: ") {
                    let data: Value = serde_json::from_str(data).unwrap();
                    let numbers = data["entries"].as_array().unwrap().iter().map(|entry| &entry["data"]["number"]);
                    self.seen.extend(numbers.map(|number| number.as_u64().unwrap()));
                } else if let Some(id) = line.strip_prefix("id: ") {
                    self.last_id = Some(id.to_owned());
                }
            }
        }
        self.seen.pop_front().unwrap()
    }
}

#[tokio::test]
async fn what_is_appended_is_told_to_those_who_follow_that_log() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&dir, 1);
    for token in ["anna", "bert"] {
        server.register(token).await;
    }
    append(&server, "a", 1).await;
    let mut both = Follower::start(&server, "log=a&log=b%2Fc", None).await;
    let mut past = Follower::start(&server, "log=a&from=0", None).await;
    for (log, number) in [("a", 2), ("other", 3), ("b/c", 4), ("a", 5)] {
        append(&server, log, number).await;
    }
    let berts = Request::post("/logs/a").header("x-em-key", "bert");
    assert_eq!(server.ask(berts, r#"{"number":6}"#).await.0, 201);
    append(&server, "a", 7).await;
    for expected in [2, 4, 5, 7] {
        assert_eq!(both.next().await, expected);
    }
    for expected in [1, 2, 5, 7] {
        assert_eq!(past.next().await, expected);
    }
    let (_, last) = server.as_anna("GET", "/logs/b/c/last", "").await;
    assert_eq!(last["entry"]["data"], json!({"number": 4}));
    assert_eq!(server.as_anna("GET", "/logs/none/last", "").await.1, json!({"entry": null}));
    let (_, read) = server.as_anna("GET", "/logs/a", "").await;
    assert_eq!(read["entries"].as_array().unwrap().len(), 4);
    let (_, rest) = server.as_anna("GET", &format!("/logs/a?from={}", read["next"]), "").await;
    assert_eq!(rest, json!({"entries": [], "next": read["next"]}));
    let (_, metrics) = server.send("GET", "/metrics", Body::empty()).await;
    let count = metrics.lines().find_map(|line| line.strip_prefix("em_sse_delivery_seconds_count ")).unwrap();
    assert!(count.parse::<u32>().unwrap() > 0, "{metrics}");
}

/// What a follower has seen over several lives of its server.
#[derive(Default)]
struct Seen {
    numbers: Vec<u64>,
    last_id: Option<String>,
}

impl Seen {
    /// Follows until so many were seen; then the connection breaks.
    async fn follow(&mut self, server: &Server, count: u64) {
        let from = if self.last_id.is_none() { "log=a&from=0" } else { "log=a" };
        let mut follower = Follower::start(server, from, self.last_id.as_deref()).await;
        while (self.numbers.len() as u64) < count {
            self.numbers.push(follower.next().await);
        }
        // What has come with the last of them has been seen too.
        self.numbers.extend(follower.seen.drain(..));
        self.last_id = follower.last_id;
    }
}

#[test]
fn nothing_is_lost_or_told_twice_across_reconnects_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let (mut seen, mut sent) = (Seen::default(), 0);
    for life in 0..3 {
        // A runtime of its own ends with everything that goes on in the background.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let server = start(&dir, life);
            server.register("anna").await;
            for connection in 0..4 {
                // What is appended while nobody follows is told to who comes back.
                for _ in 0..20 {
                    append(&server, "a", sent).await;
                    sent += 1;
                }
                let end = sent + 150;
                let appends = async {
                    while sent < end {
                        append(&server, "a", sent).await;
                        sent += 1;
                    }
                };
                tokio::join!(appends, seen.follow(&server, u64::from(end) - 10 * connection));
            }
        });
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { seen.follow(&start(&dir, 9), u64::from(sent)).await });
    assert_eq!(seen.numbers, (0..u64::from(sent)).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_does_not_read_is_let_go_and_resumes_without_loss() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&dir, 1);
    server.register("anna").await;
    let mut slow = Follower::start(&server, "log=a", None).await;
    let mut quick = Follower::start(&server, "log=a", None).await;
    append(&server, "a", 0).await;
    assert_eq!((slow.next().await, quick.next().await), (0, 0));
    // More than the tail holds; it has read each of them when somebody else has.
    let large = json!({"number": 1, "text": "x".repeat(300_000)}).to_string();
    for _ in 0..8 {
        assert_eq!(server.as_anna("POST", "/logs/a", &large).await.0, 201);
        assert_eq!(quick.next().await, 1);
    }
    assert_eq!(slow.frame().await, None, "it is let go");
    let mut again = Follower::start(&server, "log=a", slow.last_id.as_deref()).await;
    for _ in 0..8 {
        assert_eq!(again.next().await, 1);
    }
    append(&server, "a", 2).await;
    assert_eq!((again.next().await, quick.next().await), (2, 2));
    let (_, metrics) = server.send("GET", "/metrics", Body::empty()).await;
    assert!(metrics.contains("em_sse_dropped_total 1"), "{metrics}");
}

#[tokio::test]
async fn who_follows_is_let_go_when_the_server_stops() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&dir, 1);
    server.register("anna").await;
    let mut follower = Follower::start(&server, "log=a", None).await;
    append(&server, "a", 1).await;
    assert_eq!(follower.next().await, 1);
    server.app.drain();
    assert_eq!(follower.frame().await, None);
}

#[tokio::test]
async fn who_leaves_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&dir, 1);
    server.register("anna").await;
    let followers = [Follower::start(&server, "log=a", None).await, Follower::start(&server, "log=b", None).await];
    let count = async || {
        let (_, metrics) = server.send("GET", "/metrics", Body::empty()).await;
        metrics.lines().find_map(|line| line.strip_prefix("em_sse_subscribers ")).unwrap().to_owned()
    };
    assert_eq!(count().await, "2");
    drop(followers);
    assert_eq!(count().await, "0");
    for (path, part) in [("/events", "name 1 to 100 logs"), ("/events?log=a&from=x", "`x` is no position")] {
        let (status, answer) = server.as_anna("GET", path, "").await;
        assert!(status == 400 && answer["error"].as_str().unwrap().contains(part), "{answer}");
    }
}
