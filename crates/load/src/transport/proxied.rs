//! Requests through the reqwest library: proxies of the environment, and HTTP/2 where the target offers it. How many
//! connections there are is its business; ours is how many requests are under way.

use hyper::header::{HOST, RETRY_AFTER};
use rushhour_model::wire::is_empty_answer;

use crate::request::Request;
use crate::transport::http1::Http1;
use crate::transport::{Answer, Connection, Failure, Transport};

/// As much of an answer as is kept to see whether it carries anything.
const KEPT_BYTES: usize = 65;

/// A client to one address.
#[derive(Clone, Debug)]
pub(crate) struct Proxied {
    client: reqwest::Client,
    base: String,
}

impl Proxied {
    /// A client to where `direct` leads, which trusts whom it trusts.
    pub(crate) fn new(direct: &Http1) -> Result<Self, reqwest::Error> {
        let mut tls = direct.tls_config();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let builder = builder.tls_backend_preconfigured(tls);
        Ok(Self { client: builder.build()?, base: direct.address().to_string() })
    }
}

impl Transport for Proxied {
    type Connection = Self;

    async fn connect(&self) -> Result<Self, Failure> {
        Ok(self.clone())
    }
}

impl Connection for Proxied {
    async fn exchange(&mut self, request: &Request) -> Result<Answer, Failure> {
        let mut headers = request.all_headers();
        headers.remove(HOST);
        let sending = self.client.request(request.method.clone(), format!("{}{}", self.base, request.path));
        let answer = sending.headers(headers).body(request.body.clone()).send().await;
        let answer = answer.map_err(|error| if error.is_connect() { Failure::Connect } else { Failure::Broken })?;
        let status = answer.status();
        let is_limited = status.as_u16() == 429 || status.as_u16() == 503 && answer.headers().contains_key(RETRY_AFTER);
        let body = answer.bytes().await.map_err(|_| Failure::Broken)?;
        match status {
            status if status.is_success() => {
                let kept = body.get(..KEPT_BYTES.min(body.len())).unwrap_or_default();
                Ok(Answer { bytes: body.len() as u64, is_empty: is_empty_answer(kept) })
            }
            status if is_limited => Err(Failure::Limited(status.as_u16())),
            status => Err(Failure::Status(status.as_u16())),
        }
    }

    fn is_usable(&self) -> bool {
        true
    }
}
