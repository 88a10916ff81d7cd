//! The machine that a target is to have: an instance by its name, or so many cores, so much memory and such a disk.

use anyhow::{Result, bail};
use rushhour_report::catalogue::Catalogue;
use rushhour_report::instance::Instance;
use rushhour_report::volume::Volume;
use serde::{Deserialize, Serialize};

/// As a target file describes it. What is left out is this machine's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Machine {
    /// The name of an instance in the price table, such as `t3.medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Cores, also a part of one; in the place of the instance's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// Memory; in the place of the instance's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// The volume, such as `gp2:1`, `gp3:10` or `io1:10:500`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
    /// Operations per second of the disk; in the place of the volume's. An instance takes no more than its own baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iops: Option<u64>,
    /// The disk's size; in the place of the volume's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_gib: Option<u64>,
}

/// What a process is held to so that it has such a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Such as `t3.medium (emulated: 1 core, 4 GiB, gp2 of 1 GiB with 100 IOPS; host AMD EPYC)`.
    pub name: String,
    /// Physical cores.
    pub cores: Option<f64>,
    /// Memory.
    pub memory_bytes: Option<u64>,
    /// The disk's rate.
    pub disk: Option<Disk>,
    /// The disk's size.
    pub disk_bytes: Option<u64>,
}

/// What a disk takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disk {
    /// Operations per second, for ever.
    pub ios_per_s: u64,
    /// More of them for a while.
    pub burst: Option<Burst>,
    /// Bytes per second.
    pub bytes_per_s: Option<u64>,
}

/// More operations, as long as there are credits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// Operations per second.
    pub ios_per_s: u64,
    /// How many operations there are to begin with.
    pub credits: u64,
}

impl Disk {
    /// One that does so many operations a second, however large they are.
    fn steady(ios_per_s: u64) -> Self {
        Self { ios_per_s, burst: None, bytes_per_s: None }
    }

    /// As a machine sees it whose way to its disks takes no more than `way`, which has no bursts.
    fn through(self, way: Self) -> Self {
        let ios_per_s = self.ios_per_s.min(way.ios_per_s);
        let burst = self.burst.map(|burst| Burst { ios_per_s: burst.ios_per_s.min(way.ios_per_s), ..burst });
        Self {
            ios_per_s,
            burst: burst.filter(|burst| burst.ios_per_s > ios_per_s),
            bytes_per_s: self.bytes_per_s.into_iter().chain(way.bytes_per_s).min(),
        }
    }
}

impl Machine {
    /// An instance by its name.
    pub fn named(instance: &str) -> Self {
        Self { instance: Some(instance.to_owned()), ..Self::default() }
    }

    /// What a process on `host`, a model of processor, is held to.
    ///
    /// # Errors
    /// When the instance is unknown, with the nearest names, or a number is out of range.
    pub fn shape(&self, catalogue: &Catalogue, host: &str) -> Result<Shape> {
        let instance = self.instance.as_deref().map(|name| catalogue.instance(name)).transpose()?;
        if let Some(cpus) = self.cpus
            && !(CPUS_MIN..=CPUS_MAX).contains(&cpus)
        {
            bail!("cpus = {cpus}: give {CPUS_MIN} to {CPUS_MAX} cores");
        }
        let none = [("memory_mib", self.memory_mib), ("iops", self.iops), ("disk_gib", self.disk_gib)];
        if let Some((name, _)) = none.into_iter().find(|(_, value)| *value == Some(0)) {
            bail!("{name} = 0: leave it out where this machine's own is meant");
        }
        let volume = self.volume.as_ref();
        let ordered = self.iops.map(Disk::steady).or(volume.map(disk_of));
        let way = instance.and_then(way_to_volumes);
        let disk_bytes = self.disk_gib.map(|gib| gib << 30).or(volume.map(Volume::size_bytes));
        let mut shape = Shape {
            name: String::new(),
            cores: self.cpus.or(instance.map(|instance| f64::from(instance.physical_cores))),
            memory_bytes: self.memory_mib.map(|mib| mib << 20).or(instance.map(|instance| instance.memory_bytes)),
            disk: match (ordered, way) {
                (Some(disk), Some(way)) => Some(disk.through(way)),
                (disk, way) => disk.or(way),
            },
            disk_bytes,
        };
        shape.name = self.label(instance, &shape, host);
        Ok(shape)
    }

