//! Curves through measured knots: quantiles are drawn from what was measured, not from a law that was fitted to it.

use rand::RngExt;

use crate::draws::Draws;

/// How many steps a curve is kept in.
const STEPS: usize = 128;

/// A curve: straight between knots `(x, y)` with growing `x`, level outside. It is kept as heights at equal steps, because
/// looking for a knot costs more than a phone has time for.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    from: f64,
    steps_per_x: f64,
    heights: [f64; STEPS + 1],
}

impl Curve {
    /// The curve through at least two knots.
    #[expect(clippy::indexing_slicing, reason = "computed while compiling, where a wrong index is an error")]
    pub(super) const fn through(knots: &[(f64, f64)]) -> Self {
        let (from, to) = (knots[0].0, knots[knots.len() - 1].0);
        let mut heights = [0.0; STEPS + 1];
        let (mut step, mut knot) = (0, 1);
        while step <= STEPS {
            let x = from + (to - from) * step as f64 / STEPS as f64;
            while knot + 1 < knots.len() && knots[knot].0 < x {
                knot += 1;
            }
            let ((left, low), (right, high)) = (knots[knot - 1], knots[knot]);
            heights[step] = if right > left { low + (high - low) * (x - left) / (right - left) } else { high };
            step += 1;
        }
        Self { from, steps_per_x: STEPS as f64 / (to - from), heights }
    }

    /// The height at `x`.
    pub(super) fn at(&self, x: f64) -> f64 {
        let steps = (x - self.from) * self.steps_per_x;
        let step = whole(steps);
        let share = (steps - step as f64).clamp(0.0, 1.0);
        match self.heights.get(step..=step + 1) {
            Some(&[low, high]) => low + share * (high - low),
            _ => self.last(),
        }
    }

    /// The height at the step before `x`: of a curve that is a staircase.
    pub(super) fn stair(&self, x: f64) -> f64 {
        *self.heights.get(whole((x - self.from) * self.steps_per_x)).unwrap_or(&self.last())
    }

    fn last(&self) -> f64 {
        let [.., last] = self.heights;
        last
    }

    /// A value, when the knots are quantiles.
    pub(super) fn draw(&self, rng: &mut Draws) -> f64 {
        self.at(rng.random())
    }
}

/// The whole part of a number of steps; 0 of a negative one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to an unsigned number saturates")]
fn whole(steps: f64) -> usize {
    steps as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_through_its_knots_and_is_level_outside() {
        let curve = Curve::through(&[(0.0, 2.0), (0.5, 4.0), (1.0, 10.0)]);
        for (x, y) in [(-1.0, 2.0), (0.0, 2.0), (0.25, 3.0), (0.5, 4.0), (0.75, 7.0), (1.0, 10.0), (9.0, 10.0)] {
            assert_eq!(curve.at(x), y, "{x}");
        }
    }

    #[test]
    fn a_staircase_has_no_heights_but_its_own() {
        let stairs = Curve::through(&[(-1.0, 5.0), (0.0, 5.0), (0.0, 10.0), (1.0, 10.0)]);
        let heights: Vec<f64> = [-2.0, -1.0, -0.1, 0.1, 0.9, 1.0, 3.0].map(|x| stairs.stair(x)).into();
        assert_eq!(heights, [5.0, 5.0, 5.0, 10.0, 10.0, 10.0, 10.0]);
    }
}
