//! What a control group counts.

use std::fs;
use std::path::PathBuf;

use crate::cgroup::{Controller, Version};

/// What the processes of a group have used, from its start. What the kernel does not tell is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct GroupUse {
    /// Processor time.
    pub(crate) cpu_s: f64,
    /// Periods in which something ran.
    pub(crate) periods: u64,
    /// Those in which its share of the processors was used up.
    pub(crate) throttled_periods: u64,
    /// How long its threads were kept from running for that.
    pub(crate) throttled_s: f64,
    /// The most memory, the pages of files included.
    pub(crate) memory_peak_bytes: u64,
    /// How often a process was killed for want of memory.
    pub(crate) oom_kills: u64,
    /// Reads that reached the disk.
    pub(crate) read_ios: u64,
    /// Writes that reached the disk.
    pub(crate) write_ios: u64,
}

/// Reads the counters, from the folder that `dir` gives for each controller.
pub(super) fn used(version: Version, dir: impl Fn(Controller) -> Option<PathBuf>) -> GroupUse {
    let text = |controller, file: &str| {
        dir(controller).and_then(|dir| fs::read_to_string(dir.join(file)).ok()).unwrap_or_default()
    };
    let stat = text(Controller::Cpu, "cpu.stat");
    let common = GroupUse {
        periods: field(&stat, "nr_periods"),
        throttled_periods: field(&stat, "nr_throttled"),
        ..GroupUse::default()
    };
    match version {
        Version::First => {
            let disk = text(Controller::Disk, "blkio.throttle.io_serviced");
            GroupUse {
                cpu_s: number(&text(Controller::CpuAccounting, "cpuacct.usage")) as f64 / 1e9,
                throttled_s: field(&stat, "throttled_time") as f64 / 1e9,
                memory_peak_bytes: number(&text(Controller::Memory, "memory.max_usage_in_bytes")),
                oom_kills: field(&text(Controller::Memory, "memory.oom_control"), "oom_kill"),
                read_ios: operations(&disk, "Read"),
                write_ios: operations(&disk, "Write"),
                ..common
            }
        }
        Version::Second => {
            let disk = text(Controller::Disk, "io.stat");
            GroupUse {
                cpu_s: field(&stat, "usage_usec") as f64 / 1e6,
                throttled_s: field(&stat, "throttled_usec") as f64 / 1e6,
                memory_peak_bytes: number(&text(Controller::Memory, "memory.peak")),
                oom_kills: field(&text(Controller::Memory, "memory.events"), "oom_kill"),
                read_ios: assigned(&disk, "rios"),
                write_ios: assigned(&disk, "wios"),
                ..common
            }
        }
    }
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or_default()
}

/// The number behind `name` at the start of a line.
fn field(text: &str, name: &str) -> u64 {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(found, _)| *found == name).map_or(0, |(_, value)| number(value))
}

/// The sum over all disks of lines such as `254:0 Write 17`.
fn operations(text: &str, way: &str) -> u64 {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        (words.next() == Some(way)).then(|| words.next().map_or(0, number))
    });
    lines.sum()
}

/// The sum over all disks of `name=17`.
fn assigned(text: &str, name: &str) -> u64 {
    let words = text.split_whitespace().filter_map(|word| word.split_once('='));
    words.filter(|(found, _)| *found == name).map(|(_, value)| number(value)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is used according to files with these texts.
    fn check(version: Version, files: &[(&str, &str)], wanted: GroupUse) {
        let root = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| fs::write(root.path().join(name), text).unwrap());
        assert_eq!(used(version, |_| Some(root.path().to_owned())), wanted);
    }

    #[test]
    fn both_versions_count_the_same() {
        let wanted = GroupUse {
            cpu_s: 1.5,
            periods: 45,
            throttled_periods: 43,
            throttled_s: 0.25,
            memory_peak_bytes: 65_536,
            oom_kills: 1,
            read_ios: 7,
            write_ios: 30,
        };
        let first = [
            ("cpu.stat", "nr_periods 45\nnr_throttled 43\nthrottled_time 250000000\n"),
            ("cpuacct.usage", "1500000000\n"),
            ("memory.max_usage_in_bytes", "65536\n"),
            ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
            ("blkio.throttle.io_serviced", "254:0 Read 7\n254:0 Write 10\n254:0 Total 17\n8:0 Write 20\nTotal 37\n"),
        ];
        check(Version::First, &first, wanted);
        let second = [
            ("cpu.stat", "usage_usec 1500000\nnr_periods 45\nnr_throttled 43\nthrottled_usec 250000\n"),
            ("memory.peak", "65536\n"),
            ("memory.events", "low 0\noom 1\noom_kill 1\n"),
            ("io.stat", "254:0 rbytes=1 wbytes=2 rios=7 wios=10\n8:0 rios=0 wios=20\n"),
        ];
        check(Version::Second, &second, wanted);
        check(Version::Second, &[], GroupUse::default());
    }
}
