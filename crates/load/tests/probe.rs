//! The first word with a target says what is wrong with it, before anybody waits for a run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rushhour_load::probe::probe;
use rushhour_load::tls::Trust;
use rushhour_load::transport::http1::Http1;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsAcceptor;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// Reads what comes first and answers it.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &[u8]) {
    let mut buffer = [0; 1024];
    if stream.read(&mut buffer).await.is_ok() {
        let _ = stream.write_all(text).await;
        let _ = stream.shutdown().await;
    }
}

/// Where a server listens that answers everything with `text`, through TLS if it has a certificate.
async fn server(text: &'static [u8], tls: Option<TlsAcceptor>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            match &tls {
                None => answer(stream, text).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        answer(stream, text).await;
                    }
                }
            }
        }
    });
    port
}

/// A certificate for `localhost`, and a file with it.
fn certificate(dir: &Path) -> (TlsAcceptor, Trust) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let ca_file = dir.join("ca.pem");
    std::fs::write(&ca_file, cert.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), Trust { ca_file: Some(ca_file) })
}

/// What the probe says of `url`; nothing when all is well.
async fn said(url: &str, trust: &Trust) -> String {
    let target = Http1::new(url.parse().unwrap(), trust).unwrap();
    probe(&target).await.map_or_else(|error| error.to_string(), |()| String::new())
}

#[tokio::test]
async fn a_target_is_reached_or_it_is_said_why_not() {
    let trust = Trust::default();
    LocalSet::new()
        .run_until(async {
            let port = server(OK, None).await;
            assert_eq!(said(&format!("http://127.0.0.1:{port}"), &trust).await, "");
            let other = server(b"SSH-2.0-OpenSSH_9.2p1\r\n", None).await;
            let told = said(&format!("http://127.0.0.1:{other}"), &trust).await;
            assert!(told.contains("does not speak HTTP/1.1"), "{told}");
            let nobody = {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                listener.local_addr().unwrap().port()
            };
            let told = said(&format!("http://127.0.0.1:{nobody}"), &trust).await;
            assert!(told.contains("cannot be reached") && told.contains("is a server running there?"), "{told}");
            // RFC 2606 keeps this name from ever being one.
            let told = said("http://nowhere.invalid:80", &trust).await;
            assert!(told.contains("`nowhere.invalid`"), "{told}");
        })
        .await;
}

#[tokio::test]
async fn tls_is_believed_by_name_and_certificate_only() {
    let dir = tempfile::tempdir().unwrap();
    let (tls, trust) = certificate(dir.path());
    LocalSet::new()
        .run_until(async {
            let port = server(OK, Some(tls)).await;
            assert_eq!(said(&format!("https://localhost:{port}"), &trust).await, "");
            let told = said(&format!("https://127.0.0.1:{port}"), &trust).await;
            assert!(told.contains("TLS failed") && told.contains("not valid for"), "{told}");
            let told = said(&format!("http://localhost:{port}"), &trust).await;
            assert!(told.contains("does not speak HTTP/1.1"), "{told}");
            let plain = server(OK, None).await;
            let told = said(&format!("https://localhost:{plain}"), &trust).await;
            assert!(told.contains("TLS failed"), "{told}");
        })
        .await;
}
