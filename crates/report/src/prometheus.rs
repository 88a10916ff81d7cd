//! A result as Prometheus' text, for a push gateway: what a run said, as figures that can be drawn over many runs.

use std::fmt::Write as _;

use crate::compare::{CPU, MEMORY, WRITTEN, measures};
use crate::result::{OperationResult, RunResult, Verdict};

const VERDICTS: [Verdict; 5] =
    [Verdict::Pass, Verdict::Fail, Verdict::Saturated, Verdict::Invalid, Verdict::Interrupted];

type Figure = fn(&OperationResult) -> f64;

const FIGURES: [(&str, &str, Figure); 6] = [
    ("rate", "Requests asked for each second", |of| of.rate_per_s),
    ("completed_rate", "Successful answers each second", |of| of.completed_per_s),
    ("offered", "Requests that the schedule intended while measuring", |of| of.offered as f64),
    ("completed", "Of these, answered with success", |of| of.completed as f64),
    ("failed", "Of these, failed", |of| of.failed as f64),
    ("censored", "Of these, unsent or unanswered when the run ended", |of| of.censored as f64),
];

/// The text of a run. Latencies of operations whose answers were all empty are left out.
pub fn exposition(run: &RunResult) -> String {
    let of = format!("scenario=\"{}\",target=\"{}\"", label(&run.scenario), label(&run.target));
    let mut text = String::new();
    let mut metric = |name: &str, help: &str, samples: Vec<(String, f64)>| {
        if samples.is_empty() {
            return;
        }
        let _ = writeln!(text, "# HELP rushhour_{name} {help}\n# TYPE rushhour_{name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(text, "rushhour_{name}{{{of}{labels}}} {value}");
        }
    };
    let verdict =
        |verdict: Verdict| (format!(",verdict=\"{}\"", verdict.word()), f64::from(u8::from(verdict == run.verdict)));
    metric("verdict", "What the run says: 1 for the verdict it has", VERDICTS.map(verdict).to_vec());
    for (name, help, figure) in FIGURES {
        let samples = run.operations.iter().map(|(name, operation)| (operation_label(name), figure(operation)));
        metric(name, help, samples.collect());
    }
    metric("response_seconds", "Percentiles of the response time", responses(run));
    let held = run
        .limits
        .iter()
        .map(|outcome| (format!(",limit=\"{}\"", label(&outcome.limit)), f64::from(u8::from(outcome.held))));
    metric("limit_held", "Whether a limit held", held.collect());
    for (name, value) in measures(run) {
        let (name, help, value) = match name.as_str() {
            CPU => (
                "target_cpu_seconds_per_request",
                "Processor time of the target for each completed request",
                value / 1e3,
            ),
            WRITTEN => ("target_written_bytes_per_request", "Bytes the target wrote for each request", value),
            MEMORY => ("target_memory_peak_bytes", "The most memory that the target held", value),
            _ => continue,
        };
        metric(name, help, vec![(String::new(), value)]);
    }
    let lateness = run.generator.lateness_p99_ms.map(|ms| (String::new(), ms / 1e3));
    metric("lateness_p99_seconds", "The generator's own delay", lateness.into_iter().collect());
    metric("steal_ratio", "Processor time that other guests took", vec![(String::new(), run.generator.steal_ratio)]);
    text
}

fn responses(run: &RunResult) -> Vec<(String, f64)> {
    let told = run.operations.iter().filter(|(_, operation)| !operation.is_always_empty);
    let of = |(name, operation): (&String, &OperationResult)| {
        let response = operation.response_ms;
        let quantiles = [
            ("0.5", response.p50),
            ("0.9", response.p90),
            ("0.99", response.p99),
            ("0.999", response.p99_9),
            ("1", response.max),
        ];
        let name = operation_label(name);
        quantiles.map(|(quantile, ms)| Some((format!("{name},quantile=\"{quantile}\""), ms? / 1e3)))
    };
    told.flat_map(of).flatten().collect()
}

fn operation_label(name: &str) -> String {
    format!(",operation=\"{}\"", label(name))
}

/// A text between quotes.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::histogram::Percentiles;

    #[test]
    fn a_run_is_told_in_figures() {
        let response_ms = Percentiles { count: 2000, p99: Some(40.0), ..Percentiles::default() };
        let put = OperationResult { completed: 7, response_ms, ..OperationResult::default() };
        let empty = OperationResult { is_always_empty: true, ..put.clone() };
        let operations = BTreeMap::from([("put".to_owned(), put), ("get".to_owned(), empty)]);
        let text = exposition(&RunResult { scenario: "a \"b\"".into(), operations, ..RunResult::example() });
        for line in [
            "# TYPE rushhour_completed gauge",
            "rushhour_verdict{scenario=\"a \\\"b\\\"\",target=\"local\",verdict=\"pass\"} 1",
            "rushhour_verdict{scenario=\"a \\\"b\\\"\",target=\"local\",verdict=\"fail\"} 0",
            "rushhour_completed{scenario=\"a \\\"b\\\"\",target=\"local\",operation=\"put\"} 7",
            "rushhour_response_seconds{scenario=\"a \\\"b\\\"\",target=\"local\",operation=\"put\",quantile=\"0.99\"} 0.04",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("operation=\"get\",quantile"));
    }
}
