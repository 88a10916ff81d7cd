//! An old run under new limits. Its numbers are what they were; only what is held against them changes.

use crate::interval::Interval;
use crate::limit::{Limit, LimitError, breaches, lateness_max_ms, tightest_ms};
use crate::result::{RunResult, SCHEMA, Verdict};
use crate::watch::Watch;

/// A run that is being judged again.
#[derive(Debug)]
pub struct Recompute {
    result: RunResult,
    watch: Watch,
    tightest_ms: Option<f64>,
}

impl Recompute {
    /// Judges `result` by `limits` in the place of its own.
    ///
    /// # Errors
    /// When a limit names an operation that the run did not have.
    pub fn new(result: RunResult, limits: Vec<Limit>) -> Result<Self, LimitError> {
        let names = result.operations.keys().map(String::as_str);
        limits.iter().try_for_each(|limit| limit.check_names(names.clone()))?;
        let measure_s = result.phases.warm_up_s..result.phases.warm_up_s + result.phases.measure_s;
        let tightest_ms = tightest_ms(&limits);
        Ok(Self { result, watch: Watch::new(limits, measure_s), tightest_ms })
    }

    /// Takes in the next of its seconds, for limits with windows.
    pub fn add(&mut self, interval: &Interval) {
        // It is over: nothing can be stopped any more.
        let _ = self.watch.add(interval);
    }

    /// The result as it would have been. What made a run interrupted, invalid or saturated was no limit, and stays; a
    /// tighter limit on response times can make it invalid.
    pub fn finish(self) -> RunResult {
        let Self { result, watch, tightest_ms } = self;
        let limits = watch.outcomes(&result.operations);
        let late = late(&result, tightest_ms);
        let (verdict, reasons) = match result.verdict {
            Verdict::Interrupted | Verdict::Invalid | Verdict::Saturated => (result.verdict, result.reasons.clone()),
            Verdict::Pass | Verdict::Fail if late.is_some() => (Verdict::Invalid, late.into_iter().collect()),
            Verdict::Pass | Verdict::Fail => {
                let of_limits = breaches(&result.limits, &result.operations);
                let others = result.reasons.iter().filter(|reason| !of_limits.contains(reason)).cloned();
                let reasons: Vec<String> = others.chain(breaches(&limits, &result.operations)).collect();
                (if reasons.is_empty() { Verdict::Pass } else { Verdict::Fail }, reasons)
            }
        };
        RunResult { schema: SCHEMA, verdict, reasons, limits, ..result }
    }
}

fn late(result: &RunResult, tightest_ms: Option<f64>) -> Option<String> {
    let max_ms = lateness_max_ms(tightest_ms);
    let lateness_ms = result.generator.lateness_p99_ms.filter(|lateness_ms| *lateness_ms > max_ms)?;
    Some(format!(
        "the generator let requests go too late for these limits: p99 {lateness_ms:.1} ms, at most {max_ms:.1} ms is valid"
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::histogram::Percentiles;
    use crate::interval::IntervalOperation;
    use crate::result::{GeneratorUse, OperationResult};

    fn run() -> RunResult {
        let response_ms = Percentiles { count: 2000, p99: Some(40.0), max: Some(90.0), ..Percentiles::default() };
        let put = OperationResult { offered: 2000, completed: 2000, response_ms, ..OperationResult::default() };
        let generator = GeneratorUse { lateness_p99_ms: Some(3.0), ..GeneratorUse::default() };
        RunResult { operations: BTreeMap::from([("put".to_owned(), put)]), generator, ..RunResult::example() }
    }

    fn judged(run: RunResult, limits: &[&str]) -> RunResult {
        let limits = limits.iter().map(|limit| limit.parse().unwrap()).collect();
        Recompute::new(run, limits).unwrap().finish()
    }

    #[test]
    fn new_limits_make_a_new_verdict() {
        let failed = judged(run(), &["put.response_ms.p99 < 250", "put.failed_ratio < 0"]);
        assert_eq!((failed.verdict, failed.reasons.len(), failed.limits.len()), (Verdict::Fail, 1, 2));
        let passed = judged(failed, &["put.response_ms.p99 < 250"]);
        assert_eq!((passed.verdict, passed.reasons.len(), passed.limits.len()), (Verdict::Pass, 0, 1));
    }

    #[test]
    fn limits_do_not_mend_a_run_and_tight_ones_ask_more_of_it() {
        for verdict in [Verdict::Invalid, Verdict::Saturated, Verdict::Interrupted] {
            let reasons = vec!["because".to_owned()];
            let judged =
                judged(RunResult { verdict, reasons: reasons.clone(), ..run() }, &["put.response_ms.p99 < 250"]);
            assert_eq!((judged.verdict, judged.reasons), (verdict, reasons));
        }
        assert_eq!(judged(run(), &["put.response_ms.p99 < 50"]).verdict, Verdict::Invalid);
        let stopped = RunResult { verdict: Verdict::Fail, reasons: vec!["stopped early: x".into()], ..run() };
        assert_eq!(judged(stopped, &["put.response_ms.p99 < 250"]).reasons, ["stopped early: x"]);
    }

    #[test]
    fn windows_are_judged_on_the_seconds() {
        let mut put = IntervalOperation { offered: 1, completed: 1, ..IntervalOperation::default() };
        put.response.record(Duration::from_millis(700));
        let operations = BTreeMap::from([("put".to_owned(), put)]);
        let limits = vec!["put.response_ms.max < 500 in every 1 s".parse().unwrap()];
        let mut again = Recompute::new(run(), limits).unwrap();
        again.add(&Interval { start_s: 4.0, length_s: 1.0, operations });
        assert_eq!(again.finish().verdict, Verdict::Fail);
        assert!(Recompute::new(run(), vec!["pot.failed_ratio < 1".parse().unwrap()]).is_err());
    }
}
