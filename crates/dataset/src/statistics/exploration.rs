//! How people get to know places, and return to them: row 6.

use std::collections::BTreeMap;

use rushhour_synth::truth::SECOND_US;

use crate::statistics::biography::Biography;
use crate::statistics::row::{Row, Target};

/// How many places people know as time goes by, how they share out their visits, and how many places are familiar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exploration {
    people: u64,
    /// How many places were seen for the first time on each day of the study.
    first_seen: Vec<u64>,
    /// Those who know at least [`RANKS`] places.
    ranked: u64,
    /// Their shares of visits to the most visited place, the second, and so on, summed.
    frequencies: [f64; RANKS],
    /// Those who were observed for as long as familiarity takes.
    observed: u64,
    /// How many places they visited at least twice in that time.
    familiar: u64,
}

/// Ranks that the law of visit frequencies is fitted to (mobility.md 6, row 6).
pub const RANKS: usize = 20;
/// Familiar places are counted over twenty weeks (Alessandretti 2018; mobility.md 2a).
pub const FAMILIAR_DAYS: usize = 140;
const DAY_US: i64 = 86_400 * SECOND_US;

impl Exploration {
    /// Counts the places of a person.
    pub fn add(&mut self, life: &Biography) {
        let Some(((start_us, _), (_, days))) = life.span_us().zip(life.days()) else { return };
        self.people += 1;
        if self.first_seen.len() < days {
            self.first_seen.resize(days, 0);
        }
        let day = |at_us: i64| usize::try_from((at_us - start_us) / DAY_US).unwrap_or(0);
        let (mut visits, mut early_visits) = (BTreeMap::new(), BTreeMap::new());
        for visit in &life.visits {
            let day = day(visit.arrive_us);
            let count: &mut u64 = visits.entry(visit.place).or_default();
            *count += 1;
            if *count == 1
                && let Some(first_seen) = self.first_seen.get_mut(day.min(days - 1))
            {
                *first_seen += 1;
            }
            if day < FAMILIAR_DAYS {
                *early_visits.entry(visit.place).or_default() += 1;
            }
        }
        self.rank(visits);
        if days >= FAMILIAR_DAYS {
            self.observed += 1;
            self.familiar += early_visits.values().filter(|&&count: &&u64| count >= 2).count() as u64;
        }
    }

    fn rank(&mut self, visits: BTreeMap<u32, u64>) {
        if visits.len() < RANKS {
            return;
        }
        let mut counts: Vec<u64> = visits.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let total: u64 = counts.iter().sum();
        self.ranked += 1;
        let sums = self.frequencies.iter_mut().zip(counts);
        sums.for_each(|(sum, count)| *sum += count as f64 / total as f64);
    }

    /// Adds what was counted elsewhere; the order decides the last digits of the sums.
    pub fn merge(&mut self, other: &Self) {
        if self.first_seen.len() < other.first_seen.len() {
            self.first_seen.resize(other.first_seen.len(), 0);
        }
        self.first_seen.iter_mut().zip(&other.first_seen).for_each(|(count, other)| *count += other);
        self.frequencies.iter_mut().zip(other.frequencies).for_each(|(sum, other)| *sum += other);
        self.people += other.people;
        self.ranked += other.ranked;
        self.observed += other.observed;
        self.familiar += other.familiar;
    }

    /// The mean number of places that people have seen after 1, 2, … days.
    pub fn growth(&self) -> Vec<f64> {
        let sum = |seen: &mut u64, &new: &u64| {
            *seen += new;
            Some(*seen as f64 / self.people as f64)
        };
        self.first_seen.iter().scan(0, sum).collect()
    }

    /// The mean share of visits to the place of rank 1, 2, …, of people who know at least [`RANKS`] places.
    pub fn frequencies(&self) -> Vec<f64> {
        let people = self.ranked.max(1) as f64;
        self.frequencies.iter().filter(|_| self.ranked > 0).map(|sum| sum / people).collect()
    }

