//! Latencies: histograms while a run goes on, percentiles when it is over.

use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest latency that is told apart: ten minutes. Longer ones count as this.
const LONGEST_US: u64 = 600_000_000;
/// Three digits: a recorded value is at most 0.1 % off.
const DIGITS: u8 = 3;
/// A percentile needs this many samples beyond it, or it is the tale of a few requests.
const SAMPLES_BEYOND_MIN: f64 = 10.0;

/// Bytes that are no histogram of latencies.
#[derive(Debug, thiserror::Error)]
#[error("these bytes are no histogram of latencies: {0}")]
pub struct HistogramError(String);

impl HistogramError {
    /// Bytes that could not even be read as such.
    pub(crate) fn encoding(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}

/// A histogram of latencies in microseconds, of the same size however many there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_US, DIGITS).expect("the bounds are valid constants"))
    }
}

impl Latencies {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// Takes in another histogram, as if its latencies had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all histograms have the same bounds");
    }

    /// Takes out what had been taken in before.
    pub(crate) fn take_out(&mut self, other: &Self) {
        self.0.subtract(&other.0).expect("it had been taken in before");
    }

    /// Forgets everything and keeps its memory.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// How many latencies were recorded.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The longest, in milliseconds.
    pub fn max_ms(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| ms(self.0.max()))
    }

    /// The sum of all, in seconds, as exact as the histogram.
    pub fn sum_s(&self) -> f64 {
        self.0.mean() * self.0.len() as f64 / 1e6
    }

    /// How many are at most `bound`, as exact as the histogram.
    pub fn count_until(&self, bound: Duration) -> u64 {
        match u64::try_from(bound.as_micros()) {
            Ok(us) if us < LONGEST_US => self.0.count_between(0, us),
            _ => self.0.len(),
        }
    }

    /// In HdrHistogram's V2 form, deflated: some hundred bytes, and nothing is lost.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.0, &mut bytes).expect("counts fit, and memory can be written to");
        bytes
    }

    /// From HdrHistogram's V2 form, deflated or not.
    ///
    /// # Errors
    /// When the bytes are something else, or hold latencies beyond the longest that is told apart.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, HistogramError> {
        let read = Deserializer::new().deserialize(&mut bytes).map_err(HistogramError::encoding)?;
        let mut latencies = Self::default();
        latencies.0.add(&read).map_err(HistogramError::encoding)?;
        Ok(latencies)
    }

    /// What is printed and kept, in milliseconds.
    pub fn percentiles(&self) -> Percentiles {
        Percentiles {
            count: self.0.len(),
            p50: self.quantile_ms(0.5),
            p90: self.quantile_ms(0.9),
            p99: self.quantile_ms(0.99),
            p99_9: self.quantile_ms(0.999),
            max: self.max_ms(),
        }
    }

    /// What this share of the latencies is at most, in milliseconds; `None` when fewer than ten samples lie beyond it.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let beyond = self.0.len() as f64 * (1.0 - quantile);
        // The product is a hair below ten for exactly a thousand samples and 0.99.
        (beyond >= SAMPLES_BEYOND_MIN - 1e-6).then(|| ms(self.0.value_at_quantile(quantile)))
    }
}

/// Microseconds as milliseconds, to the microsecond.
fn ms(us: u64) -> f64 {
    let us = us as f64;
    us / 1000.0
}

/// Percentiles in milliseconds. One that fewer than ten samples lie beyond is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// How many latencies were recorded.
    pub count: u64,
    /// The median.
    pub p50: Option<f64>,
    /// One in ten is above this.
    pub p90: Option<f64>,
    /// One in a hundred is above this.
    pub p99: Option<f64>,
    /// One in a thousand is above this.
    pub p99_9: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(milliseconds: impl IntoIterator<Item = u64>) -> Percentiles {
        let mut latencies = Latencies::default();
        milliseconds.into_iter().for_each(|ms| latencies.record(Duration::from_millis(ms)));
        latencies.percentiles()
    }

    #[test]
    fn percentiles_are_within_a_thousandth() {
        let found = of(1..=10_000);
        for (found, truth) in [(found.p50, 5000.0), (found.p90, 9000.0), (found.p99, 9900.0), (found.p99_9, 9990.0)] {
            let off = (found.unwrap() / truth - 1.0_f64).abs();
            assert!(off <= 0.001, "{found:?} for {truth}");
        }
        assert_eq!(found.count, 10_000);
    }

    #[test]
    fn a_percentile_of_too_few_samples_is_not_told() {
        assert_eq!(of([]), Percentiles::default());
        assert_eq!((of(0..19).p50, of(0..20).p50.is_some()), (None, true));
        assert_eq!((of(0..999).p99, of(0..1000).p99.is_some()), (None, true));
        assert_eq!((of(0..9_999).p99_9, of(0..10_000).p99_9.is_some()), (None, true));
        assert_eq!(of([7]).max, Some(7.003));
    }

    #[test]
    fn encoding_loses_nothing() {
        let mut latencies = Latencies::default();
        (0..3_000).for_each(|n: u64| latencies.record(Duration::from_micros(n * n * n)));
        let bytes = latencies.encode();
        assert!(bytes.len() < 5_000, "{}", bytes.len());
        assert_eq!(Latencies::decode(&bytes).unwrap(), latencies);
        assert_eq!(Latencies::decode(&Latencies::default().encode()).unwrap(), Latencies::default());
        for broken in [&bytes[..10], b"not a histogram".as_slice(), &[]] {
            assert!(Latencies::decode(broken).is_err());
        }
    }

    #[test]
    fn latencies_beyond_ten_minutes_are_refused_not_cut() {
        let mut longer = Histogram::<u64>::new(DIGITS).unwrap();
        longer.record(10 * LONGEST_US).unwrap();
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&longer, &mut bytes).unwrap();
        assert!(Latencies::decode(&bytes).is_err());
    }

    #[test]
    fn counts_and_sums_are_as_exact_as_the_histogram() {
        let mut latencies = Latencies::default();
        (1..=100).for_each(|ms| latencies.record(Duration::from_millis(ms)));
        assert_eq!((latencies.count(), latencies.count_until(Duration::from_millis(50))), (100, 50));
        assert_eq!(latencies.count_until(Duration::MAX), 100);
        assert!((latencies.sum_s() - 5.05).abs() < 0.01, "{}", latencies.sum_s());
        latencies.clear();
        assert_eq!((latencies.count(), latencies.max_ms(), latencies.sum_s()), (0, None, 0.0));
    }

    #[test]
    fn what_was_taken_in_can_be_taken_out() {
        let (mut sum, mut other) = (Latencies::default(), Latencies::default());
        sum.record(Duration::from_millis(3));
        let before = sum.clone();
        (1..100).for_each(|ms| other.record(Duration::from_millis(ms)));
        sum.merge(&other);
        assert_eq!(sum.count(), 100);
        sum.take_out(&other);
        assert_eq!((sum.percentiles(), sum), (before.percentiles(), before));
    }

    #[test]
    fn merging_equals_recording_together() {
        let (mut one, mut other, mut both) = (Latencies::default(), Latencies::default(), Latencies::default());
        for ms in 0..2_000 {
            let latency = Duration::from_millis(ms * ms);
            if ms % 3 == 0 {
                one.record(latency)
            } else {
                other.record(latency)
            }
            both.record(latency);
        }
        one.merge(&other);
        assert_eq!(one.percentiles(), both.percentiles());
    }
}
