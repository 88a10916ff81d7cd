//! A disk that can be rented: how large, how fast, and what a month of it costs.
//!
//! The bounds are AWS' own for EBS, from its user guide, “Amazon EBS volume types”, as its prescriptive guidance repeats
//! them. A volume that could not be rented cannot be built.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalogue::Catalogue;

/// A volume of a size, written `gp3:10`, `gp3:100:6000:250` or `io1:10:500`: GiB, IOPS, MiB per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    kind: VolumeKind,
    size_gib: u32,
    iops: u32,
    throughput_mib_per_s: u32,
}

/// How a volume's speed comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeKind {
    /// By its size, with credits for more.
    Gp2,
    /// As ordered, from 3,000 IOPS on.
    Gp3,
    /// As ordered.
    Io1,
    /// As ordered, and durable.
    Io2,
}

/// What is wrong with a volume, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VolumeError(String);

/// What can be ordered of a kind.
struct Bounds {
    size_gib: [u32; 2],
    iops: [u32; 2],
    iops_per_gib: u32,
}

/// Below this size a volume of gp2 has as many.
const GP2_IOPS_MIN: u32 = 100;
const GP2_IOPS_MAX: u32 = 16_000;
const GP2_IOPS_PER_GIB: u32 = 3;
/// What a full bucket of credits lets a small volume of gp2 do.
const GP2_BURST_IOPS: u32 = 3_000;
/// How many credits a full bucket has: half an hour of nothing but bursts.
const GP2_BURST_CREDITS: u64 = 5_400_000;
/// Of gp2, at up to 170 GiB and from 334 GiB on; between them 256 KiB for each of its IOPS.
const GP2_THROUGHPUT: [u32; 2] = [128, 250];
/// Included in the price of gp3, whatever its size.
const GP3_IOPS: u32 = 3_000;
/// Included in the price of gp3, in MiB per second.
const GP3_THROUGHPUT: u32 = 125;
/// The most of gp3, in MiB per second, and at most a quarter for each of its IOPS.
const GP3_THROUGHPUT_MAX: u32 = 1_000;
/// Of io1: 256 KiB for each of its IOPS up to the first; 16 KiB from the IOPS on at which that makes more.
const IO1_THROUGHPUT: [u32; 2] = [500, 1_000];
/// The most of io2, in MiB per second, at 256 KiB for each of its IOPS.
const IO2_THROUGHPUT_MAX: u32 = 4_000;
/// Up to here an IOPS of io2 has its full price.
const IO2_TIERS: [u32; 2] = [32_000, 64_000];
/// Beyond each of the tiers it costs so much of it: 0.0455 and 0.03185 of 0.065 dollars.
const IO2_TIER_RATIOS: [f64; 2] = [0.7, 0.49];

impl VolumeKind {
    const ALL: [Self; 4] = [Self::Gp2, Self::Gp3, Self::Io1, Self::Io2];

    /// As AWS calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gp2 => "gp2",
            Self::Gp3 => "gp3",
            Self::Io1 => "io1",
            Self::Io2 => "io2",
        }
    }

    fn bounds(self) -> Bounds {
        let (size_gib, iops, iops_per_gib) = match self {
            Self::Gp2 => ([1, 16_384], [GP2_IOPS_MIN, GP2_IOPS_MAX], 0),
            Self::Gp3 => ([1, 16_384], [GP3_IOPS, 16_000], 500),
            Self::Io1 => ([4, 16_384], [100, 64_000], 50),
            Self::Io2 => ([4, 65_536], [100, 256_000], 1_000),
        };
        Bounds { size_gib, iops, iops_per_gib }
    }
}

impl Volume {
    /// Its kind.
    pub fn kind(&self) -> VolumeKind {
        self.kind
    }

    /// Its size, in the unit in which it is sold.
    pub fn size_gib(&self) -> u32 {
        self.size_gib
    }

    /// Its size.
    pub fn size_bytes(&self) -> u64 {
        u64::from(self.size_gib) << 30
    }

    /// Reads and writes per second that it does for as long as one likes.
    pub fn baseline_iops(&self) -> u32 {
        self.iops
    }

    /// Reads and writes per second while it has credits; of most volumes the same.
    pub fn burst_iops(&self) -> u32 {
        if self.burst_credits() > 0 { GP2_BURST_IOPS } else { self.iops }
    }

    /// The reads and writes above its baseline that a full bucket pays for: 0 for volumes without one.
    pub fn burst_credits(&self) -> u64 {
        let has_bucket = self.kind == VolumeKind::Gp2 && self.iops < GP2_BURST_IOPS;
        if has_bucket { GP2_BURST_CREDITS } else { 0 }
    }

