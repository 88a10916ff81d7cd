//! What happened in one second of a run: a line of numbers for programs, a histogram for whoever wants to merge.
//!
//! The samples of an interval are those that were *done* in it, whenever they were intended. Whoever makes an interval
//! hands it on and lets go of it, so a run takes the same memory however long it lasts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::histogram::{HistogramError, Latencies, Percentiles};
use crate::hlog::{self, HlogError};
use crate::table::Table;

/// A stretch of a run, usually a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// When it began, in seconds since the start of the run, *warm-up* included.
    pub start_s: f64,
    /// How long it was, in seconds.
    pub length_s: f64,
    /// What each operation did.
    pub operations: BTreeMap<String, IntervalOperation>,
}

/// What one operation did in an interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntervalOperation {
    /// Requests intended in it.
    pub offered: u64,
    /// Requests written to a connection in it.
    pub sent: u64,
    /// Answered with success in it, whenever they were intended.
    pub completed: u64,
    /// Of the completed, those whose answer carried nothing though it was asked for something.
    pub completed_empty: u64,
    /// Failed in it, whenever they were intended.
    pub failed: u64,
    /// Given up in it because the run ended.
    pub censored: u64,
    /// Of the failed, those that were given up before they were sent, as the scenario asked for.
    pub shed: u64,
    /// Of the failed, those that the target refused by its own rule.
    pub limited: u64,
    /// Of the failed, how many of each kind.
    pub errors: BTreeMap<String, u64>,
    /// Requests that were waiting for a connection at its end.
    pub backlog: u64,
    /// Response times of what was done in it, as in [`OperationResult::response_ms`](crate::result::OperationResult).
    pub response: Latencies,
    /// Lateness of what was done in it.
    pub lateness: Latencies,
}

impl IntervalOperation {
    /// How many requests ended in it, one way or another.
    pub fn ended(&self) -> u64 {
        self.completed + self.failed + self.censored
    }

    /// Takes in what the same operation did elsewhere at the same time, or afterwards at the same place.
    pub fn merge(&mut self, other: &Self) {
        self.add_counts(other);
        self.response.merge(&other.response);
        self.lateness.merge(&other.lateness);
    }

    fn add_counts(&mut self, other: &Self) {
        self.offered += other.offered;
        self.sent += other.sent;
        self.completed += other.completed;
        self.completed_empty += other.completed_empty;
        self.failed += other.failed;
        self.censored += other.censored;
        self.shed += other.shed;
        self.limited += other.limited;
        add(&mut self.errors, &other.errors);
        self.backlog += other.backlog;
    }
}

/// Adds counts to counts.
pub(crate) fn add(counts: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    more.iter().for_each(|(kind, count)| *counts.entry(kind.clone()).or_default() += count);
}

/// A line of `intervals.ndjson`: one operation in one interval.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    start_s: f64,
    length_s: f64,
    operation: String,
    offered: u64,
    sent: u64,
    completed: u64,
    /// Runs of earlier versions do not tell.
    #[serde(default)]
    completed_empty: u64,
    failed: u64,
    censored: u64,
    shed: u64,
    limited: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    errors: BTreeMap<String, u64>,
    backlog: u64,
    response_ms: Percentiles,
    lateness_ms: Percentiles,
}

/// The end of the name under which an interval's lateness is kept, beside the response time under the plain name.
const LATENESS: &str = ".lateness";

impl Interval {
    /// Takes in what happened at the same time elsewhere, on another thread or machine. From then on it lasts from the
    /// earlier start to the later end; one that has no length yet, such as the default, takes the other's time.
    pub fn merge(&mut self, other: &Self) {
        let end_s = self.end_s().max(other.end_s());
        self.start_s = if self.length_s > 0.0 { self.start_s.min(other.start_s) } else { other.start_s };
        self.length_s = end_s - self.start_s;
        for (name, operation) in &other.operations {
            self.operations.entry(name.clone()).or_default().merge(operation);
        }
    }

    /// When it ended, in seconds since the start of the run.
    pub fn end_s(&self) -> f64 {
        self.start_s + self.length_s
    }

    /// One line of JSON per operation, for `intervals.ndjson`.
    pub fn ndjson(&self) -> String {
        let line = |(name, operation): (&String, &IntervalOperation)| {
            let line = Line {
                start_s: self.start_s,
                length_s: self.length_s,
                operation: name.clone(),
                offered: operation.offered,
                sent: operation.sent,
                completed: operation.completed,
                completed_empty: operation.completed_empty,
                failed: operation.failed,
                censored: operation.censored,
                shed: operation.shed,
                limited: operation.limited,
                errors: operation.errors.clone(),
                backlog: operation.backlog,
                response_ms: operation.response.percentiles(),
                lateness_ms: operation.lateness.percentiles(),
            };
            serde_json::to_string(&line).expect("numbers and a name can be written as JSON") + "\n"
        };
        self.operations.iter().map(line).collect()
    }

