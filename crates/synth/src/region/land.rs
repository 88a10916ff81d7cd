//! Land use: where homes and where workplaces are dense.

use rand::RngExt;

use super::city::Plan;
use crate::draws::Draws;
use crate::plane::Point;
use crate::roads::Roads;

/// A smaller centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Centre {
    /// Where.
    pub(super) at: Point,
    /// How dense it is compared with the middle of the city.
    pub(super) weight: f64,
}

/// How many homes and how much work is around each door of a network.
#[derive(Clone, Debug)]
pub(super) struct Land {
    homes: Shares,
    works: Shares,
}

/// Doors in this half side of a square are counted to see how close together they are.
const AROUND_M: f64 = 800.0;

impl Land {
    /// Density falls exponentially: by e every 5 km for homes, every 2.5 km for work (mobility.md 4); in smaller centres
    /// sooner, a choice.
    pub(super) fn of_plan(plan: &Plan, roads: &Roads) -> Self {
        const HOME_M: (f64, f64) = (5_000.0, 1_500.0);
        const WORK_M: (f64, f64) = (2_500.0, 800.0);
        let density = |at: Point, (middle_m, centre_m): (f64, f64)| {
            let centres =
                plan.centres.iter().map(|centre| centre.weight * (-at.distance_m(centre.at) / centre_m).exp());
            (-at.distance_m(Point::default()) / middle_m).exp() + centres.sum::<f64>()
        };
        let weight = |node, scale_m| {
            let at = roads.position(node);
            // Each door stands for the land around it: little where they are close together.
            density(at, scale_m) / roads.doors_around(at, AROUND_M).max(1) as f64
        };
        let shares = |scale_m| Shares::new(roads, |node| weight(node, scale_m));
        Self { homes: shares(HOME_M), works: shares(WORK_M) }
    }

    /// People live at every junction, and work where junctions are close together.
    pub(super) fn of_streets(roads: &Roads) -> Self {
        let works = Shares::new(roads, |node| roads.doors_around(roads.position(node), AROUND_M) as f64);
        Self { homes: Shares::new(roads, |_| 1.0), works }
    }

    /// A node that somebody lives at.
    pub(super) fn home(&self, rng: &mut Draws) -> u32 {
        self.homes.draw(rng)
    }

    /// A node that somebody works at.
    pub(super) fn work(&self, rng: &mut Draws) -> u32 {
        self.works.draw(rng)
    }
}

/// Nodes, some likelier than others.
#[derive(Clone, Debug)]
struct Shares {
    first_node: u32,
    /// The sum of the weights up to each node.
    sums: Vec<f64>,
}

impl Shares {
    fn new(roads: &Roads, weight: impl Fn(u32) -> f64) -> Self {
        let mut sum = 0.0;
        let up_to = |node| {
            sum += weight(node);
            sum
        };
        Self {
            first_node: roads.doors().next().expect("a network has doors"),
            sums: roads.doors().map(up_to).collect(),
        }
    }

    fn draw(&self, rng: &mut Draws) -> u32 {
        let total = self.sums.last().copied().expect("a network has doors");
        let sum = rng.random_range(0.0..total);
        let number = self.sums.partition_point(|&up_to| up_to <= sum);
        self.first_node + u32::try_from(number).expect("fewer nodes than numbers")
    }
}

/// The position at a distance from `at` in the direction of an angle, counted from the east to the north.
pub(super) fn offset(at: Point, distance_m: f64, angle: f64) -> Point {
    Point::new(at.x_m + distance_m * angle.cos(), at.y_m + distance_m * angle.sin())
}
