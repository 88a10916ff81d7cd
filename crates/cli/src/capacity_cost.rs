//! `rushhour capacity cost`: what a day of a user costs the server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use clap::value_parser;
use rushhour_launch::cost::{DAYS_DIR, keep};
use rushhour_launch::rundir::{RunDir, read_intervals};
use rushhour_launch::scrape::last;
use rushhour_launch::study::STUDY_FILE;
use rushhour_launch::{Launch, launch};
use rushhour_load::observer::Observer;
use rushhour_load::scenario::Scenario;
use rushhour_load::stop::Stop;
use rushhour_report::calibration::Calibration;
use rushhour_report::cost::{CostVector, Figure};
use rushhour_report::interval::Interval;
use rushhour_report::result::{RunResult, Verdict};
use rushhour_report::study::Study;
use rushhour_store::Policy;

use crate::calibrate::calibrate;
use crate::capacity::Tried;
use crate::exit::{Exit, Failure};
use crate::launch::TargetArgs;
use crate::load::block_on_one_thread;
use crate::load_args::OverrideArgs;
use crate::output::{say, show};
use crate::progress::Progress;

/// Threads of the server that make diaries.
const PIPELINE: &str = "intake";
/// What the server says it has written to its log.
const LOG_WRITTEN: &str = "em_store_written_bytes_total";
const DAY_S: f64 = 86_400.0;

/// Measure what a day of a user costs the server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  rushhour capacity cost scenarios/capacity-phones.toml --machine m5.large --study results/2026-11-23-vm-study-1k-1m-study-4

The people of the scenario live a day, three times over: as the scenario says, without anybody who
opens the diary, and half as many. The differences are what questions and people cost. What a day takes
on the disk is best read off a study, in which everything has been sealed.")]
pub(crate) struct Args {
    /// The scenario file, with people who live
    scenario: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    /// How often each is measured
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = value_parser!(u32).range(1..))]
    repeats: u32,
    /// A study's folder, for what a day takes on the disk; several, of other seeds, give it an interval
    #[arg(long, value_name = "DIR")]
    study: Vec<PathBuf>,
    #[command(flatten)]
    overrides: OverrideArgs,
    /// Keep the runs in a new folder below this one
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
}

/// Runs the subcommand.
pub(crate) fn run(args: Args, quiet: bool) -> Result<Exit, Failure> {
    let tried = Tried::of(&args.scenario, &args.target, args.overrides, quiet)?;
    if tried.scenario.live().is_none() {
        return Err(Failure::Usage(anyhow!("what a day costs is measured with people who live (`population.live`)")));
    }
    let studies =
        args.study.iter().map(|dir| bytes_per_user_day(dir)).collect::<Result<Vec<f64>>>().map_err(Failure::Usage)?;
    let dir = RunDir::create_many(&args.out, "cost", (&tried.scenario, &tried.target), &tried.environment)?;
    let calibration = calibrate(dir.path(), quiet)?;
    let progress = Progress::new(quiet);
    let measuring = Measuring { tried: &tried, dir: dir.path(), quiet };
    let repeats = block_on_one_thread(async |stop| measuring.repeats(args.repeats, progress, stop).await)?;
    let cost = vector(&repeats, &tried, &studies, &calibration)?;
    keep(&cost, dir.path())?;
    show(&cost.table().text())?;
    show(&format!("\nkept in {}\n", dir.path().display()))?;
    Ok(Exit::Done)
}

/// Everything on the disk for a day of a person, as a study found it.
fn bytes_per_user_day(dir: &Path) -> Result<f64> {
    let file = dir.join(STUDY_FILE);
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let study: Study = serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
    study.bytes_per_user_day().with_context(|| format!("{} did not come to its end", dir.display()))
}

struct Measuring<'a> {
    tried: &'a Tried,
    dir: &'a Path,
    quiet: bool,
}

/// A day, and what it took.
struct Lived {
    result: RunResult,
    intervals: Vec<Interval>,
    user_days: f64,
    /// What went to the log, of these days and those before; nothing where nobody tells.
    log_written_bytes: f64,
}

/// What is compared: a day as the scenario says, without questions, and of half as many people.
struct Repeat {
    whole: Lived,
    unasked: Lived,
    half: Lived,
}

