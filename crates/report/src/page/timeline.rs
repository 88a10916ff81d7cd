//! The seconds of a run as so many stretches as a chart can show: counts are added, histograms merged, percentiles read
//! anew. No percentile is ever averaged.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::histogram::{Latencies, Percentiles};
use crate::interval::{Interval, IntervalOperation, whole};

/// More stretches than this no screen shows apart.
const STRETCHES_MAX: f64 = 360.0;
/// With fewer than this a chart looks empty, whatever percentiles it gains.
const STRETCHES_MIN: f64 = 60.0;
/// A p99 is told from so many on.
const SAMPLES_WANTED: f64 = 1000.0;
/// Lengths of a stretch that people can name, in seconds.
const LENGTHS_S: [f64; 14] =
    [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];

/// What can be known of a run's seconds without reading their histograms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extent {
    /// When the last of them ended, in seconds since the start of the run.
    pub end_s: f64,
    /// How many requests of each operation ended.
    pub ended: BTreeMap<String, u64>,
}

impl Extent {
    /// Reads it from `intervals.ndjson`. Lines that are something else are passed over: whoever reads the histograms
    /// meets them again, and says so.
    pub fn read(ndjson: &str) -> Self {
        #[derive(Deserialize)]
        struct Line {
            start_s: f64,
            length_s: f64,
            operation: String,
            completed: u64,
            failed: u64,
            censored: u64,
        }
        let mut extent = Self::default();
        for line in whole(ndjson).lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            extent.end_s = extent.end_s.max(line.start_s + line.length_s);
            *extent.ended.entry(line.operation).or_default() += line.completed + line.failed + line.censored;
        }
        extent
    }

    /// How long a stretch is to be, in seconds: the shortest that leaves neither too many of them nor too few samples for
    /// percentiles.
    fn stretch_s(&self) -> f64 {
        let fewest = self.ended.values().copied().filter(|count| *count > 0).min().unwrap_or(0) as f64;
        let is_enough = |length: &&f64| {
            let count = self.end_s / **length;
            count <= STRETCHES_MAX && (count <= STRETCHES_MIN || fewest / count >= SAMPLES_WANTED)
        };
        LENGTHS_S.iter().find(is_enough).copied().unwrap_or_else(|| (self.end_s / STRETCHES_MAX).ceil())
    }
}

/// A stretch of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stretch {
    /// When it began, in seconds since the start of the run.
    pub start_s: f64,
    /// How long it was, in seconds: less than the others' at the end.
    pub length_s: f64,
    /// What each operation did in it.
    pub operations: BTreeMap<String, StretchOperation>,
    /// Lateness of all operations together.
    pub lateness_ms: Percentiles,
}

/// What one operation did in a stretch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StretchOperation {
    /// Requests intended in it.
    pub offered: u64,
    /// Requests written to a connection in it.
    pub sent: u64,
    /// Answered with success in it.
    pub completed: u64,
    /// Of the completed, those whose answer carried nothing though it was asked for something.
    pub completed_empty: u64,
    /// Failed in it.
    pub failed: u64,
    /// How many of these of each kind; runs of earlier versions do not tell.
    pub errors: BTreeMap<String, u64>,
    /// Given up in it because the run ended.
    pub censored: u64,
    /// The most that were waiting for a connection at the end of a second of it.
    pub backlog: u64,
    /// Response times of what was done in it.
    pub response_ms: Percentiles,
}

/// A run's stretches, filled second by second; only the histograms of the last one are in memory.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    stretch_s: f64,
    done: Vec<Stretch>,
    open: Interval,
    backlogs: BTreeMap<String, u64>,
}

impl Timeline {
    /// For a run that is so long and has done so much.
    pub fn new(extent: &Extent) -> Self {
        Self { stretch_s: extent.stretch_s(), ..Self::default() }
    }

    /// Takes in the next second.
    pub fn add(&mut self, interval: &Interval) {
        let place = |at_s: f64| (at_s / self.stretch_s + 1e-6).floor();
        if self.open.length_s > 0.0 && place(interval.start_s) > place(self.open.start_s) {
            self.close();
        }
        self.open.merge(interval);
        for (name, operation) in &interval.operations {
            let backlog = self.backlogs.entry(name.clone()).or_default();
            *backlog = operation.backlog.max(*backlog);
        }
    }

