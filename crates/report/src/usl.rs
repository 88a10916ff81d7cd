//! The Universal Scalability Law: what more cores, or more shards, bring, and where they stop bringing anything.
//!
//! X(N) = λN / (1 + σ(N−1) + κN(N−1)): λ is what one does alone, σ what waits in line, κ what they must agree on. It is
//! shown beside measurements and never makes one up: a row of the capacity table does not come from here. Points of cores
//! and points of shards, or of clients, are different laws and are never fitted together.

use std::collections::HashSet;

mod least_squares;
mod show;

pub use show::{markdown, table, text, text_with_table};

use least_squares::Parameters;

/// A law of three parameters goes through three points whatever they are.
const POINTS_MIN: usize = 6;
/// Further beyond what was measured nothing is said.
const REACH: f64 = 2.0;
/// So many made-up measurements, of which the middle 95 % make the intervals.
const REPLICATES: usize = 1_000;
/// The ends of the middle 95 %.
const ENDS: [f64; 2] = [0.025, 0.975];

/// A measurement: so much was done by so many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Cores, parts of one too; or shards; or clients.
    pub n: f64,
    /// What they did together, per second.
    pub throughput_per_s: f64,
}

/// Measurements under the name of what was made more of.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// What `n` counts, such as `cores`.
    pub name: String,
    /// In any order.
    pub points: Vec<Point>,
}

/// A law that was fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// What it was fitted to.
    pub points: Points,
    /// λ: what one does alone, per second.
    pub lambda: Estimate,
    /// σ: the share that waits in line.
    pub sigma: Estimate,
    /// κ: what each pair costs.
    pub kappa: Estimate,
    /// Where more begins to do less.
    pub peak: Peak,
}

/// A parameter, and the range that holds it with 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The best fit.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Where more begins to do less.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Peak {
    /// There.
    At(Point),
    /// κ may as well be 0.
    NotSeen,
    /// Somewhere beyond twice what was measured.
    OutOfReach,
}

/// What cannot be fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UslError {
    /// There are too few.
    #[error("the law needs measurements at {POINTS_MIN} different numbers or more, and there are {0}")]
    Few(usize),
    /// A line is none.
    #[error("line {line} of the measurements: {problem}")]
    Line {
        /// Which, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl Points {
    /// Reads two columns under headings, of which the first names what was made more of: `cores,throughput_per_s`.
    ///
    /// # Errors
    /// When a line is not two numbers above 0.
    pub fn parse(csv: &str) -> Result<Self, UslError> {
        let mut lines = csv.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let wrong = |at: usize, problem: String| UslError::Line { line: at + 1, problem };
        let (at, headings) = lines.next().ok_or_else(|| wrong(0, "there is none".to_owned()))?;
        let heads: Vec<_> = headings.split(',').map(str::trim).collect();
        let [name, _] = heads.as_slice() else {
            return Err(wrong(at, format!("`{headings}` heads not two columns such as `cores,throughput_per_s`")));
        };
        if name.parse::<f64>().is_ok() {
            return Err(wrong(at, format!("`{headings}` is no heading; write one such as `cores,throughput_per_s`")));
        }
        let point = |(at, line): (usize, &str)| {
            let numbers: Option<Vec<f64>> = line.split(',').map(|cell| cell.trim().parse().ok()).collect();
            match numbers.as_deref() {
                Some(&[n, throughput_per_s]) if is_amount(n) && is_amount(throughput_per_s) => {
                    Ok(Point { n, throughput_per_s })
                }
                _ => Err(wrong(at, format!("`{line}` is not two numbers above 0"))),
            }
        };
        let points = lines.map(point).collect::<Result<_, _>>()?;
        Ok(Self { name: (*name).to_owned(), points })
    }

    fn n_max(&self) -> f64 {
        self.points.iter().map(|point| point.n).fold(0.0, f64::max)
    }
}

fn is_amount(number: f64) -> bool {
    number.is_finite() && number > 0.0
}

