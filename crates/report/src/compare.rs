//! Two builds beside each other: paired runs, the logarithm of each pair's ratio, and an interval that says how far the
//! pairs agree.
//!
//! Runs of one pair are made one after the other, so what a machine does to both falls out of their ratio. On a shared
//! machine processor time and bytes still say something where wall time says nothing, so they decide and latency informs,
//! unless the machine was quiet enough. How quiet is measured first, with pairs of the same build.

use std::collections::BTreeMap;

use rand::rngs::Xoshiro256PlusPlus as Bootstrap;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use crate::limit::rounded;
use crate::result::{RunResult, Verdict};
use crate::student::student_t;
use crate::summary::percent;
use crate::table::Table;

/// With fewer pairs nothing can be told of how far they agree.
pub const PAIRS_MIN: usize = 4;
/// How often pairs are drawn anew.
const RESAMPLES: usize = 4_000;
/// What may be worse without a regression where nobody says otherwise, as a ratio less 1.
pub const TOLERANCE: f64 = 0.05;
/// What is outside of an interval on one side: together one in a hundred.
const OUTSIDE: f64 = 0.005;
/// The normal deviate beyond which `OUTSIDE` lies.
const Z: f64 = 2.575_829;

/// One run's numbers that builds are compared by, by name. More is worse for each.
pub fn measures(run: &RunResult) -> BTreeMap<String, f64> {
    let mut measures = BTreeMap::new();
    let completed: u64 = run.operations.values().map(|operation| operation.completed).sum();
    if let (Some(target), true) = (&run.target_use, completed > 0) {
        let requests = completed as f64;
        measures.extend(target.measure_cpu_s.map(|cpu_s| (CPU.to_owned(), cpu_s * 1e3 / requests)));
        // Bytes are those of the whole life of the target, and so are these requests.
        let all = requests + (run.upload.sent - run.upload.failed.min(run.upload.sent)) as f64;
        measures.extend(target.written_bytes.map(|bytes| (WRITTEN.to_owned(), bytes as f64 / all)));
        measures.extend(target.memory_peak_bytes.map(|bytes| (MEMORY.to_owned(), bytes as f64)));
    }
    for (name, operation) in run.operations.iter().filter(|(_, operation)| !operation.is_always_empty) {
        let response = operation.response_ms;
        let told = [("p50", response.p50), ("p90", response.p90), ("p99", response.p99)];
        let told = told.into_iter().filter_map(|(quantile, ms)| Some((format!("{name}.response_ms.{quantile}"), ms?)));
        measures.extend(told);
    }
    measures.retain(|_, value| *value > 0.0);
    measures
}

/// Processor time of the target for each request that it completed.
pub const CPU: &str = "cpu_ms_per_request";
/// Bytes that the target handed to the disk for each request.
pub const WRITTEN: &str = "written_bytes_per_request";
/// The most memory that the target held.
pub const MEMORY: &str = "memory_peak_bytes";

/// What the pairs say of one measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// More than before: the interval lies above 0.
    Slower,
    /// Less than before: the interval lies below 0.
    Faster,
    /// The interval has 0 in it, and nothing beyond the tolerance.
    Same,
    /// The interval has 0 in it, and more than the tolerance as well; or there were too few pairs.
    CannotTell,
}

/// By how much the candidate differs, in ratios less 1: 0.05 is 5 % more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The least that the pairs agree with.
    pub low: f64,
    /// What they say together.
    pub middle: f64,
    /// The most that they agree with.
    pub high: f64,
}

/// One measure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub measure: String,
    /// The baseline's median.
    pub baseline: f64,
    /// The candidate's median.
    pub candidate: f64,
    /// How many pairs have it.
    pub pairs: usize,
    /// By how much they differ; `None` with too few pairs.
    pub difference: Option<Estimate>,
    /// By how much two of the same build differ; `None` when that was not measured.
    pub noise: Option<Estimate>,
    /// What that says.
    pub answer: Answer,
    /// Whether it may fail a comparison, or only informs.
    pub decides: bool,
    /// Whether it decides, and is worse by more than the tolerance.
    pub is_regression: bool,
}

/// All measures of two builds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What may be worse without a regression, as a ratio less 1.
    pub tolerance: f64,
    /// Each measure.
    pub rows: Vec<Row>,
    /// What must be known to read it.
    pub notes: Vec<String>,
}

/// A run of the baseline and one of the candidate, made one after the other.
pub type Pair = (RunResult, RunResult);

