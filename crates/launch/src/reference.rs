//! A reference server around a run: started on its machine, watched, asked what it came to, and stopped.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use anyhow::{Context, Error, Result};
use rushhour_load::address::Address;
use rushhour_load::observer::{Observer, Stage};
use rushhour_load::software::Software;
use rushhour_load::stop::Stop;
use rushhour_load::{Finished, Run, run};
use rushhour_report::result::{DiskOperations, MachineUse, TargetUse, Verdict};
use rushhour_report::study::{Sitting, Truth};
use tokio::time::Instant;

use crate::cgroup::PERIOD;
use crate::emulation::Emulation;
use crate::host::sample;
use crate::leftovers::{DATA_DIR, Running};
use crate::machine::Shape;
use crate::marks::{Mark, Marking};
use crate::process::ServerProcess;
use crate::rundir::RunDir;
use crate::sample::{Parts, Sampler, Threads, cpu_s};
use crate::study::{self, Inspect};

/// The threads of a server that seal, whose processor time goes by their name.
const SEALING: &str = "sealing";

/// A server of our own.
pub(crate) struct Reference<'a> {
    /// This program, or another build of it.
    pub(crate) program: &'a Path,
    /// What it is told beside where to listen and keep its data.
    pub(crate) flags: &'a [OsString],
    /// The machine it is to have.
    pub(crate) shape: Option<&'a Shape>,
    /// Who looks at it, if the run is a study.
    pub(crate) inspect: Option<&'a dyn Inspect>,
}

impl Reference<'_> {
    /// The result of a run against it, and what went wrong with the server beside it.
    pub(crate) async fn run(
        &self,
        dir: &RunDir,
        run_at: impl FnOnce(Address, Option<Software>) -> Result<Run>,
        observer: Rc<dyn Observer>,
        stop: Stop,
    ) -> Result<(Finished, Result<()>)> {
        let _running = Running::in_dir(dir.path())?;
        let mut study = match self.inspect {
            Some(_) => Some(study::read_study(dir.path())?.unwrap_or_default()),
            None => None,
        };
        if let Some(study) = &study {
            study::keep(dir.path(), study)?;
        }
        let mut data = Data::in_dir(dir, study.is_some())?;
        let (started, cpu_before_s) = (Instant::now(), sample().process_cpu_s);
        let (mut finished, served) = self.serve(dir, &data.dir, run_at, observer, stop).await?;
        let is_over = finished.result.verdict != Verdict::Interrupted;
        if let (Some(study), Some(inspect)) = (&mut study, self.inspect) {
            let cpu_served_s = sample().process_cpu_s;
            let mut target_cpu_s = served.parts;
            // What an interrupted sitting left in the log is for the server to seal.
            if is_over {
                study.disk_bytes = inspect.sealed_bytes(&data.dir).context("measuring the target's data")?;
                *target_cpu_s.entry(SEALING.to_owned()).or_default() += sample().process_cpu_s - cpu_served_s;
            }
            let sitting = Sitting {
                started_at: finished.result.environment.started_at.clone(),
                commit: finished.result.environment.commit.clone(),
                seconds: started.elapsed().as_secs_f64(),
                days: study::read_uploaded(dir.path())?.days,
                target_cpu_s,
                generator_cpu_s: cpu_served_s - cpu_before_s,
                memory_peak_bytes: served.used.memory_peak_bytes.unwrap_or_default(),
            };
            study.truth = served.truth;
            study::add(study, &finished.result, sitting);
            study::keep(dir.path(), study)?;
        }
        data.is_kept = study.is_some() && !is_over;
        finished.result.target_use = Some(served.used);
        finished.result.warnings.extend(served.warnings);
        finished.result.warnings.extend(served.machine.as_ref().and_then(throttling));
        finished.result.machine = served.machine;
        finished.result.warnings.extend(finished.result.overfull());
        Ok((finished, served.stopped))
    }

    /// Starts it, runs against it, and stops it.
    async fn serve(
        &self,
        dir: &RunDir,
        data_dir: &Path,
        run_at: impl FnOnce(Address, Option<Software>) -> Result<Run>,
        observer: Rc<dyn Observer>,
        stop: Stop,
    ) -> Result<(Finished, Served)> {
        let emulation = self.shape.map(|shape| Emulation::start(shape, data_dir)).transpose()?;
        let (emulation, warnings) = emulation.unzip();
        let emulation = emulation.map(Rc::new);
        let doors = emulation.as_deref().map(Emulation::doors).unwrap_or_default();
        observer.steps(Stage::Start, 1);
        let log = dir.unused("server", ".log");
        let machine_used = || emulation.as_deref().map(Emulation::used);
        let server = ServerProcess::start(self.program, self.flags, (data_dir, &log), &doors).await;
        let server = server.map_err(|error| explained(error, machine_used().as_ref()))?;
        let pid = server.pid().context("the server ended at once")?;
        let sampler = Sampler::start(pid, data_dir, &dir.unused("target", ".csv"))?;
        let measured = Rc::new(RefCell::new(Measured::default()));
        // A request that nobody waits for any more may hold the observer; the next launch needs the group's name.
        let (noted, noting) = (Rc::clone(&measured), emulation.as_ref().map(Rc::downgrade));
        let taken = move || Taken::of(pid, noting.as_ref().and_then(Weak::upgrade).as_deref());
        let marking = Marking::new(Rc::clone(&observer), move |mark| match mark {
            Mark::MeasureBegins => noted.borrow_mut().begin = taken(),
            Mark::MeasureEnds => noted.borrow_mut().end = taken(),
            Mark::Over => {}
        });
        let address = server.address().clone();
        let outcome = run(run_at(address.clone(), None)?, sample, Rc::new(marking), stop).await;
        let mut truth = None;
        if let (Some(inspect), Ok(finished)) = (self.inspect, &outcome)
            && finished.result.verdict != Verdict::Interrupted
            && finished.result.upload.full_after_days.is_none()
        {
            truth = Some(inspect.truth(&address).await.context("comparing what was found with the truth")?);
        }
        observer.steps(Stage::Stop, 1);
        let used = sampler.finish();
        let machine = machine_used();
        let stopped = server.stop().await.map_err(|error| explained(error, machine.as_ref()));
        observer.finish();
        let finished = match (outcome, &stopped) {
            (Ok(finished), _) => finished,
            // A server that died is the better explanation of whatever else went wrong.
            (Err(_), Err(_)) => return Err(stopped.expect_err("just seen")),
            (Err(error), Ok(())) => return Err(error.into()),
        };
        let (used, trouble) = match used {
            Ok(used) => (used, Ok(())),
            Err(error) => (Default::default(), Err(error)),
        };
        let (mut used, parts) = used;
        measured.take().put_into(&mut used);
        let warnings = warnings.unwrap_or_default();
        Ok((finished, Served { used, parts, machine, truth, warnings, stopped: stopped.and(trouble) }))
    }
}

