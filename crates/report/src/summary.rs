//! A run at a glance: a headline, the tables, and what the machines had to do for it.

use std::fmt::Write as _;

use crate::histogram::Percentiles;
use crate::result::{OperationResult, RunResult, TargetUse, UploadResult};
use crate::table::Table;

/// What stands for a number that is not told.
const UNTOLD: &str = "–";
const EMPTY_NOTE: &str =
    "* every answer was empty: only the way was measured, not the work; latencies stay in result.json";

/// For a terminal.
pub fn text(run: &RunResult) -> String {
    page(run, &headline(run), Table::text)
}

/// For `summary.md`.
pub fn markdown(run: &RunResult) -> String {
    page(run, &format!("# {}\n", headline(run)), Table::markdown)
}

fn page(run: &RunResult, title: &str, draw: fn(&Table) -> String) -> String {
    let mut page = format!("{title}\n");
    for reason in &run.reasons {
        let _ = writeln!(page, "- {reason}");
    }
    if !run.reasons.is_empty() {
        page.push('\n');
    }
    let _ = writeln!(page, "{}\n", circumstances(run));
    let _ = writeln!(page, "{}\n", upload_line(&run.upload));
    let _ = writeln!(page, "{}\n{}", draw(&counts(run)), draw(&latencies(run)));
    if run.operations.values().any(|operation| operation.is_always_empty) {
        let _ = writeln!(page, "{EMPTY_NOTE}\n");
    }
    let _ = writeln!(page, "{}", generator_line(run));
    if let Some(target_use) = &run.target_use {
        let _ = writeln!(page, "{}", target_line(target_use, run.measured_s));
    }
    page
}

fn headline(run: &RunResult) -> String {
    format!("{} on {}: {}", run.scenario, run.target, run.verdict.word().to_uppercase())
}

fn circumstances(run: &RunResult) -> String {
    let at = &run.environment;
    format!(
        "{} · {} ({}, {} cores, {})\n{} users, seed {} · measured {:.0} s after {} s of warm-up · rushhour {} {}",
        at.started_at,
        at.host,
        at.cpu_model,
        at.cores,
        bytes(at.memory_bytes),
        run.users,
        run.seed,
        run.measured_s,
        run.phases.warm_up_s,
        at.version,
        at.commit,
    )
}

fn upload_line(upload: &UploadResult) -> String {
    let entries_per_s = if upload.seconds > 0.0 { upload.entries as f64 / upload.seconds } else { 0.0 };
    format!(
        "upload before: {} entries in {} requests, {} ({} failed), {:.1} s, {entries_per_s:.0} entries/s",
        upload.entries,
        upload.sent,
        bytes(upload.bytes),
        upload.failed,
        upload.seconds,
    )
}

/// One row per operation: how many requests, and how large.
pub fn counts(run: &RunResult) -> Table {
    let mut table = Table::new(1, &COUNTS);
    table.rows.extend(run.operations.iter().map(|(name, operation)| count_cells(marked(name, operation), operation)));
    table
}

const COUNTS: [&str; 10] = [
    "operation",
    "rate_per_s",
    "offered",
    "sent",
    "completed",
    "failed",
    "censored",
    "completed_per_s",
    "request_bytes_mean",
    "response_bytes_mean",
];

fn count_cells(name: String, operation: &OperationResult) -> Vec<String> {
    let OperationResult { offered, sent, completed, failed, censored, .. } = *operation;
    let counts = [offered, sent, completed, failed, censored].map(|count| count.to_string());
    let mut row = vec![name, operation.rate_per_s.to_string()];
    row.extend(counts);
    row.push(format!("{:.1}", operation.completed_per_s));
    row.push(format!("{:.0}", operation.request_bytes_mean));
    row.push(format!("{:.0}", operation.response_bytes_mean));
    row
}

/// Four rows per operation: where the time went, in milliseconds. An operation that only got empty answers is left out:
/// its figures would be taken for the work that was not done.
pub fn latencies(run: &RunResult) -> Table {
    let mut table = Table::new(2, &["operation", "ms", "p50", "p90", "p99", "p99.9", "max"]);
    for (name, operation) in run.operations.iter().filter(|(_, operation)| !operation.is_always_empty) {
        let mut name = name.clone();
        for (part, percentiles) in ["response", "service", "wait", "lateness"].into_iter().zip(parts(operation)) {
            // Named once: four equal names in a column hide where the next operation begins.
            let mut row = vec![std::mem::take(&mut name), part.to_owned()];
            row.extend(quantiles(percentiles).map(|ms| ms.map_or(UNTOLD.to_owned(), three_digits)));
            table.rows.push(row);
        }
    }
    table
}

/// One row per operation with every number that may be quoted, for programs, under the words of `result.json`.
pub fn flat(run: &RunResult) -> Table {
    let mut table = Table::new(1, &COUNTS);
    table.headings.push("is_always_empty".to_owned());
    for part in ["response_ms", "service_ms", "wait_ms", "lateness_ms"] {
        table.headings.extend(["p50", "p90", "p99", "p99_9", "max"].map(|quantile| format!("{part}.{quantile}")));
    }
    for (name, operation) in &run.operations {
        let mut row = count_cells(name.clone(), operation);
        row.push(operation.is_always_empty.to_string());
        let told = parts(operation).into_iter().flat_map(quantiles).map(|ms| ms.filter(|_| !operation.is_always_empty));
        row.extend(told.map(|ms| ms.map_or(String::new(), |ms| ms.to_string())));
        table.rows.push(row);
    }
    table
}

fn parts(operation: &OperationResult) -> [&Percentiles; 4] {
    [&operation.response_ms, &operation.service_ms, &operation.wait_ms, &operation.lateness_ms]
}

