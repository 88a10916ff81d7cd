//! Writing a diary: from entries to chapters.

use rushhour_model::ids::UserId;

use crate::chapter::{Chapter, Opening, Start};
use crate::inference::infer;
use crate::input::Input;
use crate::labels::Model;
use crate::leg::{Cleaned, Leg};
use crate::legs::{Draft, Plan, legs};
use crate::observations::Observations;
use crate::place::OpenPlace;
use crate::transit::Stops;
use crate::trips::{Method, segment};

/// iOS tells of a visit up to this long after a trip, in seconds; until then a trip may still become one.
const VISIT_S_MAX: f64 = 300.0;
/// A chapter ends after so many legs even if none of them was a trip that somebody made.
const LEGS_MAX: usize = 32;
/// Untracked time is swallowed by its place if the next leg starts within this, in metres.
const SAME_PLACE_M: f64 = 100.0;

/// What a diary is written with, beside the entries.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Whose diary it is.
    pub user: UserId,
    /// Stops of public transport.
    pub stops: &'a Stops,
    /// What the person's labels have taught.
    pub model: &'a Model,
}

/// A part of writing a diary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Finding where trips begin and end.
    Segmentation,
    /// Finding their sections, smoothing and resampling them.
    Sections,
    /// Finding modes, labels and places, and putting everything into chapters.
    Inference,
}

/// Writes the diary from `opening` on: `observations` are all entries from [`Start::needs_from_write_ts`] on, `inputs`
/// all that the person said about the time from [`Opening::inputs_from_ts`] on. There is always a last chapter, which
/// later entries go on writing.
pub fn write(
    observations: Observations,
    inputs: Vec<Input>,
    opening: Opening,
    settings: &Settings<'_>,
) -> Vec<Chapter> {
    write_by_stage(observations, inputs, opening, settings, &mut |_| {})
}

/// [`write()`] for somebody who is told when each stage has `ended`.
pub fn write_by_stage(
    mut observations: Observations,
    inputs: Vec<Input>,
    opening: Opening,
    settings: &Settings<'_>,
    ended: &mut dyn FnMut(Stage),
) -> Vec<Chapter> {
    let first_row = prepare(&mut observations, &opening);
    let cuts = segment(&observations, first_row);
    ended(Stage::Segmentation);
    let mut cuts = cuts.into_iter();
    let next_plan = |place: &OpenPlace| cuts.find_map(|cut| Plan::sensed(&observations, cut, place));
    let drafts = legs(&observations.fixes, settings.user, &opening.place, next_plan);
    ended(Stage::Sections);
    let fates = fates(&drafts);
    let mut pen = Pen::new(opening, &observations, first_row);
    for (draft, is_kept) in drafts.into_iter().zip(fates) {
        pen.add(draft, is_kept, settings);
    }
    let mut chapters = pen.finish();
    distribute(inputs, &mut chapters);
    ended(Stage::Inference);
    chapters
}

/// Sorts the rows, leaves out fixes that are older than one before them, and finds the first row of the chapter. The rows
/// before it, from where its place was entered, tell how its first trip left the place.
pub(crate) fn prepare(observations: &mut Observations, opening: &Opening) -> usize {
    observations.sort();
    let fixes = &mut observations.fixes;
    let first = fixes.iter().find_map(|fix| fix.filter);
    let mut filter = opening.start.map(|start| start.filter).or(first);
    let mut last_ts = opening.place.enter_ts().unwrap_or(f64::NEG_INFINITY);
    fixes.retain_mut(|fix| {
        let is_next = fix.ts >= last_ts;
        if is_next {
            last_ts = fix.ts;
            filter = fix.filter.or(filter);
            fix.filter = filter;
        }
        is_next
    });
    opening.start.map_or(0, |start| fixes.partition_point(|fix| fix.write_ts < start.write_ts))
}

/// Which legs are kept: trips that somebody made, and untracked time that leads anywhere.
fn fates(drafts: &[Draft]) -> Vec<bool> {
    let mut fates: Vec<bool> = drafts.iter().map(|draft| draft.leg.cleaned.is_some()).collect();
    let mut next: Option<&Cleaned> = None;
    for (draft, is_kept) in drafts.iter().zip(&mut fates).rev() {
        let Some(cleaned) = &draft.leg.cleaned else { continue };
        if !draft.leg.is_tracked {
            *is_kept = next.is_some_and(|next| cleaned.start.at.distance_m(next.start.at) > SAME_PLACE_M);
        }
        next = Some(cleaned);
    }
    fates
}

/// Each input goes to the chapter of its time.
fn distribute(inputs: Vec<Input>, chapters: &mut [Chapter]) {
    let mut shares: Vec<Vec<Input>> = chapters.iter().map(|_| Vec::new()).collect();
    for input in inputs {
        let place = chapters.partition_point(|chapter| chapter.opening.inputs_from_ts() <= input.start_ts);
        if let Some(share) = shares.get_mut(place.saturating_sub(1)) {
            share.push(input);
        }
    }
    for (chapter, share) in chapters.iter_mut().zip(shares) {
        chapter.add_inputs(share);
    }
}

