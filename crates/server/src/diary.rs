//! Diaries in the store: written as entries come in, read as they are asked for.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rushhour_model::analysis::Document;
use rushhour_model::entry::{Entry, key};
use rushhour_model::geojson::FeatureCollection;
use rushhour_model::ids::UserId;
use rushhour_pipeline::chapter::{Chapter, News, Opening};
use rushhour_pipeline::documents::{Wanted, documents};
use rushhour_pipeline::input::Input;
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::observations::{Observations, Rejected};
use rushhour_pipeline::timeline::{Day, labelled_trips, trips_of_day};
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write};
use rushhour_store::{ChapterKey, Error, Query, Rewrite, Store, Taken, TimeField};
use serde::{Deserialize, Serialize};

/// What the stages read, beside inputs.
const SENSED: [&str; 4] = [key::FILTERED_LOCATION, key::MOTION_ACTIVITY, key::ACTIVITY, key::TRANSITION];
/// zstd's fastest ordinary level: a chapter is packed on every run that reaches it.
const ZSTD_LEVEL: i32 = 1;
/// The largest chapter that is unpacked, in bytes.
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
    /// Entries written later have not been looked at.
    horizon_ts: f64,
    /// How far entries reach back at which writing the diary failed.
    failed: Option<News>,
    summary: Summary,
    model: Model,
}

impl State {
    fn read(store: &Store, user: UserId) -> Result<Self, Error> {
        let bytes = store.diary_state(user)?;
        let state = bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok());
        Ok(state.unwrap_or(Self {
            horizon_ts: f64::NEG_INFINITY,
            failed: None,
            summary: Summary::default(),
            model: Model::default(),
        }))
    }

    fn bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("plain structures can be written")
    }
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
    zstd::bulk::compress(&plain, ZSTD_LEVEL).expect("packing into memory does not fail")
}

/// `None` when the bytes are not a chapter of this version; then the diary is written anew.
fn unpack(bytes: &[u8]) -> Option<Chapter> {
    let plain_bytes = zstd::bulk::Decompressor::upper_bound(bytes)?.min(CHAPTER_BYTES_MAX);
    postcard::from_bytes(&zstd::bulk::decompress(bytes, plain_bytes).ok()?).ok()
}

fn key_of(opening: &Opening) -> ChapterKey {
    opening.start.map_or(ChapterKey::FIRST, |start| ChapterKey::at(start.ts, start.write_ts))
}

/// How much is taken in at a time.
#[derive(Clone, Copy, Debug)]
pub struct Portion {
    /// At most so many entries, but at least one upload.
    pub entries_max: usize,
    /// At most the entries of so many seconds, but at least one upload.
    pub span_s_max: f64,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Run {
    /// Entries that were taken in.
    pub entries: usize,
    /// What of them could not be read.
    pub rejected: Vec<Rejected>,
    /// Chapters that were written.
    pub chapters: usize,
}

/// Takes in what a user's phones have sent since the last run. Blocks the thread.
///
/// # Errors
/// When the store fails; then nothing has changed.
pub fn take_in(store: &Store, user: UserId, stops: &Stops, portion: Portion) -> Result<Run, Error> {
    let mut state = State::read(store, user)?;
    let fresh = store.fresh(user, portion.entries_max, portion.span_s_max)?;
    let mut observations = Observations::default();
    for (id, text) in &fresh.entries {
        match serde_json::from_str::<Entry>(text) {
            Ok(entry) => {
                state.horizon_ts = state.horizon_ts.max(entry.metadata.write_s());
                observations.push(*id, entry);
            }
            Err(error) => observations.reject(*id, error.to_string()),
        }
    }
    let inputs = observations.take_inputs();
    let mut run = Run { entries: fresh.entries.len(), rejected: observations.rejected().to_vec(), chapters: 0 };
    let news = observations.news();
    let mut change = Change::new(store, user, state);
    if news.is_any() {
        let news = change.state.failed.take().map_or(news, |failed| failed.and(news));
        run.chapters = change.write_from(news, inputs, stops)?;
    } else {
        change.add_inputs(inputs)?;
    }
    change.commit(fresh.taken)?;
    Ok(run)
}

/// Notes that writing a user's diary fails, and goes on without the entries at which it did, until others come.
/// Blocks the thread.
///
/// # Errors
/// When the store fails.
pub fn set_aside(store: &Store, user: UserId, portion: Portion) -> Result<(), Error> {
    let mut state = State::read(store, user)?;
    let fresh = store.fresh(user, portion.entries_max, portion.span_s_max)?;
    state.failed = Some(News { fix_write_ts: f64::NEG_INFINITY, step_ts: f64::NEG_INFINITY });
    Change::new(store, user, state).commit(fresh.taken)
}

/// Writes a user's diary anew from the chapter of `from_ts` on, whatever it says. Blocks the thread.
///
/// # Errors
/// When the store fails.
pub fn reset(store: &Store, user: UserId, stops: &Stops, from_ts: f64) -> Result<usize, Error> {
    let state = State::read(store, user)?;
    let mut change = Change::new(store, user, state);
    let chapters = change.write_from(News { fix_write_ts: from_ts, step_ts: from_ts }, Vec::new(), stops)?;
    change.commit(None)?;
    Ok(chapters)
}

/// Learns from all that a user has labelled; later trips get their labels from it. Blocks the thread.
///
/// # Errors
/// When the store fails.
pub fn train(store: &Store, user: UserId) -> Result<(), Error> {
    let mut state = State::read(store, user)?;
    let (chapters, _) = read(store, user, f64::NEG_INFINITY, f64::INFINITY)?;
    state.model = Model::train(labelled_trips(&chapters, &[]));
    Change::new(store, user, state).commit(None)
}

/// A change of a diary before it is made.
struct Change<'a> {
    store: &'a Store,
    user: UserId,
    state: State,
    /// Where writing started.
    from: ChapterKey,
    chapters: BTreeMap<ChapterKey, Chapter>,
}

