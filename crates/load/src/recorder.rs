//! What happened to each request, as counts and histograms of constant size.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use rushhour_report::histogram::Latencies;
use rushhour_report::hlog::{Histograms, OperationHistograms};
use rushhour_report::interval::{Interval, IntervalOperation};
use rushhour_report::result::{OperationResult, SlowRequest};

use crate::operation::{Call, Name, Operation};
use crate::request::Request;
use crate::scenario::{Phases, Scenario};
use crate::transport::{Answer, Failure};

/// So many of the slowest requests of each operation are kept with their numbers.
const SLOW_MAX: usize = 5;
/// So many kinds of failure have a histogram of their own; each takes some 150 kB.
const KINDS_MAX: usize = 8;

/// One request's instants, from the start of the run, and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Its number in the schedule.
    pub number: u64,
    /// What it was.
    pub operation: Operation,
    /// Whose.
    pub user: u32,
    /// When the schedule said it is sent.
    pub intended: Duration,
    /// When we let it go.
    pub released: Duration,
    /// When it was written to a connection; `None` if it never was.
    pub sent: Option<Duration>,
    /// When the answer was complete, or it was given up.
    pub done: Duration,
    /// How many entries it carried.
    pub entries: usize,
    /// The size of its body.
    pub request_bytes: usize,
    /// Whether it was sent because the one before it had failed.
    pub is_retry: bool,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With success.
    Completed(Answer),
    /// Without.
    Failed(Failure),
    /// The run ended first.
    Censored,
}

impl Sample {
    /// A request that was let go and not sent yet.
    pub(crate) fn released(request: &Request, released: Duration) -> Self {
        Self {
            number: request.number,
            operation: request.operation,
            user: request.user,
            intended: request.at,
            released,
            sent: None,
            done: released,
            entries: request.entries,
            request_bytes: request.body.len(),
            is_retry: request.is_retry,
            outcome: Outcome::Censored,
        }
    }

    /// The same when it had ended.
    pub(crate) fn ended(self, done: Duration, outcome: Outcome) -> Self {
        Self { done, outcome, ..self }
    }

    fn response(&self) -> Duration {
        self.done.saturating_sub(self.intended)
    }

    fn wait(&self) -> Duration {
        self.sent.unwrap_or(self.done).saturating_sub(self.released)
    }

    fn ending(&self) -> String {
        match self.outcome {
            Outcome::Completed(_) => "completed".to_owned(),
            Outcome::Failed(failure) => failure.kind(),
            Outcome::Censored => "censored".to_owned(),
        }
    }
}

/// Is told what happens to each request.
pub trait Record {
    /// One was let go.
    fn released(&mut self, _operation: Operation) {}

    /// One was written to a connection.
    fn sent(&mut self, _operation: Operation) {}

    /// One was refused for now, and will be sent again.
    fn held_back(&mut self, _operation: Operation) {}

    /// Counts one sample, once it is done.
    fn record(&mut self, sample: &Sample);
}

#[derive(Clone, Debug, Default)]
struct Tally {
    offered: u64,
    retried: u64,
    sent: u64,
    completed: u64,
    completed_while_measuring: u64,
    failed: BTreeMap<Failure, u64>,
    censored: u64,
    request_bytes: u64,
    response_bytes: u64,
    response_bytes_max: u64,
    completed_empty: u64,
    parts: OperationHistograms,
    /// The slowest first.
    slow: Vec<Sample>,
}

impl Tally {
    fn count(&mut self, sample: &Sample) {
        self.offered += 1;
        self.request_bytes += sample.request_bytes as u64;
        self.parts.lateness.record(sample.released.saturating_sub(sample.intended));
        self.sent += u64::from(sample.sent.is_some());
        match sample.outcome {
            Outcome::Completed(answer) => {
                self.completed += 1;
                self.response_bytes += answer.bytes;
                self.response_bytes_max = self.response_bytes_max.max(answer.bytes);
                self.completed_empty += u64::from(answer.is_empty);
                self.time(sample);
            }
            Outcome::Failed(failure) => {
                self.fail(failure, sample.response());
                // A quick refusal would make a bad run look fast; a time-out is a lower bound of the truth.
                if failure.is_lower_bound() {
                    self.time(sample);
                }
            }
            Outcome::Censored => {
                self.censored += 1;
                self.time(sample);
            }
        }
    }

    fn fail(&mut self, failure: Failure, response: Duration) {
        *self.failed.entry(failure).or_default() += 1;
        let errors = &mut self.parts.errors;
        let has_room = errors.len() < KINDS_MAX;
        match errors.entry(failure.kind()) {
            Entry::Occupied(known) => known.into_mut().record(response),
            Entry::Vacant(new) if has_room => new.insert(Latencies::default()).record(response),
            Entry::Vacant(_) => {}
        }
    }

