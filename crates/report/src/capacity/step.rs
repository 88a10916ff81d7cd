//! One step of a search: what a run at one rate says of that rate.

use serde::{Deserialize, Serialize};

use crate::interval::{Interval, IntervalOperation};
use crate::limit::{rounded, sentence};
use crate::result::{Model, OperationResult, RunResult, Verdict};
use crate::student::t_95;

/// Less of what was offered is no rate that was reached.
const ACHIEVED_RATIO_MIN: f64 = 0.99;
/// More failures or requests without an answer, of any operation, is no rate that was served.
const ERROR_RATIO_MAX: f64 = 0.001;
/// How far behind the phones a pipeline may be, in seconds of their lives: diaries are an hour old at most.
const PIPELINE_LAG_MAX_S: f64 = 3_600.0;
/// What is under way may grow by this share of what is offered: at that pace a request in five hundred is left over, which
/// a minute of measuring cannot tell from the luck of its edges.
const GROWTH_RATIO_MAX: f64 = 0.002;
/// And by so many requests, whatever was offered.
const GROWTH_MIN: f64 = 3.0;
/// Through fewer seconds no line is drawn.
const SECONDS_MIN: usize = 5;

/// A run at one rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What it was run for.
    pub phase: Phase,
    /// What was offered.
    pub rate: f64,
    /// What was seen.
    #[serde(flatten)]
    pub observed: Observed,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Finding the neighbourhood.
    Ramp,
    /// Finding the place.
    Bisection,
    /// Seeing it hold again.
    Confirm,
    /// Seeing a little more break again.
    ConfirmAbove,
    /// Finding the rates that hold shorter response times.
    Ladder,
}

impl Phase {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Bisection => "bisection",
            Self::Confirm => "confirm",
            Self::ConfirmAbove => "confirm above",
            Self::Ladder => "ladder",
        }
    }
}

/// What was seen in a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Whether the rate held.
    pub outcome: Outcome,
    /// Successful completions per second, of all operations.
    pub completed_per_s: f64,
    /// The p99 of the slowest operation, or its longest response time where it has too few samples; `None` where the target
    /// did not keep up, for then it tells how long the step was.
    pub response_p99_ms: Option<f64>,
    /// Where the run was kept.
    #[serde(default)]
    pub folder: Option<String>,
}

impl Observed {
    /// A rate that did not hold, and left nothing else to look at.
    pub fn broken(why: String) -> Self {
        Self { outcome: Outcome::Breaks(why), completed_per_s: 0.0, response_p99_ms: None, folder: None }
    }
}

/// Whether a rate held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did.
    Holds,
    /// It did not, and why.
    Breaks(String),
    /// The run says nothing of the target, and why.
    Void(String),
}

impl Outcome {
    /// Why it did not hold, or nothing can be said.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Holds => None,
            Self::Breaks(why) | Self::Void(why) => Some(why),
        }
    }
}

/// What a run says of its rate: it holds when all of it was achieved, every limit held, nearly nothing failed, and what was
/// under way did not grow, the pipeline was not left behind, and the disk had room. `intervals` are the run's own, of which those of *measure* are looked at.
pub fn judge(run: &RunResult, intervals: &[Interval]) -> Observed {
    let completed_per_s = run.operations.values().map(|operation| operation.completed_per_s).sum();
    let failing = unserved(run).or_else(|| growth(run, intervals)).or_else(|| behind(run)).or_else(|| run.overfull());
    let slowest =
        run.operations.values().filter_map(|operation| operation.response_ms.p99.or(operation.response_ms.max));
    let response_p99_ms = slowest.reduce(f64::max).filter(|_| failing.is_none());
    let outcome = match (void(run), failing.or_else(|| breach(run)), unjudged(run)) {
        (Some(why), ..) | (None, None, Some(why)) => Outcome::Void(why),
        (None, Some(why), _) => Outcome::Breaks(why),
        (None, None, None) => Outcome::Holds,
    };
    Observed { outcome, completed_per_s, response_p99_ms, folder: None }
}

