//! The page of one run: the verdict in a word, what happened over time, and everything that must be known to repeat it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::axis::Unit;
use super::html::{escape, facts, table};
use super::origin;
use super::run_charts::{self, Clock};
use super::samples::{HealthSample, TargetSample, health_chart, joined, target_charts};
use super::timeline::{Stretch, always_empty};
use super::{document, wide};
use crate::environment::Environment;
use crate::hlog::Histograms;
use crate::result::{Model, RunResult};
use crate::study::Study;
use crate::summary::{self, bytes, percent, three_digits};
use crate::table::Table;

/// What a run left behind, as far as it could be read.
#[derive(Clone, Debug, Default)]
pub struct RunPage {
    /// The name of its folder.
    pub name: String,
    /// The result; `None` when the run was cut off.
    pub result: Option<RunResult>,
    /// Where it was made, if there is no result to say so.
    pub environment: Option<Environment>,
    /// Its seconds.
    pub stretches: Vec<Stretch>,
    /// The histograms of the whole run.
    pub histograms: Option<Histograms>,
    /// What the target used, in each sitting; a run has one, and a study may have more.
    pub target: Vec<Vec<TargetSample>>,
    /// What the study came to, if it is one.
    pub study: Option<Study>,
    /// How the machine was.
    pub health: Vec<HealthSample>,
    /// Files that are shown as they are, by their names.
    pub files: Vec<(String, String)>,
    /// What could not be read, one sentence each.
    pub damage: Vec<String>,
}

impl RunPage {
    /// The page. Latencies of operations whose answers were all empty are not on it.
    pub fn html(&self) -> String {
        let result = self.result.clone().map(RunResult::quotable);
        let result = result.as_ref();
        let title = result.map_or_else(|| self.name.clone(), summary::subject);
        let mut body = self.head(&title, result);
        body.push_str(&self.reasons(result));
        if let Some(run) = result {
            body.push_str(&tiles(run));
            body.push_str(&limits(run));
        }
        body.push_str(&self.study());
        body.push_str(&self.charts(result));
        if let Some(run) = result {
            body.push_str(&tables(run));
        }
        body.push_str(&self.circumstances(result));
        document(&format!("{title}: {}", verdict(result).0), &body)
    }

    fn head(&self, title: &str, result: Option<&RunResult>) -> String {
        let (word, class) = verdict(result);
        let environment = result.map(|run| &run.environment).or(self.environment.as_ref());
        let at = environment.map_or(String::new(), |at| {
            format!(
                "{} · {} ({}, {} cores, {}) · ",
                at.started_at,
                at.host,
                at.cpu_model,
                at.cores,
                bytes(at.memory_bytes)
            )
        });
        let (title, at, name) = (escape(title), escape(&at), escape(&self.name));
        format!(
            "<header class=\"run\"><h1>{title}</h1><strong class=\"verdict {class}\">{word}</strong><p>{at}{name}</p></header>\n"
        )
    }

    /// Why, what to know, and what is missing.
    fn reasons(&self, result: Option<&RunResult>) -> String {
        let class = verdict(result).1;
        let mut lines = Vec::new();
        let mut add = |class: &str, text: &str| lines.push(format!("<li class=\"{class}\">{}</li>", escape(text)));
        if let Some(run) = result {
            run.reasons.iter().for_each(|reason| add(class, reason));
            run.warnings.iter().for_each(|warning| add("", warning));
            summary::notes(run).iter().filter(|note| !note.is_empty()).for_each(|note| add("note", note));
        } else {
            add(
                "cut",
                "The run was cut off: there is no result, and no limit was judged. What its seconds kept is shown.",
            );
        }
        self.damage.iter().for_each(|damage| add("fail", damage));
        if lines.is_empty() { String::new() } else { format!("<ul class=\"reasons\">{}</ul>\n", lines.concat()) }
    }

    fn clock(&self, result: Option<&RunResult>) -> Clock {
        let length_s = self.stretches.iter().map(|stretch| stretch.start_s + stretch.length_s).fold(0.0, f64::max);
        let shaded = result.map_or(Vec::new(), |run| {
            let measured = (run.phases.warm_up_s, run.phases.warm_up_s + run.measured_s);
            let shaded = [(0.0, measured.0), (measured.1, length_s)];
            shaded.into_iter().filter(|(from, to)| to - from > 0.001).collect()
        });
        Clock { length_s, shaded }
    }

