//! One run that several machines sent, made from what each of them left behind.
//!
//! Counts are added, histograms are merged, percentiles are read from the merged histograms, and limits are judged again:
//! a percentile of the whole cannot be had from those of its parts.

mod fit;

use std::collections::BTreeMap;

pub use fit::MergeError;

use crate::environment::Environment;
use crate::histogram::Percentiles;
use crate::hlog::{Histograms, OperationHistograms};
use crate::interval::Interval;
use crate::limit::breaches;
use crate::result::{GeneratorUse, OperationResult, RunResult, ScheduleFacts, SlowRequest, UploadResult, Verdict};
use crate::watch::Watch;

/// What one machine left behind.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is called in messages: its folder.
    pub name: String,
    /// Its result.
    pub result: RunResult,
    /// What its percentiles were read from.
    pub histograms: Histograms,
}

/// Parts that fit together, and what became of the limits so far.
#[derive(Debug)]
pub struct Merge {
    parts: Vec<Part>,
    watch: Watch,
}

impl Merge {
    /// Checks that `parts` are all shards of one schedule, against one target, by clocks that agree.
    ///
    /// # Errors
    /// With the folder, and what about it does not fit.
    pub fn new(mut parts: Vec<Part>) -> Result<Self, MergeError> {
        fit::check(&parts)?;
        parts.sort_by_key(|part| part.result.schedule.shard.map(|shard| shard.index));
        let limits = fit::limits(&parts)?;
        let phases = parts.first().map(|part| part.result.phases).unwrap_or_default();
        let watch = Watch::new(limits, phases.warm_up_s..phases.warm_up_s + phases.measure_s);
        Ok(Self { parts, watch })
    }

    /// Takes in the next of the merged [`intervals`], for the limits with windows.
    pub fn add(&mut self, interval: &Interval) {
        // It is over: nothing can be stopped any more.
        let _ = self.watch.add(interval);
    }

    /// The result of the whole run, and its histograms.
    pub fn finish(self) -> (RunResult, Histograms) {
        let Self { parts, watch } = self;
        let mut histograms = Histograms::default();
        parts.iter().for_each(|part| histograms.merge(&part.histograms));
        let results: Vec<&RunResult> = parts.iter().map(|part| &part.result).collect();
        let first = *results.first().expect("no parts do not fit together");
        let operations: BTreeMap<String, OperationResult> = histograms
            .operations
            .iter()
            .map(|(name, merged)| (name.clone(), operation(&of_each(&results, name), merged)))
            .collect();
        let upload = upload(&results);
        let limits = watch.outcomes(&operations);
        let breached = upload_breach(&upload).into_iter().chain(breaches(&limits, &operations)).collect();
        let (verdict, reasons) = verdict(&parts, breached);
        let result = RunResult {
            verdict,
            reasons,
            schedule: schedule(&results),
            measured_s: largest(&results, |run| run.measured_s),
            upload,
            limits,
            slow: slow(&results),
            generator: generator(&results, &histograms),
            pipeline_lag_max_s: results.iter().filter_map(|run| run.pipeline_lag_max_s).reduce(f64::max),
            target_use: results.iter().find_map(|run| run.target_use.clone()),
            environment: environment(&results),
            operations,
            ..first.clone()
        };
        (result, histograms)
    }
}

/// The intervals of one run from those of its parts, one after the other; those that began within half a second are one.
pub fn intervals<E>(
    parts: impl IntoIterator<Item = impl Iterator<Item = Result<Interval, E>>>,
) -> impl Iterator<Item = Result<Interval, E>> {
    /// A second does not begin at the same moment everywhere, and no two of one part begin so close to each other.
    const SAME_S: f64 = 0.5;
    let mut parts: Vec<_> = parts.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        // What could not be read comes first.
        let start = |interval: &Result<Interval, E>| interval.as_ref().map_or(f64::NEG_INFINITY, |i| i.start_s);
        let next_s = parts.iter_mut().filter_map(|part| part.peek().map(start)).min_by(f64::total_cmp)?;
        let mut together: Option<Interval> = None;
        for part in &mut parts {
            match part.next_if(|interval| start(interval) <= next_s + SAME_S) {
                Some(Ok(interval)) => match &mut together {
                    Some(together) => together.merge(&interval),
                    None => together = Some(interval),
                },
                Some(Err(error)) => return Some(Err(error)),
                None => {}
            }
        }
        together.map(Ok)
    })
}

