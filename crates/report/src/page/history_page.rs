//! The page of a history: each measure over its runs, and where it changed.

use super::axis::{Axis, Unit};
use super::chart::{Chart, Kind, Series};
use super::document;
use super::html::{escape, table};
use crate::history::{Change, History};
use crate::limit::rounded;
use crate::table::Table;

/// The page of histories, each with its name.
pub fn history_page(histories: &[(String, History)]) -> String {
    let mut body = String::from(
        "<header class=\"run\"><h1>History</h1><p>Marked: the first run of a new level. Runs stand in the order in which they were made.</p></header>\n",
    );
    for (place, (name, history)) in histories.iter().enumerate() {
        let changes = history.changes();
        body.push_str(&format!("<h2>{}</h2>\n", escape(name)));
        if !changes.is_empty() {
            body.push_str(&format!(
                "<div class=\"card\">{}</div><p>&nbsp;</p>\n",
                table(&change_table(history, &changes))
            ));
        }
        let charts = history.measures().into_iter().map(|measure| chart(place, measure, history, &changes).html());
        body.push_str(&format!("<div class=\"grid\">\n{}</div>\n", charts.collect::<String>()));
    }
    document("History", &body)
}

/// Where something changed, one row each.
pub fn change_table(history: &History, changes: &[Change]) -> Table {
    let mut table = Table::new(3, &["measure", "from run", "commit", "before", "after", "change"]);
    for change in changes {
        let line = history.runs.get(change.at).cloned().unwrap_or_default();
        let ratio = change.after / change.before - 1.0;
        table.rows.push(vec![
            change.measure.clone(),
            line.run,
            line.commit,
            rounded(change.before),
            rounded(change.after),
            format!("{:+.1} %", ratio * 100.0),
        ]);
    }
    table
}

fn chart(place: usize, measure: &str, history: &History, changes: &[Change]) -> Chart {
    let values: Vec<Option<f64>> = history.runs.iter().map(|line| line.values.get(measure).copied()).collect();
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    let unit = match measure {
        name if name.contains("_ms") => Unit::Ms,
        name if name.contains("bytes") => Unit::Bytes,
        _ => Unit::Count,
    };
    let places: Vec<f64> = (1..=u32::try_from(values.len()).unwrap_or(u32::MAX)).map(f64::from).collect();
    let is_change = |at: usize| changes.iter().any(|change| change.measure == measure && change.at == at);
    let marked: Vec<_> = values.iter().enumerate().map(|(at, value)| value.filter(|_| is_change(at))).collect();
    let mut series = vec![Series::line("each run", "blue", values)];
    if marked.iter().any(Option::is_some) {
        series.push(Series::line("first of a new level", "red", marked).drawn(Kind::Dots));
    }
    let axis = Axis::linear(places.len() as f64, Unit::Count);
    let id = format!("{place}-{}", measure.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let names = history.runs.iter().map(|line| line.run.clone()).collect();
    Chart {
        names,
        places: "run",
        ..Chart::new(&format!("h{id}"), measure, (axis, places), Axis::linear(highest, unit), series)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::history::Line;

    #[test]
    fn a_change_is_marked_and_told() {
        let mut history = History::default();
        for at in 0..20_u32 {
            let value = if at < 10 { 2.0 } else { 3.0 } + f64::from(at % 3) / 100.0;
            let values = BTreeMap::from([("cpu_ms_per_request".to_owned(), value)]);
            history.add(Line { time: format!("{at:02}"), run: format!("run-{at:02}"), values, ..Line::default() });
        }
        let html = history_page(&[("vm-quickstart".into(), history)]);
        assert!(html.contains("<td class=\"name\">run-10</td>") && html.contains("first of a new level"), "{html}");
        assert!(html.contains("id=\"h0-cpu-ms-per-request\""));
    }
}
