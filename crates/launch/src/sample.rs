//! What a target uses, once a second, from outside.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use procfs::process::Process;
use rushhour_report::result::TargetUse;
use serde::Serialize;
use tokio::time::Instant;

const INTERVAL: Duration = Duration::from_secs(1);

/// One line of `target.csv`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct TargetSample {
    /// Seconds since the first sample.
    at_s: f64,
    /// Processor time since the start of the process.
    cpu_s: f64,
    /// Memory it holds.
    memory_bytes: u64,
    /// Room its data takes on the disk.
    disk_bytes: u64,
    /// Bytes it has handed to the disk.
    written_bytes: u64,
}

/// Watches a process until told to stop, line by line into a file.
#[derive(Debug)]
pub(crate) struct Sampler {
    stop: Sender<()>,
    thread: JoinHandle<Result<(TargetUse, Parts)>>,
}

/// Processor time by what it was used for: the names of the process' threads, without their numbers.
pub(crate) type Parts = BTreeMap<String, f64>;

impl Sampler {
    /// Starts watching process `pid`, whose data is in `data_dir`.
    pub(crate) fn start(pid: i32, data_dir: &Path, csv: &Path) -> Result<Self> {
        let process = Process::new(pid).context("looking at the server's process")?;
        let mut writer = csv::Writer::from_writer(File::create(csv).context("creating the samples' file")?);
        let data_dir = data_dir.to_owned();
        let (stop, stopped) = channel();
        let work = move || {
            let started = Instant::now();
            let mut threads = Threads::default();
            loop {
                threads.look(&process);
                let sample = sample(&process, &data_dir, started.elapsed())?;
                writer.serialize(sample)?;
                writer.flush()?;
                if stopped.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout) {
                    return Ok((total(&process, &data_dir)?, threads.parts()));
                }
            }
        };
        let thread = std::thread::Builder::new().name("sampler".into()).spawn(work)?;
        Ok(Self { stop, thread })
    }

    /// What the process has used until now.
    pub(crate) fn finish(self) -> Result<(TargetUse, Parts)> {
        drop(self.stop);
        match self.thread.join() {
            Ok(total) => total.context("watching the server"),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// What each thread had used when it was last looked at: threads end, and their time with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Threads(BTreeMap<(i32, u64), (String, f64)>);

impl Threads {
    fn look(&mut self, process: &Process) {
        // A thread may end while it is looked at.
        let stats = process.tasks().into_iter().flatten().filter_map(|task| task.ok()?.stat().ok());
        for stat in stats {
            let cpu_s = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
            self.0.insert((stat.pid, stat.starttime), (stat.comm, cpu_s));
        }
    }

    /// What the threads of process `pid` have used by now; nothing when it has ended.
    pub(crate) fn of(pid: i32) -> Self {
        let mut threads = Self::default();
        if let Ok(process) = Process::new(pid) {
            threads.look(&process);
        }
        threads
    }

    /// What was used since `before`. What threads used that have ended since then is lost.
    pub(crate) fn since(mut self, before: &Self) -> Parts {
        for (thread, (_, cpu_s)) in &mut self.0 {
            *cpu_s -= before.0.get(thread).map_or(0.0, |(_, before_s)| *before_s);
        }
        self.parts()
    }

    fn parts(self) -> Parts {
        let mut parts = Parts::new();
        for (name, cpu_s) in self.0.into_values() {
            let part = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
            *parts.entry(part.to_owned()).or_default() += cpu_s;
        }
        parts.retain(|_, cpu_s| *cpu_s > 0.0);
        parts
    }
}

/// Processor time that process `pid` has used.
pub(crate) fn cpu_s(pid: i32) -> Option<f64> {
    Process::new(pid).and_then(|process| process_cpu_s(&process)).ok()
}

fn process_cpu_s(process: &Process) -> procfs::ProcResult<f64> {
    let stat = process.stat()?;
    Ok((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64)
}

fn sample(process: &Process, data_dir: &Path, at: Duration) -> Result<TargetSample> {
    Ok(TargetSample {
        at_s: at.as_secs_f64(),
        cpu_s: process_cpu_s(process)?,
        memory_bytes: process.status()?.vmrss.unwrap_or_default() * 1024,
        disk_bytes: disk_bytes(data_dir)?,
        written_bytes: process.io()?.write_bytes,
    })
}

fn total(process: &Process, data_dir: &Path) -> Result<TargetUse> {
    Ok(TargetUse {
        cpu_s: Some(process_cpu_s(process)?),
        measure_cpu_s: None,
        measure_parts_cpu_s: Parts::new(),
        measure_ios: None,
        memory_peak_bytes: process.status()?.vmhwm.map(|kilobytes| kilobytes * 1024),
        disk_bytes: Some(disk_bytes(data_dir)?),
        written_bytes: Some(process.io()?.write_bytes),
    })
}

/// The room that the files below `dir` take: allocated blocks, as `du` counts them.
fn disk_bytes(dir: &Path) -> Result<u64> {
    /// `st_blocks` counts in these, whatever the file system's own blocks are (POSIX, `sys/stat.h`).
    const BLOCK_BYTES: u64 = 512;
    let mut bytes = 0;
    let mut dirs: Vec<PathBuf> = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for item in std::fs::read_dir(&dir).with_context(|| format!("listing {}", dir.display()))? {
            let item = item?;
            // A file may go away between being listed and being looked at.
            let Ok(metadata) = item.metadata() else { continue };
            bytes += metadata.blocks() * BLOCK_BYTES;
            if metadata.is_dir() {
                dirs.push(item.path());
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_have_ended_count_under_their_names() {
        let of = |name: &str, cpu_s| (name.to_owned(), cpu_s);
        let threads = [((1, 1), of("intake-0", 1.5)), ((2, 1), of("intake-1", 2.0)), ((2, 9), of("requests", 0.5))];
        let idle = ((3, 1), of("idle", 0.0));
        let parts = Threads(threads.into_iter().chain([idle]).collect()).parts();
        assert_eq!(parts, Parts::from([of("intake", 3.5), of("requests", 0.5)]));
        let own = Threads::of(std::process::id().try_into().unwrap());
        assert!(!own.0.is_empty());
        let since = Threads([((1, 1), of("log", 5.0))].into()).since(&Threads([((1, 1), of("log", 3.5))].into()));
        assert_eq!(since, Parts::from([of("log", 1.5)]));
    }

    #[test]
    fn the_disk_is_counted_through_all_folders() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("log")).unwrap();
        std::fs::write(dir.path().join("log/a"), [1; 10_000]).unwrap();
        let with_one = disk_bytes(dir.path()).unwrap();
        std::fs::write(dir.path().join("b"), [1; 10_000]).unwrap();
        assert!(with_one >= 10_000);
        assert!(disk_bytes(dir.path()).unwrap() >= with_one + 10_000);
    }
}
