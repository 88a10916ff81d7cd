//! What a way costs, by each way of moving; prepared for quick answers.

use fast_paths::{InputGraph, Params};
use rand::RngExt;

use super::hierarchy::Hierarchy;
use super::{Class, Crossing, HABITS, Street, Way};
use crate::draws::Draws;
use crate::plane::Point;

/// The prepared networks: one for each habit of drivers, one for bicycles, one for walkers.
#[derive(Debug)]
pub(super) struct Graphs {
    cars: Vec<Hierarchy>,
    bicycle: Hierarchy,
    foot: Hierarchy,
    /// What each street costs by each habit, by bicycle and on foot, in milliseconds.
    weights: Vec<Weights>,
}

#[derive(Clone, Copy, Debug)]
struct Weights {
    cars: [u32; HABITS as usize],
    bicycle: u32,
    foot: u32,
}

impl Graphs {
    /// Prepares the networks; `rng` gives the tastes.
    pub(super) fn prepare(nodes: &[Point], streets: &[Street], crossings: &[Crossing], rng: &mut Draws) -> Self {
        let weights: Vec<Weights> =
            streets.iter().map(|street| weigh(street, street.length_m(nodes), crossings, rng)).collect();
        let input = |way| input(streets, &weights, way);
        // Each thread makes graphs of its own, so that what is made does not depend on which is ready first.
        let (cars, [bicycle, foot]) = std::thread::scope(|scope| {
            let calm = scope.spawn(|| [Way::Bicycle, Way::Foot].map(|way| prepare(&input(way))));
            let cars = (0..HABITS).map(|habit| prepare(&input(Way::Car { habit }))).collect();
            (cars, calm.join().expect("preparing does not panic"))
        });
        Self { cars, bicycle, foot, weights }
    }

    /// The network of a way of moving.
    pub(super) fn hierarchy(&self, way: Way) -> &Hierarchy {
        match way {
            Way::Car { habit } => self.cars.get(usize::from(habit % HABITS)).expect("each habit has a graph"),
            Way::Bicycle => &self.bicycle,
            Way::Foot => &self.foot,
        }
    }

    /// What a street costs.
    pub(super) fn weight(&self, way: Way, street: u32) -> u32 {
        self.weights.get(street as usize).expect("a street of the network").of(way)
    }
}

impl Weights {
    fn of(self, way: Way) -> u32 {
        match way {
            Way::Car { habit } => *self.cars.get(usize::from(habit % HABITS)).expect("each habit has a weight"),
            Way::Bicycle => self.bicycle,
            Way::Foot => self.foot,
        }
    }
}

/// What a street costs, with a taste of each habit.
fn weigh(street: &Street, length_m: f64, crossings: &[Crossing], rng: &mut Draws) -> Weights {
    /// How much longer or shorter than it is a street seems to a driver: a choice.
    const TASTE: std::ops::Range<f64> = 0.8..1.25;
    /// Riders and walkers are this fast (mobility.md 2c), and like to be alone: a choice.
    const BICYCLE_M_S: f64 = 4.1;
    const FOOT_M_S: f64 = 1.3;
    const TRAFFIC: f64 = 1.1;
    let ends = [street.from, street.to].map(|node| crossings.get(node as usize).copied().unwrap_or(Crossing::None));
    let delay_s = ends.iter().map(|&crossing| delay_s(crossing)).sum::<f64>() / 2.0;
    let car_s = length_m / f64::from(street.speed_m_s) + delay_s;
    let calm = if street.class == Class::Main { TRAFFIC } else { 1.0 };
    Weights {
        cars: std::array::from_fn(|_| milliseconds(car_s * rng.random_range(TASTE))),
        bicycle: milliseconds(length_m / BICYCLE_M_S * calm + delay_s),
        foot: milliseconds(length_m / FOOT_M_S * calm),
    }
}

/// What a crossing costs on average: BerlinMOD's chances of a stop times a mean wait of 14 s (mobility.md 2c).
fn delay_s(crossing: Crossing) -> f64 {
    match crossing {
        Crossing::None => 0.0,
        Crossing::SideSide => 2.0,
        Crossing::SideMain => 3.5,
        Crossing::MainMain => 7.0,
        Crossing::Ramp => 0.7,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a street takes less than a month")]
fn milliseconds(seconds: f64) -> u32 {
    ((seconds * 1_000.0) as u32).max(1)
}

/// The network before it is prepared.
fn input(streets: &[Street], weights: &[Weights], way: Way) -> InputGraph {
    let mut input = InputGraph::new();
    for (street, weights) in streets.iter().zip(weights) {
        let weight = weights.of(way) as usize;
        let (from, to) = (street.from as usize, street.to as usize);
        if street.is_for(way, true) {
            input.add_edge(from, to, weight);
        }
        if street.is_for(way, false) {
            input.add_edge(to, from, weight);
        }
    }
    input.freeze();
    input
}

/// Prepares a network. Looking for fewer detours than usual takes two thirds of the time, and ways take
/// a tenth more to find: measured.
fn prepare(input: &InputGraph) -> Hierarchy {
    Hierarchy::from(&fast_paths::prepare_with_params(input, &Params::new(0.1, 100, 20, 100)))
}