    /// What it reads and writes for as long as one likes.
    pub fn throughput_mib_per_s(&self) -> u32 {
        self.throughput_mib_per_s
    }

    /// What a month of it costs.
    pub fn price_month_usd(&self, catalogue: &Catalogue) -> f64 {
        let prices = catalogue.volume_prices();
        let (size, iops) = (f64::from(self.size_gib), f64::from(self.iops));
        match self.kind {
            VolumeKind::Gp2 => size * prices.gp2.usd,
            VolumeKind::Gp3 => {
                let more_iops = f64::from(self.iops - GP3_IOPS);
                let more_throughput = f64::from(self.throughput_mib_per_s - GP3_THROUGHPUT);
                size * prices.gp3.usd + more_iops * prices.gp3_iops.usd + more_throughput * prices.gp3_throughput.usd
            }
            VolumeKind::Io1 => size * prices.io1.usd + iops * prices.io1_iops.usd,
            VolumeKind::Io2 => {
                let [second, third] = IO2_TIERS.map(|from| f64::from(self.iops.saturating_sub(from)));
                let [second_ratio, third_ratio] = IO2_TIER_RATIOS;
                let counted = iops - second + (second - third) * second_ratio + third * third_ratio;
                size * prices.io2.usd + counted * prices.io2_iops.usd
            }
        }
    }

    /// A volume that can be rented: `iops` and `throughput` where its kind is ordered with them.
    fn order(kind: VolumeKind, size_gib: u32, iops: Option<u32>, throughput: Option<u32>) -> Result<Self, VolumeError> {
        let word = kind.word();
        let bounds = kind.bounds();
        within(size_gib, bounds.size_gib, &format!("GiB of {word}"))?;
        let iops = match (kind, iops) {
            (VolumeKind::Gp2, None) => (GP2_IOPS_PER_GIB * size_gib).clamp(GP2_IOPS_MIN, GP2_IOPS_MAX),
            (VolumeKind::Gp2, Some(_)) => {
                return Err(VolumeError("the IOPS of gp2 follow from its size: write `gp2:10`".to_owned()));
            }
            (VolumeKind::Gp3, None) => GP3_IOPS,
            (_, None) => return Err(VolumeError(format!("{word} is ordered with its IOPS: write `{word}:10:500`"))),
            (_, Some(iops)) => {
                // What gp3 includes is there at any size.
                let most = bounds.iops_per_gib.saturating_mul(size_gib).max(bounds.iops[0]).min(bounds.iops[1]);
                let what = format!("IOPS of {size_gib} GiB of {word} ({} per GiB)", bounds.iops_per_gib);
                within(iops, [bounds.iops[0], most], &what)?;
                iops
            }
        };
        let throughput_mib_per_s = match (kind, throughput) {
            (VolumeKind::Gp3, Some(asked)) => {
                let most = GP3_THROUGHPUT_MAX.min(iops / 4);
                within(asked, [GP3_THROUGHPUT, most], &format!("MiB/s of {word} with {iops} IOPS"))?;
                asked
            }
            (_, Some(_)) => {
                return Err(VolumeError(format!("the throughput of {word} follows from its IOPS: leave it out")));
            }
            (VolumeKind::Gp2, None) => (iops / 4).clamp(GP2_THROUGHPUT[0], GP2_THROUGHPUT[1]),
            (VolumeKind::Gp3, None) => GP3_THROUGHPUT,
            (VolumeKind::Io1, None) => (iops / 4).min(IO1_THROUGHPUT[0].max(iops / 64).min(IO1_THROUGHPUT[1])),
            (VolumeKind::Io2, None) => (iops / 4).min(IO2_THROUGHPUT_MAX),
        };
        Ok(Self { kind, size_gib, iops, throughput_mib_per_s })
    }
}

fn within(value: u32, [least, most]: [u32; 2], what: &str) -> Result<(), VolumeError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(VolumeError(format!("{value} {what} cannot be ordered: from {least} to {most} can")))
}

/// As it is ordered: what follows from the rest is left out.
impl Display for Volume {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        write!(to, "{}:{}", self.kind.word(), self.size_gib)?;
        match self.kind {
            VolumeKind::Gp2 => Ok(()),
            VolumeKind::Gp3 if self.throughput_mib_per_s != GP3_THROUGHPUT => {
                write!(to, ":{}:{}", self.iops, self.throughput_mib_per_s)
            }
            VolumeKind::Gp3 if self.iops == GP3_IOPS => Ok(()),
            _ => write!(to, ":{}", self.iops),
        }
    }
}

impl FromStr for Volume {
    type Err = VolumeError;

