//! What a target uses, once a second, from outside.

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
    thread: JoinHandle<Result<TargetUse>>,
}

impl Sampler {
    /// Starts watching process `pid`, whose data is in `data_dir`.
    pub(crate) fn start(pid: i32, data_dir: &Path, csv: &Path) -> Result<Self> {
        let process = Process::new(pid).context("looking at the server's process")?;
        let mut writer = csv::Writer::from_writer(File::create(csv).context("creating the samples' file")?);
        let data_dir = data_dir.to_owned();
        let (stop, stopped) = channel();
        let work = move || {
            let started = Instant::now();
            loop {
                let sample = sample(&process, &data_dir, started.elapsed())?;
                writer.serialize(sample)?;
                writer.flush()?;
                if stopped.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout) {
                    return total(&process, &data_dir);
                }
            }
        };
        let thread = std::thread::Builder::new().name("sampler".into()).spawn(work)?;
        Ok(Self { stop, thread })
    }

    /// What the process has used until now.
    pub(crate) fn finish(self) -> Result<TargetUse> {
        drop(self.stop);
        match self.thread.join() {
            Ok(total) => total.context("watching the server"),
            Err(panic) => std::panic::resume_unwind(panic),
        }
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
