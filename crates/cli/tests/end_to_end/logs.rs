//! The server's log: a line per request that can be found again, and nothing in it that is nobody's business.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::interrupt::signal;
use crate::serving::{Serving, client, post, rushhour};

#[tokio::test]
async fn every_request_has_a_line_with_its_id_and_without_tokens_and_bodies() {
    let data = tempfile::tempdir().unwrap();
    let mut command = rushhour();
    command.args([
        "serve",
        "--quiet",
        "--listen",
        "127.0.0.1:0",
        "--log-format",
        "json",
        "--log-level",
        "debug",
        "--data",
    ]);
    let mut child = command.arg(data.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap();
    let client = client();
    post(&client, url, "/profile/create", &json!({"user": "a-token-of-anna"})).await.unwrap();
    let metadata = json!({"key": "background/battery", "type": "sensor-data", "write_ts": 1});
    let body = json!({"user": "a-token-of-anna", "phone_to_server": [{"metadata": metadata, "data": {"secret": 42}}]});
    let put = client.post(format!("{url}/usercache/put")).header("x-request-id", "7f3a-1").json(&body);
    assert_eq!(put.send().await.unwrap().headers()["x-request-id"], "7f3a-1");
    let lost = client.get(format!("{url}/a-token-of-anna?a-token-of-anna")).send().await.unwrap();
    let made = lost.headers()["x-request-id"].to_str().unwrap().to_owned();
    signal(child.id(), "-TERM");
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(child.wait().unwrap().success());
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |id: &str| lines.iter().find(|line| line["request_id"] == id).unwrap_or_else(|| panic!("{id}: {log}"));
    assert_eq!((&told("7f3a-1")["route"], &told("7f3a-1")["status"]), (&json!("/usercache/put"), &json!(200)));
    assert_eq!((&told(&made)["route"], &told(&made)["status"]), (&json!("unmatched"), &json!(404)));
    assert!(!log.contains("a-token-of-anna") && !log.contains("secret"), "{log}");
}

#[tokio::test]
async fn without_trouble_nothing_is_told_unless_somebody_asks() {
    let data = tempfile::tempdir().unwrap();
    let mut command = rushhour();
    command.args(["serve", "--quiet", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap();
    post(&client(), url, "/profile/create", &json!({"user": "anna"})).await.unwrap();
    signal(child.id(), "-TERM");
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(child.wait().unwrap().success());
    // A machine that is busy may make a request slow, and that is worth a warning.
    assert!(log.lines().all(|line| line.contains(" WARN ")), "{log}");
}

#[tokio::test]
async fn a_server_that_was_stopped_still_knows_when_phones_were_heard_of() {
    let data = tempfile::tempdir().unwrap();
    let client = client();
    let profile = async |url: &str| -> Value {
        let text = post(&client, url, "/profile/get", &json!({"user": "anna"})).await.unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let mut server = Serving::start(data.path());
    post(&client, &server.url, "/profile/create", &json!({"user": "anna"})).await.unwrap();
    post(&client, &server.url, "/usercache/get", &json!({"user": "anna"})).await.unwrap();
    let before = profile(&server.url).await;
    server.stop();
    let after = profile(&Serving::start(data.path()).url).await;
    assert!(before["last_sync_ts"].is_f64(), "{before}");
    assert_eq!(after["last_sync_ts"], before["last_sync_ts"]);
}
