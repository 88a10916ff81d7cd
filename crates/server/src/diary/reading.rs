//! Reading diaries: chapters are found again from their outlines and the entries.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use rushhour_model::entry::key;
use rushhour_model::ids::UserId;
use rushhour_model::stored::observe::INPUT_KEYS;
use rushhour_pipeline::chapter::{Chapter, Opening};
use rushhour_pipeline::input::Input;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::outline::{Outline, Reference, rebuild};
use rushhour_pipeline::timeline::Day;
use rushhour_store::{ChapterKey, EntryRef, Error, Query, Reading, Store, TimeField};

use crate::diary::kept::KeptChapter;
use crate::diary::recent::Recent;

/// What the stages read, beside inputs.
pub(super) const SENSED: [&str; 4] = [key::FILTERED_LOCATION, key::MOTION_ACTIVITY, key::ACTIVITY, key::TRANSITION];
/// How much later than its fixes a chapter may have been written, or earlier by a phone that is ahead of itself.
const WRITE_LAG_S_MAX: f64 = 86_400.0;
/// A trip may be led back to so long before its place was entered.
const EARLIER_S_MAX: f64 = 60.0;
/// So many chapters are found again at a time, about those of a month, so that memory does not grow with the question.
const REBUILT_MAX: usize = 128;

/// A stretch of a diary as it is kept.
pub(super) struct Stretch {
    kept: Vec<(ChapterKey, KeptChapter)>,
    /// Those that were asked for. Those behind them tell how the last place was left.
    asked: Range<usize>,
}

/// The chapters of a stretch, by what is known of them without their legs.
#[derive(Clone, Copy)]
struct Bounds {
    /// The last chapter before this time is the first one.
    from: f64,
    /// The last one has its first fix until then,
    to: f64,
    /// or entered its place until then.
    entered_to: f64,
}

