//! The page of a search for capacity: what was found, which rates were tried in which order, and how each went.

use super::axis::{Axis, Unit};
use super::chart::{Chart, Kind, Rule, Series};
use super::html::{escape, table};
use super::{Origin, document, wide};
use crate::capacity::{self, Capacity, Conclusion, Outcome, Step};
use crate::limit::rounded;

/// How steps end, each with its colour.
const ENDS: [(&str, &str); 3] = [("held", "green"), ("broke", "red"), ("said nothing", "grey")];

/// Which of [`ENDS`] it is.
fn end(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Holds => 0,
        Outcome::Breaks(_) => 1,
        Outcome::Void(_) => 2,
    }
}

/// The page of a search that was made from `origin`, whose folder has this name.
pub fn capacity_page(name: &str, origin: &Origin, capacity: &Capacity) -> String {
    let title = capacity::title(capacity);
    let (word, class) = verdict(&capacity.conclusion);
    let mut body = format!(
        "<header class=\"run\"><h1>{}</h1><strong class=\"verdict {class}\">{word}</strong><p>{}</p></header>\n",
        escape(&title),
        escape(name)
    );
    let told = format!("{}\n{}", capacity::found(capacity), capacity::critical_line(capacity));
    let told: String = told.lines().map(|line| format!("<li class=\"{class}\">{}</li>", escape(line))).collect();
    body.push_str(&format!("<ul class=\"reasons\">{told}</ul>\n"));
    if !capacity.steps.is_empty() {
        let charts = [wide(&search(capacity).html()), latency(capacity).html(), completed(capacity).html()].concat();
        body.push_str(&format!("<h2>Search</h2>\n<div class=\"grid\">\n{charts}</div>\n"));
    }
    let reasons = capacity::reasons(&capacity.steps);
    let reasons = reasons.lines().map(|line| format!("<li>{}</li>", escape(line.trim_start_matches("- "))));
    let (steps, reasons) = (table(&capacity::steps(capacity)), reasons.collect::<String>());
    body.push_str(&format!("<h2>Steps</h2>\n<div class=\"card\">{steps}</div>\n<ul>{reasons}</ul>\n"));
    let plan = &capacity.plan;
    body.push_str(&origin.configuration([
        ("searched on", capacity.subject.machine.clone()),
        ("held to", capacity.subject.limits.join("; ")),
        ("started at", rounded(plan.start)),
        ("each next ×", rounded(plan.ramp_factor)),
        ("to within", format!("{} %", rounded(plan.precision_ratio * 100.0))),
        ("confirmed", format!("{} times", plan.confirmations)),
    ]));
    document(&title, &body)
}

/// One word, and the class that colours it.
pub(crate) fn verdict(conclusion: &Conclusion) -> (&'static str, &'static str) {
    match conclusion {
        Conclusion::Found => ("found", "pass"),
        Conclusion::AtLeast => ("at least", "pass"),
        Conclusion::Below => ("below", "fail"),
        Conclusion::CannotTell(_) => ("cannot tell", "invalid"),
    }
}

fn unit(capacity: &Capacity) -> Unit {
    match capacity.plan.unit {
        capacity::Unit::PerS => Unit::PerS,
        capacity::Unit::Phones => Unit::Count,
    }
}

/// A series for each way in which a step can end, of what `value` says of those that ended so.
fn by_end(steps: &[Step], value: impl Fn(&Step) -> Option<f64>) -> Vec<Series> {
    let series = ENDS.iter().enumerate().map(|(at, (name, colour))| {
        let values = steps.iter().map(|step| value(step).filter(|_| end(&step.observed.outcome) == at)).collect();
        Series::line(*name, colour, values).drawn(Kind::Points)
    });
    series.filter(|series| series.values.iter().any(Option::is_some)).collect()
}

fn names(steps: &[Step]) -> Vec<String> {
    (1..).zip(steps).map(|(number, step)| format!("{number}, {}", step.phase.word())).collect()
}