impl Measuring<'_> {
    async fn repeats(&self, count: u32, observer: Rc<dyn Observer>, stop: Stop) -> Result<Vec<Repeat>> {
        let scenario = &self.tried.scenario;
        let people = self.tried.offered;
        let half = scenario.offering(people / 2.0, scenario.phases.measure_s.duration())?;
        let mut repeats = Vec::new();
        for number in 1..=count {
            let lived = async |what: &str, scenario: Scenario| {
                if !self.quiet {
                    say(&format!("day {number} of {count}, {what}"));
                }
                self.live(scenario, Rc::clone(&observer), stop.clone()).await
            };
            repeats.push(Repeat {
                whole: lived("with questions", scenario.clone()).await?,
                unasked: lived("without questions", scenario.clone().unasked()).await?,
                half: lived("of half as many", half.clone()).await?,
            });
        }
        Ok(repeats)
    }

    async fn live(&self, scenario: Scenario, observer: Rc<dyn Observer>, stop: Stop) -> Result<Lived> {
        let speed = scenario.live().map_or(1.0, |live| live.speed.as_f64());
        let people = f64::from(scenario.users().get());
        let mut launched: Launch = self.tried.launching(scenario);
        launched.target.metrics.get_or_insert_default();
        let (kept, result) = launch(launched, &self.dir.join(DAYS_DIR), None, observer, stop).await?;
        let trouble = match result.verdict {
            Verdict::Saturated => Some("was not served (saturated): measure with fewer people"),
            Verdict::Invalid => {
                Some("says nothing of the server (invalid): measure when the machine is quiet, or with fewer people")
            }
            Verdict::Interrupted => Some("was interrupted"),
            _ => None,
        };
        if let Some(trouble) = trouble {
            bail!("the day in {} {trouble}", kept.path().display());
        }
        let intervals = read_intervals(kept.path())?.iter().collect::<Result<_, _>>()?;
        let user_days = people * result.measured_s * speed / DAY_S;
        let log_written_bytes = last(kept.path(), LOG_WRITTEN)?.unwrap_or_default();
        Ok(Lived { result, intervals, user_days, log_written_bytes })
    }
}

impl Lived {
    /// Core seconds of a user-day: of the pipeline, and of everything else.
    fn core_s(&self) -> (f64, f64) {
        let target_use = self.result.target_use.as_ref();
        let parts: BTreeMap<&str, f64> = target_use
            .iter()
            .flat_map(|used| &used.measure_parts_cpu_s)
            .map(|(part, cpu_s)| (part.as_str(), *cpu_s))
            .collect();
        let pipeline = parts.get(PIPELINE).copied().unwrap_or_default();
        let rest: f64 = parts.values().sum::<f64>() - pipeline;
        (pipeline / self.user_days, rest / self.user_days)
    }

    fn memory_bytes(&self) -> f64 {
        self.result.target_use.as_ref().and_then(|used| used.memory_peak_bytes).unwrap_or_default() as f64
    }

    fn network_bytes(&self) -> f64 {
        let operations = self.result.operations.values();
        let bytes = operations.map(|operation| {
            operation.request_bytes_mean * operation.sent as f64
                + operation.response_bytes_mean * operation.completed as f64
        });
        bytes.sum::<f64>() / self.user_days
    }

    fn disk_bytes(&self, days_before: u32) -> f64 {
        let bytes = self.result.target_use.as_ref().and_then(|used| used.disk_bytes).unwrap_or_default() as f64;
        bytes / self.all_user_days(days_before)
    }

    /// What waits in the log of a user: a day of it is sealed when it is at most so old.
    fn log_bytes(&self, days_before: u32) -> f64 {
        self.log_written_bytes / self.all_user_days(days_before) * Policy::default().hot_s_max / DAY_S
    }

    fn all_user_days(&self, days_before: u32) -> f64 {
        self.user_days + f64::from(days_before) * f64::from(self.result.users)
    }

    /// The busiest hour beside the mean hour, when a day's uploads and its questions cost so much. That nothing is new is asked
    /// for at every hour alike, and costs next to nothing.
    fn peak_ratio(&self, speed: f64, (uploads_cost, questions_cost): (f64, f64)) -> f64 {
        let warm_up_s = self.result.phases.warm_up_s;
        let is_measured = |at_s: f64| (0.0..self.result.measured_s).contains(&at_s);
        let intervals = || self.intervals.iter().filter(|interval| is_measured(interval.start_s - warm_up_s));
        let offered = |interval: &Interval| {
            interval.operations.iter().fold((0.0, 0.0), |(uploads, questions), (name, operation)| {
                let offered = operation.offered as f64;
                match name.as_str() {
                    "get" => (uploads, questions),
                    "put" => (uploads + offered, questions),
                    _ => (uploads, questions + offered),
                }
            })
        };
        let all = intervals().map(offered).fold((0.0, 0.0), |all, some| (all.0 + some.0, all.1 + some.1));
        let cost = |interval: &Interval| {
            let (uploads, questions) = offered(interval);
            uploads_cost * uploads / f64::max(all.0, 1.0) + questions_cost * questions / f64::max(all.1, 1.0)
        };
        let stretch = |interval: &Interval| (interval.start_s - warm_up_s, interval.length_s, cost(interval));
        peak_ratio(intervals().map(stretch), 3_600.0 / speed)
    }
}

