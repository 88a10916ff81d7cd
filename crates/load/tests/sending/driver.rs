//! The driver against scripted targets, on a paused clock: hours take milliseconds, and every instant is exact.

use std::collections::BTreeMap;
use std::time::Duration;

use rushhour_load::driver::{Driven, Ending, drive};
use rushhour_load::line::{Bounds, Line};
use rushhour_load::pacer::Pacer;
use rushhour_load::recorder::Recorder;
use rushhour_load::request::{Ready, Request};
use rushhour_load::scenario::Scenario;
use rushhour_load::stop::{Stop, stop};
use rushhour_load::transport::{Answer, Connection, Failure, Transport};
use rushhour_report::result::OperationResult;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{BOUNDS, request};

/// A target that answers in 1 ms, except as its script says.
#[derive(Clone, Copy, Default)]
struct Script {
    /// It does nothing between these two times.
    freeze: Option<(Duration, Duration)>,
    /// It accepts no connection.
    refuses: bool,
    /// It answers everything with this status.
    status: Option<u16>,
    /// It fails with 500 until then.
    fails_until: Duration,
}

struct Target {
    script: Script,
    epoch: Instant,
}

struct Wire {
    script: Script,
    epoch: Instant,
}

impl Transport for Target {
    type Connection = Wire;

    async fn connect(&self) -> Result<Wire, Failure> {
        if self.script.refuses { Err(Failure::Connect) } else { Ok(Wire { script: self.script, epoch: self.epoch }) }
    }
}

impl Connection for Wire {
    async fn exchange(&mut self, _: &Request) -> Result<Answer, Failure> {
        let elapsed = self.epoch.elapsed();
        if let Some((from, to)) = self.script.freeze
            && (from..to).contains(&elapsed)
        {
            sleep_until(self.epoch + to).await;
        }
        sleep(Duration::from_millis(1)).await;
        if elapsed < self.script.fails_until {
            return Err(Failure::Status(500));
        }
        self.script.status.map_or(Ok(Answer { bytes: 100, is_empty: false }), |status| Err(Failure::Status(status)))
    }

    fn is_usable(&self) -> bool {
        true
    }
}

/// 100 gets per second for 10 s over `connections`, against `script`.
async fn run(connections: usize, script: Script, stop: Stop) -> (Driven, OperationResult) {
    let scenario = Scenario::parse(
        "phases = { warm_up_s = 0, measure_s = 10, drain_s = 2 }\n[arrivals]\nget = { rate_per_s = 100 }",
    );
    let scenario = scenario.unwrap();
    let requests = (0..1000).map(|number| request(number, Duration::from_millis(10 * number)));
    let epoch = Instant::now();
    let bounds =
        Bounds { connections_max: connections, request_timeout: Duration::from_secs(3), backlog_max: 400, ..BOUNDS };
    let line = Line::new(Target { script, epoch }, bounds, epoch, Recorder::new(&scenario));
    let driven = LocalSet::new().run_until(drive(Ready(requests), &line, Pacer::sleeping(epoch), stop)).await;
    let mut results: BTreeMap<_, _> = line.record().results(scenario.phases.measure_s.duration());
    (driven, results.remove("get").unwrap())
}