/// The runs of a comparison.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// Those that are compared.
    pub pairs: Vec<Pair>,
    /// Those of the same build twice, which show the machine's noise.
    pub noise: Vec<Pair>,
    /// How many more there were of which a run came to no end.
    pub unfinished: usize,
}

/// Compares the runs of each pair. The same pairs always give the same answer.
pub fn compare(Pairs { pairs, noise, unfinished }: &Pairs, tolerance: f64) -> Comparison {
    /// Of drawing pairs anew: any number does.
    const SEED: u64 = 1;
    let is_quiet = pairs.iter().all(|(a, b)| is_clean(a) && is_clean(b));
    let mut notes: Vec<String> = pairs.iter().find_map(apart).into_iter().collect();
    let measured = |(a, b): &Pair| (measures(a), measures(b));
    let (pairs, noise): (Vec<_>, Vec<_>) = (pairs.iter().map(measured).collect(), noise.iter().map(measured).collect());
    let names: Vec<&String> = pairs.first().map_or(Vec::new(), |(a, _)| a.keys().collect());
    let rows = names.into_iter().filter_map(|name| {
        let of = |(a, b): &(BTreeMap<String, f64>, BTreeMap<String, f64>)| Some((*a.get(name)?, *b.get(name)?));
        let values: Vec<(f64, f64)> = pairs.iter().filter_map(of).collect();
        let alike: Vec<(f64, f64)> = noise.iter().filter_map(of).collect();
        (!values.is_empty()).then(|| row(name, &values, &alike, is_quiet, tolerance, SEED))
    });
    match unfinished {
        0 => {}
        1 => notes.push("1 unfinished pair is left out".to_owned()),
        more => notes.push(format!("{more} unfinished pairs are left out")),
    }
    if pairs.len() < PAIRS_MIN {
        notes.push(format!("{} of {PAIRS_MIN} pairs: too few to tell how far they agree", pairs.len()));
    }
    if !is_quiet {
        notes.push("the machine was not quiet in every run, so latency informs and decides nothing".to_owned());
    }
    let rows: Vec<Row> = rows.collect();
    notes.extend(rows.iter().filter_map(|row| pairs_wanted(row, tolerance)));
    Comparison { tolerance, rows, notes }
}

/// In what the runs of a pair differ that should be alike.
fn apart((a, b): &Pair) -> Option<String> {
    let alike = [
        ("scenario", a.scenario == b.scenario),
        ("schedule", a.schedule.hash == b.schedule.hash),
        ("number of people", a.users == b.users),
        ("seed", a.seed == b.seed),
        ("target", a.target == b.target),
        ("machine", a.machine == b.machine),
        ("host", a.environment.host == b.environment.host),
    ];
    let apart: Vec<&str> = alike.into_iter().filter(|(_, is)| !is).map(|(name, _)| name).collect();
    (!apart.is_empty()).then(|| format!("not alike, so more than the build may differ: {}", apart.join(", ")))
}

/// How many pairs would tell, where these could not: an interval narrows with the root of their number.
fn pairs_wanted(row: &Row, tolerance: f64) -> Option<String> {
    let Estimate { low, high, .. } = row.difference.filter(|_| row.decides && row.answer == Answer::CannotTell)?;
    let wider = (high - low) / 2.0 / tolerance;
    let wanted = (row.pairs as f64 * wider * wider).ceil();
    (wider.is_finite() && wider > 1.0).then(|| {
        format!(
            "{}: about {wanted:.0} pairs like these, or longer runs, would tell {}",
            row.measure,
            percent(tolerance)
        )
    })
}

/// Whether a run's wall times are its target's.
fn is_clean(run: &RunResult) -> bool {
    !matches!(run.verdict, Verdict::Invalid | Verdict::Interrupted)
}

fn row(name: &str, pairs: &[(f64, f64)], alike: &[(f64, f64)], is_quiet: bool, tolerance: f64, seed: u64) -> Row {
    let difference = difference(pairs, seed);
    let noise = self::difference(alike, seed);
    // Memory is told for whoever looks, and follows from more than the build.
    let is_steady = |noise: Estimate| noise.low > -tolerance && noise.high < tolerance;
    let decides = [CPU, WRITTEN].contains(&name) || (name != MEMORY && is_quiet && noise.is_some_and(is_steady));
    let answer = difference.map_or(Answer::CannotTell, |difference| answer(difference, tolerance));
    Row {
        measure: name.to_owned(),
        baseline: median(pairs.iter().map(|(baseline, _)| *baseline).collect()),
        candidate: median(pairs.iter().map(|(_, candidate)| *candidate).collect()),
        pairs: pairs.len(),
        difference,
        noise,
        answer,
        decides,
        is_regression: decides && difference.is_some_and(|difference| difference.low > tolerance),
    }
}

