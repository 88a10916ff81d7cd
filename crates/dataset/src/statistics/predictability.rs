//! How well it could be known where somebody is, and where they go next: row 8.
//!
//! The entropy of a sequence of places, estimated by how soon its parts recur (Lempel-Ziv; Kontoyiannis 1998), bounds
//! how often any method can be right (Fano's inequality; Song 2010). Once for the place of each hour, in which staying is
//! easily foretold; once for the sequence of places alone, each unlike the one before (Ikanovic 2017).

use rushhour_synth::truth::Visit;

use crate::statistics::biography::Biography;
use crate::statistics::row::{Row, Target};

/// Sums over people of the bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictability {
    hourly: Mean,
    next: Mean,
}

/// The mean of something over people.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Mean {
    sum: f64,
    people: u64,
}

/// Estimates depend on the length of a sequence: longer studies are cut to the eight weeks of the suite.
const HOURS_MAX: usize = 8 * 7 * 24;
const HOUR_US: i64 = 3_600_000_000;
/// A shorter sequence of places tells nothing.
const VISITS_MIN: usize = 30;

impl Predictability {
    /// Adds a person.
    pub fn add(&mut self, life: &Biography) {
        let hours = hourly_places(&life.visits);
        let Some(first) = life.visits.first() else { return };
        let end_us = first.arrive_us + HOURS_MAX as i64 * HOUR_US;
        let mut places: Vec<u32> =
            life.visits.iter().filter(|visit| visit.arrive_us < end_us).map(|visit| visit.place).collect();
        places.dedup();
        if places.len() >= VISITS_MIN {
            self.hourly.add(bound(&hours));
            self.next.add(bound(&places));
        }
    }

    /// Adds what was summed elsewhere; the order decides the last digits.
    pub fn merge(&mut self, other: &Self) {
        self.hourly.merge(other.hourly);
        self.next.merge(other.next);
    }

    /// The means of both bounds.
    pub fn rows(&self) -> Vec<Row> {
        let between = |low, high| Target::Between { low, high };
        vec![
            Row::new(8, "predictability of the hour's place", between(0.88, 0.95), self.hourly.get()),
            Row::new(8, "predictability of the next place", between(0.6, 0.8), self.next.get()),
        ]
    }
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.merge(Self { sum: value, people: 1 });
    }

    fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.people += other.people;
    }

    fn get(self) -> Option<f64> {
        (self.people > 0).then(|| self.sum / self.people as f64)
    }
}

/// Where most of each hour is spent; an hour on the way belongs to the place before.
fn hourly_places(visits: &[Visit]) -> Vec<u32> {
    let Some(((first, last), mut rest)) = visits.first().zip(visits.last()).map(|ends| (ends, visits)) else {
        return Vec::new();
    };
    let mut here = first.place;
    let hours = usize::try_from((last.depart_us - first.arrive_us) / HOUR_US).unwrap_or(0).min(HOURS_MAX);
    let mut places = Vec::with_capacity(hours);
    for hour in 0..hours as i64 {
        let from_us = first.arrive_us + hour * HOUR_US;
        let to_us = from_us + HOUR_US;
        while let [visit, later @ ..] = rest
            && visit.depart_us <= from_us
        {
            rest = later;
        }
        let within = rest.iter().take_while(|visit| visit.arrive_us < to_us);
        let spent = within.map(|visit| (visit.depart_us.min(to_us) - visit.arrive_us.max(from_us), visit.place));
        here = spent.max_by_key(|&(spent_us, _)| spent_us).map_or(here, |(_, place)| place);
        places.push(here);
    }
    places
}

/// How often the next item of a sequence can be foretold at best.
fn bound(sequence: &[u32]) -> f64 {
    let mut items = sequence.to_vec();
    items.sort_unstable();
    items.dedup();
    fano(entropy_bits(sequence), items.len())
}

