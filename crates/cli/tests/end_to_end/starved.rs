//! A generator that gets no processor: its run must be called invalid, and never a slow server.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::spawn;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::serving::{Serving, result_in, rushhour};

/// So many busy loops share the core with the generator.
const BUSY_LOOPS: usize = 8;
/// A ninth of a core would have to send nine times as many per second of its time.
const SCENARIO: &str = "
limits = [\"health.response_ms.p99 < 100\"]
[requests.health]
method = \"GET\"
path = \"/healthz\"
[phases]
warm_up_s = 0
measure_s = 2
drain_s = 1
[connections]
backlog_max = 10000000
[sending]
threads = 1
[arrivals]
health = { rate_per_s = 100000, spacing = \"uniform\" }
";

/// Lets this thread, and what it starts, run on one processor alone; false where that cannot be had.
fn pin_to_one_core() -> bool {
    let Ok(allowed) = sched_getaffinity(None) else { return false };
    let mut one = CpuSet::new();
    let Some(core) = (0..CpuSet::MAX_CPU).find(|core| allowed.is_set(*core)) else { return false };
    one.set(core);
    sched_setaffinity(None, &one).is_ok()
}

/// Loads `url` from a core that others keep busy; `None` where no core can be chosen.
fn load_from_a_busy_core(url: &str, dir: &Path) -> Option<i32> {
    fs::write(dir.join("starved.toml"), SCENARIO).unwrap();
    if !pin_to_one_core() {
        return None;
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let loops: Vec<_> = (0..BUSY_LOOPS)
        .map(|_| {
            let is_over = Arc::clone(&is_over);
            spawn(move || while !is_over.load(Ordering::Relaxed) {})
        })
        .collect();
    let mut command = rushhour();
    command.arg("load").arg(dir.join("starved.toml")).args(["--url", url, "--out"]).arg(dir.join("out"));
    let status = command.stdout(Stdio::null()).status().unwrap();
    is_over.store(true, Ordering::Relaxed);
    loops.into_iter().for_each(|busy| busy.join().unwrap());
    status.code()
}

#[test]
fn a_starved_generator_blames_itself() {
    let (data, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Serving::start(data.path());
    let (url, path) = (server.url.clone(), dir.path().to_owned());
    // On a thread of its own, so that the test's other threads keep all their cores.
    let code = spawn(move || load_from_a_busy_core(&url, &path)).join().unwrap();
    let Some(code) = code else {
        #[expect(clippy::print_stderr, reason = "who reads the log should know what was not looked at")]
        {
            eprintln!("skipped: this system lets nobody choose a core");
        }
        return;
    };
    let result = result_in(&dir.path().join("out"));
    assert_eq!((code, result["verdict"].as_str()), (5, Some("invalid")), "{result}");
    let reasons = result["reasons"].to_string();
    assert!(reasons.contains("the generator let"), "{reasons}");
}
