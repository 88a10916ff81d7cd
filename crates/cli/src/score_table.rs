//! A score as tables: for people one after another, for programs all in one.

use rushhour_dataset::score::{Class, Confusion, Figures, Reason, Spread};
use rushhour_report::table::Table;
use serde::Serialize;

/// The figures of a group of trips.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Group {
    /// `all`, `platform`, `fault` or `user`.
    group: &'static str,
    name: String,
    #[serde(flatten)]
    figures: Figures,
}

impl Group {
    pub(crate) fn new(group: &'static str, name: String, figures: Figures) -> Self {
        Self { group, name, figures }
    }

    fn names(&self) -> Vec<String> {
        vec![self.group.to_owned(), self.name.clone()]
    }
}

/// For a terminal: the shares, the errors, how modes are taken for others, and why trips are missed.
pub(crate) fn text(groups: &[Group], overall: &Figures) -> String {
    let tables = [shares(groups), errors(groups), confusion(&overall.confusion_s), reasons(overall)];
    let titles = [
        "Trips",
        "Errors of recalled trips: the median and the 90th percentile of their sizes, and their median",
        "How recalled trips were moved, and what was found, in percent of the time",
        "Why trips were missed, and why found trips are wrong",
    ];
    let shown = titles.iter().zip(&tables).filter(|(_, table)| !table.rows.is_empty());
    shown.map(|(title, table)| format!("{title}\n{}", table.text())).collect::<Vec<_>>().join("\n")
}

fn shares(groups: &[Group]) -> Table {
    let mut table = Table::new(
        2,
        &["group", "name", "trips", "meant", "recall", "found", "wrong", "neutral", "precision", "mode", "main_mode"],
    );
    table.rows = groups.iter().map(|group| [group.names(), share_cells(&group.figures)].concat()).collect();
    table
}

fn share_cells(figures: &Figures) -> Vec<String> {
    let Figures { trips, meant, found, wrong, neutral, recall, precision, mode, main_mode, .. } = figures;
    let mut cells = vec![trips.to_string(), meant.to_string(), number(*recall, 3)];
    cells.extend([found, wrong, neutral].map(ToString::to_string));
    cells.extend([precision, mode, main_mode].map(|share| number(*share, 3)));
    cells
}

const ERRORS: [&str; 9] = [
    "start_median_s",
    "start_p90_s",
    "start_bias_s",
    "end_median_s",
    "end_p90_s",
    "end_bias_s",
    "distance_median_pct",
    "distance_p90_pct",
    "distance_bias_pct",
];

fn errors(groups: &[Group]) -> Table {
    let mut table = Table::new(2, &[["group", "name"].as_slice(), ERRORS.as_slice()].concat());
    let recalled = groups.iter().filter(|group| group.figures.recalled > 0);
    table.rows = recalled.map(|group| [group.names(), error_cells(&group.figures)].concat()).collect();
    table
}

fn error_cells(figures: &Figures) -> Vec<String> {
    let spreads = [figures.start_s, figures.end_s, figures.distance_pct];
    spreads.iter().flat_map(|Spread { median, p90, bias }| [median, p90, bias].map(|error| number(*error, 1))).collect()
}

fn confusion(confusion: &Confusion) -> Table {
    let columns: Vec<&str> = Confusion::columns().map(column).collect();
    let mut table = Table::new(1, &[["really"].as_slice(), &columns, &["hours"]].concat());
    for class in Class::ALL {
        let seconds: Vec<f64> = Confusion::columns().map(|found| confusion.seconds(class, found)).collect();
        let all_s: f64 = seconds.iter().sum();
        if all_s > 0.0 {
            let mut row = vec![class.name().to_owned()];
            row.extend(seconds.iter().map(|seconds| format!("{:.1}", seconds / all_s * 100.0)));
            row.push(format!("{:.1}", all_s / 3_600.0));
            table.rows.push(row);
        }
    }
    table
}

fn column(found: Option<Class>) -> &'static str {
    found.map_or("none", Class::name)
}

fn reasons(figures: &Figures) -> Table {
    let mut table = Table::new(1, &["reason", "missed", "wrong"]);
    let count = |reason| [&figures.missed_by, &figures.wrong_by].map(|by| by.get(&reason).copied().unwrap_or_default());
    let rows = Reason::ALL.map(|reason| (reason, count(reason)));
    let rows = rows.iter().filter(|(_, counts)| *counts != [0, 0]);
    table.rows = rows
        .map(|(reason, [missed, wrong])| vec![reason.name().to_owned(), missed.to_string(), wrong.to_string()])
        .collect();
    table
}

/// For programs: everything, one line per group.
pub(crate) fn flat(groups: &[Group]) -> Table {
    let mut headings: Vec<String> =
        shares(&[]).headings.into_iter().chain(ERRORS.map(str::to_owned)).chain(["recalled".to_owned()]).collect();
    headings.extend(Reason::ALL.map(|reason| format!("missed_{}", reason.name())));
    headings.extend(Reason::ALL.map(|reason| format!("wrong_{}", reason.name())));
    let cells = || Class::ALL.into_iter().flat_map(|class| Confusion::columns().map(move |found| (class, found)));
    headings.extend(cells().map(|(class, found)| format!("{}_as_{}_s", class.name(), column(found))));
    let row = |Group { group, name, figures }: &Group| {
        let mut row = vec![(*group).to_owned(), name.clone()];
        row.extend(share_cells(figures));
        row.extend(error_cells(figures));
        row.push(figures.recalled.to_string());
        for by in [&figures.missed_by, &figures.wrong_by] {
            row.extend(Reason::ALL.map(|reason| by.get(&reason).copied().unwrap_or_default().to_string()));
        }
        row.extend(cells().map(|(class, found)| format!("{:.0}", figures.confusion_s.seconds(class, found))));
        // A program reads an empty cell as what it is.
        row.iter_mut().filter(|cell| *cell == ABSENT).for_each(String::clear);
        row
    };
    Table { names: 2, headings, rows: groups.iter().map(row).collect() }
}

/// What people see where there is nothing to share.
const ABSENT: &str = "–";

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |value| format!("{value:.digits$}"))
}
