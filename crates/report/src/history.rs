//! Runs of one scenario over time: a line for each in a CSV that Apache Otava reads, and where their numbers changed for
//! good.

use std::collections::{BTreeMap, BTreeSet};

use changepoint::rv::prelude::{Gaussian, NormalGamma};
use changepoint::utils::map_changepoints;
use changepoint::{Bocpd, BocpdLike};

use crate::compare::measures;
use crate::result::{RunResult, Verdict};

/// The columns that are no measures.
const COLUMNS: [&str; 3] = ["time", "commit", "run"];

/// The runs of one scenario against one target on one machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// In the order in which they were made.
    pub runs: Vec<Line>,
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// When it was made, RFC 3339.
    pub time: String,
    /// From which commit.
    pub commit: String,
    /// Its folder's name.
    pub run: String,
    /// What it measured, by name.
    pub values: BTreeMap<String, f64>,
}

/// Why a file is no history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It is no CSV.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// It is another one.
    #[error("line {line} has no {column}, which a history needs")]
    Column {
        /// Which, counted from 1.
        line: usize,
        /// What is missing.
        column: &'static str,
    },
    /// A value is no number.
    #[error("line {line}: `{text}` is no number for {column}")]
    Number {
        /// Which, counted from 1.
        line: usize,
        /// Of what.
        column: String,
        /// What stands there.
        text: String,
    },
}

impl Line {
    /// What of a run belongs into a history: nothing of one that was interrupted, and no latency of an invalid one.
    pub fn of(name: &str, run: &RunResult) -> Option<Self> {
        let mut values = measures(run);
        match run.verdict {
            Verdict::Interrupted => return None,
            Verdict::Invalid => values.retain(|name, _| !name.contains(".response_ms.")),
            Verdict::Pass | Verdict::Fail | Verdict::Saturated => {}
        }
        let (time, commit) = (run.environment.started_at.clone(), run.environment.commit.clone());
        (!values.is_empty()).then(|| Self { time, commit, run: name.to_owned(), values })
    }
}

impl History {
    /// The history that a run belongs to: only alike runs on one machine can be compared.
    pub fn name(run: &RunResult) -> String {
        let name = format!("{}-{}-{}", run.environment.host, run.scenario, run.target);
        name.chars().map(|c| if c.is_alphanumeric() || "-_+".contains(c) { c } else { '_' }).collect()
    }