/// The entropy per item in bits: the length of a sequence times its logarithm, over the summed lengths of the shortest
/// parts that begin at each item and do not occur before it.
fn entropy_bits(sequence: &[u32]) -> f64 {
    let length = sequence.len();
    // From the back to the front: how much of what begins at `i` is the same as what begins at each earlier `j`, which is
    // one more than from the item after each, or nothing.
    let (mut same, mut after) = (vec![0_usize; length + 1], vec![0_usize; length + 1]);
    let mut sum = 0;
    for (i, item) in sequence.iter().enumerate().rev() {
        std::mem::swap(&mut same, &mut after);
        let mut longest = 0;
        let earlier = same.iter_mut().zip(after.iter().skip(1)).zip(sequence).take(i);
        for (j, ((same, after), earlier)) in earlier.enumerate() {
            *same = if earlier == item { after + 1 } else { 0 };
            longest = longest.max((*same).min(i - j));
        }
        sum += longest + 1;
    }
    if length < 2 { 0.0 } else { length as f64 * (length as f64).log2() / sum as f64 }
}

/// The largest probability of being right that an entropy over `items` items allows: where the entropy of being right or
/// wrong, plus that of an even guess among the rest when wrong, is the entropy.
fn fano(entropy_bits: f64, items: usize) -> f64 {
    if items < 2 {
        return 1.0;
    }
    let items = items as f64;
    let allowed = |right: f64| {
        let part = |share: f64| if share > 0.0 { -share * share.log2() } else { 0.0 };
        part(right) + part(1.0 - right) + (1.0 - right) * (items - 1.0).log2()
    };
    let (mut low, mut high) = (1.0 / items, 1.0);
    // Halving so often leaves less than a millionth.
    for _ in 0..24 {
        let middle = (low + high) / 2.0;
        if allowed(middle) > entropy_bits { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};
    use rushhour_synth::truth::Purpose::{Home, Work};

    use super::*;
    use crate::statistics::biography::tests::biography;

    #[test]
    fn a_constant_is_known_and_noise_is_not() {
        assert!(entropy_bits(&[7; 1_344]) < 0.05);
        assert!(bound(&[7; 1_344]) > 0.99);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let noise: Vec<u32> = (0..4_000).map(|_| rng.random_range(0..8)).collect();
        assert!((entropy_bits(&noise) - 3.0).abs() < 0.25, "{}", entropy_bits(&noise));
        let alternating: Vec<u32> = (0..1_344).map(|i| i % 2).collect();
        assert!(entropy_bits(&alternating) < 0.05);
    }

    #[test]
    fn parts_are_those_that_do_not_occur_before() {
        // a | b | (no c before) c | ab then c… | bc…: lengths 1, 1, 1, 3, 2, 1.
        let sum = 1 + 1 + 1 + 4 + 3 + 2;
        assert_eq!(entropy_bits(&[1, 2, 3, 1, 2, 3]), 6.0 * 6_f64.log2() / f64::from(sum));
    }

    #[test]
    fn the_bound_of_known_entropies_is_right() {
        assert!((fano(0.0, 10) - 1.0).abs() < 1e-6);
        assert!((fano(10_f64.log2(), 10) - 0.1).abs() < 1e-3);
        // Right 0.9 of the time, even among nine others: H(0.9) + 0.1·log2(9).
        assert!((fano(0.468_996 + 0.1 * 9_f64.log2(), 10) - 0.9).abs() < 1e-4);
    }

    #[test]
    fn an_hour_belongs_to_the_place_where_most_of_it_is_spent() {
        let life = biography(&[Home, Work], 1, &[(8.5, 1), (17.25, 0)]);
        let places = hourly_places(&life.visits);
        assert_eq!(places.len(), 24);
        assert_eq!(&places[7..10], [0, 0, 1], "half an hour at home, a quarter on the way, a quarter at work");
        assert_eq!(&places[16..19], [1, 0, 0]);
    }
}