    fn charts(&self, result: Option<&RunResult>) -> String {
        let untold = result.map_or_else(|| always_empty(&self.stretches), RunResult::untold);
        let clock = self.clock(result);
        let limits = result.map_or(&[][..], |run| &run.limits);
        let mut html = String::new();
        let mut section = |title: &str, mut charts: Vec<String>| {
            if !charts.is_empty() {
                let is_odd = !charts.iter().filter(|chart| !is_wide(chart)).count().is_multiple_of(2);
                if let Some(last) = charts.last_mut().filter(|last| is_odd && !is_wide(last)) {
                    // Otherwise half of the page's width would be empty beside it.
                    *last = wide(last);
                }
                let _ = writeln!(html, "<h2>{title}</h2>\n<div class=\"grid\">\n{}</div>", charts.concat());
            }
        };
        if self.stretches.is_empty() {
            section("Response time", self.percentiles(&untold).into_iter().collect());
            return html;
        }
        let stretches = &self.stretches;
        let load = [
            Some(run_charts::throughput(stretches, &clock)),
            run_charts::backlog(stretches, &clock),
            run_charts::errors(stretches, &clock),
        ];
        section("Load", load.iter().flatten().map(|chart| chart.html()).collect());
        let responses = run_charts::responses(stretches, &clock, limits, &untold);
        let curve = run_charts::curve(stretches, &clock, &untold);
        let responses =
            self.percentiles(&untold).into_iter().chain(responses.iter().chain(&curve).map(|chart| chart.html()));
        section("Response time", responses.collect());
        let before_s = self.before_s(result, clock.length_s);
        section(
            "Target",
            target_charts("Target", self.last_sitting(), before_s, clock.length_s)
                .iter()
                .map(|chart| chart.html())
                .collect(),
        );
        let health = health_chart(&self.health, clock.length_s);
        let generator = std::iter::once(run_charts::lateness(stretches, &clock)).chain(health);
        section("Generator and machine", generator.map(|chart| wide(&chart.html())).collect());
        html
    }

    fn last_sitting(&self) -> &[TargetSample] {
        self.target.last().map_or(&[], Vec::as_slice)
    }

    /// What the study came to, and what it used from its first sitting to its last.
    fn study(&self) -> String {
        let Some(study) = &self.study else { return String::new() };
        let samples = joined(&self.target);
        let length_s = samples.last().map_or(0.0, |sample| sample.at_s);
        let charts: String =
            target_charts("Study", &samples, 0.0, length_s).iter().map(|chart| wide(&chart.html())).collect();
        let table = table(&study.table());
        format!("<h2>Study</h2>\n<div class=\"grid\">\n{charts}</div>\n<div class=\"card\">{table}</div>\n")
    }

    fn percentiles(&self, untold: &BTreeSet<&str>) -> Option<String> {
        let chart = run_charts::percentiles(self.histograms.as_ref()?, untold)?;
        Some(wide(&chart.html()))
    }

    /// How long the target was watched before the run began: while people's past was uploaded, and a little longer.
    fn before_s(&self, result: Option<&RunResult>, length_s: f64) -> f64 {
        let last_s = self.last_sitting().last().map_or(0.0, |sample| sample.at_s);
        result.map_or(0.0, |run| run.upload.seconds).max(last_s - length_s)
    }

    fn circumstances(&self, result: Option<&RunResult>) -> String {
        let mut html = String::from("<h2>How it was made</h2>\n<div class=\"card\">\n");
        if let Some(run) = result {
            html.push_str(&facts(configuration(run)));
        } else if let Some(at) = &self.environment {
            html.push_str(&facts(origin::machine(at)));
        }
        html.push_str(&origin::files(&self.files));
        html.push_str("</div>\n<footer>Percentiles are read from merged histograms and told only when ten samples lie beyond them. Shaded: not counted (warm-up, drain).</footer>\n");
        html
    }
}

fn is_wide(figure: &str) -> bool {
    figure.starts_with("<figure class=\"wide")
}

/// The word, and the class that gives it a colour.
fn verdict(result: Option<&RunResult>) -> (&'static str, &'static str) {
    result.map_or(("cut off", "cut"), |run| (run.verdict.word(), run.verdict.word()))
}

