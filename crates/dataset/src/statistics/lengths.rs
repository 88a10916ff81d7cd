//! How long trips are: row 2.

use rushhour_synth::truth::Mode;

use crate::statistics::biography::Biography;
use crate::statistics::histogram::{Axis, Histogram, LogNormal};
use crate::statistics::row::{Row, Target};

/// The lengths of trips along their paths, in metres; flights are not trips within a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Lengths {
    /// All of them.
    pub histogram: Histogram,
}

/// A device panel of the United States, 2021: mobility.md 2b.
pub const REFERENCE: LogNormal = LogNormal { mu: 8.40, sigma: 1.55 };

impl Default for Lengths {
    fn default() -> Self {
        // Bins of 2 %: a Kolmogorov-Smirnov distance is right to half a percent.
        Self { histogram: Histogram::new(Axis::logarithmic(10.0, 1e6, 576)) }
    }
}

impl Lengths {
    /// Counts the trips of a person.
    pub fn add(&mut self, life: &Biography) {
        let trips = life.trips.iter().filter(|trip| trip.mode != Mode::Air);
        trips.for_each(|trip| self.histogram.add(trip.distance_m));
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.merge(&other.histogram);
    }

    /// The distance from the reference.
    pub fn row(&self) -> Row {
        let reference = "lognormal 8.40, 1.55".to_owned();
        let target = Target::Follows { reference, distance_max: 0.08 };
        Row::new(2, "trip length", target, self.histogram.distance(|metres| REFERENCE.below(metres)))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand_distr::Distribution;
    use rushhour_synth::truth::Purpose;

    use super::*;
    use crate::statistics::biography::tests::biography;

    #[test]
    fn draws_from_the_reference_follow_it_and_others_do_not() {
        let mut life = biography(&[Purpose::Home, Purpose::Shop], 400, &vec![(1.0, 1); 10_000]);
        let mut distance = |mu: f64| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
            let lengths = rand_distr::LogNormal::new(mu, 1.55).unwrap();
            life.trips.iter_mut().for_each(|trip| trip.distance_m = lengths.sample(&mut rng));
            let mut statistic = Lengths::default();
            statistic.add(&life);
            statistic.row().values[0]
        };
        assert!(distance(8.40) < 0.02);
        // Medians half a spread apart differ by 0.2 in the middle.
        assert!((distance(9.175) - 0.197).abs() < 0.02);
    }
}
