//! Chapters as the store keeps them: an outline, and a number that tells whether what is found again is the same.
//!
//! ```text
//! kept = version u8 | digest u32 | measures in postcard | outline in postcard
//! ```
//! Numbers are little-endian.

use rushhour_pipeline::chapter::Chapter;
use rushhour_pipeline::outline::Outline;
use rushhour_pipeline::timeline::{Measures, measures};
use serde::{Deserialize, Serialize};

use crate::by_day::DIMENSIONS;

/// The first byte of every kept chapter and state. Another one means that the diary is written anew. It is raised with every
/// change of what the pipeline finds, or of how it is written.
const VERSION: u8 = 5;

/// A chapter as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KeptChapter {
    pub(super) outline: Outline,
    /// Of the legs and inputs that it had when it was written.
    pub(super) digest: u32,
}

impl KeptChapter {
    pub(super) fn pack(chapter: &Chapter) -> Vec<u8> {
        let head = digest(chapter).to_le_bytes();
        let outline = postcard::to_stdvec(&Outline::of(chapter)).expect("plain structures can be written");
        let measures = measures(std::slice::from_ref(chapter), &[]);
        let mut day = 0;
        let follow = |trip: Measures| {
            let days_later = trip.day.wrapping_sub(std::mem::replace(&mut day, trip.day));
            KeptMeasures::of(trip, days_later)
        };
        let measures: Vec<KeptMeasures> = measures.into_iter().map(follow).collect();
        let measures = postcard::to_stdvec(&measures).expect("plain structures can be written");
        versioned(&[head.as_slice(), measures.as_slice(), outline.as_slice()].concat())
    }

    /// `None` when the bytes are not a chapter of this version; then the diary is written anew.
    pub(super) fn unpack(bytes: &[u8]) -> Option<Self> {
        let (digest, rest) = unversioned(bytes)?.split_first_chunk()?;
        let (_, outline) = postcard::take_from_bytes::<Vec<KeptMeasures>>(rest).ok()?;
        Some(Self { outline: postcard::from_bytes(outline).ok()?, digest: u32::from_le_bytes(*digest) })
    }

    /// Whether `chapter` is the one that was written.
    pub(super) fn is_of(&self, chapter: &Chapter) -> bool {
        digest(chapter) == self.digest
    }
}

/// The measures of a kept chapter's trips, without reading the rest; none of another version.
pub(super) fn measures_of(bytes: &[u8]) -> Vec<Measures> {
    let rest = unversioned(bytes).and_then(|bytes| bytes.split_first_chunk::<4>());
    let kept = rest.and_then(|(_, rest)| Some(postcard::take_from_bytes::<Vec<KeptMeasures>>(rest).ok()?.0));
    let mut day = 0_i32;
    let follow = |trip: KeptMeasures| {
        day = day.wrapping_add(trip.days_later);
        trip.on(day)
    };
    kept.unwrap_or_default().into_iter().map(follow).collect()
}

/// Measures as they are kept.
#[derive(Serialize, Deserialize)]
struct KeptMeasures {
    /// Than the trip before; the first one's than 1970-01-01.
    days_later: i32,
    distance_m: u32,
    duration_s: u32,
    /// What was said in the dimensions of sums, by their places among them.
    said: Vec<(u8, Word)>,
}

/// What somebody said.
#[derive(Serialize, Deserialize)]
enum Word {
    /// A choice of the app, by its place in [`CHOICES`].
    Choice(u8),
    Own(String),
}

/// What the app offers when a study configures nothing else. Places are kept, so this list is only ever added to.
const CHOICES: [&str; 32] = [
    "walk",
    "e-bike",
    "bike",
    "bikeshare",
    "scootershare",
    "drove_alone",
    "shared_ride",
    "e_car_drove_alone",
    "e_car_shared_ride",
    "moped",
    "taxi",
    "bus",
    "train",
    "free_shuttle",
    "air",
    "not_a_trip",
    "home",
    "work",
    "at_work",
    "school",
    "transit_transfer",
    "shopping",
    "meal",
    "pick_drop_person",
    "pick_drop_item",
    "personal_med",
    "access_recreation",
    "exercise",
    "entertainment",
    "religious",
    "no_travel",
    "same_mode",
];

impl Word {
    fn of(label: String) -> Self {
        let place = CHOICES.iter().position(|choice| *choice == label).and_then(|place| u8::try_from(place).ok());
        place.map_or(Self::Own(label), Self::Choice)
    }

    fn label(self) -> Option<String> {
        match self {
            Self::Choice(place) => CHOICES.get(usize::from(place)).map(|choice| (*choice).to_owned()),
            Self::Own(label) => Some(label),
        }
    }
}

impl KeptMeasures {
    fn of(Measures { distance_m, duration_s, labels, .. }: Measures, days_later: i32) -> Self {
        let place = |kind: &str| DIMENSIONS.iter().position(|dimension| *dimension == kind);
        let said =
            labels.into_iter().filter_map(|(kind, label)| Some((u8::try_from(place(&kind)?).ok()?, Word::of(label))));
        Self { days_later, distance_m, duration_s, said: said.collect() }
    }

    fn on(self, day: i32) -> Measures {
        let label =
            |(place, word): (u8, Word)| Some(((*DIMENSIONS.get(usize::from(place))?).to_owned(), word.label()?));
        let labels = self.said.into_iter().filter_map(label).collect();
        Measures { day, distance_m: self.distance_m, duration_s: self.duration_s, labels }
    }
}

fn digest(chapter: &Chapter) -> u32 {
    let parts = postcard::to_stdvec(&(&chapter.legs, &chapter.inputs)).expect("plain structures can be written");
    crc32c::crc32c(&parts)
}

/// `bytes` behind the version.
pub(super) fn versioned(bytes: &[u8]) -> Vec<u8> {
    [&[VERSION], bytes].concat()
}

/// The bytes behind the version, if it is ours.
pub(super) fn unversioned(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_first().filter(|(version, _)| **version == VERSION).map(|(_, bytes)| bytes)
}
