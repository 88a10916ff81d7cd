//! What was sampled beside a run: the target's processor, memory and disk, and how healthy the machine was.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::axis::{Axis, Unit};
use super::chart::{Chart, Kind, Series};
use crate::interval::whole;

/// A line of `target.csv`. Columns that are not known here are passed over, those that are not there count 0; but without
/// a time it is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct TargetSample {
    /// Seconds since the first sample.
    pub at_s: f64,
    /// Processor time since the start of the process.
    #[serde(default)]
    pub cpu_s: f64,
    /// Memory it holds.
    #[serde(default)]
    pub memory_bytes: f64,
    /// Room its data takes on the disk.
    #[serde(default)]
    pub disk_bytes: f64,
    /// Bytes it has handed to the disk.
    #[serde(default)]
    pub written_bytes: f64,
}

/// A line of `health.csv`: how the machine was since the line before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HealthSample {
    /// Seconds since the start of the run, *warm-up* included.
    pub at_s: f64,
    /// Processor time that the hypervisor gave to others, as a share of all.
    #[serde(default)]
    pub steal_ratio: f64,
    /// How long some process waited for a processor, as a share of the time: Linux' pressure, `some`.
    #[serde(default)]
    pub pressure_ratio: Option<f64>,
    /// Processor time of the generator, as a share of all cores.
    #[serde(default)]
    pub generator_ratio: f64,
}

/// Reads lines of samples; a last line that was cut off is left out.
///
/// # Errors
/// When a line is something else.
pub fn read<T: DeserializeOwned>(csv: &str) -> Result<Vec<T>, csv::Error> {
    csv::Reader::from_reader(whole(csv).as_bytes()).deserialize().collect()
}

/// The samples in `target-metrics.ndjson`: what the target's own page said of its processor time and memory under these
/// names. A line has what had changed, or why there was no page; a last line that was cut off is left out.
///
/// # Errors
/// When a line is something else.
pub fn read_scraped(ndjson: &str, cpu_s: &str, memory_bytes: &str) -> Result<Vec<TargetSample>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Line {
        at_s: f64,
        #[serde(default)]
        series: BTreeMap<String, f64>,
    }
    let mut last = TargetSample::default();
    let mut samples = Vec::new();
    for line in whole(ndjson).lines() {
        let Line { at_s, series } = serde_json::from_str(line)?;
        let told = |name: &str, before: f64| series.get(name).copied().unwrap_or(before);
        last = TargetSample {
            at_s,
            cpu_s: told(cpu_s, last.cpu_s),
            memory_bytes: told(memory_bytes, last.memory_bytes),
            ..last
        };
        // Before the first page nothing is known.
        if !samples.is_empty() || !series.is_empty() {
            samples.push(last);
        }
    }
    Ok(samples)
}

/// Samples of one sitting after the other as if they had followed each other at once.
pub(crate) fn joined(sittings: &[Vec<TargetSample>]) -> Vec<TargetSample> {
    let mut before = TargetSample::default();
    let mut joined = Vec::new();
    for samples in sittings {
        // Each sitting has a process of its own, which begins to count anew.
        joined.extend(samples.iter().map(|sample| TargetSample {
            at_s: before.at_s + sample.at_s,
            cpu_s: before.cpu_s + sample.cpu_s,
            written_bytes: before.written_bytes + sample.written_bytes,
            ..*sample
        }));
        before = joined.last().copied().unwrap_or(before);
    }
    joined
}

/// Samples more than this are thinned out: each that is left stands for those before it.
const SAMPLES_MAX: usize = 360;

fn thinned<T: Copy>(samples: &[T]) -> impl Iterator<Item = &[T]> {
    samples.chunks(samples.len().div_ceil(SAMPLES_MAX).max(1))
}

/// The charts of a target as `whose` samples tell, of which the first was taken `before_s` before the time axis begins.
pub(crate) fn target_charts(whose: &str, samples: &[TargetSample], before_s: f64, length_s: f64) -> Vec<Chart> {
    let mut last = match samples.first() {
        Some(first) if samples.len() > 1 => *first,
        _ => return Vec::new(),
    };
    let (mut xs, mut cpu, mut memory, mut disk, mut written) = (vec![], vec![], vec![], vec![], vec![]);
    for samples in thinned(samples.get(1..).unwrap_or_default()) {
        let Some(end) = samples.last() else { continue };
        let since_s = end.at_s - last.at_s;
        let at_s = end.at_s - before_s;
        if at_s >= 0.0 && at_s <= length_s && since_s > 0.0 {
            let peak = samples.iter().map(|sample| sample.memory_bytes).fold(0.0, f64::max);
            xs.push(at_s);
            cpu.push(Some((end.cpu_s - last.cpu_s).max(0.0) / since_s));
            memory.push(Some(peak));
            disk.push(Some(end.disk_bytes));
            written.push(Some((end.written_bytes - last.written_bytes).max(0.0) / since_s));
        }
        last = *end;
    }
    if xs.is_empty() {
        return Vec::new();
    }
    let chart = |id: &str, title: &str, told: &str, unit, mut series: Vec<Series>| {
        // Of a target that somebody else started less is seen.
        series.retain(|series| series.values.iter().flatten().any(|value| *value > 0.0));
        let highest = series.iter().flat_map(|series| series.values.iter().flatten()).fold(0.0, |a: f64, b| a.max(*b));
        let (id, title) = (format!("{}-{id}", whose.to_lowercase()), format!("{whose}: {title}"));
        let chart = Chart::new(&id, &title, (Axis::time(length_s), xs.clone()), Axis::linear(highest, unit), series);
        Chart { told: told.to_owned(), ..chart }
    };
    let charts = [
        chart(
            "cpu",
            "processor",
            "How many cores its process kept busy.",
            Unit::Cores,
            vec![Series::line("busy cores", "blue", cpu).drawn(Kind::Area)],
        ),
        chart(
            "memory",
            "memory and disk",
            "Memory its process held, and room its data took.",
            Unit::Bytes,
            vec![Series::line("memory", "violet", memory), Series::line("on disk", "teal", disk)],
        ),
        chart(
            "written",
            "written",
            "Bytes it handed to the disk each second.",
            Unit::Bytes,
            vec![Series::line("bytes per s", "teal", written).drawn(Kind::Area)],
        ),
    ];
    charts.into_iter().filter(|chart| !chart.series.is_empty()).collect()
}

