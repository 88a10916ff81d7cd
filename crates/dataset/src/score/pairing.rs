//! Which found trip corresponds to which trip of the truth: one to one, and never crosswise.
//!
//! Both lists run in time, and what corresponds lies within a fixed time of each other. If two pairs crossed, uncrossing
//! them would fit the times as well; so the best assignment is a chain that rises in both lists, and the best chain is
//! found exactly. A chain is better when it has more trips that are meant to be found, then when it has more
//! trips, then when its times differ less.

use std::cmp::Ordering;

use super::found::FoundTrip;
use super::user_truth::TrueTrip;
use super::{PLACE_M_MAX, TIME_S_MAX};

/// The places in both lists, which are in order of time, of all that corresponds.
pub(super) fn pair(truth: &[TrueTrip], found: &[&FoundTrip]) -> Vec<(usize, usize)> {
    let mut links: Vec<Link> = Vec::new();
    let mut best: Option<usize> = None;
    let mut first = 0;
    for (place, trip) in truth.iter().enumerate() {
        let near = |found: &&FoundTrip| found.start.ts - trip.start.ts;
        first += found.iter().skip(first).take_while(|found| near(found) < -TIME_S_MAX).count();
        let candidates = found.iter().enumerate().skip(first).take_while(|(_, found)| near(found) <= TIME_S_MAX);
        for (other, found) in candidates.filter(|(_, found)| corresponds(trip, found)) {
            let worth = Worth { meant: u32::from(trip.is_meant), trips: 1, error_s: error_s(trip, found) };
            let before = predecessor(&links, place, other);
            let worth = before.and_then(|before| links.get(before)).map_or(worth, |link| link.worth.and(worth));
            let link = Link { pair: (place, other), worth, before };
            let leads = best.and_then(|best| links.get(best)).is_none_or(|best| best.worth.cmp(worth).is_lt());
            best = if leads { Some(links.len()) } else { best };
            links.push(link);
        }
    }
    let mut pairs = Vec::new();
    while let Some(link) = best.and_then(|best| links.get(best)) {
        pairs.push(link.pair);
        best = link.before;
    }
    pairs.reverse();
    pairs
}

/// Whether the two start and end together.
pub(super) fn corresponds(trip: &TrueTrip, found: &FoundTrip) -> bool {
    [(trip.start, found.start), (trip.end, found.end)]
        .iter()
        .all(|(meant, found)| (found.ts - meant.ts).abs() <= TIME_S_MAX && found.at.distance_m(meant.at) <= PLACE_M_MAX)
}

fn error_s(trip: &TrueTrip, found: &FoundTrip) -> f64 {
    (found.start.ts - trip.start.ts).abs() + (found.end.ts - trip.end.ts).abs()
}

/// The end of the best chain that can be continued with this pair.
fn predecessor(links: &[Link], place: usize, other: usize) -> Option<usize> {
    let fits = |link: &Link| link.pair.0 < place && link.pair.1 < other;
    let fitting = links.iter().enumerate().filter(|(_, link)| fits(link));
    fitting.max_by(|(_, one), (_, other)| one.worth.cmp(other.worth)).map(|(place, _)| place)
}

/// A pair, and the chain that it ends.
struct Link {
    pair: (usize, usize),
    worth: Worth,
    before: Option<usize>,
}

/// What a chain is worth.
#[derive(Clone, Copy)]
struct Worth {
    meant: u32,
    trips: u32,
    error_s: f64,
}

impl Worth {
    fn and(self, other: Self) -> Self {
        Self { meant: self.meant + other.meant, trips: self.trips + other.trips, error_s: self.error_s + other.error_s }
    }

    fn cmp(self, other: Self) -> Ordering {
        let counts = (self.meant, self.trips).cmp(&(other.meant, other.trips));
        counts.then(other.error_s.total_cmp(&self.error_s))
    }
}
