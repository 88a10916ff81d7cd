//! What a run says: whether its numbers are the target's, and whether they hold the limits.

use std::collections::BTreeMap;

use rushhour_report::result::{GeneratorUse, OperationResult, UploadResult, Verdict};

use crate::driver::{Driven, Ending};
use crate::scenario::{Limits, Milliseconds};

/// Lateness below this is not held against a run, however tight its limits: timers are no better.
const LATENESS_P99_MS: f64 = 2.0;
/// Lateness may be this share of the tightest limit.
const LATENESS_SHARE: f64 = 0.02;
/// A sending thread busier than this is the bottleneck itself.
const THREAD_CPU_RATIO_MAX: f64 = 0.85;
/// So is a process that takes more than this of all cores.
const CPU_RATIO_MAX: f64 = 0.85;
/// A machine whose hypervisor takes more than this measures its neighbours.
const STEAL_RATIO_MAX: f64 = 0.02;
/// A target that leaves more than this share of what was offered unanswered is saturated.
const CENSORED_RATIO_MAX: f64 = 0.01;

/// Everything that is judged.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What must hold.
    pub limits: &'a Limits,
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
    if facts.driven.ending == Ending::Interrupted {
        return (Verdict::Interrupted, vec!["stopped before its end; no limit was judged".to_owned()]);
    }
    let verdicts =
        [(Verdict::Invalid, invalid(facts)), (Verdict::Saturated, saturated(facts)), (Verdict::Fail, breached(facts))];
    let first = verdicts.into_iter().find(|(_, reasons)| !reasons.is_empty());
    first.unwrap_or((Verdict::Pass, Vec::new()))
}

fn invalid(facts: &Facts<'_>) -> Vec<String> {
    let GeneratorUse { thread_cpu_ratio, cpu_ratio, steal_ratio, lateness_p99_ms, .. } = *facts.generator;
    let tightest = facts.limits.response_p99_ms.values().map(|limit| limit.as_f64()).fold(f64::INFINITY, f64::min);
    let lateness_max =
        if tightest.is_finite() { LATENESS_P99_MS.max(LATENESS_SHARE * tightest) } else { LATENESS_P99_MS };
    let mut reasons = Vec::new();
    if facts.operations.values().all(|operation| operation.offered == 0) {
        reasons.push("nothing was offered while measuring; raise the rates or measure for longer".to_owned());
    }
    if let Some(lateness) = lateness_p99_ms.filter(|lateness| *lateness > lateness_max) {
        reasons.push(format!(
            "the generator let requests go too late: p99 {lateness:.1} ms, at most {lateness_max:.1} ms is valid; \
             run it on a quieter machine or at a lower rate"
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
    if facts.driven.ending == Ending::Saturated {
        reasons.push(format!(
            "{} requests were waiting for a connection after {:.1} s, and the run stopped",
            facts.driven.backlog_max,
            facts.driven.ended.as_secs_f64()
        ));
    }
    for (name, operation) in facts.operations {
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
    for (name, operation) in facts.operations {
        let failed = ratio(operation.failed, operation.offered);
        let failed_max = facts.limits.failed_ratio_max.as_f64();
        if failed > failed_max {
            let kinds: Vec<_> = operation.errors.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            reasons.push(format!(
                "{name}: {:.2} % failed ({}), the limit is {:.2} %",
                failed * 100.0,
                kinds.join(", "),
                failed_max * 100.0
            ));
        }
    }
    for (operation, limit) in &facts.limits.response_p99_ms {
        let result = facts.operations.get(operation.name());
        reasons.extend(result.and_then(|result| p99_breach(operation.name(), result, *limit)));
    }
    reasons
}

fn p99_breach(name: &str, result: &OperationResult, limit: Milliseconds) -> Option<String> {
    // With too few samples for a p99 the longest must hold it.
    let (word, value) = match (result.response_ms.p99, result.response_ms.max) {
        (Some(p99), _) => ("p99", p99),
        (None, Some(max)) => ("max (too few samples for a p99)", max),
        (None, None) => return None,
    };
    let limit = limit.as_f64();
    // The figure of an operation that did no work is not told, see docs/MEASURING.md.
    let told = if result.is_always_empty { String::new() } else { format!("{value:.1} ms ") };
    (value > limit).then(|| format!("{name}: response {word} {told}is over the limit of {limit} ms"))
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rushhour_report::histogram::Percentiles;

    use super::*;

    struct Case {
        driven: Driven,
        get: OperationResult,
        generator: GeneratorUse,
        upload: UploadResult,
    }

    /// A run in which all is well, changed by `change`, must be judged so, with a reason that holds `part`.
    fn check(change: impl FnOnce(&mut Case), verdict: Verdict, part: &str) {
        let percentiles = Percentiles { p99: Some(100.0), max: Some(900.0), ..Percentiles::default() };
        let mut case = Case {
            driven: Driven { ending: Ending::Finished, ended: Duration::from_secs(10), backlog_max: 3 },
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
        };
        change(&mut case);
        let (found, reasons) = judge(&Facts {
            limits: &Limits::default(),
            driven: case.driven,
            upload: &case.upload,
            operations: &BTreeMap::from([("get".to_owned(), case.get)]),
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
        check(|case| case.get.response_ms.p99 = Some(250.1), Verdict::Fail, "250.1 ms is over the limit of 250 ms");
        check(|case| case.get.response_ms.p99 = None, Verdict::Fail, "too few samples");
        check(|case| case.get.failed = 11, Verdict::Fail, "get: 0.11 % failed");
        check(|case| case.upload.failed = 1, Verdict::Fail, "upload: 1 of 100");
    }

    #[test]
    fn a_target_that_cannot_keep_up_is_saturated() {
        check(|case| case.driven.ending = Ending::Saturated, Verdict::Saturated, "after 10.0 s");
        check(|case| case.get.censored = 101, Verdict::Saturated, "1.0 % of what was offered");
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
