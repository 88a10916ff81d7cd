//! When requests of one operation are intended: a rate, and how the times are spaced.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp, StandardUniform};
use serde::{Deserialize, Serialize};

/// The largest rate that is taken: a request every 100 ns.
const RATE_MAX_PER_S: f64 = 1e7;
/// The smallest rate that is taken: a request in eleven days.
const RATE_MIN_PER_S: f64 = 1e-6;

/// How often, and how regularly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// Intended requests per second.
    pub rate_per_s: Rate,
    /// How they are spaced.
    #[serde(default)]
    pub spacing: Spacing,
}

/// How requests are spaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spacing {
    /// Independently of each other, as many people's are.
    #[default]
    Poisson,
    /// Evenly.
    Uniform,
}

/// A rate: positive and finite, because nothing else can be built.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate {
    per_s: f64,
}

impl TryFrom<f64> for Rate {
    type Error = String;

    fn try_from(per_s: f64) -> Result<Self, String> {
        if (RATE_MIN_PER_S..=RATE_MAX_PER_S).contains(&per_s) {
            Ok(Self { per_s })
        } else {
            Err(format!(
                "{per_s} is not a rate from {RATE_MIN_PER_S} to {RATE_MAX_PER_S} per second; leave out what is not sent"
            ))
        }
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.per_s
    }
}

impl std::str::FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let per_s: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
        Self::try_from(per_s)
    }
}

impl Rate {
    /// Requests per second.
    pub fn per_s(self) -> f64 {
        self.per_s
    }
}

impl Arrivals {
    /// The intended times from the start of the run, without end. The same seed and stream give the same times.
    pub fn times(self, seed: u64, stream: u64) -> Box<dyn Iterator<Item = Duration> + Send> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        let rate_per_s = self.rate_per_s.per_s;
        match self.spacing {
            Spacing::Uniform => {
                // A phase of its own, so that two operations of the same rate are not always sent at once.
                let phase: f64 = StandardUniform.sample(&mut rng);
                Box::new((0_u64..).map(move |n| Duration::from_secs_f64((n as f64 + phase) / rate_per_s)))
            }
            Spacing::Poisson => {
                let gaps = Exp::new(rate_per_s).expect("a rate is positive and finite").sample_iter(rng);
                Box::new(gaps.scan(0.0, |at: &mut f64, gap: f64| {
                    *at += gap;
                    Some(Duration::from_secs_f64(*at))
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(rate_per_s: f64, spacing: Spacing, count: usize) -> Vec<f64> {
        let arrivals = Arrivals { rate_per_s: Rate::try_from(rate_per_s).unwrap(), spacing };
        arrivals.times(7, 3).take(count).map(|at| at.as_secs_f64()).collect()
    }

    #[test]
    fn uniform_arrivals_are_evenly_spaced() {
        let times = times(100.0, Spacing::Uniform, 1000);
        assert!(times[0] < 0.01);
        assert!(times.windows(2).all(|pair| (pair[1] - pair[0] - 0.01).abs() < 1e-8));
    }

    #[test]
    fn poisson_gaps_pass_a_kolmogorov_smirnov_test() {
        const COUNT: usize = 10_000;
        let times = times(50.0, Spacing::Poisson, COUNT + 1);
        let mut gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_by(f64::total_cmp);
        let share = |n: usize| n as f64 / COUNT as f64;
        let distances = gaps.iter().enumerate().map(|(n, gap)| {
            let truth = 1.0 - (-50.0 * gap).exp();
            (truth - share(n)).abs().max((share(n + 1) - truth).abs())
        });
        // The critical value for a significance of 1 %.
        assert!(distances.fold(0.0, f64::max) < 1.63 / (COUNT as f64).sqrt());
    }

    #[test]
    fn the_seed_and_the_stream_decide_the_times() {
        let arrivals = Arrivals { rate_per_s: Rate::try_from(10.0).unwrap(), spacing: Spacing::Poisson };
        let first = |seed, stream| arrivals.times(seed, stream).take(5).collect::<Vec<_>>();
        assert_eq!(first(1, 1), first(1, 1));
        assert_ne!(first(1, 1), first(2, 1));
        assert_ne!(first(1, 1), first(1, 2));
    }
}
