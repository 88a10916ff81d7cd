//! What only shows on a socket: slow and large bodies, and stopping.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_server::{App, Limits, router, serve};
use rushhour_store::{Options, Store};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    _dir: TempDir,
}

async fn start(limits: Limits) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = Arc::new(App::new(store, limits));
    let served = tokio::spawn(serve(listener, router(Arc::clone(&app)), app, async { drop(stopped.await) }));
    Running { address, stop, served, _dir: dir }
}

/// Sends `request` and reads until the server closes the connection.
async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn put_head(body_bytes: usize) -> String {
    format!("POST /usercache/put HTTP/1.1\r\nhost: x\r\ncontent-length: {body_bytes}\r\n\r\n")
}

#[tokio::test]
async fn a_slow_body_is_answered_and_the_connection_closed() {
    let limits = Limits { body_timeout: Duration::from_millis(50), ..Limits::default() };
    let server = start(limits).await;
    let answer = exchange(server.address, format!("{}{{\"user\"", put_head(100)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.ends_with(r#"{"error":"the body did not arrive within 0.05 s"}"#), "{answer}");
}

#[tokio::test]
async fn a_client_that_writes_a_too_large_body_to_its_end_sees_the_413() {
    let limits = Limits { body_bytes_max: 100_000, ..Limits::default() };
    let server = start(limits).await;
    let request = [put_head(300_000).into_bytes(), vec![b'x'; 300_000]].concat();
    let answer = exchange(server.address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_request_head_that_never_ends_is_cut_off() {
    let limits = Limits { head_timeout: Duration::from_millis(50), ..Limits::default() };
    let server = start(limits).await;
    let started = tokio::time::Instant::now();
    exchange(server.address, b"POST /usercache/put HTTP/1.1\r\nhost:").await;
    assert!(started.elapsed() >= limits.head_timeout, "it was cut off for another reason");
}

#[tokio::test]
async fn stopping_lets_a_request_under_way_finish() {
    let server = start(Limits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = r#"{"user":"anna"}"#;
    let head = format!("POST /profile/create HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    // The first half is answered by nothing, so an exchange on another connection shows that the server has seen it.
    exchange(server.address, b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    server.stop.send(()).unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.served.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}
