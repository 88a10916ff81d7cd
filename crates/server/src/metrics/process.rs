//! What the kernel says about this process, by the names that Prometheus' own clients use.

use procfs::process::Process;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// What it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ProcessFigures {
    pub(crate) cpu_s: f64,
    pub(crate) resident_bytes: f64,
    pub(crate) virtual_bytes: f64,
    pub(crate) open_files: f64,
    pub(crate) open_files_max: f64,
    pub(crate) threads: f64,
    /// When it started, in seconds since 1970.
    pub(crate) started_s: f64,
}

impl ProcessFigures {
    /// Asks; `None` where nobody answers.
    pub(crate) fn now() -> Option<Self> {
        let process = Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let ticks_per_s = procfs::ticks_per_second() as f64;
        let limits = process.limits().ok();
        let open_files_max = limits.map(|limits| match limits.max_open_files.soft_limit {
            procfs::process::LimitValue::Unlimited => f64::INFINITY,
            procfs::process::LimitValue::Value(files) => files as f64,
        });
        Some(Self {
            cpu_s: (stat.utime + stat.stime) as f64 / ticks_per_s,
            resident_bytes: (stat.rss * procfs::page_size()) as f64,
            virtual_bytes: stat.vsize as f64,
            open_files: process.fd_count().ok()? as f64,
            open_files_max: open_files_max.unwrap_or_default(),
            threads: stat.num_threads as f64,
            started_s: procfs::boot_time_secs().ok()? as f64 + stat.starttime as f64 / ticks_per_s,
        })
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let cpu = Counter::<f64, AtomicU64>::default();
        cpu.inc_by(self.cpu_s);
        registry.register_with_unit("process_cpu", "CPU time, of user and system together", Unit::Seconds, cpu);
        let gauges = [
            ("process_resident_memory_bytes", "Memory that is really there", self.resident_bytes),
            ("process_virtual_memory_bytes", "Addresses that are taken", self.virtual_bytes),
            ("process_open_fds", "Open files and connections", self.open_files),
            ("process_max_fds", "How many there may be", self.open_files_max),
            ("process_threads", "Threads", self.threads),
            ("process_start_time_seconds", "When the process started, in seconds since 1970", self.started_s),
        ];
        for (name, help, value) in gauges {
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_files_and_memory_and_started_after_1970() {
        let figures = ProcessFigures::now().unwrap();
        assert!(figures.resident_bytes > 0.0 && figures.open_files > 0.0 && figures.threads > 0.0, "{figures:?}");
        assert!(figures.started_s > 1e9 && figures.open_files_max > 0.0, "{figures:?}");
    }
}
