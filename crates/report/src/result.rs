//! What a run left behind, as one value. Everything that is shown is computed from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::histogram::Percentiles;
use crate::limit::is_told;
use crate::summary::bytes;

/// The version of `result.json`; a change that a reader would notice raises it.
pub const SCHEMA: u32 = 2;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunResult {
    /// The version of this form.
    pub schema: u32,
    /// The scenario's name.
    pub scenario: String,
    /// The target's name, or its address.
    pub target: String,
    /// What the run says.
    pub verdict: Verdict,
    /// Why, one sentence each; empty when it passed.
    pub reasons: Vec<String>,
    /// What must be known to read it rightly, whatever the verdict, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Where the schedule and the people come from.
    pub seed: u64,
    /// How many people there were.
    pub users: u32,
    /// When what was sent, and by whom.
    #[serde(default)]
    pub schedule: ScheduleFacts,
    /// How long each phase was to be, in seconds.
    pub phases: PhaseLengths,
    /// How long was measured, in seconds: less than planned when the run was stopped.
    pub measured_s: f64,
    /// What was uploaded before the phases began.
    pub upload: UploadResult,
    /// Each operation by its name.
    pub operations: BTreeMap<String, OperationResult>,
    /// What became of each limit.
    #[serde(default)]
    pub limits: Vec<LimitOutcome>,
    /// The slowest requests of each operation, the slowest first.
    #[serde(default)]
    pub slow: Vec<SlowRequest>,
    /// What sending took.
    pub generator: GeneratorUse,
    /// For how long an upload had waited for the target's pipeline at most, as it was seen each second while measuring, in seconds
    /// of the lives that people lived; `None` where nobody lived, or the target did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_lag_max_s: Option<f64>,
    /// What serving took; `None` when the target was not started by us and does not tell.
    pub target_use: Option<TargetUse>,
    /// The machine that the target was held to; `None` when it had this one as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineUse>,
    /// Where and with what.
    pub environment: Environment,
}

/// What is no result that can be read.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// It was written by a newer version of this program.
    #[error("schema {0} is newer than {SCHEMA}, the newest that this version reads; use a newer rushhour")]
    Newer(u32),
    /// It is not a result.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The JSON Schema of `result.json`, as it is published in `docs/result.schema.json`.
pub fn json_schema() -> String {
    let mut schema = schemars::schema_for!(RunResult);
    schema.insert("title".to_owned(), format!("result.json of Rush Hour, schema {SCHEMA}").into());
    serde_json::to_string_pretty(&schema).expect("a schema can be written as JSON") + "\n"
}

impl RunResult {
    /// Reads `result.json`, of this schema or an older one.
    ///
    /// # Errors
    /// When it is of a newer one, or no result.
    pub fn read(json: &str) -> Result<Self, ResultError> {
        #[derive(Deserialize)]
        struct Form {
            schema: u32,
        }
        // First, because a newer form may lack what is asked for here.
        match serde_json::from_str(json)? {
            Form { schema } if schema > SCHEMA => Err(ResultError::Newer(schema)),
            _ => Ok(serde_json::from_str(json)?),
        }
    }

    /// Why the target would not have fitted on its machine's disk, if so.
    pub fn overfull(&self) -> Option<String> {
        let taken = self.target_use.as_ref()?.disk_bytes?;
        let room = self.machine.as_ref()?.disk_bytes?;
        (taken > room).then(|| {
            format!(
                "the target's data took {}, and its disk has room for {}: it would have been full",
                bytes(taken),
                bytes(room)
            )
        })
    }

    /// The operations whose answers were all empty: their latencies do not leave the folder.
    pub fn untold(&self) -> BTreeSet<&str> {
        let empty = self.operations.iter().filter(|(_, operation)| operation.is_always_empty);
        empty.map(|(name, _)| name.as_str()).collect()
    }

    /// The result without the latencies of operations whose answers were all empty: what may leave its folder.
    pub fn quotable(mut self) -> Self {
        for operation in self.operations.values_mut().filter(|operation| operation.is_always_empty) {
            let untold = Percentiles::default();
            (operation.response_ms, operation.service_ms) = (untold, untold);
            (operation.wait_ms, operation.lateness_ms) = (untold, untold);
            operation.error_response_ms.clear();
        }
        for outcome in self.limits.iter_mut().filter(|outcome| !is_told(outcome, &self.operations)) {
            outcome.value = None;
        }
        let is_empty = |name: &str| self.operations.get(name).is_some_and(|operation| operation.is_always_empty);
        self.slow.retain(|request| !is_empty(&request.operation));
        self
    }
}

