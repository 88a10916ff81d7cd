//! How long people stay at places of their choice: row 5.

use rushhour_synth::truth::{Purpose, SECOND_US};

use crate::statistics::biography::Biography;
use crate::statistics::histogram::{Axis, Histogram, LogNormal};
use crate::statistics::row::{Row, Target};

/// The stays, in hours, at places that are neither home, work, school, lodging nor airport; those that the begin or the end of the
/// study cuts short are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Stays {
    /// All of them.
    pub histogram: Histogram,
}

/// Swiss GPS, in logarithms of hours: mobility.md 2a.
const REFERENCE: LogNormal = LogNormal { mu: 0.75, sigma: 1.49 };
/// Shorter stays are waits on the way, longer ones are nights: what is generated lies between.
const FROM_H: f64 = 5.0 / 60.0;
const TO_H: f64 = 14.0;

/// The share of stays shorter than this, as it should be.
pub fn reference(hours: f64) -> f64 {
    REFERENCE.below_within(hours, FROM_H, TO_H)
}

impl Default for Stays {
    fn default() -> Self {
        Self { histogram: Histogram::new(Axis::logarithmic(1.0 / 60.0, 100.0, 435)) }
    }
}

impl Stays {
    /// Counts the visits of a person.
    pub fn add(&mut self, life: &Biography) {
        use Purpose::{Airport, Home, Lodging, School, Work};
        let whole = life.visits.get(1..life.visits.len().saturating_sub(1)).unwrap_or_default();
        let chosen = whole.iter().filter(|visit| !matches!(visit.purpose, Home | Work | School | Lodging | Airport));
        let hours = chosen.map(|visit| (visit.depart_us - visit.arrive_us) as f64 / (3_600 * SECOND_US) as f64);
        hours.for_each(|hours| self.histogram.add(hours));
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.merge(&other.histogram);
    }

    /// The distance from the reference.
    pub fn row(&self) -> Row {
        let target = Target::Follows { reference: "lognormal 0.75, 1.49 h".to_owned(), distance_max: 0.10 };
        Row::new(5, "stay at places of choice", target, self.histogram.distance(reference))
    }
}

#[cfg(test)]
mod tests {
    use rushhour_synth::truth::Purpose::{Home, Shop, Work};

    use super::*;
    use crate::statistics::biography::tests::biography;

    #[test]
    fn only_whole_stays_at_places_of_choice_count() {
        let moves = [(1.0, 2), (3.25, 1), (9.0, 2), (10.25, 0), (20.0, 2)];
        let mut stays = Stays::default();
        stays.add(&biography(&[Home, Work, Shop], 1, &moves));
        assert_eq!(stays.histogram.total(), 2);
        let [short, long] = [0.01, 1.0].map(|share| stays.histogram.quantile(share).unwrap());
        assert!((short - 1.0).abs() < 0.03 && (long - 2.0).abs() < 0.05, "{short} {long}");
        assert_eq!((reference(FROM_H), reference(TO_H)), (0.0, 1.0));
    }
}
