//! How long things take: counted finely enough to read percentiles from, and told to Prometheus in few buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// The bounds of a decade, in hundredths: less than an eighth apart, and with all of [`TOLD_NS`] among them.
const DECADE: [u64; 20] =
    [100, 112, 125, 140, 160, 180, 200, 225, 250, 280, 315, 355, 400, 450, 500, 560, 630, 700, 750, 875];
const DECADES: usize = 6;
/// How many counts there are: one for each bound, and one for what took longer.
pub(crate) const COUNTS: usize = DECADE.len() * DECADES + 2;
/// From ten microseconds to ten seconds, in nanoseconds.
const BOUNDS_NS: [u64; COUNTS - 1] = bounds();
/// The bounds that OpenTelemetry advises for `http.server.request.duration`, in nanoseconds.
const TOLD_NS: [u64; 14] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    75_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    750_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    7_500_000_000,
    10_000_000_000,
];

#[expect(clippy::indexing_slicing, reason = "it is computed by the compiler, which would notice")]
const fn bounds() -> [u64; COUNTS - 1] {
    let mut bounds = [10_000_000_000; COUNTS - 1];
    let (mut decade, mut scale) = (0, 100);
    while decade < DECADES {
        let mut step = 0;
        while step < DECADE.len() {
            bounds[decade * DECADE.len() + step] = DECADE[step] * scale;
            step += 1;
        }
        decade += 1;
        scale *= 10;
    }
    bounds
}

/// How many took how long.
pub(crate) type Counts = [u64; COUNTS];

/// A histogram that many threads count in without waiting for each other.
#[derive(Debug)]
pub(crate) struct Durations {
    counts: [AtomicU64; COUNTS],
    sum_ns: AtomicU64,
}

impl Default for Durations {
    fn default() -> Self {
        Self { counts: [const { AtomicU64::new(0) }; COUNTS], sum_ns: AtomicU64::new(0) }
    }
}

impl Durations {
    pub(crate) fn observe(&self, took: Duration) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(BOUNDS_NS.partition_point(|bound_ns| *bound_ns < took_ns)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_ns.fetch_add(took_ns, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counts = self.counts();
        let mut told: Vec<(f64, u64)> = TOLD_NS.iter().map(|bound_ns| (*bound_ns as f64 / 1e9, 0)).collect();
        told.push((f64::INFINITY, 0));
        for (at, count) in counts.iter().enumerate() {
            let bound_ns = BOUNDS_NS.get(at).copied().unwrap_or(u64::MAX);
            let bucket = TOLD_NS.partition_point(|told_ns| *told_ns < bound_ns);
            if let Some((_, told)) = told.get_mut(bucket) {
                *told += count;
            }
        }
        let sum_s = self.sum_ns.load(Ordering::Relaxed) as f64 / 1e9;
        encoder.encode_histogram::<NoLabelSet>(sum_s, counts.iter().sum(), &told, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Durations {
    const TYPE: MetricType = MetricType::Histogram;
}

/// The duration in seconds that a share of all took at most, somewhere between two bounds; `None` without any.
pub(crate) fn quantile_s(counts: &Counts, share: f64) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    let rank = share * total as f64;
    let mut below = 0;
    for (at, count) in counts.iter().enumerate() {
        let reached = below + count;
        if reached as f64 >= rank && *count > 0 {
            let low_ns = at.checked_sub(1).and_then(|at| BOUNDS_NS.get(at)).copied().unwrap_or(0) as f64;
            let high_ns = BOUNDS_NS.get(at).copied().unwrap_or(10_000_000_000) as f64;
            let within = (rank - below as f64) / *count as f64;
            return Some((low_ns + (high_ns - low_ns) * within) / 1e9);
        }
        below = reached;
    }
    None
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::metrics::shown::Shown;

    #[test]
    fn every_bound_that_is_told_is_one_that_is_counted_by() {
        assert!(BOUNDS_NS.is_sorted_by(|a, b| a < b));
        assert!(TOLD_NS.iter().all(|told| BOUNDS_NS.contains(told)));
    }

    #[test]
    fn what_is_told_is_what_was_counted() {
        let durations = std::sync::Arc::new(Durations::default());
        for millis in [1, 5, 6, 60, 11_000] {
            durations.observe(Duration::from_millis(millis));
        }
        let mut registry = Registry::default();
        registry.register("d", "d", Shown(durations));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            r#"d_bucket{le="0.005"} 2"#,
            r#"d_bucket{le="0.01"} 3"#,
            r#"d_bucket{le="0.075"} 4"#,
            r#"d_bucket{le="10.0"} 4"#,
            r#"d_bucket{le="+Inf"} 5"#,
            "d_sum 11.072",
            "d_count 5",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn percentiles_are_near_what_was_measured() {
        let durations = Durations::default();
        assert_eq!(quantile_s(&durations.counts(), 0.5), None);
        for micros in 1..=10_000 {
            durations.observe(Duration::from_micros(micros));
        }
        for (share, expected_s) in [(0.5, 0.005), (0.99, 0.0099), (0.1, 0.001)] {
            let found_s = quantile_s(&durations.counts(), share).unwrap();
            assert!((found_s / expected_s - 1.0).abs() < 0.02, "{share}: {found_s}");
        }
    }
}