    fn close(&mut self) {
        let Interval { start_s, length_s, operations } = std::mem::take(&mut self.open);
        let backlogs = std::mem::take(&mut self.backlogs);
        let mut lateness = Latencies::default();
        operations.values().for_each(|operation| lateness.merge(&operation.lateness));
        let close = |(name, operation): (String, IntervalOperation)| {
            let backlog = backlogs.get(&name).copied().unwrap_or_default();
            let done = StretchOperation {
                offered: operation.offered,
                sent: operation.sent,
                completed: operation.completed,
                completed_empty: operation.completed_empty,
                failed: operation.failed,
                errors: operation.errors,
                censored: operation.censored,
                backlog,
                response_ms: operation.response.percentiles(),
            };
            (name, done)
        };
        let operations = operations.into_iter().map(close).collect();
        self.done.push(Stretch { start_s, length_s, operations, lateness_ms: lateness.percentiles() });
    }

    /// All stretches.
    pub fn finish(mut self) -> Vec<Stretch> {
        if self.open.length_s > 0.0 {
            self.close();
        }
        self.done
    }
}

/// Every operation that did something.
pub(crate) fn names(stretches: &[Stretch]) -> Vec<&str> {
    let names: BTreeSet<&str> =
        stretches.iter().flat_map(|stretch| stretch.operations.keys().map(String::as_str)).collect();
    names.into_iter().collect()
}

/// The operations whose answers were all empty: their latencies are of no work.
pub(crate) fn always_empty(stretches: &[Stretch]) -> BTreeSet<&str> {
    let is_empty = |name: &&str| {
        let done = || stretches.iter().filter_map(|stretch| stretch.operations.get(*name));
        let completed: u64 = done().map(|of| of.completed).sum();
        completed > 0 && completed == done().map(|of| of.completed_empty).sum::<u64>()
    };
    names(stretches).into_iter().filter(is_empty).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn second(start_s: u32, ms: u64) -> Interval {
        let mut get = IntervalOperation { offered: 3, completed: 2, backlog: ms, ..IntervalOperation::default() };
        (0..20).for_each(|n| get.response.record(Duration::from_millis(ms + n)));
        Interval { start_s: start_s.into(), length_s: 1.0, operations: BTreeMap::from([("get".to_owned(), get)]) }
    }

    #[test]
    fn stretches_merge_what_their_seconds_did() {
        let extent = Extent { end_s: 3.0 * 3600.0, ended: BTreeMap::from([("get".to_owned(), 20)]) };
        let mut timeline = Timeline::new(&extent);
        assert_eq!(timeline.stretch_s, 300.0);
        (0..301).for_each(|s| timeline.add(&second(s, 10 + u64::from(s == 7) * 1000)));
        let stretches = timeline.finish();
        assert_eq!(
            stretches.iter().map(|stretch| (stretch.start_s, stretch.length_s)).collect::<Vec<_>>(),
            [(0.0, 300.0), (300.0, 1.0)]
        );
        let get = &stretches[0].operations["get"];
        assert_eq!((get.offered, get.completed, get.backlog, get.response_ms.count), (900, 600, 1010, 6000));
        assert!(get.response_ms.p50.unwrap() < 40.0 && get.response_ms.max.unwrap() > 1000.0);
    }

    #[test]
    fn a_stretch_is_as_short_as_its_percentiles_allow() {
        let stretch_s =
            |end_s: f64, ended: u64| Extent { end_s, ended: BTreeMap::from([("get".to_owned(), ended)]) }.stretch_s();
        assert_eq!(stretch_s(22.0, 1_000), 1.0);
        assert_eq!(stretch_s(300.0, 1_000_000), 1.0);
        assert_eq!(stretch_s(300.0, 1_000), 5.0);
        assert_eq!(stretch_s(86_400.0, 100_000_000), 300.0);
        assert_eq!(stretch_s(1e9, 0), 2_777_778.0);
    }

    #[test]
    fn the_extent_is_read_from_the_lines_alone() {
        let lines: String = (0..3).map(|s| second(s, 1).ndjson()).collect();
        let extent = Extent::read(&(lines + "damage\n{\"cut"));
        assert_eq!((extent.end_s, extent.ended["get"]), (3.0, 6));
    }
}