/// What an interval says.
pub fn answer(difference: Estimate, tolerance: f64) -> Answer {
    match difference {
        Estimate { low, .. } if low > 0.0 => Answer::Slower,
        Estimate { high, .. } if high < 0.0 => Answer::Faster,
        Estimate { low, high, .. } if -low <= tolerance && high <= tolerance => Answer::Same,
        _ => Answer::CannotTell,
    }
}

/// By how much the second of each pair is more than the first, with a 99 % interval; `None` with too few pairs.
///
/// The middle is the pseudomedian of the log-ratios (Hodges and Lehmann, 1963), which one odd pair in ten does not move.
/// The interval is the bootstrap's, drawn out by the factor by which a bootstrap of so few is too narrow (Hesterberg,
/// “What teachers should know about the bootstrap”, 2015, 4.3.2: Student's t beside the normal deviate, and n beside n−1).
pub fn difference(pairs: &[(f64, f64)], seed: u64) -> Option<Estimate> {
    if pairs.len() < PAIRS_MIN {
        return None;
    }
    let logs: Vec<f64> = pairs.iter().map(|(baseline, candidate)| (candidate / baseline).ln()).collect();
    let middle = pseudomedian(&logs);
    let mut bootstrap = Bootstrap::seed_from_u64(seed);
    let mut drawn = || -> Vec<f64> {
        let any = |_| logs.get(bootstrap.random_range(0..logs.len())).copied().expect("drawn below the length");
        (0..logs.len()).map(any).collect()
    };
    let mut middles: Vec<f64> = (0..RESAMPLES).map(|_| pseudomedian(&drawn())).collect();
    middles.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a constant")]
    let beyond = (RESAMPLES as f64 * OUTSIDE) as usize;
    let (low, high) = middles.get(beyond).zip(middles.get(RESAMPLES - 1 - beyond))?;
    let count = logs.len() as f64;
    let wider = student_t(OUTSIDE, logs.len() - 1) / Z * (count / (count - 1.0)).sqrt();
    let ratio = |log: f64| log.exp_m1();
    Some(Estimate {
        low: ratio(middle + (low - middle) * wider),
        middle: ratio(middle),
        high: ratio(middle + (high - middle) * wider),
    })
}

/// The median of the means of all two values, each with itself as well.
fn pseudomedian(values: &[f64]) -> f64 {
    let rest = |first: usize| values.iter().skip(first);
    median(values.iter().enumerate().flat_map(|(first, a)| rest(first).map(move |b| (a + b) / 2.0)).collect())
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    match values.len() {
        0 => f64::NAN,
        count if count.is_multiple_of(2) => (at(count / 2 - 1) + at(count / 2)) / 2.0,
        count => at(count / 2),
    }
}

/// What is worse than the tolerance allows, one sentence each.
pub fn regressions(comparison: &Comparison) -> Vec<String> {
    let worse = comparison.rows.iter().filter(|row| row.is_regression);
    let told = |row: &Row| {
        let low = row.difference.map_or(0.0, |difference| difference.low);
        format!(
            "{} is worse by at least {}, beyond the tolerance of {}",
            row.measure,
            signed(low),
            signed(comparison.tolerance)
        )
    };
    worse.map(told).collect()
}

/// What decides most often, in a line.
pub(crate) fn brief(comparison: &Comparison) -> String {
    let Some(row) = comparison.rows.iter().find(|row| row.measure == CPU) else { return String::new() };
    match row.difference {
        Some(Estimate { low, middle, high }) => {
            format!("{CPU} {} ({} to {})", signed(middle), signed(low), signed(high))
        }
        None => format!("{CPU} {}", signed(row.candidate / row.baseline - 1.0)),
    }
}

/// One row for each measure.
pub fn table(comparison: &Comparison) -> Table {
    let mut table =
        Table::new(2, &["measure", "answer", "baseline", "candidate", "difference", "interval", "noise", "pairs"]);
    for row in &comparison.rows {
        let interval = |estimate: &Option<Estimate>| {
            estimate
                .map_or("–".to_owned(), |Estimate { low, high, .. }| format!("{} to {}", signed(low), signed(high)))
        };
        table.rows.push(vec![
            row.measure.clone(),
            words(row, comparison.tolerance),
            rounded(row.baseline),
            rounded(row.candidate),
            signed(row.difference.map_or(row.candidate / row.baseline - 1.0, |difference| difference.middle)),
            interval(&row.difference),
            interval(&row.noise),
            row.pairs.to_string(),
        ]);
    }
    table
}

