//! The charts of one run.

use std::collections::{BTreeMap, BTreeSet};

use super::axis::{Axis, Unit, clock};
use super::chart::{Chart, Kind, Rule, Series};
use super::timeline::{Stretch, StretchOperation, names};
use crate::histogram::{Latencies, Percentiles};
use crate::hlog::Histograms;
use crate::interval::add;
use crate::limit::Limit;
use crate::result::LimitOutcome;

/// Colours of operations, one after the other.
pub(crate) const COLOURS: [&str; 8] = ["blue", "amber", "teal", "violet", "red", "green", "pink", "grey"];
/// How many there are between two decades of the percentile plot.
const QUANTILES_PER_DECADE: u32 = 24;
const DECADES_MAX: u32 = 6;

/// The time axis that the charts of a run share.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// How long it is, in seconds.
    pub(crate) length_s: f64,
    /// Stretches of it that do not count.
    pub(crate) shaded: Vec<(f64, f64)>,
}

impl Clock {
    fn chart(&self, (id, title): (&str, &str), stretches: &[Stretch], y: Axis, series: Vec<Series>) -> Chart {
        let xs = stretches.iter().map(|stretch| stretch.start_s + stretch.length_s / 2.0).collect();
        let names = stretches.iter().map(|stretch| clock(stretch.start_s)).collect();
        // A percentile that has samples enough only now and then is a rash of dots; the page has it for the whole run.
        let told = |series: &Series| series.values.iter().flatten().count();
        let most = series.iter().map(told).max().unwrap_or(0);
        let series = series.into_iter().filter(|series| told(series) > 0 && 2 * told(series) >= most).collect();
        let chart = Chart::new(id, title, (Axis::time(self.length_s), xs), y, series);
        Chart { shaded: self.shaded.clone(), names, places: "from", ..chart }
    }
}

/// What was asked and what was answered.
pub(crate) fn throughput(stretches: &[Stretch], clock: &Clock) -> Chart {
    let per_s = |count: fn(&StretchOperation) -> u64| -> Vec<Option<f64>> {
        let rate = |stretch: &Stretch| stretch.operations.values().map(count).sum::<u64>() as f64 / stretch.length_s;
        // A rate of a few milliseconds, as at the end of a run, would tower above all others.
        let longest_s = stretches.iter().map(|stretch| stretch.length_s).fold(0.0, f64::max);
        stretches.iter().map(|stretch| (stretch.length_s > longest_s / 2.0).then(|| rate(stretch))).collect()
    };
    let mut series = vec![
        Series::line("completed", "teal", per_s(|of| of.completed)).drawn(Kind::Area),
        Series::line("sent", "blue", per_s(|of| of.sent)),
        Series::line("offered", "ink", per_s(|of| of.offered)),
        Series::line("failed", "red", per_s(|of| of.failed)),
        Series::line("censored", "amber", per_s(|of| of.censored)),
    ];
    // A line along the foot says nothing that the numbers do not.
    let did_something = |series: &Series| series.values.iter().flatten().any(|value| *value > 0.0);
    series.retain(|series| did_something(series) || ["completed", "offered"].contains(&series.name.as_str()));
    let is_shown = |name: &str| name != "censored";
    let shown = series.iter().filter(|series| is_shown(&series.name)).flat_map(|series| series.values.iter().flatten());
    let highest = shown.fold(0.0, |a: f64, b| a.max(*b));
    let mut chart =
        clock.chart(("throughput", "Offered, sent, completed"), stretches, Axis::linear(highest, Unit::PerS), series);
    chart.told = "Requests each second, of all operations together.".into();
    chart
}

