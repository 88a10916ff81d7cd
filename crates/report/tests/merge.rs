//! Parts of a run, made as each machine would have left them, against the run that one machine would have made.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may panic")]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use rushhour_report::environment::Environment;
use rushhour_report::histogram::Latencies;
use rushhour_report::hlog::{Histograms, OperationHistograms};
use rushhour_report::interval::{Interval, IntervalError, IntervalOperation};
use rushhour_report::limit::Limit;
use rushhour_report::merge::{Merge, Part, intervals};
use rushhour_report::result::{
    GeneratorUse, OperationResult, PhaseLengths, RunResult, SCHEMA, ScheduleFacts, Shard, SlowRequest, UploadResult,
    Verdict,
};

/// A request of `put`: what it took, in microseconds, and whether it failed.
type Sample = (u64, bool);

const LIMIT: &str = "put.response_ms.p99 < 250";

/// What machine `index` of `count` leaves behind after its samples.
fn part(index: u32, count: u32, samples: &[Sample]) -> Part {
    let mut histograms = OperationHistograms::default();
    let mut errors = BTreeMap::new();
    for (us, has_failed) in samples {
        histograms.lateness.record(Duration::from_micros(us / 100));
        if *has_failed {
            *errors.entry("status 500".to_owned()).or_default() += 1;
            histograms.errors.entry("status 500".to_owned()).or_default().record(Duration::from_micros(*us));
        } else {
            histograms.response.record(Duration::from_micros(*us));
            histograms.service.record(Duration::from_micros(us / 2));
            histograms.wait.record(Duration::from_micros(us / 3));
        }
    }
    let failed = errors.values().sum();
    let offered = samples.len() as u64;
    let percentiles = |latencies: &Latencies| latencies.percentiles();
    let put = OperationResult {
        rate_per_s: 50.0,
        offered,
        sent: offered,
        completed: offered - failed,
        failed,
        retried: failed,
        completed_per_s: (offered - failed) as f64 / 20.0,
        errors,
        error_response_ms: histograms.errors.iter().map(|(kind, of)| (kind.clone(), percentiles(of))).collect(),
        request_bytes_mean: 100.0,
        response_ms: percentiles(&histograms.response),
        service_ms: percentiles(&histograms.service),
        wait_ms: percentiles(&histograms.wait),
        lateness_ms: percentiles(&histograms.lateness),
        ..OperationResult::default()
    };
    let operations = BTreeMap::from([("put".to_owned(), put)]);
    let limits = LIMIT.parse::<Limit>().unwrap().judge(&operations);
    let result = RunResult {
        schema: SCHEMA,
        scenario: "sync".into(),
        target: "http://192.0.2.7".into(),
        verdict: Verdict::Pass,
        reasons: Vec::new(),
        warnings: Vec::new(),
        seed: 1,
        users: 20,
        schedule: schedule(Shard { index, count }),
        phases: PhaseLengths { warm_up_s: 0.0, measure_s: 20.0, drain_s: 5.0 },
        measured_s: 20.0,
        upload: UploadResult { sent: 10, ..UploadResult::default() },
        operations,
        limits,
        slow: vec![SlowRequest {
            operation: "put".into(),
            response_ms: 100.0 + f64::from(index),
            ..SlowRequest::default()
        }],
        generator: GeneratorUse { cpu_ratio: 0.1 * f64::from(index), backlog_max: 3, ..GeneratorUse::default() },
        pipeline_lag_max_s: None,
        target_use: None,
        machine: None,
        environment: Environment { host: format!("vm{index}"), cores: 2, ..Environment::default() },
    };
    let histograms = Histograms { operations: BTreeMap::from([("put".to_owned(), histograms)]) };
    Part { name: format!("results/{index}"), result, histograms }
}

/// What a shard that began well knows of its schedule.
fn schedule(shard: Shard) -> ScheduleFacts {
    ScheduleFacts {
        hash: "abc".into(),
        arrivals: 1000,
        threads: 1,
        connections_max: 64,
        shard: Some(shard),
        start_at: Some("2026-11-21T12:00:00Z".into()),
        started_late_s: Some(0.001 * f64::from(shard.index)),
        ..ScheduleFacts::default()
    }
}

fn parts(count: u32) -> Vec<Part> {
    (0..count).map(|index| part(index, count, &[(1000, false)])).collect()
}

