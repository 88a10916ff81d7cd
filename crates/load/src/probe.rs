//! A first word with the target, before anybody waits for a run that cannot work: can it be reached, is it who it should
//! be, and does it speak HTTP?

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::handshake;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::address::Address;
use crate::error::LoadError;
use crate::transport::http1::Http1;

/// How long the target may take for each step.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the target for `/`; whatever it answers in HTTP is good.
///
/// # Errors
/// [`LoadError::Target`] with what went wrong and what to do about it.
pub async fn probe(target: &Http1) -> Result<(), LoadError> {
    let address = target.address();
    let failed = |reason: String| LoadError::Target { address: address.clone(), reason };
    let (host, port) = (address.host(), address.port());
    let found = timeout(STEP_TIMEOUT, lookup_host((host, port))).await;
    let found = found.map_err(|_| failed(format!("looking up `{host}` took over {STEP_TIMEOUT:?}")))?;
    let mut found = found.map_err(|error| failed(format!("the name `{host}` does not resolve ({error})")))?;
    let first = found.next().ok_or_else(|| failed(format!("the name `{host}` has no address")))?;
    let stream = timeout(STEP_TIMEOUT, TcpStream::connect((host, port))).await;
    let stream = stream
        .map_err(|_| failed(format!("{first} did not answer within {STEP_TIMEOUT:?}; is it behind a firewall?")))?;
    let stream =
        stream.map_err(|error| failed(format!("{first} cannot be reached ({error}); is a server running there?")))?;
    match target.tls() {
        None => greet(stream, address).await.map_err(failed),
        Some(tls) => {
            let wrapped = timeout(STEP_TIMEOUT, tls.wrap(stream)).await;
            let wrapped = wrapped.map_err(|_| failed("it did not answer in TLS; is it http:// instead?".to_owned()))?;
            let wrapped = wrapped.map_err(|error| failed(format!("TLS failed: {error}; see --ca")))?;
            greet(wrapped, address).await.map_err(failed)
        }
    }
}

/// Says a word of HTTP.
async fn greet<S>(stream: S, address: &Address) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let not_http = |error: &dyn std::fmt::Display| format!("what answers there does not speak HTTP/1.1 ({error})");
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| not_http(&error))?;
    tokio::task::spawn_local(connection);
    let mut request = hyper::Request::new(Full::new(Bytes::new()));
    let host = hyper::header::HeaderValue::from_str(address.authority()).expect("an authority is visible ASCII");
    request.headers_mut().insert(HOST, host);
    match timeout(STEP_TIMEOUT, sender.send_request(request)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(not_http(&error)),
        Err(_) => Err(format!("it took the connection and did not answer a request within {STEP_TIMEOUT:?}")),
    }
}