fn of_each<'a>(results: &[&'a RunResult], name: &str) -> Vec<&'a OperationResult> {
    results.iter().filter_map(|run| run.operations.get(name)).collect()
}

fn operation(parts: &[&OperationResult], histograms: &OperationHistograms) -> OperationResult {
    let sum = |count: fn(&OperationResult) -> u64| parts.iter().map(|part| count(part)).sum::<u64>();
    let mean = |mean: fn(&OperationResult) -> f64, count: fn(&OperationResult) -> u64| {
        let total: f64 = parts.iter().map(|part| mean(part) * count(part) as f64).sum();
        if sum(count) == 0 { 0.0 } else { total / sum(count) as f64 }
    };
    let mut errors = BTreeMap::new();
    for (kind, count) in parts.iter().flat_map(|part| &part.errors) {
        *errors.entry(kind.clone()).or_default() += count;
    }
    let mut answered = parts.iter().filter(|part| part.completed > 0).peekable();
    OperationResult {
        rate_per_s: parts.iter().map(|part| part.rate_per_s).fold(0.0, f64::max),
        offered: sum(|part| part.offered),
        sent: sum(|part| part.sent),
        completed: sum(|part| part.completed),
        failed: sum(|part| part.failed),
        censored: sum(|part| part.censored),
        completed_per_s: parts.iter().map(|part| part.completed_per_s).sum(),
        errors,
        error_response_ms: histograms.errors.iter().map(|(kind, of)| (kind.clone(), of.percentiles())).collect(),
        shed: sum(|part| part.shed),
        limited: sum(|part| part.limited),
        retried: sum(|part| part.retried),
        request_bytes_mean: mean(|part| part.request_bytes_mean, |part| part.offered),
        response_bytes_mean: mean(|part| part.response_bytes_mean, |part| part.completed),
        response_bytes_max: parts.iter().map(|part| part.response_bytes_max).max().unwrap_or_default(),
        is_always_empty: answered.peek().is_some() && answered.all(|part| part.is_always_empty),
        response_ms: histograms.response.percentiles(),
        service_ms: histograms.service.percentiles(),
        wait_ms: histograms.wait.percentiles(),
        lateness_ms: histograms.lateness.percentiles(),
    }
}

/// An interrupted part leaves nothing to judge; an invalid or saturated one decides for all. What made a part invalid cannot
/// vanish among the others, and none of the bounds that make a run invalid can be broken by the whole and by no part:
/// a percentile or ratio of all lies between those of the parts.
fn verdict(parts: &[Part], breached: Vec<String>) -> (Verdict, Vec<String>) {
    for verdict in [Verdict::Interrupted, Verdict::Invalid, Verdict::Saturated] {
        let reasons = reasons(parts, |run| run.verdict == verdict);
        if parts.iter().any(|part| part.result.verdict == verdict) {
            return (verdict, reasons);
        }
    }
    // A limit stopped it: what it would have measured is not known.
    let cut_short = reasons(parts, |run| run.verdict == Verdict::Fail && run.measured_s < run.phases.measure_s);
    let reasons = [cut_short, breached].concat();
    (if reasons.is_empty() { Verdict::Pass } else { Verdict::Fail }, reasons)
}

fn reasons(parts: &[Part], which: impl Fn(&RunResult) -> bool) -> Vec<String> {
    let parts = parts.iter().filter(|part| which(&part.result));
    parts.flat_map(|part| part.result.reasons.iter().map(|reason| format!("{}: {reason}", part.name))).collect()
}

fn upload(results: &[&RunResult]) -> UploadResult {
    let sum = |count: fn(&UploadResult) -> u64| results.iter().map(|run| count(&run.upload)).sum();
    UploadResult {
        sent: sum(|upload| upload.sent),
        failed: sum(|upload| upload.failed),
        held_back: sum(|upload| upload.held_back),
        full_after_days: results.iter().filter_map(|run| run.upload.full_after_days).min(),
        entries: sum(|upload| upload.entries),
        bytes: sum(|upload| upload.bytes),
        seconds: largest(results, |run| run.upload.seconds),
        // Percentiles cannot be merged, and no histogram of them is kept.
        response_ms: Percentiles::default(),
    }
}

