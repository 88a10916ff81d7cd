//! Uploads from phones.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use rushhour_chunk::{Ordinary, Rows};
use rushhour_model::ids::UserId;
use rushhour_model::received::Received;
use rushhour_model::wire::{
    Call, ErrorResponse, PutOneRequest, PutOneResponse, PutRequest, PutResponse, UsercacheGetResponse,
};
use rushhour_store::{Ack, Upload};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::activity::{Sent, Visit};
use crate::app::App;
use crate::auth::{Caller, Name};
use crate::body::{JsonBody, parse};
use crate::error::ServerError;
use crate::metrics::KeyCounts;
use crate::put_body::{PIECE_BYTES, Parsed, PutBody, Read, read_entries, rows};
use crate::routes::json;

/// The header that says when uploads are acknowledged.
const ACK: HeaderName = HeaderName::from_static("x-ack");

/// `POST /usercache/put`
#[utoipa::path(
    post,
    path = "/usercache/put",
    request_body = PutRequest,
    responses((status = 200, description = "Kept. The body is empty, or has the study's configuration for a phone that has an older one"), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn put(State(app): State<Arc<App>>, body: PutBody) -> Result<Response, ServerError> {
    let bytes = body.bytes;
    let Put { upload, configuration } = pack(&app, bytes, body, pack_put).await?;
    if let Some(upload) = upload {
        keep(&app, upload, bytes).await?;
    }
    let answer = configuration.map(|deployment_config| json(&PutResponse { deployment_config }));
    Ok(acknowledged(&app, answer.unwrap_or_default()))
}

/// `POST /usercache/putone`
#[utoipa::path(
    post,
    path = "/usercache/putone",
    request_body = PutOneRequest,
    responses((status = 200, description = "As asked", body = PutOneResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn putone(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let bytes = body.bytes.len();
    if let Some(upload) = pack(&app, bytes, body, pack_putone).await? {
        keep(&app, upload, bytes).await?;
    }
    Ok(acknowledged(&app, json(&PutOneResponse { putone: true })))
}

/// `POST /usercache/get`
#[utoipa::path(
    post,
    path = "/usercache/get",
    request_body = Call,
    responses((status = 200, description = "As asked", body = UsercacheGetResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn get(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let call: Call<'_> = parse(&body.bytes)?;
    body.caller.visitor(&app, call.user.as_deref(), Visit::Sync)?;
    Ok(json(&UsercacheGetResponse { server_to_phone: Vec::new() }))
}

/// Says how safe the upload is that is acknowledged.
fn acknowledged(app: &App, mut response: Response) -> Response {
    let ack = match app.store.ack() {
        Ack::Sync => "sync",
        Ack::Log => "log",
        Ack::Memory => "memory",
    };
    response.headers_mut().insert(ACK, HeaderValue::from_static(ack));
    response
}

/// An upload, and what is noted of it once it is kept.
struct Packed {
    upload: Upload,
    user: UserId,
    sent: Option<Sent>,
    keys: KeyCounts,
}

impl Packed {
    fn of(user: UserId, rows: &Rows) -> Self {
        let keys = KeyCounts::of((0..rows.len()).map(|row| &*rows.name(row).key));
        Self { upload: Upload::of(user, rows), user, sent: Sent::of(rows), keys }
    }
}

/// What came of a put.
struct Put {
    /// `None` when there is nothing to keep.
    upload: Option<Packed>,
    /// What the phone is told.
    configuration: Option<Map<String, Value>>,
}

/// A larger body that had to wait for others is taken apart elsewhere: it takes a tenth of a millisecond and more, in which a
/// request thread would read and refuse nobody.
const CROWDED_HERE_BYTES_MAX: usize = 16 << 10;

/// Does `work` on a body of so many bytes when it is its turn, elsewhere if it takes long.
async fn pack<B: Send + 'static, T: Send + 'static>(
    app: &Arc<App>,
    bytes: usize,
    body: B,
    work: fn(&App, B) -> Result<T, ServerError>,
) -> Result<T, ServerError> {
    let turn = app.admission.work().await?;
    let here_bytes_max = if turn.has_waited { CROWDED_HERE_BYTES_MAX } else { PIECE_BYTES };
    if bytes <= here_bytes_max {
        return work(app, body);
    }
    let app = Arc::clone(app);
    rushhour_store::blocking(move || {
        // Kept until it is done, also when nobody waits for it any more.
        let _turn = turn;
        work(&app, body)
    })
    .await
}

/// A put of which no entry needs a correction.
#[derive(Deserialize)]
struct OrdinaryPut<'a> {
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    phone_to_server: Ordinary,
    deployment_config_version: Option<f64>,
    #[serde(borrow)]
    app_version: Option<Cow<'a, str>>,
}

fn pack_put(app: &App, body: PutBody) -> Result<Put, ServerError> {
    let PutBody { caller, read, .. } = body;
    match read {
        Read::Whole(body) => pack_whole(app, &caller, &body),
        Read::Parsed(parsed) => {
            let Parsed { around, rows, entries } = *parsed;
            // Of a list whose name is spelt with escapes, the entries are still around.
            let request: PutRequest<'_> = parse(&around)?;
            accept_request(app, &caller, request, entries, |others| {
                let mut rows = rows?;
                rows.append(&read_entries(others, 0)?);
                Ok(rows)
            })
        }
    }
}

fn pack_whole(app: &App, caller: &Caller, body: &[u8]) -> Result<Put, ServerError> {
    // Nearly all are ordinary. What is not is read again, entry by entry, which also finds out what is wrong.
    if let Ok(put) = parse::<OrdinaryPut<'_>>(body) {
        let OrdinaryPut { user, phone_to_server: Ordinary(rows), deployment_config_version, app_version } = put;
        let name = caller.name(app, user.as_deref())?;
        return accept(app, &name, (deployment_config_version, app_version), || Ok(rows));
    }
    let request: PutRequest<'_> = parse(body)?;
    let entries = request.phone_to_server.as_ref().map_or(0, Vec::len);
    accept_request(app, caller, request, entries, |entries| read_entries(entries, 0))
}

/// What comes of a put that has so many entries, which `read` takes apart.
fn accept_request(
    app: &App,
    caller: &Caller,
    request: PutRequest<'_>,
    entries: usize,
    read: impl FnOnce(&[&RawValue]) -> Result<Rows, ServerError>,
) -> Result<Put, ServerError> {
    let name = caller.name(app, request.user.as_deref())?;
    let versions = (request.deployment_config_version, request.app_version);
    accept(app, &name, versions, || {
        let list = request.phone_to_server.ok_or(ServerError::Missing("phone_to_server"))?;
        check_count(app, entries)?;
        read(&list)
    })
}

/// What comes of a put that says these versions of its configuration and its app.
fn accept(
    app: &App,
    name: &Name<'_>,
    (configuration_version, app_version): (Option<f64>, Option<Cow<'_, str>>),
    rows: impl FnOnce() -> Result<Rows, ServerError>,
) -> Result<Put, ServerError> {
    let user = name.user(app, Visit::Put)?;
    if name.is_suspended(app) {
        app.metrics.suspended.inc();
        return Ok(Put { upload: None, configuration: None });
    }
    let configuration = name.configuration(app, configuration_version, app_version.as_deref());
    let rows = rows()?;
    check_count(app, rows.len())?;
    Ok(Put { upload: (!rows.is_empty()).then(|| Packed::of(user, &rows)), configuration })
}

fn check_count(app: &App, entries: usize) -> Result<(), ServerError> {
    let max = app.limits.put_entries_max;
    if entries > max { Err(ServerError::ManyEntries { entries, max }) } else { Ok(()) }
}

fn pack_putone(app: &App, body: JsonBody) -> Result<Option<Packed>, ServerError> {
    let request: PutOneRequest<'_> = parse(&body.bytes)?;
    let name = body.caller.name(app, request.user.as_deref())?;
    let user = name.user(app, Visit::Put)?;
    if name.is_suspended(app) {
        app.metrics.suspended.inc();
        return Ok(None);
    }
    let entry = request.the_entry.ok_or(ServerError::Missing("the_entry"))?;
    let received =
        [Received::read(entry).map_err(|lack| ServerError::Invalid { name: "the_entry", reason: lack.to_string() })?];
    Ok(Some(Packed::of(user, &rows(&received))))
}

async fn keep(app: &App, packed: Packed, body_bytes: usize) -> Result<(), ServerError> {
    app.store.append(packed.upload).await?;
    app.hub.note(packed.user);
    if let Some(sent) = packed.sent {
        app.activity.note_sent(packed.user, sent);
    }
    app.metrics.count_upload(&packed.keys, body_bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ordinary_is_received_as_it_is() {
        let entry = |key_bytes: usize, write_ts: f64, ts: f64| {
            let key = "k".repeat(key_bytes);
            format!(r#"{{"metadata":{{"type":"t","key":"{key}","write_ts":{write_ts}}},"data":{{"ts":{ts}}}}}"#)
        };
        let (last, first_ms) = (1e11_f64.next_down(), 1e11);
        let bounds =
            [(255, last, last, true), (256, 1.0, 1.0, false), (1, first_ms, 1.0, false), (1, 1.0, first_ms, false)];
        for (key_bytes, write_ts, ts, is_ordinary) in bounds {
            let text = entry(key_bytes, write_ts, ts);
            let raw: &RawValue = serde_json::from_str(&text).unwrap();
            let is_as_it_is = Received::read(raw).is_ok_and(|received| matches!(received.text, Cow::Borrowed(_)));
            let is_taken = serde_json::from_str::<Ordinary>(&format!("[{text}]")).is_ok();
            assert_eq!((is_as_it_is, is_taken), (is_ordinary, is_ordinary), "{text}");
        }
    }
}