    /// Reads the CSV.
    ///
    /// # Errors
    /// With the line, when it is something else.
    pub fn read(text: &str) -> Result<Self, HistoryError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let headings = reader.headers()?.clone();
        let mut runs = Vec::new();
        for (index, record) in reader.records().enumerate() {
            let (record, number) = (record?, index + 2);
            let mut cells: BTreeMap<&str, &str> = headings.iter().zip(record.iter()).collect();
            let mut named =
                |column| cells.remove(column).map(str::to_owned).ok_or(HistoryError::Column { line: number, column });
            let [time, commit, run] = [named(COLUMNS[0])?, named(COLUMNS[1])?, named(COLUMNS[2])?];
            let value = |(name, text): (&str, &str)| match text.parse() {
                Ok(value) => Ok((name.to_owned(), value)),
                Err(_) => Err(HistoryError::Number { line: number, column: name.to_owned(), text: text.to_owned() }),
            };
            let values = cells.into_iter().filter(|(_, text)| !text.is_empty()).map(value).collect::<Result<_, _>>()?;
            runs.push(Line { time, commit, run, values });
        }
        Ok(Self { runs })
    }

    /// Adds a run, unless it is there already; whether it was added.
    pub fn add(&mut self, line: Line) -> bool {
        let is_new = !self.runs.iter().any(|known| known.run == line.run && known.time == line.time);
        if is_new {
            self.runs.push(line);
            self.runs.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.run.cmp(&b.run)));
        }
        is_new
    }

    /// Every measure that some run has.
    pub fn measures(&self) -> BTreeSet<&str> {
        self.runs.iter().flat_map(|line| line.values.keys().map(String::as_str)).collect()
    }

    /// The CSV: a line for each run, a column for each measure.
    pub fn csv(&self) -> String {
        let measures = self.measures();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |cells: Vec<String>| writer.write_record(cells).expect("writing into memory cannot fail");
        write(COLUMNS.into_iter().chain(measures.iter().copied()).map(str::to_owned).collect());
        for line in &self.runs {
            let value = |name: &&str| line.values.get(*name).map_or(String::new(), |value| format!("{value:.6}"));
            let names = [&line.time, &line.commit, &line.run].map(Clone::clone);
            write(names.into_iter().chain(measures.iter().map(value)).collect());
        }
        let bytes = writer.into_inner().expect("writing into memory cannot fail");
        String::from_utf8(bytes).expect("the cells are text")
    }

    /// The `tests` entry of `otava.yaml` for the CSV in `file`: the measures that every run has, less being better.
    pub fn otava(&self, name: &str, file: &str) -> String {
        let is_whole = |measure: &&str| self.runs.iter().all(|line| line.values.contains_key(*measure));
        let measures: Vec<_> = self.measures().into_iter().filter(is_whole).collect();
        let metric = |measure: &&str| format!("      \"{measure}\":\n        direction: -1\n");
        let metrics: String = measures.iter().map(metric).collect();
        format!(
            "  \"{name}\":\n    type: csv\n    file: \"{file}\"\n    time_column: time\n    attributes: [commit, run]\n    metrics:\n{metrics}"
        )
    }

    /// Where each measure changed.
    pub fn changes(&self) -> Vec<Change> {
        self.measures().into_iter().flat_map(|measure| self.changes_of(measure)).collect()
    }

    fn changes_of(&self, measure: &str) -> Vec<Change> {
        let told: Vec<(usize, f64)> =
            self.runs.iter().enumerate().filter_map(|(at, line)| Some((at, *line.values.get(measure)?))).collect();
        let values: Vec<f64> = told.iter().map(|(_, value)| *value).collect();
        let points = change_points(&values);
        let ends = points.iter().copied().skip(1).chain([values.len()]);
        let begins = std::iter::once(0).chain(points.iter().copied());
        let stretch = |from: usize, to: usize| median(values.get(from..to).unwrap_or_default());
        let around = begins.zip(points.iter().copied()).zip(ends);
        let change = |((begin, at), end)| {
            let (before, after) = (stretch(begin, at), stretch(at, end));
            Some(Change { measure: measure.to_owned(), at: told.get(at)?.0, before, after })
        };
        around.filter_map(change).collect()
    }
}

/// A number that is not what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Of what.
    pub measure: String,
    /// The first run that has the new one, by its place in the history.
    pub at: usize,
    /// The median of the runs before, since the last change.
    pub before: f64,
    /// The median of the runs from then on, until the next change.
    pub after: f64,
}

/// A level must last for so many runs: one odd run is no change.
const RUNS_MIN: usize = 3;
/// How many runs there are between two changes, before anything is known of them.
const RUNS_BETWEEN: f64 = 100.0;
/// Levels differ when their means lie so many standard errors apart.
const ERRORS_APART: f64 = 4.0;
/// Below this nobody looks, however sure it is.
const CHANGE_MIN: f64 = 0.02;
/// No run is repeated more exactly than this, whatever the others say.
const SPREAD_MIN: f64 = 0.002;
/// A deviate of so many spreads counts as this, so that one odd run does not hide the others.
const DEVIATE_MAX: f64 = 8.0;

