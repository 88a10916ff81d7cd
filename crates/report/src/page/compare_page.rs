//! The page of a comparison of two builds: what it says, and each pair.

use super::axis::{Axis, Unit};
use super::chart::{Chart, Kind, Series};
use super::html::{escape, table};
use super::{Origin, document};
use crate::compare::{self, CPU, Comparison, Pair, Pairs, WRITTEN, measures, regressions};

/// The page of the pairs that are kept in a folder of this name, made from `origin`.
pub fn compare_page(name: &str, origin: &Origin, pairs: &Pairs, comparison: &Comparison) -> String {
    let title = format!("Two builds under {}", origin.scenario);
    let (word, class) = verdict(comparison);
    let mut body = format!(
        "<header class=\"run\"><h1>{}</h1><strong class=\"verdict {class}\">{word}</strong><p>{}</p></header>\n",
        escape(&title),
        escape(name)
    );
    let told = regressions(comparison).into_iter().map(|line| format!("<li class=\"fail\">{}</li>", escape(&line)));
    let notes = comparison.notes.iter().map(|line| format!("<li class=\"note\">{}</li>", escape(line)));
    let told: String = told.chain(notes).collect();
    if !told.is_empty() {
        body.push_str(&format!("<ul class=\"reasons\">{told}</ul>\n"));
    }
    let measured = [
        ("cpu", CPU, Unit::Ms, "Processor time of the server for each request, in each pair of runs."),
        ("written", WRITTEN, Unit::Bytes, "Bytes that the server handed to the disk for each request."),
    ];
    let charts: String = measured.into_iter().filter_map(|of| chart(&pairs.pairs, of)).collect();
    if !charts.is_empty() {
        body.push_str(&format!("<h2>Pairs</h2>\n<div class=\"grid\">\n{charts}</div>\n"));
    }
    let rows = table(&compare::table(comparison));
    body.push_str(&format!("<h2>Measures</h2>\n<div class=\"card\">{rows}</div>\n"));
    body.push_str(&origin.configuration([]));
    document(&title, &body)
}

/// One word, and the class that colours it.
pub(crate) fn verdict(comparison: &Comparison) -> (&'static str, &'static str) {
    if !regressions(comparison).is_empty() {
        return ("regression", "fail");
    }
    let answer = comparison.rows.iter().find(|row| row.measure == CPU).map(|row| row.answer);
    match answer {
        Some(compare::Answer::Slower) => ("slower", "invalid"),
        Some(compare::Answer::Faster) => ("faster", "pass"),
        Some(compare::Answer::Same) => ("same", "pass"),
        Some(compare::Answer::CannotTell) | None => ("cannot tell", "invalid"),
    }
}

fn chart(pairs: &[Pair], (id, measure, unit, told): (&str, &str, Unit, &str)) -> Option<String> {
    let of = |run| measures(run).remove(measure);
    let (baseline, candidate): (Vec<_>, Vec<_>) = pairs.iter().map(|(a, b)| (of(a), of(b))).unzip();
    let highest = baseline.iter().chain(&candidate).flatten().copied().reduce(f64::max)?;
    let numbers: Vec<f64> = (1..=u32::try_from(pairs.len()).unwrap_or(u32::MAX)).map(f64::from).collect();
    let x = Axis::linear(numbers.len() as f64, Unit::Count);
    let sides = [("baseline", "grey", baseline), ("candidate", "blue", candidate)];
    let series = sides.map(|(name, colour, values)| Series::line(name, colour, values).drawn(Kind::Points));
    let series = series.into_iter().filter(|series| series.values.iter().any(Option::is_some)).collect();
    let chart = Chart::new(id, measure, (x, numbers), Axis::linear(highest, unit), series);
    Some(Chart { told: told.to_owned(), places: "pair", ..chart }.html())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{TOLERANCE, compare};
    use crate::result::{OperationResult, RunResult, TargetUse};

    #[test]
    fn each_pair_is_drawn_and_the_answer_stands_on_top() {
        let run = |cpu_s: f64| {
            let used = TargetUse { measure_cpu_s: Some(cpu_s), ..TargetUse::default() };
            let get = OperationResult { completed: 100, ..OperationResult::default() };
            let operations = std::collections::BTreeMap::from([("get".to_owned(), get)]);
            RunResult { target_use: Some(used), operations, ..RunResult::example() }
        };
        let pairs = Pairs { pairs: vec![(run(1.0), run(1.5)); 5], noise: Vec::new(), unfinished: 1 };
        let comparison = compare(&pairs, TOLERANCE);
        let origin = Origin { scenario: "<mix>".into(), ..Origin::default() };
        let html = compare_page("kept", &origin, &pairs, &comparison);
        assert!(html.contains("<strong class=\"verdict fail\">regression</strong>"), "{html}");
        assert!(html.contains("1 unfinished pair is left out"), "{html}");
        assert!(html.contains("id=\"cpu\"") && !html.contains("id=\"written\""), "{html}");
        assert!(html.contains("&lt;mix&gt;") && !html.contains("<mix>"));
    }
}