proptest! {
    #[test]
    fn parts_merge_into_what_one_machine_would_have_measured(
        samples in prop::collection::vec((0..700_000_000_u64, prop::bool::weighted(0.1)), 0..3_000),
        count in 1..9_u32,
        cuts in prop::collection::vec(0..8_usize, 3_000),
    ) {
        let shares: Vec<Vec<Sample>> = (0..count as usize)
            .map(|index| {
                let of = samples.iter().zip(&cuts).filter(|(_, cut)| **cut % count as usize == index);
                of.map(|(sample, _)| *sample).collect()
            })
            .collect();
        let parts = (0..count).zip(&shares).map(|(index, share)| part(index, count, share)).collect();
        let (merged, histograms) = Merge::new(parts).unwrap().finish();
        let alone = part(0, 1, &samples);
        prop_assert_eq!(&histograms.operations["put"].response, &alone.histograms.operations["put"].response);
        prop_assert_eq!(&histograms, &alone.histograms);
        let (mut merged, alone) = (merged.operations["put"].clone(), alone.result.operations["put"].clone());
        prop_assert!((merged.completed_per_s - alone.completed_per_s).abs() < 1e-6);
        prop_assert!((merged.request_bytes_mean - alone.request_bytes_mean).abs() < 1e-6 || samples.is_empty());
        merged.completed_per_s = alone.completed_per_s;
        merged.request_bytes_mean = alone.request_bytes_mean;
        prop_assert_eq!(merged, alone);
    }
}