/// What failed, by kind; `None` when nothing did, or the run does not tell.
pub(crate) fn errors(stretches: &[Stretch], clock: &Clock) -> Option<Chart> {
    let mut all = BTreeMap::new();
    stretches.iter().flat_map(|stretch| stretch.operations.values()).for_each(|of| add(&mut all, &of.errors));
    // The most frequent first; a page has colours for so many.
    let mut kinds: Vec<(&String, u64)> = all.iter().map(|(kind, count)| (kind, *count)).collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let per_s = |kind: &String, stretch: &Stretch| {
        let counts = stretch.operations.values().filter_map(|of| of.errors.get(kind));
        counts.sum::<u64>() as f64 / stretch.length_s
    };
    let line = |((kind, _), colour): (&(&String, u64), &'static str)| {
        Series::line(kind.as_str(), colour, stretches.iter().map(|stretch| Some(per_s(kind, stretch))).collect())
    };
    let series: Vec<Series> = kinds.iter().zip(COLOURS).map(line).collect();
    let highest = series.iter().flat_map(|series| series.values.iter().flatten()).fold(0.0, |a: f64, b| a.max(*b));
    let chart = clock.chart(("errors", "Failures by kind"), stretches, Axis::linear(highest, Unit::PerS), series);
    let told = "Requests that failed each second, of all operations together, by when they did.";
    (highest > 0.0).then(|| Chart { told: told.into(), ..chart })
}

/// What waited for a connection; `None` when nothing did.
pub(crate) fn backlog(stretches: &[Stretch], clock: &Clock) -> Option<Chart> {
    let waiting = |stretch: &Stretch| stretch.operations.values().map(|of| of.backlog).sum::<u64>() as f64;
    let values: Vec<_> = stretches.iter().map(waiting).collect();
    let highest = values.iter().copied().fold(0.0, f64::max);
    let series = vec![Series::line("waiting", "amber", values.into_iter().map(Some).collect()).drawn(Kind::Area)];
    let chart =
        clock.chart(("backlog", "Waiting for a connection"), stretches, Axis::linear(highest, Unit::Count), series);
    let told = "The most at the end of a second. A line that grows is a target that cannot keep up.";
    (highest > 0.0).then(|| Chart { told: told.into(), ..chart })
}

/// One chart for each operation whose latencies may be told.
pub(crate) fn responses(
    stretches: &[Stretch],
    clock: &Clock,
    limits: &[LimitOutcome],
    untold: &BTreeSet<&str>,
) -> Vec<Chart> {
    let told = names(stretches).into_iter().filter(|name| !untold.contains(name));
    told.map(|name| response(name, stretches, clock, limits)).collect()
}

fn response(name: &str, stretches: &[Stretch], clock: &Clock, limits: &[LimitOutcome]) -> Chart {
    let percentiles = |stretch: &Stretch| stretch.operations.get(name).map(|of| of.response_ms).unwrap_or_default();
    let percentiles: Vec<_> = stretches.iter().map(percentiles).collect();
    let rules: Vec<_> = limits.iter().filter(|outcome| outcome.operation == name).filter_map(rule).collect();
    let series = percentile_lines(&percentiles);
    let y = latency_axis(&series, &rules);
    let mut chart = clock.chart((&format!("response-{name}"), &format!("Response time: {name}")), stretches, y, series);
    chart.id = chart.id.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    chart.rules = rules;
    chart.told = "From the intended time to the end of the answer, by when that was.".into();
    chart
}

fn percentile_lines(percentiles: &[Percentiles]) -> Vec<Series> {
    let of = |quantile: fn(&Percentiles) -> Option<f64>| percentiles.iter().map(quantile).collect::<Vec<_>>();
    vec![
        Series::line("p50", "blue", of(|p| p.p50)),
        Series::line("p90", "teal", of(|p| p.p90)),
        Series::line("p99", "amber", of(|p| p.p99)),
        Series::line("p99.9", "violet", of(|p| p.p99_9)),
        Series::line("max", "red", of(|p| p.max)),
    ]
}

fn latency_axis(series: &[Series], rules: &[Rule]) -> Axis {
    let values = series.iter().flat_map(|series| series.values.iter().flatten().copied());
    let values = values.chain(rules.iter().map(|rule| rule.at)).filter(|value| *value > 0.0);
    let (least, most) = values.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), value| (a.min(value), b.max(value)));
    // Below ten microseconds a difference is the clock's.
    if most > 0.0 { Axis::logarithmic(least.max(0.01), most, Unit::Ms) } else { Axis::logarithmic(1.0, 10.0, Unit::Ms) }
}