/// The strip of the machine's health.
pub(crate) fn health_chart(samples: &[HealthSample], length_s: f64) -> Option<Chart> {
    let worst: Vec<HealthSample> = thinned(samples).map(worst).collect();
    let of = |ratio: fn(&HealthSample) -> Option<f64>| worst.iter().map(ratio).collect::<Vec<_>>();
    let series: Vec<Series> = [
        Series::line("steal", "red", of(|sample| Some(sample.steal_ratio))),
        Series::line("pressure", "amber", of(|sample| sample.pressure_ratio)),
        Series::line("generator", "blue", of(|sample| Some(sample.generator_ratio))),
    ]
    .into_iter()
    .filter(|series| series.values.iter().any(Option::is_some))
    .collect();
    let highest = series.iter().flat_map(|series| series.values.iter().flatten()).fold(0.02, |a: f64, b| a.max(*b));
    let xs = worst.iter().map(|sample| sample.at_s).collect();
    let axis = Axis::linear(highest, Unit::Percent);
    let chart = Chart::new("health", "The machine", (Axis::time(length_s), xs), axis, series);
    let told =
        "Steal: taken by other guests. Pressure: somebody waited for a processor. Generator: its share of all cores.";
    (!samples.is_empty()).then(|| Chart { told: told.to_owned(), is_low: true, ..chart })
}

fn worst(samples: &[HealthSample]) -> HealthSample {
    samples.iter().fold(HealthSample::default(), |worst, sample| HealthSample {
        at_s: sample.at_s,
        steal_ratio: worst.steal_ratio.max(sample.steal_ratio),
        pressure_ratio: worst.pressure_ratio.into_iter().chain(sample.pressure_ratio).reduce(f64::max),
        generator_ratio: worst.generator_ratio.max(sample.generator_ratio),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_whatever_columns_there_are() {
        let read = |csv| read::<TargetSample>(csv).map(|samples| samples.len());
        assert_eq!(read("at_s,cpu_s,new\n0,0.5,3\n1,0.7,4\n2,0.").unwrap(), 2);
        assert_eq!(read("").unwrap(), 0);
        assert!(read("at_s\nsoon\n").unwrap_err().to_string().contains("line: 2"));
        assert!(read("cpu_s\n0.5\n").unwrap_err().to_string().contains("at_s"));
    }

    #[test]
    fn what_a_page_said_of_its_process_is_a_sample() {
        let lines = "{\"at_s\":0.1,\"error\":\"refused\"}\n{\"at_s\":1.0,\"series\":{\"cpu\":2.0,\"x\":1}}\n\
                     {\"at_s\":6.0,\"series\":{\"rss\":5e6}}\n{\"at_s\":11.0,\"error\":\"late\"}\n{\"at_s";
        let samples = read_scraped(lines, "cpu", "rss").unwrap();
        let told: Vec<_> = samples.iter().map(|sample| (sample.at_s, sample.cpu_s, sample.memory_bytes)).collect();
        assert_eq!(told, [(1.0, 2.0, 0.0), (6.0, 2.0, 5e6), (11.0, 2.0, 5e6)]);
        let charts = target_charts("Target", &samples, 0.0, 20.0);
        assert_eq!(charts.iter().map(|chart| chart.id.as_str()).collect::<Vec<_>>(), ["target-memory"]);
        assert!(read_scraped("damage\n", "cpu", "rss").is_err());
    }

    #[test]
    fn sittings_follow_each_other() {
        let sitting = |disk_bytes: f64| {
            let at = |at_s| TargetSample {
                at_s,
                cpu_s: at_s / 2.0,
                disk_bytes,
                written_bytes: 10.0,
                ..TargetSample::default()
            };
            vec![at(1.0), at(2.0)]
        };
        let told: Vec<_> = joined(&[sitting(5.0), vec![], sitting(7.0)])
            .iter()
            .map(|sample| (sample.at_s, sample.cpu_s, sample.disk_bytes, sample.written_bytes))
            .collect();
        assert_eq!(told, [(1.0, 0.5, 5.0, 10.0), (2.0, 1.0, 5.0, 10.0), (3.0, 1.5, 7.0, 20.0), (4.0, 2.0, 7.0, 20.0)]);
    }

    #[test]
    fn a_day_of_samples_becomes_a_chart() {
        let sample = |s: u32| TargetSample { at_s: s.into(), cpu_s: f64::from(s) * 0.5, ..TargetSample::default() };
        let samples: Vec<_> = (0..86_400).map(sample).collect();
        let charts = target_charts("Target", &samples, 10.0, 86_380.0);
        assert!((300..=SAMPLES_MAX).contains(&charts[0].xs.len()));
        assert!(charts[0].series[0].values.iter().all(|cores| *cores == Some(0.5)));
        assert!(target_charts("Target", &samples[..1], 0.0, 10.0).is_empty());
    }
}
