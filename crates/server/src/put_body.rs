//! The body of an upload: read whole if it is small, and otherwise parsed while it arrives.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use rushhour_chunk::{Ordinary, Rows};
use rushhour_model::received::Received;
use rushhour_store::NewRow;
use serde::de::Error as _;
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Arriving, from_json};
use crate::error::ServerError;
use crate::pieces::Pieces;

/// So much of a body is parsed at once at most, on a thread of its own: it takes a millisecond, during which a request
/// thread would serve nobody else.
pub(crate) const PIECE_BYTES: usize = 256 << 10;

/// An upload, who its head says is calling, and the room it takes until it has been answered.
#[derive(Debug)]
pub(crate) struct PutBody {
    pub(crate) caller: Caller,
    /// How large it was.
    pub(crate) bytes: usize,
    pub(crate) read: Read,
    _room: Option<OwnedSemaphorePermit>,
}

/// What was made of a body while it arrived.
#[derive(Debug)]
pub(crate) enum Read {
    /// Nothing.
    Whole(Bytes),
    /// Its entries were read.
    Parsed(Box<Parsed>),
}

/// A body of which the entries were read.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The body, with an empty list of entries.
    pub(crate) around: Vec<u8>,
    /// The entries, or what is wrong with one.
    pub(crate) rows: Result<Rows, ServerError>,
    /// How many there are, also if they were not read.
    pub(crate) entries: usize,
}

impl FromRequest<Arc<App>> for PutBody {
    type Rejection = ServerError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ServerError> {
        let mut arriving = Arriving::open(request, app).await?;
        let mut small = BytesMut::with_capacity(arriving.announced().min(PIECE_BYTES));
        let mut large: Option<Entries<'_>> = None;
        while let Some(bytes) = arriving.next().await? {
            if let Some(large) = &mut large {
                large.push(&bytes).await?;
                continue;
            }
            small.extend_from_slice(&bytes);
            if small.len() > PIECE_BYTES {
                large.insert(Entries::new(app)).push(&std::mem::take(&mut small)).await?;
            }
        }
        let read = match large {
            None => Read::Whole(small.freeze()),
            Some(large) => Read::Parsed(Box::new(large.end().await?)),
        };
        let bytes = arriving.bytes();
        let (caller, room) = arriving.end();
        Ok(Self { caller, bytes, read, _room: room })
    }
}

/// The entries that have come.
struct Entries<'a> {
    app: &'a App,
    pieces: Pieces,
    rows: Result<Rows, ServerError>,
}

impl<'a> Entries<'a> {
    fn new(app: &'a App) -> Self {
        Self { app, pieces: Pieces::new(PIECE_BYTES), rows: Ok(Rows::default()) }
    }

    async fn push(&mut self, bytes: &[u8]) -> Result<(), ServerError> {
        self.pieces.push(bytes);
        while let Some(piece) = self.pieces.take() {
            self.read(piece).await?;
        }
        Ok(())
    }

    /// Reads a piece of the list when it is its turn, unless the upload is refused anyway.
    async fn read(&mut self, piece: Vec<u8>) -> Result<(), ServerError> {
        let is_refused = self.pieces.entries() > self.app.limits.put_entries_max;
        let Ok(rows) = &mut self.rows else { return Ok(()) };
        if is_refused {
            return Ok(());
        }
        let turn = self.app.admission.work().await?;
        let mut before = std::mem::take(rows);
        let read = move || {
            // Kept until it is done, also when nobody waits for it any more.
            let _turn = turn;
            before.append(&read_list(&piece, before.len())?);
            Ok(before)
        };
        self.rows = rushhour_store::blocking(read).await;
        Ok(())
    }

    async fn end(mut self) -> Result<Parsed, ServerError> {
        let entries = self.pieces.entries();
        let (around, last) = self.pieces.end();
        if let Some(last) = last {
            self.read(last).await?;
        }
        Ok(Parsed { around, rows: self.rows, entries })
    }
}

/// Reads a list of entries that come after `before` others.
fn read_list(list: &[u8], before: usize) -> Result<Rows, ServerError> {
    // Nearly all are ordinary. What is not is read again, entry by entry, which also finds out what is wrong.
    if let Ok(Ordinary(rows)) = from_json(list) {
        return Ok(rows);
    }
    let entries: Vec<&RawValue> = from_json(list).map_err(|error| {
        ServerError::NotJson(serde_json::Error::custom(format!("{error} of what follows the first {before} entries")))
    })?;
    read_entries(&entries, before)
}

/// Reads every entry, or refuses the batch for the first that cannot be identified.
pub(crate) fn read_entries<'a>(entries: &[&'a RawValue], before: usize) -> Result<Rows, ServerError> {
    let read = |(index, entry): (usize, &&'a RawValue)| {
        Received::read(entry).map_err(|lack| ServerError::Entry { index: before + index, lack })
    };
    Ok(rows(&entries.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?))
}

/// Takes entries apart.
pub(crate) fn rows(received: &[Received<'_>]) -> Rows {
    let row = |entry| {
        let Received { kind, key, write_ts, text }: &Received<'_> = entry;
        NewRow { kind, key, write_ts: *write_ts, text }
    };
    Rows::parse(&received.iter().map(row).collect::<Vec<_>>())
}
