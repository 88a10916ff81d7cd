//! What a phone's day costs a server, and how many phones a machine carries for how long.
//!
//! The costs are measured on one machine and divided out on another: a prediction, which a search on that machine can
//! confirm or refute. It says which resource gives way first, and how sure it is.

use serde::{Deserialize, Serialize};

mod found;
mod page;
mod show;
mod table;

pub use found::{Filled, PredictionError, Searched};
pub use page::page;
pub use table::{CapacityTable, Known, Row, TableOrder};

use crate::instance::Instance;
use crate::student::t_95;
use crate::volume::Volume;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// What one user's day costs, and where that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostVector {
    /// Seconds of a core to accept a day's uploads.
    pub ingest_core_s: Figure,
    /// Seconds of a core to make a day's diary.
    pub pipeline_core_s: Figure,
    /// Seconds of a core to answer a day's questions.
    pub query_core_s: Figure,
    /// Room that a day takes on the disk, everything included.
    pub disk_bytes: Figure,
    /// Room in the log that a user's entries take until they are sealed, however many days there are; nothing in costs
    /// that are older than the field.
    #[serde(default)]
    pub log_bytes: Figure,
    /// Reads of the disk.
    pub read_ios: Figure,
    /// Writes of the disk.
    pub write_ios: Figure,
    /// Memory that a user holds, however many days there are.
    pub memory_hot_bytes: Figure,
    /// What goes over the network, both ways.
    pub network_bytes: Figure,
    /// The busiest hour beside the mean hour of the day: its share × 24, of the generator's own day.
    pub peak_ratio: f64,
    /// How much one core of the machine does in calibration units; `None` where nobody calibrated it.
    pub calibration_per_core: Option<f64>,
    /// The machine, named as it may be quoted.
    pub machine: String,
    /// How many of its cores the server had.
    pub cores: f64,
    /// How often it was measured: one measurement has no interval.
    pub repeats: u32,
}

/// A mean with the range that holds the truth with 95 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The mean.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Figure {
    /// A value without a range.
    pub fn exactly(value: f64) -> Self {
        Self { value, low: value, high: value }
    }

    /// The mean of repeats, by Student's t; one alone has no range, and none are no figure. Costs are not negative.
    pub fn of(repeats: &[f64]) -> Option<Self> {
        let count = repeats.len() as f64;
        let value = repeats.iter().sum::<f64>() / count;
        match repeats {
            [] => None,
            [only] => Some(Self::exactly(*only)),
            _ => {
                let variance = repeats.iter().map(|one| (one - value).powi(2)).sum::<f64>() / (count - 1.0);
                let half = t_95(repeats.len() - 1) * (variance / count).sqrt();
                Some(Self { value, low: (value - half).max(0.0), high: value + half })
            }
        }
    }

    /// The sum, as if all were high together, or low: their errors come from the same runs.
    fn plus(self, other: Self) -> Self {
        Self { value: self.value + other.value, low: self.low + other.low, high: self.high + other.high }
    }

    /// How often it fits into `supply`; the dearer, the less often.
    fn fits(self, supply: f64) -> Self {
        Self { value: supply / self.value, low: supply / self.high, high: supply / self.low }
    }

    fn times(self, factor: f64) -> Self {
        Self { value: self.value * factor, low: self.low * factor, high: self.high * factor }
    }
}

/// How much of each resource is planned with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Headroom {
    /// Of the cores.
    pub cpu_ratio: f64,
    /// Of the disk.
    pub disk_ratio: f64,
    /// Of the reads and writes per second.
    pub iops_ratio: f64,
    /// Of the memory.
    pub memory_ratio: f64,
    /// Of the network: all of its baseline, which leaves the bursts.
    pub network_ratio: f64,
}

impl Default for Headroom {
    fn default() -> Self {
        Self { cpu_ratio: 0.6, disk_ratio: 0.85, iops_ratio: 0.7, memory_ratio: 0.8, network_ratio: 1.0 }
    }
}

impl Headroom {
    /// To the brim: what a search meets.
    pub const NONE: Self =
        Self { cpu_ratio: 1.0, disk_ratio: 1.0, iops_ratio: 1.0, memory_ratio: 1.0, network_ratio: 1.0 };

    fn of(&self, resource: Resource) -> f64 {
        match resource {
            Resource::Cpu => self.cpu_ratio,
            Resource::Disk => self.disk_ratio,
            Resource::Iops => self.iops_ratio,
            Resource::Memory => self.memory_ratio,
            Resource::Network => self.network_ratio,
        }
    }
}

