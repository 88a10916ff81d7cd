//! The tables of a run.

use crate::histogram::Percentiles;
use crate::limit::{is_told, rounded};
use crate::result::{Model, OperationResult, RunResult};
use crate::table::Table;

/// What stands for a number that is not told.
pub(super) const UNTOLD: &str = "–";
/// More of the slowest requests are in `result.json`.
const SLOW_SHOWN: usize = 5;

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
    table.headings.extend(["is_always_empty", "model", "shed", "limited"].map(str::to_owned));
    for part in ["response_ms", "service_ms", "wait_ms", "lateness_ms"] {
        table.headings.extend(["p50", "p90", "p99", "p99_9", "max"].map(|quantile| format!("{part}.{quantile}")));
    }
    for (name, operation) in &run.operations {
        let mut row = count_cells(name.clone(), operation);
        row.push(operation.is_always_empty.to_string());
        row.push(model(run).to_owned());
        row.extend([operation.shed, operation.limited].map(|count| count.to_string()));
        let told = parts(operation).into_iter().flat_map(quantiles).map(|ms| ms.filter(|_| !operation.is_always_empty));
        row.extend(told.map(|ms| ms.map_or(String::new(), |ms| ms.to_string())));
        table.rows.push(row);
    }
    table
}

fn model(run: &RunResult) -> &'static str {
    match run.schedule.model {
        Model::Open => "open",
        Model::Closed => "closed",
    }
}

/// One row per limit: whether it held, and the value that was judged.
pub fn limits(run: &RunResult) -> Table {
    let mut table = Table::new(2, &["", "limit", "value", "judged by"]);
    for outcome in &run.limits {
        let value = outcome.value.filter(|_| is_told(outcome, &run.operations));
        let window = outcome.window_start_s.map(|start_s| format!("from {start_s} s on"));
        let fallback = (!outcome.limit.contains(&outcome.metric)).then(|| outcome.metric.clone());
        table.rows.push(vec![
            if outcome.held { "✓" } else { "✗" }.to_owned(),
            outcome.limit.clone(),
            value.map_or(UNTOLD.to_owned(), rounded),
            [fallback, window].into_iter().flatten().collect::<Vec<_>>().join(" "),
        ]);
    }
    table
}

/// One row per operation and kind of failure: how many, and how long they took to fail, in milliseconds.
pub fn errors(run: &RunResult) -> Table {
    let mut table = Table::new(2, &["operation", "error", "count", "ms p50", "ms max"]);
    for (name, operation) in &run.operations {
        let mut name = marked(name, operation);
        for (kind, count) in &operation.errors {
            let took = operation.error_response_ms.get(kind).filter(|_| !operation.is_always_empty);
            let mut row = vec![std::mem::take(&mut name), kind.clone(), count.to_string()];
            let told = [took.and_then(|took| took.p50), took.and_then(|took| took.max)];
            row.extend(told.map(|ms| ms.map_or(UNTOLD.to_owned(), three_digits)));
            table.rows.push(row);
        }
    }
    table
}

/// The slowest requests of the operations that did work, the slowest first.
pub fn slow(run: &RunResult) -> Table {
    let mut table = Table::new(1, &["slowest", "outcome", "id", "user", "at_s", "response_ms", "wait_ms"]);
    let is_empty = |name: &str| run.operations.get(name).is_some_and(|operation| operation.is_always_empty);
    let mut requests: Vec<_> = run.slow.iter().filter(|request| !is_empty(&request.operation)).collect();
    requests.sort_by(|a, b| b.response_ms.total_cmp(&a.response_ms));
    table.rows.extend(requests.iter().take(SLOW_SHOWN).map(|request| {
        vec![
            request.operation.clone(),
            request.outcome.clone(),
            request.id.to_string(),
            request.user.to_string(),
            format!("{:.3}", request.intended_s),
            three_digits(request.response_ms),
            three_digits(request.wait_ms),
        ]
    }));
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
pub(crate) fn three_digits(number: f64) -> String {
    match number {
        n if n < 10.0 => format!("{n:.2}"),
        n if n < 100.0 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}
