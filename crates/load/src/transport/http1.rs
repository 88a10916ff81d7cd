//! HTTP/1.1 over hyper's connections: one value per connection, so that we decide how many there are.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use rushhour_model::wire::is_empty_answer;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::address::Address;
use crate::request::Request;
use crate::transport::{Answer, Connection, Failure, Transport};

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// As much of an answer as is kept to see whether it carries anything.
const KEPT_BYTES: usize = 65;

/// Opens connections to one address.
#[derive(Clone, Debug)]
pub struct Http1 {
    address: Address,
    host_header: HeaderValue,
}

impl Http1 {
    /// Connections to `address`.
    pub fn new(address: Address) -> Self {
        let host_header = HeaderValue::from_str(address.authority()).expect("an authority is visible ASCII");
        Self { address, host_header }
    }
}

impl Transport for Http1 {
    type Connection = Http1Connection;

    async fn connect(&self) -> Result<Http1Connection, Failure> {
        let connecting = TcpStream::connect((self.address.host(), self.address.port()));
        let stream = timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| Failure::Connect)?;
        let stream = stream.map_err(|_| Failure::Connect)?;
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
