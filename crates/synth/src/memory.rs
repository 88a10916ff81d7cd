//! The places a person knows, and where they go next: somewhere new, or back to where they often were.
//!
//! Exploration and preferential return (Song, Koren, Wang, Barabási 2010): after `S` places somewhere new has the
//! probability `rho · S^-gamma`; otherwise a known place is as likely as it was often visited.

use rand::RngExt;

use crate::draws::Draws;
use crate::person::Exploration;
use crate::plane::Point;
use crate::region::Site;
use crate::truth::{LocaleIndex, Place, Purpose};

/// What a person remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    places: Vec<Place>,
    /// How often each place was visited by choice, in the same order.
    visits: Vec<u32>,
}

impl Memory {
    /// Remembers a place, and says what it is called.
    pub(crate) fn add(&mut self, site: Site, locale: LocaleIndex, purpose: Purpose) -> Place {
        let id = u32::try_from(self.places.len()).expect("nobody knows that many places");
        let place = Place { id, at: site.at, locale, node: site.node, purpose };
        self.places.push(place);
        self.visits.push(0);
        place
    }

    /// The place at `site`, remembered from now on if it was not yet.
    pub(crate) fn place(&mut self, site: Site, locale: LocaleIndex, purpose: Purpose) -> Place {
        let is_it = |place: &&Place| place.at == site.at && (place.locale, place.purpose) == (locale, purpose);
        match self.places.iter().find(is_it) {
            Some(place) => *place,
            None => self.add(site, locale, purpose),
        }
    }

    /// Every place, by id.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Whether it is time to see something new.
    pub(crate) fn wants_new(&self, exploration: Exploration, rng: &mut Draws) -> bool {
        let known = self.places.len().max(1) as f64;
        rng.random_bool((exploration.rho * known.powf(-exploration.gamma)).clamp(0.0, 1.0))
    }

    /// Goes to a place once more.
    pub(crate) fn visit(&mut self, place: Place) {
        if let Some(count) = self.visits.get_mut(place.id as usize) {
            *count += 1;
        }
    }

    /// A known place to go back to, other than the one at `from` and within `reach_m` of it; none when there is none.
    pub(crate) fn familiar(&self, from: Place, reach_m: f64, rng: &mut Draws) -> Option<Place> {
        let weight = |place: &Place, visits: u32| {
            let is_choice =
                place.id != from.id && place.locale == from.locale && is_reached(from.at, place.at, reach_m);
            if is_choice { u64::from(visits) } else { 0 }
        };
        let pairs = || self.places.iter().zip(&self.visits);
        let total: u64 = pairs().map(|(place, &visits)| weight(place, visits)).sum();
        if total == 0 {
            return None;
        }
        let mut left = rng.random_range(0..total);
        for (place, &visits) in pairs() {
            let weight = weight(place, visits);
            if left < weight {
                return Some(*place);
            }
            left -= weight;
        }
        None
    }
}

fn is_reached(from: Point, to: Point, reach_m: f64) -> bool {
    from.distance_m(to) <= reach_m
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{Subject, draws};

    fn site(x_m: f64) -> Site {
        Site { at: Point::new(x_m, 0.0), node: 0 }
    }

    #[test]
    fn often_visited_places_are_often_visited() {
        let mut memory = Memory::default();
        let home = memory.add(site(0.0), 0, Purpose::Home);
        let [often, rarely, far] = [100.0, 200.0, 9_000.0].map(|x_m| memory.add(site(x_m), 0, Purpose::Shop));
        for (place, times) in [(often, 9), (rarely, 1), (far, 50)] {
            (0..times).for_each(|_| memory.visit(place));
        }
        let mut rng = draws(1, 0, 0, Subject::Day);
        let chosen: Vec<u32> = (0..1_000).map(|_| memory.familiar(home, 1_000.0, &mut rng).unwrap().id).collect();
        let share = chosen.iter().filter(|&&id| id == often.id).count() as f64 / 1_000.0;
        assert!((share - 0.9).abs() < 0.03, "{share}");
        assert!(!chosen.contains(&far.id), "out of reach");
        assert!(memory.familiar(often, 10.0, &mut rng).is_none());
    }

    #[test]
    fn the_more_one_knows_the_less_is_new() {
        let mut memory = Memory::default();
        let exploration = Exploration { rho: 0.6, gamma: 0.3 };
        let mut rng = draws(1, 0, 0, Subject::Day);
        let share = |memory: &Memory, rng: &mut Draws| {
            (0..20_000).filter(|_| memory.wants_new(exploration, rng)).count() as f64 / 20_000.0
        };
        memory.add(site(0.0), 0, Purpose::Home);
        assert!((share(&memory, &mut rng) - 0.6).abs() < 0.02);
        for i in 1..64 {
            memory.add(site(f64::from(i)), 0, Purpose::Shop);
        }
        assert!((share(&memory, &mut rng) - 0.6 * 64_f64.powf(-0.3)).abs() < 0.02);
    }
}
