//! HTTP/1.1 over hyper's connections: one value per connection, so that we decide how many there are.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Response, Uri};
use hyper_util::rt::TokioIo;
use rushhour_model::wire::is_empty_answer;
use tokio::net::TcpStream;

use crate::error::LoadError;
use crate::request::Request;
use crate::transport::{Answer, Connection, Failure, Transport};

/// As much of an answer as is kept to see whether it carries anything.
const KEPT_BYTES: usize = 65;

/// Opens connections to one address.
#[derive(Clone, Debug)]
pub struct Http1 {
    host: String,
    port: u16,
    host_header: HeaderValue,
}

impl Http1 {
    /// For an address such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`LoadError::Url`] when it is none.
    pub fn new(url: &str) -> Result<Self, LoadError> {
        let failed = |reason: &str| LoadError::Url { url: url.to_owned(), reason: reason.to_owned() };
        let uri: Uri = url.parse().map_err(|error: hyper::http::uri::InvalidUri| failed(&error.to_string()))?;
        if uri.scheme_str() != Some("http") {
            return Err(failed("only http:// can be driven so far"));
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(failed("an address has no path"));
        }
        let authority = uri.authority().ok_or_else(|| failed("it names no host"))?;
        let host_header = HeaderValue::from_str(authority.as_str()).map_err(|error| failed(&error.to_string()))?;
        Ok(Self { host: authority.host().to_owned(), port: authority.port_u16().unwrap_or(80), host_header })
    }
}

impl Transport for Http1 {
    type Connection = Http1Connection;

    async fn connect(&self) -> Result<Http1Connection, Failure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|_| Failure::Connect)?;
        stream.set_nodelay(true).map_err(|_| Failure::Connect)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Connect)?;
        // It ends with the sender; what breaks it shows in the exchange.
        tokio::task::spawn_local(connection);
        Ok(Http1Connection { sender, host_header: self.host_header.clone() })
    }
}

/// One connection.
#[derive(Debug)]
pub struct Http1Connection {
    sender: SendRequest<Full<Bytes>>,
    host_header: HeaderValue,
}

impl Connection for Http1Connection {
    async fn exchange(&mut self, request: &Request) -> Result<Answer, Failure> {
        let message = hyper::Request::builder()
            .method(Method::POST)
            .uri(&request.path)
            .header(HOST, self.host_header.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"))
            .body(Full::new(request.body.clone()))
            .expect("routes are valid paths");
        let response = self.sender.send_request(message).await.map_err(|_| Failure::Broken)?;
        let status = response.status();
        let answer = read(response).await.map_err(|_| Failure::Broken)?;
        if status.is_success() { Ok(answer) } else { Err(Failure::Status(status.as_u16())) }
    }

    fn is_usable(&self) -> bool {
        self.sender.is_ready()
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, hyper::Error> {
    let mut body = response.into_body();
    let mut bytes = 0;
    let mut kept = Vec::with_capacity(KEPT_BYTES);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes += data.len() as u64;
            kept.extend(data.iter().take(KEPT_BYTES - kept.len()));
        }
    }
    Ok(Answer { bytes, is_empty: is_empty_answer(&kept) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_before_anything_is_sent() {
        assert!(Http1::new("http://localhost").is_ok());
        for (url, reason) in [
            ("localhost:8080", "only http://"),
            ("https://localhost", "only http://"),
            ("http://localhost/diary", "no path"),
            ("http://", ""),
        ] {
            let error = Http1::new(url).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