/// The bound of a limit on response times.
fn rule(outcome: &LimitOutcome) -> Option<Rule> {
    let limit: Limit = outcome.limit.parse().ok()?;
    let at = limit.response_ms_max()?;
    let name = outcome.limit.strip_prefix(&outcome.operation)?.strip_prefix(".response_ms.")?;
    let name = name.replace("p99_9", "p99.9");
    // What it holds in comes behind the value.
    let (bound, window) = name.split_at(name.find(" in every").unwrap_or(name.len()));
    Some(Rule { name: format!("limit: {bound} ms{window}"), at })
}

/// Rates that differ by less are one rate.
const RATES_APART: f64 = 1.5;

/// Latency against throughput, when the run went through rates that differ; one dot for each stretch that counts.
pub(crate) fn curve(stretches: &[Stretch], clock: &Clock, untold: &BTreeSet<&str>) -> Option<Chart> {
    let is_counted = |stretch: &&Stretch| {
        let middle_s = stretch.start_s + stretch.length_s / 2.0;
        stretch.length_s > 0.0 && !clock.shaded.iter().any(|(from, to)| (*from..*to).contains(&middle_s))
    };
    let per_s = |stretch: &Stretch, count: fn(&StretchOperation) -> u64| {
        stretch.operations.values().map(count).sum::<u64>() as f64 / stretch.length_s
    };
    let mut counted: Vec<&Stretch> = stretches.iter().filter(is_counted).collect();
    let offered = counted.iter().map(|stretch| per_s(stretch, |of| of.offered));
    let (least, most) = offered.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), rate| (a.min(rate), b.max(rate)));
    if counted.len() < 4 || most < least * RATES_APART {
        return None;
    }
    let completed_per_s = |stretch: &Stretch| per_s(stretch, |of| of.completed);
    counted.sort_by(|a, b| completed_per_s(a).total_cmp(&completed_per_s(b)));
    let told: Vec<&str> = names(stretches).into_iter().filter(|name| !untold.contains(name)).collect();
    let series = told.iter().zip(COLOURS.iter().cycle()).map(|(name, colour)| {
        let p90 = |stretch: &&Stretch| stretch.operations.get(*name).and_then(|of| of.response_ms.p90);
        Series::line(*name, colour, counted.iter().map(p90).collect()).drawn(Kind::Points)
    });
    let series: Vec<Series> = series.filter(|series| series.values.iter().any(Option::is_some)).collect();
    let xs: Vec<f64> = counted.iter().map(|stretch| completed_per_s(stretch)).collect();
    let x = Axis::linear(xs.iter().copied().fold(0.0, f64::max), Unit::PerS);
    let y = latency_axis(&series, &[]);
    let chart = Chart::new("curve", "Latency against throughput", (x, xs), y, series);
    let told = "The p90 of the response time over what was completed each second: a dot for each stretch of the time.";
    (!chart.series.is_empty()).then(|| Chart { told: told.into(), places: "per s", ..chart })
}

/// The generator's own delay.
pub(crate) fn lateness(stretches: &[Stretch], clock: &Clock) -> Chart {
    let percentiles: Vec<_> = stretches.iter().map(|stretch| stretch.lateness_ms).collect();
    let series = percentile_lines(&percentiles);
    let y = latency_axis(&series, &[]);
    let mut chart = clock.chart(("lateness", "Generator: lateness"), stretches, y, series);
    chart.told = "From the intended time to the release: the generator's own delay, of all operations.".into();
    chart
}