fn quantiles(percentiles: &Percentiles) -> [Option<f64>; 5] {
    let Percentiles { p50, p90, p99, p99_9, max, .. } = *percentiles;
    [p50, p90, p99, p99_9, max]
}

fn marked(name: &str, operation: &OperationResult) -> String {
    if operation.is_always_empty { format!("{name}*") } else { name.to_owned() }
}

/// A number with about three digits, as the histogram has no more to tell.
fn three_digits(number: f64) -> String {
    match number {
        n if n < 10.0 => format!("{n:.2}"),
        n if n < 100.0 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

fn generator_line(run: &RunResult) -> String {
    let generator = &run.generator;
    format!(
        "generator: {} of a core, lateness p99 {} ms, steal {}, at most {} waiting for a connection",
        percent(generator.thread_cpu_ratio),
        generator.lateness_p99_ms.map_or(UNTOLD.to_owned(), three_digits),
        percent(generator.steal_ratio),
        generator.backlog_max,
    )
}

fn target_line(target: &TargetUse, measured_s: f64) -> String {
    format!(
        "target: {:.2} CPU s in all, {:.2} while measuring ({} of a core)\n        {} memory at its peak, {} on disk, {} written",
        target.cpu_s,
        target.measure_cpu_s,
        percent(if measured_s > 0.0 { target.measure_cpu_s / measured_s } else { 0.0 }),
        bytes(target.memory_peak_bytes),
        bytes(target.disk_bytes),
        bytes(target.written_bytes),
    )
}

fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

/// Bytes with a decimal unit, as disks are sold.
pub fn bytes(count: u64) -> String {
    let count = count as f64;
    match count {
        n if n < 1e3 => format!("{n} B"),
        n if n < 1e6 => format!("{} kB", three_digits(n / 1e3)),
        n if n < 1e9 => format!("{} MB", three_digits(n / 1e6)),
        n => format!("{} GB", three_digits(n / 1e9)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::environment::Environment;
    use crate::result::{GeneratorUse, PhaseLengths, SCHEMA, ScheduleFacts, Verdict};

    fn run() -> RunResult {
        let told = Percentiles {
            count: 1000,
            p50: Some(0.512),
            p90: Some(12.34),
            p99: Some(345.6),
            p99_9: None,
            max: Some(999.9),
        };
        let operation = OperationResult {
            rate_per_s: 100.0,
            offered: 2000,
            sent: 2000,
            completed: 1999,
            failed: 1,
            response_ms: told,
            ..Default::default()
        };
        let empty = OperationResult { is_always_empty: true, ..operation.clone() };
        RunResult {
            schema: SCHEMA,
            scenario: "quickstart".into(),
            target: "local".into(),
            verdict: Verdict::Fail,
            reasons: vec!["get: response p99 345.6 ms is over the limit of 250 ms".into()],
            seed: 1,
            users: 20,
            schedule: ScheduleFacts::default(),
            phases: PhaseLengths { warm_up_s: 2.0, measure_s: 20.0, drain_s: 5.0 },
            measured_s: 20.0,
            upload: UploadResult { sent: 10, failed: 0, entries: 5000, bytes: 1_500_000, seconds: 0.5 },
            operations: BTreeMap::from([("get".to_owned(), operation), ("timeline".to_owned(), empty)]),
            limits: Vec::new(),
            slow: Vec::new(),
            generator: GeneratorUse::default(),
            target_use: Some(TargetUse { measure_cpu_s: 1.0, ..TargetUse::default() }),
            environment: Environment::default(),
        }
    }

    #[test]
    fn the_summary_says_the_verdict_first_and_marks_what_must_not_be_quoted() {
        let text = text(&run());
        assert!(text.starts_with("quickstart on local: FAIL\n- get: response p99"), "{text}");
        assert!(text.contains("10000 entries/s"), "{text}");
        assert!(text.contains("timeline*"), "{text}");
        assert!(text.contains(EMPTY_NOTE), "{text}");
        assert!(text.contains("(5.0 % of a core)"), "{text}");
        let row = text.lines().filter(|line| line.starts_with("get ")).nth(1).unwrap();
        assert_eq!(row.split_whitespace().skip(2).collect::<Vec<_>>(), ["0.51", "12.3", "346", "–", "1000"]);
    }

    #[test]
    fn the_tables_are_csv_too() {
        let csv = counts(&run()).csv();
        assert_eq!(csv.lines().nth(1), Some("get,100,2000,2000,1999,1,0,0.0,0,0"));
        let flat = flat(&run()).csv();
        assert!(flat.starts_with("operation,rate_per_s,offered"), "{flat}");
        assert!(flat.contains(",response_ms.p99_9,response_ms.max,service_ms.p50,"), "{flat}");
        assert!(flat.contains("\ntimeline,100,2000,2000,1999,1,0,0.0,0,0,true,,,,,,"), "{flat}");
        assert!(flat.contains("\nget,100,2000,2000,1999,1,0,0.0,0,0,false,0.512,12.34,345.6,,999.9,"), "{flat}");
        assert!(markdown(&run()).contains("| operation"), "{}", markdown(&run()));
    }

    #[test]
    fn a_result_survives_json() {
        let json = serde_json::to_string(&run()).unwrap();
        assert_eq!(serde_json::from_str::<RunResult>(&json).unwrap(), run());
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        for path in [
            "/operations/get/offered",
            "/operations/get/response_ms/p99_9",
            "/operations/get/lateness_ms/p50",
            "/verdict",
            "/environment/host",
        ] {
            assert!(value.pointer(path).is_some(), "{path}");
        }
    }
}
