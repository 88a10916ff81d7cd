//! Diaries in the store: written as entries come in, read as they are asked for.

mod writing;

use std::ops::ControlFlow;

use rushhour_model::analysis::Document;
use rushhour_model::geojson::FeatureCollection;
use rushhour_model::ids::UserId;
use rushhour_pipeline::chapter::{Chapter, News, Opening};
use rushhour_pipeline::documents::{Wanted, documents};
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::timeline::{Day, trips_of_day};
use rushhour_store::{ChapterKey, Error, Store};
use serde::{Deserialize, Serialize};

pub use writing::{Portion, Run, reset, set_aside, take_in, train};

/// The first byte of every chapter and state. Another one means that the diary is written anew.
const VERSION: u8 = 1;
/// zstd's fastest ordinary level: a chapter is packed on every run that reaches it.
const ZSTD_LEVEL: i32 = 1;
/// The largest chapter that is unpacked, in bytes; a slice of a diary stays far below.
const CHAPTER_BYTES_MAX: usize = 1 << 30;
/// How far the times of a chapter's documents may lie from that of its first fix: a phone may be a day ahead of itself.
const MARGIN_S: f64 = 86_400.0;

/// What is known of a diary as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// When its first trip starts, in seconds since 1970.
    pub start_ts: Option<f64>,
    /// When its last trip ends, in seconds since 1970.
    pub end_ts: Option<f64>,
    /// Its trips.
    pub trips: usize,
    /// Those that the person labelled.
    pub labelled_trips: usize,
}

/// What is kept beside the chapters.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// The diary holds what was written until then.
    horizon_ts: f64,
    /// And shall hold what was written until then: the two differ while it is written slice by slice.
    target_ts: f64,
    /// How far entries reach back at which writing the diary failed.
    failed: Option<News>,
    summary: Summary,
    model: Model,
}

impl State {
    fn read(store: &Store, user: UserId) -> Result<Self, Error> {
        let fresh = |target_ts| Self {
            horizon_ts: f64::NEG_INFINITY,
            target_ts,
            failed: None,
            summary: Summary::default(),
            model: Model::default(),
        };
        let Some(bytes) = store.diary_state(user)? else { return Ok(fresh(f64::NEG_INFINITY)) };
        // A state of another version: entries were taken in, nobody knows until when, so all are looked for.
        let known = versioned(&bytes).and_then(|bytes| postcard::from_bytes(bytes).ok());
        Ok(known.unwrap_or_else(|| fresh(f64::MAX)))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(postcard::to_stdvec(self).expect("plain structures can be written"));
        bytes
    }
}

/// The bytes behind the version, if it is ours.
fn versioned(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_first().filter(|(version, _)| **version == VERSION).map(|(_, bytes)| bytes)
}

/// The summary of a user's diary. Blocks the thread.
///
/// # Errors
/// When the store cannot be read.
pub fn summary(store: &Store, user: UserId) -> Result<Summary, Error> {
    Ok(State::read(store, user)?.summary)
}

fn pack(chapter: &Chapter) -> Vec<u8> {
    let plain = postcard::to_stdvec(chapter).expect("plain structures can be written");
    let mut bytes = vec![VERSION];
    bytes.extend(zstd::bulk::compress(&plain, ZSTD_LEVEL).expect("packing into memory does not fail"));
    bytes
}

/// `None` when the bytes are not a chapter of this version; then the diary is written anew.
fn unpack(bytes: &[u8]) -> Option<Chapter> {
    let packed = versioned(bytes)?;
    let plain_bytes = zstd::bulk::Decompressor::upper_bound(packed)?.min(CHAPTER_BYTES_MAX);
    postcard::from_bytes(&zstd::bulk::decompress(packed, plain_bytes).ok()?).ok()
}

fn key_of(opening: &Opening) -> ChapterKey {
    opening.start.map_or(ChapterKey::FIRST, |start| ChapterKey::at(start.ts, start.write_ts))
}

/// The chapters of the time between `from` and `to`, and those behind them that tell how the last place was left.
fn read(store: &Store, user: UserId, from: f64, to: f64) -> Result<(Vec<Chapter>, Vec<Chapter>), Error> {
    let (mut chapters, mut following): (Vec<Chapter>, Vec<Chapter>) = (Vec::new(), Vec::new());
    let first = ChapterKey::at(from - MARGIN_S, f64::NEG_INFINITY);
    let last = ChapterKey::at(to + MARGIN_S, f64::INFINITY);
    store.chapters(user, first, &mut |key, bytes| {
        let Some(chapter) = unpack(bytes) else { return ControlFlow::Continue(()) };
        // Untracked time starts when its place was entered, long before the first fix of its chapter.
        if key <= last || chapter.opening.inputs_from_ts() <= to {
            chapters.push(chapter);
            return ControlFlow::Continue(());
        }
        let is_enough = chapter.legs.iter().any(|leg| leg.cleaned.is_some());
        following.push(chapter);
        if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok((chapters, following))
}

/// A user's documents with these keys, of the time between `from` and `to` and some more. Blocks the thread.
///
/// # Errors
/// When the store cannot be read.
pub fn documents_between(
    store: &Store,
    user: UserId,
    wanted: Wanted<'_>,
    from: Option<f64>,
    to: Option<f64>,
) -> Result<Vec<Document>, Error> {
    let (from, to) = (from.unwrap_or(f64::NEG_INFINITY), to.unwrap_or(f64::INFINITY));
    let (chapters, following) = read(store, user, from, to)?;
    Ok(documents(user, &chapters, &following, wanted))
}

/// A user's trips that start on `day` where they start; `start_ts` is its midnight in UTC. Blocks the thread.
///
/// # Errors
/// When the store cannot be read.
pub fn trips_on(store: &Store, user: UserId, day: Day, start_ts: f64) -> Result<Vec<FeatureCollection>, Error> {
    // Zones are at most 14 hours ahead of UTC and 12 behind.
    let (chapters, following) = read(store, user, start_ts - 14.0 * 3600.0, start_ts + 36.0 * 3600.0)?;
    Ok(trips_of_day(user, &chapters, &following, day))
}
