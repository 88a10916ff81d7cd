//! Several runs on one page: how response times grow with throughput, and what each run said.

use super::axis::{Axis, Unit};
use super::chart::{Chart, Kind, Series};
use super::html::{escape, table};
use super::run_charts::COLOURS;
use super::{document, wide};
use crate::compare::{CPU, measures};
use crate::result::{OperationResult, RunResult, Verdict};
use crate::summary::{percent, three_digits};
use crate::table::Table;

/// The page of several runs, each with the name of its folder.
pub fn sweep_page(runs: &[(String, RunResult)]) -> String {
    let mut runs: Vec<(&str, RunResult)> =
        runs.iter().map(|(name, run)| (name.as_str(), run.clone().quotable())).collect();
    runs.sort_by(|(_, a), (_, b)| offered_per_s(a).total_cmp(&offered_per_s(b)));
    let title = format!("{} runs of {}", runs.len(), scenarios(&runs));
    let mut body = format!("<header class=\"run\"><h1>{}</h1></header>\n", escape(&title));
    let judged: Vec<(&str, &RunResult)> =
        runs.iter().filter(|(_, run)| is_valid(run)).map(|(name, run)| (*name, run)).collect();
    if judged.len() < runs.len() {
        let left_out = runs.len() - judged.len();
        body.push_str(&format!(
            "<ul class=\"reasons\"><li>{left_out} of them invalid or interrupted: in the table, not in the charts</li></ul>\n"
        ));
    }
    if !judged.is_empty() {
        let charts = [Some(latency(&judged)), Some(throughput(&judged)), cost(&judged)];
        let charts: String = charts
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(at, chart)| if at == 0 { wide(&chart.html()) } else { chart.html() })
            .collect();
        body.push_str(&format!("<h2>Sweep</h2>\n<div class=\"grid\">\n{charts}</div>\n"));
    }
    body.push_str(&format!("<h2>Runs</h2>\n<div class=\"card\">{}</div>\n", table(&listed(&runs))));
    document(&title, &body)
}

