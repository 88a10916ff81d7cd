//! Any body at all is taken or refused, on every route that takes one.
//!
//! `cargo +nightly fuzz run body` in `crates/server`.

#![no_main]

mod asked;

use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::fuzz_target;

const ROUTES: [&str; 14] = [
    "/usercache/put",
    "/usercache/putone",
    "/usercache/get",
    "/datastreams/find_entries/timestamp",
    "/timeline/getTrips/2024-05-06",
    "/profile/update",
    "/customlabel/get",
    "/customlabel/insert",
    "/customlabel/update",
    "/result/metrics/yyyy_mm_dd",
    "/result/heatmap/pop.route/timestamp",
    "/result/heatmap/incidents/local_date",
    "/api/usages",
    "/logs/a",
];

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (route, body) = input;
    let route = ROUTES[usize::from(route) % ROUTES.len()];
    asked::ask(Request::post(route).header("x-em-key", "anna").body(Body::from(body)).expect("a plain request"));
});
