//! What a study came to: months of people uploaded, taken in and read again, possibly over several sittings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::histogram::Percentiles;
use crate::table::Table;

/// A study, as `study.json` keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Study {
    /// How many people.
    pub people: u32,
    /// How many days of each are uploaded.
    pub days: u32,
    /// Entries in acknowledged uploads.
    pub entries: u64,
    /// Bodies of acknowledged uploads.
    pub upload_bytes: u64,
    /// Requests of all sittings that failed, those of the phases included.
    pub failed: u64,
    /// From a request's release to the end of its answer while uploading as fast as the target took it: a closed loop.
    pub upload_response_ms: Percentiles,
    /// Each time somebody worked at it.
    pub sittings: Vec<Sitting>,
    /// Bytes on disk when it was over, by what they hold.
    pub disk_bytes: BTreeMap<String, u64>,
    /// What was found of the truth.
    pub truth: Option<Truth>,
}

/// From a start of the target to its stop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sitting {
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Of which commit the program was; empty in studies older than the field.
    pub commit: String,
    /// How long it took.
    pub seconds: f64,
    /// How many days were uploaded when it ended.
    pub days: u32,
    /// Processor time of the target, by what it was used for.
    pub target_cpu_s: BTreeMap<String, f64>,
    /// Processor time of the generator: people, phones, requests.
    pub generator_cpu_s: f64,
    /// The most memory that the target held.
    pub memory_peak_bytes: u64,
}

/// How much of the truth the target's pipeline has found, in a sample of people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Truth {
    /// How many people were looked at.
    pub people: u32,
    /// Their trips that were meant to be found.
    pub trips: u64,
    /// The share of these that were found.
    pub recall: Option<f64>,
    /// The share of found trips that were made.
    pub precision: Option<f64>,
}

impl Study {
    /// Days of people that are uploaded.
    pub fn user_days(&self) -> u64 {
        u64::from(self.people) * u64::from(self.days)
    }

    /// Everything on the disk for a day of a person; `None` before there is one.
    pub fn bytes_per_user_day(&self) -> Option<f64> {
        let bytes: u64 = self.disk_bytes.values().sum();
        (self.user_days() > 0 && bytes > 0).then(|| bytes as f64 / self.user_days() as f64)
    }

    /// How long it took, over all sittings.
    pub fn seconds(&self) -> f64 {
        self.sittings.iter().map(|sitting| sitting.seconds).sum()
    }

    /// What the whole study came to: a figure in each row.
    pub fn table(&self) -> Table {
        let mut table = Table::new(1, &["study", "figure"]);
        let mut row = |name: &str, figure: String| table.rows.push(vec![name.to_owned(), figure]);
        row("people", self.people.to_string());
        row("days of each", self.days.to_string());
        row("entries", self.entries.to_string());
        row("requests that failed", self.failed.to_string());
        row("sittings", self.sittings.len().to_string());
        row("of commits", self.commits().join(", "));
        row("time, h", format!("{:.2}", self.seconds() / 3600.0));
        for (part, cpu_s) in self.cpu_s() {
            row(&format!("{part}, CPU s"), format!("{cpu_s:.1}"));
        }
        let peak = self.sittings.iter().map(|sitting| sitting.memory_peak_bytes).max().unwrap_or_default();
        row("memory of the target at its peak, MB", format!("{:.0}", peak as f64 / 1e6));
        for (part, bytes) in &self.disk_bytes {
            row(&format!("{part} on disk, MB"), format!("{:.1}", *bytes as f64 / 1e6));
        }
        let told =
            |figure: Option<f64>, digits: usize| figure.map_or("–".to_owned(), |figure| format!("{figure:.digits$}"));
        row("bytes per user-day, everything", told(self.bytes_per_user_day(), 0));
        row("upload p50, ms", told(self.upload_response_ms.p50, 1));
        row("upload p99, ms", told(self.upload_response_ms.p99, 1));
        if let Some(truth) = &self.truth {
            row("people compared with the truth", truth.people.to_string());
            row("trips meant to be found", truth.trips.to_string());
            row("recall", told(truth.recall, 4));
            row("precision", told(truth.precision, 4));
        }
        table
    }

    /// The commits of all sittings, each where it comes first.
    fn commits(&self) -> Vec<&str> {
        let mut commits = Vec::new();
        for sitting in &self.sittings {
            let commit = if sitting.commit.is_empty() { "not kept" } else { &sitting.commit };
            if !commits.contains(&commit) {
                commits.push(commit);
            }
        }
        commits
    }

    /// Processor time over all sittings by what it was used for, the generator's last.
    fn cpu_s(&self) -> Vec<(String, f64)> {
        let mut parts = BTreeMap::new();
        for (part, cpu_s) in self.sittings.iter().flat_map(|sitting| &sitting.target_cpu_s) {
            *parts.entry(part.clone()).or_default() += cpu_s;
        }
        let generator = self.sittings.iter().map(|sitting| sitting.generator_cpu_s).sum();
        parts.into_iter().chain([("generator".to_owned(), generator)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sittings_add_up() {
        let sitting = |commit: &str, days, cpu_s| Sitting {
            commit: commit.to_owned(),
            seconds: 1800.0,
            days,
            target_cpu_s: BTreeMap::from([("intake".to_owned(), cpu_s)]),
            generator_cpu_s: 1.0,
            ..Sitting::default()
        };
        let study = Study {
            people: 10,
            days: 30,
            sittings: vec![sitting("", 6, 1.0), sitting("ab25fd9", 12, 1.0), sitting("ab25fd9", 30, 3.5)],
            disk_bytes: BTreeMap::from([("chunks".to_owned(), 500_000), ("log".to_owned(), 100_000)]),
            ..Study::default()
        };
        assert_eq!((study.user_days(), study.seconds()), (300, 5400.0));
        assert_eq!(study.bytes_per_user_day(), Some(2000.0));
        let text = study.table().text();
        assert_eq!(study.commits(), ["not kept", "ab25fd9"]);
        for line in ["intake, CPU s", "5.5", "generator, CPU s", "3.0", "bytes per user-day, everything", "2000"] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let json = serde_json::to_string(&study).unwrap();
        assert_eq!(serde_json::from_str::<Study>(&json).unwrap(), study);
    }
}