/// The numbers that somebody looks for first.
fn tiles(run: &RunResult) -> String {
    let operations = || run.operations.values();
    let per_s: f64 = operations().map(|operation| operation.completed_per_s).sum();
    let offered: u64 = operations().map(|operation| operation.offered).sum();
    let lost: u64 = operations().map(|operation| operation.failed + operation.censored).sum();
    let mut tiles = vec![(
        "Completed",
        format!("{}<small>per s</small>", Unit::PerS.cell(per_s)),
        format!("{} per s offered", Unit::PerS.cell(offered as f64 / run.measured_s.max(1e-9))),
    )];
    let slowest = run.operations.iter().filter_map(|(name, operation)| Some((operation.response_ms.p99?, name)));
    if let Some((p99, name)) = slowest.max_by(|a, b| a.0.total_cmp(&b.0)) {
        tiles.push((
            "Slowest p99",
            format!("{}<small>ms</small>", three_digits(p99)),
            format!("response of {}", escape(name)),
        ));
    }
    let ratio = if offered > 0 { lost as f64 / offered as f64 } else { 0.0 };
    tiles.push(("Not completed", percent(ratio), format!("{lost} of {offered}")));
    if let Some(lateness) = run.generator.lateness_p99_ms {
        let steal = format!("steal {}", percent(run.generator.steal_ratio));
        tiles.push(("Lateness p99", format!("{}<small>ms</small>", three_digits(lateness)), steal));
    }
    if let Some(target) = &run.target_use {
        if let Some(cpu_s) = target.measure_cpu_s.filter(|_| run.measured_s > 0.0) {
            let completed: u64 = operations().map(|operation| operation.completed).sum();
            let each = format!("{} ms a request", three_digits(cpu_s * 1e3 / completed.max(1) as f64));
            tiles.push(("Target's processor", format!("{:.2}<small>cores</small>", cpu_s / run.measured_s), each));
        }
        if let Some(peak) = target.memory_peak_bytes {
            let disk = target.disk_bytes.map_or(String::new(), |disk| format!("{} on disk", bytes(disk)));
            tiles.push(("Target's memory", bytes(peak), disk));
        }
    }
    let tile = |(name, value, told): (&str, String, String)| {
        format!("<div class=\"tile\"><dt>{name}</dt><dd>{value}</dd><p>{told}</p></div>")
    };
    format!("<dl class=\"tiles\">{}</dl>\n", tiles.into_iter().map(tile).collect::<String>())
}

fn limits(run: &RunResult) -> String {
    card("Limits", &summary::limits(run))
}

fn tables(run: &RunResult) -> String {
    let numbers = [
        ("Requests", summary::counts(run)),
        ("Where the time went, in milliseconds", summary::latencies(run)),
        ("Errors by kind", summary::errors(run)),
        ("Slowest requests", summary::slow(run)),
    ];
    numbers.iter().map(|(title, numbers)| card(title, numbers)).collect()
}

fn card(title: &str, numbers: &Table) -> String {
    if numbers.rows.is_empty() {
        return String::new();
    }
    format!("<h2>{title}</h2>\n<div class=\"card\">{}</div>\n", table(numbers))
}