    /// Two lines per operation for `intervals.hlog`, behind [`hlog::header`]: its response time, and its lateness.
    pub fn hlog(&self) -> String {
        let lines = |(name, operation): (&String, &IntervalOperation)| {
            let line = |tag: &str, latencies| hlog::line(tag, self.start_s, self.length_s, latencies);
            line(name, &operation.response) + &line(&format!("{name}{LATENESS}"), &operation.lateness)
        };
        self.operations.iter().map(lines).collect()
    }
}

/// Why intervals could not be read.
#[derive(Debug, thiserror::Error)]
pub enum IntervalError {
    /// A line of `intervals.ndjson` is something else.
    #[error("line {line} of intervals.ndjson cannot be read")]
    Line {
        /// Which, counted from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// `intervals.hlog` cannot be read.
    #[error("intervals.hlog")]
    Log(#[from] HlogError),
    /// A histogram cannot be read.
    #[error("a histogram in intervals.hlog")]
    Histogram(#[from] HistogramError),
    /// The two files are not of the same run.
    #[error(
        "line {line} of intervals.ndjson is `{operation}` at {start_s} s, and the histogram at its place in intervals.hlog is another's"
    )]
    Apart {
        /// Which, counted from 1.
        line: usize,
        /// What the line is about.
        operation: String,
        /// When its interval began.
        start_s: f64,
    },
}

/// Reads the intervals of `intervals.ndjson` and `intervals.hlog`, one after the other, so that only one is in memory.
/// Where a crash cut a line off, or left one file longer than the other, they end.
pub fn read<'a>(ndjson: &'a str, log: &'a str) -> impl Iterator<Item = Result<Interval, IntervalError>> + 'a {
    let mut lines = whole(ndjson).lines().enumerate().zip(pairs(log)).map(operation).peekable();
    std::iter::from_fn(move || {
        let (start_s, length_s, name, first) = match lines.next()? {
            Ok(operation) => operation,
            Err(error) => return Some(Err(error)),
        };
        let mut interval = Interval { start_s, length_s, operations: BTreeMap::from([(name, first)]) };
        while let Some(Ok((.., name, operation))) = lines.next_if(|line| matches!(line, Ok((at, ..)) if *at == start_s))
        {
            interval.operations.insert(name, operation);
        }
        Some(Ok(interval))
    })
}

/// `intervals.ndjson` as CSV: a line for each second and operation, under the names of the other with dots in them. The
/// latencies of operations that are `untold` are left out.
///
/// # Errors
/// When a line is something else.
pub fn csv(ndjson: &str, untold: &BTreeSet<&str>) -> Result<String, IntervalError> {
    let mut table = Table::new(1, &[]);
    for (index, line) in whole(ndjson).lines().enumerate() {
        let mut line: Line =
            serde_json::from_str(line).map_err(|source| IntervalError::Line { line: index + 1, source })?;
        if untold.contains(line.operation.as_str()) {
            (line.response_ms, line.lateness_ms) = (Percentiles::default(), Percentiles::default());
        }
        // They would be columns of some lines and not of others.
        line.errors.clear();
        let line = serde_json::to_value(&line).expect("numbers and a name can be written as JSON");
        let mut cells = Vec::new();
        flatten("", &line, &mut cells);
        let (headings, row) = cells.into_iter().unzip();
        table.headings = headings;
        table.rows.push(row);
    }
    Ok(if table.rows.is_empty() { String::new() } else { table.csv() })
}

fn flatten(name: &str, value: &Value, cells: &mut Vec<(String, String)>) {
    match value {
        Value::Object(parts) => {
            let dot = if name.is_empty() { "" } else { "." };
            parts.iter().for_each(|(part, value)| flatten(&format!("{name}{dot}{part}"), value, cells));
        }
        Value::Null => cells.push((name.to_owned(), String::new())),
        Value::String(text) => cells.push((name.to_owned(), text.clone())),
        number => cells.push((name.to_owned(), number.to_string())),
    }
}

type Pair<'a> = Result<[hlog::Entry<'a>; 2], HlogError>;

/// The log's entries by twos: response time and lateness.
fn pairs(log: &str) -> impl Iterator<Item = Pair<'_>> {
    let mut entries = hlog::read(log);
    std::iter::from_fn(move || {
        let (response, lateness) = (entries.next()?, entries.next()?);
        Some(response.and_then(|response| Ok([response, lateness?])))
    })
}