impl Stretch {
    /// The chapters with the documents that are asked for.
    pub(super) fn of_query(store: &Store, user: UserId, query: &Query) -> Result<Self, Error> {
        let (from, to) = (query.from.unwrap_or(f64::NEG_INFINITY), query.to.unwrap_or(f64::INFINITY));
        let path: Vec<&str> = match &query.field {
            TimeField::WriteTs => return Self::between(store, user, from - WRITE_LAG_S_MAX, to + WRITE_LAG_S_MAX),
            TimeField::Path(path) => path.iter().map(String::as_str).collect(),
            TimeField::Local(_) => Vec::new(),
        };
        // What ends, ends at a fix of its chapter.
        let ends = Bounds { from, to, entered_to: f64::NEG_INFINITY };
        match path.as_slice() {
            ["data", "ts" | "start_ts"] => Self::between(store, user, from, to),
            ["data", "end_ts" | "enter_ts"] => Self::within(store, user, ends),
            // A place is left in another chapter than the one that entered it.
            ["data", "exit_ts"] => Self::read(store, user, ends)?.since_its_place(store, user, ends),
            // Nothing else tells which part of the diary it is in.
            _ => Self::between(store, user, f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// The chapters of the time between `from` and `to`.
    pub(super) fn between(store: &Store, user: UserId, from: f64, to: f64) -> Result<Self, Error> {
        // Untracked time starts when its place was entered, long before the first fix of its chapter.
        Self::within(store, user, Bounds { from, to, entered_to: to + EARLIER_S_MAX })
    }

    /// The chapters within these bounds. Fixes follow each other in time, so what is in a chapter is of the time between
    /// when its place was entered and the first fix of the next one.
    fn within(store: &Store, user: UserId, bounds: Bounds) -> Result<Self, Error> {
        let stretch = Self::read(store, user, bounds)?;
        let has_swallowed = stretch.opening().is_some_and(Opening::has_swallowed);
        if has_swallowed { stretch.since_its_place(store, user, bounds) } else { Ok(stretch) }
    }

    fn opening(&self) -> Option<&Opening> {
        self.kept.first().map(|(_, it)| &it.outline.opening)
    }

    /// The same with the chapter that entered the first place, and those between.
    fn since_its_place(self, store: &Store, user: UserId, bounds: Bounds) -> Result<Self, Error> {
        match self.opening().and_then(|opening| opening.cleaned_place.enter_ts()) {
            Some(enter_ts) => Self::read(store, user, Bounds { from: enter_ts, ..bounds }),
            None => Ok(self),
        }
    }

    fn read(store: &Store, user: UserId, bounds: Bounds) -> Result<Self, Error> {
        let Bounds { from, to, entered_to } = bounds;
        let mut kept: Vec<(ChapterKey, KeptChapter)> = Vec::new();
        let mut asked = 0;
        let first = ChapterKey::at(from.next_down(), f64::INFINITY);
        let last = ChapterKey::at(to, f64::INFINITY);
        store.chapters(user, first, &mut |key, bytes| {
            let Some(it) = KeptChapter::unpack(bytes) else { return ControlFlow::Continue(()) };
            let outline = &it.outline;
            let is_within = key <= last || outline.opening.inputs_from_ts() <= entered_to;
            let is_asked = asked == kept.len() && is_within;
            let is_enough = !is_asked && !outline.kept.is_empty();
            asked += usize::from(is_asked);
            kept.push((key, it));
            if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(Self { kept, asked: 0..asked })
    }

    /// Only the chapters with the trips of a day.
    pub(super) fn of_day(mut self, day: Day) -> Self {
        let has_trip = |(_, it): &(ChapterKey, KeptChapter)| it.outline.has_trip_on(day);
        let (Some(mut first), Some(last)) = (self.kept.iter().position(has_trip), self.kept.iter().rposition(has_trip))
        else {
            return Self { kept: Vec::new(), asked: 0..0 };
        };
        while first > 0 && self.kept.get(first).is_some_and(|(_, it)| it.outline.opening.has_swallowed()) {
            first -= 1;
        }
        let mut behind = self.kept.iter().skip(last + 1);
        let following = behind.position(|(_, it)| !it.outline.kept.is_empty());
        self.kept.truncate(following.map_or(usize::MAX, |following| last + 2 + following));
        self.kept.drain(..first);
        Self { kept: self.kept, asked: 0..last + 1 - first }
    }
}

type Chapters = Vec<Arc<Chapter>>;

/// A chapter that was found again.
struct Again {
    chapter: Arc<Chapter>,
    /// Whether it is the one that was written.
    is_same: bool,
}

/// Reads a user's chapters.
pub(super) struct Reader<'a> {
    pub(super) store: &'a Store,
    pub(super) user: UserId,
    pub(super) recent: &'a Recent,
}

impl Reader<'_> {
    /// The chapters that were asked for, and those behind them.
    pub(super) fn read(&self, stretch: &Stretch) -> Result<(Chapters, Chapters), Error> {
        let mut chapters = self.chapters(&stretch.kept)?;
        let following = chapters.split_off(stretch.asked.end.min(chapters.len()));
        Ok((chapters, following))
    }

    /// The same for who asks for nothing of raw places: what is to be known of the chapter behind is mostly kept.
    pub(super) fn read_cleaned(&self, stretch: &Stretch) -> Result<(Chapters, Chapters), Error> {
        let (asked, behind) = stretch.kept.split_at(stretch.asked.end.min(stretch.kept.len()));
        let [(key, next)] = behind else { return self.read(stretch) };
        if self.recent.get(&(self.user, *key, next.digest)).is_some() {
            return self.read(stretch);
        }
        let said = self.inputs(&next.outline.said_about_places())?;
        let Some(leaving) = next.outline.leaving_chapter(said) else { return self.read(stretch) };
        Ok((self.chapters(asked)?, vec![Arc::new(leaving)]))
    }

    /// The chapters of `kept`, which follow each other.
    pub(super) fn chapters(&self, kept: &[(ChapterKey, KeptChapter)]) -> Result<Chapters, Error> {
        let mut chapters = Vec::with_capacity(kept.len());
        let mut rest = kept;
        while let Some(((key, it), behind)) = rest.split_first() {
            if let Some(chapter) = self.recent.get(&(self.user, *key, it.digest)) {
                chapters.push(chapter);
                rest = behind;
                continue;
            }
            let is_known =
                |(key, it): &(ChapterKey, KeptChapter)| self.recent.get(&(self.user, *key, it.digest)).is_some();
            let unknown = 1 + behind.iter().take(REBUILT_MAX - 1).take_while(|it| !is_known(it)).count();
            let (group, behind) = rest.split_at(unknown);
            for (again, (key, it)) in self.rebuild(group)?.into_iter().zip(group) {
                if again.is_same {
                    self.recent.put((self.user, *key, it.digest), Arc::clone(&again.chapter));
                }
                chapters.push(again.chapter);
            }
            rest = behind;
        }
        Ok(chapters)
    }

    /// Finds chapters again. Entries that came since they were written change nothing before they are taken in: where
    /// what all entries tell is not what was written, those that were taken in are asked alone.
    fn rebuild(&self, group: &[(ChapterKey, KeptChapter)]) -> Result<Vec<Again>, Error> {
        let outlines: Vec<Outline> = group.iter().map(|(_, it)| it.outline.clone()).collect();
        let start = outlines.first().and_then(|outline| outline.opening.start);
        let until = outlines.iter().map(|outline| outline.needs_until_write_ts).fold(f64::NEG_INFINITY, f64::max);
        let mut keys = vec![key::FILTERED_LOCATION];
        if outlines.iter().any(|outline| !outline.inputs.is_empty()) {
            keys.extend(INPUT_KEYS);
        }
        let from = start.map_or(f64::NEG_INFINITY, |start| start.needs_from_write_ts);
        let found = self.store.read(self.user, &keys, (from, until), usize::MAX)?;
        let names: Vec<Reference> = outlines.iter().flat_map(|outline| outline.inputs.iter().copied()).collect();
        let rebuilt = |is_asked: fn(&EntryRef<'_>) -> bool| -> Result<Vec<Again>, Error> {
            let mut observations = observed(&found, is_asked);
            let inputs = self.add_inputs(&names, observations.take_inputs())?;
            let chapters = rebuild(self.user, &outlines, observations, &inputs).into_iter().zip(group);
            let again = |(chapter, (_, it)): (Chapter, &(ChapterKey, KeptChapter))| Again {
                is_same: it.is_of(&chapter),
                chapter: Arc::new(chapter),
            };
            Ok(chapters.map(again).collect())
        };
        let all = rebuilt(|_| true)?;
        if all.iter().all(|again| again.is_same) {
            return Ok(all);
        }
        let mut is_all_taken = true;
        found.for_each(|entry| is_all_taken &= entry.is_taken());
        if is_all_taken {
            return Ok(all);
        }
        let taken = rebuilt(|entry| entry.is_taken())?;
        Ok(if taken.iter().all(|again| again.is_same) { taken } else { all })
    }

    /// The inputs of these names.
    pub(super) fn inputs(&self, names: &[Reference]) -> Result<Vec<Input>, Error> {
        let mut inputs = self.add_inputs(names, Vec::new())?;
        inputs.retain(|input| names.iter().any(|name| name.is(input)));
        Ok(inputs)
    }

    /// Adds those of `names` that are not yet among `inputs`.
    fn add_inputs(&self, names: &[Reference], mut inputs: Vec<Input>) -> Result<Vec<Input>, Error> {
        let is_missing = |name: &&Reference| !inputs.iter().any(|input| name.is(input));
        let times = || names.iter().filter(is_missing).map(|name| name.write_ts);
        let (from, to) = (times().fold(f64::INFINITY, f64::min), times().fold(f64::NEG_INFINITY, f64::max));
        if from <= to {
            let found = self.store.read(self.user, &INPUT_KEYS, (from, to), usize::MAX)?;
            inputs.extend(observed(&found, |_| true).take_inputs());
        }
        Ok(inputs)
    }
}

/// What those of the entries tell that are asked.
pub(super) fn observed(found: &Reading, is_asked: fn(&EntryRef<'_>) -> bool) -> Observations {
    let mut observations = Observations::with_room(found.len() / 2);
    found.for_each(|entry| {
        if is_asked(&entry) {
            // What cannot be read was rejected when it came.
            let _ = observe(&mut observations, &entry);
        }
    });
    observations
}

/// Adds what an entry tells. A glance is enough for most.
///
/// # Errors
/// When it cannot be read.
pub(super) fn observe(observations: &mut Observations, entry: &EntryRef<'_>) -> Result<(), serde_json::Error> {
    match entry.glance() {
        Some(observed) => observations.push_observed(entry.identity(), observed),
        None => observations.push(entry.id(), entry.read()?),
    }
    Ok(())
}