fn words(row: &Row, tolerance: f64) -> String {
    let more = if row.measure.contains("_ms") { ["slower", "faster"] } else { ["more", "less"] };
    let answer = match row.answer {
        Answer::Slower => more[0].to_owned(),
        Answer::Faster => more[1].to_owned(),
        Answer::Same => format!("same within {}", percent(tolerance)),
        Answer::CannotTell => "cannot tell".to_owned(),
    };
    match (row.is_regression, row.decides) {
        (true, _) => format!("{answer}: regression"),
        (false, true) => answer,
        (false, false) => format!("{answer} (informs)"),
    }
}

fn signed(ratio: f64) -> String {
    format!("{:+.1} %", ratio * 100.0)
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, Normal};

    use super::*;
    use crate::result::{OperationResult, TargetUse};

    /// The spread of one pair's log-ratio of processor time where it was measured: an interquartile range of 2.8 %.
    const SPREAD: f64 = 0.028 / 1.349;
    const COMPARISONS: u64 = 200;
    const PAIRS: usize = 10;

    /// The answers of 200 comparisons of builds that differ by `ratio`, by whether they are a regression beyond 5 %. One
    /// pair in `odd_one_in` is disturbed ten times as much as the others.
    fn simulated(ratio: f64, odd_one_in: Option<u32>) -> Vec<(Answer, bool)> {
        simulated_with(SPREAD, ratio, odd_one_in)
    }

    fn simulated_with(spread: f64, ratio: f64, odd_one_in: Option<u32>) -> Vec<(Answer, bool)> {
        let mut random = Bootstrap::seed_from_u64(1);
        let noise = Normal::new(0.0, spread).unwrap();
        let compared = |seed: u64| {
            let pair = |_| {
                let odd = odd_one_in.is_some_and(|count| random.random_ratio(1, count));
                let noise: f64 = noise.sample(&mut random) * if odd { 10.0 } else { 1.0 };
                (1.7, 1.7 * ratio * noise.exp())
            };
            let pairs: Vec<(f64, f64)> = (0..PAIRS).map(pair).collect();
            let row = row(CPU, &pairs, &[], false, 0.05, seed);
            (row.answer, row.is_regression)
        };
        (0..COMPARISONS).map(compared).collect()
    }

    fn share(answers: &[(Answer, bool)], is: impl Fn(&(Answer, bool)) -> bool) -> f64 {
        answers.iter().filter(|answer| is(answer)).count() as f64 / answers.len() as f64
    }

    #[test]
    fn two_of_the_same_build_are_rarely_called_different() {
        for odd_one_in in [None, Some(10)] {
            let answers = simulated(1.0, odd_one_in);
            let alarms = share(&answers, |(answer, _)| [Answer::Slower, Answer::Faster].contains(answer));
            assert!(alarms <= 0.05, "{alarms} with one odd pair in {odd_one_in:?}");
            assert_eq!(share(&answers, |(_, is_regression)| *is_regression), 0.0);
        }
        let same = share(&simulated(1.0, None), |(answer, _)| *answer == Answer::Same);
        assert!(same > 0.9, "{same}");
    }

    #[test]
    fn a_tenth_more_is_found_with_ten_pairs() {
        for (odd_one_in, least) in [(None, 0.95), (Some(20), 0.8)] {
            let power = share(&simulated(1.1, odd_one_in), |(_, is_regression)| *is_regression);
            assert!(power >= least, "{power} with one odd pair in {odd_one_in:?}");
        }
        let faster = share(&simulated(0.9, None), |(answer, _)| *answer == Answer::Faster);
        assert!(faster > 0.98, "{faster}");
    }

    #[test]
    fn more_noise_costs_power_and_raises_no_alarm() {
        let noisy = |ratio| simulated_with(1.8 * SPREAD, ratio, None);
        let alarms = share(&noisy(1.0), |(answer, _)| [Answer::Slower, Answer::Faster].contains(answer));
        let power = share(&noisy(1.1), |(_, is_regression)| *is_regression);
        assert!(alarms <= 0.05 && (0.5..0.9).contains(&power), "{alarms}, {power}");
    }

    #[test]
    fn too_few_pairs_have_no_interval_and_pairs_that_agree_have_a_point() {
        assert_eq!(difference(&[(1.0, 2.0); 3], 1), None);
        let alike = difference(&[(1.0, 2.0); 4], 1).unwrap();
        assert!((alike.low - 1.0).abs() < 1e-9 && (alike.high - 1.0).abs() < 1e-9, "{alike:?}");
    }

    fn run(cpu_s: f64, p99: f64, verdict: Verdict) -> RunResult {
        let response_ms = crate::histogram::Percentiles { p99: Some(p99), ..Default::default() };
        let put = OperationResult { completed: 1000, response_ms, ..OperationResult::default() };
        let target_use = TargetUse { measure_cpu_s: Some(cpu_s), written_bytes: Some(1 << 20), ..TargetUse::default() };
        RunResult {
            operations: BTreeMap::from([("put".to_owned(), put)]),
            target_use: Some(target_use),
            verdict,
            ..RunResult::example()
        }
    }

    fn compared(pairs: &[Pair], noise: &[Pair], unfinished: usize) -> Comparison {
        compare(&Pairs { pairs: pairs.to_vec(), noise: noise.to_vec(), unfinished }, TOLERANCE)
    }

    #[test]
    fn runs_that_are_not_alike_are_told_apart() {
        let run = |scenario: &str, seed| RunResult { scenario: scenario.into(), seed, ..RunResult::example() };
        assert_eq!(apart(&(run("a", 1), run("a", 1))), None);
        let told = apart(&(run("a", 1), run("b", 2))).unwrap();
        assert_eq!(told, "not alike, so more than the build may differ: scenario, seed");
        assert_eq!(
            compared(&[(run("a", 1), run("a", 2))], &[], 0).notes[0],
            apart(&(run("a", 1), run("a", 2))).unwrap()
        );
    }

    #[test]
    fn latency_decides_only_where_the_machine_was_quiet() {
        let pairs = |verdict, p99| vec![(run(1.0, 10.0, verdict), run(1.0, p99, verdict)); 5];
        let of = |comparison: &Comparison| {
            let row = comparison.rows.iter().find(|row| row.measure == "put.response_ms.p99").unwrap();
            (row.answer, row.decides, row.is_regression)
        };
        let quiet = pairs(Verdict::Pass, 10.0);
        let compare = |pairs: &[Pair], noise: &[Pair]| compared(pairs, noise, 0);
        assert_eq!(of(&compare(&pairs(Verdict::Pass, 12.0), &quiet)), (Answer::Slower, true, true));
        assert_eq!(of(&compare(&pairs(Verdict::Pass, 12.0), &[])), (Answer::Slower, false, false));
        assert_eq!(of(&compare(&pairs(Verdict::Invalid, 12.0), &quiet)), (Answer::Slower, false, false));
        let comparison = compare(&pairs(Verdict::Pass, 12.0), &quiet);
        assert_eq!(
            regressions(&comparison),
            ["put.response_ms.p99 is worse by at least +20.0 %, beyond the tolerance of +5.0 %"]
        );
        let text = table(&comparison).text();
        assert!(text.contains("slower: regression") && text.contains("same within 5.0 %"), "{text}");
    }

    #[test]
    fn too_much_noise_is_told_with_what_would_help() {
        let pair =
            |n: u32| (run(1.0, 10.0, Verdict::Pass), run(1.0 + f64::from(n % 5) / 10.0 - 0.2, 10.0, Verdict::Pass));
        let comparison = compared(&(0..10).map(pair).collect::<Vec<_>>(), &[], 0);
        assert_eq!(comparison.rows[0].answer, Answer::CannotTell);
        let note = comparison.notes.last().unwrap();
        assert!(note.starts_with("cpu_ms_per_request: about ") && note.ends_with(" would tell 5.0 %"), "{note}");
    }

    #[test]
    fn one_pair_tells_a_ratio_and_no_more() {
        let comparison = compared(&[(run(1.0, 10.0, Verdict::Pass), run(2.0, 10.0, Verdict::Pass))], &[], 2);
        let cpu = &comparison.rows[0];
        assert_eq!((cpu.answer, cpu.is_regression, cpu.difference), (Answer::CannotTell, false, None));
        assert!(table(&comparison).rows[0].contains(&"+100.0 %".to_owned()));
        assert_eq!(comparison.notes[0], "2 unfinished pairs are left out");
        assert!(comparison.notes[1].starts_with("1 of 4 pairs"));
    }
}