/// A line and its two histograms as what one operation did in one interval.
fn operation(
    ((index, line), pair): ((usize, &str), Pair<'_>),
) -> Result<(f64, f64, String, IntervalOperation), IntervalError> {
    let [response, lateness] = pair?;
    let number = index + 1;
    let line: Line = serde_json::from_str(line).map_err(|source| IntervalError::Line { line: number, source })?;
    let is_same = response.is_at(line.start_s)
        && lateness.is_at(line.start_s)
        && response.tag == line.operation
        && lateness.tag.strip_suffix(LATENESS) == Some(&line.operation);
    if !is_same {
        return Err(IntervalError::Apart { line: number, operation: line.operation, start_s: line.start_s });
    }
    let operation = IntervalOperation {
        offered: line.offered,
        sent: line.sent,
        completed: line.completed,
        completed_empty: line.completed_empty,
        failed: line.failed,
        censored: line.censored,
        shed: line.shed,
        limited: line.limited,
        errors: line.errors,
        backlog: line.backlog,
        response: response.latencies()?,
        lateness: lateness.latencies()?,
    };
    Ok((line.start_s, line.length_s, line.operation, operation))
}

/// The text up to its last line's end.
pub(crate) fn whole(text: &str) -> &str {
    text.rfind('\n').and_then(|end| text.get(..=end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn interval(start_s: u32) -> Interval {
        let operation = |factor: u64| {
            let mut operation = IntervalOperation {
                offered: 10 * factor,
                sent: 9 * factor,
                completed: 8,
                completed_empty: 2,
                failed: 1,
                errors: BTreeMap::from([("status_503".to_owned(), 1)]),
                backlog: factor,
                ..IntervalOperation::default()
            };
            (1..30 * factor).for_each(|ms| operation.response.record(Duration::from_millis(ms * u64::from(start_s))));
            (1..30 * factor).for_each(|us| operation.lateness.record(Duration::from_micros(us)));
            operation
        };
        let operations = BTreeMap::from([("get".to_owned(), operation(1)), ("log in".to_owned(), operation(7))]);
        Interval { start_s: start_s.into(), length_s: 1.0, operations }
    }

    fn files(intervals: &[Interval]) -> (String, String) {
        let log = intervals.iter().map(Interval::hlog).collect::<String>();
        (intervals.iter().map(Interval::ndjson).collect(), hlog::header() + &log)
    }

    #[test]
    fn intervals_come_back_as_they_were_written() {
        let intervals = [0, 1, 2].map(interval);
        let (ndjson, log) = files(&intervals);
        assert_eq!(ndjson.lines().count(), 6);
        let read: Vec<_> = read(&ndjson, &log).map(Result::unwrap).collect();
        assert_eq!(read, intervals);
    }

    #[test]
    fn seconds_are_a_table_for_programs() {
        let (ndjson, _) = files(&[interval(1)]);
        let csv = csv(&ndjson, &BTreeSet::from(["log in"])).unwrap();
        let lines: Vec<_> = csv.lines().collect();
        assert!(
            lines[0].starts_with("start_s,length_s,operation,offered,") && lines[0].ends_with("lateness_ms.max"),
            "{csv}"
        );
        assert!(lines[1].starts_with("1.0,1.0,get,10,9,8,2,1,0,0,0,1,29,15.007,,,,29.0"), "{csv}");
        assert!(lines[2].ends_with("log in,70,63,8,2,1,0,0,0,7,0,,,,,,0,,,,,"), "{csv}");
        let all = BTreeSet::new();
        assert_eq!((lines.len(), super::csv("", &all).unwrap()), (3, String::new()));
        assert_eq!(super::csv("x\n", &all).unwrap_err().to_string(), "line 1 of intervals.ndjson cannot be read");
    }

    #[test]
    fn a_crash_loses_no_more_than_the_line_it_cut_off() {
        let intervals = [1, 2].map(interval);
        let (ndjson, log) = files(&intervals);
        let read: Vec<_> = read(&ndjson[..ndjson.len() - 9], &log[..log.len() - 9]).map(Result::unwrap).collect();
        assert_eq!(read[0], intervals[0]);
        assert_eq!(read[1].operations.keys().collect::<Vec<_>>(), ["get"]);
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn files_of_two_runs_are_not_taken_for_one() {
        let (ndjson, _) = files(&[interval(1)]);
        let (_, log) = files(&[interval(2)]);
        let message = read(&ndjson, &log).next().unwrap().unwrap_err().to_string();
        assert!(message.starts_with("line 1 of intervals.ndjson is `get` at 1 s"), "{message}");
        let (_, same) = files(&[interval(1)]);
        let message = read("{}\n", &same).next().unwrap().unwrap_err().to_string();
        assert_eq!(message, "line 1 of intervals.ndjson cannot be read");
    }

    #[test]
    fn two_machines_add_up() {
        let (mut one, other) = (interval(1), interval(1));
        one.merge(&other);
        let get = &one.operations["get"];
        assert_eq!((get.offered, get.ended(), get.backlog, get.response.count()), (20, 18, 2, 58));
        assert_eq!((one.length_s, one.end_s()), (1.0, 2.0));
    }

    #[test]
    fn a_second_lasts_as_long_as_the_last_of_its_threads_takes() {
        let mut together = Interval::default();
        for (start_s, length_s) in [(3.004, 1.0), (3.001, 0.999), (3.002, 1.005)] {
            together.merge(&Interval { start_s, length_s, ..interval(3) });
        }
        assert_eq!((together.start_s, together.operations["get"].offered), (3.001, 30));
        assert!((together.end_s() - 4.007).abs() < 1e-9, "{}", together.end_s());
    }
}