/// The highest rate of an hour beside the mean rate, of stretches of time with their starts, lengths and what they cost. A quick life's
/// hour has now two seconds and now three, so its rate is told, not its count.
fn peak_ratio(stretches: impl Iterator<Item = (f64, f64, f64)>, hour_s: f64) -> f64 {
    let mut hours: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for (at_s, length_s, cost) in stretches {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an hour of a day")]
        let (seconds, spent) = hours.entry((at_s / hour_s) as u64).or_default();
        *seconds += length_s;
        *spent += cost;
    }
    let rate = |(seconds, spent): &(f64, f64)| spent / seconds.max(f64::MIN_POSITIVE);
    let all = hours.values().fold((0.0, 0.0), |all, hour| (all.0 + hour.0, all.1 + hour.1));
    hours.values().map(rate).fold(0.0, f64::max) / rate(&all).max(f64::MIN_POSITIVE)
}

fn vector(repeats: &[Repeat], tried: &Tried, studies: &[f64], calibration: &Calibration) -> Result<CostVector> {
    let figure = |of: &dyn Fn(&Repeat) -> f64| {
        let values: Vec<f64> = repeats.iter().map(|repeat| of(repeat).max(0.0)).collect();
        Figure::of(&values).context("nothing was measured: --repeats is 0")
    };
    let first = repeats.first().context("nothing was measured: --repeats is 0")?;
    let ios = repeats.iter().map(|repeat| repeat.whole.result.target_use.as_ref().and_then(|used| used.measure_ios));
    if ios.into_iter().any(|ios| ios.is_none()) {
        return Err(anyhow!(
            "reads and writes of the disk are only counted of a server that is held to a machine: give --machine, or a target with \
             [machine], where control groups can be made"
        ));
    }
    let ios =
        |repeat: &Repeat| repeat.whole.result.target_use.as_ref().and_then(|used| used.measure_ios).unwrap_or_default();
    let speed = tried.scenario.live().map_or(1.0, |live| live.speed.as_f64());
    let days_before = tried.scenario.population.as_ref().map_or(0, |population| population.days);
    let machine = first.whole.result.machine.as_ref();
    let ingest_core_s = figure(&|repeat| repeat.unasked.core_s().1)?;
    let pipeline_core_s = figure(&|repeat| repeat.whole.core_s().0)?;
    let query_core_s = figure(&|repeat| repeat.whole.core_s().1 - repeat.unasked.core_s().1)?;
    let costs = (ingest_core_s.value + pipeline_core_s.value, query_core_s.value);
    let peaks = repeats.iter().map(|repeat| repeat.whole.peak_ratio(speed, costs));
    let peak_ratio = peaks.sum::<f64>() / repeats.len() as f64;
    Ok(CostVector {
        ingest_core_s,
        pipeline_core_s,
        query_core_s,
        disk_bytes: match Figure::of(studies) {
            Some(bytes) => bytes,
            None => figure(&|repeat| repeat.whole.disk_bytes(days_before))?,
        },
        log_bytes: figure(&|repeat| repeat.whole.log_bytes(days_before))?,
        read_ios: figure(&|repeat| ios(repeat).read as f64 / repeat.whole.user_days)?,
        write_ios: figure(&|repeat| ios(repeat).write as f64 / repeat.whole.user_days)?,
        memory_hot_bytes: figure(&|repeat| {
            let people = f64::from(repeat.whole.result.users) - f64::from(repeat.half.result.users);
            (repeat.whole.memory_bytes() - repeat.half.memory_bytes()) / people
        })?,
        network_bytes: figure(&|repeat| repeat.whole.network_bytes())?,
        peak_ratio,
        calibration_per_core: Some(calibration.units_per_core),
        machine: machine.map(|machine| machine.name.clone()).unwrap_or_default(),
        cores: machine.and_then(|machine| machine.cores).unwrap_or(tried.environment.cores as f64),
        repeats: u32::try_from(repeats.len()).expect("as many as were asked for"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_day_has_no_peak_however_its_hours_fall_on_seconds() {
        let even = (0..60).map(|second| (f64::from(second), 1.0, 7.0));
        assert!((peak_ratio(even, 2.5) - 1.0).abs() < 1e-9);
        // Twice as much in one hour of twenty-four.
        let busy = (0..240).map(|second| (f64::from(second), 1.0, if second < 10 { 2.0 } else { 1.0 }));
        assert!((peak_ratio(busy, 10.0) - 2.0 * 240.0 / 250.0).abs() < 1e-9);
    }
}
