//! How long after an append a subscriber has it: many subscribers of one log of a server that runs, and appends at a rate.
//! What is told is from the write time, which the server gives before it syncs, to the moment of reading here, on one clock.
//!
//! ```text
//! taskset -c 0 rushhour serve --data DIR --listen 127.0.0.1:8190 --connections-max 3000
//! taskset -c 1 cargo run --release -p rushhour-server --example fanout -- 127.0.0.1:8190
//! ```

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on may panic, and tells")]
#![expect(clippy::disallowed_methods, reason = "it measures by the clock, and its server is named on its command line")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{MissedTickBehavior, interval, sleep};

const SUBSCRIBERS: usize = 1_000;
/// The delays that every so many-th of them sees are kept; all are read.
const SAMPLED: usize = 50;
const APPENDS_PER_S: u32 = 1_000;
const APPENDING_CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(15);

fn request(what: &str, body: &str) -> String {
    format!("{what} HTTP/1.1\r\nHost: fanout\r\nX-Em-Key: anna\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn ask(to: &mut TcpStream, request: &str) {
    to.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 1024];
    assert!(to.read(&mut answer).await.unwrap() > 0 && answer.starts_with(b"HTTP/1.1 20"), "{request}");
}

fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// The write times in a text.
fn write_times(text: &str) -> impl Iterator<Item = f64> {
    let behind = text.split("\"write_ts\":").skip(1);
    behind.filter_map(|rest| rest.split_once([',', '}'])?.0.parse().ok())
}

async fn subscribe(address: Arc<str>, number: usize, read_bytes: Arc<AtomicU64>, delays: mpsc::UnboundedSender<f64>) {
    let mut server = TcpStream::connect(&*address).await.unwrap();
    server.write_all(request("GET /events?log=feed", "").as_bytes()).await.unwrap();
    let mut part = vec![0; 1 << 16];
    while let Ok(count @ 1..) = server.read(&mut part).await {
        read_bytes.fetch_add(count as u64, Ordering::Relaxed);
        if number.is_multiple_of(SAMPLED) {
            let (text, now_s) = (String::from_utf8_lossy(part.get(..count).unwrap()), now_s());
            for at_s in write_times(&text) {
                delays.send(now_s - at_s).unwrap();
            }
        }
    }
}

async fn append(address: Arc<str>, turns: Arc<Mutex<mpsc::Receiver<()>>>) {
    let mut server = TcpStream::connect(&*address).await.unwrap();
    let request = request("POST /logs/feed", r#"{"number":1}"#);
    while turns.lock().await.recv().await.is_some() {
        ask(&mut server, &request).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address: Arc<str> = std::env::args().nth(1).expect("the server's address, such as 127.0.0.1:8190").into();
    let mut server = TcpStream::connect(&*address).await.unwrap();
    ask(&mut server, &request("POST /profile/create", r#"{"user":"anna"}"#)).await;
    let (read_bytes, (delays, mut seen)) = (Arc::new(AtomicU64::new(0)), mpsc::unbounded_channel());
    for number in 0..SUBSCRIBERS {
        tokio::spawn(subscribe(Arc::clone(&address), number, Arc::clone(&read_bytes), delays.clone()));
    }
    let (turn, turns) = mpsc::channel(10_000);
    let turns = Arc::new(Mutex::new(turns));
    for _ in 0..APPENDING_CONNECTIONS {
        tokio::spawn(append(Arc::clone(&address), Arc::clone(&turns)));
    }
    tokio::spawn(async move {
        let mut ticks = interval(Duration::from_secs(1) / APPENDS_PER_S);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while turn.send(()).await.is_ok() {
            ticks.tick().await;
        }
    });
    sleep(WARM_UP).await;
    while seen.try_recv().is_ok() {}
    let before = read_bytes.load(Ordering::Relaxed);
    sleep(MEASURED).await;
    let read_bytes = read_bytes.load(Ordering::Relaxed) - before;
    let mut delays_ms: Vec<f64> = std::iter::from_fn(|| seen.try_recv().ok()).map(|delay_s| delay_s * 1e3).collect();
    delays_ms.sort_by(f64::total_cmp);
    let at = |percent: usize| delays_ms.get(delays_ms.len() * percent / 100).copied().unwrap_or(f64::NAN);
    println!(
        "{} delays in {SUBSCRIBERS} subscriptions: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms; {:.0} MB/s",
        delays_ms.len(),
        at(50),
        at(90),
        at(99),
        delays_ms.last().copied().unwrap_or(f64::NAN),
        read_bytes as f64 / MEASURED.as_secs_f64() / 1e6
    );
}