/// Writes chapter by chapter.
struct Pen<'a> {
    observations: &'a Observations,
    /// For each activity, the earliest write time among it and all later ones.
    motions_need: Vec<f64>,
    /// For each activity, the latest write time among it and all earlier ones.
    motions_need_until: Vec<f64>,
    chapters: Vec<Chapter>,
    chapter: Chapter,
    /// Where its first fix is.
    first_row: usize,
    /// What the next chapter would open with.
    now: Opening,
    /// Activities and transitions up to this time may still change what is written.
    settled_ts: f64,
    /// Whether there is untracked time of which nobody knows yet whether it leads anywhere.
    is_pending: bool,
}

impl<'a> Pen<'a> {
    fn new(opening: Opening, observations: &'a Observations, first_row: usize) -> Self {
        let mut earliest = f64::INFINITY;
        let mut motions_need: Vec<f64> = observations
            .motions
            .iter()
            .rev()
            .map(|(_, write_ts)| {
                earliest = earliest.min(*write_ts);
                earliest
            })
            .collect();
        motions_need.reverse();
        let mut latest = f64::NEG_INFINITY;
        let write_times = observations.motions.iter().map(|(_, write_ts)| *write_ts);
        let motions_need_until = write_times.map(|write_ts| {
            latest = latest.max(write_ts);
            latest
        });
        let motions_need_until = motions_need_until.collect();
        let chapter = Chapter::empty(opening.clone());
        let settled_ts = opening.start.map_or(f64::NEG_INFINITY, |start| start.settled_ts);
        Self {
            observations,
            motions_need,
            motions_need_until,
            chapters: Vec::new(),
            chapter,
            first_row,
            now: opening,
            settled_ts,
            is_pending: false,
        }
    }

    fn add(&mut self, draft: Draft, is_kept: bool, settings: &Settings<'_>) {
        let next = draft.next;
        let mut leg = self.now.pass(draft, is_kept);
        finish_leg(&mut leg, settings);
        self.is_pending = !is_kept && (self.is_pending || !leg.is_tracked);
        let is_full = is_kept && leg.is_tracked || self.chapter.legs.len() + 1 >= LEGS_MAX;
        // What is seen of a visit until then may still make a trip of the leg.
        let visit_s = if leg.method == Method::DistanceFilter { VISIT_S_MAX } else { 0.0 };
        self.settled_ts = self.settled_ts.max(leg.end.ts() + visit_s);
        self.chapter.legs.push(leg.counted_from(self.first_row));
        if let Some(row) = next.filter(|_| is_full && !self.is_pending) {
            self.first_row = row;
            self.now.start = self.start(row);
            self.chapter.needs_until_write_ts = self.needs_until();
            let next = Chapter::empty(self.now.clone());
            self.chapters.push(std::mem::replace(&mut self.chapter, next));
        }
    }

    /// What a chapter needs that starts with the fix in `row`.
    fn start(&self, row: usize) -> Option<Start> {
        let fixes = &self.observations.fixes;
        let fix = fixes.get(row)?;
        let entered_ts = self.now.place.enter_ts().unwrap_or(fix.ts);
        let entered = fixes.partition_point(|other| other.ts < entered_ts);
        let motion = self.observations.motions.partition_point(|(motion, _)| motion.ts < fix.ts);
        let needs =
            [Some(entered_ts), fixes.get(entered).map(|fix| fix.write_ts), self.motions_need.get(motion).copied()];
        Some(Start {
            ts: fix.ts,
            write_ts: fix.write_ts,
            needs_from_write_ts: needs.into_iter().flatten().fold(fix.write_ts, f64::min),
            settled_ts: self.settled_ts.max(fix.ts),
            filter: fix.filter?,
        })
    }

    /// When the last entry was written that may have changed a chapter before the next one's start.
    fn needs_until(&self) -> f64 {
        let Some(start) = self.now.start else { return f64::INFINITY };
        let settled = self.observations.motions.partition_point(|(motion, _)| motion.ts <= start.settled_ts);
        let motions_need = settled.checked_sub(1).and_then(|last| self.motions_need_until.get(last)).copied();
        // A transition is written when it happens.
        start.write_ts.max(start.settled_ts).max(motions_need.unwrap_or(f64::NEG_INFINITY))
    }

    fn finish(mut self) -> Vec<Chapter> {
        self.chapters.push(self.chapter);
        self.chapters
    }
}

/// Tells the modes and labels of a leg that was kept.
fn finish_leg(leg: &mut Leg, settings: &Settings<'_>) {
    let Some(cleaned) = &mut leg.cleaned else { return };
    for section in &mut cleaned.sections {
        section.mode = infer(section, settings.stops);
    }
    if leg.is_tracked {
        cleaned.labels = settings.model.predict(cleaned.start.at, cleaned.end.at);
    }
}