/// What share of requests was answered within what time, up to the last percentile that ten samples lie beyond.
pub(crate) fn percentiles(histograms: &Histograms, untold: &BTreeSet<&str>) -> Option<Chart> {
    let told =
        histograms.operations.iter().filter(|(name, of)| !untold.contains(name.as_str()) && of.response.count() > 0);
    let told: Vec<_> = told.map(|(name, of)| (name, &of.response)).collect();
    let places = || {
        (0..=QUANTILES_PER_DECADE * DECADES_MAX).map(|n| 10_f64.powf(f64::from(n) / f64::from(QUANTILES_PER_DECADE)))
    };
    let value = |latencies: &Latencies, one_in: f64| latencies.quantile_ms(1.0 - 1.0 / one_in);
    let is_told = |one_in: &f64| told.iter().any(|(_, latencies)| value(latencies, *one_in).is_some());
    let xs: Vec<f64> = places().take_while(is_told).collect();
    let last = xs.last().copied().filter(|_| xs.len() > 1)?;
    let series = told.iter().zip(COLOURS.iter().cycle()).map(|((name, latencies), colour)| {
        Series::line(name.as_str(), colour, xs.iter().map(|one_in| value(latencies, *one_in)).collect())
    });
    let series: Vec<Series> = series.collect();
    let y = latency_axis(&series, &[]);
    let x = Axis::logarithmic(1.0, last, Unit::Quantile).until(last);
    let mut chart = Chart::new("percentiles", "Response time by percentile", (x, xs), y, series);
    chart.told = "Of what was intended while measuring: this share was answered within this time. Lines end where fewer than ten samples lie beyond.".into();
    chart.places = "percentile";
    Some(chart)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_percentile_plot_ends_where_samples_do() {
        let mut histograms = Histograms::default();
        let mut record = |name: &str, count: u64| {
            let response = &mut histograms.operations.entry(name.to_owned()).or_default().response;
            (1..=count).for_each(|us| response.record(Duration::from_micros(us)));
        };
        record("get", 10_000);
        record("put", 100);
        let chart = percentiles(&histograms, &BTreeSet::new()).unwrap();
        assert!((chart.xs.last().unwrap() - 1000.0).abs() < 1e-6);
        let told = |index: usize| chart.series[index].values.iter().flatten().count();
        assert_eq!((told(0), told(1)), (73, 25));
        assert_eq!(percentiles(&histograms, &BTreeSet::from(["get", "put"])).map(|chart| chart.id), None);
    }

    #[test]
    fn a_ramp_is_drawn_as_a_curve_and_a_steady_run_is_not() {
        let stretch = |at: u32, rate: u64| {
            let response_ms = Percentiles { p90: Some(rate as f64), ..Percentiles::default() };
            let put = StretchOperation { offered: rate, completed: rate, response_ms, ..StretchOperation::default() };
            let operations = [("put".to_owned(), put)].into();
            Stretch { start_s: at.into(), length_s: 1.0, operations, ..Stretch::default() }
        };
        let clock = Clock { length_s: 6.0, shaded: vec![(0.0, 1.0)] };
        let of = |rates: [u64; 6]| {
            let stretches: Vec<_> = (0..6).zip(rates).map(|(at, rate)| stretch(at, rate)).collect();
            curve(&stretches, &clock, &BTreeSet::new()).map(|chart| chart.xs)
        };
        assert_eq!(of([900, 10, 40, 20, 30, 50]), Some(vec![10.0, 20.0, 30.0, 40.0, 50.0]));
        assert_eq!(of([900, 40, 41, 42, 43, 44]), None);
    }

    #[test]
    fn failures_are_drawn_by_kind_the_most_frequent_first() {
        let stretch = |at: u32, errors: &[(&str, u64)]| {
            let errors = errors.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
            let put = StretchOperation { failed: 3, errors, ..StretchOperation::default() };
            let operations = [("put".to_owned(), put)].into();
            Stretch { start_s: at.into(), length_s: 2.0, operations, ..Stretch::default() }
        };
        let clock = Clock { length_s: 4.0, shaded: Vec::new() };
        let stretches = [stretch(0, &[("timeout", 2)]), stretch(2, &[("status_503", 6)])];
        let chart = errors(&stretches, &clock).unwrap();
        let lines: Vec<_> = chart.series.iter().map(|series| (series.name.as_str(), series.values.clone())).collect();
        assert_eq!(lines, [("status_503", vec![Some(0.0), Some(3.0)]), ("timeout", vec![Some(1.0), Some(0.0)])]);
        assert!(errors(&[stretch(0, &[])], &clock).is_none());
    }

    #[test]
    fn limits_on_response_times_are_drawn() {
        let outcome =
            |limit: &str| LimitOutcome { limit: limit.into(), operation: "v1.put".into(), ..LimitOutcome::default() };
        let found = rule(&outcome("v1.put.response_ms.p99 < 250 in every 10 s")).unwrap();
        assert_eq!((found.name.as_str(), found.at), ("limit: p99 < 250 ms in every 10 s", 250.0));
        assert!(rule(&outcome("v1.put.failed_ratio < 0.1")).is_none());
    }
}