impl<'a> Change<'a> {
    fn new(store: &'a Store, user: UserId, state: State) -> Self {
        Self { store, user, state, from: ChapterKey::END, chapters: BTreeMap::new() }
    }

    /// Writes the diary from the last chapter that `news` came too late to change, and returns how many it has become.
    fn write_from(&mut self, news: News, inputs: Vec<Input>, stops: &Stops) -> Result<usize, Error> {
        let (opening, mut old) = self.standing(&news)?;
        self.from = key_of(&opening);
        let (mut ours, mut others): (Vec<Input>, Vec<Input>) = (Vec::new(), Vec::new());
        for input in inputs {
            let is_ours = opening.start.is_none() || input.start_ts >= opening.inputs_from_ts();
            if is_ours { ours.push(input) } else { others.push(input) }
        }
        let summary = &mut self.state.summary;
        for chapter in &mut old {
            let (trips, labelled) = counts(chapter);
            summary.trips = summary.trips.saturating_sub(trips);
            summary.labelled_trips = summary.labelled_trips.saturating_sub(labelled);
        }
        ours.splice(0..0, old.into_iter().flat_map(|chapter| chapter.inputs));
        let observations = self.observations(&opening)?;
        let settings = Settings { user: self.user, stops, model: &self.state.model };
        let chapters = write(observations, ours, opening, &settings);
        let written = chapters.len();
        self.summarize(&chapters);
        self.chapters = chapters.into_iter().map(|chapter| (key_of(&chapter.opening), chapter)).collect();
        self.add_inputs(others)?;
        Ok(written)
    }

