//! What happened, in a sentence: the ways in which a run is misread, named from its own numbers.

use crate::result::{Model, OperationResult, RunResult, Verdict};

/// A closed loop that reaches less of the rate asked for did not reach it.
const REACHED_RATIO: f64 = 0.95;
/// Below this what is offered is about what a target takes.
const OVERLOAD_RATIO: f64 = 1.1;
/// So much of the response time must be wait before connections are named.
const WAIT_SHARE: f64 = 0.5;

/// One sentence for each thing that somebody would otherwise misread.
pub fn diagnose(run: &RunResult) -> Vec<String> {
    match run.schedule.model {
        Model::Closed => closed(run).into_iter().collect(),
        Model::Open => overload(run).into_iter().chain(few_connections(run)).collect(),
    }
}

/// A closed loop asks as fast as it is answered, whatever rate somebody had in mind.
fn closed(run: &RunResult) -> Option<String> {
    let asked: f64 = run.operations.values().map(|operation| operation.rate_per_s).sum();
    let done: f64 = run.operations.values().map(|operation| operation.completed_per_s).sum();
    if done <= 0.0 || done >= asked * REACHED_RATIO {
        return None;
    }
    let connections = run.schedule.connections_max;
    let each_ms = f64::from(connections) / done * 1e3;
    let who = match connections {
        1 => "one connection that waits".to_owned(),
        more => format!("{more} connections that wait"),
    };
    Some(format!(
        "{asked:.0} per second were asked for and {done:.0} were made:\n{who} {each_ms:.2} ms for each answer can make no more, whatever the \
         target could do;\nuse a schedule, or more connections"
    ))
}

/// More is offered than is done: the times are those of a line that grows.
fn overload(run: &RunResult) -> Option<String> {
    if run.verdict != Verdict::Saturated || run.measured_s <= 0.0 {
        return None;
    }
    let per_s =
        |count: fn(&OperationResult) -> u64| run.operations.values().map(count).sum::<u64>() as f64 / run.measured_s;
    let (offered, done) = (per_s(|operation| operation.offered), per_s(|operation| operation.completed));
    if done <= 0.0 || offered < done * OVERLOAD_RATIO {
        return None;
    }
    Some(format!(
        "{offered:.0} per second were offered and {done:.0} were answered, {:.1} times as many as the target takes:\nwhat waits grows by \
         {:.0} each second, so the response times tell how long the run was, not how fast the target is",
        offered / done,
        offered - done,
    ))
}

/// Where time was spent waiting for a connection, it may be their number that was measured.
fn few_connections(run: &RunResult) -> Option<String> {
    let waits =
        run.operations.iter().filter(|(_, operation)| !operation.is_always_empty).filter_map(|(name, operation)| {
            let (wait, response) = (operation.wait_ms.p90?, operation.response_ms.p90?);
            (wait > WAIT_SHARE * response).then_some(name.as_str())
        });
    let waits: Vec<_> = waits.collect();
    (!waits.is_empty()).then(|| {
        format!(
            "{}: most of the slow tenth's time was spent waiting for one of {} connections;\nwith more of them it would show whether \
             the target or their number is the limit",
            waits.join(", "),
            run.schedule.connections_max,
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::environment::Environment;
    use crate::histogram::Percentiles;
    use crate::result::{GeneratorUse, PhaseLengths, SCHEMA, ScheduleFacts, UploadResult};

    /// 30 s of an operation at `rate_per_s`, over `connections_max`.
    fn run(model: Model, verdict: Verdict, rate_per_s: u32, completed: u64, connections_max: u32) -> RunResult {
        let p90 = |p90| Percentiles { p90: Some(p90), ..Percentiles::default() };
        let offered = if model == Model::Closed { completed } else { u64::from(rate_per_s) * 30 };
        let operation = OperationResult {
            rate_per_s: rate_per_s.into(),
            offered,
            completed,
            completed_per_s: completed as f64 / 30.0,
            response_ms: p90(100.0),
            wait_ms: p90(if verdict == Verdict::Saturated { 90.0 } else { 1.0 }),
            ..OperationResult::default()
        };
        RunResult {
            schema: SCHEMA,
            scenario: "usages".into(),
            target: "local".into(),
            verdict,
            reasons: Vec::new(),
            warnings: Vec::new(),
            seed: 1,
            users: 1,
            schedule: ScheduleFacts { model, connections_max, ..ScheduleFacts::default() },
            phases: PhaseLengths::default(),
            measured_s: 30.0,
            upload: UploadResult::default(),
            operations: BTreeMap::from([("post".to_owned(), operation)]),
            limits: Vec::new(),
            slow: Vec::new(),
            generator: GeneratorUse::default(),
            pipeline_lag_max_s: None,
            target_use: None,
            machine: None,
            environment: Environment::default(),
        }
    }

    #[test]
    fn a_closed_loop_of_one_client_is_told_from_a_slow_target() {
        let told = diagnose(&run(Model::Closed, Verdict::Pass, 16_700, 8_250, 1));
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("16700 per second were asked for and 275 were made:\none connection that waits"),
            "{told:?}"
        );
        assert!(told[0].contains("waits 3.64 ms for each answer"), "{told:?}");
        assert!(diagnose(&run(Model::Closed, Verdict::Pass, 100, 30_000, 64)).is_empty());
    }

    #[test]
    fn a_rate_far_over_what_a_target_takes_is_named() {
        let told = diagnose(&run(Model::Open, Verdict::Saturated, 16_700, 30_000, 64));
        assert!(told[0].starts_with("16700 per second were offered and 1000 were answered, 16.7 times"), "{told:?}");
        assert!(told[1].contains("one of 64 connections"), "{told:?}");
        assert!(diagnose(&run(Model::Open, Verdict::Pass, 100, 3_000, 64)).is_empty());
    }
}