fn never() -> Stop {
    stop().1
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn seconds(from: f64, to: f64) -> Option<(Duration, Duration)> {
    Some((Duration::from_secs_f64(from), Duration::from_secs_f64(to)))
}

#[tokio::test(start_paused = true)]
async fn a_frozen_server_shows_in_response_time() {
    let script = Script { freeze: seconds(5.0, 6.0), ..Script::default() };
    let (driven, get) = run(1, script, never()).await;
    assert_eq!(driven.ending, Ending::Finished);
    assert_eq!((get.offered, get.sent, get.completed, get.failed, get.censored), (1000, 1000, 1000, 0, 0));
    // One request saw the freeze; a hundred were late because of it. Counting from `sent` would hide them: the service
    // time is exactly what it would show.
    let (response, service) = (get.response_ms.p99.unwrap(), get.service_ms.p99.unwrap());
    assert!(service < 3.0, "service p99 {service} ms");
    assert!(response > 850.0, "response p99 {response} ms");
    assert!(get.wait_ms.p99.unwrap() > 850.0);
    assert!(get.lateness_ms.max.unwrap() < 2.0, "{:?}", get.lateness_ms);
    assert!(get.response_ms.max.unwrap() <= 1003.0, "{:?}", get.response_ms);
}

#[tokio::test(start_paused = true)]
async fn the_parts_add_up() {
    let script = Script { freeze: seconds(2.0, 4.5), ..Script::default() };
    let (_, get) = run(2, script, never()).await;
    let sum = get.wait_ms.max.unwrap() + get.service_ms.max.unwrap() + get.lateness_ms.max.unwrap();
    assert!(get.response_ms.max.unwrap() <= sum + 0.1);
    assert!((get.response_ms.max.unwrap() - 2500.0).abs() < 10.0, "{:?}", get.response_ms);
}

#[tokio::test(start_paused = true)]
async fn what_is_unanswered_at_the_end_is_counted_with_what_it_waited() {
    let script = Script { freeze: seconds(9.5, 100.0), ..Script::default() };
    let (driven, get) = run(1, script, never()).await;
    assert_eq!(driven.ending, Ending::Finished);
    assert_eq!((get.offered, get.completed, get.censored, get.sent), (1000, 950, 50, 951));
    assert_eq!(get.response_ms.count, 1000);
    // The run ended at 12 s, and the oldest of them was intended at 9.5 s.
    assert!((get.response_ms.max.unwrap() - 2500.0).abs() < 10.0, "{:?}", get.response_ms);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_over_its_bound_stops_the_run_as_saturated() {
    let script = Script { freeze: seconds(1.0, 100.0), ..Script::default() };
    let (driven, get) = run(1, script, never()).await;
    assert_eq!((driven.ending, driven.backlog_max), (Ending::Saturated, 400));
    // One is under way and 400 wait: the 401st after 1 s, at 5 s.
    assert!((driven.ended.as_secs_f64() - 5.0).abs() < 0.03, "{:?}", driven.ended);
    assert_eq!(get.completed + get.failed + get.censored, get.offered);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_a_failure_and_its_connection_is_given_up() {
    let script = Script { freeze: seconds(5.0, 8.5), ..Script::default() };
    let (_, get) = run(1, script, never()).await;
    assert_eq!(get.errors, BTreeMap::from([("timeout".to_owned(), 1)]));
    assert_eq!((get.failed, get.censored, get.completed), (1, 0, 999));
}

#[tokio::test(start_paused = true)]
async fn refusals_and_error_statuses_are_failures_by_kind_and_not_fast_answers() {
    let (_, get) = run(4, Script { refuses: true, ..Script::default() }, never()).await;
    assert_eq!((get.sent, get.failed, get.response_ms.count), (0, 1000, 0));
    assert_eq!(get.errors, BTreeMap::from([("connect".to_owned(), 1000)]));
    let (_, get) = run(4, Script { status: Some(503), ..Script::default() }, never()).await;
    assert_eq!((get.sent, get.failed, get.response_ms.count), (1000, 1000, 0));
    assert_eq!((get.service_ms.count, get.wait_ms.count), (0, 0));
    assert_eq!(get.errors, BTreeMap::from([("status 503".to_owned(), 1000)]));
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_and_is_no_part_of_what_was_offered() {
    let scenario = Scenario::parse(
        "phases = { warm_up_s = 0, measure_s = 10, drain_s = 2 }\n[arrivals]\nget = { rate_per_s = 100 }",
    );
    let scenario = scenario.unwrap();
    // Those of the first half would be tried twice more, each a second after the other.
    let requests = (0..1000).map(|number| {
        let at = Duration::from_millis(10 * number);
        let retries = if number < 500 { vec![at + ms(1000), at + ms(2000)] } else { Vec::new() };
        Request { retries_at: retries, ..request(number, at) }
    });
    // All requests fail that are sent before 3 s: 300 of the schedule, and another try of each of 200.
    let script = Script { fails_until: ms(3000), ..Script::default() };
    let epoch = Instant::now();
    let bounds = Bounds { connections_max: 4, ..BOUNDS };
    let line = Line::new(Target { script, epoch }, bounds, epoch, Recorder::new(&scenario));
    let driven = LocalSet::new().run_until(drive(Ready(requests), &line, Pacer::sleeping(epoch), never())).await;
    let get = line.record().results(Duration::from_secs(10)).remove("get").unwrap();
    assert_eq!((driven.released, get.offered, get.sent), (1000, 1000, 1000));
    assert_eq!((get.failed, get.completed, get.response_ms.count), (300, 700, 700));
    assert_eq!(get.errors, BTreeMap::from([("status 500".to_owned(), 300)]));
    // One try of each of the 300, and a second one of the 200 whose first failed as well.
    assert_eq!(get.retried, 500);
    assert!(get.lateness_ms.max.unwrap() < 2.0, "{:?}", get.lateness_ms);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_keeps_what_was_measured() {
    let (stopper, stopped) = stop();
    tokio::spawn(async move {
        sleep(Duration::from_millis(4005)).await;
        stopper.stop();
    });
    let (driven, get) = run(1, Script::default(), stopped).await;
    assert_eq!(driven.ending, Ending::Interrupted);
    assert_eq!((get.offered, get.completed + get.censored), (401, 401));
    assert!(get.completed >= 400);
}

#[tokio::test(start_paused = true)]
async fn the_backlog_is_what_waits_and_nothing_else() {
    let (driven, get) = run(64, Script::default(), never()).await;
    assert_eq!(driven.backlog_max, 0);
    assert!(get.wait_ms.max.unwrap() < 1.0, "{:?}", get.wait_ms);
}
