//! Outlines: what is kept of a chapter. Where its trips and their sections start and end is kept, and so are their modes and
//! labels and which inputs belong to it; the ways between follow from the fixes alone, so they are found again when
//! somebody asks, without the activities and transitions by which all that was found.

mod leaving;
mod packed;
mod sketch;

use rushhour_model::ids::UserId;
use rushhour_model::stored::observe::INPUT_KEYS;
use serde::{Deserialize, Serialize};

use crate::chapter::{Chapter, Opening};
use crate::input::Input;
use crate::labels::Prediction;
use crate::leg::Cleaned;
use crate::legs::{Draft, legs};
use crate::mode::Mode;
use crate::observations::{Fix, Observations};
use crate::outline::leaving::Leaving;
use crate::outline::packed::Packed;
use crate::outline::sketch::{Sketch, fates, sketches};
use crate::timeline::{Day, labelled_trips};
use crate::write::prepare;

/// A chapter without what can be found again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Packed", from = "Packed")]
pub struct Outline {
    /// What came before.
    pub opening: Opening,
    /// Entries written later are not needed for this chapter.
    pub needs_until_write_ts: f64,
    /// The legs that were kept, in order.
    pub kept: Vec<Kept>,
    /// All trips, in order, also those that nobody made.
    trips: Vec<Sketch>,
    /// How many of them the person labelled.
    pub labelled_trips: u32,
    /// What the person said.
    pub inputs: Vec<Reference>,
    /// How its first leg leaves the place, where that may be asked for without the rest.
    leaving: Option<Leaving>,
}

/// What is known of a leg that was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Where it starts, this is the day; `None` of untracked time.
    pub day: Option<Day>,
    /// The modes of its sections.
    pub modes: Vec<Mode>,
    /// Labels that the person would probably give.
    pub labels: Vec<Prediction>,
}

/// The name of an input among all that a person said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reference {
    /// Which of [`INPUT_KEYS`].
    key: u8,
    /// When it was written, in seconds since 1970.
    pub write_ts: f64,
}

impl Reference {
    fn of(input: &Input) -> Self {
        let place = INPUT_KEYS.iter().position(|key| *key == input.key);
        let key = place.and_then(|place| u8::try_from(place).ok()).expect("inputs are read by these keys");
        Self { key, write_ts: input.write_ts }
    }

    /// Whether this is the name of `input`.
    pub fn is(&self, input: &Input) -> bool {
        self.write_ts.to_bits() == input.write_ts.to_bits()
            && INPUT_KEYS.get(usize::from(self.key)).is_some_and(|key| *key == input.key)
    }
}

impl Outline {
    /// What is to be kept of `chapter`.
    pub fn of(chapter: &Chapter) -> Self {
        let kept = chapter.legs.iter().filter_map(|leg| {
            let Cleaned { start, sections, labels, .. } = leg.cleaned.as_ref()?;
            let day = leg.is_tracked.then(|| Day::of(&start.moment)).flatten();
            Some(Kept { day, modes: sections.iter().map(|section| section.mode).collect(), labels: labels.clone() })
        });
        let labelled = labelled_trips(std::slice::from_ref(chapter), &[]).len();
        Self {
            opening: chapter.opening.clone(),
            needs_until_write_ts: chapter.needs_until_write_ts,
            kept: kept.collect(),
            trips: sketches(&chapter.legs),
            labelled_trips: u32::try_from(labelled).unwrap_or(u32::MAX),
            inputs: chapter.inputs.iter().map(Reference::of).collect(),
            leaving: Leaving::of(chapter),
        }
    }

    /// How many trips somebody made.
    pub fn trips(&self) -> usize {
        self.kept.iter().filter(|kept| kept.day.is_some()).count()
    }

    /// Whether there is a trip that starts on `day` where it starts.
    pub fn has_trip_on(&self, day: Day) -> bool {
        self.kept.iter().any(|kept| kept.day == Some(day))
    }

    /// The chapter that was outlined; `fixes` are at least its own, in order.
    fn rebuild(&self, user: UserId, fixes: &[Fix], inputs: &[Input]) -> Chapter {
        let first_row =
            self.opening.start.map_or(0, |start| fixes.partition_point(|fix| fix.write_ts < start.write_ts));
        let mut trips = self.trips.iter();
        let drafts = legs(fixes, user, &self.opening.place, |_| trips.next().map(|trip| trip.plan(first_row)));
        let mut now = self.opening.clone();
        let leg = |(draft, is_kept): (Draft, bool)| {
            let is_kept = is_kept && draft.leg.cleaned.is_some();
            now.pass(draft, is_kept).counted_from(first_row)
        };
        let legs = drafts.into_iter().zip(fates(&self.trips)).map(leg).collect();
        let mut chapter = Chapter { legs, ..Chapter::empty(self.opening.clone()) };
        self.restore(&mut chapter, inputs);
        chapter
    }

    /// Gives a chapter what does not follow from its fixes.
    fn restore(&self, chapter: &mut Chapter, inputs: &[Input]) {
        chapter.needs_until_write_ts = self.needs_until_write_ts;
        let legs = chapter.legs.iter_mut().filter_map(|leg| leg.cleaned.as_mut());
        for (cleaned, kept) in legs.zip(&self.kept) {
            for (section, mode) in cleaned.sections.iter_mut().zip(&kept.modes) {
                section.mode = *mode;
            }
            cleaned.labels.clone_from(&kept.labels);
        }
        chapter.add_inputs(inputs.iter().filter(|input| self.inputs.iter().any(|name| name.is(input))).cloned());
    }
}

/// The chapters of `outlines`, which follow each other. `observations` have all fixes from the first one's
/// [`Start::needs_from_write_ts`](crate::chapter::Start::needs_from_write_ts) to the largest
/// [`Outline::needs_until_write_ts`], `inputs` at least those that the outlines name.
pub fn rebuild(user: UserId, outlines: &[Outline], mut observations: Observations, inputs: &[Input]) -> Vec<Chapter> {
    let Some(first) = outlines.first() else { return Vec::new() };
    prepare(&mut observations, &first.opening);
    outlines.iter().map(|outline| outline.rebuild(user, &observations.fixes, inputs)).collect()
}
