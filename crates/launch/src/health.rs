//! How healthy the machine is while a run goes on, second by second, in `health.csv`: a run's numbers are only worth what
//! the machine was at that moment.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use rushhour_load::observer::HostSample;
use rushhour_report::page::HealthSample;

use crate::host::sample;

pub(crate) const HEALTH_FILE: &str = "health.csv";

/// Looks at the machine whenever a second of the run is over, on a thread of its own, so that sending does not wait.
#[derive(Debug)]
pub struct HealthLog {
    seconds: Sender<f64>,
    thread: JoinHandle<Result<()>>,
}

impl HealthLog {
    /// Starts a log in the folder `dir`.
    ///
    /// # Errors
    /// When its file cannot be made.
    pub(crate) fn create(dir: &Path) -> Result<Self> {
        let path = dir.join(HEALTH_FILE);
        let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        let (seconds, passed) = channel();
        let work = move || keep(&passed, file).with_context(|| format!("writing {}", path.display()));
        let thread = std::thread::Builder::new().name("health".into()).spawn(work)?;
        Ok(Self { seconds, thread })
    }

    /// Looks: the run is so many seconds old.
    pub(crate) fn look(&self, at_s: f64) {
        // Whoever does not read any more has failed to write, and says so at the end.
        let _ = self.seconds.send(at_s);
    }

    /// Waits for what is still to be written.
    pub(crate) fn finish(self) -> Result<()> {
        drop(self.seconds);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn keep(passed: &Receiver<f64>, file: File) -> Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    let mut before = sample();
    for at_s in passed {
        let now = sample();
        writer.serialize(between(&before, &now, at_s))?;
        writer.flush()?;
        before = now;
    }
    Ok(())
}

fn between(before: &HostSample, now: &HostSample, at_s: f64) -> HealthSample {
    let ratio =
        |part: f64, whole: f64| if whole > 0.0 { ((part / whole * 1e4).round() / 1e4).clamp(0.0, 1.0) } else { 0.0 };
    let total_s = now.total_s - before.total_s;
    let wall_s = now.wall_s - before.wall_s;
    HealthSample {
        at_s,
        steal_ratio: ratio(now.steal_s - before.steal_s, total_s),
        pressure_ratio: now.pressure_s.zip(before.pressure_s).map(|(now, before)| ratio(now - before, wall_s)),
        generator_ratio: ratio(now.process_cpu_s - before.process_cpu_s, total_s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_is_told_by_what_passed_in_it() {
        let at = |steal_s, wall_s| HostSample {
            steal_s,
            wall_s,
            total_s: wall_s * 2.0,
            process_cpu_s: wall_s / 2.0,
            ..sample()
        };
        let found = between(&at(1.0, 10.0), &HostSample { pressure_s: None, ..at(1.5, 11.0) }, 3.0);
        assert_eq!(found, HealthSample { at_s: 3.0, steal_ratio: 0.25, pressure_ratio: None, generator_ratio: 0.25 });
    }

    #[test]
    fn the_file_holds_a_line_for_each_second() {
        let dir = tempfile::tempdir().unwrap();
        let log = HealthLog::create(dir.path()).unwrap();
        [1.0, 2.0].into_iter().for_each(|at_s| log.look(at_s));
        log.finish().unwrap();
        let text = std::fs::read_to_string(dir.path().join(HEALTH_FILE)).unwrap();
        let kept: Vec<HealthSample> = rushhour_report::page::read_samples(&text).unwrap();
        assert_eq!(kept.iter().map(|sample| sample.at_s).collect::<Vec<_>>(), [1.0, 2.0]);
    }
}