/// Changes the second of three parts, and gives what is said about merging them.
fn refused(change: impl FnOnce(&mut Part)) -> String {
    let mut parts = parts(3);
    change(&mut parts[1]);
    Merge::new(parts).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn parts_that_do_not_fit_are_refused_by_name() {
    assert!(Merge::new(parts(3)).is_ok());
    let schedule = |change: fn(&mut ScheduleFacts)| refused(|part| change(&mut part.result.schedule));
    let apart = ": they are not parts of one run";
    for (message, expected) in [
        (schedule(|schedule| schedule.hash = "def".into()), "results/1 has the schedule's hash def, results/0 has abc"),
        (schedule(|schedule| schedule.arrivals = 7), "results/1 has the schedule's arrivals 7, results/0 has 1000"),
        (refused(|part| part.result.seed = 2), "results/1 has the seed 2, results/0 has 1"),
        (refused(|part| part.result.scenario = "a".into()), "results/1 has the scenario a, results/0 has sync"),
        (
            refused(|part| part.result.phases.measure_s = 30.0),
            "results/1 has the phases 0 s, 30 s and 5 s, results/0 has 0 s, 20 s and 5 s",
        ),
        (
            schedule(|schedule| schedule.start_at = None),
            "results/1 has the start at no agreed instant, results/0 has 2026-11-21T12:00:00Z",
        ),
        (
            schedule(|schedule| schedule.shard = Some(Shard { index: 1, count: 4 })),
            "results/1 has the number of shards 4, results/0 has 3",
        ),
    ] {
        assert_eq!(message, format!("{expected}{apart}"));
    }
    let hash = schedule(|schedule| schedule.hash.clear());
    assert!(hash.starts_with("results/1 says nothing about its schedule"), "{hash}");
    let twice = schedule(|schedule| schedule.shard = Some(Shard { index: 2, count: 3 }));
    assert_eq!(twice, "results/2 and results/1 are both shard 3/3");
    let clocks = schedule(|schedule| schedule.started_late_s = Some(0.1));
    assert!(clocks.starts_with("results/1 started 0.100 s after the agreed instant and results/0 0.000 s"), "{clocks}");
    let unknown = schedule(|schedule| schedule.started_late_s = None);
    assert!(unknown.starts_with("results/1 was not started at an instant"), "{unknown}");
    let histograms = refused(|part| part.histograms = Histograms::default());
    assert_eq!(histograms, "results/1: the histograms have 0 response times of `put`, the result has 1");
    let limit = refused(|part| part.result.limits[0].limit = "put.mood < 3".into());
    assert!(limit.starts_with("results/1: `mood` is no number"), "{limit}");
}

#[test]
fn every_part_must_be_there() {
    let refused = |parts: Vec<Part>| Merge::new(parts).map(|_| ()).unwrap_err().to_string();
    assert_eq!(refused(Vec::new()), "there is nothing to merge");
    assert_eq!(refused(parts(3).split_off(1)), "shard 1/3 is missing");
    let mut whole = parts(1);
    whole[0].result.schedule.shard = None;
    assert_eq!(refused(whole), "results/0 is a whole run, not a part of one: it was not sent with --shard");
}

#[test]
fn machines_may_start_further_apart_when_limits_are_loose() {
    let mut loose = parts(2);
    loose[1].result.schedule.started_late_s = Some(0.1);
    loose.iter_mut().for_each(|part| part.result.limits[0].limit = "put.response_ms.p99 < 10000".into());
    assert!(Merge::new(loose).is_ok());
}

/// The verdict and reasons of three parts of which the second was changed.
fn verdict(change: impl FnOnce(&mut RunResult)) -> (Verdict, Vec<String>) {
    let mut parts = parts(3);
    change(&mut parts[1].result);
    let (merged, _) = Merge::new(parts).unwrap().finish();
    (merged.verdict, merged.reasons)
}

#[test]
fn one_part_that_is_invalid_or_saturated_decides_for_all() {
    assert_eq!(verdict(|_| {}), (Verdict::Pass, Vec::new()));
    for found in [Verdict::Invalid, Verdict::Saturated, Verdict::Interrupted] {
        let because = vec!["results/1: too late".to_owned()];
        assert_eq!(verdict(|run| (run.verdict, run.reasons) = (found, vec!["too late".into()])), (found, because));
    }
    let cut_short = verdict(|run| {
        (run.verdict, run.reasons, run.measured_s) = (Verdict::Fail, vec!["too slow".into()], 7.0);
    });
    assert_eq!(cut_short, (Verdict::Fail, vec!["results/1: too slow".to_owned()]));
    let upload = verdict(|run| run.upload.failed = 2);
    assert_eq!(upload, (Verdict::Fail, vec!["upload: 2 of 30 requests failed".to_owned()]));
}

#[test]
fn limits_are_judged_on_the_whole() {
    // A hundred fast answers each; one machine's slow ones are too many for its own p99 and few enough for that of all.
    let fast = vec![(1_000, false); 2_000];
    let slow = [vec![(900_000, false); 30], fast.clone()].concat();
    let mut parts = vec![part(0, 3, &fast), part(1, 3, &slow), part(2, 3, &fast)];
    assert!(!parts[1].result.limits[0].held);
    parts[1].result.verdict = Verdict::Fail;
    let (merged, _) = Merge::new(parts).unwrap().finish();
    assert_eq!((merged.verdict, merged.limits.len()), (Verdict::Pass, 1));
    assert!(merged.limits[0].held && merged.limits[0].value.unwrap() < 2.0, "{:?}", merged.limits);
    assert_eq!(merged.operations["put"].rate_per_s, 50.0);
    assert_eq!((merged.environment.host.as_str(), merged.environment.cores), ("vm0+2", 6));
    assert_eq!((merged.generator.cpu_ratio, merged.generator.backlog_max), (0.2, 9));
    assert_eq!(merged.slow.iter().map(|slow| slow.response_ms).collect::<Vec<_>>(), [102.0]);
    assert_eq!((merged.schedule.shard, merged.schedule.threads), (None, 3));
}

fn second(start_s: f64, ms: u64) -> Interval {
    let mut put = IntervalOperation { offered: 1, completed: 1, ..IntervalOperation::default() };
    put.response.record(Duration::from_millis(ms));
    Interval { start_s, length_s: 1.0, operations: BTreeMap::from([("put".to_owned(), put)]) }
}

#[test]
fn seconds_that_began_together_are_one_and_windows_are_judged_on_them() {
    let runs = [vec![second(0.0, 1), second(1.0, 1)], vec![second(0.0, 1), second(1.007, 1), second(2.0, 1)]];
    let together: Vec<_> = intervals(runs.map(|run| run.into_iter().map(Ok::<_, IntervalError>))).collect();
    let together: Vec<Interval> = together.into_iter().map(Result::unwrap).collect();
    let counts: Vec<_> =
        together.iter().map(|interval| (interval.start_s, interval.operations["put"].completed)).collect();
    assert_eq!(counts, [(0.0, 2), (1.0, 2), (2.0, 1)]);

    let mut parts = parts(2);
    let windowed: Limit = "put.completed < 4 in every 2 s".parse().unwrap();
    parts.iter_mut().for_each(|part| part.result.limits[0].limit = windowed.to_string());
    let mut merge = Merge::new(parts).unwrap();
    together.iter().for_each(|interval| merge.add(interval));
    let (merged, _) = merge.finish();
    let outcome = &merged.limits[0];
    assert_eq!((outcome.value, outcome.held, outcome.window_start_s), (Some(4.0), false, Some(0.0)));
    assert_eq!(merged.verdict, Verdict::Fail);
}

#[test]
fn an_interval_that_cannot_be_read_ends_the_merge() {
    let broken = || IntervalError::Apart { line: 3, operation: "put".into(), start_s: 1.0 };
    let runs = [vec![Ok(second(0.0, 1)), Err(broken())], vec![Ok(second(0.0, 1)), Ok(second(1.0, 1))]];
    let found: Vec<_> = intervals(runs.map(IntoIterator::into_iter)).map(|interval| interval.is_ok()).collect();
    assert_eq!(found[..2], [true, false]);
}