/// Fits the law by least squares, and its intervals by resampling what it leaves over; the same seed, the same intervals.
///
/// Luck is taken to be as large at every number. Where it grows with the throughput the intervals are too narrow, and a
/// peak is told of one straight law in twenty-five that has none.
///
/// # Errors
/// When there are measurements at fewer than six different numbers.
pub fn fit(points: Points, seed: u64) -> Result<Fit, UslError> {
    let different: HashSet<_> = points.points.iter().map(|point| point.n.to_bits()).collect();
    if different.len() < POINTS_MIN {
        return Err(UslError::Few(different.len()));
    }
    let best = least_squares::fit(&points.points);
    let replicates = replicates(&points.points, best, seed);
    let estimate = |part: fn(Parameters) -> f64| {
        let mut values: Vec<_> = replicates.iter().map(|replicate| part(*replicate)).collect();
        values.sort_by(f64::total_cmp);
        let [low, high] = ENDS.map(|share| quantile(&values, share));
        Estimate { value: part(best), low, high }
    };
    let (lambda, sigma, kappa) =
        (estimate(|found| found.lambda), estimate(|found| found.sigma), estimate(|found| found.kappa));
    let peak = peak(best, kappa, points.n_max());
    Ok(Fit { points, lambda, sigma, kappa, peak })
}

impl Fit {
    /// What so many would do, per second; `None` beyond twice what was measured.
    pub fn throughput_per_s(&self, n: f64) -> Option<f64> {
        (n > 0.0 && n <= REACH * self.points.n_max()).then(|| self.parameters().at(n))
    }

    fn parameters(&self) -> Parameters {
        Parameters { lambda: self.lambda.value, sigma: self.sigma.value, kappa: self.kappa.value }
    }
}

fn peak(best: Parameters, kappa: Estimate, n_max: f64) -> Peak {
    if kappa.low <= 0.0 {
        return Peak::NotSeen;
    }
    match ((1.0 - best.sigma) / best.kappa).sqrt() {
        n if n <= REACH * n_max => Peak::At(Point { n, throughput_per_s: best.at(n) }),
        _ => Peak::OutOfReach,
    }
}

/// The law fitted to what might as well have been measured: itself, with what it left over dealt out anew.
fn replicates(points: &[Point], best: Parameters, seed: u64) -> Vec<Parameters> {
    let fitted: Vec<_> = points.iter().map(|point| best.at(point.n)).collect();
    // Three parameters bend towards the points, so what they leave over is too little by this.
    let free = points.len() as f64 / (points.len() - 3) as f64;
    let left: Vec<_> =
        points.iter().zip(&fitted).map(|(point, fitted)| (point.throughput_per_s - fitted) * free.sqrt()).collect();
    let mean = left.iter().sum::<f64>() / left.len() as f64;
    let mut dealer = Dealer(seed);
    let mut replicate = || {
        let made_up: Vec<_> = points
            .iter()
            .zip(&fitted)
            .map(|(point, fitted)| {
                let luck = left.get(dealer.below(left.len())).expect("the dealer stays below") - mean;
                Point { n: point.n, throughput_per_s: fitted + luck }
            })
            .collect();
        least_squares::fit(&made_up)
    };
    (0..REPLICATES).map(|_| replicate()).collect()
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "a share of a length is an index")]
    let at = (share * (sorted.len() - 1) as f64).round() as usize;
    *sorted.get(at).expect("the share is below 1")
}

/// Numbers from a seed: SplitMix64, which is enough to deal from a dozen.
struct Dealer(u64);

