//! Any path, query and headers at all are answered.
//!
//! `cargo +nightly fuzz run query` in `crates/server`.

#![no_main]

mod asked;

use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, String, Vec<u8>, Vec<u8>)| {
    let (is_get, rest, token, seen) = input;
    let request = Request::builder()
        .method(if is_get { "GET" } else { "POST" })
        .uri(format!("/logs/{rest}"))
        .header("x-em-key", token)
        .header("last-event-id", seen);
    // What is no request at all never reaches a route.
    if let Ok(request) = request.body(Body::from("{}")) {
        asked::ask(request);
    }
});