fn upload_breach(upload: &UploadResult) -> Option<String> {
    (upload.failed > 0).then(|| format!("upload: {} of {} requests failed", upload.failed, upload.sent))
}

fn largest(results: &[&RunResult], of: impl Fn(&RunResult) -> f64) -> f64 {
    results.iter().map(|run| of(run)).fold(0.0, f64::max)
}

fn schedule(results: &[&RunResult]) -> ScheduleFacts {
    let first = results.first().map(|run| run.schedule.clone()).unwrap_or_default();
    let sum = |of: fn(&ScheduleFacts) -> u32| results.iter().map(|run| of(&run.schedule)).sum();
    let late_s = results.iter().filter_map(|run| run.schedule.started_late_s);
    ScheduleFacts {
        threads: sum(|schedule| schedule.threads),
        connections_max: sum(|schedule| schedule.connections_max),
        shard: None,
        started_late_s: late_s.max_by(f64::total_cmp),
        ..first
    }
}

/// The busiest machine's figures; of the backlog the sum, as it may have been longest everywhere at once.
fn generator(results: &[&RunResult], histograms: &Histograms) -> GeneratorUse {
    let most = |of: fn(&GeneratorUse) -> f64| largest(results, |run| of(&run.generator));
    let pressures = results.iter().filter_map(|run| run.generator.pressure_ratio);
    let released = results.iter().filter_map(|run| run.generator.released_ratio);
    let lateness = histograms.lateness().percentiles();
    GeneratorUse {
        thread_cpu_ratio: most(|generator| generator.thread_cpu_ratio),
        cpu_ratio: most(|generator| generator.cpu_ratio),
        steal_ratio: most(|generator| generator.steal_ratio),
        run_queue_wait_ratio: most(|generator| generator.run_queue_wait_ratio),
        pressure_ratio: pressures.max_by(f64::total_cmp),
        released_ratio: released.min_by(f64::total_cmp),
        backlog_max: results.iter().map(|run| run.generator.backlog_max).sum(),
        lateness_p99_ms: lateness.p99.or(lateness.max),
    }
}

/// As many of each operation as a part kept.
fn slow(results: &[&RunResult]) -> Vec<SlowRequest> {
    let mut kept: BTreeMap<&str, (usize, Vec<&SlowRequest>)> = BTreeMap::new();
    for run in results {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for request in &run.slow {
            let count = counts.entry(&request.operation).or_default();
            *count += 1;
            let (most, requests) = kept.entry(&request.operation).or_default();
            *most = (*most).max(*count);
            requests.push(request);
        }
    }
    let by_length = |a: &&SlowRequest, b: &&SlowRequest| b.response_ms.total_cmp(&a.response_ms);
    let mut slowest: Vec<&SlowRequest> = Vec::new();
    for (most, mut requests) in kept.into_values() {
        requests.sort_by(by_length);
        slowest.extend(requests.into_iter().take(most));
    }
    slowest.sort_by(by_length);
    slowest.into_iter().cloned().collect()
}

/// The machines together: the first one's name with how many others there were, the cores and memory of all.
fn environment(results: &[&RunResult]) -> Environment {
    let mut all = results.iter().map(|run| run.environment.clone());
    let first = all.next().unwrap_or_default();
    let mut others: Vec<String> = Vec::new();
    let mut together = first.clone();
    for environment in all {
        together.started_at = together.started_at.min(environment.started_at);
        together.load_1m = together.load_1m.max(environment.load_1m);
        // Shards on one machine share what it has.
        if environment.host != first.host && !others.contains(&environment.host) {
            together.cores += environment.cores;
            together.memory_bytes += environment.memory_bytes;
            others.push(environment.host);
        }
    }
    if !others.is_empty() {
        together.host = format!("{}+{}", first.host, others.len());
    }
    together
}
