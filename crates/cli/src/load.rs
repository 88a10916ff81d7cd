//! `rushhour load`: drive a server that is running.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use rushhour_dataset::configuration;
use rushhour_launch::host::{environment, sample};
use rushhour_launch::rundir::RunDir;
use rushhour_launch::target::{Server, Target};
use rushhour_load::Run;
use rushhour_load::address::Address;
use rushhour_load::arrivals::Rate;
use rushhour_load::operation::Operation;
use rushhour_load::population::Population;
use rushhour_load::recording::read_dir;
use rushhour_load::scenario::{Overrides, Preset, Scenario, Seconds, Synthetic};
use rushhour_load::stop::{Stop, stop};
use rushhour_report::result::RunResult;
use rushhour_report::summary;
use rushhour_synth::region::Region;
use rushhour_synth::world::{Study, World};
use tokio::task::LocalSet;

use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::progress::{Progress, spinner};
use crate::signals::StopSignal;
use crate::surroundings;

/// Drive a running server at fixed rates and print what it did.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour load --url http://127.0.0.1:8080 --get 100 --put 50 --duration 30s --days scenarios/days
  rushhour load scenarios/quickstart.toml --url http://127.0.0.1:8080 --put 200 --out results

Requests are let go at their intended times whatever the server does; response time counts from there.")]
pub(crate) struct Args {
    /// A scenario file; the flags below win over it
    scenario: Option<PathBuf>,
    /// Where the server is, such as http://127.0.0.1:8080
    #[arg(long)]
    url: Address,
    #[command(flatten)]
    overrides: OverrideArgs,
    /// Keep the result in a new folder below this one
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The flags that win over a scenario.
#[derive(Debug, clap::Args)]
pub(crate) struct OverrideArgs {
    /// usercache/get per second
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    get: Option<Rate>,
    /// usercache/put per second
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    put: Option<Rate>,
    /// timeline/getTrips per second
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    timeline: Option<Rate>,
    /// datastreams/find_entries per second
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    find: Option<Rate>,
    /// How long to measure, such as 30s or 5m
    #[arg(long, value_parser = parse_seconds)]
    duration: Option<Seconds>,
    /// A folder of recorded phone days, *.raw.json or *.raw.json.gz
    #[arg(long, value_name = "DIR")]
    days: Option<PathBuf>,
    /// How many people
    #[arg(long, value_name = "COUNT")]
    users: Option<NonZeroU32>,
    /// Same seed, same requests
    #[arg(long)]
    seed: Option<u64>,
}

fn parse_seconds(text: &str) -> Result<Seconds, String> {
    let length: jiff::SignedDuration =
        text.parse().map_err(|_| "expected a length such as 30s, 5m or 1h".to_owned())?;
    Seconds::try_from(length.as_secs_f64())?.positive()
}

impl OverrideArgs {
    fn overrides(self) -> Overrides {
        let rates = [
            (Operation::Get, self.get),
            (Operation::Put, self.put),
            (Operation::Timeline, self.timeline),
            (Operation::Find, self.find),
        ];
        Overrides {
            rates: rates
                .into_iter()
                .filter_map(|(operation, rate)| Some((operation, rate?)))
                .collect::<BTreeMap<_, _>>(),
            measure_s: self.duration,
            days_dir: self.days,
            users: self.users,
            seed: self.seed,
        }
    }
}

/// The scenario in `file` under the flags, and its people.
pub(crate) fn scenario(
    file: Option<&Path>,
    args: OverrideArgs,
    quiet: bool,
) -> Result<(Scenario, Population), Failure> {
    let (scenario, dir) = match file {
        Some(file) => (read(file).map_err(Failure::Usage)?, file.parent()),
        None => (Scenario::default(), None),
    };
    let overrides = args.overrides();
    let is_from_flag = overrides.days_dir.is_some();
    let scenario = scenario.with(overrides);
    if scenario.arrivals.is_empty() {
        let what =
            "nothing is sent: give a rate with --get, --put, --timeline or --find, or a scenario with [arrivals]";
        return Err(Failure::Usage(anyhow!(what)));
    }
    // A path in a file is relative to the file, one on the command line to where the person stands.
    let beside = |path: &Path| dir.map_or(path.to_owned(), |dir| dir.join(path));
    let population = match (&scenario.population, &scenario.days.dir) {
        (Some(people), _) => made_up(people, scenario.seed, beside, quiet)?,
        (None, Some(days_dir)) => {
            let days_dir = if is_from_flag { days_dir.clone() } else { beside(days_dir) };
            let recordings = read_dir(&days_dir).map_err(|error| Failure::Usage(error.into()))?;
            Population::recorded(&scenario, recordings)
        }
        (None, None) => {
            let what = "nobody's phone has anything to send: give a folder of recorded days with --days, or a scenario with \
                        [population]";
            return Err(Failure::Usage(anyhow!(what)));
        }
    };
    Ok((scenario, population))
}

/// People who are made up as `people` says.
fn made_up(
    people: &Synthetic,
    seed: u64,
    beside: impl Fn(&Path) -> PathBuf,
    quiet: bool,
) -> Result<Population, Failure> {
    let file = people.parameters.as_deref().map(|file| configuration::Population::read(&beside(file)));
    let file = file.transpose().map_err(|error| Failure::Usage(error.into()))?.unwrap_or_default();
    let preset = people.region.as_ref().map(Preset::parameters);
    let region = preset.or_else(|| file.region.clone()).unwrap_or_default();
    let building = spinner(quiet, "building the streets");
    // They go on living after the days before the run, for as long as it takes.
    let study = Study { seed, first_day: people.first_day, days: u32::MAX };
    let world = World { region: Region::synthetic(&region, seed), parameters: file.parameters(), study };
    building.finish_and_clear();
    Ok(Population::synthetic(Arc::new(world), people.people, people.days))
}

fn read(file: &Path) -> Result<Scenario> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading the scenario {}", file.display()))?;
    Scenario::parse(&text).with_context(|| format!("reading the scenario {}", file.display()))
}