/// When what was sent, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ScheduleFacts {
    /// Of every arrival of the whole schedule, whichever machine sends it: equal hashes, equal schedules. Empty when there
    /// is none: a closed loop, or a run older than the field.
    pub hash: String,
    /// How many arrivals the whole schedule has, *warm-up* included.
    pub arrivals: u64,
    /// Whether requests are sent at their intended times, or each when the one before it is answered.
    pub model: Model,
    /// How releases were timed: `exact`, `balanced`, `economy`, `spin`.
    pub pacing: String,
    /// What carried the requests.
    pub transport: String,
    /// How many threads sent.
    pub threads: u32,
    /// At most so many connections at once.
    pub connections_max: u32,
    /// Which part of the schedule this machine sent; `None` when it was all of it.
    pub shard: Option<Shard>,
    /// When the run was to begin, RFC 3339, if that was agreed on.
    pub start_at: Option<String>,
    /// How late the first release could be by the machine's clock, in seconds after `start_at`.
    pub started_late_s: Option<f64>,
}

/// How a run lets requests go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// At their intended times, whatever became of the ones before.
    #[default]
    Open,
    /// Each when a connection has its answer to the one before: a slow target is asked less.
    Closed,
}

/// A part of a schedule: every arrival whose number leaves this remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// Which, counted from 0.
    pub index: u32,
    /// Of how many.
    pub count: u32,
}

/// As it is asked for: `3/8` is the third of eight.
impl Display for Shard {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        write!(to, "{}/{}", self.index + 1, self.count)
    }
}

/// What became of a limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitOutcome {
    /// The limit as it was given, on one operation.
    pub limit: String,
    /// The operation.
    #[serde(default)]
    pub operation: String,
    /// Which of its numbers is judged: `response_ms.max` where there are too few samples for a percentile.
    #[serde(default)]
    pub metric: String,
    /// The value that is judged: of the whole run, or of the worst window. `None` when there was nothing to judge.
    pub value: Option<f64>,
    /// Whether there was a value, and it held the limit.
    pub held: bool,
    /// For a windowed limit: when the worst window began, in seconds since the start of the run.
    pub window_start_s: Option<f64>,
}

/// One of the slowest requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlowRequest {
    /// What it was.
    pub operation: String,
    /// Its number in the schedule; with `x-request-id` sent, also what the target knows it by.
    pub id: u64,
    /// Whose it was.
    pub user: u32,
    /// When it was intended, in seconds since the start of the run.
    pub intended_s: f64,
    /// What it took from then on, or had taken when it was given up.
    pub response_ms: f64,
    /// How long it had waited for a connection.
    pub wait_ms: f64,
    /// How it ended: `completed`, `censored`, or the kind of failure.
    pub outcome: String,
}

/// What a run says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every limit held.
    Pass,
    /// A limit was breached.
    Fail,
    /// The target could not keep up.
    Saturated,
    /// The generator or a noisy machine decided the numbers.
    Invalid,
    /// Somebody stopped it; no limit was judged.
    Interrupted,
}

impl Verdict {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Saturated => "saturated",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
        }
    }
}

/// How long each phase was to be, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseLengths {
    /// Sent, not counted.
    pub warm_up_s: f64,
    /// Counted.
    pub measure_s: f64,
    /// At most this long was waited for what was still under way.
    pub drain_s: f64,
}

/// What was uploaded before the phases began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UploadResult {
    /// Requests.
    pub sent: u64,
    /// Those that were not acknowledged.
    pub failed: u64,
    /// How often the target refused one for now, whereupon it was sent again.
    #[serde(default)]
    pub held_back: u64,
    /// After how many days of everybody the target's disk was full, whereupon no more was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_after_days: Option<u32>,
    /// Entries in acknowledged requests.
    pub entries: u64,
    /// Body bytes of acknowledged requests.
    pub bytes: u64,
    /// How long it took, over all sittings.
    pub seconds: f64,
    /// From a request's release to the end of its answer: a closed loop, in which every connection waits.
    #[serde(default)]
    pub response_ms: Percentiles,
}

/// What one operation did while measuring.
///
/// `offered = completed + failed + censored`, and `sent` is how many of them went out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationResult {
    /// The arrival rate asked for, of the whole schedule, whichever part of it was sent.
    pub rate_per_s: f64,
    /// Requests the schedule intended.
    pub offered: u64,
    /// Requests written to a connection.
    pub sent: u64,
    /// Answered with success.
    pub completed: u64,
    /// Answered with an error, or not at all within the time allowed, or broken.
    pub failed: u64,
    /// Unsent or unanswered when the run ended.
    pub censored: u64,
    /// Successful completions per second.
    pub completed_per_s: f64,
    /// Failures by kind.
    pub errors: BTreeMap<String, u64>,
    /// The response times of failures, by kind: they are in no other percentile.
    #[serde(default)]
    pub error_response_ms: BTreeMap<String, Percentiles>,
    /// Of the failed, those that were given up before they were sent, as the scenario asked for.
    #[serde(default)]
    pub shed: u64,
    /// Of the failed, those that the target refused by its own rule: a limit on requests (429) or on load (503 with `Retry-After`).
    #[serde(default)]
    pub limited: u64,
    /// Uploads that had failed and were sent again at their phone's next sync, beside the schedule: part of no other number.
    #[serde(default)]
    pub retried: u64,
    /// Mean size of a request's body.
    pub request_bytes_mean: f64,
    /// Mean size of an answer's body.
    pub response_bytes_mean: f64,
    /// Largest answer's body.
    pub response_bytes_max: u64,
    /// Whether every answer carried nothing although the operation reads: its figures do not leave their folder.
    pub is_always_empty: bool,
    /// done − intended: the headline. Timed-out and censored requests count with what they had waited.
    pub response_ms: Percentiles,
    /// done − sent.
    pub service_ms: Percentiles,
    /// sent − released: no connection was free.
    pub wait_ms: Percentiles,
    /// released − intended: our own delay.
    pub lateness_ms: Percentiles,
}

