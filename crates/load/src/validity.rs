//! What a run says: whether its numbers are the target's, and whether they hold the limits.

use std::collections::BTreeMap;

use rushhour_report::limit::{breaches, lateness_max_ms};
use rushhour_report::result::{GeneratorUse, LimitOutcome, OperationResult, UploadResult, Verdict};

use crate::driver::{Driven, Ending};

/// A sending thread busier than this is the bottleneck itself.
const THREAD_CPU_RATIO_MAX: f64 = 0.85;
/// So is a process that takes more than this of all cores.
const CPU_RATIO_MAX: f64 = 0.85;
/// A machine whose hypervisor takes more than this measures its neighbours.
const STEAL_RATIO_MAX: f64 = 0.02;
/// A generator that lets less than this of the schedule go has measured another one.
const RELEASED_RATIO_MIN: f64 = 0.99;
/// A target that leaves more than this share of what was offered unanswered is saturated.
const CENSORED_RATIO_MAX: f64 = 0.01;

/// Everything that is judged.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What became of what must hold.
    pub limits: &'a [LimitOutcome],
    /// The tightest bound on a response time, in milliseconds.
    pub tightest_ms: Option<f64>,
    /// Why the run was stopped early, if a limit asked for it.
    pub aborted: Option<&'a str>,
    /// How the run ended.
    pub driven: Driven,
    /// What was uploaded before.
    pub upload: &'a UploadResult,
    /// What each operation did.
    pub operations: &'a BTreeMap<String, OperationResult>,
    /// What sending took.
    pub generator: &'a GeneratorUse,
}

/// The verdict with its reasons. An interrupted run is not judged; an invalid one neither passes nor fails.
pub fn judge(facts: &Facts<'_>) -> (Verdict, Vec<String>) {
    if facts.driven.ending == Ending::Interrupted && facts.aborted.is_none() {
        return (Verdict::Interrupted, vec!["stopped before its end; no limit was judged".to_owned()]);
    }
    let verdicts =
        [(Verdict::Invalid, invalid(facts)), (Verdict::Saturated, saturated(facts)), (Verdict::Fail, breached(facts))];
    let first = verdicts.into_iter().find(|(_, reasons)| !reasons.is_empty());
    first.unwrap_or((Verdict::Pass, Vec::new()))
}

fn invalid(facts: &Facts<'_>) -> Vec<String> {
    let GeneratorUse { thread_cpu_ratio, cpu_ratio, steal_ratio, lateness_p99_ms, released_ratio, .. } =
        *facts.generator;
    let lateness_max = lateness_max_ms(facts.tightest_ms);
    let mut reasons = Vec::new();
    // A target that gave in during the warm-up has said enough.
    let is_over = facts.driven.ending == Ending::Saturated;
    if !is_over && facts.operations.values().all(|operation| operation.offered == 0) {
        reasons.push("nothing was offered while measuring; raise the rates or measure for longer".to_owned());
    }
    if let Some(lateness) = lateness_p99_ms.filter(|lateness| *lateness > lateness_max) {
        reasons.push(format!(
            "the generator let requests go too late: p99 {lateness:.1} ms, at most {lateness_max:.1} ms is valid; \
             run it on a quieter machine or at a lower rate"
        ));
    }
    if let Some(released) = released_ratio.filter(|released| *released < RELEASED_RATIO_MIN) {
        reasons.push(format!(
            "the generator let only {:.1} % of the schedule go, at least {:.0} % is valid; lower the rate or split it over \
             machines",
            released * 100.0,
            RELEASED_RATIO_MIN * 100.0
        ));
    }
    if cpu_ratio > CPU_RATIO_MAX {
        reasons.push(format!(
            "the generator used {:.0} % of all cores, at most {:.0} % is valid; lower the rate or split it over machines",
            cpu_ratio * 100.0,
            CPU_RATIO_MAX * 100.0
        ));
    }
    if thread_cpu_ratio > THREAD_CPU_RATIO_MAX {
        reasons.push(format!(
            "the generator used {:.0} % of its core, at most {:.0} % is valid; lower the rate or split it over machines",
            thread_cpu_ratio * 100.0,
            THREAD_CPU_RATIO_MAX * 100.0
        ));
    }
    if steal_ratio > STEAL_RATIO_MAX {
        reasons.push(format!(
            "the hypervisor took {:.1} % of the processor time, at most {:.0} % is valid; use another machine",
            steal_ratio * 100.0,
            STEAL_RATIO_MAX * 100.0
        ));
    }
    reasons
}

fn saturated(facts: &Facts<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(days) = facts.upload.full_after_days {
        reasons.push(format!("the target's disk was full after {days} days of everybody"));
    }
    if facts.driven.ending == Ending::Saturated {
        reasons.push(format!(
            "{} requests were waiting for a connection after {:.1} s, and the run stopped",
            facts.driven.backlog_max,
            facts.driven.ended.as_secs_f64()
        ));
    }
    // A run that a limit stopped waits for nobody: what was under way says nothing.
    let judged = facts.operations.iter().filter(|_| facts.aborted.is_none());
    for (name, operation) in judged {
        let ratio = ratio(operation.censored, operation.offered);
        if ratio > CENSORED_RATIO_MAX {
            reasons.push(format!("{name}: {:.1} % of what was offered was unanswered at the end", ratio * 100.0));
        }
    }
    reasons
}

