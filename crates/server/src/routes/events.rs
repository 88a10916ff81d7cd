//! Logs: entries of a user with one key, appended one by one, followed as they grow or read from any point.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use rushhour_model::received::NAME_BYTES_MAX;
use rushhour_model::wire::{ErrorResponse, LogAppendResponse, LogResponse, write_entry};
use rushhour_store::{Found, NewRow, Position, Upload, blocking};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::activity::Visit;
use crate::app::App;
use crate::auth::Caller;
use crate::body::{JsonBody, parse};
use crate::error::ServerError;
use crate::events::{PAGE_ENTRIES_MAX, Subscription};
use crate::intake::wall_time;
use crate::metrics::KeyCounts;
use crate::routes::{json, json_text};

/// What stands behind a log's name when only its last entry is asked for.
pub(crate) const LAST: &str = "/last";
/// Where a client says how far it has got.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A proxy that would gather what it passes on is asked not to.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// So often a subscriber is told that there is nothing; proxies close what is silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A client that was let go comes back after so many milliseconds.
const OPENING: &str = "retry: 1000\n\n";
/// The most logs that one subscription follows.
const LOGS_MAX: usize = 100;

/// `GET /events?log=<name>&log=<name>`: what is appended from now on, from `from`, or after `Last-Event-ID`.
#[utoipa::path(
    get,
    path = "/events",
    params(
        ("log" = Vec<String>, Query, description = "The names of the logs", style = Form, explode),
        ("from" = Option<u32>, Query, description = "Where to start; from now on when absent"),
        ("last-event-id" = Option<u32>, Header, description = "Where to go on, instead")
    ),
    responses((status = 200, description = "What is appended, as server-sent events", body = String, content_type = "text/event-stream"), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn follow(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ServerError> {
    let user = caller.user(&app, None)?;
    let query = query.unwrap_or_default();
    let logs = values(&query, "log");
    if logs.is_empty() || logs.len() > LOGS_MAX {
        let reason = format!("name 1 to {LOGS_MAX} logs, as in /events?log=a&log=b");
        return Err(ServerError::Invalid { name: "log", reason });
    }
    let seen = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("?").to_owned());
    let from = seen.or_else(|| values(&query, "from").pop()).map(|from| position("from", &from)).transpose()?;
    let subscription = Subscription::start(&app, user, logs, from).ok_or(ServerError::Crowded)?;
    let events = stream::unfold(Some((subscription, true)), |state| async {
        let (mut subscription, is_first) = state?;
        if is_first {
            return Some((Ok::<_, Infallible>(Bytes::from_static(OPENING.as_bytes())), Some((subscription, false))));
        }
        match tokio::time::timeout(HEARTBEAT, subscription.next()).await {
            Ok(Ok(Some(event))) => Some((Ok(event), Some((subscription, false)))),
            // It resumes where it was; what cannot be read now may be then.
            Ok(Ok(None) | Err(_)) => None,
            Err(_) => Some((Ok(Bytes::from_static(b":\n\n")), Some((subscription, false)))),
        }
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// `POST /logs/<name>`: appends an object.
#[utoipa::path(
    post,
    path = "/logs/{name}",
    params(("name" = String, Path, description = "The log's name")),
    request_body = Object,
    responses((status = 201, description = "Kept", body = LogAppendResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn append(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    body: JsonBody,
) -> Result<Response, ServerError> {
    let who = body.caller.name(&app, None)?;
    let user = who.user(&app, Visit::Call)?;
    is_name(&name)?;
    let data: &RawValue = parse_object(&body.bytes)?;
    let write_ts = app.stamps.next(wall_time()).seconds();
    let key = Value::from(name.as_str());
    let text = format!(
        r#"{{"metadata":{{"key":{key},"type":"{KIND}","platform":"api","write_ts":{write_ts},"time_zone":"UTC"}},"data":{data}}}"#
    );
    let id = rushhour_model::ids::entry_id(user, KIND, &name, write_ts);
    if who.is_suspended(&app) {
        app.metrics.suspended.inc();
    } else {
        app.store.append(Upload::pack(user, &[NewRow { kind: KIND, key: &name, write_ts, text: &text }])).await?;
        app.metrics.count_upload(&KeyCounts::other(), body.bytes.len());
        app.hub.note(user);
    }
    let mut response = json(&LogAppendResponse { id: id.to_string(), write_ts });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// What entries of logs are, in their metadata.
const KIND: &str = "log";

/// `GET /logs/<name>?from=<position>`: what was appended, in order of arrival, and where to go on; and
/// `GET /logs/<name>/last`: the entry that was written last.
#[utoipa::path(
    get,
    path = "/logs/{name}",
    params(
        ("name" = String, Path, description = "The log's name; with `/last` behind it only the last entry is answered"),
        ("from" = Option<u32>, Query, description = "Where to start; at the beginning when absent")
    ),
    responses((status = 200, description = "As asked", body = LogResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ServerError> {
    let user = caller.user(&app, None)?;
    if let Some(name) = name.strip_suffix(LAST) {
        let keys = [name.to_owned()];
        let found = blocking(move || app.store.latest(user, &keys)).await?;
        let entry = found.first().map_or("null".to_owned(), |entry| list(user, std::slice::from_ref(entry)));
        return Ok(json_text(format!(r#"{{"entry":{entry}}}"#)));
    }
    let from = values(&query.unwrap_or_default(), "from").pop();
    let from = from.map_or(Ok(Position::default()), |from| position("from", &from))?;
    let page = blocking(move || app.store.feed(user, Some(&[name]), from, PAGE_ENTRIES_MAX)).await?;
    Ok(json_text(format!(r#"{{"entries":[{}],"next":{}}}"#, list(user, &page.entries), page.next.0)))
}

fn list(user: rushhour_model::ids::UserId, entries: &[Found]) -> String {
    let mut text = String::new();
    for (place, entry) in entries.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        write_entry(&mut text, user, entry.id, &entry.text);
    }
    text
}

/// All values of a name in a query.
fn values(query: &str, name: &str) -> Vec<String> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
}

fn position(name: &'static str, text: &str) -> Result<Position, ServerError> {
    let reason = || format!("`{text}` is no position; take the id of an event, or `next` of an answer");
    text.parse().map(Position).map_err(|_| ServerError::Invalid { name, reason: reason() })
}

fn is_name(name: &str) -> Result<(), ServerError> {
    let is_name =
        (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.ends_with(LAST) && !name.contains(char::is_control);
    let reason = || format!("a log's name has 1 to {NAME_BYTES_MAX} bytes and does not end in /last");
    is_name.then_some(()).ok_or_else(|| ServerError::Invalid { name: "log", reason: reason() })
}

/// An object, as it came.
fn parse_object(body: &[u8]) -> Result<&RawValue, ServerError> {
    let _: Map<String, Value> = parse(body)?;
    serde_json::from_slice(body).map_err(ServerError::NotJson)
}