/// What can give way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// Computing.
    Cpu,
    /// Room on the disk: the only one that time fills.
    Disk,
    /// Reads and writes per second.
    Iops,
    /// Memory.
    Memory,
    /// Bytes per second.
    Network,
}

impl Resource {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Disk => "disk",
            Self::Iops => "iops",
            Self::Memory => "memory",
            Self::Network => "network",
        }
    }
}

/// A machine with its disk, on which the costs were not measured.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    /// The machine.
    pub instance: &'a Instance,
    /// Its disk, which holds nothing but the data.
    pub volume: &'a Volume,
    /// What one of its cores does, beside one of those that were measured: 1 where nobody calibrated both.
    pub core_ratio: f64,
}

/// How many users a deployment carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Supported {
    /// As many.
    pub users: u64,
    /// With 95 %, by what is known of the costs, at least so many.
    pub low: u64,
    /// And at most so many.
    pub high: u64,
    /// What gives way first.
    pub binding: Resource,
    /// How many each resource carries alone, the binding one first.
    pub bounds: Vec<(Resource, Figure)>,
}

/// How many users `deployment` carries for `days`; `None` when a day costs nothing at all.
pub fn supported(deployment: &Deployment<'_>, days: f64, cost: &CostVector, headroom: &Headroom) -> Option<Supported> {
    first_to_give_way(bounds(deployment, days, cost, headroom))
}

/// How many users each resource carries alone; resources that nothing is needed of, or nothing is known of, are left out.
fn bounds(
    &Deployment { instance, volume, core_ratio }: &Deployment<'_>,
    days: f64,
    cost: &CostVector,
    headroom: &Headroom,
) -> Vec<(Resource, Figure)> {
    // The busiest hour must fit as well, so a day has fewer seconds for what is done in it.
    let peak_day_s = SECONDS_PER_DAY / cost.peak_ratio;
    let iops = instance.ebs_baseline_iops.unwrap_or(f64::INFINITY).min(f64::from(volume.baseline_iops()));
    let supplies = [
        (Resource::Cpu, Some(instance.sustained_cores() * core_ratio * peak_day_s), cost.core_s()),
        (Resource::Disk, Some(volume.size_bytes() as f64), cost.disk_bytes.times(days).plus(cost.log_bytes)),
        (Resource::Iops, Some(iops * peak_day_s), cost.ios()),
        (Resource::Memory, Some(instance.memory_bytes as f64), cost.memory_hot_bytes),
        (Resource::Network, instance.net_baseline_mbps.map(|mbps| mbps * 1e6 / 8.0 * peak_day_s), cost.network_bytes),
    ];
    let needed = supplies.into_iter().filter(|(_, _, cost)| cost.value > 0.0);
    let known = needed.filter_map(|(resource, supply, cost)| Some((resource, supply?, cost)));
    let mut bounds: Vec<_> =
        known.map(|(resource, supply, cost)| (resource, cost.fits(supply * headroom.of(resource)))).collect();
    bounds.sort_by(|(_, a), (_, b)| a.value.total_cmp(&b.value));
    bounds
}