fn breached(facts: &Facts<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    let upload = facts.upload;
    if upload.failed > 0 {
        reasons.push(format!("upload: {} of {} requests failed", upload.failed, upload.sent));
    }
    reasons.extend(facts.aborted.map(|reason| format!("stopped early: {reason}")));
    if facts.aborted.is_none() {
        reasons.extend(breaches(facts.limits, facts.operations));
    }
    reasons
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rushhour_report::histogram::Percentiles;
    use rushhour_report::limit::{Limit, tightest_ms};

    use super::*;

    struct Case {
        driven: Driven,
        get: OperationResult,
        generator: GeneratorUse,
        upload: UploadResult,
        aborted: Option<&'static str>,
    }

    /// A run in which all is well, changed by `change`, must be judged so, with a reason that holds `part`.
    fn check(change: impl FnOnce(&mut Case), verdict: Verdict, part: &str) {
        let percentiles = Percentiles { p99: Some(100.0), max: Some(900.0), ..Percentiles::default() };
        let mut case = Case {
            driven: Driven {
                ending: Ending::Finished,
                ended: Duration::from_secs(10),
                backlog_max: 3,
                released: 10_000,
            },
            get: OperationResult {
                offered: 10_000,
                sent: 10_000,
                completed: 10_000,
                response_ms: percentiles,
                ..Default::default()
            },
            generator: GeneratorUse {
                lateness_p99_ms: Some(4.9),
                thread_cpu_ratio: 0.5,
                steal_ratio: 0.01,
                cpu_ratio: 0.4,
                backlog_max: 3,
                ..GeneratorUse::default()
            },
            upload: UploadResult { sent: 100, ..UploadResult::default() },
            aborted: None,
        };
        change(&mut case);
        let limits =
            ["*.failed_ratio <= 0.001", "get.response_ms.p99 < 250"].map(|text| text.parse::<Limit>().unwrap());
        let operations = BTreeMap::from([("get".to_owned(), case.get)]);
        let outcomes: Vec<_> = limits.iter().flat_map(|limit| limit.judge(&operations)).collect();
        let (found, reasons) = judge(&Facts {
            limits: &outcomes,
            tightest_ms: tightest_ms(&limits),
            aborted: case.aborted,
            driven: case.driven,
            upload: &case.upload,
            operations: &operations,
            generator: &case.generator,
        });
        assert_eq!(found, verdict, "{reasons:?}");
        assert!(reasons.concat().contains(part), "{reasons:?}");
    }

    #[test]
    fn a_run_in_which_all_is_well_passes() {
        check(|_| {}, Verdict::Pass, "");
    }

    #[test]
    fn a_breached_limit_fails() {
        check(
            |case| case.get.response_ms.p99 = Some(250.1),
            Verdict::Fail,
            "get.response_ms.p99 < 250 does not hold: it was 250.1",
        );
        check(|case| case.get.response_ms.p99 = None, Verdict::Fail, "too few samples");
        check(|case| case.get.failed = 11, Verdict::Fail, "get.failed_ratio <= 0.001 does not hold");
        check(|case| case.upload.failed = 1, Verdict::Fail, "upload: 1 of 100");
    }

    #[test]
    fn a_run_that_a_limit_stopped_fails_for_that_reason() {
        let change = |case: &mut Case| {
            case.driven.ending = Ending::Interrupted;
            case.aborted = Some("get.failed_ratio < 0.5 does not hold");
            case.get.censored = 500;
        };
        check(change, Verdict::Fail, "stopped early: get.failed_ratio");
    }

    #[test]
    fn a_target_that_cannot_keep_up_is_saturated() {
        let full = |case: &mut Case| case.upload.full_after_days = Some(13);
        check(full, Verdict::Saturated, "the target's disk was full after 13 days of everybody");
        check(|case| case.driven.ending = Ending::Saturated, Verdict::Saturated, "after 10.0 s");
        check(|case| case.get.censored = 101, Verdict::Saturated, "1.0 % of what was offered");
        let in_warm_up = |case: &mut Case| {
            case.driven.ending = Ending::Saturated;
            case.get = OperationResult::default();
        };
        check(in_warm_up, Verdict::Saturated, "the run stopped");
    }

    #[test]
    fn what_the_generator_decided_is_invalid_even_if_a_limit_was_breached() {
        let slow = |case: &mut Case| case.get.response_ms.p99 = Some(9999.0);
        check(
            |case| {
                slow(case);
                case.generator.lateness_p99_ms = Some(5.1)
            },
            Verdict::Invalid,
            "too late: p99 5.1 ms",
        );
        check(
            |case| {
                slow(case);
                case.generator.thread_cpu_ratio = 0.86
            },
            Verdict::Invalid,
            "86 % of its core",
        );
        check(
            |case| {
                slow(case);
                case.generator.steal_ratio = 0.03
            },
            Verdict::Invalid,
            "3.0 %",
        );
    }

    #[test]
    fn a_run_that_offered_nothing_is_invalid() {
        check(|case| case.get = OperationResult::default(), Verdict::Invalid, "nothing was offered");
        check(|case| case.generator.cpu_ratio = 0.9, Verdict::Invalid, "90 % of all cores");
        check(|case| case.generator.released_ratio = Some(0.98), Verdict::Invalid, "only 98.0 % of the schedule");
    }

    #[test]
    fn an_interrupted_run_is_not_judged() {
        let change = |case: &mut Case| {
            case.driven.ending = Ending::Interrupted;
            case.get.failed = 5000;
        };
        check(change, Verdict::Interrupted, "no limit was judged");
    }
}
