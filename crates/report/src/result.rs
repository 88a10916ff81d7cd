//! What a run left behind, as one value. Everything that is shown is computed from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::histogram::Percentiles;

/// The version of `result.json`; a change that a reader would notice raises it.
pub const SCHEMA: u32 = 1;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Where the schedule and the people come from.
    pub seed: u64,
    /// How many people there were.
    pub users: u32,
    /// How long each phase was to be, in seconds.
    pub phases: PhaseLengths,
    /// How long was measured, in seconds: less than planned when the run was stopped.
    pub measured_s: f64,
    /// What was uploaded before the phases began.
    pub upload: UploadResult,
    /// Each operation by its name.
    pub operations: BTreeMap<String, OperationResult>,
    /// What sending took.
    pub generator: GeneratorUse,
    /// What serving took; `None` when the target was not started by us.
    pub target_use: Option<TargetUse>,
    /// Where and with what.
    pub environment: Environment,
}

impl RunResult {
    /// The result without the latencies of operations whose answers were all empty: what may leave its folder.
    pub fn quotable(mut self) -> Self {
        for operation in self.operations.values_mut().filter(|operation| operation.is_always_empty) {
            let untold = Percentiles::default();
            (operation.response_ms, operation.service_ms) = (untold, untold);
            (operation.wait_ms, operation.lateness_ms) = (untold, untold);
        }
        self
    }
}

/// What a run says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PhaseLengths {
    /// Sent, not counted.
    pub warm_up_s: f64,
    /// Counted.
    pub measure_s: f64,
    /// At most this long was waited for what was still under way.
    pub drain_s: f64,
}

/// What was uploaded before the phases began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UploadResult {
    /// Requests.
    pub sent: u64,
    /// Those that were not acknowledged.
    pub failed: u64,
    /// Entries in acknowledged requests.
    pub entries: u64,
    /// Body bytes of acknowledged requests.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
}

/// What one operation did while measuring.
///
/// `offered = completed + failed + censored`, and `sent` is how many of them went out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationResult {
    /// The arrival rate asked for.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GeneratorUse {
    /// Processor time of the sending thread, as a share of one core.
    pub thread_cpu_ratio: f64,
    /// Processor time of the whole program, as a share of all cores.
    pub cpu_ratio: f64,
    /// Processor time that the hypervisor gave to others, as a share of all.
    pub steal_ratio: f64,
    /// The most requests that were waiting for a connection at once.
    pub backlog_max: u64,
    /// p99 of the lateness over all operations, in milliseconds.
    pub lateness_p99_ms: Option<f64>,
}

/// What serving took, from start to stop unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetUse {
    /// Processor time.
    pub cpu_s: f64,
    /// Processor time while measuring.
    pub measure_cpu_s: f64,
    /// The most memory it held.
    pub memory_peak_bytes: u64,
    /// Room its data took on the disk at the end.
    pub disk_bytes: u64,
    /// Bytes it handed to the disk.
    pub written_bytes: u64,
}
