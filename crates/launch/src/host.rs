//! The machine we run on: what it is, and what it has used.

use std::path::Path;

use anyhow::{Context, Result, bail};
use procfs::{CpuInfo, CpuPressure, Current, CurrentSI, KernelStats, LoadAverage, Meminfo};
use rushhour_load::observer::HostSample;
use rushhour_report::environment::Environment;
use rushhour_report::summary::bytes;

use crate::machine::Shape;
use crate::sample::cpu_s;

/// What only the caller can know of the moment and the program.
#[derive(Clone, Debug)]
pub struct Caller {
    /// When the run starts.
    pub started_at: jiff::Timestamp,
    /// The version of the program.
    pub version: String,
    /// The commit it was built from.
    pub commit: String,
    /// How it was called.
    pub command: Vec<String>,
}

/// Describes this machine. What cannot be read stays empty: a run is worth keeping all the same.
pub fn environment(caller: &Caller) -> Environment {
    let cpu = CpuInfo::current().ok();
    let uname = rustix::system::uname();
    let text = |field: &std::ffi::CStr| field.to_string_lossy().into_owned();
    Environment {
        started_at: caller.started_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        host: text(uname.nodename()),
        kernel: format!("{} {}", text(uname.sysname()), text(uname.release())),
        cpu_model: cpu.and_then(|cpu| cpu.model_name(0).map(str::to_owned)).unwrap_or_default(),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        memory_bytes: Meminfo::current().map_or(0, |memory| memory.mem_total),
        load_1m: LoadAverage::current().map_or(0.0, |load| (f64::from(load.one) * 100.0).round() / 100.0),
        version: caller.version.clone(),
        commit: caller.commit.clone(),
        command: caller.command.clone(),
    }
}

/// What this thread, this program and this machine have used so far, from Linux' `/proc`.
pub fn sample() -> HostSample {
    let total = KernelStats::current().map(|stats| stats.total).ok();
    let ticks_per_s = procfs::ticks_per_second() as f64;
    let steal = total.as_ref().and_then(|total| total.steal).unwrap_or_default();
    let all = total.as_ref().map_or(0, |t| {
        let optional = [t.iowait, t.irq, t.softirq, t.steal].map(Option::unwrap_or_default);
        t.user + t.nice + t.system + t.idle + optional.iter().sum::<u64>()
    });
    let pid = std::process::id().try_into().ok();
    let (thread_cpu_s, thread_wait_s) = thread_s().unwrap_or_default();
    let wall = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    HostSample {
        thread_cpu_s,
        thread_wait_s,
        process_cpu_s: pid.and_then(cpu_s).unwrap_or_default(),
        steal_s: steal as f64 / ticks_per_s,
        total_s: all as f64 / ticks_per_s,
        pressure_s: CpuPressure::current().ok().map(|pressure| pressure.some.total as f64 / 1e6),
        wall_s: wall.tv_sec as f64 + wall.tv_nsec as f64 / 1e9,
    }
}

/// Processor time of the calling thread, and how long it was ready and had no processor: the first two numbers of
/// `schedstat`, in nanoseconds (Linux, `Documentation/scheduler/sched-stats.rst`). `stat` counts in ticks of 10 ms.
fn thread_s() -> Option<(f64, f64)> {
    let text = std::fs::read_to_string(Path::new("/proc/thread-self/schedstat")).ok()?;
    let mut seconds = text.split_whitespace().map_while(|number| number.parse::<u64>().ok()).map(|ns| ns as f64 / 1e9);
    Some((seconds.next()?, seconds.next()?))
}

/// A launch writes at least this much: its log and what it measures.
const FREE_BYTES_MIN: u64 = 256 << 20;
/// A machine with more waiting for each of its cores is at something else.
const LOAD_PER_CORE_MAX: f32 = 0.5;

/// What is looked at before a run.
#[derive(Clone, Debug)]
struct Ground {
    /// Room on the disk of the results.
    free_bytes: u64,
    /// How the processors' speed is chosen, where the system tells.
    governor: Option<String>,
    cores: usize,
    /// How many waited for them, over the last minute.
    load: f32,
}

