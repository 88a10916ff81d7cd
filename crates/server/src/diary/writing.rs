//! Writing diaries: what phones have sent since the last run becomes chapters.
//!
//! A diary is written in slices of time, so that memory does not grow with how much came at once or how far back it
//! reaches: what stands after a slice is what would stand if nothing later had come yet.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use rushhour_model::ids::UserId;
use rushhour_model::stored::observe::INPUT_KEYS;
use rushhour_pipeline::chapter::{Chapter, News, Opening};
use rushhour_pipeline::input::Input;
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::observations::{Observations, Rejected};
use rushhour_pipeline::outline::Outline;
use rushhour_pipeline::timeline::labelled_trips;
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write_by_stage};
use rushhour_store::{ChapterKey, Error, Rewrite, Store, Taken};

use crate::diary::kept::KeptChapter;
use crate::diary::reading::{Reader, SENSED, Stretch, observe, observed};
use crate::diary::recent::Recent;
use crate::diary::stopwatch::{Stage, StageTimes, Stopwatch};
use crate::diary::{State, key_of};

/// A slice: sixty days, some 60,000 entries.
const SLICE_S: f64 = 60.0 * 86_400.0;

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
    /// How long each stage took.
    pub took: StageTimes,
}

/// Takes in what a user's phones have sent since the last run. Blocks the thread.
///
/// # Errors
/// When the store fails; then the entries have not been taken in.
pub fn take_in(store: &Store, user: UserId, stops: &Stops, portion: Portion) -> Result<Run, Error> {
    let watch = Stopwatch::start();
    let mut state = State::read(store, user)?;
    let fresh = store.fresh(user, portion.entries_max, portion.span_s_max)?;
    let is_cut_short = state.horizon_ts < state.target_ts;
    let mut observations = Observations::default();
    fresh.entries.for_each(|entry| match observe(&mut observations, &entry) {
        Ok(()) => state.target_ts = state.target_ts.max(entry.write_ts()),
        Err(error) => observations.reject(entry.id(), error.to_string()),
    });
    let inputs = observations.take_inputs();
    let mut run = Run { entries: fresh.entries.len(), rejected: observations.rejected().to_vec(), ..Run::default() };
    // A run that was cut short by a crash left only a part of the diary.
    let news = if is_cut_short { News::ALL } else { observations.news() };
    drop(observations);
    let mut change = Change { watch, ..Change::new(store, user, state) };
    change.watch.ended(Stage::Read);
    if news.is_any() {
        let news = change.state.failed.take().map_or(news, |failed| failed.and(news));
        run.chapters = change.write(news, inputs, stops)?;
    } else {
        change.state.horizon_ts = change.state.target_ts;
        change.add_inputs(inputs)?;
    }
    run.took = change.commit(fresh.taken)?;
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
    state.failed = Some(News::ALL);
    Change::new(store, user, state).commit(fresh.taken).map(drop)
}

/// Writes a user's diary anew from the chapter of `from_ts` on, whatever it says. Blocks the thread.
///
/// # Errors
/// When the store fails.
pub fn reset(store: &Store, user: UserId, stops: &Stops, from_ts: f64) -> Result<usize, Error> {
    let state = State::read(store, user)?;
    let mut change = Change::new(store, user, state);
    let news = News { fix_write_ts: from_ts, step_ts: from_ts, motion_write_ts: from_ts };
    let chapters = change.write(news, Vec::new(), stops)?;
    change.commit(None)?;
    Ok(chapters)
}

/// Learns from all that a user has labelled; later trips get their labels from it. Blocks the thread.
///
/// # Errors
/// When the store fails.
pub fn train(store: &Store, user: UserId) -> Result<(), Error> {
    let mut state = State::read(store, user)?;
    let stretch = Stretch::between(store, user, f64::NEG_INFINITY, f64::INFINITY)?;
    let (chapters, _) = Reader { store, user, recent: &Recent::new(0) }.read(&stretch)?;
    state.model = Model::train(labelled_trips(&chapters, &[]));
    Change::new(store, user, state).commit(None).map(drop)
}

/// Trips that somebody made, and those of them that have a label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    trips: usize,
    labelled: usize,
}

impl Counts {
    fn of(outline: &Outline) -> Self {
        Self { trips: outline.trips(), labelled: usize::try_from(outline.labelled_trips).unwrap_or(usize::MAX) }
    }
}

/// Where writing starts, and what of the chapters from there on is not made from what phones sense.
struct Standing {
    opening: Opening,
    inputs: Vec<Input>,
    counts: Counts,
}

/// A change of a diary before it is made.
struct Change<'a> {
    store: &'a Store,
    user: UserId,
    state: State,
    /// All stored chapters from here on go.
    from: ChapterKey,
    chapters: BTreeMap<ChapterKey, Chapter>,
    watch: Stopwatch,
}

impl<'a> Change<'a> {
    fn new(store: &'a Store, user: UserId, state: State) -> Self {
        let (from, chapters, watch) = (ChapterKey::END, BTreeMap::new(), Stopwatch::start());
        Self { store, user, state, from, chapters, watch }
    }

