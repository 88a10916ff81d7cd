//! A target that is held to less than this machine has, so that it behaves as a smaller one would.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use procfs::{CpuPressure, Current, IoPressure, MemoryPressure};
use rushhour_report::result::MachineUse;
use tokio::time::Instant;

use crate::cgroup::{DiskLimits, Group, Limits, Places, mounted};
use crate::leftovers;
use crate::machine::{Disk, Shape};
use crate::processors::{Kept, cores, split};
use crate::volume::{Credits, disk_of};

/// How often a volume's credits are counted.
const CREDITS_EVERY: Duration = Duration::from_secs(1);

/// A target's group, and the generator kept away from its processors, until it is finished or dropped.
#[derive(Debug)]
pub(crate) struct Emulation {
    shape: Shape,
    /// `None` where groups cannot be made.
    group: Option<Arc<Group>>,
    credits: Option<Counting>,
    pressure: Pressure,
    _generator: Option<Kept>,
}

impl Emulation {
    /// Prepares a group of the given shape for a server whose data is going to be in `data_dir`, with what must be said of it.
    pub(crate) fn start(shape: &Shape, data_dir: &Path) -> Result<(Self, Vec<String>)> {
        let mut warnings = Vec::new();
        let mut emulation =
            Self { shape: shape.clone(), group: None, credits: None, pressure: Pressure::now(), _generator: None };
        let processors = split(&cores()?, shape.cores.unwrap_or_default())?;
        let places = match mounted() {
            Ok(places) => places,
            Err(reason) => {
                warnings
                    .push(format!("{} is not emulated: the server is a plain process, because {reason}", shape.name));
                return Ok((emulation, warnings));
            }
        };
        leftovers::sweep_groups(&places);
        let device = match &shape.disk {
            Some(_) => disk_of(data_dir)?,
            None => None,
        };
        if shape.disk.is_some() && device.is_none() {
            warnings.push(format!(
                "the disk is not emulated: {} is on none that can be held to a rate",
                data_dir.display()
            ));
        }
        let limits = Limits {
            cores: shape.cores.filter(|cores| cores.fract() > 0.0),
            processors: processors.target,
            memory_bytes: shape.memory_bytes,
            disk: shape.disk.zip(device).map(|(disk, device)| disk_limits(&disk, device)),
        };
        if shape.cores.is_some() {
            emulation._generator = Some(Kept::to(&processors.generator)?);
        }
        let group = Arc::new(group(places, &limits)?);
        if let (Some(disk), Some(limits)) = (shape.disk, limits.disk) {
            emulation.credits = Counting::start(&disk, limits, &group)?;
        }
        emulation.group = Some(group);
        Ok((emulation, warnings))
    }

    /// The files that a process writes its number into to become part of it.
    pub(crate) fn doors(&self) -> Vec<PathBuf> {
        self.group.as_ref().map(|group| group.doors()).unwrap_or_default()
    }

    /// The machine, which nobody shall take for what it is not.
    fn name(&self) -> String {
        let name = &self.shape.name;
        if self.group.is_some() {
            name.clone()
        } else {
            name.replacen("(emulated", "(not emulated, but a plain process", 1)
        }
    }

    /// What was used of the machine until now. The group is removed once this is dropped.
    pub(crate) fn used(&self) -> MachineUse {
        let used = self.group.as_ref().map(|group| group.used()).unwrap_or_default();
        let pressure = self.pressure.since();
        MachineUse {
            name: self.name(),
            is_emulated: self.group.is_some(),
            cores: self.shape.cores,
            memory_bytes: self.shape.memory_bytes,
            disk_bytes: self.shape.disk_bytes,
            ios_per_s: self.shape.disk.map(|disk| disk.ios_per_s),
            cpu_s: used.cpu_s,
            throttled_s: used.throttled_s,
            throttled_ratio: ratio(used.throttled_periods, used.periods),
            memory_peak_bytes: used.memory_peak_bytes,
            oom_kills: used.oom_kills,
            read_ios: used.read_ios,
            write_ios: used.write_ios,
            cpu_pressure_s: pressure.cpu_s,
            io_pressure_s: pressure.io_s,
            memory_pressure_s: pressure.memory_s,
        }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A group of this process' own name.
fn group(places: Places, limits: &Limits) -> Result<Group> {
    let name = leftovers::own_name().context("naming the control group")?;
    Group::create(places, &name, limits)
}

fn disk_limits(disk: &Disk, device: (u32, u32)) -> DiskLimits {
    DiskLimits {
        device,
        ios_per_s: disk.burst.map_or(disk.ios_per_s, |burst| burst.ios_per_s),
        bytes_per_s: disk.bytes_per_s,
    }
}

/// A thread that counts a volume's credits and changes what the disk takes when they are used up, or there again.
#[derive(Debug)]
struct Counting {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Counting {
    /// Starts counting, if the volume has credits at all.
    fn start(disk: &Disk, limits: DiskLimits, group: &Arc<Group>) -> Result<Option<Self>> {
        let Some(burst) = disk.burst else { return Ok(None) };
        let mut credits = Credits::full(disk.ios_per_s, burst.ios_per_s, burst.credits);
        let group = Arc::downgrade(group);
        let (stop, stopped) = channel();
        let work = move || {
            let (mut held, mut done, mut counted) = (limits, 0, Instant::now());
            while stopped.recv_timeout(CREDITS_EVERY) == Err(RecvTimeoutError::Timeout) {
                let Some(group) = group.upgrade() else { return };
                let used = group.used();
                let now = Instant::now();
                // A volume counts reads and writes together.
                let total = used.read_ios + used.write_ios;
                credits.spend(total - done, (now - counted).as_secs_f64());
                (done, counted) = (total, now);
                let ios_per_s = credits.ios_per_s();
                // A group whose limits cannot be written any more is being removed.
                if ios_per_s != held.ios_per_s && group.hold_disk(&DiskLimits { ios_per_s, ..held }).is_ok() {
                    held.ios_per_s = ios_per_s;
                }
            }
        };
        let thread = std::thread::Builder::new().name("volume-credits".into()).spawn(work)?;
        Ok(Some(Self { stop: Some(stop), thread: Some(thread) }))
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It only counts; what it panicked of is not worth losing a run for.
            let _ = thread.join();
        }
    }
}

/// How long some process of the machine has waited, for each resource, in seconds; 0 where the system does not tell.
#[derive(Clone, Copy, Debug, Default)]
struct Pressure {
    cpu_s: f64,
    io_s: f64,
    memory_s: f64,
}

impl Pressure {
    fn now() -> Self {
        let seconds = |total_us: Option<u64>| total_us.unwrap_or_default() as f64 / 1e6;
        Self {
            cpu_s: seconds(CpuPressure::current().ok().map(|pressure| pressure.some.total)),
            io_s: seconds(IoPressure::current().ok().map(|pressure| pressure.some.total)),
            memory_s: seconds(MemoryPressure::current().ok().map(|pressure| pressure.some.total)),
        }
    }

    fn since(self) -> Self {
        let now = Self::now();
        Self { cpu_s: now.cpu_s - self.cpu_s, io_s: now.io_s - self.io_s, memory_s: now.memory_s - self.memory_s }
    }
}
