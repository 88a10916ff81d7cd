//! Uploading as fast as a target takes it, on a paused clock.

use std::rc::Rc;
use std::time::Duration;

use rushhour_load::line::Bounds;
use rushhour_load::observer::{Observer, Stage};
use rushhour_load::request::{Ready, Request};
use rushhour_load::stop::stop;
use rushhour_load::transport::{Answer, Connection, Failure, Transport};
use rushhour_load::upload::{Uploaded, upload};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use crate::{BOUNDS, request};

/// A target that answers in 1 ms, and in two stretches of time that it is busy.
#[derive(Clone, Copy)]
struct Target {
    epoch: Instant,
    busy_s: [(f64, f64); 2],
}

impl Transport for Target {
    type Connection = Self;

    async fn connect(&self) -> Result<Self, Failure> {
        Ok(*self)
    }
}

impl Connection for Target {
    async fn exchange(&mut self, _: &Request) -> Result<Answer, Failure> {
        sleep(Duration::from_millis(1)).await;
        let now_s = self.epoch.elapsed().as_secs_f64();
        let is_busy = self.busy_s.iter().any(|(from_s, to_s)| (*from_s..*to_s).contains(&now_s));
        if is_busy { Err(Failure::Limited(503)) } else { Ok(Answer { bytes: 2, is_empty: false }) }
    }

    fn is_usable(&self) -> bool {
        true
    }
}

struct Silent;

impl Observer for Silent {
    fn steps(&self, _: Stage, _: u64) {}
    fn lasts(&self, _: Stage, _: Duration) {}
    fn step(&self) {}
    fn finish(&self) {}
}

/// So many uploads over four connections.
async fn run(uploads: u64, busy_s: [(f64, f64); 2]) -> Uploaded {
    let target = Target { epoch: Instant::now(), busy_s };
    let requests = Ready((0..uploads).map(|number| request(number, Duration::ZERO)));
    let bounds = Bounds { connections_max: 4, ..BOUNDS };
    LocalSet::new().run_until(upload(requests, target, bounds, Rc::new(Silent), &stop().1)).await.0
}

#[tokio::test(start_paused = true)]
async fn what_a_busy_target_refuses_is_sent_again_and_counts_from_its_first_try() {
    let uploaded = run(10_000, [(1.0, 4.5), (5.5, 5.8)]).await;
    let counts = uploaded.counts;
    assert_eq!((counts.sent, counts.failed), (10_000, 0));
    // Each connection rested four times for a second, and once more.
    assert_eq!(counts.held_back, 4 * 4 + 4);
    assert!((4_000.0..4_100.0).contains(&uploaded.result().response_ms.max.unwrap()), "{:?}", uploaded.response);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_busy_for_good_is_not_asked_for_ever() {
    let uploaded = run(20, [(0.0, 1e9), (0.0, 0.0)]).await;
    let counts = uploaded.counts;
    assert_eq!((counts.sent, counts.failed), (20, 20));
}