fn scenarios(runs: &[(&str, RunResult)]) -> String {
    let mut names: Vec<&str> = runs.iter().map(|(_, run)| run.scenario.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

fn is_valid(run: &RunResult) -> bool {
    !matches!(run.verdict, Verdict::Invalid | Verdict::Interrupted)
}

fn offered_per_s(run: &RunResult) -> f64 {
    let offered: u64 = run.operations.values().map(|operation| operation.offered).sum();
    if run.measured_s > 0.0 { offered as f64 / run.measured_s } else { 0.0 }
}

fn completed_per_s(run: &RunResult) -> f64 {
    run.operations.values().map(|operation| operation.completed_per_s).sum()
}

fn chart(
    id: &str,
    title: &str,
    runs: &[(&str, &RunResult)],
    x: fn(&RunResult) -> f64,
    y: Axis,
    series: Vec<Series>,
) -> Chart {
    let xs: Vec<f64> = runs.iter().map(|(_, run)| x(run)).collect();
    let axis = Axis::linear(xs.iter().copied().fold(0.0, f64::max), Unit::PerS);
    let series = series.into_iter().filter(|series| series.values.iter().any(Option::is_some));
    let series = series.map(|series| series.drawn(Kind::Dots)).collect();
    let names = runs.iter().map(|(name, _)| (*name).to_owned()).collect();
    Chart { names, places: "run", ..Chart::new(id, title, (axis, xs), y, series) }
}

fn latency(runs: &[(&str, &RunResult)]) -> Chart {
    let mut names: Vec<&String> = runs.iter().flat_map(|(_, run)| run.operations.keys()).collect();
    names.sort();
    names.dedup();
    let p99 = |operation: &OperationResult| operation.response_ms.p99.or(operation.response_ms.max);
    let series = names.into_iter().zip(COLOURS.iter().cycle()).map(|(name, colour)| {
        let values = runs.iter().map(|(_, run)| run.operations.get(name).and_then(p99)).collect();
        Series::line(name.as_str(), colour, values)
    });
    let series: Vec<Series> = series.collect();
    let values = || series.iter().flat_map(|series| series.values.iter().flatten().copied());
    let axis =
        Axis::logarithmic(values().fold(f64::INFINITY, f64::min).min(1e9), values().fold(0.0, f64::max), Unit::Ms);
    let chart = chart("latency", "Latency against throughput", runs, completed_per_s, axis, series);
    Chart {
        told: "The p99 of the response time, or the longest of too few, over what was completed each second.".into(),
        ..chart
    }
}

fn throughput(runs: &[(&str, &RunResult)]) -> Chart {
    let of = |per_s: fn(&RunResult) -> f64| runs.iter().map(|(_, run)| Some(per_s(run))).collect::<Vec<_>>();
    let highest = runs.iter().map(|(_, run)| offered_per_s(run)).fold(0.0, f64::max);
    let series =
        vec![Series::line("completed", "teal", of(completed_per_s)), Series::line("offered", "ink", of(offered_per_s))];
    let chart = chart(
        "throughput",
        "Completed of what was offered",
        runs,
        offered_per_s,
        Axis::linear(highest, Unit::PerS),
        series,
    );
    Chart { told: "Where the lines part, the target does not keep up.".into(), ..chart }
}

fn cost(runs: &[(&str, &RunResult)]) -> Option<Chart> {
    let values: Vec<Option<f64>> = runs.iter().map(|(_, run)| measures(run).remove(CPU)).collect();
    let highest = values.iter().flatten().copied().reduce(f64::max)?;
    let series = vec![Series::line("ms per request", "blue", values)];
    let chart = chart(
        "cost",
        "Processor time for each request",
        runs,
        completed_per_s,
        Axis::linear(highest, Unit::Ms),
        series,
    );
    Some(Chart { told: "Of the target's process, over what was completed each second.".into(), ..chart })
}

fn listed(runs: &[(&str, RunResult)]) -> Table {
    let mut table = Table::new(
        2,
        &[
            "run",
            "verdict",
            "offered_per_s",
            "completed_per_s",
            "not_completed",
            "slowest_p99_ms",
            "cpu_ms_per_request",
        ],
    );
    for (name, run) in runs {
        let sum = |count: fn(&OperationResult) -> u64| run.operations.values().map(count).sum::<u64>();
        let lost = sum(|of| of.failed + of.censored) as f64 / sum(|of| of.offered).max(1) as f64;
        let slowest = run.operations.values().filter_map(|of| of.response_ms.p99).max_by(f64::total_cmp);
        let told = |value: Option<f64>| value.map_or("–".to_owned(), three_digits);
        table.rows.push(vec![
            (*name).to_owned(),
            run.verdict.word().to_owned(),
            Unit::PerS.cell(offered_per_s(run)),
            Unit::PerS.cell(completed_per_s(run)),
            percent(lost),
            told(slowest),
            told(measures(run).remove(CPU)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::histogram::Percentiles;

    #[test]
    fn runs_stand_by_their_rates_and_invalid_ones_only_in_the_table() {
        let run = |offered: u64, verdict| {
            let response_ms = Percentiles { p99: Some(offered as f64), ..Percentiles::default() };
            let put = OperationResult {
                offered,
                completed_per_s: offered as f64 / 20.0,
                response_ms,
                ..OperationResult::default()
            };
            RunResult { operations: BTreeMap::from([("put".to_owned(), put)]), verdict, ..RunResult::example() }
        };
        let runs = [("fast", 4000, Verdict::Fail), ("slow", 2000, Verdict::Pass), ("noisy", 3000, Verdict::Invalid)];
        let html = sweep_page(&runs.map(|(name, offered, verdict)| (name.to_owned(), run(offered, verdict))));
        assert!(html.contains("<h1>3 runs of quickstart</h1>") && html.contains("1 of them invalid"), "{html}");
        assert!(html.contains("data-x=\"0.5000\"><th scope=\"row\">slow</th><td>2000</td>"), "{html}");
        assert_eq!(html.matches("noisy").count(), 1);
        assert!(sweep_page(&[]).contains("0 runs"));
    }
}
