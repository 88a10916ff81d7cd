//! A server that stands still for a while: what was due meanwhile must show it, by the test's own clock.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::interrupt::{signal, wait_for_load};
use crate::serving::{Serving, result_in, rushhour};

const RATE_PER_S: f64 = 200.0;
const MEASURE_S: f64 = 10.0;
/// How long the server stands still, at least: the subject of this test, and the only time that it waits for.
const FREEZE: Duration = Duration::from_millis(1500);
/// Nothing that a busy machine does to a modest rate may be taken for the freeze, so a number may be this much larger.
const GENEROUS: f64 = 4.0;

/// How long `pid` stood still: at least, and at most.
fn freeze(pid: u32) -> (f64, f64) {
    #[expect(clippy::disallowed_methods, reason = "the freeze is measured by the test's own clock")]
    let now = Instant::now;
    let called = now();
    signal(pid, "-STOP");
    // The signal is delivered when the system finds the time.
    let state = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    while !state().rsplit_once(") ").unwrap().1.starts_with('T') {
        yield_now();
    }
    let stopped = now();
    sleep(FREEZE);
    let least = stopped.elapsed();
    signal(pid, "-CONT");
    (least.as_secs_f64(), called.elapsed().as_secs_f64())
}

/// A load of `get` at a fixed rate, which is known to have begun when this returns.
async fn load(url: &str, dir: &Path) -> Child {
    let days = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/days");
    let scenario = format!(
        "users = 2\n[days]\ndir = {days:?}\n[phases]\nwarm_up_s = 0\nmeasure_s = {MEASURE_S}\n\
         [arrivals]\nget = {{ rate_per_s = {RATE_PER_S}, spacing = \"uniform\" }}\n"
    );
    fs::write(dir.join("stall.toml"), scenario).unwrap();
    let mut command = rushhour();
    command.arg("load").arg(dir.join("stall.toml")).args(["--url", url, "--out"]).arg(dir.join("out"));
    let mut load = command.stdout(Stdio::null()).spawn().unwrap();
    wait_for_load(url, &mut load).await;
    load
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_process_shows_for_as_long_as_it_stood_still() {
    let (data, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Serving::start(data.path());
    let mut load = load(&server.url, dir.path()).await;
    let (least_s, most_s) = freeze(server.pid());
    // Whether this machine was quiet enough for a verdict is not what this is about.
    assert!(matches!(load.wait().unwrap().code(), Some(0 | 3 | 5)));

    let get = &result_in(&dir.path().join("out"))["operations"]["get"];
    let number = |path: &str| get.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}: {get}"));
    assert_eq!(number("/offered"), RATE_PER_S * MEASURE_S);
    assert_eq!(number("/completed"), RATE_PER_S * MEASURE_S);
    // Requests were due all through the freeze, one every 5 ms, and none was answered before its end: of those behind a
    // percentile, the last waited from its turn in the schedule on. Histograms keep three digits.
    let waited_s = |requests: f64| 0.998 * (least_s - (requests + 1.0) / RATE_PER_S);
    let behind_p99 = RATE_PER_S * MEASURE_S / 100.0;
    for (path, requests) in [("/response_ms/max", 0.0), ("/response_ms/p99", behind_p99)] {
        let found_s = number(path) / 1e3;
        assert!(found_s >= waited_s(requests), "{path}: {found_s} s, and it stood still for {least_s} s");
        assert!(found_s <= GENEROUS * most_s, "{path}: {found_s} s, and it stood still for {most_s} s");
    }
    // Of 2,000 requests 300 were due in the freeze: most people felt nothing.
    assert!(number("/response_ms/p50") / 1e3 < least_s / 2.0, "{get}");
    // Who counts from the sending sees the freeze in as many requests as there are connections: 64 of 2,000.
    assert!(number("/wait_ms/max") / 1e3 >= waited_s(64.0), "{get}");
}
