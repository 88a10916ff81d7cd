//! Targets that lie, over real HTTP and on a paused clock: what they do is scripted, so the truth about them is known, and
//! the numbers must tell it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use rushhour_load::driver::drive;
use rushhour_load::line::{Bounds, Line};
use rushhour_load::pacer::Pacer;
use rushhour_load::recorder::Recorder;
use rushhour_load::request::Ready;
use rushhour_load::scenario::Scenario;
use rushhour_load::stop::stop;
use rushhour_load::transport::http1::Http1Connection;
use rushhour_load::transport::{Failure, Transport};
use rushhour_report::result::OperationResult;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep};

use crate::{BOUNDS, request};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// What a target does with a request.
#[derive(Clone, Copy)]
enum Act {
    /// It answers with this after so long.
    Answer(Duration, &'static str),
    /// It answers in pieces of a byte, with so long between them.
    Trickle(Duration, &'static str),
    /// It answers with this and closes the connection.
    AnswerAndClose(&'static str),
    /// It answers with this and says no more, but listens on.
    AnswerAndFallSilent(&'static str),
    /// It closes the connection.
    Close,
}

/// What a target does with its n-th request, which came so long after the start.
type Script = fn(u64, Duration) -> Act;

/// Opens connections to a scripted target in this process.
struct Scripted {
    script: Script,
    epoch: Instant,
    requests: Rc<Cell<u64>>,
    connections: Rc<Cell<u64>>,
}

impl Transport for Scripted {
    type Connection = Http1Connection;

    async fn connect(&self) -> Result<Http1Connection, Failure> {
        let (near, far) = duplex(64 << 10);
        self.connections.set(self.connections.get() + 1);
        spawn_local(serve(far, self.script, self.epoch, Rc::clone(&self.requests)));
        Http1Connection::over(near).await
    }
}

/// Reads one request after another, and does what the script says.
async fn serve(mut stream: DuplexStream, script: Script, epoch: Instant, requests: Rc<Cell<u64>>) {
    let mut read = Vec::new();
    loop {
        // All requests of these tests end with their body of two bytes.
        while !read.ends_with(b"\r\n\r\n{}") {
            match stream.read_buf(&mut read).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        read.clear();
        let number = requests.replace(requests.get() + 1);
        let written = match script(number, epoch.elapsed()) {
            Act::Answer(after, text) => {
                sleep(after).await;
                stream.write_all(text.as_bytes()).await
            }
            Act::Trickle(gap, text) => trickle(&mut stream, gap, text).await,
            Act::AnswerAndClose(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                return;
            }
            Act::AnswerAndFallSilent(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                stream.shutdown().await
            }
            Act::Close => return,
        };
        if written.is_err() {
            return;
        }
    }
}

async fn trickle(stream: &mut DuplexStream, gap: Duration, text: &str) -> std::io::Result<()> {
    for byte in text.bytes() {
        stream.write_all(&[byte]).await?;
        sleep(gap).await;
    }
    Ok(())
}

/// What 10 s of `rate` evenly spaced requests per second over `connections` found at a target that does as `script` says,
/// and how many connections it took.
async fn found(rate: u64, connections: usize, drain_s: u64, script: Script) -> (OperationResult, u64) {
    let scenario = format!("phases = {{ warm_up_s = 0, measure_s = 10 }}\n[arrivals]\nget = {{ rate_per_s = {rate} }}");
    let scenario = Scenario::parse(&scenario).unwrap();
    let requests = (0..10 * rate).map(|number| request(number, Duration::from_secs_f64(number as f64 / rate as f64)));
    let epoch = Instant::now();
    let bounds = Bounds { connections_max: connections, end: Duration::from_secs(10 + drain_s), ..BOUNDS };
    let opened = Rc::new(Cell::new(0));
    let target = Scripted { script, epoch, requests: Rc::default(), connections: Rc::clone(&opened) };
    let line = Line::new(target, bounds, epoch, Recorder::new(&scenario));
    LocalSet::new().run_until(drive(Ready(requests), &line, Pacer::sleeping(epoch), stop().1)).await;
    let mut results = line.record().results(Duration::from_secs(10));
    (results.remove("get").unwrap(), opened.get())
}

/// Checks that a time found is within 1 % of the truth; a paused clock moves in steps of a millisecond.
fn check_ms(found: Option<f64>, truth: f64) {
    let found = found.unwrap();
    assert!((found - truth).abs() <= 1.5 + truth / 100.0, "{found} ms, and {truth} ms is true");
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn a_freeze_of_a_second_shows_as_long_as_it_was() {
    // 2,000 of 20,000 requests are due in the freeze and wait from 1 s down to nothing: the hundredth part of all waits
    // 900 ms and longer, the thousandth 990 ms.
    let (get, _) = found(2000, 64, 10, |_, at| match at.as_secs() {
        4 => Act::Answer(ms(5000).saturating_sub(at), OK),
        _ => Act::Answer(Duration::ZERO, OK),
    })
    .await;
    assert_eq!((get.offered, get.completed), (20_000, 20_000));
    check_ms(get.response_ms.p99, 900.0);
    check_ms(get.response_ms.p99_9, 990.0);
    check_ms(get.response_ms.max, 1000.0);
    assert!(get.service_ms.p99.unwrap() < 5.0, "only 64 requests were sent into the freeze: {:?}", get.service_ms);
}

#[tokio::test(start_paused = true)]
async fn a_freeze_past_the_end_shows_as_long_as_anybody_looked() {
    // From 9 s on nothing is answered, and the run ends at 10 s: what was due at 9 s has waited a second by then.
    let (get, _) = found(2000, 64, 0, |_, at| match at.as_secs() {
        0..9 => Act::Answer(Duration::ZERO, OK),
        _ => Act::Answer(Duration::from_secs(3600), OK),
    })
    .await;
    assert_eq!(get.completed + get.censored, 20_000);
    assert!(get.censored.abs_diff(2000) <= 2, "{}", get.censored);
    check_ms(get.response_ms.p99, 900.0);
    check_ms(get.response_ms.p99_9, 990.0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_target_is_as_slow_as_it_is_and_no_slower() {
    let (get, _) = found(500, 64, 10, |_, _| Act::Answer(ms(40), OK)).await;
    [get.response_ms.p50, get.response_ms.p99, get.service_ms.p99].into_iter().for_each(|found| check_ms(found, 40.0));
    assert!(get.wait_ms.max.unwrap() < 1.0, "20 connections are enough: {:?}", get.wait_ms);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_grows_shows_in_what_waits_and_not_in_the_service() {
    // 50 a second are answered and 60 are due: after 10 s the last has waited 2 s.
    let (get, _) = found(60, 1, 10, |_, _| Act::Answer(ms(20), OK)).await;
    assert_eq!(get.completed, 600);
    let step = get.service_ms.p50.unwrap();
    check_ms(Some(step), 21.0);
    let last = 600.0 * step - 10_000.0;
    check_ms(get.response_ms.max, last + 1000.0 / 60.0);
    check_ms(get.response_ms.p50, last / 2.0 + 1000.0 / 60.0);
}

#[tokio::test(start_paused = true)]
async fn one_error_in_a_thousand_is_counted_and_is_no_fast_answer() {
    const ERROR: &str = "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n";
    let (get, opened) = found(1000, 64, 10, |number, _| match number % 1000 {
        999 => Act::Answer(Duration::ZERO, ERROR),
        _ => Act::Answer(ms(30), OK),
    })
    .await;
    assert_eq!((get.completed, get.failed), (9_990, 10));
    assert_eq!(get.errors, BTreeMap::from([("status 500".to_owned(), 10)]));
    assert_eq!(get.response_ms.count, 9_990);
    check_ms(get.response_ms.p50, 30.0);
    assert!(get.error_response_ms["status 500"].max.unwrap() < 3.0);
    assert!(opened < 64, "an error closes no connection: {opened}");
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_reset_are_failures_of_their_request_alone() {
    let (get, opened) = found(100, 4, 10, |number, _| match number % 100 {
        99 => Act::Close,
        _ => Act::Answer(ms(5), OK),
    })
    .await;
    assert_eq!((get.completed, get.failed), (990, 10));
    assert_eq!(get.errors, BTreeMap::from([("broken".to_owned(), 10)]));
    // One at a time is enough, and each reset takes one; nothing comes after the last.
    assert_eq!(opened, 10);
    check_ms(get.response_ms.p50, 5.0);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_closes_after_every_answer_fails_nothing() {
    const LAST: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    for script in [
        (|_, _| Act::AnswerAndClose(LAST)) as Script,
        |_, _| Act::AnswerAndClose(OK),
        |_, _| Act::AnswerAndFallSilent(OK),
    ] {
        let (get, opened) = found(50, 4, 10, script).await;
        assert_eq!((get.completed, get.failed, opened), (500, 0, 500), "{:?}", get.errors);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_with_its_last_byte() {
    const SLOW: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let (get, _) = found(10, 64, 10, |_, _| Act::Trickle(ms(20), SLOW)).await;
    assert_eq!(get.completed, 100);
    // The sleep after the last byte is no part of it, and each sleep is a millisecond longer on the paused clock.
    let gaps = SLOW.len() as f64 - 1.0;
    let p50 = get.service_ms.p50.unwrap();
    assert!((20.0 * gaps..=21.1 * gaps).contains(&p50), "{p50} ms for {gaps} gaps");
}

#[tokio::test(start_paused = true)]
async fn answers_of_the_wrong_length_and_other_protocols_are_broken() {
    for script in [
        (|_, _| Act::AnswerAndClose("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}")) as Script,
        |_, _| Act::AnswerAndClose("HTTP/1.1 200 OK\r\ncontent-length: a\r\n\r\n{}"),
        |_, _| Act::AnswerAndClose("SSH-2.0-OpenSSH_9.2p1\r\n"),
        |_, _| Act::AnswerAndClose(""),
    ] {
        let (get, _) = found(10, 4, 10, script).await;
        assert_eq!((get.completed, get.errors.get("broken")), (0, Some(&100)), "{:?}", get.errors);
    }
}

#[tokio::test(start_paused = true)]
async fn redirects_and_refusals_are_told_apart_and_not_followed() {
    const MOVED: &str = "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n";
    const LATER: &str = "HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
    const OFTEN: &str = "HTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n\r\n";
    let (get, _) =
        found(10, 4, 10, |number, _| Act::Answer(ms(1), [MOVED, LATER, BUSY, OFTEN, OK][(number % 5) as usize])).await;
    let kinds = ["limited 429", "limited 503", "status 302", "status 503"].map(|kind| (kind.to_owned(), 20));
    assert_eq!(get.errors, BTreeMap::from(kinds));
    assert_eq!((get.completed, get.failed, get.limited), (20, 80, 40));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_takes_everything_and_says_nothing_is_no_success() {
    let (get, opened) = found(10, 4, 2, |_, at| Act::Answer(Duration::from_secs(3600).saturating_sub(at), OK)).await;
    assert_eq!((get.sent, get.censored, opened), (4, 100, 4));
    check_ms(get.response_ms.max, 12_000.0);
}
