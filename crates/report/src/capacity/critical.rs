//! The rates that hold short response times: the ladder of SPECjbb2015's critical-jOPS, on requests.

use serde::{Deserialize, Serialize};

use crate::capacity::RateRange;
use crate::capacity::step::{Outcome, Step};

/// The rungs: bounds on the slowest operation's p99, in milliseconds.
const BOUNDS_MS: [u32; 5] = [10, 25, 50, 75, 100];

/// What rate holds which response time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Critical {
    /// The geometric mean of the rungs; `None` unless each was held by some step, as a mean of fewer compares with nothing.
    pub rate: Option<f64>,
    /// The geometric means of the rungs' ends; the upper one is open when that of a rung is.
    pub range: RateRange,
    /// Each rung.
    pub bounds: Vec<AtBound>,
}

/// One rung.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtBound {
    /// No p99 above this, in milliseconds.
    pub response_p99_ms: u32,
    /// The highest rate that stayed within; `None` when no step did.
    pub rate: Option<f64>,
    /// From the highest rate below all that did not stay within, to the lowest above `rate` that did not.
    pub range: RateRange,
}

/// Reads the ladder off the steps of a search. Void steps say nothing; one that did not keep up stays within no bound.
pub fn critical(steps: &[Step]) -> Critical {
    let told: Vec<_> = steps.iter().filter(|step| !matches!(step.observed.outcome, Outcome::Void(_))).collect();
    let bounds: Vec<_> = BOUNDS_MS.into_iter().map(|bound_ms| at_bound(&told, bound_ms)).collect();
    let rate = mean(bounds.iter().map(|bound| bound.rate));
    let low = rate.and_then(|_| mean(bounds.iter().map(|bound| bound.range.low)));
    let high = rate.and_then(|_| mean(bounds.iter().map(|bound| bound.range.high)));
    Critical { rate, range: RateRange { low, high }, bounds }
}

fn at_bound(steps: &[&Step], bound_ms: u32) -> AtBound {
    let is_within = |step: &&&Step| step.observed.response_p99_ms.is_some_and(|ms| ms <= f64::from(bound_ms));
    let within = || steps.iter().filter(is_within).map(|step| step.rate);
    let beyond = || steps.iter().filter(|step| !is_within(step)).map(|step| step.rate);
    let rate = within().reduce(f64::max);
    let low = within().filter(|rate| beyond().all(|slow| slow > *rate)).reduce(f64::max);
    let high = beyond().filter(|slow| rate.is_none_or(|rate| *slow > rate)).reduce(f64::min);
    AtBound { response_p99_ms: bound_ms, rate, range: RateRange { low, high } }
}

/// `None` when one of them is missing.
fn mean(rates: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let logs: Vec<f64> = rates.map(|rate| rate.map(f64::ln)).collect::<Option<_>>()?;
    Some((logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::step::{Observed, Phase};

    fn step(rate: f64, response_p99_ms: Option<f64>, outcome: Outcome) -> Step {
        let observed = Observed { outcome, completed_per_s: rate, response_p99_ms, folder: None };
        Step { phase: Phase::Ramp, rate, observed }
    }

    /// Steps that hold, by rate and p99; one without kept up with nothing.
    fn steps(seen: &[(f64, Option<f64>)]) -> Vec<Step> {
        let outcome = |ms: Option<f64>| ms.map_or(Outcome::Breaks("slow".to_owned()), |_| Outcome::Holds);
        seen.iter().map(|(rate, ms)| step(*rate, *ms, outcome(*ms))).collect()
    }

    fn near(found: Option<f64>, known: f64) -> bool {
        found.is_some_and(|found| (found / known - 1.0).abs() < 1e-9)
    }

    #[test]
    fn the_critical_rate_is_the_geometric_mean_of_the_ladder() {
        let seen = [
            (100.0, Some(5.0)),
            (200.0, Some(20.0)),
            (400.0, Some(40.0)),
            (800.0, Some(60.0)),
            (1600.0, Some(90.0)),
            (3200.0, None),
        ];
        let found = critical(&steps(&seen));
        assert!(near(found.rate, 400.0), "{found:?}");
        assert!(near(found.range.low, 400.0) && near(found.range.high, 800.0), "{found:?}");
        assert_eq!(
            found.bounds[1],
            AtBound {
                response_p99_ms: 25,
                rate: Some(200.0),
                range: RateRange { low: Some(200.0), high: Some(400.0) },
            }
        );
    }

    #[test]
    fn a_ladder_with_a_rung_that_nothing_held_has_no_mean() {
        let found = critical(&steps(&[(100.0, Some(12.0)), (200.0, Some(30.0))]));
        assert_eq!((found.rate, found.bounds[0].rate, found.bounds[0].range.high), (None, None, Some(100.0)));
        assert_eq!(found.bounds[4].range, RateRange { low: Some(200.0), high: None });
        assert_eq!(critical(&[]).rate, None);
    }

    #[test]
    fn luck_widens_the_range_and_void_steps_say_nothing() {
        let mut seen = steps(&[(100.0, Some(5.0)), (200.0, Some(11.0)), (300.0, Some(9.0)), (400.0, Some(200.0))]);
        seen.push(step(500.0, Some(1.0), Outcome::Void("steal".to_owned())));
        let rung = critical(&seen).bounds[0];
        assert_eq!((rung.rate, rung.range), (Some(300.0), RateRange { low: Some(100.0), high: Some(400.0) }));
    }
}