fn void(run: &RunResult) -> Option<String> {
    match run.verdict {
        Verdict::Invalid => Some(run.reasons.join("; ")),
        Verdict::Interrupted => Some("it was interrupted".to_owned()),
        _ if run.schedule.model == Model::Closed => Some("a closed loop offers no rate".to_owned()),
        _ if run.operations.values().all(|operation| operation.offered == 0) => Some("nothing was offered".to_owned()),
        _ => None,
    }
}

/// Why the target did not serve what was offered.
fn unserved(run: &RunResult) -> Option<String> {
    if run.verdict == Verdict::Saturated {
        return Some(format!("saturated: {}", run.reasons.join("; ")));
    }
    let failing = run.operations.iter().find_map(|(name, operation)| {
        let OperationResult { offered, failed, censored, limited, .. } = *operation;
        let ratio = (failed + censored) as f64 / offered.max(1) as f64;
        let rule = if limited > 0 {
            format!("; {limited} it refused: a limit on requests (429) or on load (503 with Retry-After)")
        } else {
            String::new()
        };
        (ratio > ERROR_RATIO_MAX)
            .then(|| format!("{name}: {failed} of {offered} failed and {censored} had no answer{rule}"))
    });
    failing.or_else(|| {
        let offered: u64 = run.operations.values().map(|operation| operation.offered).sum();
        let per_s: f64 = run.operations.values().map(|operation| operation.completed_per_s).sum();
        let achieved = per_s * run.measured_s / offered.max(1) as f64;
        (achieved < ACHIEVED_RATIO_MIN)
            .then(|| format!("only {:.1} % of what was offered was completed in time", achieved * 100.0))
    })
}

/// Whether the pipeline was left behind: requests may all be answered while diaries are never made.
fn behind(run: &RunResult) -> Option<String> {
    let lag_s = run.pipeline_lag_max_s.filter(|lag_s| *lag_s > PIPELINE_LAG_MAX_S)?;
    Some(format!("the pipeline was {:.1} hours behind the phones, of at most 1", lag_s / 3_600.0))
}

fn breach(run: &RunResult) -> Option<String> {
    let broken = run.limits.iter().find(|limit| !limit.held && limit.value.is_some());
    broken.map(|limit| sentence(limit, &run.operations))
}

/// A limit that nothing was asked of says nothing about the target: the step was too short.
fn unjudged(run: &RunResult) -> Option<String> {
    let unjudged = run.limits.iter().find(|limit| !limit.held && limit.value.is_none());
    unjudged.map(|limit| format!("there was nothing to judge {} by; a longer step has more requests", limit.limit))
}

/// Whether what is under way grows, although each second looks well enough: a target a hair too slow.
fn growth(run: &RunResult, intervals: &[Interval]) -> Option<String> {
    let from_s = run.phases.warm_up_s;
    // Half a second of slack, as an interval's edges are where a clock put them.
    let is_measured =
        |interval: &Interval| interval.start_s > from_s - 0.5 && interval.end_s() < from_s + run.measured_s + 0.5;
    let mut under_way = 0.0;
    let points = intervals.iter().map(|interval| {
        let change = |operation: &IntervalOperation| operation.offered as f64 - operation.ended() as f64;
        under_way += interval.operations.values().map(change).sum::<f64>();
        (interval, under_way)
    });
    let measured = points.filter(|(interval, _)| is_measured(interval));
    let points: Vec<_> = measured.map(|(interval, under_way)| (interval.end_s(), under_way)).collect();
    let slope = Slope::through(&points)?;
    let offered: u64 = run.operations.values().map(|operation| operation.offered).sum();
    let grown = slope.per_s * run.measured_s;
    let is_material = grown > GROWTH_MIN.max(GROWTH_RATIO_MAX * offered as f64);
    (slope.low > 0.0 && is_material).then(|| {
        format!(
            "what was under way grew by {} requests each second, of which {} could be luck",
            rounded(slope.per_s),
            rounded(slope.per_s - slope.low)
        )
    })
}

