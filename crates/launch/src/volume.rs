//! The disk under a folder, and the credits by which some volumes are faster for a while.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::{major, minor};

/// The disk that `dir` is on: major and minor number. `None` when it is on none that could be held to anything, such as memory
/// or a network.
pub(crate) fn disk_of(dir: &Path) -> Result<Option<(u32, u32)>> {
    let metadata = fs::metadata(dir).with_context(|| format!("looking at {}", dir.display()))?;
    Ok(whole_disk(Path::new("/sys/dev/block"), (major(metadata.dev()), minor(metadata.dev()))))
}

/// The disk of a partition, or the disk itself: the kernel limits whole disks only.
fn whole_disk(known: &Path, (major, minor): (u32, u32)) -> Option<(u32, u32)> {
    let device = known.join(format!("{major}:{minor}"));
    if !device.join("partition").exists() {
        return device.exists().then_some((major, minor));
    }
    // The entry is a link to the partition's folder, which is inside its disk's.
    let disk = fs::canonicalize(&device).ok()?.parent()?.join("dev");
    let text = fs::read_to_string(disk).ok()?;
    let (major, minor) = text.trim().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The credits of a gp2 volume below a tebibyte: it does 3,000 operations a second while it has some, and gains as many a
/// second as its baseline (Amazon EBS user guide, “General Purpose SSD volumes (gp2)”: 5.4 million to begin with).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Credits {
    baseline_per_s: f64,
    burst_per_s: f64,
    max: f64,
    left: f64,
}

impl Credits {
    /// A full bucket.
    pub(crate) fn full(baseline_per_s: u64, burst_per_s: u64, max: u64) -> Self {
        Self {
            baseline_per_s: baseline_per_s as f64,
            burst_per_s: burst_per_s as f64,
            max: max as f64,
            left: max as f64,
        }
    }

    /// Notes that `done` operations were done in `seconds`.
    pub(crate) fn spend(&mut self, done: u64, seconds: f64) {
        self.left = (self.left + self.baseline_per_s * seconds - done as f64).clamp(0.0, self.max);
    }

    /// How many operations a second it does now. Who has less than a second's worth left does its baseline.
    pub(crate) fn ios_per_s(&self) -> u64 {
        let is_rich = self.left >= self.burst_per_s - self.baseline_per_s;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both came from a u64")]
        let ios = if is_rich { self.burst_per_s as u64 } else { self.baseline_per_s as u64 };
        ios
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_gp2_volume_bursts_for_half_an_hour() {
        let mut credits = Credits::full(100, 3_000, 5_400_000);
        let mut seconds = 0;
        while credits.ios_per_s() == 3_000 {
            credits.spend(3_000, 1.0);
            seconds += 1;
        }
        // 5.4 million at 2,900 more than it gains a second.
        assert_eq!(seconds, 1_862);
        assert_eq!(credits.ios_per_s(), 100);
        (0..60).for_each(|_| credits.spend(0, 1.0));
        assert_eq!(credits.ios_per_s(), 3_000);
    }

    #[test]
    fn a_partition_is_held_through_its_disk() {
        let sys = tempfile::tempdir().unwrap();
        let disk = sys.path().join("devices/vda");
        let partition = disk.join("vda1");
        let known = sys.path().join("dev");
        fs::create_dir_all(&partition).unwrap();
        fs::create_dir(&known).unwrap();
        fs::write(disk.join("dev"), "254:0\n").unwrap();
        fs::write(partition.join("partition"), "1\n").unwrap();
        std::os::unix::fs::symlink(&disk, known.join("254:0")).unwrap();
        std::os::unix::fs::symlink(&partition, known.join("254:1")).unwrap();
        assert_eq!(whole_disk(&known, (254, 1)), Some((254, 0)));
        assert_eq!(whole_disk(&known, (254, 0)), Some((254, 0)));
        assert_eq!(whole_disk(&known, (0, 27)), None, "memory");
    }
}