/// What a server had used by a moment; nothing when it had ended.
#[derive(Debug, Default)]
struct Taken {
    cpu_s: Option<f64>,
    threads: Threads,
    ios: Option<DiskOperations>,
}

impl Taken {
    fn of(pid: i32, emulation: Option<&Emulation>) -> Self {
        let machine = emulation.map(Emulation::used).filter(|machine| machine.is_emulated);
        let ios = machine.map(|machine| DiskOperations { read: machine.read_ios, write: machine.write_ios });
        Self { cpu_s: cpu_s(pid), threads: Threads::of(pid), ios }
    }
}

/// What it had used when *measure* began and when it ended.
#[derive(Debug, Default)]
struct Measured {
    begin: Taken,
    end: Taken,
}

impl Measured {
    fn put_into(self, used: &mut TargetUse) {
        let Self { begin, end } = self;
        used.measure_cpu_s = begin.cpu_s.zip(end.cpu_s).map(|(begin_s, end_s)| end_s - begin_s);
        if used.measure_cpu_s.is_some() {
            used.measure_parts_cpu_s = end.threads.since(&begin.threads);
        }
        used.measure_ios = begin
            .ios
            .zip(end.ios)
            .map(|(begin, end)| DiskOperations { read: end.read - begin.read, write: end.write - begin.write });
    }
}

/// What a server came to beside its answers.
struct Served {
    used: TargetUse,
    parts: Parts,
    machine: Option<MachineUse>,
    truth: Option<Truth>,
    warnings: Vec<String>,
    /// What went wrong with it.
    stopped: Result<()>,
}

/// The folder of a server's data, which goes with the run unless it is kept for another sitting.
struct Data {
    dir: PathBuf,
    is_kept: bool,
}

impl Data {
    fn in_dir(dir: &RunDir, is_kept: bool) -> Result<Self> {
        let dir = dir.join(DATA_DIR);
        std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
        Ok(Self { dir, is_kept })
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if !self.is_kept {
            // Nobody needs it any more, and the next launch tries again.
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// A server that needed more memory than its machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfMemory {
    memory_bytes: u64,
}

impl Display for OutOfMemory {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "the server needed more than its {} MiB of memory and was killed", self.memory_bytes >> 20)
    }
}

/// Why a server has ended, if its machine knows better.
fn explained(error: Error, machine: Option<&MachineUse>) -> Error {
    match machine {
        Some(MachineUse { oom_kills: 1.., memory_bytes: Some(bytes), .. }) => {
            error.context(OutOfMemory { memory_bytes: *bytes })
        }
        _ => error,
    }
}

/// What must be said of latencies when the target's share of a core was used up.
fn throttling(machine: &MachineUse) -> Option<String> {
    let percent = machine.throttled_ratio * 100.0;
    (machine.throttled_ratio > 0.0).then(|| {
        format!(
            "the target's share of a core was used up in {percent:.1} % of the periods of {} ms: its latencies have stops of that length in \
             them",
            PERIOD.as_millis()
        )
    })
}