    /// Writes the diary from the last chapter that `news` came too late to change, slice by slice. Returns how many
    /// chapters were written.
    fn write(&mut self, news: News, inputs: Vec<Input>, stops: &Stops) -> Result<usize, Error> {
        let target_ts = self.state.target_ts;
        let standing = self.standing(&news)?;
        let opening = &standing.opening;
        let is_ours = |input: &Input| opening.start.is_none() || input.start_ts >= opening.inputs_from_ts();
        let (ours, others): (Vec<Input>, Vec<Input>) = inputs.into_iter().partition(is_ours);
        let first_ts = match opening.start {
            Some(start) => Some(start.write_ts),
            None => self.next_sensed_ts(f64::NEG_INFINITY)?,
        };
        let mut end_ts = target_ts.min(first_ts.map_or(target_ts, |first_ts| first_ts + SLICE_S));
        let mut written = self.write_slice(standing, ours, end_ts, stops)?;
        while end_ts < target_ts {
            self.commit_part()?;
            let last_ts = end_ts;
            match self.next_sensed_ts(end_ts)? {
                Some(next_ts) => end_ts = target_ts.min(next_ts + SLICE_S),
                // All is written, although nobody knew before where the end is.
                None if target_ts == f64::MAX => {
                    self.state.target_ts = end_ts;
                    break;
                }
                None => end_ts = target_ts,
            }
            let news = self.observations(Some(last_ts), end_ts)?.news();
            let standing = self.standing(&news)?;
            written += self.write_slice(standing, Vec::new(), end_ts, stops)?;
        }
        self.add_inputs(others)?;
        Ok(written)
    }

    /// Writes the chapters from `standing` on, of what was written until `end_ts`.
    fn write_slice(
        &mut self,
        standing: Standing,
        ours: Vec<Input>,
        end_ts: f64,
        stops: &Stops,
    ) -> Result<usize, Error> {
        let Standing { opening, mut inputs, counts } = standing;
        self.from = key_of(&opening);
        inputs.extend(ours);
        let summary = &mut self.state.summary;
        if self.from == ChapterKey::FIRST {
            (summary.trips, summary.labelled_trips) = (0, 0);
        }
        summary.trips = summary.trips.saturating_sub(counts.trips);
        summary.labelled_trips = summary.labelled_trips.saturating_sub(counts.labelled);
        let observations = self.observations(opening.start.map(|start| start.needs_from_write_ts), end_ts)?;
        self.watch.ended(Stage::Read);
        let settings = Settings { user: self.user, stops, model: &self.state.model };
        let mut ended = |stage| self.watch.ended(Stage::Write(stage));
        let mut chapters = write_by_stage(observations, inputs, opening, &settings, &mut ended);
        // The last one goes on with what will be written later, but so far it knows nothing of that.
        for chapter in &mut chapters {
            chapter.needs_until_write_ts = chapter.needs_until_write_ts.min(end_ts);
        }
        let written = chapters.len();
        self.state.horizon_ts = end_ts;
        self.summarize(&chapters);
        self.chapters = chapters.into_iter().map(|chapter| (key_of(&chapter.opening), chapter)).collect();
        Ok(written)
    }