    fn from_str(text: &str) -> Result<Self, VolumeError> {
        let mut parts = text.split(':');
        let word = parts.next().unwrap_or_default();
        let kind = VolumeKind::ALL.into_iter().find(|kind| kind.word() == word);
        let kind = kind.ok_or_else(|| {
            let words = VolumeKind::ALL.map(VolumeKind::word).join(", ");
            VolumeError(format!("`{word}` is no kind of volume; there are {words}"))
        })?;
        let numbers: Result<Vec<u32>, VolumeError> = parts.map(|part| number(part, text)).collect();
        match numbers?.as_slice() {
            [size_gib] => Self::order(kind, *size_gib, None, None),
            [size_gib, iops] => Self::order(kind, *size_gib, Some(*iops), None),
            [size_gib, iops, throughput] => Self::order(kind, *size_gib, Some(*iops), Some(*throughput)),
            _ => Err(VolumeError(format!("`{text}` is no volume: write `gp3:10`, or `io1:10:500` with its IOPS"))),
        }
    }
}

fn number(part: &str, text: &str) -> Result<u32, VolumeError> {
    part.parse().map_err(|_| VolumeError(format!("`{part}` in `{text}` is not a whole number; the size is in GiB")))
}

impl Serialize for Volume {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Volume {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(text: &str) -> Volume {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn speed_follows_from_kind_size_and_order() {
        let speed = |text: &str| {
            let volume = volume(text);
            (volume.baseline_iops(), volume.burst_iops(), volume.burst_credits(), volume.throughput_mib_per_s())
        };
        assert_eq!(speed("gp2:1"), (100, 3_000, 5_400_000, 128));
        assert_eq!(speed("gp2:250"), (750, 3_000, 5_400_000, 187));
        assert_eq!(speed("gp2:1000"), (3_000, 3_000, 0, 250));
        assert_eq!(speed("gp2:16384"), (16_000, 16_000, 0, 250));
        assert_eq!(speed("gp3:10"), (3_000, 3_000, 0, 125));
        assert_eq!(speed("gp3:10:5000:250"), (5_000, 5_000, 0, 250));
        assert_eq!(speed("io1:10:500"), (500, 500, 0, 125));
        assert_eq!(speed("io1:1280:64000"), (64_000, 64_000, 0, 1_000));
        assert_eq!(speed("io2:10:10000"), (10_000, 10_000, 0, 2_500));
    }

    #[test]
    fn a_volume_costs_what_the_list_says() {
        let cents = |text: &str| (volume(text).price_month_usd(&Catalogue::built_in()) * 100.0).round();
        assert_eq!(cents("gp2:1"), 10.0);
        assert_eq!(cents("gp3:10"), 80.0);
        assert_eq!(cents("gp3:10:4000:225"), 80.0 + 500.0 + 400.0);
        assert_eq!(cents("io1:10:500"), 3_375.0);
        // The public test data that the list is quoted from: 32,000 at 0.065, as many at 0.0455, the rest at 0.03185.
        assert_eq!(cents("io2:100:70000"), 1_250.0 + 208_000.0 + 145_600.0 + 19_110.0);
    }

    #[test]
    fn a_volume_is_written_as_it_is_read() {
        for text in ["gp2:1", "gp3:10", "gp3:10:4000", "gp3:10:3000:250", "io1:10:500", "io2:64:64000"] {
            assert_eq!(volume(text).to_string(), text);
            let json = serde_json::to_string(&volume(text)).unwrap();
            assert_eq!(
                (json.as_str(), serde_json::from_str::<Volume>(&json).unwrap()),
                (&*format!("\"{text}\""), volume(text))
            );
        }
        assert_eq!(volume("gp3:10:3000:125"), volume("gp3:10"));
    }

    #[test]
    fn what_cannot_be_ordered_is_refused() {
        let refused = |text: &str, why: &str| {
            let error = text.parse::<Volume>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        };
        refused("io1:10:501", "501 IOPS of 10 GiB of io1 (50 per GiB) cannot be ordered: from 100 to 500 can");
        refused("io1:10", "io1 is ordered with its IOPS");
        refused("io1:3:100", "3 GiB of io1 cannot be ordered");
        refused("gp2:10:100", "follow from its size");
        refused("gp3:0", "0 GiB of gp3");
        refused("gp3:10:2000", "from 3000 to 5000");
        refused("gp3:1:3001", "from 3000 to 3000");
        refused("gp3:10:3000:800", "800 MiB/s of gp3 with 3000 IOPS cannot be ordered: from 125 to 750 can");
        refused("io2:10:500:300", "leave it out");
        refused("gp4:10", "`gp4` is no kind of volume; there are gp2, gp3, io1, io2");
        refused("gp3:10GB", "`10GB` in `gp3:10GB` is not a whole number");
        refused("gp3:10:1:1:1", "is no volume");
        refused("gp3", "is no volume");
        refused("", "`` is no kind of volume");
    }
}