    /// The opening of the last chapter that stands, and the chapters from there on.
    fn standing(&self, news: &News) -> Result<(Opening, Vec<Chapter>), Error> {
        let mut old = Vec::new();
        self.store.chapters_backward(self.user, &mut |_, bytes| {
            let Some(chapter) = unpack(bytes) else { return ControlFlow::Continue(()) };
            let stands = chapter.opening.stands(news);
            old.push(chapter);
            if stands { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        old.reverse();
        Ok((old.first().map_or_else(Opening::first, |chapter| chapter.opening.clone()), old))
    }

    /// Everything that the chapters from `opening` on are made of.
    fn observations(&self, opening: &Opening) -> Result<Observations, Error> {
        let query = Query {
            keys: Some(SENSED.map(str::to_owned).to_vec()),
            field: TimeField::WriteTs,
            from: opening.start.map(|start| start.needs_from_write_ts),
            to: Some(self.state.horizon_ts),
            entries_max: usize::MAX,
        };
        let mut observations = Observations::default();
        for found in self.store.find_blocking(self.user, &query)? {
            // What cannot be read was rejected when it came.
            if let Ok(entry) = serde_json::from_str::<Entry>(&found.text) {
                observations.push(found.id, entry);
            }
        }
        Ok(observations)
    }

    fn summarize(&mut self, chapters: &[Chapter]) {
        let summary = &mut self.state.summary;
        let kept = || chapters.iter().flat_map(|chapter| &chapter.legs).filter_map(|leg| leg.cleaned.as_ref());
        if self.from == ChapterKey::FIRST {
            summary.start_ts = kept().next().map(|cleaned| cleaned.start.ts());
        }
        let before = chapters.first().and_then(|chapter| chapter.opening.cleaned_place.enter_ts());
        summary.end_ts = kept().next_back().map(|cleaned| cleaned.end.ts()).or(before);
        for chapter in chapters {
            let (trips, labelled) = counts(chapter);
            summary.trips += trips;
            summary.labelled_trips += labelled;
        }
    }

    /// Puts each input into the chapter of its time.
    fn add_inputs(&mut self, inputs: Vec<Input>) -> Result<(), Error> {
        for input in inputs {
            let Some((key, mut chapter)) = self.chapter_at(input.start_ts)? else {
                // Nothing has been written yet: the first chapter is made for the input.
                let opening = Opening::first();
                self.from = ChapterKey::FIRST;
                let chapter = Chapter { opening, legs: Vec::new(), inputs: vec![input] };
                self.chapters.insert(ChapterKey::FIRST, chapter);
                continue;
            };
            let (_, labelled) = counts(&chapter);
            chapter.add_input(input);
            self.state.summary.labelled_trips += counts(&chapter).1.saturating_sub(labelled);
            self.chapters.insert(key, chapter);
        }
        Ok(())
    }

    /// The chapter that has the inputs of a time: the last one whose place was entered before.
    fn chapter_at(&self, ts: f64) -> Result<Option<(ChapterKey, Chapter)>, Error> {
        // The chapter whose first fix comes before, or the next one: its place was entered before its first fix.
        let mut stored = None;
        let mut seen = 0;
        self.store.chapters(self.user, ChapterKey::at(ts, f64::INFINITY), &mut |key, bytes| {
            let chapter = unpack(bytes).filter(|_| key < self.from && !self.chapters.contains_key(&key));
            if let Some(chapter) = chapter.filter(|chapter| seen == 0 || chapter.opening.inputs_from_ts() <= ts) {
                stored = Some((key, chapter));
            }
            seen += 1;
            if seen < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let is_before = |(_, chapter): &(&ChapterKey, &Chapter)| chapter.opening.inputs_from_ts() <= ts;
        let changed = self.chapters.iter().rev().find(is_before);
        let changed = changed.map(|(key, chapter)| (*key, chapter.clone()));
        Ok(stored.into_iter().chain(changed).max_by_key(|(key, _)| *key))
    }

    fn commit(self, taken: Option<Taken>) -> Result<(), Error> {
        let chapters = self.chapters.iter().map(|(key, chapter)| (*key, pack(chapter))).collect();
        let change = Rewrite { from: self.from, chapters, taken, state: self.state.bytes() };
        self.store.rewrite(self.user, &change)
    }
}

/// Trips that somebody made, and those of them that have a label.
fn counts(chapter: &Chapter) -> (usize, usize) {
    let trips = chapter.legs.iter().filter(|leg| leg.is_tracked && leg.cleaned.is_some()).count();
    (trips, labelled_trips(std::slice::from_ref(chapter), &[]).len())
}

/// The chapters of the time between `from` and `to`, and those behind them that tell how the last place was left.
fn read(store: &Store, user: UserId, from: f64, to: f64) -> Result<(Vec<Chapter>, Vec<Chapter>), Error> {
    let (mut chapters, mut following): (Vec<Chapter>, Vec<Chapter>) = (Vec::new(), Vec::new());
    let first = ChapterKey::at(from - MARGIN_S, f64::NEG_INFINITY);
    let last = ChapterKey::at(to + MARGIN_S, f64::INFINITY);
    store.chapters(user, first, &mut |key, bytes| {
        let Some(chapter) = unpack(bytes) else { return ControlFlow::Continue(()) };
        if key <= last {
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
