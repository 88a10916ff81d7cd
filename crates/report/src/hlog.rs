//! HdrHistogram's interval logs, V2 deflated: the form that its tools in every language read, merge and draw.
//!
//! `intervals.hlog` has two tags per operation and interval, `histograms.hlog` one per operation and part of the time.
//! Merging such histograms is exact; merging percentiles is not possible.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::interval_log::{IntervalLogHistogram, IntervalLogIterator, LogEntry};

use crate::histogram::{HistogramError, Latencies};
use crate::interval::whole;

/// A line of a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HlogError {
    /// It is no line of an interval log.
    #[error("the histogram log cannot be read from byte {0} on")]
    Line(usize),
    /// Its tag is not that of an operation's part.
    #[error("the histogram log has a line `{0}`, which is no part of an operation's time")]
    Tag(String),
    /// Its histogram cannot be read.
    #[error(transparent)]
    Histogram(#[from] HistogramError),
}

/// What stands before all lines.
pub fn header() -> String {
    "#[Histogram log format version 1.3]\n\
     #[MaxValueDivisor: 1000.000]\n\
     #Values in the histograms are microseconds; Interval_Max is milliseconds. Times are seconds since the start of the run.\n\
     \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
        .to_owned()
}

/// One line: the latencies of `name` in the `length_s` seconds from `start_s` on.
pub fn line(name: &str, start_s: f64, length_s: f64, latencies: &Latencies) -> String {
    let max_ms = latencies.max_ms().unwrap_or_default();
    let histogram = STANDARD.encode(latencies.encode());
    format!("Tag={},{start_s:.3},{length_s:.3},{max_ms:.3},{histogram}\n", tag(name))
}

/// A name as a tag. Tags have neither spaces nor commas; spaces come back as they were.
fn tag(name: &str) -> String {
    name.chars().map(|c| if c == ' ' { '+' } else { c }).filter(|c| !",\r\n".contains(*c)).collect()
}

/// A line that was read.
#[derive(Debug)]
pub struct Entry<'a> {
    /// What it is about.
    pub tag: String,
    line: IntervalLogHistogram<'a>,
}

impl Entry<'_> {
    /// Whether its interval began at `start_s`, to the millisecond that a log tells.
    pub fn is_at(&self, start_s: f64) -> bool {
        (self.line.start_timestamp().as_secs_f64() - start_s).abs() < 1e-3
    }

    /// Its histogram.
    ///
    /// # Errors
    /// When it is none.
    pub fn latencies(&self) -> Result<Latencies, HistogramError> {
        let bytes = STANDARD.decode(self.line.encoded_histogram());
        Latencies::decode(&bytes.map_err(HistogramError::encoding)?)
    }
}

/// Reads a log line by line; a last line that was cut off is left out.
pub fn read(log: &str) -> impl Iterator<Item = Result<Entry<'_>, HlogError>> {
    use hdrhistogram::serialization::interval_log::LogIteratorError::ParseError;
    IntervalLogIterator::new(whole(log).as_bytes()).filter_map(|entry| match entry {
        Ok(LogEntry::Interval(line)) => {
            let tag = line.tag().map(|tag| tag.as_str().replace('+', " ")).unwrap_or_default();
            Some(Ok(Entry { tag, line }))
        }
        Ok(LogEntry::StartTime(_) | LogEntry::BaseTime(_)) => None,
        Err(ParseError { offset }) => Some(Err(HlogError::Line(offset))),
    })
}

/// The latencies of a whole run, by operation: what percentiles were read from, so that runs can be merged exactly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histograms {
    /// Each operation by its name.
    pub operations: BTreeMap<String, OperationHistograms>,
}

/// Where one operation's time went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperationHistograms {
    /// done − intended.
    pub response: Latencies,
    /// done − sent.
    pub service: Latencies,
    /// sent − released.
    pub wait: Latencies,
    /// released − intended.
    pub lateness: Latencies,
    /// done − intended of failures, by kind.
    pub errors: BTreeMap<String, Latencies>,
}

impl OperationHistograms {
    /// Takes in what was recorded elsewhere, as if it had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.wait.merge(&other.wait);
        self.lateness.merge(&other.lateness);
        for (kind, latencies) in &other.errors {
            self.errors.entry(kind.clone()).or_default().merge(latencies);
        }
    }
}

const ERRORS: &str = ".errors.";

