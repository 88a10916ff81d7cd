//! What is told of a request: it is counted and timed, and gets a line if somebody listens or something is wrong.
//!
//! A line holds the route and never the path, the query, a token or anything of a body.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tracing::{Level, debug, enabled, warn};

use crate::app::App;
use crate::metrics::Ending;

/// By which a request is found again in the logs of everything that it went through.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A longer id is not taken over.
const REQUEST_ID_BYTES_MAX: usize = 64;
/// A request that takes longer is worth a line.
const SLOW: Duration = Duration::from_secs(1);
/// So many lines of trouble are written in a second; an overloaded server has other things to do than to say so.
const TROUBLE_LINES_PER_S_MAX: u32 = 50;

/// Makes ids of requests, and keeps trouble from filling the log.
#[derive(Debug)]
pub(crate) struct RequestLog {
    salt: u64,
    next: AtomicU64,
    trouble: Mutex<Trouble>,
}

/// What was told in the present second.
#[derive(Debug, Default)]
struct Trouble {
    second: u64,
    told: u32,
    left_out: u32,
}

impl RequestLog {
    /// Ids differ from those of a server that was started at another time.
    pub(crate) fn new(now: Duration) -> Self {
        let salt = u64::try_from(now.as_nanos() & u128::from(u64::MAX)).unwrap_or_default();
        Self { salt, next: AtomicU64::new(0), trouble: Mutex::default() }
    }

    /// An id that no other request has.
    fn make_id(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // Numbers one after the other look alike; multiplying by an odd number tells them apart and loses none.
        let mixed = self.salt.wrapping_add(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        HeaderValue::from_str(&format!("{mixed:016x}")).expect("hexadecimal digits can stand in a header")
    }

    /// Whether there may be another line of trouble; if so, how many were left out before it.
    fn may_tell(&self, now_s: u64) -> Option<u32> {
        let mut trouble = self.trouble.lock().expect("no holder panics");
        if trouble.second != now_s {
            (trouble.second, trouble.told) = (now_s, 0);
        }
        if trouble.told == TROUBLE_LINES_PER_S_MAX {
            trouble.left_out += 1;
            return None;
        }
        trouble.told += 1;
        Some(std::mem::take(&mut trouble.left_out))
    }
}

/// Counts and times a request, and tells of it.
pub(crate) async fn measure(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let method = known_method(request.method());
    // The route, not the path: a path holds days, and an attacker can make up any number of them.
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let given = given_id(request.headers());
    let started = Instant::now();
    app.metrics.active.inc();
    let _active = Active(&app);
    let mut response = next.run(request).await;
    let took = started.elapsed();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let ending = Ending { method, status: response.status().as_u16() };
    app.metrics.requests.observe(route, ending, took);
    if let Some(id) = tell(&app.request_log, route, ending, took, given) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Writes a line if it is worth one; returns the id that was given or written.
fn tell(
    log: &RequestLog,
    route: &str,
    Ending { method, status }: Ending,
    took: Duration,
    given: Option<HeaderValue>,
) -> Option<HeaderValue> {
    let is_trouble = (status >= 500 || took >= SLOW) && enabled!(Level::WARN);
    if !is_trouble && !enabled!(Level::DEBUG) {
        return given;
    }
    let id = given.unwrap_or_else(|| log.make_id());
    let request_id = id.to_str().unwrap_or_default();
    let took_ms = took.as_micros() as f64 / 1e3;
    if !is_trouble {
        debug!(request_id, method, route, status, took_ms, "request");
    } else if let Some(left_out) = log.may_tell(crate::intake::wall_time().as_secs()) {
        warn!(request_id, method, route, status, took_ms, left_out, "request");
    }
    Some(id)
}

/// The id that the client gave, if it can stand in a log.
fn given_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let given = headers.get(REQUEST_ID)?;
    let bytes = given.as_bytes();
    let is_sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    ((1..=REQUEST_ID_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(is_sane)).then(|| given.clone())
}

/// The method's name. A client can make up any number of others, and each label is kept for ever.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

/// A request under way, also when its client goes away in the middle.
struct Active<'a>(&'a App);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.metrics.active.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_over_only_if_it_can_stand_in_a_log() {
        let given = |id: &[u8]| {
            let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_bytes(id).unwrap())]);
            given_id(&headers).is_some()
        };
        assert!(given(b"7f3a-Z_9.1:2"));
        for id in [&b""[..], b"a b", b"a\"b", b"{}", "\u{e4}".as_bytes(), &[b'a'; 65]] {
            assert!(!given(id), "{id:?}");
        }
    }

    #[test]
    fn ids_differ() {
        let log = RequestLog::new(Duration::from_secs(5));
        assert_ne!(log.make_id(), log.make_id());
    }

    #[test]
    fn trouble_is_told_a_bounded_number_of_times_a_second() {
        let log = RequestLog::new(Duration::ZERO);
        let told = (0..80).filter(|_| log.may_tell(7).is_some()).count();
        assert_eq!(told, 50);
        assert_eq!(log.may_tell(8), Some(30));
        assert_eq!(log.may_tell(8), Some(0));
    }
}
