//! Chapters: a person's diary is written from the first leg to the last, and what later entries cannot change is closed.
//!
//! A chapter opens with all that must be known of what came before, and so the diary can be taken up again at any of
//! them: with every entry from there on, the chapters from there on come out the same, however often and in whatever
//! portions the entries arrived. The last chapter is never closed.

use std::collections::HashSet;

use rushhour_model::extended_json::ObjectId;
use serde::{Deserialize, Serialize};

use crate::input::Input;
use crate::keys::RAW_PLACE;
use crate::leg::Leg;
use crate::legs::{Draft, lead_to_place};
use crate::observations::{Filter, Observations};
use crate::place::OpenPlace;

/// Where a chapter starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// The first fix of the chapter; `None` for the first chapter, which starts with the first there is.
    pub start: Option<Start>,
    /// The place where the last leg ended.
    pub place: OpenPlace,
    /// The place where the last cleaned leg ended. It swallows places between which nobody moved.
    pub cleaned_place: OpenPlace,
    /// The raw places that it has swallowed so far, by their ids.
    pub raw_places: Vec<ObjectId>,
}

/// The first fix of a chapter, and what may still change the chapter before it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// When it was taken, in seconds since 1970.
    pub ts: f64,
    /// When the phone wrote it, in seconds since 1970.
    pub write_ts: f64,
    /// Entries written earlier are not needed for this chapter.
    pub needs_from_write_ts: f64,
    /// Activities and transitions up to this time belong to the chapter before.
    pub settled_ts: f64,
    /// Which rule sampled it.
    pub(crate) filter: Filter,
}

/// A stretch of a diary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// What came before.
    pub opening: Opening,
    /// Entries written later are not needed for this chapter; infinite of the last one, which is not closed.
    pub needs_until_write_ts: f64,
    /// The legs in order. All that nobody made have no [`Leg::cleaned`].
    pub legs: Vec<Leg>,
    /// What the person said about what happened in this time.
    pub inputs: Vec<Input>,
}

impl Opening {
    /// The opening of a diary.
    pub fn first() -> Self {
        Self { start: None, place: OpenPlace::Unknown, cleaned_place: OpenPlace::Unknown, raw_places: Vec::new() }
    }

    /// From when on what people say belongs to this chapter, in seconds since 1970.
    pub fn inputs_from_ts(&self) -> f64 {
        self.place.enter_ts().unwrap_or(f64::NEG_INFINITY)
    }

    /// Whether the place has swallowed others: what was said about it may belong to earlier chapters.
    pub fn has_swallowed(&self) -> bool {
        self.cleaned_place != self.place
    }

    /// The leg of a draft as it is told, and what comes behind it opens with its place. A leg that is not kept leaves nothing,
    /// one that is starts at the place that has swallowed those.
    pub(crate) fn pass(&mut self, draft: Draft, is_kept: bool) -> Leg {
        let Draft { mut leg, from, leads_to, .. } = draft;
        if self.raw_places.is_empty() {
            self.cleaned_place = from.clone();
            self.raw_places.push(from.id(RAW_PLACE));
        }
        if is_kept {
            let place = self.cleaned_place.touch().filter(|there| from.at() != Some(there.spot.at));
            if let (Some(cleaned), Some(place)) = (&mut leg.cleaned, place) {
                lead_to_place(cleaned, place);
            }
            self.raw_places = vec![leads_to.id(RAW_PLACE)];
            self.cleaned_place = leads_to.clone();
        } else {
            leg.cleaned = None;
            self.raw_places.push(from.id(RAW_PLACE));
        }
        self.place = leads_to;
        leg
    }

    /// Whether all of `news` came too late to change what came before.
    pub fn stands(&self, news: &News) -> bool {
        self.start.is_none_or(|start| {
            news.fix_write_ts > start.write_ts
                && news.step_ts > start.settled_ts
                && news.motion_write_ts >= start.needs_from_write_ts
        })
    }
}

/// How far back new entries reach, in seconds since 1970; infinite where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// The earliest write time of a fix.
    pub fix_write_ts: f64,
    /// The earliest time of an activity or a transition.
    pub step_ts: f64,
    /// The earliest write time of an activity.
    pub motion_write_ts: f64,
}

impl News {
    /// Everything.
    pub const ALL: Self =
        Self { fix_write_ts: f64::NEG_INFINITY, step_ts: f64::NEG_INFINITY, motion_write_ts: f64::NEG_INFINITY };

    /// Whether there is anything that trips are found by.
    pub fn is_any(&self) -> bool {
        self.fix_write_ts < f64::INFINITY || self.step_ts < f64::INFINITY
    }

    /// How far back both reach.
    pub fn and(self, other: Self) -> Self {
        Self {
            fix_write_ts: self.fix_write_ts.min(other.fix_write_ts),
            step_ts: self.step_ts.min(other.step_ts),
            motion_write_ts: self.motion_write_ts.min(other.motion_write_ts),
        }
    }
}

impl Chapter {
    /// A chapter in which nothing has happened yet.
    pub fn empty(opening: Opening) -> Self {
        Self { opening, needs_until_write_ts: f64::INFINITY, legs: Vec::new(), inputs: Vec::new() }
    }

    /// Adds inputs; the later of two with one identity stays.
    pub fn add_inputs(&mut self, inputs: impl IntoIterator<Item = Input>) {
        self.inputs.extend(inputs);
        let mut seen = HashSet::new();
        self.inputs.reverse();
        self.inputs.retain(|input| seen.insert(input.id));
        self.inputs.sort_by(|one, other| one.start_ts.total_cmp(&other.start_ts).then(one.id.cmp(&other.id)));
    }
}

impl Observations {
    /// The inputs among them.
    pub fn take_inputs(&mut self) -> Vec<Input> {
        std::mem::take(&mut self.inputs)
    }

    /// How far back these reach.
    pub fn news(&self) -> News {
        let earliest = |times: &mut dyn Iterator<Item = f64>| times.fold(f64::INFINITY, f64::min);
        let motions = self.motions.iter().map(|(motion, _)| motion.ts);
        News {
            fix_write_ts: earliest(&mut self.fixes.iter().map(|fix| fix.write_ts)),
            step_ts: earliest(&mut motions.chain(self.transitions.iter().map(|step| step.ts))),
            motion_write_ts: earliest(&mut self.motions.iter().map(|(_, write_ts)| *write_ts)),
        }
    }
}