/// Runs the subcommand.
pub(crate) fn run(args: Args, quiet: bool) -> Result<Exit, Failure> {
    let (scenario, population) = scenario(args.scenario.as_deref(), args.overrides, quiet)?;
    let environment = environment(&surroundings::caller());
    let target = Target {
        name: "external".to_owned().try_into().expect("a valid constant"),
        server: Server::External { url: args.url.clone() },
    };
    let out = args.out.map(|out| RunDir::create(&out, &scenario, &target, &environment)).transpose()?;
    let run = Run { scenario, population, target: args.url.to_string(), address: args.url, environment };
    let progress = Progress::new(quiet);
    let result = block_on_one_thread(|stop| async { Ok(rushhour_load::run(run, sample, progress, stop).await?) })?;
    if let Some(dir) = &out {
        dir.keep(&result)?;
    }
    tell(&result, out.as_ref())
}

/// Prints the summary and where the result was kept, and gives the exit code.
pub(crate) fn tell(result: &RunResult, dir: Option<&RunDir>) -> Result<Exit, Failure> {
    show(&summary::text(result))?;
    if let Some(dir) = dir {
        show(&format!("\nkept in {}\n", dir.path().display()))?;
    }
    Ok(result.verdict.into())
}

/// Runs `work` on a runtime of this thread alone, as sending needs; the first Ctrl-C asks it to stop.
pub(crate) fn block_on_one_thread<T, F: Future<Output = Result<T>>>(work: impl FnOnce(Stop) -> F) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    LocalSet::new().block_on(&runtime, async {
        let mut signal = StopSignal::listen()?;
        let (stopper, stopped) = stop();
        tokio::task::spawn_local(async move {
            signal.recv().await;
            stopper.stop();
            // Whoever asks twice does not want to wait for a clean end.
            signal.recv().await;
            std::process::exit(Exit::Interrupted.code().into());
        });
        work(stopped).await
    })
}
