//! What happened to each request, as counts and histograms of constant size.

use std::collections::BTreeMap;
use std::time::Duration;

use rushhour_report::histogram::Latencies;
use rushhour_report::result::OperationResult;

use crate::operation::Operation;
use crate::scenario::{Phases, Scenario};
use crate::transport::{Answer, Failure};

/// One request's instants, from the start of the run, and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What it was.
    pub operation: Operation,
    /// When the schedule said it is sent.
    pub intended: Duration,
    /// When we let it go.
    pub released: Duration,
    /// When it was written to a connection; `None` if it never was.
    pub sent: Option<Duration>,
    /// When the answer was complete, or it was given up.
    pub done: Duration,
    /// The size of its body.
    pub request_bytes: usize,
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

#[derive(Debug, Default)]
struct Record {
    offered: u64,
    sent: u64,
    completed: u64,
    completed_while_measuring: u64,
    failed: BTreeMap<Failure, u64>,
    censored: u64,
    request_bytes: u64,
    response_bytes: u64,
    response_bytes_max: u64,
    answers_with_something: u64,
    response: Latencies,
    service: Latencies,
    wait: Latencies,
    lateness: Latencies,
}

impl Record {
    fn count(&mut self, sample: &Sample) {
        self.offered += 1;
        self.request_bytes += sample.request_bytes as u64;
        self.lateness.record(sample.released.saturating_sub(sample.intended));
        self.sent += u64::from(sample.sent.is_some());
        match sample.outcome {
            Outcome::Completed(answer) => {
                self.completed += 1;
                self.response_bytes += answer.bytes;
                self.response_bytes_max = self.response_bytes_max.max(answer.bytes);
                self.answers_with_something += u64::from(!answer.is_empty);
                self.time(sample);
            }
            Outcome::Failed(failure) => {
                *self.failed.entry(failure).or_default() += 1;
                // A quick refusal would make a bad run look fast; a time-out is a lower bound of the truth.
                if failure == Failure::Timeout {
                    self.time(sample);
                }
            }
            Outcome::Censored => {
                self.censored += 1;
                self.time(sample);
            }
        }
    }

    /// Records what the target took.
    fn time(&mut self, sample: &Sample) {
        self.response.record(sample.done.saturating_sub(sample.intended));
        if let Some(sent) = sample.sent {
            self.wait.record(sent.saturating_sub(sample.released));
            self.service.record(sample.done.saturating_sub(sent));
        }
    }

    fn result(&self, operation: Operation, rate_per_s: f64, measured: Duration) -> OperationResult {
        let mean = |sum: u64, count: u64| if count == 0 { 0.0 } else { sum as f64 / count as f64 };
        let measured_s = measured.as_secs_f64();
        OperationResult {
            rate_per_s,
            offered: self.offered,
            sent: self.sent,
            completed: self.completed,
            failed: self.failed.values().sum(),
            censored: self.censored,
            completed_per_s: if measured_s > 0.0 { self.completed_while_measuring as f64 / measured_s } else { 0.0 },
            errors: self.failed.iter().map(|(failure, count)| (failure.kind(), *count)).collect(),
            request_bytes_mean: mean(self.request_bytes, self.offered),
            response_bytes_mean: mean(self.response_bytes, self.completed),
            response_bytes_max: self.response_bytes_max,
            is_always_empty: operation.is_reading() && self.completed > 0 && self.answers_with_something == 0,
            response_ms: self.response.percentiles(),
            service_ms: self.service.percentiles(),
            wait_ms: self.wait.percentiles(),
            lateness_ms: self.lateness.percentiles(),
            ..OperationResult::default()
        }
    }
}

/// Counts the samples whose intended time lies in *measure*.
#[derive(Debug)]
pub struct Recorder {
    phases: Phases,
    rates_per_s: BTreeMap<Operation, f64>,
    records: BTreeMap<Operation, Record>,
}

impl Recorder {
    /// For the operations of `scenario`.
    pub fn new(scenario: &Scenario) -> Self {
        let rates = scenario.arrivals.iter().map(|(operation, arrivals)| (*operation, arrivals.rate_per_s.per_s()));
        let records = scenario.arrivals.keys().map(|operation| (*operation, Record::default())).collect();
        Self { phases: scenario.phases, rates_per_s: rates.collect(), records }
    }

    /// Counts one sample, once it is done.
    pub fn record(&mut self, sample: &Sample) {
        let window = self.phases.measure_start()..self.phases.measure_end();
        let record = self.records.entry(sample.operation).or_default();
        if window.contains(&sample.intended) {
            record.count(sample);
        }
        // Throughput is what the target finishes per second, whenever that was intended.
        if matches!(sample.outcome, Outcome::Completed(_)) && window.contains(&sample.done) {
            record.completed_while_measuring += 1;
        }
    }

    /// The results by operation, after measuring for `measured`.
    pub fn results(&self, measured: Duration) -> BTreeMap<String, OperationResult> {
        let result = |(operation, record): (&Operation, &Record)| {
            let rate_per_s = self.rates_per_s.get(operation).copied().unwrap_or_default();
            (operation.name().to_owned(), record.result(*operation, rate_per_s, measured))
        };
        self.records.iter().map(result).collect()
    }

    /// The lateness of all operations together.
    pub fn lateness(&self) -> Latencies {
        let mut all = Latencies::default();
        self.records.values().for_each(|record| all.merge(&record.lateness));
        all
    }
}