impl Histograms {
    /// Takes in those of another run, as if their samples had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        for (name, theirs) in &other.operations {
            self.operations.entry(name.clone()).or_default().merge(theirs);
        }
    }

    /// The lateness of all operations together.
    pub fn lateness(&self) -> Latencies {
        let mut all = Latencies::default();
        self.operations.values().for_each(|operation| all.merge(&operation.lateness));
        all
    }

    /// As `histograms.hlog`, of what was intended in the `length_s` seconds from `start_s` on.
    pub fn hlog(&self, start_s: f64, length_s: f64) -> String {
        let mut log = header();
        for (name, operation) in &self.operations {
            let OperationHistograms { response, service, wait, lateness, errors } = operation;
            let parts = [("response", response), ("service", service), ("wait", wait), ("lateness", lateness)];
            let parts = parts.map(|(part, latencies)| (format!("{name}.{part}"), latencies));
            let errors = errors.iter().map(|(kind, latencies)| (format!("{name}{ERRORS}{kind}"), latencies));
            let lines = parts.into_iter().chain(errors);
            log.extend(lines.map(|(tag, latencies)| line(&tag, start_s, length_s, latencies)));
        }
        log
    }

    /// Reads `histograms.hlog`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn read(log: &str) -> Result<Self, HlogError> {
        let mut histograms = Self::default();
        for entry in read(log) {
            let entry = entry?;
            let unknown = || HlogError::Tag(entry.tag.clone());
            let (name, part) = match entry.tag.split_once(ERRORS) {
                Some(both) => both,
                None => entry.tag.rsplit_once('.').ok_or_else(unknown)?,
            };
            let operation = histograms.operations.entry(name.to_owned()).or_default();
            let latencies = match part {
                kind if entry.tag.contains(ERRORS) => operation.errors.entry(kind.to_owned()).or_default(),
                "response" => &mut operation.response,
                "service" => &mut operation.service,
                "wait" => &mut operation.wait,
                "lateness" => &mut operation.lateness,
                _ => return Err(unknown()),
            };
            *latencies = entry.latencies()?;
        }
        Ok(histograms)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;

    use super::*;

    fn of(us: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        us.into_iter().for_each(|us| latencies.record(Duration::from_micros(us)));
        latencies
    }

    #[test]
    fn other_readers_of_interval_logs_find_the_same() {
        let log = header() + &line("log in", 3.0, 1.0, &of(1..=2_000));
        let mut entries = IntervalLogIterator::new(log.as_bytes());
        let Some(Ok(LogEntry::Interval(entry))) = entries.next() else { panic!("{log}") };
        assert_eq!(entry.tag().map(|tag| tag.as_str()), Some("log+in"));
        assert_eq!((entry.start_timestamp(), entry.duration()), (Duration::from_secs(3), Duration::from_secs(1)));
        assert_eq!(entry.max(), 2.0);
        let bytes = STANDARD.decode(entry.encoded_histogram()).unwrap();
        let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        assert_eq!((histogram.len(), histogram.value_at_quantile(0.5)), (2_000, 1_000));
        assert!(entries.next().is_none());
    }

    #[test]
    fn the_histograms_of_a_run_come_back_as_they_were() {
        let operation = OperationHistograms {
            response: of(1..5_000),
            service: of([7]),
            wait: Latencies::default(),
            lateness: of(10..20),
            errors: BTreeMap::from([("status 500".to_owned(), of([1_000_000])), ("timeout".to_owned(), of([3]))]),
        };
        let operations = BTreeMap::from([("get".to_owned(), operation.clone()), ("v1.put".to_owned(), operation)]);
        let histograms = Histograms { operations };
        let log = histograms.hlog(2.0, 20.0);
        assert!(log.contains("\nTag=get.errors.status+500,2.000,20.000,1000."), "{log}");
        assert_eq!(Histograms::read(&log).unwrap(), histograms);
    }

    #[test]
    fn a_log_of_something_else_is_refused() {
        let refused = |log: String| Histograms::read(&log).unwrap_err().to_string();
        assert_eq!(refused("nonsense\n".to_owned()), "the histogram log cannot be read from byte 0 on");
        assert!(refused(line("get.mood", 0.0, 1.0, &of([1]))).contains("`get.mood`"));
        assert!(refused("Tag=get.wait,0.000,1.000,0.000,AAAA\n".to_owned()).contains("no histogram"));
    }
}