/// A line of least squares.
#[derive(Debug)]
struct Slope {
    per_s: f64,
    /// With 95 % it is steeper than this, were each second's luck its own.
    low: f64,
}

impl Slope {
    fn through(points: &[(f64, f64)]) -> Option<Self> {
        if points.len() < SECONDS_MIN {
            return None;
        }
        let count = points.len() as f64;
        let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
        let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let per_s = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
        let residual = |(x, y): &(f64, f64)| (y - mean_y - per_s * (x - mean_x)).powi(2);
        let free = points.len() - 2;
        let error = (points.iter().map(residual).sum::<f64>() / free as f64 / spread).sqrt();
        Some(Self { per_s, low: per_s - t_95(free) * error })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::histogram::Percentiles;
    use crate::result::{LimitOutcome, MachineUse, PhaseLengths, ScheduleFacts, TargetUse};

    const RATE: u64 = 1_000;
    const SECONDS: u64 = 30;

    /// Half a minute at a thousand a second, of which each second so many were left over on average.
    fn step(left_over_per_s: i64) -> (RunResult, Vec<Interval>) {
        let second = |second: u64| {
            // A little more one second, a little less the next: what is under way is never still.
            let luck = if second.is_multiple_of(2) { 4 } else { -4 };
            let left_over = left_over_per_s + luck;
            let operation = IntervalOperation {
                offered: RATE,
                completed: RATE.checked_add_signed(-left_over).unwrap(),
                ..IntervalOperation::default()
            };
            Interval {
                start_s: second as f64,
                length_s: 1.0,
                operations: BTreeMap::from([("get".to_owned(), operation)]),
            }
        };
        let warm_up_s = 2;
        let intervals: Vec<_> = (0..SECONDS + warm_up_s).map(second).collect();
        let completed: u64 = intervals.iter().skip(2).map(|interval| interval.operations["get"].completed).sum();
        let operation = OperationResult {
            offered: RATE * SECONDS,
            completed: RATE * SECONDS,
            completed_per_s: completed as f64 / SECONDS as f64,
            response_ms: Percentiles { count: 30_000, p99: Some(12.5), max: Some(80.0), ..Percentiles::default() },
            ..OperationResult::default()
        };
        let run = RunResult {
            phases: PhaseLengths { warm_up_s: 2.0, measure_s: 30.0, drain_s: 5.0 },
            measured_s: SECONDS as f64,
            operations: BTreeMap::from([("get".to_owned(), operation)]),
            ..RunResult::example()
        };
        (run, intervals)
    }

    /// What a step says after something was done to its run.
    fn after(change: impl FnOnce(&mut RunResult)) -> Observed {
        let (mut run, intervals) = step(0);
        change(&mut run);
        judge(&run, &intervals)
    }

    fn breaks(observed: &Observed, why: &str) {
        assert!(matches!(&observed.outcome, Outcome::Breaks(said) if said.contains(why)), "{observed:?}");
    }

    fn get(run: &mut RunResult) -> &mut OperationResult {
        run.operations.get_mut("get").unwrap()
    }

    #[test]
    fn a_rate_that_is_served_in_time_holds() {
        let observed = after(|_| ());
        assert_eq!((observed.outcome, observed.response_p99_ms), (Outcome::Holds, Some(12.5)));
        let few =
            after(|run| get(run).response_ms = Percentiles { count: 9, max: Some(9.5), ..Percentiles::default() });
        assert_eq!(few.response_p99_ms, Some(9.5));
    }

    #[test]
    fn a_backlog_that_grows_breaks_a_step_that_looks_well() {
        let (run, intervals) = step(5);
        let observed = judge(&run, &intervals);
        breaks(&observed, "what was under way grew by 4.9");
        assert_eq!(observed.response_p99_ms, None);
        // A thousandth is within what the edges of a run can do.
        let (run, intervals) = step(1);
        assert_eq!(judge(&run, &intervals).outcome, Outcome::Holds);
        // Before the measuring began it may grow as it likes.
        let (run, mut intervals) = step(0);
        intervals[0].operations.get_mut("get").unwrap().completed = 0;
        assert_eq!(judge(&run, &intervals).outcome, Outcome::Holds);
    }

    #[test]
    fn what_is_not_served_breaks() {
        breaks(&after(|run| get(run).completed_per_s = 980.0), "only 98.0 % of what was offered");
        breaks(&after(|run| get(run).failed = 31), "get: 31 of 30000 failed and 0 had no answer");
        breaks(&after(|run| get(run).censored = 31), "0 of 30000 failed and 31 had no answer");
        let limited = after(|run| (get(run).failed, get(run).limited) = (100, 90));
        breaks(&limited, "90 it refused: a limit on requests (429) or on load (503 with Retry-After)");
        assert_eq!(after(|run| get(run).failed = 30).outcome, Outcome::Holds);
        let saturated = after(|run| (run.verdict, run.reasons) = (Verdict::Saturated, vec!["backlog".to_owned()]));
        breaks(&saturated, "saturated: backlog");
    }

    #[test]
    fn a_pipeline_that_is_left_behind_breaks_a_step_whose_requests_are_all_answered() {
        breaks(&after(|run| run.pipeline_lag_max_s = Some(7_200.0)), "the pipeline was 2.0 hours behind the phones");
        assert_eq!(after(|run| run.pipeline_lag_max_s = Some(3_000.0)).outcome, Outcome::Holds);
    }

    #[test]
    fn data_that_would_not_fit_on_the_disk_break_a_step() {
        let fill = |taken: u64| {
            move |run: &mut RunResult| {
                run.target_use = Some(TargetUse { disk_bytes: Some(taken), ..TargetUse::default() });
                run.machine = Some(MachineUse { disk_bytes: Some(1 << 30), ..MachineUse::default() });
            }
        };
        breaks(&after(fill(2 << 30)), "took 2.15 GB, and its disk has room for 1.07 GB");
        assert_eq!(after(fill(1 << 30)).outcome, Outcome::Holds);
    }

    #[test]
    fn a_limit_that_breaks_still_tells_how_long_answers_took() {
        let limit = LimitOutcome {
            limit: "get.response_ms.p99 < 10".to_owned(),
            operation: "get".to_owned(),
            metric: "response_ms.p99".to_owned(),
            value: Some(12.5),
            ..LimitOutcome::default()
        };
        let observed = after(|run| run.limits.push(limit));
        breaks(&observed, "get.response_ms.p99 < 10 does not hold: it was 12.5");
        assert_eq!(observed.response_p99_ms, Some(12.5));
    }

    #[test]
    fn a_limit_without_anything_to_judge_it_by_is_nobodys_fault() {
        let limit = LimitOutcome { limit: "timeline.response_ms.p99 < 10".to_owned(), ..LimitOutcome::default() };
        let observed = after(|run| run.limits.push(limit.clone()));
        assert!(matches!(&observed.outcome, Outcome::Void(said) if said.contains("a longer step")), "{observed:?}");
        // What the target did not serve comes first.
        let failing = after(|run| {
            run.limits.push(limit);
            get(run).failed = 31;
        });
        breaks(&failing, "31 of 30000 failed");
    }

    #[test]
    fn what_says_nothing_of_the_target_is_void_even_if_it_looks_broken() {
        let void = |observed: Observed, why: &str| assert_eq!(observed.outcome, Outcome::Void(why.to_owned()));
        let invalid = after(|run| {
            (run.verdict, run.reasons) = (Verdict::Invalid, vec!["steal 9 %".to_owned(), "late".to_owned()]);
            get(run).failed = 9_999;
        });
        void(invalid, "steal 9 %; late");
        void(after(|run| run.verdict = Verdict::Interrupted), "it was interrupted");
        void(
            after(|run| run.schedule = ScheduleFacts { model: Model::Closed, ..ScheduleFacts::default() }),
            "a closed loop offers no rate",
        );
        void(after(|run| get(run).offered = 0), "nothing was offered");
    }
}
