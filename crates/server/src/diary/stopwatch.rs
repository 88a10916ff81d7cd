//! How long the stages of a run of the pipeline take.

use std::time::Duration;

use rushhour_pipeline::write;
use rushhour_store::steady_time;

/// The stages, as figures call them.
pub(crate) const STAGES: [&str; 5] = ["read", "segmentation", "sections", "inference", "keep"];

/// A time for each stage, in the order of their names.
pub type StageTimes = [Duration; STAGES.len()];

/// A stage of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    /// Reading entries and what stands.
    Read,
    /// One of what the pipeline does.
    Write(write::Stage),
    /// Keeping what was written.
    Keep,
}

impl Stage {
    fn place(self) -> usize {
        match self {
            Self::Read => 0,
            Self::Write(write::Stage::Segmentation) => 1,
            Self::Write(write::Stage::Sections) => 2,
            Self::Write(write::Stage::Inference) => 3,
            Self::Keep => 4,
        }
    }
}

/// Tells the stages of a run apart.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    last: Duration,
    took: StageTimes,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { last: steady_time(), took: StageTimes::default() }
    }

    /// What went by since the last call was `stage`.
    pub(crate) fn ended(&mut self, stage: Stage) {
        let now = steady_time();
        if let Some(took) = self.took.get_mut(stage.place()) {
            *took += now.saturating_sub(self.last);
        }
        self.last = now;
    }

    pub(crate) fn took(&self) -> StageTimes {
        self.took
    }
}
