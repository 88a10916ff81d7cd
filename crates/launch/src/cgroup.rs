//! Control groups: how Linux holds a process to less than the machine has, and counts what it took. Version 2 where its
//! controllers are, version 1 where they are not; the files are written directly (Linux, `admin-guide/cgroup-v2.rst` and
//! `cgroup-v1/`).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

mod mounted;
mod used;

pub(crate) use mounted::mounted;
pub(crate) use used::GroupUse;

/// How long a share of a core is handed out for: quota freezes every thread until the period ends, so a shorter one makes shorter
/// stalls. 100 ms is the kernel's default, 1 ms its least.
pub(crate) const PERIOD: Duration = Duration::from_millis(10);
/// A group whose last process has just ended is busy for a moment.
const REMOVE_TRIES_MAX: u32 = 200;
const REMOVE_PAUSE: Duration = Duration::from_millis(10);

/// What is limited or counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Controller {
    /// Shares of processor time.
    Cpu,
    /// Processor time used; part of `Cpu` in version 2.
    CpuAccounting,
    /// Which processors.
    CpuSet,
    /// Memory.
    Memory,
    /// The disk.
    Disk,
}

impl Controller {
    const ALL: [Self; 5] = [Self::Cpu, Self::CpuAccounting, Self::CpuSet, Self::Memory, Self::Disk];

    /// Its name in version 1.
    fn first_name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::CpuAccounting => "cpuacct",
            Self::CpuSet => "cpuset",
            Self::Memory => "memory",
            Self::Disk => "blkio",
        }
    }
}

/// The two forms of the kernel's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// A tree for each controller.
    First,
    /// One tree.
    Second,
}

/// Where new groups can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// Which form.
    pub(crate) version: Version,
    /// The folder below which a group is made, for each controller.
    pub(crate) dirs: BTreeMap<Controller, PathBuf>,
}

/// What a group is held to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    /// Which processors; all when empty.
    pub(crate) processors: Vec<usize>,
    /// Processor time per second, in cores; `None` when the processors alone are the limit.
    pub(crate) cores: Option<f64>,
    /// The most memory, in bytes; there is no swap beside it.
    pub(crate) memory_bytes: Option<u64>,
    /// What the disk takes.
    pub(crate) disk: Option<DiskLimits>,
}

/// What a disk takes. The kernel counts reads and writes apart; a store hardly reads while it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DiskLimits {
    /// Which disk: major and minor number.
    pub(crate) device: (u32, u32),
    /// Operations per second.
    pub(crate) ios_per_s: u64,
    /// Bytes per second.
    pub(crate) bytes_per_s: Option<u64>,
}

/// A group of processes. Dropping it ends whatever runs in it and removes it.
#[derive(Debug)]
pub(crate) struct Group {
    places: Places,
    name: String,
}

impl Group {
    /// Makes an empty group called `name`, held to `limits`.
    pub(crate) fn create(places: Places, name: &str, limits: &Limits) -> Result<Self> {
        // One that is there is somebody else's, and not to be removed with ours.
        let mut group = Self { places: Places { dirs: BTreeMap::new(), ..places }, name: name.to_owned() };
        for (controller, place) in places.dirs {
            let dir = place.join(name);
            if !group.dirs().contains(&dir) {
                fs::create_dir(&dir).with_context(|| format!("making the control group {}", dir.display()))?;
            }
            group.places.dirs.insert(controller, place);
        }
        group.hold(limits)?;
        Ok(group)
    }

    /// The files a process writes its number into to become part of the group.
    pub(crate) fn doors(&self) -> Vec<PathBuf> {
        self.dirs().iter().map(|dir| dir.join("cgroup.procs")).collect()
    }

    /// Changes what the disk takes.
    pub(crate) fn hold_disk(&self, limits: &DiskLimits) -> Result<()> {
        let DiskLimits { device: (major, minor), ios_per_s, bytes_per_s } = limits;
        match self.places.version {
            Version::First => {
                for way in ["read", "write"] {
                    let ios = format!("{major}:{minor} {ios_per_s}");
                    self.write(Controller::Disk, &format!("blkio.throttle.{way}_iops_device"), &ios)?;
                    if let Some(bytes_per_s) = bytes_per_s {
                        let bytes = format!("{major}:{minor} {bytes_per_s}");
                        self.write(Controller::Disk, &format!("blkio.throttle.{way}_bps_device"), &bytes)?;
                    }
                }
                Ok(())
            }
            Version::Second => {
                let bytes = bytes_per_s.map_or_else(|| "max".to_owned(), |bytes| bytes.to_string());
                let line = format!("{major}:{minor} riops={ios_per_s} wiops={ios_per_s} rbps={bytes} wbps={bytes}");
                self.write(Controller::Disk, "io.max", &line)
            }
        }
    }

    fn hold(&self, limits: &Limits) -> Result<()> {
        self.hold_processors(&limits.processors)?;
        if let Some(cores) = limits.cores {
            let quota_us = (cores * PERIOD.as_micros() as f64).round();
            match self.places.version {
                Version::First => {
                    self.write(Controller::Cpu, "cpu.cfs_period_us", &PERIOD.as_micros().to_string())?;
                    self.write(Controller::Cpu, "cpu.cfs_quota_us", &quota_us.to_string())?;
                }
                Version::Second => {
                    self.write(Controller::Cpu, "cpu.max", &format!("{quota_us} {}", PERIOD.as_micros()))?;
                }
            }
        }
        if let Some(bytes) = limits.memory_bytes {
            self.hold_memory(bytes)?;
        }
        limits.disk.as_ref().map_or(Ok(()), |disk| self.hold_disk(disk))
    }

