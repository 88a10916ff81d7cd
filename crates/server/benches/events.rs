//! What it costs to tell a thousand subscribers of one log what was appended: twenty entries at a time, as many as gather
//! at a thousand appends a second. From the routes to the last frame, without sockets.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use divan::Bencher;
use divan::counter::ItemsCount;
use http_body_util::BodyExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_server::{App, Limits, router};
use rushhour_store::{Ack, Options, Store};
use tokio::runtime::Builder;
use tower::ServiceExt;

const SUBSCRIBERS: usize = 1_000;
const APPENDED: usize = 20;

fn main() {
    divan::main();
}

async fn ask(router: &Router, request: Request<Body>) -> Body {
    let response = router.clone().oneshot(request).await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    response.into_body()
}

/// As long a text as the next event has.
async fn frame(body: &mut Body) -> usize {
    body.frame().await.unwrap().unwrap().into_data().unwrap().len()
}

#[divan::bench]
fn tell_a_thousand_of_twenty(bencher: Bencher<'_, '_>) {
    // Gathering takes time, which is none of this.
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let options = Options { ack: Ack::Memory, ..Options::new(dir.path(), StdRng::seed_from_u64(1)) };
    let router =
        runtime.block_on(async { router(Arc::new(App::new(Store::open(options).unwrap(), Limits::default()))) });
    let post =
        |path: &str, body: &'static str| Request::post(path).header("x-em-key", "anna").body(Body::from(body)).unwrap();
    let mut followers: Vec<Body> = runtime.block_on(async {
        drop(ask(&router, post("/profile/create", r#"{"user":"anna"}"#)).await);
        let mut followers = Vec::new();
        for _ in 0..SUBSCRIBERS {
            let request = Request::get("/events?log=feed").header("x-em-key", "anna").body(Body::empty()).unwrap();
            let mut body = ask(&router, request).await;
            frame(&mut body).await;
            followers.push(body);
        }
        followers
    });
    bencher
        .counter(ItemsCount::new(SUBSCRIBERS))
        .with_inputs(|| {
            runtime.block_on(async {
                for _ in 0..APPENDED {
                    drop(ask(&router, post("/logs/feed", r#"{"number":1}"#)).await);
                }
            });
        })
        .bench_local_refs(|()| {
            runtime.block_on(async {
                let mut told = 0;
                for body in &mut followers {
                    told += frame(body).await;
                }
                told
            })
        });
}
