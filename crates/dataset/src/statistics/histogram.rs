//! Counts in bins: all that a distribution needs, in memory that does not grow with the number of people.

use std::f64::consts::SQRT_2;

/// Where bins begin and end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    from: f64,
    step: f64,
    bins: usize,
    is_logarithmic: bool,
}

impl Axis {
    /// Bins of equal width.
    pub fn linear(from: f64, to: f64, bins: usize) -> Self {
        Self { from, step: (to - from) / bins as f64, bins, is_logarithmic: false }
    }

    /// Bins whose edges have equal ratios; `from` and `to` are positive.
    pub fn logarithmic(from: f64, to: f64, bins: usize) -> Self {
        Self { is_logarithmic: true, ..Self::linear(from.ln(), to.ln(), bins) }
    }

    /// Where bin `bin` begins.
    fn edge(&self, bin: f64) -> f64 {
        let at = self.from + bin * self.step;
        if self.is_logarithmic { at.exp() } else { at }
    }

    /// The bin of a value; what is outside is counted in the first or the last.
    fn bin(&self, value: f64) -> usize {
        let at = if self.is_logarithmic { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let bin = ((at - self.from) / self.step).floor().max(0.0);
        #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and the last bin takes what is beyond")]
        let bin = bin as usize;
        bin.min(self.bins - 1)
    }
}

/// How often values fell into each bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    axis: Axis,
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Nothing counted yet.
    pub fn new(axis: Axis) -> Self {
        Self { axis, counts: vec![0; axis.bins], total: 0 }
    }

    /// Counts a value.
    pub fn add(&mut self, value: f64) {
        if let Some(count) = self.counts.get_mut(self.axis.bin(value)) {
            *count += 1;
            self.total += 1;
        }
    }

    /// Adds what another histogram of the same axis counted.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.axis, other.axis, "histograms of one statistic have one axis");
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, other)| *count += other);
        self.total += other.total;
    }

    /// As many values as in both, of which `share` are like those of `first` and the rest like those of `second`: a mean
    /// of two distributions. One that has none counts nothing.
    pub fn mixed(first: &Self, second: &Self, share: f64) -> Self {
        assert_eq!(first.axis, second.axis, "histograms of one statistic have one axis");
        /// Counts are whole: rounding them does not show in so many.
        const TOTAL: f64 = 1e9;
        let scale = |of: &Self, share: f64| if of.total == 0 { 0.0 } else { share * TOTAL / of.total as f64 };
        let (scale_first, scale_second) = (scale(first, share), scale(second, 1.0 - share));
        let both = first.counts.iter().zip(&second.counts);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts below the total")]
        let mean = |(a, b): (&u64, &u64)| (*a as f64 * scale_first + *b as f64 * scale_second).round() as u64;
        let counts: Vec<u64> = both.map(mean).collect();
        Self { axis: first.axis, total: counts.iter().sum(), counts }
    }

    /// How many values were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The bins: begin, end and the share of values in it.
    pub fn bins(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let total = self.total.max(1) as f64;
        self.counts.iter().enumerate().map(move |(bin, &count)| {
            let bin = bin as f64;
            (self.axis.edge(bin), self.axis.edge(bin + 1.0), count as f64 / total)
        })
    }

    /// The value below which `share` of the values lie, to within a bin; none when nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = share * self.total as f64;
        let mut below = 0.0;
        for (bin, &count) in self.counts.iter().enumerate() {
            let count = count as f64;
            if count > 0.0 && below + count >= wanted {
                return Some(self.axis.edge(bin as f64 + (wanted - below) / count));
            }
            below += count;
        }
        None
    }

    /// The largest difference from a distribution function, looked for at the edges of the bins (Kolmogorov-Smirnov);
    /// none when nothing was counted.
    pub fn distance(&self, distribution: impl Fn(f64) -> f64) -> Option<f64> {
        let mut below = 0.0;
        let differences = self.bins().map(|(_, end, share)| {
            below += share;
            (below - distribution(end)).abs()
        });
        let max = differences.fold(0.0, f64::max);
        (self.total > 0).then_some(max)
    }
}

/// A log-normal distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogNormal {
    /// The mean of the logarithm.
    pub mu: f64,
    /// Its spread.
    pub sigma: f64,
}

impl LogNormal {
    /// The share below a value.
    pub fn below(&self, value: f64) -> f64 {
        if value <= 0.0 { 0.0 } else { (1.0 + erf((value.ln() - self.mu) / self.sigma / SQRT_2)) / 2.0 }
    }

    /// The share below a value of what lies between `from` and `to`.
    pub fn below_within(&self, value: f64, from: f64, to: f64) -> f64 {
        let [value, from, to] = [value, from, to].map(|value| self.below(value));
        ((value - from) / (to - from)).clamp(0.0, 1.0)
    }
}

/// The error function to 1.5e-7: Abramowitz and Stegun 7.1.26.
fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let sum = series.into_iter().fold(0.0, |sum, term| (sum + term) * t);
    (1.0 - sum * (-x * x).exp()).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_normal_has_its_median_and_its_spread() {
        let lengths = LogNormal { mu: 8.40, sigma: 1.55 };
        // mobility.md 2b: 26 % below a mile, 52 % below three, 3 % above fifty.
        for (miles, share) in [(1.0, 0.26), (3.0, 0.52), (50.0, 0.97)] {
            assert!((lengths.below(miles * 1_609.0) - share).abs() < 0.006, "{miles} miles");
        }
        assert!((lengths.below(8.40_f64.exp()) - 0.5).abs() < 1e-7);
        assert_eq!(lengths.below_within(9.0, 1.0, 9.0), 1.0);
        assert_eq!(lengths.below_within(0.5, 1.0, 9.0), 0.0);
    }

    #[test]
    fn quantiles_and_distances_are_those_of_the_values() {
        let mut histogram = Histogram::new(Axis::linear(0.0, 1.0, 1_000));
        (0..10_000).for_each(|i| histogram.add((f64::from(i) / 10_000.0).sqrt()));
        assert!((histogram.quantile(0.25).unwrap() - 0.5).abs() < 0.001);
        assert!(histogram.distance(|x| x * x).unwrap() < 0.001);
        assert!((histogram.distance(|x| x).unwrap() - 0.25).abs() < 0.001, "x against x² differs most at a half");
    }

    #[test]
    fn values_outside_count_at_the_ends_and_parts_add_up() {
        let axis = Axis::logarithmic(1.0, 100.0, 10);
        let (mut low, mut high) = (Histogram::new(axis), Histogram::new(axis));
        [0.0, 0.5, 2.0].into_iter().for_each(|value| low.add(value));
        [1e9, 50.0].into_iter().for_each(|value| high.add(value));
        low.merge(&high);
        assert_eq!(low.total(), 5);
        assert!(low.quantile(0.1).unwrap() < 1.6 && low.quantile(1.0).unwrap() > 99.0);
        assert!(Histogram::new(axis).quantile(0.5).is_none());
    }
}