fn configuration(run: &RunResult) -> Vec<(&'static str, String)> {
    let schedule = &run.schedule;
    let shard = schedule.shard.map_or(String::new(), |shard| format!(", shard {shard}"));
    let sent = match schedule.model {
        Model::Open => format!("{} arrivals{shard}", schedule.arrivals),
        Model::Closed => "closed loop".to_owned(),
    };
    let threads = if schedule.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", schedule.threads) };
    let generator = &run.generator;
    let health = format!(
        "{} of a core, {} of all, waited {} of the time for a processor",
        percent(generator.thread_cpu_ratio),
        percent(generator.cpu_ratio),
        percent(generator.run_queue_wait_ratio)
    );
    let pressure = generator.pressure_ratio.map_or(String::new(), |ratio| format!(", pressure {}", percent(ratio)));
    let phases = run.phases;
    let mut told = origin::machine(&run.environment);
    told.extend([
        ("seed", run.seed.to_string()),
        ("people", run.users.to_string()),
        ("schedule", sent),
        ("schedule hash", schedule.hash.clone()),
        (
            "sending",
            format!(
                "{} {}, {} sending, at most {} connections",
                schedule.pacing, schedule.transport, threads, schedule.connections_max
            ),
        ),
        (
            "phases",
            format!(
                "warm-up {} s, measured {:.0} of {} s, drain {} s",
                phases.warm_up_s, run.measured_s, phases.measure_s, phases.drain_s
            ),
        ),
        (
            "uploaded before",
            format!(
                "{} entries, {} in {:.1} s, {} failed, {} held back and sent again",
                run.upload.entries,
                bytes(run.upload.bytes),
                run.upload.seconds,
                run.upload.failed,
                run.upload.held_back
            ),
        ),
        ("generator", health),
        ("machine's health", format!("steal {}{pressure}", percent(generator.steal_ratio))),
        ("result", format!("schema {}", run.schema)),
    ]);
    told
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::timeline::{Extent, Timeline};
    use super::*;
    use crate::interval::{Interval, IntervalOperation};
    use crate::result::OperationResult;

    /// A run of so many seconds with a few requests in each, over which response times grow.
    fn page(seconds: u32) -> RunPage {
        let names = ["get", "put"];
        let second = |start_s: u32| {
            let operation = |name: &&str| {
                let mut operation =
                    IntervalOperation { offered: 20, sent: 20, completed: 20, ..IntervalOperation::default() };
                let response = Duration::from_micros(1_000 + u64::from(start_s));
                (1..=20).for_each(|n| operation.response.record(response * n));
                (1..=20).for_each(|n| operation.lateness.record(Duration::from_micros(40) * n));
                ((*name).to_owned(), operation)
            };
            Interval { start_s: start_s.into(), length_s: 1.0, operations: names.iter().map(operation).collect() }
        };
        let ended = names.map(|name| (name.to_owned(), 20 * u64::from(seconds))).into();
        let mut timeline = Timeline::new(&Extent { end_s: seconds.into(), ended });
        (0..seconds).for_each(|start_s| timeline.add(&second(start_s)));
        let sample = |s: u32| TargetSample {
            at_s: s.into(),
            cpu_s: f64::from(s) / 3.0,
            memory_bytes: 1e8,
            disk_bytes: 1e7,
            written_bytes: f64::from(s) * 1e3,
        };
        let operation = OperationResult { offered: 20 * u64::from(seconds), ..OperationResult::default() };
        let operations = names.map(|name| (name.to_owned(), operation.clone()));
        RunPage {
            name: "a-run".into(),
            result: Some(RunResult { operations: BTreeMap::from(operations), ..RunResult::example() }),
            stretches: timeline.finish(),
            target: vec![(0..seconds).map(sample).collect()],
            health: (0..seconds).map(|s| HealthSample { at_s: s.into(), ..HealthSample::default() }).collect(),
            ..RunPage::default()
        }
    }

    #[test]
    fn the_page_of_a_day_is_small_and_whole() {
        let html = page(86_400).html();
        assert!(html.len() < 3_000_000, "{} bytes", html.len());
        assert_eq!(html.matches("<figure").count(), 8, "{html}");
        assert_eq!(html.matches("<figure").count(), html.matches("<details><summary>Table").count());
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert_eq!(html.replace("http://www.w3.org/2000/svg", "").matches(outside).count(), 0, "{outside}");
        }
    }

    #[test]
    fn a_study_is_shown_from_its_first_sitting_to_its_last() {
        let mut page = RunPage { study: Some(Study { people: 10_000, ..Study::default() }), ..page(30) };
        page.target.push(page.target.concat());
        let html = page.html();
        assert!(html.contains("<h2>Study</h2>") && html.contains("10000"), "{html}");
        assert_eq!(html.matches("id=\"study-memory\"").count(), 1);
        assert_eq!(html.matches("id=\"target-memory\"").count(), 1);
    }

    #[test]
    fn a_run_that_was_cut_off_is_shown_as_such() {
        let damage = vec!["intervals.hlog: cannot be read".to_owned()];
        let html = RunPage { result: None, damage, ..page(30) }.html();
        assert!(html.contains("<strong class=\"verdict cut\">cut off</strong>"), "{html}");
        assert!(html.contains("intervals.hlog: cannot be read") && html.contains("id=\"response-put\""));
    }

    #[test]
    fn latencies_of_empty_answers_are_not_on_the_page() {
        let mut page = page(30);
        let put = page.result.as_mut().and_then(|run| run.operations.get_mut("put"));
        put.expect("it is there").is_always_empty = true;
        let html = page.html();
        assert!(html.contains("id=\"response-get\"") && !html.contains("id=\"response-put\""));
    }

    #[test]
    fn nor_are_they_on_that_of_a_run_that_was_cut_off() {
        let mut page = RunPage { result: None, ..page(30) };
        for stretch in &mut page.stretches {
            let get = stretch.operations.get_mut("get").expect("it is there");
            get.completed_empty = get.completed;
        }
        let html = page.html();
        assert!(html.contains("id=\"response-put\"") && !html.contains("id=\"response-get\""));
        page.stretches.pop().expect("there are some");
        let last = page.stretches.last_mut().and_then(|stretch| stretch.operations.get_mut("get"));
        last.expect("it is there").completed_empty -= 1;
        assert!(page.html().contains("id=\"response-get\""), "one answer carried something");
    }

    #[test]
    fn what_somebody_named_is_never_markup() {
        let mut page = page(3);
        page.files = vec![("scenario.toml".into(), "</pre><script>alert(1)</script>{{script}}".into())];
        assert!(!page.html().contains("<script>alert"));
    }
}
