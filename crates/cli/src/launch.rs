//! `rushhour launch`: start a target, drive a scenario against it, keep everything.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use rushhour_launch::Launch;
use rushhour_launch::host::environment;
use rushhour_launch::study::Inspect;
use rushhour_launch::target::{Server, Target};
use rushhour_load::plan::Materials;
use rushhour_load::scenario::Scenario;
use rushhour_load::tls::Trust;
use rushhour_report::catalogue::Catalogue;

use crate::exit::{Exit, Failure};
use crate::load::keep;
use crate::load_args::OverrideArgs;
use crate::materials::scenario;
use crate::progress::Progress;
use crate::serve;
use crate::study::Inspection;
use crate::surroundings;
use crate::telling::TellArgs;

/// Start a server, upload phone days to it, drive a scenario against it, stop it, and keep everything.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour launch scenarios/quickstart.toml
  rushhour launch scenarios/quickstart.toml --days DIR --users 50 --put 100
  rushhour launch scenarios/quickstart.toml --machine m5.large
  rushhour launch scenarios/quickstart.toml --target scenarios/targets/local.toml --out /tmp/results")]
pub(crate) struct Args {
    /// The scenario file
    scenario: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    overrides: OverrideArgs,
    #[command(flatten)]
    tell: TellArgs,
    /// Go on with a study that was interrupted, in its folder
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Keep the result in a new folder below this one
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
}

/// Runs the subcommand.
pub(crate) fn run(args: Args, quiet: bool) -> Result<Exit, Failure> {
    let caller = surroundings::caller();
    let share = args.overrides.share(caller.started_at).map_err(Failure::Usage)?;
    let trust = args.overrides.trust();
    let (scenario, materials) = scenario(Some(&args.scenario), args.overrides.overrides(), quiet)?;
    let target = args.target.target()?;
    let program = surroundings::program()?;
    let environment = environment(&caller);
    let scrape = args.tell.scrape.clone();
    let inspect = inspect(&scenario, &materials, &target, &trust)?;
    let launched = Launch::new((scenario, materials), target, program, environment);
    let job = Launch { trust, share, scrape, inspect, resume: args.resume, ..launched };
    keep(job, &args.out, &args.tell, Progress::new(quiet))
}

/// Who looks at the target, if the scenario is a study.
fn inspect(
    scenario: &Scenario,
    materials: &Materials,
    target: &Target,
    trust: &Trust,
) -> Result<Option<Rc<dyn Inspect>>, Failure> {
    let Some(study) = &scenario.study else { return Ok(None) };
    let population = &materials.population;
    let Some(world) = population.world() else {
        return Err(Failure::Usage(anyhow!("[study] compares what is found with the truth: give it a [population]")));
    };
    let people = (population.users(), population.days_before());
    let ios_rounding = serve::ios_rounding(&target.serve_flags()).context("reading the target's flags");
    let ios_rounding = ios_rounding.map_err(Failure::Usage)?;
    Ok(Some(Rc::new(Inspection::new(world, people, study.truth_people, ios_rounding, trust)?)))
}

/// What a scenario is sent to.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// The target file; without one, the reference server on this machine as it is
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// Hold the server to what this instance has, such as t3.medium: its cores and memory, not its processor
    #[arg(long, value_name = "INSTANCE")]
    machine: Option<String>,
}

impl TargetArgs {
    /// The target in the file, or the reference server, on the machine that was asked for.
    pub(crate) fn target(&self) -> Result<Target, Failure> {
        let mut target = match &self.target {
            Some(file) => read_target(file).map_err(Failure::Usage)?,
            None => Target::local(),
        };
        if let Some(instance) = &self.machine {
            target.machine.get_or_insert_default().instance = Some(instance.clone());
        }
        if let Some(machine) = &target.machine {
            // Now, so that an unknown name is bad usage and not a failed run.
            machine.shape(&Catalogue::built_in(), "").map_err(Failure::Usage)?;
        }
        if let Server::External { instance: Some(instance), .. } = &target.server {
            Catalogue::built_in().instance(instance).map_err(|unknown| Failure::Usage(unknown.into()))?;
        }
        Ok(target)
    }
}

fn read_target(file: &Path) -> Result<Target> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading the target {}", file.display()))?;
    let target = Target::parse(&text).with_context(|| format!("reading the target {}", file.display()))?;
    Ok(file.parent().map_or(target.clone(), |dir| target.beside(dir)))
}