/// Looks whether this machine is fit for a run that is kept below `out`, and says what must be known of it.
pub(crate) fn preflight(out: &Path, shape: Option<&Shape>) -> Result<Vec<String>> {
    std::fs::create_dir_all(out).with_context(|| format!("creating {}", out.display()))?;
    let disk = rustix::fs::statvfs(out).with_context(|| format!("looking at the disk of {}", out.display()))?;
    let ground = Ground {
        free_bytes: disk.f_bavail * disk.f_frsize,
        governor: std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").ok(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        load: LoadAverage::current().map_or(0.0, |load| load.one),
    };
    ground.judge(out, shape.and_then(|shape| shape.disk_bytes))
}

impl Ground {
    /// What must be known of it, for a target whose disk is to have so much room.
    ///
    /// # Errors
    /// When there is no room for the run itself.
    fn judge(&self, out: &Path, disk_bytes: Option<u64>) -> Result<Vec<String>> {
        let Self { free_bytes, governor, cores, load } = self;
        let mut warnings = Vec::new();
        if *free_bytes < FREE_BYTES_MIN {
            bail!(
                "only {} MB are free for {}, and a run needs {}: make room, or choose another disk with --out",
                free_bytes / 1_000_000,
                out.display(),
                FREE_BYTES_MIN / 1_000_000
            );
        }
        if let Some(size) = disk_bytes.filter(|size| free_bytes < size) {
            warnings.push(format!(
                "the volume is to have {}, and {} has only {} free",
                bytes(size),
                out.display(),
                bytes(*free_bytes)
            ));
        }
        if let Some(governor) = governor.as_deref().map(str::trim).filter(|governor| *governor != "performance") {
            warnings.push(format!("the processors' governor is `{governor}`: their speed changes with the load"));
        }
        if *cores < 2 {
            warnings.push("there is one core for the generator and the target".to_owned());
        }
        if *load > LOAD_PER_CORE_MAX * *cores as f32 {
            warnings.push(format!(
                "the machine was busy before the run: a load of {load:.1} on {cores} cores over the last minute"
            ));
        }
        Ok(warnings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_not_fit_is_refused_or_warned_of() {
        let calm = Ground { free_bytes: 20 << 30, governor: Some("performance\n".to_owned()), cores: 2, load: 0.9 };
        let said = |ground: &Ground| ground.judge(Path::new("results"), Some(10 << 30));
        assert_eq!(said(&calm).unwrap(), [""; 0]);
        assert_eq!(said(&Ground { governor: None, ..calm.clone() }).unwrap(), [""; 0]);
        for (ground, why) in [
            (
                Ground { free_bytes: 9 << 30, ..calm.clone() },
                "the volume is to have 10.7 GB, and results has only 9.66 GB free",
            ),
            (Ground { governor: Some("powersave\n".to_owned()), ..calm.clone() }, "governor is `powersave`"),
            (Ground { cores: 1, load: 0.4, ..calm.clone() }, "there is one core"),
            (Ground { load: 1.1, ..calm.clone() }, "a load of 1.1 on 2 cores"),
        ] {
            let warnings = said(&ground).unwrap();
            assert!(warnings.len() == 1 && warnings.iter().all(|warning| warning.contains(why)), "{warnings:?}");
        }
        let full = said(&Ground { free_bytes: 100_000_000, ..calm }).unwrap_err().to_string();
        assert!(full.contains("only 100 MB are free for results") && full.contains("--out"), "{full}");
    }

    #[test]
    fn the_machine_counts_what_this_thread_uses() {
        let before = sample();
        let busy = (0..20_000_000_u64).fold(0, |sum: u64, n| std::hint::black_box(sum ^ n));
        std::hint::black_box(busy);
        let after = sample();
        assert!(after.thread_cpu_s > before.thread_cpu_s);
        assert!(after.total_s > 0.0 && after.total_s >= before.total_s);
    }
}
