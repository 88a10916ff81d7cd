//! Limits while a run goes on: windows of some seconds, and whether the run should be stopped.
//!
//! Windows slide by one interval and lie between the start of *measure* and the end of *drain*, where what a stuck server
//! owed is answered or given up. A bound on how little is judged on windows inside *measure* alone: later nothing is offered.
//! What is kept of a second inside a window is its deflated histogram.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::ops::Range;

use crate::histogram::Latencies;
use crate::interval::Interval;
use crate::limit::{Limit, sentence};
use crate::result::{LimitOutcome, OperationResult};

/// A timer is late by some of a second, never by this much of it on a machine that is fit for measuring; a window of three
/// seconds lasts from 2.75 s on.
const NEARLY_S: f64 = 0.25;

/// Judges limits as intervals come in.
#[derive(Debug)]
pub struct Watch {
    limits: Vec<Limit>,
    measure_s: Range<f64>,
    /// By length; without one it is the whole run so far.
    windows: BTreeMap<Option<NonZeroU32>, Window>,
    /// Of each windowed limit, by its place and the operation.
    worst: BTreeMap<(usize, String), LimitOutcome>,
}

impl Watch {
    /// Watches `limits`; *measure* lasts for `measure_s`, in seconds since the start of the run.
    pub fn new(limits: Vec<Limit>, measure_s: Range<f64>) -> Self {
        let watched = limits.iter().filter(|limit| limit.window_s().is_some() || limit.abort_after_s().is_some());
        let windows = watched.map(|limit| (limit.window_s(), Window::new(limit.window_s()))).collect();
        Self { limits, measure_s, windows, worst: BTreeMap::new() }
    }

    /// Takes in the next interval. Gives the reason if the run should be stopped now: a limit with `abort_after_s` is
    /// breached in the window that ends here, or in the run so far if it has none.
    pub fn add(&mut self, interval: &Interval) -> Option<String> {
        if interval.start_s < self.measure_s.start - NEARLY_S {
            return None;
        }
        self.windows.values_mut().for_each(|window| window.push(interval));
        let results: BTreeMap<_, _> = self.windows.iter().map(|(length, window)| (*length, window.results())).collect();
        let mut abort = None;
        for (place, limit) in self.limits.iter().enumerate() {
            let Some(Some((start_s, operations))) = results.get(&limit.window_s()) else { continue };
            if limit.is_lower_bound() && interval.end_s() > self.measure_s.end + NEARLY_S {
                continue;
            }
            let is_due = limit
                .abort_after_s()
                .is_some_and(|after_s| interval.end_s() - self.measure_s.start >= f64::from(after_s) - NEARLY_S);
            for mut outcome in limit.judge(operations).into_iter().filter(|outcome| outcome.value.is_some()) {
                outcome.window_start_s = limit.window_s().map(|_| *start_s);
                if is_due && !outcome.held {
                    abort = abort.or_else(|| Some(sentence(&outcome, operations)));
                }
                if limit.window_s().is_some() {
                    keep_worse(&mut self.worst, (place, outcome.operation.clone()), outcome, limit.is_lower_bound());
                }
            }
        }
        abort
    }

    /// What became of every limit: of the windowed ones in their worst window, of the others on the whole run's numbers.
    pub fn outcomes(&self, operations: &BTreeMap<String, OperationResult>) -> Vec<LimitOutcome> {
        let of = |(place, limit): (usize, &Limit)| match limit.window_s() {
            None => limit.judge(operations),
            Some(_) => {
                let worst = self.worst.iter().filter(|((of, _), _)| *of == place);
                let worst: Vec<_> = worst.map(|(_, outcome)| outcome.clone()).collect();
                if worst.is_empty() { limit.unjudged().into_iter().collect() } else { worst }
            }
        };
        self.limits.iter().enumerate().flat_map(of).collect()
    }
}

type Worst = BTreeMap<(usize, String), LimitOutcome>;

fn keep_worse(worst: &mut Worst, key: (usize, String), outcome: LimitOutcome, is_lower_bound: bool) {
    let is_worse = worst.get(&key).is_none_or(|before| match is_lower_bound {
        true => outcome.value < before.value,
        false => outcome.value > before.value,
    });
    if is_worse {
        worst.insert(key, outcome);
    }
}

/// Some seconds on end, added up.
#[derive(Debug)]
struct Window {
    length_s: Option<NonZeroU32>,
    /// What it can forget again; empty when it has no length.
    intervals: VecDeque<Packed>,
    start_s: Option<f64>,
    end_s: f64,
    sums: BTreeMap<String, Sum>,
}

/// An interval at rest.
#[derive(Debug)]
struct Packed {
    start_s: f64,
    length_s: f64,
    operations: BTreeMap<String, (Counts, Vec<u8>)>,
}

