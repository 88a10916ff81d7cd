//! A result as JUnit XML, which every CI system shows: a test case for each limit, and two for the run as a whole.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::limit::{breaches, is_told, rounded, sentence};
use crate::result::{LimitOutcome, RunResult, Verdict};

/// The XML of a run.
///
/// A run that is invalid or was interrupted is an error, and its limits are skipped: it neither passes nor fails.
pub fn junit(run: &RunResult) -> String {
    let mut suite = TestSuite::new(format!("{} on {}", run.scenario, run.target));
    suite.set_time(Duration::try_from_secs_f64(run.measured_s).unwrap_or_default());
    suite.add_test_case(case("run", "the run is valid", validity(run)));
    suite.add_test_case(case("run", "the target keeps up", keeping_up(run)));
    for outcome in &run.limits {
        let mut case = case(&outcome.operation, &outcome.limit, held(run, outcome));
        let value = outcome.value.filter(|_| is_told(outcome, &run.operations));
        if let Some(value) = value {
            case.set_system_out(format!("{} = {}", outcome.metric, rounded(value)));
        }
        suite.add_test_case(case);
    }
    let mut report = Report::new("rushhour");
    report.add_test_suite(suite);
    report.to_string().expect("texts can be written as XML")
}

fn case(of: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(of);
    case
}

fn validity(run: &RunResult) -> TestCaseStatus {
    if is_judged(run) {
        TestCaseStatus::success()
    } else {
        not_so(NonSuccessKind::Error, run.verdict.word(), &run.reasons.join("; "))
    }
}

/// Fails for every reason that is not a limit's.
fn keeping_up(run: &RunResult) -> TestCaseStatus {
    let of_limits = breaches(&run.limits, &run.operations);
    let others: Vec<String> = run.reasons.iter().filter(|reason| !of_limits.contains(reason)).cloned().collect();
    match run.verdict {
        _ if !is_judged(run) => skipped(run),
        Verdict::Saturated | Verdict::Fail if !others.is_empty() => {
            not_so(NonSuccessKind::Failure, run.verdict.word(), &others.join("; "))
        }
        _ => TestCaseStatus::success(),
    }
}

fn held(run: &RunResult, outcome: &LimitOutcome) -> TestCaseStatus {
    if !is_judged(run) {
        skipped(run)
    } else if outcome.held {
        TestCaseStatus::success()
    } else {
        not_so(NonSuccessKind::Failure, "limit", &sentence(outcome, &run.operations))
    }
}

fn is_judged(run: &RunResult) -> bool {
    !matches!(run.verdict, Verdict::Invalid | Verdict::Interrupted)
}

fn skipped(run: &RunResult) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(format!("not judged: the run is {}", run.verdict.word()));
    status
}

fn not_so(kind: NonSuccessKind, what: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(what).set_message(message);
    status
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::histogram::Percentiles;
    use crate::limit::Limit;
    use crate::result::OperationResult;

    /// A run of which one limit held and one did not, and one limit is on an operation whose answers were empty.
    fn run() -> RunResult {
        let response_ms = Percentiles { count: 2000, p99: Some(345.6), max: Some(900.0), ..Percentiles::default() };
        let put = OperationResult { offered: 2000, completed: 2000, response_ms, ..OperationResult::default() };
        let get = OperationResult { is_always_empty: true, ..put.clone() };
        let operations = BTreeMap::from([("put".to_owned(), put), ("get".to_owned(), get)]);
        let limits = ["put.response_ms.p99 < 250", "put.failed_ratio <= 0.001", "get.response_ms.p99 < 1000"];
        let limits = limits.map(|limit| limit.parse::<Limit>().unwrap().judge(&operations)).concat();
        RunResult {
            scenario: "sync".into(),
            target: "a <b> & \"c\"".into(),
            verdict: Verdict::Fail,
            reasons: breaches(&limits, &operations),
            measured_s: 20.0,
            operations,
            limits,
            ..RunResult::example()
        }
    }

    #[test]
    fn each_limit_is_a_case_with_its_value() {
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="rushhour" tests="5" skipped="0" failures="1" errors="0">
    <testsuite name="sync on a &lt;b&gt; &amp; &quot;c&quot;" tests="5" skipped="0" errors="0" failures="1" time="20.000">
        <testcase name="the run is valid" classname="run"/>
        <testcase name="the target keeps up" classname="run"/>
        <testcase name="put.response_ms.p99 &lt; 250" classname="put">
            <failure message="put.response_ms.p99 &lt; 250 does not hold: it was 345.6" type="limit"/>
            <system-out>response_ms.p99 = 345.6</system-out>
        </testcase>
        <testcase name="put.failed_ratio &lt;= 0.001" classname="put">
            <system-out>failed_ratio = 0</system-out>
        </testcase>
        <testcase name="get.response_ms.p99 &lt; 1000" classname="get"/>
    </testsuite>
</testsuites>
"#;
        assert_eq!(junit(&run()), expected);
    }

    /// The numbers of failures, errors and skipped cases, and the messages.
    fn told(run: &RunResult) -> ([usize; 3], Vec<String>) {
        let xml = junit(run);
        let counts = ["<failure ", "<error ", "<skipped "].map(|tag| xml.matches(tag).count());
        let messages = xml.split("message=\"").skip(1).filter_map(|rest| rest.split('"').next());
        (counts, messages.map(str::to_owned).collect())
    }

    #[test]
    fn a_run_that_neither_passes_nor_fails_is_an_error() {
        for (verdict, word) in [(Verdict::Invalid, "invalid"), (Verdict::Interrupted, "interrupted")] {
            let (counts, messages) = told(&RunResult { verdict, reasons: vec!["too late".into()], ..run() });
            assert_eq!(counts, [0, 1, 4]);
            assert_eq!(messages[..2], ["too late".to_owned(), format!("not judged: the run is {word}")]);
        }
    }

    #[test]
    fn what_no_limit_says_fails_the_run_as_a_whole() {
        let reasons = vec!["10000 requests were waiting".to_owned()];
        let (counts, messages) = told(&RunResult { verdict: Verdict::Saturated, reasons: reasons.clone(), ..run() });
        assert_eq!((counts, messages.first()), ([2, 0, 0], reasons.first()));
        let (counts, messages) = told(&RunResult { reasons: [reasons.clone(), run().reasons].concat(), ..run() });
        assert_eq!((counts, messages.first()), ([2, 0, 0], reasons.first()));
        let passed = RunResult { verdict: Verdict::Pass, reasons: Vec::new(), limits: Vec::new(), ..run() };
        assert_eq!(told(&passed).0, [0, 0, 0]);
    }
}
