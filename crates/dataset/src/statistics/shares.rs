//! How people get about, and what for: row 3.

use rushhour_synth::parameters::Parameters;
use rushhour_synth::truth::{Mode, Purpose};

use crate::statistics::biography::{Biography, Outing};
use crate::statistics::daily::share;
use crate::statistics::row::{Row, Target};

/// Trips by their longest section's mode, and by the kind of their ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shares {
    by_mode: [u64; Mode::ALL.len()],
    by_kind: [u64; Kind::ALL.len()],
}

/// What surveys sort trips by: whether one end is home, and what the other end is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Between home and work.
    HomeWork,
    /// Between home and a shop.
    HomeShop,
    /// Between home and people or pleasures.
    HomeSocial,
    /// Between home and anything else. Meals are here: with them the purposes of a population add up to the survey's.
    HomeOther,
    /// Without home at either end.
    NotHome,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::HomeWork, Self::HomeShop, Self::HomeSocial, Self::HomeOther, Self::NotHome];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::HomeWork => "home-based work",
            Self::HomeShop => "home-based shopping",
            Self::HomeSocial => "home-based social",
            Self::HomeOther => "home-based other",
            Self::NotHome => "not home-based",
        }
    }

    /// The share of trips in NHTS 2022: mobility.md 2b.
    pub fn reference(self) -> f64 {
        match self {
            Self::HomeWork => 0.208,
            Self::HomeShop => 0.242,
            Self::HomeSocial => 0.152,
            Self::HomeOther => 0.232,
            Self::NotHome => 0.167,
        }
    }

    fn of(life: &Biography, trip: &Outing) -> Option<Self> {
        let ends = (life.purpose(trip.from)?, life.purpose(trip.to)?);
        let ((Purpose::Home, other) | (other, Purpose::Home)) = ends else { return Some(Self::NotHome) };
        Some(match other {
            Purpose::Work => Self::HomeWork,
            Purpose::Shop => Self::HomeShop,
            Purpose::Social | Purpose::Leisure => Self::HomeSocial,
            _ => Self::HomeOther,
        })
    }
}

impl Shares {
    /// Counts the trips of a person, but for flights.
    pub fn add(&mut self, life: &Biography) {
        for trip in life.trips.iter().filter(|trip| trip.mode != Mode::Air) {
            if let Some(count) = self.by_mode.get_mut(trip.mode as usize) {
                *count += 1;
            }
            if let Some(count) = Kind::of(life, trip).and_then(|kind| self.by_kind.get_mut(kind as usize)) {
                *count += 1;
            }
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.by_mode.iter_mut().zip(other.by_mode).for_each(|(count, other)| *count += other);
        self.by_kind.iter_mut().zip(other.by_kind).for_each(|(count, other)| *count += other);
    }

    /// Shares of trips by mode.
    pub fn modes(&self) -> impl Iterator<Item = (Mode, Option<f64>)> + '_ {
        let total = self.by_mode.iter().sum();
        Mode::ALL.into_iter().zip(self.by_mode.iter().map(move |&count| share(count, total)))
    }

    /// Shares of trips by kind.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, Option<f64>)> + '_ {
        let total = self.by_kind.iter().sum();
        Kind::ALL.into_iter().zip(self.by_kind.iter().map(move |&count| share(count, total)))
    }

    /// The shares beside those that were asked for and those of the survey.
    pub fn rows(&self, parameters: &Parameters) -> Vec<Row> {
        let near = |reference| Target::Near { reference, tolerance: 0.02 };
        let asked = |mode| parameters.modes.shares.shares().find(|&(asked, _)| asked == mode).map_or(0.0, |(_, it)| it);
        let modes = self.modes().filter(|&(mode, _)| mode != Mode::Air);
        let modes = modes.map(|(mode, share)| Row::new(3, format!("mode {}", mode.name()), near(asked(mode)), share));
        let kinds = self.kinds();
        let kinds =
            kinds.map(|(kind, share)| Row::new(3, format!("purpose {}", kind.name()), near(kind.reference()), share));
        modes.chain(kinds).collect()
    }
}

#[cfg(test)]
mod tests {
    use rushhour_synth::truth::Purpose::{Home, Meal, Shop, Social, Work};

    use super::*;
    use crate::statistics::biography::tests::biography;

    #[test]
    fn trips_are_sorted_by_the_place_that_is_not_home() {
        let moves = [(8.0, 1), (12.0, 2), (13.0, 1), (17.0, 3), (18.0, 0), (19.0, 4), (22.0, 0), (30.0, 2), (31.0, 0)];
        let mut life = biography(&[Home, Work, Meal, Shop, Social], 2, &moves);
        life.trips[0].mode = Mode::Air;
        life.trips[1].mode = Mode::Walk;
        let mut shares = Shares::default();
        shares.add(&life);
        let kinds: Vec<f64> = shares.kinds().map(|(_, share)| share.unwrap() * 8.0).collect();
        assert_eq!(kinds, [0.0, 1.0, 2.0, 2.0, 3.0]);
        let walked = shares.modes().find(|&(mode, _)| mode == Mode::Walk).unwrap();
        assert_eq!(walked.1, Some(0.125));
        assert_eq!(shares.rows(&Parameters::default()).len(), 7 + 5);
    }
}