    /// Records what the target took.
    fn time(&mut self, sample: &Sample) {
        self.parts.response.record(sample.response());
        if let Some(sent) = sample.sent {
            self.parts.wait.record(sample.wait());
            self.parts.service.record(sample.done.saturating_sub(sent));
        }
        self.keep_if_slow(sample);
    }

    fn keep_if_slow(&mut self, sample: &Sample) {
        if self.slow.len() == SLOW_MAX && self.slow.last().is_some_and(|last| last.response() >= sample.response()) {
            return;
        }
        let place = self.slow.partition_point(|slow| slow.response() >= sample.response());
        self.slow.insert(place, *sample);
        self.slow.truncate(SLOW_MAX);
    }

    fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        self.retried += other.retried;
        self.sent += other.sent;
        self.completed += other.completed;
        self.completed_while_measuring += other.completed_while_measuring;
        other.failed.iter().for_each(|(failure, count)| *self.failed.entry(*failure).or_default() += count);
        self.censored += other.censored;
        self.request_bytes += other.request_bytes;
        self.response_bytes += other.response_bytes;
        self.response_bytes_max = self.response_bytes_max.max(other.response_bytes_max);
        self.completed_empty += other.completed_empty;
        self.parts.merge(&other.parts);
        other.slow.iter().for_each(|sample| self.keep_if_slow(sample));
    }

    fn result(&self, spec: &Spec, measured: Duration) -> OperationResult {
        let mean = |sum: u64, count: u64| if count == 0 { 0.0 } else { sum as f64 / count as f64 };
        let measured_s = measured.as_secs_f64();
        let per_s = |count: u64| if measured_s > 0.0 { count as f64 / measured_s } else { 0.0 };
        let failed = |counts: fn(&Failure) -> bool| {
            self.failed.iter().filter(|(failure, _)| counts(failure)).map(|(_, count)| count).sum()
        };
        let errors = self.parts.errors.iter();
        OperationResult {
            rate_per_s: spec.rate_per_s.unwrap_or_else(|| per_s(self.offered)),
            offered: self.offered,
            sent: self.sent,
            completed: self.completed,
            failed: failed(|_| true),
            censored: self.censored,
            completed_per_s: per_s(self.completed_while_measuring),
            errors: self.failed.iter().map(|(failure, count)| (failure.kind(), *count)).collect(),
            error_response_ms: errors.map(|(kind, latencies)| (kind.clone(), latencies.percentiles())).collect(),
            shed: failed(|failure| *failure == Failure::Shed),
            limited: failed(|failure| matches!(failure, Failure::Limited(_))),
            retried: self.retried,
            request_bytes_mean: mean(self.request_bytes, self.offered),
            response_bytes_mean: mean(self.response_bytes, self.completed),
            response_bytes_max: self.response_bytes_max,
            is_always_empty: spec.is_reading && self.completed > 0 && self.completed == self.completed_empty,
            response_ms: self.parts.response.percentiles(),
            service_ms: self.parts.service.percentiles(),
            wait_ms: self.parts.wait.percentiles(),
            lateness_ms: self.parts.lateness.percentiles(),
        }
    }
}

/// What is known of an operation before anything is sent.
#[derive(Clone, Debug)]
struct Spec {
    name: Name,
    /// `None` when people decide when it is sent: then it is what they did.
    rate_per_s: Option<f64>,
    is_reading: bool,
}

/// Counts the samples whose intended time lies in *measure*, and everything second by second.
#[derive(Clone, Debug)]
pub struct Recorder {
    phases: Phases,
    specs: Vec<Spec>,
    tallies: Vec<Tally>,
    /// What happened since the last interval was taken.
    recent: Vec<IntervalOperation>,
    recent_start: Duration,
}

impl Recorder {
    /// For the operations of `scenario`.
    pub fn new(scenario: &Scenario) -> Self {
        let (start, end) = (scenario.phases.measure_start(), scenario.phases.measure_end());
        let spec = |name: Name| Spec {
            rate_per_s: scenario.arrivals.get(&name).map(|arrivals| arrivals.mean_per_s(start, end)),
            is_reading: Call::named(name.as_str()).is_some_and(Call::is_reading),
            name,
        };
        let specs: Vec<_> = scenario.names().into_iter().map(spec).collect();
        let tallies = specs.iter().map(|_| Tally::default()).collect();
        let recent = specs.iter().map(|_| IntervalOperation::default()).collect();
        Self { phases: scenario.phases, specs, tallies, recent, recent_start: Duration::ZERO }
    }

