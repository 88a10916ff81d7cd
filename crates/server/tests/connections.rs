//! What only shows on a socket: slow and large bodies, and stopping.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_server::{App, Limits, Tls, listen, router, serve};
use rushhour_store::{Options, Store};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    _dir: TempDir,
}

async fn start(limits: Limits) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = Arc::new(App::new(store, limits));
    let served = tokio::spawn(serve(listener, None, router(Arc::clone(&app)), app, async { drop(stopped.await) }));
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
async fn a_crowd_is_connected_while_the_server_does_something_else() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts them. Without a place the system would try again after a second, and in vain.
    let crowd: Vec<_> = (0..300).map(|_| TcpStream::connect(address)).collect();
    let connected = timeout(Duration::from_secs(20), try_join_all(crowd)).await;
    assert_eq!(connected.unwrap().unwrap().len(), 300);
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

/// A certificate for `localhost` and its key, in files.
fn certificate(
    dir: &TempDir,
    name: &str,
) -> (std::path::PathBuf, std::path::PathBuf, rustls::pki_types::CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (pem, key) = (dir.path().join(format!("{name}.pem")), dir.path().join("key.pem"));
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::write(&pem, made.cert.pem()).unwrap();
    (pem, key, made.cert.der().clone())
}

/// Asks for `/healthz` over TLS, believing one certificate only.
async fn healthz(address: SocketAddr, believed: rustls::pki_types::CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(believed).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (pem, key, first) = certificate(&dir, "chain");
    let tls = Arc::new(Tls::open(&pem, &key).unwrap());
    let store = Store::open(Options::new(&dir.path().join("store"), StdRng::seed_from_u64(1))).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Arc::new(App::new(store, Limits::default()));
    tokio::spawn(serve(listener, Some(Arc::clone(&tls)), router(Arc::clone(&app)), app, std::future::pending()));
    assert!(healthz(address, first.clone()).await.unwrap().ends_with("ok\n"));
    let (renewed, _, second) = certificate(&dir, "renewed");
    std::fs::rename(renewed, &pem).unwrap();
    tls.refresh().unwrap();
    assert!(healthz(address, first).await.is_err());
    assert!(healthz(address, second).await.unwrap().ends_with("ok\n"));
    std::fs::write(&pem, "no certificate").unwrap();
    assert!(tls.refresh().is_err());
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let server = start(Limits::default()).await;
    let many: String = (0..200).map(|number| format!("h{number}: x\r\n")).collect();
    let large = format!("h: {}\r\n", "x".repeat(200_000));
    for (name, headers) in [("many", many), ("large", large)] {
        let head = format!("GET /healthz HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
        let answer = exchange(server.address, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{name}: {answer}");
    }
}

#[tokio::test]
async fn requests_that_two_servers_could_read_differently_are_refused() {
    let server = start(Limits::default()).await;
    for framing in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "content-length: -1",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: xchunked",
    ] {
        let request = format!(
            "POST /usercache/get HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n"
        );
        let answer = exchange(server.address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.matches("HTTP/1.1").count() == 1, "{framing}: {answer}");
    }
    // Where both are given, chunks count (RFC 9112, 6.1), and the connection is not used again.
    let both = "POST /usercache/get HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = exchange(server.address, both.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "the empty body is no JSON: {answer}");
}

/// A test has the files of both ends of a connection.
const FILES_OF_A_CONNECTION: u64 = 2;
const FILES_OF_THE_REST: u64 = 500;
const SLOW_CLIENTS: u64 = 10_000;

/// As many slow clients as this machine lets a test have.
fn slow_clients() -> u64 {
    let files = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: files, maximum: files }).unwrap();
    let allowed = files.unwrap_or(u64::MAX).saturating_sub(FILES_OF_THE_REST) / FILES_OF_A_CONNECTION;
    SLOW_CLIENTS.min(allowed)
}

#[tokio::test]
async fn ten_thousand_who_never_finish_a_head_are_let_go_and_who_comes_after_them_is_served() {
    let limits = Limits { connections_max: 2_000, head_timeout: Duration::from_millis(250), ..Limits::default() };
    let server = start(limits).await;
    let mut slow = Vec::new();
    for _ in 0..slow_clients() {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // Who was let go already cannot write.
        let _ = stream.write_all(b"P").await;
        slow.push(stream);
    }
    let answer = exchange(server.address, b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let open = answer.lines().find_map(|line| line.strip_prefix("em_connections ")).unwrap();
    assert!(open.parse::<usize>().unwrap() <= limits.connections_max, "{open} are open");
    drop(slow);
}