fn first_to_give_way(bounds: Vec<(Resource, Figure)>) -> Option<Supported> {
    let (binding, first) = *bounds.first()?;
    // Whichever gives way first when everything is dear, or cheap, need not be the one that does on average.
    let least = |end: fn(&Figure) -> f64| bounds.iter().map(|(_, bound)| end(bound)).fold(f64::INFINITY, f64::min);
    let (low, high) = (least(|bound| bound.low), least(|bound| bound.high));
    Some(Supported { users: whole(first.value), low: whole(low), high: whole(high), binding, bounds })
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and half a user is none")]
fn whole(users: f64) -> u64 {
    users as u64
}

impl CostVector {
    /// Seconds of a core for all that is done with a day.
    pub fn core_s(&self) -> Figure {
        self.ingest_core_s.plus(self.pipeline_core_s).plus(self.query_core_s)
    }

    /// Reads and writes of the disk together.
    pub fn ios(&self) -> Figure {
        self.read_ios.plus(self.write_ios)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    /// A day of 0.5 core seconds, 4 kB on the disk, 20 reads and writes, half a megabyte each of memory and network.
    pub(crate) fn vector() -> CostVector {
        let about = |value: f64| Figure { value, low: value * 0.9, high: value * 1.1 };
        CostVector {
            ingest_core_s: about(0.1),
            pipeline_core_s: about(0.3),
            query_core_s: about(0.1),
            disk_bytes: about(4_000.0),
            log_bytes: about(40_000.0),
            read_ios: about(5.0),
            write_ios: about(15.0),
            memory_hot_bytes: about(500_000.0),
            network_bytes: about(500_000.0),
            peak_ratio: 2.0,
            calibration_per_core: None,
            machine: "vm (2 cores)".to_owned(),
            cores: 1.0,
            repeats: 3,
        }
    }

    fn carried(instance: &str, volume: &str, days: f64, cost: &CostVector) -> Supported {
        let catalogue = Catalogue::built_in();
        let (instance, volume) = (catalogue.instance(instance).unwrap(), volume.parse().unwrap());
        let deployment = Deployment { instance, volume: &volume, core_ratio: 1.0 };
        supported(&deployment, days, cost, &Headroom::default()).unwrap()
    }

    #[test]
    fn what_gives_way_first_decides() {
        let users = |instance: &str, volume: &str, days: f64| {
            let found = carried(instance, volume, days, &vector());
            (found.binding, found.users)
        };
        // 0.85 · 10 GiB / (4,000 B · 182.5 + 40,000 B), by hand; so are the others.
        assert_eq!(users("m5.xlarge", "io1:10:500", 182.5), (Resource::Disk, 11_852));
        assert_eq!(users("m5.xlarge", "gp3:100", 30.0), (Resource::Memory, 27_487));
        assert_eq!(users("r5.xlarge", "gp3:1000", 30.0), (Resource::Memory, 54_975));
        assert_eq!(users("m5.large", "gp2:33", 1.0), (Resource::Memory, 13_743));
        assert_eq!(users("t3.nano", "gp3:10", 1.0), (Resource::Memory, 858));
        let frugal = CostVector { memory_hot_bytes: Figure::exactly(1.0), ..vector() };
        // A hyperthread is half a core, and 0.2 of a core is all that a t3.medium has for ever.
        let found = carried("m5.large", "gp3:100", 30.0, &frugal);
        assert_eq!((found.binding, found.users), (Resource::Cpu, 51_840));
        let found = carried("t3.medium", "gp3:100", 30.0, &frugal);
        assert_eq!((found.binding, found.users), (Resource::Cpu, 10_368));
        let found = carried("m5.4xlarge", "gp2:33", 1.0, &frugal);
        assert_eq!((found.binding, found.users), (Resource::Iops, 151_200));
        let chatty = CostVector { network_bytes: Figure::exactly(1e9), ..frugal };
        let found = carried("m5.large", "gp3:100", 1.0, &chatty);
        assert_eq!((found.binding, found.users), (Resource::Network, 4_050));
        // Of m3 the network is not known, so it bounds nothing.
        assert!(
            carried("m3.large", "gp3:100", 1.0, &chatty).bounds.iter().all(|(bound, _)| *bound != Resource::Network)
        );
    }

    #[test]
    fn dear_days_make_the_lower_end() {
        let found = carried("m5.xlarge", "io1:10:500", 182.5, &vector());
        assert_eq!((found.low, found.high), (10_775, 13_169));
    }

    #[test]
    fn an_instance_bounds_the_iops_of_its_disk() {
        let busy = CostVector { write_ios: Figure::exactly(1e6), read_ios: Figure::exactly(0.0), ..vector() };
        let users = |instance| carried(instance, "io1:100:5000", 1.0, &busy).users;
        // 3,600 and 6,000 IOPS are the baselines of the two; the disk has 5,000.
        assert_eq!((users("m5.large"), users("m5.xlarge")), (108, 151));
    }

    #[test]
    fn repeats_make_a_range_and_one_measurement_none() {
        let figure = Figure::of(&[9.0, 10.0, 11.0]).unwrap();
        assert!((figure.low - 7.516).abs() < 0.001 && (figure.high - 12.484).abs() < 0.001, "{figure:?}");
        assert_eq!(Figure::of(&[5.0]), Some(Figure::exactly(5.0)));
        assert_eq!(Figure::of(&[]), None);
        assert_eq!(Figure::of(&[0.0, 1.0]).unwrap().low, 0.0);
    }

    #[test]
    fn a_vector_is_kept_as_json_and_free_days_bound_nothing() {
        let json = serde_json::to_string(&vector()).unwrap();
        assert_eq!(serde_json::from_str::<CostVector>(&json).unwrap(), vector());
        assert_eq!(serde_json::from_str::<Headroom>("{}").unwrap(), Headroom::default());
        assert!(first_to_give_way(Vec::new()).is_none());
    }
}
