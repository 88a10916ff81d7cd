//! Fitting the law: Levenberg's and Marquardt's walk, from where a straight line starts it.

use crate::usl::Point;

/// More steps than any fit has needed; then it is as near as it gets.
const STEPS_MAX: usize = 200;
/// A step that gains less than this share is the last.
const GAIN_MIN: f64 = 1e-14;
/// Where the damping begins, and beyond which no step gains anything.
const DAMPING: [f64; 2] = [1e-3, 1e12];
/// Walking downhill, damping is divided by this, else multiplied.
const DAMPING_FACTOR: f64 = 8.0;

/// The law's three parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parameters {
    pub(super) lambda: f64,
    pub(super) sigma: f64,
    pub(super) kappa: f64,
}

impl Parameters {
    /// What `n` do together.
    pub(super) fn at(self, n: f64) -> f64 {
        self.lambda * n / self.drag(n)
    }

    fn drag(self, n: f64) -> f64 {
        1.0 + self.sigma * (n - 1.0) + self.kappa * n * (n - 1.0)
    }

    /// How what `n` do changes with each parameter.
    fn slopes(self, n: f64) -> Vector {
        let drag = self.drag(n);
        let by_drag = -self.lambda * n / (drag * drag);
        [n / drag, by_drag * (n - 1.0), by_drag * n * (n - 1.0)]
    }

    /// Neither waiting nor agreeing makes anything faster, and nobody waits all of the time.
    fn moved(self, [lambda, sigma, kappa]: Vector) -> Self {
        Self {
            lambda: (self.lambda + lambda).max(f64::MIN_POSITIVE),
            sigma: (self.sigma + sigma).clamp(0.0, 1.0),
            kappa: (self.kappa + kappa).max(0.0),
        }
    }
}

type Vector = [f64; 3];
type Matrix = [Vector; 3];

/// The parameters that leave the least squares over.
pub(super) fn fit(points: &[Point]) -> Parameters {
    let mut best = start(points);
    let mut left = squares(points, best);
    let [mut damping, damping_max] = DAMPING;
    for _ in 0..STEPS_MAX {
        let Some(step) = step(points, best, damping) else { break };
        let next = best.moved(step);
        let next_left = squares(points, next);
        if next_left < left {
            let gain = (left - next_left) / left;
            (best, left, damping) = (next, next_left, damping / DAMPING_FACTOR);
            if gain < GAIN_MIN {
                break;
            }
        } else {
            damping *= DAMPING_FACTOR;
            if damping > damping_max {
                break;
            }
        }
    }
    best
}

/// N/X is a plane in N−1 and N(N−1): not the fit that is wanted, as it weighs small measurements most, but near it.
fn start(points: &[Point]) -> Parameters {
    let row = |point: &Point| ([1.0, point.n - 1.0, point.n * (point.n - 1.0)], point.n / point.throughput_per_s);
    let [one, sigma, kappa] = solve(points.iter().map(row), 0.0).unwrap_or_default();
    if one > 0.0 {
        Parameters { lambda: 1.0 / one, sigma: 0.0, kappa: 0.0 }.moved([0.0, sigma / one, kappa / one])
    } else {
        let most = points.iter().map(|point| point.throughput_per_s / point.n).fold(0.0, f64::max);
        Parameters { lambda: most, sigma: 0.0, kappa: 0.0 }
    }
}

/// What the law leaves over.
pub(super) fn squares(points: &[Point], parameters: Parameters) -> f64 {
    points.iter().map(|point| (point.throughput_per_s - parameters.at(point.n)).powi(2)).sum()
}

/// A parameter at its bound that wants beyond it stays, and the others move as if it were not there.
fn step(points: &[Point], at: Parameters, damping: f64) -> Option<Vector> {
    let solved = |free: Vector| {
        let row = |point: &Point| {
            let [lambda, sigma, kappa] = at.slopes(point.n);
            let [free_lambda, free_sigma, free_kappa] = free;
            ([lambda * free_lambda, sigma * free_sigma, kappa * free_kappa], point.throughput_per_s - at.at(point.n))
        };
        solve(points.iter().map(row), damping)
    };
    let step = solved([1.0; 3])?;
    let free = |at: f64, step: f64| if at <= 0.0 && step < 0.0 { 0.0 } else { 1.0 };
    let [_, sigma, kappa] = step;
    match [1.0, free(at.sigma, sigma), free(at.kappa, kappa)] {
        [1.0, 1.0, 1.0] => Some(step),
        free => solved(free),
    }
}

/// The least squares of a linear system, its diagonal raised by `damping`; a column of zeros stays at 0. `None` when there is
/// no single answer.
fn solve(rows: impl Iterator<Item = (Vector, f64)>, damping: f64) -> Option<Vector> {
    let mut normal = Matrix::default();
    let mut right = Vector::default();
    for (row, value) in rows {
        for (line, factor) in normal.iter_mut().zip(row) {
            line.iter_mut().zip(row).for_each(|(cell, other)| *cell += factor * other);
        }
        right.iter_mut().zip(row).for_each(|(cell, factor)| *cell += factor * value);
    }
    let [[a, b, c], [_, d, e], [_, _, f]] = normal;
    let [a, d, f] = [a, d, f].map(|own| if own > 0.0 { own * (1.0 + damping) } else { 1.0 });
    // A symmetric matrix of three by three is inverted by its cofactors.
    let cofactors = [d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e, a * d - b * b];
    let [p, q, r, s, t, u] = cofactors;
    let determinant = a * p + b * q + c * r;
    let [x, y, z] = right;
    let solution = [p * x + q * y + r * z, q * x + s * y + t * z, r * x + t * y + u * z].map(|part| part / determinant);
    solution.iter().all(|part| part.is_finite()).then_some(solution)
}
