//! What a run tells while it goes on. Libraries call an observer; only the command line prints.

use std::time::Duration;

use rushhour_report::interval::Interval;

use crate::upload::Uploaded;

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Starting the target and waiting until it is ready.
    Start,
    /// Making the users known to the target.
    Register,
    /// Uploading the days before the run.
    Upload,
    /// Waiting for the target's pipeline.
    Settle,
    /// Making what will be sent.
    Prepare,
    /// Waiting for the moment at which all machines start.
    Wait,
    /// Sending, not counting.
    WarmUp,
    /// Sending and counting.
    Measure,
    /// Waiting for what is still under way.
    Drain,
    /// Stopping the target.
    Stop,
}

/// Is told how far a run is.
pub trait Observer {
    /// A stage begins that has this many steps.
    fn steps(&self, stage: Stage, steps: u64);
    /// A stage begins that takes this long.
    fn lasts(&self, stage: Stage, length: Duration);
    /// One more step of the present stage is done.
    fn step(&self);
    /// Another day of everybody is uploaded.
    fn uploaded(&self, _uploaded: &Uploaded) {}
    /// Another second of sending is over.
    fn interval(&self, _interval: &Interval) {}
    /// The run is over.
    fn finish(&self);
}

/// What the generator and its machine have used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HostSample {
    /// Processor time of the calling thread.
    pub thread_cpu_s: f64,
    /// How long the calling thread was ready to run and had no processor.
    pub thread_wait_s: f64,
    /// Processor time of this program.
    pub process_cpu_s: f64,
    /// Processor time of the machine that the hypervisor gave to others.
    pub steal_s: f64,
    /// All processor time of the machine, used or not.
    pub total_s: f64,
    /// How long some process waited for a processor; `None` where the system does not tell.
    pub pressure_s: Option<f64>,
    /// The time of day, in seconds since 1970.
    pub wall_s: f64,
}

/// Reads the counters of the machine that sends. Called on the sending thread.
pub type HostProbe = fn() -> HostSample;