/// What sending took while measuring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratorUse {
    /// Processor time of the sending thread, as a share of one core.
    pub thread_cpu_ratio: f64,
    /// Processor time of the whole program, as a share of all cores.
    pub cpu_ratio: f64,
    /// Processor time that the hypervisor gave to others, as a share of all.
    pub steal_ratio: f64,
    /// How long the busiest sending thread was ready to run and did not get a processor, as a share of the time.
    #[serde(default)]
    pub run_queue_wait_ratio: f64,
    /// How long some process of the machine waited for a processor, as a share of the time: Linux' pressure, `some`.
    #[serde(default)]
    pub pressure_ratio: Option<f64>,
    /// Released, of what was scheduled and not given up with the run.
    #[serde(default)]
    pub released_ratio: Option<f64>,
    /// The most requests that were waiting for a connection at once.
    pub backlog_max: u64,
    /// p99 of the lateness over all operations, in milliseconds.
    pub lateness_p99_ms: Option<f64>,
}

/// What serving took, from start to stop unless said otherwise: as we saw it, or as the target's own metrics page told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TargetUse {
    /// Processor time; of a target that was running before, from the first page to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_s: Option<f64>,
    /// Processor time while measuring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measure_cpu_s: Option<f64>,
    /// The same by what it was used for: the names of the target's threads.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub measure_parts_cpu_s: BTreeMap<String, f64>,
    /// Reads and writes that reached the disk while measuring; only known of a target that is held to a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measure_ios: Option<DiskOperations>,
    /// The most memory it held; from a page, the most that any page told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak_bytes: Option<u64>,
    /// Room its data took on the disk at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// Bytes it handed to the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_bytes: Option<u64>,
}

/// Operations of a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiskOperations {
    /// Reads.
    pub read: u64,
    /// Writes.
    pub write: u64,
}

/// The machine that a target was held to, and what it took of it from start to stop. What the system does not tell is 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MachineUse {
    /// Such as `t3.medium (emulated: 1 core, 4 GiB; host AMD EPYC)`: never an instance's name alone.
    pub name: String,
    /// Whether it was held to it at all; if not, it had the machine of `environment`.
    pub is_emulated: bool,
    /// Physical cores it had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<f64>,
    /// Memory it had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Room it had on the disk. It is not kept from taking more, but told of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// Operations per second that its disk took for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ios_per_s: Option<u64>,
    /// Processor time it used.
    pub cpu_s: f64,
    /// How long its threads were kept from running because its share of a core was used up.
    pub throttled_s: f64,
    /// The share of the periods of 10 ms in which that happened.
    pub throttled_ratio: f64,
    /// The most memory it held, pages of files included.
    pub memory_peak_bytes: u64,
    /// How often it was killed for want of memory.
    pub oom_kills: u64,
    /// Reads that reached the disk.
    pub read_ios: u64,
    /// Writes that reached the disk.
    pub write_ios: u64,
    /// How long some process of the whole machine waited for a processor.
    pub cpu_pressure_s: f64,
    /// How long some process of the whole machine waited for the disk.
    pub io_pressure_s: f64,
    /// How long some process of the whole machine waited for memory.
    pub memory_pressure_s: f64,
}

#[cfg(test)]
impl RunResult {
    /// Twenty seconds in which nothing was sent, for tests to change.
    pub(crate) fn example() -> Self {
        Self {
            schema: SCHEMA,
            scenario: "quickstart".into(),
            target: "local".into(),
            verdict: Verdict::Pass,
            reasons: Vec::new(),
            warnings: Vec::new(),
            seed: 1,
            users: 20,
            schedule: ScheduleFacts::default(),
            phases: PhaseLengths { warm_up_s: 2.0, measure_s: 20.0, drain_s: 5.0 },
            measured_s: 20.0,
            upload: UploadResult::default(),
            operations: BTreeMap::new(),
            limits: Vec::new(),
            slow: Vec::new(),
            generator: GeneratorUse::default(),
            pipeline_lag_max_s: None,
            target_use: None,
            machine: None,
            environment: Environment::default(),
        }
    }
}