    /// The exponents of both laws.
    pub fn rows(&self) -> Vec<Row> {
        let mu = slope(&self.growth());
        let zeta = slope(&self.frequencies()).map(|slope| -slope);
        vec![
            Row::new(6, "growth of places S(t) ~ t^mu", Target::Between { low: 0.55, high: 0.75 }, mu),
            Row::new(6, "visits by rank f(k) ~ k^-zeta", Target::Between { low: 1.0, high: 1.6 }, zeta),
        ]
    }

    /// The number of familiar places, of those who were observed for long enough.
    pub fn familiar_row(&self) -> Row {
        let mean = (self.observed > 0).then(|| self.familiar as f64 / self.observed as f64);
        Row::new(6, "familiar places in 20 weeks", Target::Between { low: 20.0, high: 30.0 }, mean)
    }
}

/// The exponent of a power law through values at 1, 2, 3, …: least squares of logarithms. Each value weighs 1/i, so that
/// every factor of two has the same weight, not nearly all of it the last one.
fn slope(values: &[f64]) -> Option<f64> {
    let points = values.iter().enumerate().filter(|(_, value)| **value > 0.0);
    let points = points.map(|(i, value)| {
        let x = (i + 1) as f64;
        (1.0 / x, x.ln(), value.ln())
    });
    let mean = |of: fn((f64, f64, f64)) -> f64| {
        let (weights, sum) =
            points.clone().fold((0.0, 0.0), |(weights, sum), point| (weights + point.0, sum + point.0 * of(point)));
        sum / weights
    };
    let [x, y, xx, xy] = [mean(|(_, x, _)| x), mean(|(_, _, y)| y), mean(|(_, x, _)| x * x), mean(|(_, x, y)| x * y)];
    (values.len() > 2).then(|| (xy - x * y) / (xx - x * x))
}

#[cfg(test)]
mod tests {
    use rushhour_synth::truth::Purpose::{Home, Shop};

    use super::*;
    use crate::statistics::biography::tests::biography;

    #[test]
    fn the_exponent_of_a_power_law_is_found() {
        let values: Vec<f64> = (1..60).map(|t| 2.3 * f64::from(t).powf(0.62)).collect();
        assert!((slope(&values).unwrap() - 0.62).abs() < 1e-9);
        assert!(slope(&[1.0]).is_none());
    }

    #[test]
    fn places_that_grow_in_number_by_one_a_day_grow_linearly() {
        // Home, and every day a new place: S(t) = 1 + t.
        let purposes = [vec![Home], vec![Shop; 30]].concat();
        let moves: Vec<(f64, u32)> =
            (0..30).flat_map(|d| [(f64::from(d) * 24.0 + 9.0, d + 1), (f64::from(d) * 24.0 + 12.0, 0)]).collect();
        let mut exploration = Exploration::default();
        exploration.add(&biography(&purposes, 30, &moves));
        let growth = exploration.growth();
        assert_eq!((growth[0], growth[29]), (2.0, 31.0));
        // 31 visits to home, one each to the rest.
        assert_eq!(exploration.frequencies()[0], 31.0 / 61.0);
        assert!(exploration.familiar_row().values.is_empty());
    }

    #[test]
    fn familiar_are_places_visited_twice_in_twenty_weeks() {
        let moves = [(10.0, 1), (12.0, 0), (30.0, 1), (32.0, 2), (33.0, 0)];
        let mut exploration = Exploration::default();
        exploration.add(&biography(&[Home, Shop, Shop], 140, &moves));
        assert_eq!(exploration.familiar_row().values, [2.0]);
    }

    #[test]
    fn the_zipf_exponent_of_visits_is_found() {
        let ranked = Exploration {
            ranked: 2,
            frequencies: std::array::from_fn(|k| 2.0 * 0.4 * ((k + 1) as f64).powf(-1.2)),
            ..Exploration::default()
        };
        assert!((ranked.rows()[1].values[0] - 1.2).abs() < 1e-9);
    }
}
