//! Compressed bodies, both ways.

use std::io::{Read, Write};

use axum::body::Body;
use axum::http::Request;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;
use serde_json::json;

use crate::server::{Server, entry};

fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn put(encoding: &str, body: Vec<u8>) -> Request<Body> {
    Request::post("/usercache/put").header("content-encoding", encoding).body(body.into()).unwrap()
}

#[tokio::test]
async fn uploads_may_be_compressed_and_answers_are_if_asked() {
    let server = Server::with_anna().await;
    let upload = |write_ts| json!({"user": "anna", "phone_to_server": [entry("k", write_ts)]}).to_string();
    assert_eq!(server.answer(put("gzip", gzipped(upload(1.5).as_bytes()))).await.status(), 200);
    let zstd = zstd::bulk::compress(upload(2.5).as_bytes(), 1).unwrap();
    assert_eq!(server.answer(put("zstd", zstd)).await.status(), 200);
    assert_eq!(server.answer(put("br", vec![1])).await.status(), 415);
    assert_eq!(server.answer(put("gzip", b"no gzip".to_vec())).await.status(), 400);
    let query = r#"{"user":"anna","start_time":null,"end_time":null}"#;
    let request = Request::post("/datastreams/find_entries/timestamp").header("accept-encoding", "gzip");
    let response = server.answer(request.body(query.into()).unwrap()).await;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let mut text = String::new();
    GzDecoder::new(bytes.as_ref()).read_to_string(&mut text).unwrap();
    assert_eq!(text, server.post("/datastreams/find_entries/timestamp", query).await.1);
    assert_eq!(server.entries().await.len(), 2);
}

#[tokio::test]
async fn a_body_that_becomes_too_large_is_refused() {
    let server = Server::with_anna().await;
    // A megabyte of zeros in a kilobyte; 4 kB are taken.
    assert_eq!(server.answer(put("gzip", gzipped(&vec![0; 1 << 20]))).await.status(), 413);
    let deep = format!(r#"{{"user":"anna","phone_to_server":{}{}}}"#, "[".repeat(1_500), "]".repeat(1_500));
    assert_eq!(server.post("/usercache/put", &deep).await.0, 400);
    assert_eq!(server.entries().await.len(), 0);
}
