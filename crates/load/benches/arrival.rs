//! When requests arrive, as the server sees it: a server that shares no code with the generator stamps every one, and the
//! stamps are compared with the even spacing that was asked for.
//!
//! `cargo bench -p rushhour-load --bench arrival`, on a quiet machine of two cores; put `chrt -f 1` before it where that is
//! allowed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a benchmark that cannot go on may panic"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rushhour_load::observer::{HostSample, Observer, Stage};
use rushhour_load::plan::Materials;
use rushhour_load::population::Population;
use rushhour_load::scenario::Scenario;
use rushhour_load::stop::stop;
use rushhour_load::tls::Trust;
use rushhour_load::transport::http1::Http1;
use rushhour_load::upload::Uploaded;
use rushhour_load::{Run, Share, run};
use rushhour_report::environment::Environment;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::task::LocalSet;
use tokio::time::Instant;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
/// How long the server waits for anything at all.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// What is measured, and the warm-up before it.
const SECONDS: f64 = 5.0;
const WARM_UP_S: f64 = 1.0;

fn main() {
    // `cargo test --benches` runs it as well, to see that it works.
    let is_test = std::env::args().any(|argument| argument == "--test");
    let rates: &[u32] = if is_test { &[200] } else { &[5_000, 16_700] };
    println!("  rate/s  pacing    error p50    p99  p99.9    max µs   generator");
    for rate in rates {
        for pacing in ["exact", "balanced", "economy"] {
            let (mut errors, cpu) = measure(*rate, pacing);
            errors.sort_by(f64::total_cmp);
            let at = |share: f64| errors[((errors.len() - 1) as f64 * share) as usize] * 1e6;
            println!(
                "{rate:>8}  {pacing:<8} {:>10.0} {:>6.0} {:>6.0} {:>9.0}   {:.2} core",
                at(0.5),
                at(0.99),
                at(0.999),
                at(1.0),
                cpu
            );
        }
    }
}

/// How far each arrival of *measure* was from where it should have been, in seconds, and what sending took of a core.
fn measure(rate: u32, pacing: &str) -> (Vec<f64>, f64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let server = std::thread::spawn({
        let over = Arc::clone(&over);
        move || stamps(&listener, &over)
    });
    let cpu = send(&format!("http://{address}"), rate, pacing);
    over.store(true, Ordering::Relaxed);
    let stamps = server.join().unwrap();
    let skipped = (f64::from(rate) * WARM_UP_S) as usize;
    let stamps: Vec<_> = stamps.into_iter().skip(skipped).collect();
    let errors = stamps.iter().enumerate().map(|(n, stamp)| stamp - n as f64 / f64::from(rate));
    // Nobody is early: the earliest was on time.
    let earliest = errors.clone().fold(f64::INFINITY, f64::min);
    (errors.map(|error| error - earliest).collect(), cpu)
}

/// Answers every request and says when each came, in seconds.
fn stamps(listener: &TcpListener, over: &AtomicBool) -> Vec<f64> {
    listener.set_nonblocking(true).unwrap();
    let epoch = Instant::now();
    let mut connections: Vec<TcpStream> = Vec::new();
    let mut stamps = Vec::new();
    let mut buffer = [0; 4096];
    while !over.load(Ordering::Relaxed) {
        let all = connections.iter().map(|stream| PollFd::new(stream, PollFlags::IN));
        let mut all: Vec<_> = all.chain([PollFd::new(listener, PollFlags::IN)]).collect();
        let _ = poll(&mut all, Some(&PATIENCE)).unwrap();
        let now = epoch.elapsed().as_secs_f64();
        let ready: Vec<bool> = all.iter().map(|polled| !polled.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        connections.retain_mut(|stream| {
            if !ready.next().unwrap() {
                return true;
            }
            match stream.read(&mut buffer) {
                Ok(0) => false,
                Ok(bytes) => {
                    // The probe asks for another path.
                    if buffer[..bytes].starts_with(b"GET /stamp") {
                        stamps.push(now);
                    }
                    stream.write_all(ANSWER).is_ok()
                }
                Err(error) => error.kind() == ErrorKind::WouldBlock,
            }
        });
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true).unwrap();
            stream.set_nodelay(true).unwrap();
            connections.push(stream);
        }
    }
    stamps
}

struct Nobody;

impl Observer for Nobody {
    fn steps(&self, _: Stage, _: u64) {}
    fn lasts(&self, _: Stage, _: Duration) {}
    fn step(&self) {}
    fn finish(&self) {}
}

/// Processor time of the calling thread.
fn host() -> HostSample {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let on_cpu_ns: f64 = text.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or_default();
    HostSample { thread_cpu_s: on_cpu_ns / 1e9, ..HostSample::default() }
}

fn send(url: &str, rate: u32, pacing: &str) -> f64 {
    let scenario = format!(
        "users = 1\nlimits = []\nphases = {{ warm_up_s = {WARM_UP_S}, measure_s = {SECONDS}, drain_s = 1 }}\n\
         sending = {{ pacing = \"{pacing}\", threads = 1 }}\n\
         requests.stamp = {{ method = \"GET\", path = \"/stamp\" }}\n\
         arrivals.stamp = {{ rate_per_s = {rate}, spacing = \"uniform\" }}"
    );
    let run_it = Run {
        scenario: Scenario::parse(&scenario).unwrap(),
        materials: Materials { population: Population::named(NonZeroU32::MIN), feeders: vec![None] },
        target: Http1::new(url.parse().unwrap(), &Trust::default()).unwrap(),
        target_name: "stamps".to_owned(),
        software: None,
        environment: Environment::default(),
        share: Share::default(),
        uploaded: Uploaded::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let finished = LocalSet::new().block_on(&runtime, run(run_it, host, Rc::new(Nobody), stop().1)).unwrap();
    let stamp = finished.result.operations.get("stamp").unwrap();
    assert_eq!(stamp.completed, stamp.offered, "{:?}", finished.result.reasons);
    finished.result.generator.thread_cpu_ratio
}
