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

/// A target that answers in 1 ms, and in two stretches of time refuses.
#[derive(Clone, Copy)]
struct Target {
    epoch: Instant,
    refuses_s: [(f64, f64); 2],
    refusal: Failure,
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
        let refuses = self.refuses_s.iter().any(|(from_s, to_s)| (*from_s..*to_s).contains(&now_s));
        if refuses { Err(self.refusal) } else { Ok(Answer { bytes: 2, is_empty: false }) }
    }

    fn is_usable(&self) -> bool {
        true
    }
}

const BUSY: Failure = Failure::Limited(503);
const FULL: Failure = Failure::Status(507);

struct Silent;

impl Observer for Silent {
    fn steps(&self, _: Stage, _: u64) {}
    fn lasts(&self, _: Stage, _: Duration) {}
    fn step(&self) {}
    fn finish(&self) {}
}

/// So many uploads over four connections.
async fn run(uploads: u64, refusal: Failure, refuses_s: [(f64, f64); 2]) -> Uploaded {
    let target = Target { epoch: Instant::now(), refuses_s, refusal };
    let requests = Ready((0..uploads).map(|number| request(number, Duration::ZERO)));
    let bounds = Bounds { connections_max: 4, ..BOUNDS };
    LocalSet::new().run_until(upload(requests, target, bounds, Rc::new(Silent), &stop().1)).await.0
}

#[tokio::test(start_paused = true)]
async fn what_a_busy_target_refuses_is_sent_again_and_counts_from_its_first_try() {
    let uploaded = run(10_000, BUSY, [(1.0, 4.5), (5.5, 5.8)]).await;
    let counts = uploaded.counts;
    assert_eq!((counts.sent, counts.failed), (10_000, 0));
    // Each connection rested four times for a second, and once more.
    assert_eq!(counts.held_back, 4 * 4 + 4);
    assert!((4_000.0..4_100.0).contains(&uploaded.result().response_ms.max.unwrap()), "{:?}", uploaded.response);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_busy_for_good_is_not_asked_for_ever() {
    let uploaded = run(20, BUSY, [(0.0, 1e9), (0.0, 0.0)]).await;
    let counts = uploaded.counts;
    assert_eq!((counts.sent, counts.failed), (20, 20));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_makes_room_is_waited_for_and_one_that_stays_full_gets_no_more() {
    let uploaded = run(10_000, FULL, [(1.0, 31.0), (0.0, 0.0)]).await;
    assert_eq!((uploaded.counts.sent, uploaded.counts.failed, uploaded.is_full), (10_000, 0, false));
    let started = Instant::now();
    let uploaded = run(10_000, FULL, [(1.0, 1e9), (0.0, 0.0)]).await;
    // Four each millisecond, until each connection has tried for a minute.
    assert!((3_900..4_100).contains(&uploaded.counts.sent), "{}", uploaded.counts.sent);
    assert_eq!((uploaded.counts.failed, uploaded.is_full), (0, true), "that is what is told, not failures");
    assert!((60.0..63.0).contains(&started.elapsed().as_secs_f64()), "{:?}", started.elapsed());
    assert_eq!(uploaded.result().full_after_days, Some(0));
}