/// The places at which the level of `values` changes, each the first of a new level.
///
/// Bayesian online detection (Adams and `MacKay`, 2007) on the logarithms finds the candidates; each is then moved to where it
/// parts the runs around it best, and dropped unless the levels it parts are clearly apart.
pub fn change_points(values: &[f64]) -> Vec<usize> {
    let logs: Vec<f64> = values.iter().map(|value| value.max(f64::MIN_POSITIVE).ln()).collect();
    if logs.len() < 2 * RUNS_MIN {
        return Vec::new();
    }
    let spread = spread(&logs);
    let centre = median(&logs);
    let prior = NormalGamma::new_unchecked(0.0, 0.05, 1.0, 1.0);
    let mut detector: Bocpd<f64, Gaussian, NormalGamma> = Bocpd::new(RUNS_BETWEEN, prior);
    let deviate = |log: &f64| ((log - centre) / spread).clamp(-DEVIATE_MAX * 4.0, DEVIATE_MAX * 4.0);
    let runs: Vec<Vec<f64>> = logs.iter().map(|log| detector.step(&deviate(log)).to_vec()).collect();
    let mut points: Vec<usize> = map_changepoints(&runs).into_iter().map(|place| place + 1).collect();
    points.retain(|point| (RUNS_MIN..=logs.len() - RUNS_MIN).contains(point));
    settled(points, &logs, spread)
}

/// The points, each where it parts its neighbours best, without those that part nothing.
fn settled(mut points: Vec<usize>, logs: &[f64], spread: f64) -> Vec<usize> {
    loop {
        points.dedup_by(|next, point| *next < *point + RUNS_MIN);
        let bounds: Vec<usize> = std::iter::once(0).chain(points.iter().copied()).chain([logs.len()]).collect();
        let parted: Vec<(usize, f64)> =
            bounds.windows(3).filter_map(|around| best(around.first()?, around.last()?, logs, spread)).collect();
        let weakest = parted.iter().enumerate().min_by(|(_, a), (_, b)| a.1.total_cmp(&b.1));
        match weakest {
            Some((index, (_, apart))) if *apart < 1.0 => drop(points.remove(index)),
            _ => {
                let moved: Vec<usize> = parted.iter().map(|(at, _)| *at).collect();
                if moved == points || moved.len() != points.len() {
                    return moved;
                }
                points = moved;
            }
        }
    }
}

/// Where the runs from `begin` to `end` are parted best, and how clearly: at least 1 is enough.
fn best(begin: &usize, end: &usize, logs: &[f64], spread: f64) -> Option<(usize, f64)> {
    let places = begin + RUNS_MIN..=end.checked_sub(RUNS_MIN)?;
    let parted = places.filter_map(|at| {
        let (before, after) = (logs.get(*begin..at)?, logs.get(at..*end)?);
        let difference = (mean(after) - mean(before)).abs();
        let error = spread * (1.0 / before.len() as f64 + 1.0 / after.len() as f64).sqrt();
        // One odd run moves a mean and no median, and is no change.
        let level = (median(after) - median(before)).abs();
        let apart = (difference / (ERRORS_APART * error)).min(level / (ERRORS_APART * error)).min(level / CHANGE_MIN);
        Some((at, difference / error, apart))
    });
    parted.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _, apart)| (at, apart))
}