/// Which rates were tried, one after the other.
fn search(capacity: &Capacity) -> Chart {
    let steps = &capacity.steps;
    let places: Vec<f64> = (1..=u32::try_from(steps.len()).unwrap_or(u32::MAX)).map(f64::from).collect();
    let highest = steps.iter().map(|step| step.rate).fold(0.0, f64::max);
    let answer = capacity.max_rate.map(|rate| Rule { name: format!("answer: {}", rounded(rate)), at: rate });
    let x = Axis::linear(places.len() as f64, Unit::Count);
    let chart = Chart::new(
        "search",
        "What was tried",
        (x, places),
        Axis::linear(highest, unit(capacity)),
        by_end(steps, |step| Some(step.rate)),
    );
    let told = "Each step's rate, in the order of the search, by how it ended.".to_owned();
    Chart { told, names: names(steps), places: "step", rules: answer.into_iter().collect(), ..chart }
}

/// The steps from the lowest rate to the highest, each with its name.
fn by_rate(capacity: &Capacity) -> (Vec<Step>, Vec<String>, Vec<f64>) {
    let mut steps: Vec<(String, Step)> = names(&capacity.steps).into_iter().zip(capacity.steps.clone()).collect();
    steps.sort_by(|(_, one), (_, other)| one.rate.total_cmp(&other.rate));
    let (names, steps): (Vec<String>, Vec<Step>) = steps.into_iter().unzip();
    let rates = steps.iter().map(|step| step.rate).collect();
    (steps, names, rates)
}

fn latency(capacity: &Capacity) -> Chart {
    let (steps, names, rates) = by_rate(capacity);
    let series = by_end(&steps, |step| step.observed.response_p99_ms);
    let values = || series.iter().flat_map(|series| series.values.iter().flatten().copied());
    let y = Axis::logarithmic(values().fold(f64::INFINITY, f64::min).min(1e9), values().fold(0.0, f64::max), Unit::Ms);
    let x = Axis::linear(rates.iter().copied().fold(0.0, f64::max), unit(capacity));
    let told = "The p99 of the slowest operation. A step that did not keep up has none.".to_owned();
    Chart { told, names, places: "step", ..Chart::new("latency", "Response time at each rate", (x, rates), y, series) }
}

fn completed(capacity: &Capacity) -> Chart {
    let (steps, names, rates) = by_rate(capacity);
    let y = Axis::linear(steps.iter().map(|step| step.observed.completed_per_s).fold(0.0, f64::max), Unit::PerS);
    let x = Axis::linear(rates.iter().copied().fold(0.0, f64::max), unit(capacity));
    let series = by_end(&steps, |step| Some(step.observed.completed_per_s));
    let told = "Successful answers each second, of all operations.".to_owned();
    Chart { told, names, places: "step", ..Chart::new("completed", "Completed at each rate", (x, rates), y, series) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::{Observed, Phase, RateRange, Search, SearchPlan, Subject};

    #[test]
    fn every_step_is_drawn_by_how_it_ended_and_told_with_its_reason() {
        let step = |rate, outcome, response_p99_ms| Step {
            phase: Phase::Ramp,
            rate,
            observed: Observed { outcome, completed_per_s: rate, response_p99_ms, folder: None },
        };
        let plan = SearchPlan::new(capacity::Unit::PerS, 100.0);
        let capacity = Capacity {
            conclusion: Conclusion::Found,
            max_rate: Some(200.0),
            interval: RateRange { low: Some(200.0), high: Some(210.0) },
            steps: vec![
                step(100.0, Outcome::Holds, Some(5.0)),
                step(400.0, Outcome::Breaks("<slow>".into()), None),
                step(200.0, Outcome::Void("steal".into()), Some(9.0)),
            ],
            ..Search::new(plan).unwrap().capacity(Subject::default())
        };
        let files = vec![("scenario.toml".to_owned(), "seed = 1".to_owned())];
        let origin = Origin { files, ..Origin::default() };
        let html = capacity_page("kept", &origin, &capacity);
        assert!(html.contains("<summary>scenario.toml</summary>"), "{html}");
        assert!(html.contains("<strong class=\"verdict pass\">found</strong>"), "{html}");
        assert!(html.contains("<li>at 400: &lt;slow&gt;</li>") && !html.contains("<slow>"), "{html}");
        assert!(html.contains("answer: 200"), "{html}");
        assert!(html.contains("<th scope=\"row\">3, ramp</th>"), "{html}");
        assert_eq!(html.matches(">said nothing</th>").count(), 3);
        assert_eq!(html.matches(">broke</th>").count(), 2, "it has no response time");
        let none = capacity_page("kept", &origin, &Capacity { steps: Vec::new(), ..capacity });
        assert!(!none.contains("<figure"), "{none}");
    }
}
