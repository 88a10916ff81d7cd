//! Stays: the places of a stretch of a diary, each with the leg that leaves it.

use std::borrow::Borrow;

use rushhour_model::extended_json::ObjectId;

use crate::chapter::Chapter;
use crate::input::Input;
use crate::keys::RAW_PLACE;
use crate::leg::{Cleaned, Leg};
use crate::place::{OpenPlace, Touch};

/// A place before cleaning.
pub(crate) struct RawStay<'a> {
    pub(crate) place: OpenPlace,
    /// The leg that leaves it.
    pub(crate) leaves: Option<&'a Leg>,
    /// Whether it belongs to the chapters that are shown, not to those around them.
    pub(crate) is_ours: bool,
}

/// A place after cleaning.
pub(crate) struct CleanStay<'a> {
    pub(crate) place: OpenPlace,
    /// The places before cleaning that it swallowed.
    pub(crate) raw_places: Vec<ObjectId>,
    /// The leg that leaves it.
    pub(crate) leaves: Option<&'a Leg>,
    /// Whether it belongs to the chapters that are shown, not to those around them.
    pub(crate) is_ours: bool,
    /// What was said around the time of the stay and of the leg that leaves it.
    pub(crate) inputs: Vec<&'a Input>,
}

impl CleanStay<'_> {
    /// When it was left, in seconds since 1970.
    pub(crate) fn exit_ts(&self) -> Option<f64> {
        self.leaves.and_then(|leg| leg.cleaned.as_ref()).map(|cleaned| cleaned.start.ts())
    }
}

/// A leg that was kept, between its places.
pub(crate) struct Kept<'a> {
    pub(crate) leg: &'a Leg,
    pub(crate) cleaned: &'a Cleaned,
    pub(crate) from: &'a CleanStay<'a>,
    pub(crate) to: &'a CleanStay<'a>,
    pub(crate) is_ours: bool,
}

impl<'a> Kept<'a> {
    pub(crate) fn between(pair: &'a [CleanStay<'a>]) -> Option<Self> {
        let [from, to] = pair else { return None };
        let leg = from.leaves?;
        // A place that a leg enters belongs to the chapter of the leg.
        Some(Self { leg, cleaned: leg.cleaned.as_ref()?, from, to, is_ours: to.is_ours })
    }
}

/// The places of some chapters, in order.
pub(crate) struct Stays<'a> {
    pub(crate) raw: Vec<RawStay<'a>>,
    pub(crate) clean: Vec<CleanStay<'a>>,
}

impl<'a> Stays<'a> {
    /// The places of `chapters`, and of those of `following` that are needed to tell how the last ones were left.
    pub(crate) fn of<C: Borrow<Chapter>>(chapters: &'a [C], following: &'a [C]) -> Self {
        let mut stays = Self { raw: Vec::new(), clean: Vec::new() };
        let Some(first) = chapters.iter().chain(following).flat_map(|chapter| &chapter.borrow().legs).next() else {
            return stays;
        };
        let Some(opening) = chapters.first().map(|chapter| &chapter.borrow().opening) else { return stays };
        let is_ours =
            opening.place == OpenPlace::Unknown && chapters.iter().any(|chapter| !chapter.borrow().legs.is_empty());
        let place = |known: &OpenPlace| match known {
            OpenPlace::Unknown => OpenPlace::Left(Touch::of(first, &first.start, 0.0)),
            known => known.clone(),
        };
        let (raw, clean) = (place(&opening.place), place(&opening.cleaned_place));
        let raw_places =
            if opening.raw_places.is_empty() { vec![raw.id(RAW_PLACE)] } else { opening.raw_places.clone() };
        stays.raw.push(RawStay { place: raw, leaves: None, is_ours });
        stays.clean.push(CleanStay { place: clean, raw_places, leaves: None, is_ours, inputs: Vec::new() });
        stays.add_all(chapters, true);
        stays.add_all(following, false);
        stays
    }

    fn add_all<C: Borrow<Chapter>>(&mut self, chapters: &'a [C], is_ours: bool) {
        for chapter in chapters.iter().map(Borrow::borrow) {
            if let Some(stay) = self.clean.last_mut() {
                stay.inputs.extend(&chapter.inputs);
            }
            for leg in &chapter.legs {
                self.add(leg, &chapter.inputs, is_ours);
            }
        }
    }

    fn add(&mut self, leg: &'a Leg, inputs: &'a [Input], is_ours: bool) {
        let (Some(raw), Some(clean)) = (self.raw.last_mut(), self.clean.last_mut()) else { return };
        raw.leaves = Some(leg);
        clean.raw_places.push(raw.place.id(RAW_PLACE));
        let next = OpenPlace::Entered(Touch::of(leg, &leg.end, 0.0));
        if leg.cleaned.is_some() {
            clean.leaves = Some(leg);
            self.clean.push(CleanStay {
                place: next.clone(),
                raw_places: vec![next.id(RAW_PLACE)],
                leaves: None,
                is_ours,
                inputs: inputs.iter().collect(),
            });
        }
        self.raw.push(RawStay { place: next, leaves: None, is_ours });
    }

    /// The legs that are shown, each with the places around it.
    pub(crate) fn raw_legs(&'a self) -> impl Iterator<Item = (&'a Leg, &'a RawStay<'a>, &'a RawStay<'a>)> {
        let pairs = self.raw.iter().zip(self.raw.iter().skip(1)).filter(|(_, to)| to.is_ours);
        pairs.filter_map(|(from, to)| Some((from.leaves?, from, to)))
    }

    /// The legs that were kept, with their places.
    pub(crate) fn kept_legs(&'a self) -> impl Iterator<Item = Kept<'a>> {
        self.clean.windows(2).filter_map(Kept::between)
    }
}
