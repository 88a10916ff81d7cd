//! Whether the parts of a run fit together.

use crate::limit::{Limit, LimitError, tightest_ms};
use crate::merge::Part;
use crate::result::{PhaseLengths, RunResult, Shard};

/// How far apart the first releases of two machines may lie, when no limit on a response time is looser.
const START_SPREAD_S: f64 = 0.05;
/// And as a share of the tightest limit.
const START_SPREAD_SHARE: f64 = 0.02;

/// Why parts cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("there is nothing to merge")]
    Nothing,
    /// Two parts are not of the same run.
    #[error("{name} has {what} {value}, {first} has {expected}: they are not parts of one run")]
    Differs {
        /// Which does not fit.
        name: String,
        /// What about it.
        what: &'static str,
        /// What it has there.
        value: String,
        /// What it does not fit to.
        first: String,
        /// What that has there.
        expected: String,
    },
    /// A whole run, or one of another tool's.
    #[error("{0} is a whole run, not a part of one: it was not sent with --shard")]
    Whole(String),
    /// A closed loop, or a run from before schedules had hashes.
    #[error("{0} says nothing about its schedule, as a closed loop or an old result: it cannot be merged")]
    NoSchedule(String),
    /// A part that began whenever it liked.
    #[error("{0} was not started at an instant that was agreed on with --start-at")]
    NoStart(String),
    /// A shard that is there twice.
    #[error("{name} and {other} are both shard {shard}")]
    Twice {
        /// The one.
        name: String,
        /// The other.
        other: String,
        /// Which shard.
        shard: Shard,
    },
    /// A shard that is not there.
    #[error("shard {0} is missing")]
    Missing(Shard),
    /// Clocks, or machines, that did not keep to the agreed start.
    #[error(
        "{name} started {late_s:.3} s after the agreed instant and {other} {other_late_s:.3} s: more than \
         {spread_max_s:.3} s apart, so the parts did not load the target together"
    )]
    Clocks {
        /// The last to start.
        name: String,
        /// How late it was.
        late_s: f64,
        /// The first to start.
        other: String,
        /// How late it was.
        other_late_s: f64,
        /// How far apart they may be.
        spread_max_s: f64,
    },
    /// Histograms that are not those of the result.
    #[error("{name}: the histograms have {histogram} response times of `{operation}`, the result has {result}")]
    Histograms {
        /// Which part.
        name: String,
        /// Which operation.
        operation: String,
        /// How many there are in the histogram.
        histogram: u64,
        /// And in the result.
        result: u64,
    },
    /// A limit that cannot be read.
    #[error("{name}: {error}")]
    Limit {
        /// Which part's.
        name: String,
        /// Why.
        error: LimitError,
    },
}

/// Whether `parts` are all shards of one run.
pub(super) fn check(parts: &[Part]) -> Result<(), MergeError> {
    let first = parts.first().ok_or(MergeError::Nothing)?;
    for part in parts {
        same(first, part)?;
        complete(part)?;
    }
    shards(parts)?;
    clocks(parts)
}

/// Every limit that some part was judged by, each once.
pub(super) fn limits(parts: &[Part]) -> Result<Vec<Limit>, MergeError> {
    let mut limits: Vec<Limit> = Vec::new();
    for part in parts {
        for outcome in &part.result.limits {
            let limit = outcome.limit.parse();
            let limit = limit.map_err(|error| MergeError::Limit { name: part.name.clone(), error })?;
            if !limits.contains(&limit) {
                limits.push(limit);
            }
        }
    }
    Ok(limits)
}

fn same(first: &Part, part: &Part) -> Result<(), MergeError> {
    if part.result.schedule.hash.is_empty() {
        return Err(MergeError::NoSchedule(part.name.clone()));
    }
    for ((what, value), (_, expected)) in facts(&part.result).into_iter().zip(facts(&first.result)) {
        if value != expected {
            let (name, first) = (part.name.clone(), first.name.clone());
            return Err(MergeError::Differs { name, what, value, first, expected });
        }
    }
    Ok(())
}

/// What parts of one run have in common.
fn facts(run: &RunResult) -> [(&'static str, String); 11] {
    let PhaseLengths { warm_up_s, measure_s, drain_s } = run.phases;
    let schedule = &run.schedule;
    [
        ("the scenario", run.scenario.clone()),
        ("the target", run.target.clone()),
        ("the seed", run.seed.to_string()),
        ("the users", run.users.to_string()),
        ("the phases", format!("{warm_up_s} s, {measure_s} s and {drain_s} s")),
        ("the schedule's hash", schedule.hash.clone()),
        ("the schedule's arrivals", schedule.arrivals.to_string()),
        ("the model", format!("{:?}", schedule.model)),
        ("the transport", schedule.transport.clone()),
        ("the start", schedule.start_at.clone().unwrap_or_else(|| "at no agreed instant".to_owned())),
        ("the number of shards", schedule.shard.map_or(1, |shard| shard.count).to_string()),
    ]
}

/// Whether the percentiles of the result were read from the histograms beside it.
fn complete(part: &Part) -> Result<(), MergeError> {
    for (operation, result) in &part.result.operations {
        let histograms = part.histograms.operations.get(operation);
        let histogram = histograms.map_or(0, |histograms| histograms.response.count());
        let result = result.response_ms.count;
        if histogram != result {
            let (name, operation) = (part.name.clone(), operation.clone());
            return Err(MergeError::Histograms { name, operation, histogram, result });
        }
    }
    Ok(())
}

/// Whether every shard is there, once.
fn shards(parts: &[Part]) -> Result<(), MergeError> {
    let mut names: Vec<Option<&str>> = Vec::new();
    for part in parts {
        let shard = part.result.schedule.shard.ok_or_else(|| MergeError::Whole(part.name.clone()))?;
        names.resize(names.len().max(shard.count as usize), None);
        let Some(place) = names.get_mut(shard.index as usize) else { return Err(MergeError::Whole(part.name.clone())) };
        if let Some(other) = place.replace(&part.name) {
            return Err(MergeError::Twice { name: part.name.clone(), other: other.to_owned(), shard });
        }
    }
    match (0..).zip(&names).find(|(_, name)| name.is_none()) {
        Some((index, _)) => {
            let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
            Err(MergeError::Missing(Shard { index, count }))
        }
        None => Ok(()),
    }
}

/// Whether all began together.
fn clocks(parts: &[Part]) -> Result<(), MergeError> {
    let tightest_s = tightest_ms(&limits(parts)?).unwrap_or_default() / 1000.0;
    let spread_max_s = START_SPREAD_S.max(START_SPREAD_SHARE * tightest_s);
    let mut late: Vec<(f64, &Part)> = Vec::new();
    for part in parts {
        let late_s = part.result.schedule.started_late_s.ok_or_else(|| MergeError::NoStart(part.name.clone()))?;
        late.push((late_s, part));
    }
    late.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    match late.as_slice() {
        [(other_late_s, other), .., (late_s, last)] if late_s - other_late_s > spread_max_s => {
            let (name, other) = (last.name.clone(), other.name.clone());
            Err(MergeError::Clocks { name, late_s: *late_s, other, other_late_s: *other_late_s, spread_max_s })
        }
        _ => Ok(()),
    }
}