impl Dealer {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % count as u64).expect("it is below a length")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published with the R package and its relatives: transactions per second by number of clients.
    const PUBLISHED: &str = "clients,per_s\n1,65\n18,996\n36,1652\n72,1853\n108,1829\n144,1775\n216,1702\n";

    fn law(sigma: f64, kappa: f64, luck: f64) -> Points {
        let truth = Parameters { lambda: 100.0, sigma, kappa };
        let point = |(at, n): (usize, f64)| {
            let sign = if at % 2 == 0 { 1.0 } else { -1.0 };
            Point { n, throughput_per_s: truth.at(n) * (1.0 + sign * luck) }
        };
        let points = [0.25, 0.5, 0.75, 1.0, 2.0, 4.0, 8.0, 16.0].into_iter().enumerate().map(point).collect();
        Points { name: "cores".to_owned(), points }
    }

    fn near(found: f64, known: f64, share: f64) {
        assert!((found / known - 1.0).abs() < share, "{found} for {known}");
    }

    #[test]
    fn the_published_measurements_give_the_published_law() {
        let points = Points::parse(PUBLISHED).unwrap();
        let found = fit(points.clone(), 1).unwrap();
        near(found.lambda.value, 90.691, 0.01);
        near(found.sigma.value, 0.028168, 0.02);
        near(found.kappa.value, 1.04e-4, 0.005);
        let Peak::At(peak) = found.peak else { panic!("{found:?}") };
        near(peak.n, 96.0, 0.01);
        near(peak.throughput_per_s, 1882.42, 0.001);
        // The published walk ended a little early: its parameters leave more over, whichever κ is rounded to 1.04e-4.
        let squares = |parameters| least_squares::squares(&points.points, parameters);
        let published = |kappa| squares(Parameters { lambda: 90.691, sigma: 0.028168, kappa });
        let least = [1.035e-4, 1.04e-4, 1.041e-4, 1.045e-4].map(published).into_iter().fold(f64::INFINITY, f64::min);
        assert!(squares(found.parameters()) < least, "{found:?}");
        for estimate in [found.lambda, found.sigma, found.kappa] {
            assert!(estimate.low < estimate.value && estimate.value < estimate.high, "{estimate:?}");
        }
        assert!(text(&found).contains("most is done at 96"), "{}", text(&found));
    }

    #[test]
    fn a_law_is_found_again_and_told_no_further_than_twice_as_far() {
        let found = fit(law(0.05, 0.002, 0.0), 1).unwrap();
        near(found.lambda.value, 100.0, 1e-6);
        near(found.sigma.value, 0.05, 1e-6);
        near(found.kappa.value, 0.002, 1e-6);
        assert!(found.throughput_per_s(32.0).is_some());
        assert_eq!((found.throughput_per_s(32.1), found.throughput_per_s(0.0)), (None, None));
    }

    #[test]
    fn a_law_that_does_not_describe_what_was_measured_says_so() {
        let text_of = |points: Points| text(&fit(points, 1).unwrap());
        assert!(!text_of(law(0.02, 0.001, 0.05)).contains("does not describe"));
        // Parts of a core do less than their share.
        let mut less = law(0.0, 0.0, 0.0);
        less.points.iter_mut().filter(|point| point.n < 0.5).for_each(|point| point.throughput_per_s *= 0.6);
        assert!(text_of(less).contains("off by up to 4"));
    }

    #[test]
    fn without_a_bend_no_peak_is_told() {
        let straight = fit(law(0.02, 0.0, -0.01), 1).unwrap();
        assert_eq!(straight.peak, Peak::NotSeen);
        assert!(text(&straight).contains("no peak seen"), "{}", text(&straight));
        let far = fit(law(0.0, 1e-4, 0.0), 1).unwrap();
        assert_eq!(far.peak, Peak::OutOfReach);
    }

    #[test]
    fn a_straight_law_is_seldom_told_a_peak_even_if_luck_grows_with_the_throughput() {
        const LAWS: usize = 50;
        let mut dealer = Dealer(1);
        let mut measured = |mut point: Point| {
            // Twelve dice make a bell; 2 % is a calm machine's.
            let bell: usize = (0..12).map(|_| dealer.below(1_001)).sum();
            point.throughput_per_s *= 1.0 + 0.02 * (bell as f64 / 1_000.0 - 6.0);
            point
        };
        let mut is_told = || {
            let line = law(0.02, 0.0, 0.0);
            let points = line.points.into_iter().map(&mut measured).collect();
            matches!(fit(Points { points, ..line }, 1).unwrap().peak, Peak::At(_))
        };
        let told = (0..LAWS).filter(|_| is_told()).count();
        assert!(told <= LAWS / 10, "{told} of {LAWS}");
    }

    #[test]
    fn the_same_seed_gives_the_same_intervals() {
        let with = |seed| fit(Points::parse(PUBLISHED).unwrap(), seed).unwrap();
        assert_eq!(with(7), with(7));
        assert_ne!(with(7).kappa, with(8).kappa);
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let refused = |csv: &str, why: &str| {
            let error = Points::parse(csv).and_then(|points| fit(points, 1)).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        refused("n,x\n1,1\n2,2\n3,3\n4,4\n5,5\n5,6\n", "6 different numbers or more, and there are 5");
        refused("n,x\n1,1\n2,two\n", "line 3 of the measurements: `2,two` is not two numbers above 0");
        refused("n,x\n0,1\n", "line 2");
        refused("n,x\n1,1,1\n", "line 2");
        refused("1,2\n3,4\n", "line 1 of the measurements: `1,2` is no heading");
        refused("n\n1\n", "heads not two columns");
        refused("", "line 1 of the measurements: there is none");
    }
}
