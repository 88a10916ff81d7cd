//! A capacity for people: what was found in a sentence, on what, and the steps.

use std::fmt::Write as _;

use crate::capacity::step::{Outcome, Step};
use crate::capacity::{Capacity, Conclusion, RateRange, Unit};
use crate::limit::rounded;
use crate::table::Table;

/// What stands for a number that is not known.
const UNKNOWN: &str = "–";

/// For a terminal.
pub fn text(capacity: &Capacity) -> String {
    page(capacity, &format!("{}\n", title(capacity)), Table::text)
}

/// For `capacity.md`.
pub fn markdown(capacity: &Capacity) -> String {
    page(capacity, &format!("# {}\n\n", title(capacity)), Table::markdown)
}

/// One row per step.
pub fn steps(capacity: &Capacity) -> Table {
    let headings = ["step", "outcome", capacity.plan.unit.heading(), "completed_per_s", "slowest_p99_ms"];
    let mut table = Table::new(2, &headings);
    table.rows.extend(capacity.steps.iter().map(cells));
    table
}

fn cells(step: &Step) -> Vec<String> {
    let word = match &step.observed.outcome {
        Outcome::Holds => "holds",
        Outcome::Breaks(_) => "breaks",
        Outcome::Void(_) => "void",
    };
    vec![
        step.phase.word().to_owned(),
        word.to_owned(),
        rounded(step.rate),
        rounded(step.observed.completed_per_s),
        known(step.observed.response_p99_ms),
    ]
}

/// Why steps did not hold, each in a line: sentences would make the table wider than a terminal.
pub(crate) fn reasons(steps: &[Step]) -> String {
    let line = |step: &Step| Some(format!("- at {}: {}\n", rounded(step.rate), step.observed.outcome.why()?));
    steps.iter().filter_map(line).collect()
}

impl Unit {
    fn heading(self) -> &'static str {
        match self {
            Self::PerS => "rate_per_s",
            Self::Phones => "phones",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::PerS => "per second",
            Self::Phones => "phones",
        }
    }
}

/// What was looked for.
pub(crate) fn title(capacity: &Capacity) -> String {
    format!("Capacity of {} for {}", capacity.subject.target, capacity.subject.scenario)
}

fn page(capacity: &Capacity, title: &str, draw: fn(&Table) -> String) -> String {
    let subject = &capacity.subject;
    let mut page = title.to_owned();
    let _ = writeln!(page, "{}\n{}\n", found(capacity), critical_line(capacity));
    let _ = writeln!(page, "on {}\nheld to {}\n", subject.machine, subject.limits.join("; "));
    let _ = write!(page, "{}\n{}", draw(&steps(capacity)), reasons(&capacity.steps));
    page
}

/// What can be said, in a sentence; why nothing can, in another line.
pub(crate) fn found(capacity: &Capacity) -> String {
    let (plan, units) = (&capacity.plan, capacity.plan.unit.words());
    let rate = known(capacity.max_rate);
    let RateRange { low, high } = capacity.interval;
    match &capacity.conclusion {
        Conclusion::Found => format!(
            "{rate} {units}: it held {times} times, and {} broke {times} times",
            known(high),
            times = plan.confirmations
        ),
        Conclusion::AtLeast => {
            format!("at least {rate} {units}: the highest that was allowed held {} times", plan.confirmations)
        }
        Conclusion::Below => format!("less than {} {units}: the lowest that was allowed broke", rounded(plan.rate_min)),
        Conclusion::CannotTell(why) => {
            format!("cannot tell; {units}, up to {} held and from {} on nothing did\n{why}", known(low), known(high))
        }
    }
}

/// The number alone, for a list of many.
pub(crate) fn brief(capacity: &Capacity) -> String {
    let (plan, units) = (&capacity.plan, capacity.plan.unit.words());
    match &capacity.conclusion {
        Conclusion::Found => format!("{} {units}", known(capacity.max_rate)),
        Conclusion::AtLeast => format!("at least {} {units}", known(capacity.max_rate)),
        Conclusion::Below => format!("less than {} {units}", rounded(plan.rate_min)),
        Conclusion::CannotTell(_) => format!("up to {} {units} held", known(capacity.interval.low)),
    }
}

/// The rates that hold short response times, in a sentence.
pub(crate) fn critical_line(capacity: &Capacity) -> String {
    let (critical, unit) = (&capacity.critical, capacity.plan.unit);
    let rungs = critical.bounds.iter().map(|rung| format!("{} ms: {}", rung.response_p99_ms, known(rung.rate)));
    let rungs = rungs.collect::<Vec<_>>().join(", ");
    let RateRange { low, high } = critical.range;
    match critical.rate {
        Some(rate) => {
            let range = format!("{} to {}", known(low), known(high));
            format!(
                "critical rate {} {} ({range}), of the highest within each p99 ({rungs})",
                rounded(rate),
                unit.words()
            )
        }
        None => format!("no critical rate: no step held each p99 ({rungs})"),
    }
}

fn known(number: Option<f64>) -> String {
    number.map_or(UNKNOWN.to_owned(), rounded)
}
