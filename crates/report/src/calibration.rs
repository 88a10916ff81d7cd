//! What a core of a machine does with this program's own work: the unit in which machines are compared.

use serde::{Deserialize, Serialize};

use crate::compare::median;
use crate::limit::rounded;
use crate::table::Table;

/// What a core of one unit does: round numbers of the size of what cores do. The first that was measured, of an AMD EPYC in a
/// virtual machine, has 1.17 units (`rushhour calibrate`, 2026-11-22, the middle of three runs).
const UNIT: Kernels = Kernels { parse_mb_per_s: 250.0, encode_entries_per_s: 900_000.0 };

/// What one core does per second of processor time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kernels {
    /// Megabytes of uploads that are parsed and packed for the log.
    pub parse_mb_per_s: f64,
    /// Entries of a sealed day that are encoded.
    pub encode_entries_per_s: f64,
}

impl Kernels {
    /// The geometric mean of both, beside the core of one unit.
    fn units(&self) -> f64 {
        let parse = self.parse_mb_per_s / UNIT.parse_mb_per_s;
        (parse * self.encode_entries_per_s / UNIT.encode_entries_per_s).sqrt()
    }
}

/// What a machine does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What one core does.
    pub units_per_core: f64,
    /// How far the middle half of the repeats spreads, beside the middle: above a tenth, others used the machine.
    pub spread_ratio: f64,
    /// Megabytes of uploads that one core parses and packs for the log per second.
    pub parse_mb_per_s: f64,
    /// Entries of a sealed day that one core encodes per second.
    pub encode_entries_per_s: f64,
    /// Pages of 4 KiB that are written and synced per second, one after another.
    pub syncs_per_s: f64,
    /// The 99th percentile of these, in milliseconds.
    pub sync_p99_ms: f64,
}

impl Calibration {
    /// From repeats of both kernels and the times of syncs in seconds; `None` without any.
    pub fn new(repeats: &[Kernels], mut syncs_s: Vec<f64>) -> Option<Self> {
        let mut units: Vec<f64> = repeats.iter().map(Kernels::units).collect();
        units.sort_by(f64::total_cmp);
        let quarter = |n: usize| units.get((units.len().saturating_sub(1) * n).div_ceil(4)).copied();
        let spread = quarter(3)? - quarter(1)?;
        syncs_s.sort_by(f64::total_cmp);
        let slow_s = *syncs_s.get(syncs_s.len() * 99 / 100)?;
        let units_per_core = median(units);
        Some(Self {
            spread_ratio: spread / units_per_core,
            units_per_core,
            parse_mb_per_s: median(repeats.iter().map(|kernels| kernels.parse_mb_per_s).collect()),
            encode_entries_per_s: median(repeats.iter().map(|kernels| kernels.encode_entries_per_s).collect()),
            syncs_per_s: syncs_s.len() as f64 / syncs_s.iter().sum::<f64>(),
            sync_p99_ms: slow_s * 1e3,
        })
    }

    /// One row per figure.
    pub fn table(&self) -> Table {
        let mut table = Table::new(1, &["figure", "value"]);
        let figures = [
            ("units per core", self.units_per_core),
            ("spread of these", self.spread_ratio * self.units_per_core),
            ("parse MB/s", self.parse_mb_per_s),
            ("encode entries/s", self.encode_entries_per_s),
            ("syncs/s", self.syncs_per_s),
            ("sync p99 ms", self.sync_p99_ms),
        ];
        table.rows.extend(figures.map(|(name, value)| vec![name.to_owned(), rounded(value)]));
        table
    }

    /// Whether others used the machine meanwhile, so that the figures say little.
    pub fn is_unsteady(&self) -> bool {
        self.spread_ratio > 0.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_that_does_twice_as_much_of_both_has_two_units() {
        let kernels = |factor: f64| Kernels {
            parse_mb_per_s: UNIT.parse_mb_per_s * factor,
            encode_entries_per_s: UNIT.encode_entries_per_s * factor,
        };
        let syncs_s: Vec<f64> = (1..=200).map(|ms| f64::from(ms) / 1e3).collect();
        let repeats = [2.02, 1.0, 1.99, 2.0, 1.98].map(kernels);
        let found = Calibration::new(&repeats, syncs_s).expect("there are some");
        assert!((found.units_per_core - 1.99).abs() < 1e-9 && (found.spread_ratio - 0.01).abs() < 1e-3, "{found:?}");
        assert!((found.sync_p99_ms - 199.0).abs() < 1e-9 && (found.syncs_per_s - 200.0 / 20.1).abs() < 1e-9);
        assert!(!found.is_unsteady());
        let unsteady = [1.0, 1.0, 1.5, 1.5, 1.5].map(kernels);
        assert!(Calibration::new(&unsteady, vec![0.1]).is_some_and(|found| found.is_unsteady()));
        assert_eq!((Calibration::new(&[], vec![0.1]), Calibration::new(&[kernels(1.0)], Vec::new())), (None, None));
    }
}
