//! A machine that can be rented: what it has, and what a month of it costs.

use crate::nearest::suggestion;

/// The hours of a month, as prices by the hour are told by the month.
pub const HOURS_PER_MONTH: f64 = 730.0;

/// An instance type, as a row of a price list names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Such as `m5.large`.
    pub name: String,
    /// Processors as it shows them. Of an x86 machine most are hyperthreads: two share a core.
    pub vcpus: u32,
    /// Cores that share nothing: what computing is counted in.
    pub physical_cores: u32,
    /// Its memory.
    pub memory_bytes: u64,
    /// What it may use of its processors without end; 1 unless it bursts on credits.
    pub cpu_baseline_ratio: f64,
    /// Its network without bursts, in megabits per second, where it is known.
    pub net_baseline_mbps: Option<f64>,
    /// Its way to its volumes without bursts, in megabits per second, where it is known.
    pub ebs_baseline_mbps: Option<f64>,
    /// Reads and writes of its volumes per second without bursts, where it is known.
    pub ebs_baseline_iops: Option<f64>,
    /// On demand, without anything but the machine.
    pub price_month_usd: f64,
    /// When that was the price.
    pub price_date: String,
    /// Who says so.
    pub price_source: String,
}

impl Instance {
    /// The cores that it can keep busy for months: those of one that bursts on credits count at their baseline.
    pub fn sustained_cores(&self) -> f64 {
        f64::from(self.physical_cores) * self.cpu_baseline_ratio
    }

    /// Whether it may be busier than its baseline for a while.
    pub fn is_burstable(&self) -> bool {
        self.cpu_baseline_ratio < 1.0
    }
}

/// A name that is no instance's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no instance `{name}` in the price list{}", suggestion(name, nearest.iter().map(String::as_str)))]
pub struct UnknownInstance {
    /// What was asked for.
    pub name: String,
    /// What may have been meant, the nearest first.
    pub nearest: Vec<String>,
}