/// Offered, sent, completed, failed, censored.
type Counts = [u64; 5];

#[derive(Debug, Default)]
struct Sum {
    counts: Counts,
    response: Latencies,
}

impl Window {
    fn new(length_s: Option<NonZeroU32>) -> Self {
        Self { length_s, intervals: VecDeque::new(), start_s: None, end_s: 0.0, sums: BTreeMap::new() }
    }

    fn push(&mut self, interval: &Interval) {
        let mut packed = Packed { start_s: interval.start_s, length_s: interval.length_s, operations: BTreeMap::new() };
        for (name, operation) in &interval.operations {
            let counts = [operation.offered, operation.sent, operation.completed, operation.failed, operation.censored];
            let sum = self.sums.entry(name.clone()).or_default();
            sum.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            sum.response.merge(&operation.response);
            if self.length_s.is_some() {
                packed.operations.insert(name.clone(), (counts, operation.response.encode()));
            }
        }
        self.end_s = interval.end_s();
        if let Some(length_s) = self.length_s {
            self.intervals.push_back(packed);
            self.forget(length_s.get().into());
        }
        self.start_s = self.intervals.front().map(|first| first.start_s).or(self.start_s).or(Some(interval.start_s));
    }

    /// Lets go of what is not needed to be `length_s` long.
    fn forget(&mut self, length_s: f64) {
        while let Some(first) = self.intervals.front() {
            if self.end_s - (first.start_s + first.length_s) < length_s - NEARLY_S {
                return;
            }
            let first = self.intervals.pop_front().expect("just seen");
            for (name, (counts, response)) in first.operations {
                let sum = self.sums.get_mut(&name).expect("it was added to");
                sum.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum -= count);
                sum.response.take_out(&Latencies::decode(&response).expect("it was encoded here"));
            }
        }
    }

    /// When it began, and its numbers under the names of a result; `None` while it is shorter than it should be.
    fn results(&self) -> Option<(f64, BTreeMap<String, OperationResult>)> {
        let start_s = self.start_s?;
        let length_s = self.end_s - start_s;
        if self.length_s.is_some_and(|asked_s| length_s < f64::from(asked_s.get()) - NEARLY_S) {
            return None;
        }
        let result = |(name, sum): (&String, &Sum)| {
            let [offered, sent, completed, failed, censored] = sum.counts;
            let result = OperationResult {
                offered,
                sent,
                completed,
                failed,
                censored,
                completed_per_s: if length_s > 0.0 { completed as f64 / length_s } else { 0.0 },
                response_ms: sum.response.percentiles(),
                ..OperationResult::default()
            };
            (name.clone(), result)
        };
        Some((start_s, self.sums.iter().map(result).collect()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::interval::IntervalOperation;

    /// A second of `put`: as many answers as there are numbers, each taking so many milliseconds.
    fn second(start_s: u32, ms: &[u64]) -> Interval {
        let count = ms.len() as u64;
        let mut put = IntervalOperation { offered: 3, sent: 3, completed: count, ..IntervalOperation::default() };
        ms.iter().for_each(|ms| put.response.record(Duration::from_millis(*ms)));
        let operations = BTreeMap::from([("put".to_owned(), put)]);
        Interval { start_s: start_s.into(), length_s: 1.0, operations }
    }

    fn watch(limits: &[&str]) -> Watch {
        Watch::new(limits.iter().map(|limit| limit.parse().unwrap()).collect(), 2.0..6.0)
    }

    /// The outcomes of `limit` after these seconds, of which two are warm-up and those from the sixth on are drain.
    fn outcomes(limit: &str, seconds: &[&[u64]]) -> Vec<(Option<f64>, bool, Option<f64>)> {
        let mut watch = watch(&[limit]);
        (0..).zip(seconds).for_each(|(start_s, ms)| assert_eq!(watch.add(&second(start_s, ms)), None));
        let outcomes = watch.outcomes(&BTreeMap::new());
        outcomes.iter().map(|outcome| (outcome.value, outcome.held, outcome.window_start_s)).collect()
    }

    const SECONDS: [&[u64]; 8] = [&[900], &[900], &[1], &[1, 2, 3], &[], &[40, 4], &[7], &[8]];

    #[test]
    fn the_worst_window_is_judged_and_warm_up_is_not() {
        let longest = |limit| outcomes(limit, &SECONDS);
        assert_eq!(longest("put.response_ms.max < 50 in every 2 s"), [(Some(40.031), true, Some(4.0))]);
        assert_eq!(longest("put.response_ms.max < 40 in every 2 s"), [(Some(40.031), false, Some(4.0))]);
        assert_eq!(longest("*.response_ms.p99 < 40 in every 3 s"), [(Some(40.031), false, Some(3.0))]);
        assert_eq!(longest("put.completed <= 4 in every 2 s"), [(Some(4.0), true, Some(2.0))]);
    }

    #[test]
    fn what_is_answered_in_drain_counts_but_too_little_is_no_breach_there() {
        let seconds: [&[u64]; 8] = [&[], &[], &[1, 1], &[1, 1], &[], &[1], &[], &[5000]];
        assert_eq!(outcomes("put.response_ms.max < 50 in every 2 s", &seconds)[0].2, Some(6.0));
        assert_eq!(outcomes("put.completed >= 1 in every 2 s", &seconds), [(Some(1.0), true, Some(4.0))]);
        assert_eq!(outcomes("put.completed_per_s > 0.5 in every 2 s", &seconds), [(Some(0.5), false, Some(4.0))]);
    }

    #[test]
    fn without_a_complete_window_nothing_held() {
        assert_eq!(outcomes("put.failed < 5 in every 30 s", &SECONDS), [(None, false, None)]);
        assert_eq!(outcomes("*.failed < 5 in every 30 s", &SECONDS), []);
        assert_eq!(outcomes("get.failed < 5 in every 2 s", &SECONDS), [(None, false, None)]);
    }

    #[test]
    fn a_window_is_the_sum_of_its_seconds_and_of_no_others() {
        let mut window = Window::new(NonZeroU32::new(3));
        for start_s in 0..50 {
            let ms: Vec<u64> = (0..u64::from(start_s) * 7 % 11).map(|n| n * n + u64::from(start_s)).collect();
            window.push(&second(start_s, &ms));
            let mut sum = Interval::default();
            (start_s.saturating_sub(2)..=start_s).for_each(|start_s| {
                let ms: Vec<u64> = (0..u64::from(start_s) * 7 % 11).map(|n| n * n + u64::from(start_s)).collect();
                sum.merge(&second(start_s, &ms));
            });
            let found = window.results().map(|(_, results)| results["put"].clone());
            let put = &sum.operations["put"];
            let expected = (start_s >= 2).then(|| (put.completed, put.offered, put.response.percentiles()));
            assert_eq!(found.map(|put| (put.completed, put.offered, put.response_ms)), expected);
        }
    }

    /// The second after which the run is stopped.
    fn stopped_after(limit: &str, seconds: &[&[u64]]) -> Option<u32> {
        let mut watch = watch(&[limit]);
        (0..).zip(seconds).find(|(start_s, ms)| watch.add(&second(*start_s, ms)).is_some()).map(|(start_s, _)| start_s)
    }

    #[test]
    fn a_late_timer_leaves_no_second_out() {
        let late_s = [0.0, 0.012, 0.001, 0.03, 0.0, 0.0, 0.02, 0.0, 0.0];
        let judged = |limit: &str| {
            let mut watch = watch(&[limit]);
            let mut windows = 0;
            for (start_s, (ms, late_s)) in (0..).zip(SECONDS.iter().zip(late_s.windows(2))) {
                let second = second(start_s, ms);
                let (start_s, end_s) = (second.start_s + late_s[0], second.end_s() + late_s[1]);
                watch.add(&Interval { start_s, length_s: end_s - start_s, ..second });
                windows += u32::from(watch.windows.values().all(|window| window.results().is_some()));
            }
            (windows, watch.outcomes(&BTreeMap::new())[0].value)
        };
        assert_eq!(judged("put.response_ms.max < 50 in every 1 s"), (6, Some(40.031)));
        assert_eq!(judged("put.completed <= 4 in every 3 s"), (4, Some(5.0)));
        assert_eq!(judged("put.completed <= 4 in every 6 s"), (1, Some(8.0)));
    }

    #[test]
    fn a_breach_stops_the_run_once_it_is_due() {
        let stopped_after = |limit| stopped_after(limit, &SECONDS);
        assert_eq!(stopped_after("put.response_ms.max < 3, abort after 0 s"), Some(3));
        assert_eq!(stopped_after("put.response_ms.max < 3, abort after 3 s"), Some(4));
        assert_eq!(stopped_after("put.response_ms.max < 3 in every 1 s, abort after 3 s"), Some(5));
        assert_eq!(stopped_after("put.response_ms.max < 50, abort after 0 s"), None);
        assert_eq!(stopped_after("put.response_ms.max < 3"), None);
        let mut watch = watch(&["put.failed < 1", "put.response_ms.max < 30 in every 1 s, abort after 1 s"]);
        let reason = (0..).zip(SECONDS).find_map(|(start_s, ms)| watch.add(&second(start_s, ms)));
        let expected = "put.response_ms.max < 30 in every 1 s does not hold: it was 40.03 in those from second 5 on";
        assert_eq!(reason.as_deref(), Some(expected));
    }
}
