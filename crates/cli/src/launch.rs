//! `rushhour launch`: start a target, drive a scenario against it, keep everything.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rushhour_launch::Launch;
use rushhour_launch::host::environment;
use rushhour_launch::target::Target;

use crate::exit::{Exit, Failure};
use crate::load::keep;
use crate::load_args::OverrideArgs;
use crate::materials::scenario;
use crate::progress::Progress;
use crate::surroundings;
use crate::telling::TellArgs;

/// Start a server, upload phone days to it, drive a scenario against it, stop it, and keep everything.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour launch scenarios/quickstart.toml
  rushhour launch scenarios/quickstart.toml --days DIR --users 50 --put 100
  rushhour launch scenarios/quickstart.toml --target scenarios/targets/local.toml --out /tmp/results")]
pub(crate) struct Args {
    /// The scenario file
    scenario: PathBuf,
    /// The target file; without one, the reference server on this machine as it is
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    #[command(flatten)]
    overrides: OverrideArgs,
    #[command(flatten)]
    tell: TellArgs,
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
    let target = match &args.target {
        Some(file) => read_target(file).map_err(Failure::Usage)?,
        None => Target::local(),
    };
    let program = surroundings::program()?;
    let environment = environment(&caller);
    let scrape = args.tell.scrape.clone();
    let job = Launch { scenario, materials, trust, share, target, scrape, program, environment };
    keep(job, &args.out, &args.tell, Progress::new(quiet))
}

fn read_target(file: &Path) -> Result<Target> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading the target {}", file.display()))?;
    Target::parse(&text).with_context(|| format!("reading the target {}", file.display()))
}