/// The spread of neighbours around their level: that of their differences, which a change of level hardly touches.
fn spread(logs: &[f64]) -> f64 {
    let differences: Vec<f64> = logs.windows(2).filter_map(|pair| Some((pair.last()? - pair.first()?).abs())).collect();
    // Of a normal deviate half lies within 0.6745, and a difference of two has √2 times the spread.
    (median(&differences) / 0.6745 / std::f64::consts::SQRT_2).max(SPREAD_MIN)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(values: &[f64]) -> f64 {
    crate::compare::median(values.to_vec())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand_distr::{Distribution, Normal};

    use super::*;
    use crate::result::TargetUse;

    /// The spread of runs of the same build where it was measured, between runs that were not paired.
    const SPREAD: f64 = 0.028 / 1.349;

    /// 60 runs around a level that changes by a factor at each of `steps`; one odd run in `odd` places.
    fn series(seed: u64, steps: &[(usize, f64)], odd: &[usize]) -> Vec<f64> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let noise = Normal::new(0.0, SPREAD).unwrap();
        let level = |at: usize| steps.iter().filter(|(from, _)| at >= *from).map(|(_, factor)| factor).product::<f64>();
        let value =
            |at: usize| 1.7 * level(at) * noise.sample(&mut random).exp() * if odd.contains(&at) { 1.5 } else { 1.0 };
        (0..60).map(value).collect()
    }

    fn check(steps: &[(usize, f64)], odd: &[usize]) {
        for seed in 0..20 {
            let found = change_points(&series(seed, steps, odd));
            let is_near = |(found, (at, _)): (&usize, &(usize, f64))| found.abs_diff(*at) <= 2;
            let are_all = found.len() == steps.len() && found.iter().zip(steps).all(is_near);
            assert!(are_all, "seed {seed}: {found:?} for {steps:?}");
        }
    }

    #[test]
    fn changes_are_found_where_they_were_made() {
        check(&[(30, 1.1)], &[]);
        check(&[(20, 1.1), (42, 0.85)], &[]);
        check(&[(12, 0.9), (30, 1.12), (50, 1.15)], &[]);
        check(&[(52, 1.2)], &[]);
    }

    #[test]
    fn noise_and_an_odd_run_are_no_change() {
        check(&[], &[]);
        check(&[], &[17, 40]);
        check(&[(30, 1.1)], &[10, 45]);
        assert_eq!(change_points(&[1.0; 40]), Vec::<usize>::new());
        assert_eq!(change_points(&[1.0, 2.0]), Vec::<usize>::new());
    }

    fn run(time: &str, cpu_s: f64, verdict: Verdict) -> RunResult {
        let put = crate::result::OperationResult { completed: 1000, ..Default::default() };
        let mut run = RunResult {
            operations: BTreeMap::from([("put".to_owned(), put)]),
            target_use: Some(TargetUse { measure_cpu_s: Some(cpu_s), ..TargetUse::default() }),
            verdict,
            ..RunResult::example()
        };
        run.environment.started_at = time.to_owned();
        run
    }

    #[test]
    fn a_run_is_added_once_and_read_again() {
        let mut history = History::default();
        for (time, cpu_s) in [("2026-11-02", 2.0), ("2026-11-01", 1.5), ("2026-11-02", 2.0)] {
            history.add(Line::of(time, &run(time, cpu_s, Verdict::Pass)).unwrap());
        }
        let csv = history.csv();
        assert_eq!(
            csv,
            "time,commit,run,cpu_ms_per_request\n2026-11-01,,2026-11-01,1.500000\n2026-11-02,,2026-11-02,2.000000\n"
        );
        assert_eq!(History::read(&csv).unwrap(), history);
        assert!(
            history.otava("a", "a.csv").ends_with("metrics:\n      \"cpu_ms_per_request\":\n        direction: -1\n")
        );
        assert_eq!(Line::of("a", &run("", 1.0, Verdict::Interrupted)), None);
    }

    #[test]
    fn another_file_is_refused_with_its_line() {
        let refused = |text: &str| History::read(text).unwrap_err().to_string();
        assert_eq!(refused("a,b\n1,2\n"), "line 2 has no time, which a history needs");
        assert_eq!(refused("time,commit,run,x\n1,2,3,y\n"), "line 2: `y` is no number for x");
    }

    #[test]
    fn a_change_names_its_run_and_both_levels() {
        let mut history = History::default();
        for (at, value) in series(3, &[(30, 1.2)], &[]).into_iter().enumerate() {
            let values = BTreeMap::from([("x".to_owned(), value)]);
            history.add(Line { time: format!("{at:03}"), run: format!("r{at}"), values, ..Line::default() });
        }
        let changes = history.changes();
        assert_eq!(changes.len(), 1);
        assert!(
            (changes[0].after / changes[0].before - 1.2).abs() < 0.03 && changes[0].at.abs_diff(30) <= 2,
            "{changes:?}"
        );
    }
}
