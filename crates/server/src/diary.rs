//! Diaries in the store: written as entries come in, read as they are asked for.

mod kept;
mod reading;
mod recent;
mod stopwatch;
mod writing;

use std::ops::ControlFlow;

use rushhour_model::analysis::Document;
use rushhour_model::ids::UserId;
use rushhour_pipeline::chapter::{News, Opening};
use rushhour_pipeline::documents::{Wanted, documents};
use rushhour_pipeline::features::TripFeatures;
use rushhour_pipeline::keys::RAW_PLACE;
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::timeline::{Day, Measures, trips_of_day};
use rushhour_store::{ChapterKey, Error, Query, Store};
use serde::{Deserialize, Serialize};

use crate::diary::kept::{measures_of, unversioned, versioned};
use crate::diary::reading::{Reader, Stretch};
pub use recent::Recent;
pub(crate) use stopwatch::STAGES;
pub use stopwatch::StageTimes;
pub use writing::{Portion, Run, reset, set_aside, take_in, train};

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
        let known = unversioned(&bytes).and_then(|bytes| postcard::from_bytes(bytes).ok());
        Ok(known.unwrap_or_else(|| fresh(f64::MAX)))
    }

    fn bytes(&self) -> Vec<u8> {
        versioned(&postcard::to_stdvec(self).expect("plain structures can be written"))
    }
}

/// The summary of a user's diary. Blocks the thread.
///
/// # Errors
/// When the store cannot be read.
pub fn summary(store: &Store, user: UserId) -> Result<Summary, Error> {
    Ok(State::read(store, user)?.summary)
}

/// Lets all wait whose diaries are of another version, as after an upgrade: they are written anew. Blocks the thread.
///
/// # Errors
/// When the store cannot be read.
pub fn renew(store: &Store) -> Result<(), Error> {
    for user in store.users() {
        if store.diary_state(user)?.is_some_and(|state| unversioned(&state).is_none()) {
            store.take_last_again(user);
        }
    }
    Ok(())
}

fn key_of(opening: &Opening) -> ChapterKey {
    opening.start.map_or(ChapterKey::FIRST, |start| ChapterKey::at(start.ts, start.write_ts))
}

/// A user's documents with the keys that are asked for, at least those of the time that is asked for. Blocks the thread.
///
/// # Errors
/// When the store cannot be read.
pub fn documents_for(store: &Store, recent: &Recent, user: UserId, query: &Query) -> Result<Vec<Document>, Error> {
    let stretch = Stretch::of_query(store, user, query)?;
    let reader = Reader { store, user, recent };
    let has_raw_places = query.keys.as_ref().is_none_or(|keys| keys.iter().any(|key| key == RAW_PLACE));
    let (chapters, following) = if has_raw_places { reader.read(&stretch)? } else { reader.read_cleaned(&stretch)? };
    let wanted = query.keys.as_deref().map_or(Wanted::All, Wanted::Keys);
    Ok(documents(user, &chapters, &following, wanted))
}

/// The measures of a user's trips that start on a day from `first` to `last`, counted from 1970-01-01. Blocks the thread.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn measures_between(store: &Store, user: UserId, first: i32, last: i32) -> Result<Vec<Measures>, Error> {
    // Zones are at most 14 hours ahead of UTC and 12 behind; a chapter starts before its trips.
    let (from_ts, to_ts) = (f64::from(first) * DAY_S - 14.0 * 3600.0, f64::from(last) * DAY_S + 36.0 * 3600.0);
    let mut found = Vec::new();
    store.chapters(user, ChapterKey::at(from_ts, f64::NEG_INFINITY), &mut |key, bytes| {
        found.extend(measures_of(bytes).into_iter().filter(|trip| (first..=last).contains(&trip.day)));
        if key > ChapterKey::at(to_ts, f64::INFINITY) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}

const DAY_S: f64 = 86_400.0;

/// A user's trips that start on `day` where they start; `start_ts` is its midnight in UTC. Blocks the thread.
///
/// # Errors
/// When the store cannot be read.
pub fn trips_on(
    store: &Store,
    recent: &Recent,
    user: UserId,
    day: Day,
    start_ts: f64,
) -> Result<Vec<TripFeatures>, Error> {
    // Zones are at most 14 hours ahead of UTC and 12 behind.
    let stretch = Stretch::between(store, user, start_ts - 14.0 * 3600.0, start_ts + 36.0 * 3600.0)?.of_day(day);
    let (chapters, following) = Reader { store, user, recent }.read_cleaned(&stretch)?;
    Ok(trips_of_day(&chapters, &following, day))
}