    /// The last chapter that stands, and what hangs on it and those behind it.
    fn standing(&self, news: &News) -> Result<Standing, Error> {
        let mut standing = Standing { opening: Opening::first(), inputs: Vec::new(), counts: Counts::default() };
        let mut names = Vec::new();
        self.store.chapters_backward(self.user, &mut |_, bytes| {
            let Some(KeptChapter { outline, .. }) = KeptChapter::unpack(bytes) else {
                // What is not of this version is written anew, with all before it.
                standing.opening = Opening::first();
                return ControlFlow::Break(());
            };
            let counts = Counts::of(&outline);
            standing.counts.trips += counts.trips;
            standing.counts.labelled += counts.labelled;
            let stands = outline.opening.stands(news);
            names.extend(outline.inputs);
            standing.opening = if stands { outline.opening } else { Opening::first() };
            if stands { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if standing.opening.start.is_none() {
            // The store has them all, also those of a chapter that could not be read or written.
            standing.inputs = self.read(&INPUT_KEYS, None, f64::INFINITY)?.take_inputs();
        } else {
            standing.inputs = self.reader(&Recent::new(0)).inputs(&names)?;
        }
        Ok(standing)
    }

    /// What phones sensed and wrote from `from_ts` to `to_ts`.
    fn observations(&self, from_ts: Option<f64>, to_ts: f64) -> Result<Observations, Error> {
        self.read(&SENSED, from_ts, to_ts)
    }

    fn read(&self, keys: &[&str], from_ts: Option<f64>, to_ts: f64) -> Result<Observations, Error> {
        let times = (from_ts.unwrap_or(f64::NEG_INFINITY), to_ts);
        Ok(observed(&self.store.read(self.user, keys, times, usize::MAX)?, |_| true))
    }

    fn reader<'b>(&'b self, recent: &'b Recent) -> Reader<'b> {
        Reader { store: self.store, user: self.user, recent }
    }

    /// The first write time behind `ts` of anything that was sensed.
    fn next_sensed_ts(&self, ts: f64) -> Result<Option<f64>, Error> {
        let from = if ts > f64::NEG_INFINITY { ts.next_up() } else { ts };
        Ok(self.store.read(self.user, &SENSED, (from, f64::INFINITY), 1)?.first_write_ts())
    }

    fn summarize(&mut self, chapters: &[Chapter]) {
        let summary = &mut self.state.summary;
        let kept = || chapters.iter().flat_map(|chapter| &chapter.legs).filter_map(|leg| leg.cleaned.as_ref());
        if self.from == ChapterKey::FIRST || summary.start_ts.is_none() {
            summary.start_ts = kept().next().map(|cleaned| cleaned.start.ts());
        }
        let before = chapters.first().and_then(|chapter| chapter.opening.cleaned_place.enter_ts());
        summary.end_ts = kept().next_back().map(|cleaned| cleaned.end.ts()).or(before);
        for chapter in chapters {
            let counts = Counts::of(&Outline::of(chapter));
            summary.trips += counts.trips;
            summary.labelled_trips += counts.labelled;
        }
    }

    /// Puts each input into the chapter of its time.
    fn add_inputs(&mut self, inputs: Vec<Input>) -> Result<(), Error> {
        let mut shares: BTreeMap<ChapterKey, Vec<Input>> = BTreeMap::new();
        let mut entered = HashMap::new();
        for input in inputs {
            let key = self.key_at(input.start_ts, &mut entered)?;
            shares.entry(key).or_default().push(input);
        }
        for (key, share) in shares {
            let Some(mut chapter) = self.chapter(key)? else { continue };
            let before = Counts::of(&Outline::of(&chapter)).labelled;
            chapter.add_inputs(share);
            let after = Counts::of(&Outline::of(&chapter)).labelled;
            self.state.summary.labelled_trips += after.saturating_sub(before);
            self.chapters.insert(key, chapter);
        }
        Ok(())
    }

    /// Where the chapter stands that has the inputs of a time: the last one whose place was entered before.
    fn key_at(&self, ts: f64, entered: &mut HashMap<ChapterKey, f64>) -> Result<ChapterKey, Error> {
        // The chapter whose first fix comes before, or the next one: its place was entered before its first fix.
        let mut stored = ChapterKey::FIRST;
        let mut seen = 0;
        self.store.chapters(self.user, ChapterKey::at(ts, f64::INFINITY), &mut |key, bytes| {
            let entered_ts = *entered.entry(key).or_insert_with(|| {
                KeptChapter::unpack(bytes).map_or(f64::INFINITY, |it| it.outline.opening.inputs_from_ts())
            });
            if key < self.from && (seen == 0 || entered_ts <= ts) {
                stored = key;
            }
            seen += 1;
            if seen < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let is_before = |(_, chapter): &(&ChapterKey, &Chapter)| chapter.opening.inputs_from_ts() <= ts;
        let changed = self.chapters.iter().rev().find(is_before);
        Ok(changed.map_or(stored, |(key, _)| stored.max(*key)))
    }

    /// The chapter at `key`, as it was changed or as it is stored. Before anything was written there is a first one.
    fn chapter(&self, key: ChapterKey) -> Result<Option<Chapter>, Error> {
        if let Some(chapter) = self.chapters.get(&key) {
            return Ok(Some(chapter.clone()));
        }
        let mut record = None;
        self.store.chapters(self.user, key, &mut |at, bytes| {
            record = KeptChapter::unpack(bytes).filter(|_| at == key);
            ControlFlow::Break(())
        })?;
        if let Some(record) = record {
            let chapters = self.reader(&Recent::new(0)).chapters(&[(key, record)])?;
            return Ok(chapters.into_iter().next().map(Arc::unwrap_or_clone));
        }
        // Nothing that was sensed so far is part of it.
        let first = || Chapter { needs_until_write_ts: f64::NEG_INFINITY, ..Chapter::empty(Opening::first()) };
        Ok((key == ChapterKey::FIRST).then(first))
    }

    /// Makes the change so far, and goes on from there. Entries are taken in when all is done.
    fn commit_part(&mut self) -> Result<(), Error> {
        let change = self.rewrite(None);
        self.store.rewrite(self.user, &change)?;
        self.from = ChapterKey::END;
        self.chapters.clear();
        self.watch.ended(Stage::Keep);
        Ok(())
    }

    /// Makes the change; returns how long its stages took.
    fn commit(mut self, taken: Option<Taken>) -> Result<StageTimes, Error> {
        self.store.rewrite(self.user, &self.rewrite(taken))?;
        self.watch.ended(Stage::Keep);
        Ok(self.watch.took())
    }

    fn rewrite(&self, taken: Option<Taken>) -> Rewrite {
        let chapters = self.chapters.iter().map(|(key, chapter)| (*key, KeptChapter::pack(chapter))).collect();
        Rewrite { from: self.from, chapters, taken, state: self.state.bytes() }
    }
}
