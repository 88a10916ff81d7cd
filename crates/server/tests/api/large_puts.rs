//! Uploads that are parsed while they arrive are taken, and refused, like small ones.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::stream;
use rushhour_server::{App, Limits};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Server, entry, open};

/// Some 600 kB, of which 256 kB are parsed at a time.
const ENTRIES: usize = 4_000;

async fn server() -> (Server, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { put_entries_max: ENTRIES + 1, ..Limits::default() };
    let server = Server::of(App::new(open(dir.path(), 1), limits));
    server.register("anna").await;
    (server, dir)
}

fn entries() -> Vec<Value> {
    let one = |index: usize| match index {
        // In milliseconds, with an id of another server, and with a dot in a name: each has to be corrected.
        900 => entry("a", 1_700_000_000_000.0),
        1_900 => json!({"_id": 1, "metadata": {"key": "b", "type": "t", "write_ts": 7}, "data": {}}),
        2_900 => json!({"metadata": {"key": "stats/c", "type": "t", "write_ts": 8}, "data": {"a.b": "[{,\"]"}}),
        _ => entry("k", 100.0 + f64::from(u32::try_from(index).unwrap())),
    };
    (0..ENTRIES).map(one).collect()
}

/// What is answered to an upload that arrives in pieces of so many bytes.
async fn put(server: &Server, body: &str, bytes: usize) -> (StatusCode, String) {
    let pieces: Vec<_> = body.as_bytes().chunks(bytes).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
    let body = Body::from_stream(stream::iter(pieces));
    server.ask(Request::post("/usercache/put").header("x-em-key", "anna"), body).await
}

#[tokio::test]
async fn however_an_upload_arrives_its_entries_are_kept_as_they_are() {
    let (small, _dir) = server().await;
    for some in entries().chunks(700) {
        let body = json!({"phone_to_server": some}).to_string();
        assert_eq!(put(&small, &body, body.len()).await.0, 200);
    }
    let kept = small.entries().await;
    assert_eq!(kept.len(), ENTRIES);
    let list = Value::Array(entries()).to_string();
    let bodies = [
        format!(r#"{{"user":"anna","phone_to_server":{list}}}"#),
        format!(r#" {{ "phone_to_server" : {list} , "user" : "anna" }} "#),
        format!(r#"{{"user":"anna","phone\u005fto_server":{list}}}"#),
    ];
    for (body, bytes) in bodies.iter().zip([1_000, 77_777, 300_000]) {
        let (large, _dir) = server().await;
        assert_eq!(put(&large, body, bytes).await, (StatusCode::OK, String::new()));
        assert_eq!(large.entries().await, kept);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_large_upload_is_named_and_nothing_of_it_is_kept() {
    let (server, _dir) = server().await;
    let body = |entries: &[Value]| json!({"user": "anna", "phone_to_server": entries}).to_string();
    let (mut lacking, mut many) = (entries(), entries());
    *lacking.get_mut(3_500).unwrap() = json!({"data": {}});
    many.extend([entry("k", 1.0), entry("k", 2.0)]);
    let whole = body(&entries());
    for (body, status, part) in [
        (body(&lacking), 400, "entry 3500 of `phone_to_server`: `metadata` is missing"),
        (body(&many), 413, "has 4002 entries; send at most 4001"),
        (whole.replacen("]}", ",]}", 1), 400, "not JSON"),
        (whole.replace("\"write_ts\":3500.0", "\"write_ts\":NaN"), 400, "of what follows the first"),
        (whole.replace("\"user\":\"anna\"", "\"user\":\"ben\""), 403, "differ"),
        (whole.replace("}]", "}"), 400, "not JSON"),
        (format!("{whole}{whole}"), 400, "not JSON"),
    ] {
        let (answered, text) = put(&server, &body, 10_000).await;
        assert_eq!(answered, status, "{text}");
        assert!(text.contains(part), "{text}");
        assert_eq!(server.entries().await.len(), 0, "{part}");
    }
}
