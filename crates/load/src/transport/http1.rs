//! HTTP/1.1 over hyper's connections: one value per connection, so that we decide how many there are.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::RETRY_AFTER;
use hyper::{StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rushhour_model::wire::is_empty_answer;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::address::Address;
use crate::request::Request;
use crate::tls::{self, Tls, TlsError, Trust};
use crate::transport::gathered::Gathered;
use crate::transport::{Answer, Connection, Failure, Transport};

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// As much of an answer as is kept to see whether it carries anything.
const KEPT_BYTES: usize = 65;

/// Opens connections to one address.
#[derive(Clone, Debug)]
pub struct Http1 {
    address: Address,
    tls: Option<Tls>,
}

impl Http1 {
    /// Connections to `address`; through TLS as `trust` says if the address asks for it.
    ///
    /// # Errors
    /// When the address is of a host that no certificate can name.
    pub fn new(address: Address, trust: &Trust) -> Result<Self, TlsError> {
        let tls = address.is_tls().then(|| Tls::new(trust, address.host())).transpose()?;
        Ok(Self { address, tls })
    }

    /// Where they lead.
    pub fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// What another library needs to know to believe whom these connections believe.
    pub fn tls_config(&self) -> ClientConfig {
        self.tls.as_ref().map_or_else(tls::unbelieving, Tls::config)
    }
}

impl Transport for Http1 {
    type Connection = Http1Connection;

    async fn connect(&self) -> Result<Http1Connection, Failure> {
        let opening = async {
            let stream = TcpStream::connect((self.address.host(), self.address.port())).await.ok()?;
            stream.set_nodelay(true).ok()?;
            match &self.tls {
                Some(tls) => Http1Connection::over(tls.wrap(stream).await.ok()?).await.ok(),
                None => Http1Connection::over(stream).await.ok(),
            }
        };
        timeout(CONNECT_TIMEOUT, opening).await.ok().flatten().ok_or(Failure::Connect)
    }
}

/// One connection.
#[derive(Debug)]
pub struct Http1Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Http1Connection {
    /// A connection over any stream of bytes. Must be called inside a [`tokio::task::LocalSet`].
    ///
    /// # Errors
    /// When the stream is broken already.
    pub async fn over<S>(stream: S) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let opened = handshake(TokioIo::new(Gathered::new(stream))).await;
        let (sender, connection) = opened.map_err(|_| Failure::Connect)?;
        // It ends with the sender; what breaks it shows in the exchange.
        tokio::task::spawn_local(connection);
        Ok(Self { sender })
    }
}

impl Connection for Http1Connection {
    async fn exchange(&mut self, request: &Request) -> Result<Answer, Failure> {
        let mut message = hyper::Request::new(Full::new(request.body.clone()));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = Uri::from(request.path.clone());
        *message.headers_mut() = request.all_headers();
        // Whoever gets the message back knows that nothing of it was sent.
        let response = self.sender.try_send_request(message).await;
        let mut response = response.map_err(|mut error| match error.take_message() {
            Some(_) => Failure::Closed,
            None => Failure::Broken,
        })?;
        let status = response.status();
        let is_limited = status == StatusCode::TOO_MANY_REQUESTS
            || status == StatusCode::SERVICE_UNAVAILABLE && response.headers().contains_key(RETRY_AFTER);
        let answer = read(response.body_mut()).await.map_err(|_| Failure::Broken)?;
        match status {
            status if status.is_success() => Ok(answer),
            status if is_limited => Err(Failure::Limited(status.as_u16())),
            status => Err(Failure::Status(status.as_u16())),
        }
    }

    fn is_usable(&self) -> bool {
        self.sender.is_ready()
    }
}

async fn read(body: &mut Incoming) -> Result<Answer, hyper::Error> {
    let mut bytes = 0;
    let mut kept = [0; KEPT_BYTES];
    let mut kept_bytes = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes += data.len() as u64;
            let room = kept.iter_mut().skip(kept_bytes);
            room.zip(&data).for_each(|(kept, byte)| *kept = *byte);
            kept_bytes = KEPT_BYTES.min(kept_bytes + data.len());
        }
    }
    Ok(Answer { bytes, is_empty: is_empty_answer(kept.get(..kept_bytes).unwrap_or_default()) })
}