    /// Never the instance's name alone: it is another processor, disk and network.
    fn label(&self, instance: Option<&Instance>, shape: &Shape, host: &str) -> String {
        let cores = shape.cores.map(|cores| format!("{cores} core{}", if cores == 1.0 { "" } else { "s" }));
        let memory = shape.memory_bytes.map(|bytes| match bytes >> 20 {
            mib if mib >= 1024 => format!("{} GiB", (mib as f64 / 102.4).round() / 10.0),
            mib => format!("{mib} MiB"),
        });
        let disk = shape.disk.map(|disk| match disk.burst {
            Some(burst) => format!("{} IOPS with bursts of {}", disk.ios_per_s, burst.ios_per_s),
            None => format!("{} IOPS", disk.ios_per_s),
        });
        let parts: Vec<_> = [cores, memory, disk].into_iter().flatten().collect();
        let name = instance.map_or("a machine", |instance| instance.name.as_str());
        let bursts = match instance {
            Some(instance) if instance.cpu_baseline_ratio < 1.0 => ", bursting all the time",
            _ => "",
        };
        format!("{name} (emulated: {}{bursts}; host {host})", parts.join(", "))
    }
}

/// Less than the kernel hands out in a period of 10 ms.
const CPUS_MIN: f64 = 0.1;
/// More than any machine has.
const CPUS_MAX: f64 = 4096.0;

fn disk_of(volume: &Volume) -> Disk {
    let burst = Burst { ios_per_s: volume.burst_iops().into(), credits: volume.burst_credits() };
    Disk {
        ios_per_s: volume.baseline_iops().into(),
        burst: Some(burst).filter(|burst| burst.credits > 0),
        bytes_per_s: Some(u64::from(volume.throughput_mib_per_s()) << 20),
    }
}

/// What an instance's way to its volumes takes for as long as one likes, where it is known. That many have bursts of half an
/// hour a day is left out: a study lasts for months.
fn way_to_volumes(instance: &Instance) -> Option<Disk> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers of a price table")]
    let whole = |value: f64| value as u64;
    let ios_per_s = instance.ebs_baseline_iops.map(whole)?;
    let bytes_per_s = instance.ebs_baseline_mbps.map(|mbps| whole(mbps * 1e6 / 8.0));
    Some(Disk { ios_per_s, burst: None, bytes_per_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(machine: &Machine) -> Result<Shape> {
        machine.shape(&Catalogue::built_in(), "a host")
    }

    #[test]
    fn an_instance_says_what_it_is_on() {
        let machine = Machine { volume: Some("gp2:1".parse().unwrap()), ..Machine::named("m5.large") };
        let found = shape(&machine).unwrap();
        assert_eq!((found.cores, found.memory_bytes), (Some(1.0), Some(8 << 30)));
        assert_eq!(found.disk.map(|disk| disk.ios_per_s), Some(100));
        assert_eq!(found.name, "m5.large (emulated: 1 core, 8 GiB, 100 IOPS with bursts of 3000; host a host)");
        let smaller = Machine { cpus: Some(0.5), memory_mib: Some(64), ..Machine::named("t3.medium") };
        assert_eq!(
            shape(&smaller).unwrap().name,
            "t3.medium (emulated: 0.5 cores, 64 MiB, bursting all the time; host a host)"
        );
    }

    #[test]
    fn an_instance_reaches_no_volume_faster_than_its_way_there() {
        let on = |instance: &str, volume: Option<&str>| {
            let machine = Machine { volume: volume.map(|text| text.parse().unwrap()), ..Machine::named(instance) };
            shape(&machine).unwrap().disk
        };
        // 650 Mbit/s, 3,600 IOPS.
        let way = Disk { ios_per_s: 3_600, burst: None, bytes_per_s: Some(81_250_000) };
        assert_eq!(on("m5.large", None), Some(way));
        assert_eq!(on("m5.large", Some("gp3:100:6000:250")), Some(way));
        assert_eq!(on("m5.large", Some("gp3:10")), Some(Disk { ios_per_s: 3_000, ..way }));
        // 1,000 IOPS: a burst of 3,000 cannot get through.
        let burst = |volume: &str| on("t4g.small", Some(volume)).unwrap().burst.map(|burst| burst.ios_per_s);
        assert_eq!((burst("gp2:1"), burst("gp2:500")), (Some(1_000), None));
        let typed = Machine { iops: Some(9_000), ..Machine::named("m5.large") };
        assert_eq!(shape(&typed).unwrap().disk.map(|disk| disk.ios_per_s), Some(3_600));
        assert_eq!(on("t3.medium", None), None, "nobody wrote down how fast it is");
    }

    #[test]
    fn what_cannot_be_says_why() {
        let error = |machine: &Machine| format!("{:#}", shape(machine).unwrap_err());
        assert!(error(&Machine::named("m5.lrge")).contains("m5.large"));
        assert!(error(&Machine { cpus: Some(0.0), ..Machine::default() }).contains("give 0.1 to"));
        assert!(error(&Machine { iops: Some(0), ..Machine::default() }).starts_with("iops = 0: leave it out"));
    }
}
