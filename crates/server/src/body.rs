//! Reading a request's body: all of it, but no more than is allowed and no longer than is allowed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use rushhour_model::strict::Strict;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use crate::app::{App, Limits, ROOM_BYTES};
use crate::auth::Caller;
use crate::error::ServerError;

/// A body that is too large is still read up to this many times the limit, so that a client that writes everything
/// before it reads sees the answer instead of a broken connection.
const DRAINED_LIMITS_MAX: usize = 4;

/// The room for the start of a body that does not say how large it is, such as one that is compressed.
const FIRST_BYTES: usize = 64 << 10;

/// No more room is made for a body that was announced before it comes; a put of 200 entries has 65 kB.
const ANNOUNCED_MAX: usize = 1 << 20;

/// The bytes of a request's body, who its head says is calling, and the room it takes until it has been answered.
#[derive(Debug)]
pub(crate) struct JsonBody {
    pub(crate) bytes: Bytes,
    pub(crate) caller: Caller,
    _room: Option<OwnedSemaphorePermit>,
}

impl FromRequest<Arc<App>> for JsonBody {
    type Rejection = ServerError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ServerError> {
        let mut arriving = Arriving::open(request, app).await?;
        let mut read = BytesMut::with_capacity(arriving.announced().min(ANNOUNCED_MAX));
        while let Some(bytes) = arriving.next().await? {
            read.extend_from_slice(&bytes);
        }
        let (caller, room) = arriving.end();
        Ok(Self { bytes: read.freeze(), caller, _room: room })
    }
}

/// The body of a request while it arrives, and who the head says is calling.
pub(crate) struct Arriving<'a> {
    caller: Caller,
    body: Body,
    room: Room<'a>,
    bytes: usize,
    until: Instant,
}

impl<'a> Arriving<'a> {
    /// Waits for room for a body.
    pub(crate) async fn open(request: Request, app: &'a App) -> Result<Self, ServerError> {
        let Limits { body_bytes_max, body_timeout, .. } = app.limits;
        let caller = Caller::of(request.headers())?;
        let body = request.into_body();
        let bytes = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(FIRST_BYTES);
        let mut room = Room { app, held: None };
        timeout(body_timeout, room.wait_for(bytes.min(body_bytes_max))).await.map_err(|_| ServerError::Crowded)?;
        Ok(Self { caller, body, room, bytes: 0, until: Instant::now() + body_timeout })
    }

    /// How large the body says it is, at least.
    pub(crate) fn announced(&self) -> usize {
        usize::try_from(self.body.size_hint().lower()).unwrap_or(usize::MAX)
    }

    /// How much of it has come.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Some more of it, until it ends.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ServerError> {
        let Limits { body_bytes_max, body_timeout, .. } = self.room.app.limits;
        let slow = |_| ServerError::SlowBody(body_timeout.as_secs_f64());
        while let Some(frame) = timeout_at(self.until, self.body.frame()).await.map_err(slow)? {
            let frame = frame.map_err(|error| ServerError::CutBody(error.to_string()))?;
            let Ok(bytes) = frame.into_data() else { continue };
            self.bytes += bytes.len();
            if self.bytes <= body_bytes_max {
                self.room.grow_to(self.bytes)?;
                return Ok(Some(bytes));
            }
            if self.bytes > body_bytes_max.saturating_mul(DRAINED_LIMITS_MAX) {
                break;
            }
        }
        if self.bytes > body_bytes_max { Err(ServerError::LargeBody(body_bytes_max)) } else { Ok(None) }
    }

    /// Who is calling, and the room that the body takes.
    pub(crate) fn end(self) -> (Caller, Option<OwnedSemaphorePermit>) {
        (self.caller, self.room.held)
    }
}

/// The room that a body takes of what there is for all.
struct Room<'a> {
    app: &'a App,
    held: Option<OwnedSemaphorePermit>,
}

impl Room<'_> {
    async fn wait_for(&mut self, bytes: usize) {
        let permit = Arc::clone(&self.app.body_room).acquire_many_owned(pieces(bytes)).await;
        self.held = Some(permit.expect("the semaphore is never closed"));
    }

    /// Makes it `bytes`, if there is so much at once: bodies that wait for each other would wait for ever.
    fn grow_to(&mut self, bytes: usize) -> Result<(), ServerError> {
        let held = self.held.as_mut().expect("a body is read after there was room for its start");
        let more = usize::try_from(pieces(bytes)).unwrap_or(usize::MAX).saturating_sub(held.num_permits());
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            let permit = Arc::clone(&self.app.body_room).try_acquire_many_owned(more);
            held.merge(permit.map_err(|_| ServerError::Crowded)?);
        }
        Ok(())
    }
}

fn pieces(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(ROOM_BYTES)).unwrap_or(u32::MAX)
}

/// Reads the body of a route from its bytes.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ServerError> {
    let Strict(parsed) = from_json(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => ServerError::Shape(error),
        _ => ServerError::NotJson(error),
    })?;
    Ok(parsed)
}

/// Reads JSON.
pub(crate) fn from_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, serde_json::Error> {
    // All of it is looked at for what is no text at once; piece by piece takes longer.
    match std::str::from_utf8(json) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(json),
    }
}
