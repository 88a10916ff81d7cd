//! The operator's page: how the server is, at a glance and as it changes. It is made once a second for all who look.
//!
//! It tells sums and never who somebody is.

mod key;
mod sampler;
mod snapshot;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use rushhour_store::{blocking, steady_time};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::app::App;
use crate::error::ServerError;
use crate::intake::wall_time;
pub use crate::operator::key::OperatorKey;
use crate::operator::sampler::Sampler;
use crate::operator::snapshot::{Moment, Snapshot};
use crate::watched::FileError;

/// The page: one file, and nothing from elsewhere.
const PAGE: &str = include_str!("operator/page.html");
/// Nothing is fetched from elsewhere, and nobody frames the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// How often the page changes.
const EVERY: Duration = Duration::from_secs(1);
/// So many may look at once; further ones are answered 503.
const VIEWERS_MAX: usize = 32;
/// So many moments are drawn as lines: five minutes.
const MOMENTS_MAX: usize = 300;
/// So many events wait for a viewer who reads slowly; further ones are skipped.
const EVENTS_AHEAD_MAX: usize = 4;
/// A viewer who reads nothing for so long is hung up on. A browser that is still there asks again.
const STALLED_MAX: Duration = Duration::from_secs(3);

/// What all viewers share.
#[derive(Debug)]
pub(crate) struct Operator {
    latest: watch::Sender<Bytes>,
    moments: Mutex<VecDeque<Moment>>,
    viewers: Arc<Semaphore>,
    key: Option<OperatorKey>,
}

/// Opens the operator's page of `app` at `/` for who shows the key, or for everybody without one; call it inside a
/// runtime. Without it there is none.
pub fn open_operator_page(app: &Arc<App>, key: Option<OperatorKey>) {
    let viewers = Arc::new(Semaphore::new(VIEWERS_MAX));
    let operator = Operator { latest: watch::Sender::default(), moments: Mutex::default(), viewers, key };
    if app.operator.set(operator).is_ok() {
        tokio::spawn(watch_over(Arc::downgrade(app)));
    }
}

/// Looks at the server every second for as long as it is there.
async fn watch_over(app: Weak<App>) {
    let mut sampler = Sampler::default();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(app) = app.upgrade() else { break };
        // It asks the disk and the kernel.
        let (back, snapshot) = blocking(move || {
            let snapshot = sampler.look(&app, wall_time(), steady_time());
            if let Some(operator) = app.operator.get() {
                operator.tell(&snapshot);
            }
            (sampler, snapshot)
        })
        .await;
        drop(snapshot);
        sampler = back;
    }
}

impl Operator {
    /// Reads the key again if it has changed.
    pub(crate) fn refresh(&self) -> Result<(), FileError> {
        self.key.as_ref().map_or(Ok(()), OperatorKey::refresh)
    }

    fn tell(&self, snapshot: &Snapshot) {
        let mut moments = self.moments.lock().expect("no holder panics");
        if moments.len() == MOMENTS_MAX {
            moments.pop_front();
        }
        moments.push_back(snapshot.moment);
        drop(moments);
        self.latest.send_replace(event("now", snapshot));
    }

    /// What a viewer sees first: the lines so far.
    fn before(&self) -> Bytes {
        event("before", &*self.moments.lock().expect("no holder panics"))
    }
}

fn event(name: &str, what: &impl serde::Serialize) -> Bytes {
    let text = serde_json::to_string(what).expect("numbers and names can be written as JSON");
    format!("event: {name}\ndata: {text}\n\n").into()
}

/// Whether whoever asks is the operator.
fn admits<'a>(app: &'a App, headers: &HeaderMap) -> Result<&'a Operator, ServerError> {
    let operator = app.operator.get().ok_or_else(|| ServerError::NoRoute("/".to_owned()))?;
    let is_admitted = operator.key.as_ref().is_none_or(|key| key.is_shown(headers));
    is_admitted.then_some(operator).ok_or(ServerError::NoOperator)
}

/// `GET /`: the page.
pub(crate) async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ServerError> {
    admits(&app, &headers)?;
    let mut response = Response::new(Body::from(PAGE));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// `GET /operator/events`: what the page shows, every second.
pub(crate) async fn events(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ServerError> {
    let operator = admits(&app, &headers)?;
    let viewer = Arc::clone(&operator.viewers).try_acquire_owned().map_err(|_| ServerError::Crowded)?;
    let (sender, body) = Channel::<Bytes, std::convert::Infallible>::new(EVENTS_AHEAD_MAX);
    let (before, latest) = (operator.before(), operator.latest.subscribe());
    tokio::spawn(show(Arc::downgrade(&app), sender, before, latest, viewer));
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that gathers would show nothing for minutes.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Shows a viewer every change until one of both is gone.
async fn show(
    app: Weak<App>,
    mut sender: Sender<Bytes>,
    before: Bytes,
    mut latest: watch::Receiver<Bytes>,
    _viewer: OwnedSemaphorePermit,
) {
    if sender.send_data(before).await.is_err() {
        return;
    }
    let mut event = latest.borrow_and_update().clone();
    // A server that stops waits for its answers, and this one has no end of its own.
    while app.upgrade().is_some_and(|app| !app.is_draining()) {
        if !event.is_empty() && !matches!(timeout(STALLED_MAX, sender.send_data(event)).await, Ok(Ok(()))) {
            return;
        }
        if latest.changed().await.is_err() {
            return;
        }
        event = latest.borrow_and_update().clone();
    }
}
