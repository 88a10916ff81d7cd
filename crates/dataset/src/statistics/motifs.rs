//! The shapes of days: row 7. The places of a day and the directed trips between them form a network; networks that
//! differ only in which place is which are one motif (Schneider 2013).
//!
//! Days with a trip count. Motifs of up to six places are told apart exactly; larger ones are counted as none of them,
//! which can only make the share of the most frequent ones smaller.

use std::collections::BTreeMap;

use crate::statistics::biography::{Biography, Outing};
use crate::statistics::daily::share;
use crate::statistics::row::{Row, Target};

/// How often each motif occurs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Motifs {
    days: u64,
    by_motif: BTreeMap<Motif, u64>,
}

/// A network of places, up to isomorphism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Motif {
    /// How many places it has.
    pub places: u8,
    /// Bit `8·i + j` is set when there is a trip from place `i` to place `j`: the smallest number of all orders.
    pub trips: u64,
}

/// So many motifs cover nine tenths of days (Schneider 2013).
const FREQUENT: usize = 17;
/// More places than this are too many to try all orders of.
const PLACES_MAX: usize = 6;

impl Motifs {
    /// Counts the days of a person.
    pub fn add(&mut self, life: &Biography) {
        let mut known = BTreeMap::new();
        for trips in life.trips_by_day().iter().filter(|trips| !trips.is_empty()) {
            self.days += 1;
            let Some(network) = network(trips) else { continue };
            let motif = *known.entry(network).or_insert_with(|| canonical(network));
            *self.by_motif.entry(motif).or_default() += 1;
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.days += other.days;
        for (motif, days) in &other.by_motif {
            *self.by_motif.entry(*motif).or_default() += days;
        }
    }

    /// The most frequent motifs with their shares of days.
    pub fn frequent(&self) -> Vec<(Motif, f64)> {
        let mut motifs: Vec<(Motif, u64)> = self.by_motif.iter().map(|(motif, days)| (*motif, *days)).collect();
        motifs.sort_by_key(|&(motif, days)| (std::cmp::Reverse(days), motif));
        let shares = motifs.into_iter().filter_map(|(motif, days)| Some((motif, share(days, self.days)?)));
        shares.take(FREQUENT).collect()
    }

    /// How many days they cover.
    pub fn row(&self) -> Row {
        let covered = self.frequent().iter().map(|(_, share)| share).sum();
        let value = (self.days > 0).then_some(covered);
        Row::new(7, "days in the 17 most frequent motifs", Target::AtLeast { low: 0.85 }, value)
    }
}

/// The network of a day's trips, with places numbered as they come; none when there are too many.
fn network(trips: &[Outing]) -> Option<Motif> {
    let mut places: Vec<u32> = Vec::with_capacity(PLACES_MAX);
    let mut edges = 0;
    for trip in trips {
        let ends = [trip.from, trip.to].map(|place| {
            places.iter().position(|&known| known == place).unwrap_or_else(|| {
                places.push(place);
                places.len() - 1
            })
        });
        if places.len() > PLACES_MAX {
            return None;
        }
        edges |= edge(ends);
    }
    Some(Motif { places: u8::try_from(places.len()).ok()?, trips: edges })
}

fn edge([from, to]: [usize; 2]) -> u64 {
    1 << (8 * from + to)
}

/// The same network with its places in the order that makes the smallest number.
fn canonical(network: Motif) -> Motif {
    let places = usize::from(network.places);
    let edges = (0..places).flat_map(|from| (0..places).map(move |to| [from, to]));
    let edges: Vec<[usize; 2]> = edges.filter(|&ends| network.trips & edge(ends) != 0).collect();
    let mut order: Vec<usize> = (0..places).collect();
    let mut smallest = u64::MAX;
    for_each_order(&mut order, 0, &mut |order| {
        let place = |old: usize| order.get(old).copied().unwrap_or(0);
        let trips = edges.iter().fold(0, |trips, ends| trips | edge(ends.map(place)));
        smallest = smallest.min(trips);
    });
    Motif { trips: smallest, ..network }
}

/// Visits every order of what is behind the first `fixed` items.
fn for_each_order(items: &mut [usize], fixed: usize, visit: &mut impl FnMut(&[usize])) {
    if fixed == items.len() {
        visit(items);
        return;
    }
    for next in fixed..items.len() {
        items.swap(fixed, next);
        for_each_order(items, fixed + 1, visit);
        items.swap(fixed, next);
    }
}

#[cfg(test)]
mod tests {
    use rushhour_synth::truth::Purpose::{Home, Shop};

    use super::*;
    use crate::statistics::biography::tests::biography;

    /// The motif of a day on which somebody goes to these places in turn, from the first one on.
    fn motif(places: &[u32]) -> Option<Motif> {
        let moves: Vec<(f64, u32)> =
            places.iter().skip(1).zip(1..).map(|(&to, hour)| (f64::from(hour) + 5.0, to)).collect();
        let life = biography(&[[Home].as_slice(), &[Shop; 9]].concat(), 1, &moves);
        network(&life.trips).map(canonical)
    }

    #[test]
    fn days_of_the_same_shape_have_the_same_motif() {
        assert_eq!(motif(&[0, 1, 2, 0]), motif(&[0, 5, 3, 0]));
        // Home in the middle, or another place in the middle: the same star.
        assert_eq!(motif(&[0, 1, 0, 2, 0]), motif(&[0, 1, 2, 1, 0]));
        assert_ne!(motif(&[0, 1, 2, 0]), motif(&[0, 1, 0, 2, 0]));
        assert_ne!(motif(&[0, 1, 0]), motif(&[0, 1]));
        assert_eq!(motif(&[0, 1, 0, 1, 0]), motif(&[0, 1, 0]), "how often does not matter");
        assert_eq!(motif(&[0, 1, 2, 3, 4, 5, 6, 0]), None);
    }

    #[test]
    fn there_are_as_many_motifs_as_networks_on_three_places() {
        // Of the directed graphs on three nodes without loops 16 differ, 13 of which are connected (OEIS A000273, A003085).
        let networks = (0_u64..1 << 6).map(|bits| {
            let pairs = [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]];
            let set = pairs.into_iter().enumerate().filter(|(i, _)| bits & (1 << i) != 0);
            Motif { places: 3, trips: set.fold(0, |trips, (_, ends)| trips | edge(ends)) }
        });
        let motifs: std::collections::BTreeSet<Motif> = networks.map(canonical).collect();
        assert_eq!(motifs.len(), 16);
    }

    #[test]
    fn the_most_frequent_motifs_come_first() {
        let life = biography(
            &[Home, Shop, Shop],
            4,
            &[(9.0, 1), (10.0, 0), (33.0, 1), (34.0, 0), (60.0, 1), (61.0, 2), (62.0, 0)],
        );
        let mut motifs = Motifs::default();
        motifs.add(&life);
        let shares: Vec<f64> = motifs.frequent().iter().map(|(_, share)| *share).collect();
        assert_eq!(shares, [2.0 / 3.0, 1.0 / 3.0]);
        assert_eq!(motifs.row().values, [1.0]);
    }
}
