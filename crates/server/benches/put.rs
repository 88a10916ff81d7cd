//! Per request: an upload and a small call through the whole router, without a socket.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use futures_util::stream;
use http_body_util::BodyExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_server::{App, Limits, router};
use rushhour_store::{Options, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

const DAY: &str = include_str!("../../../scenarios/days/android-commute.raw.json");

fn main() {
    divan::main();
}

fn start() -> (Router, Runtime, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
    let router = router(Arc::new(App::new(store, Limits::default())));
    let runtime = Runtime::new().unwrap();
    call(&router, &runtime, "/profile/create", r#"{"user":"anna"}"#.to_owned());
    (router, runtime, dir)
}

fn call(router: &Router, runtime: &Runtime, path: &str, body: impl Into<Body>) -> usize {
    let request = Request::post(path).body(body.into()).unwrap();
    runtime.block_on(async {
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap().to_bytes().len()
    })
}

#[divan::bench]
fn put_a_day(bencher: Bencher<'_, '_>) {
    let (router, runtime, _dir) = start();
    let body = format!(r#"{{"user":"anna","phone_to_server":{DAY}}}"#);
    bencher
        .counter(ItemsCount::new(DAY.lines().count() - 2))
        .counter(BytesCount::new(body.len()))
        .with_inputs(|| body.clone())
        .bench_local_values(|body| call(&router, &runtime, "/usercache/put", body));
}

/// Some megabytes, which are parsed while they arrive: 64 kB at a time, as a connection reads them.
#[divan::bench]
fn put_a_month(bencher: Bencher<'_, '_>) {
    let (router, runtime, _dir) = start();
    let day = DAY.trim().trim_start_matches('[').trim_end_matches(']');
    let body = format!(r#"{{"user":"anna","phone_to_server":[{}]}}"#, vec![day; 30].join(","));
    bencher
        .counter(BytesCount::new(body.len()))
        .with_inputs(|| {
            let pieces = body.as_bytes().chunks(64 << 10).map(|piece| Ok::<_, std::io::Error>(piece.to_vec()));
            Body::from_stream(stream::iter(pieces.collect::<Vec<_>>()))
        })
        .bench_local_values(|body| call(&router, &runtime, "/usercache/put", body));
}

#[divan::bench]
fn get_nothing(bencher: Bencher<'_, '_>) {
    let (router, runtime, _dir) = start();
    bencher.bench_local(|| call(&router, &runtime, "/usercache/get", r#"{"user":"anna"}"#.to_owned()));
}

#[divan::bench]
fn find_a_day(bencher: Bencher<'_, '_>) {
    let (router, runtime, _dir) = start();
    call(&router, &runtime, "/usercache/put", format!(r#"{{"user":"anna","phone_to_server":{DAY}}}"#));
    let query = r#"{"user":"anna","key_list":["background/filtered_location"],"start_time":null,"end_time":null}"#;
    bencher.bench_local(|| call(&router, &runtime, "/datastreams/find_entries/timestamp", query.to_owned()));
}