    fn hold_processors(&self, processors: &[usize]) -> Result<()> {
        if processors.is_empty() && self.places.version == Version::Second {
            return Ok(());
        }
        let dir = self.dir(Controller::CpuSet)?;
        if self.places.version == Version::First {
            // A group of the first version takes no process before it has memory nodes and processors.
            let of_parent = |name: &str| {
                let parent = dir.parent().unwrap_or(&dir).join(name);
                fs::read_to_string(&parent).with_context(|| format!("reading {}", parent.display()))
            };
            self.write(Controller::CpuSet, "cpuset.mems", of_parent("cpuset.effective_mems")?.trim())?;
            if processors.is_empty() {
                let all = of_parent("cpuset.effective_cpus")?;
                return self.write(Controller::CpuSet, "cpuset.cpus", all.trim());
            }
        }
        let list: Vec<_> = processors.iter().map(ToString::to_string).collect();
        self.write(Controller::CpuSet, "cpuset.cpus", &list.join(","))
    }

    fn hold_memory(&self, bytes: u64) -> Result<()> {
        let bytes = bytes.to_string();
        // The first version's limit of swap is of both together.
        let (memory, swap, swap_max) = match self.places.version {
            Version::First => ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", bytes.as_str()),
            Version::Second => ("memory.max", "memory.swap.max", "0"),
        };
        self.write(Controller::Memory, memory, &bytes)?;
        // Where swap is not accounted for there is no such file, and nothing to limit.
        let path = self.dir(Controller::Memory)?.join(swap);
        self.write(Controller::Memory, swap, swap_max).or_else(|error| if path.exists() { Err(error) } else { Ok(()) })
    }

    /// What its processes have used, those that have ended included.
    pub(crate) fn used(&self) -> GroupUse {
        used::used(self.places.version, |controller| self.dir(controller).ok())
    }

    fn write(&self, controller: Controller, file: &str, value: &str) -> Result<()> {
        let path = self.dir(controller)?.join(file);
        fs::write(&path, value).with_context(|| format!("writing {value} into {}", path.display()))
    }

    fn dir(&self, controller: Controller) -> Result<PathBuf> {
        let Some(place) = self.places.dirs.get(&controller) else {
            bail!("this system has no control groups for {}", controller.first_name());
        };
        Ok(place.join(&self.name))
    }

    /// Its folders: one for each tree.
    fn dirs(&self) -> Vec<PathBuf> {
        let mut dirs: Vec<_> = self.places.dirs.values().map(|place| place.join(&self.name)).collect();
        dirs.sort();
        dirs.dedup();
        dirs
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for dir in self.dirs() {
            // Nobody could do more about a group that stays than the next launch, which tries again.
            let _ = remove(&dir);
        }
    }
}

/// Ends what runs in the group at `dir`, and removes it.
pub(crate) fn remove(dir: &Path) -> io::Result<()> {
    for _ in 0..REMOVE_TRIES_MAX {
        let inside = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
        for pid in inside.lines().filter_map(|line| line.parse().ok()).filter_map(rustix::process::Pid::from_raw) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        match fs::remove_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => std::thread::sleep(REMOVE_PAUSE),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            done => return done,
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like the kernel's, for all that is written into it.
    fn places(version: Version, root: &Path) -> Places {
        let dir = |controller: Controller| match version {
            Version::First => root.join(controller.first_name()),
            Version::Second => root.join("unified"),
        };
        let dirs: BTreeMap<_, _> = Controller::ALL.map(|controller| (controller, dir(controller))).into();
        for dir in dirs.values() {
            fs::create_dir_all(dir).unwrap();
            fs::write(dir.join("cpuset.effective_mems"), "0\n").unwrap();
            fs::write(dir.join("cpuset.effective_cpus"), "0-3\n").unwrap();
        }
        Places { version, dirs }
    }

    fn limits() -> Limits {
        let disk = DiskLimits { device: (254, 0), ios_per_s: 100, bytes_per_s: Some(1 << 20) };
        Limits { processors: vec![2, 3], cores: Some(1.5), memory_bytes: Some(64 << 20), disk: Some(disk) }
    }

    fn check(version: Version, file: &str, wanted: &str) {
        let root = tempfile::tempdir().unwrap();
        let _group = Group::create(places(version, root.path()), "a", &limits()).unwrap();
        assert_eq!(fs::read_to_string(root.path().join(file)).unwrap(), wanted, "{file}");
    }

    #[test]
    fn limits_are_written_as_each_version_wants_them() {
        check(Version::First, "cpuset/a/cpuset.cpus", "2,3");
        check(Version::First, "cpuset/a/cpuset.mems", "0");
        check(Version::First, "cpu/a/cpu.cfs_quota_us", "15000");
        check(Version::First, "memory/a/memory.limit_in_bytes", "67108864");
        check(Version::First, "blkio/a/blkio.throttle.write_iops_device", "254:0 100");
        check(Version::First, "blkio/a/blkio.throttle.read_bps_device", "254:0 1048576");
        check(Version::Second, "unified/a/cpuset.cpus", "2,3");
        check(Version::Second, "unified/a/cpu.max", "15000 10000");
        check(Version::Second, "unified/a/memory.swap.max", "0");
        check(Version::Second, "unified/a/io.max", "254:0 riops=100 wiops=100 rbps=1048576 wbps=1048576");
    }

    #[test]
    fn a_group_that_is_there_already_is_not_taken_over() {
        let root = tempfile::tempdir().unwrap();
        let places = places(Version::Second, root.path());
        fs::create_dir(root.path().join("unified/a")).unwrap();
        let error = Group::create(places, "a", &limits()).unwrap_err();
        assert!(format!("{error:#}").starts_with("making the control group "), "{error:#}");
        assert!(root.path().join("unified/a").exists(), "it is not removed either");
    }
}
