//! A river through the city: it keeps apart what no bridge joins.

use std::f64::consts::TAU;

use rand::RngExt;

use crate::draws::Draws;
use crate::plane::Point;

/// A river: a wave along a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct River {
    /// Cosine and sine of the direction it flows in.
    course: (f64, f64),
    /// How far from the centre it passes.
    aside_m: f64,
    swing_m: f64,
    wave_m: f64,
    phase: f64,
}

impl River {
    /// Past the centre, not through it; a bend every few kilometres. Choices.
    pub(super) fn draw(core_m: f64, rng: &mut Draws) -> Self {
        let angle = rng.random_range(0.0..TAU);
        Self {
            course: (angle.cos(), angle.sin()),
            aside_m: core_m * rng.random_range(0.2..0.35),
            swing_m: core_m * rng.random_range(0.04..0.08),
            wave_m: core_m * rng.random_range(0.8..1.4),
            phase: rng.random_range(0.0..TAU),
        }
    }

    /// How far downstream a position is, from where the river is nearest to the centre.
    pub(super) fn downstream_m(&self, at: Point) -> f64 {
        at.x_m * self.course.0 + at.y_m * self.course.1
    }

    /// Whether a straight line from `a` to `b` leads to the other bank.
    pub(super) fn parts(&self, a: Point, b: Point) -> bool {
        self.is_left(a) != self.is_left(b)
    }

    fn is_left(&self, at: Point) -> bool {
        let across_m = at.y_m * self.course.0 - at.x_m * self.course.1;
        let bank_m = self.aside_m + self.swing_m * (TAU * self.downstream_m(at) / self.wave_m + self.phase).sin();
        across_m > bank_m
    }
}