    /// Everything that happened since this was called before; `backlog` is how many wait for a connection now.
    pub fn take_interval(&mut self, now: Duration, backlog: usize) -> Interval {
        let length = now.saturating_sub(self.recent_start);
        let start = std::mem::replace(&mut self.recent_start, now);
        let taken = self.recent.iter_mut().zip(&self.specs).map(|(recent, spec)| {
            let recent = std::mem::take(recent);
            (spec.name.to_string(), recent)
        });
        let mut operations: BTreeMap<_, _> = taken.collect();
        if let Some(first) = operations.values_mut().next() {
            first.backlog = backlog as u64;
        }
        Interval { start_s: start.as_secs_f64(), length_s: length.as_secs_f64(), operations }
    }

    /// Takes in what another thread has recorded.
    pub fn merge(&mut self, other: &Self) {
        self.tallies.iter_mut().zip(&other.tallies).for_each(|(own, more)| own.merge(more));
    }

    /// The results by operation, after measuring for `measured`.
    pub fn results(&self, measured: Duration) -> BTreeMap<String, OperationResult> {
        let each = self.specs.iter().zip(&self.tallies);
        each.map(|(spec, tally)| (spec.name.to_string(), tally.result(spec, measured))).collect()
    }

    /// The histograms by operation.
    pub fn histograms(&self) -> Histograms {
        let each = self.specs.iter().zip(&self.tallies);
        Histograms { operations: each.map(|(spec, tally)| (spec.name.to_string(), tally.parts.clone())).collect() }
    }

    /// The slowest requests of each operation.
    pub fn slow(&self) -> Vec<SlowRequest> {
        let ms = |length: Duration| length.as_secs_f64() * 1e3;
        let each = self.specs.iter().zip(&self.tallies);
        let slow = each.flat_map(|(spec, tally)| tally.slow.iter().map(move |sample| (spec, sample)));
        slow.map(|(spec, sample)| SlowRequest {
            operation: spec.name.to_string(),
            id: sample.number,
            user: sample.user,
            intended_s: sample.intended.as_secs_f64(),
            response_ms: ms(sample.response()),
            wait_ms: ms(sample.wait()),
            outcome: sample.ending(),
        })
        .collect()
    }

    /// The lateness of all operations together.
    pub fn lateness(&self) -> Latencies {
        let mut all = Latencies::default();
        self.tallies.iter().for_each(|tally| all.merge(&tally.parts.lateness));
        all
    }
}

impl Record for Recorder {
    fn released(&mut self, operation: Operation) {
        if let Some(recent) = self.recent.get_mut(operation.index()) {
            recent.offered += 1;
        }
    }

    fn sent(&mut self, operation: Operation) {
        if let Some(recent) = self.recent.get_mut(operation.index()) {
            recent.sent += 1;
        }
    }

    fn record(&mut self, sample: &Sample) {
        let window = self.phases.measure_start()..self.phases.measure_end();
        let index = sample.operation.index();
        let (Some(tally), Some(recent), Some(spec)) =
            (self.tallies.get_mut(index), self.recent.get_mut(index), self.specs.get(index))
        else {
            return;
        };
        if sample.is_retry {
            // No schedule has it: among the others it would say how often the target failed, not how fast it is.
            tally.retried += u64::from(window.contains(&sample.intended));
            return;
        }
        if window.contains(&sample.intended) {
            tally.count(sample);
        }
        match sample.outcome {
            Outcome::Completed(answer) => {
                recent.completed += 1;
                recent.completed_empty += u64::from(spec.is_reading && answer.is_empty);
                // Throughput is what the target finishes per second, whenever that was intended.
                tally.completed_while_measuring += u64::from(window.contains(&sample.done));
            }
            Outcome::Failed(failure) => {
                recent.failed += 1;
                let has_room = recent.errors.len() < KINDS_MAX;
                match recent.errors.entry(failure.kind()) {
                    Entry::Occupied(mut known) => *known.get_mut() += 1,
                    Entry::Vacant(new) if has_room => drop(new.insert(1)),
                    Entry::Vacant(_) => {}
                }
                recent.shed += u64::from(failure == Failure::Shed);
                recent.limited += u64::from(matches!(failure, Failure::Limited(_)));
            }
            Outcome::Censored => recent.censored += 1,
        }
        if !matches!(sample.outcome, Outcome::Failed(failure) if !failure.is_lower_bound()) {
            recent.response.record(sample.response());
        }
        recent.lateness.record(sample.released.saturating_sub(sample.intended));
    }
}
