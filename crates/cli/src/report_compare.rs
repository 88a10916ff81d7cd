//! `rushhour report compare`: two results beside each other, or the pairs of a comparison that was kept.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use rushhour_launch::pairs;
use rushhour_launch::rundir::read_result;
use rushhour_report::compare::{Comparison, Pairs, TOLERANCE, compare, regressions, table};
use rushhour_report::result::RunResult;

use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::report::unreadable;

/// Compare two results, or the pairs that `rushhour compare` has kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour report compare results/before results/after
  rushhour report compare results/2026-11-21-vm-compare-quickstart --tolerance 3

One run beside one other gives ratios and no verdict: nobody knows how far two runs of the same
build would have differed. `rushhour compare` makes pairs.")]
pub(crate) struct Args {
    /// The baseline's and the candidate's folder, or the folder of a comparison
    #[arg(required = true, num_args = 1..=2, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) telling: TellingArgs,
}

/// How a comparison is judged and told.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct TellingArgs {
    /// How many percent worse is still no regression
    #[arg(long, value_name = "PERCENT", default_value_t = 100.0 * TOLERANCE)]
    pub(crate) tolerance: f64,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Markdown,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let pairs = match args.dirs.as_slice() {
        [baseline, candidate] => Pairs { pairs: vec![(read(baseline)?, read(candidate)?)], ..Pairs::default() },
        [dir] => pairs::read(dir).map_err(Failure::Usage)?,
        _ => unreachable!("one or two are parsed"),
    };
    tell(&compare(&pairs, args.telling.tolerance / 100.0), args.telling)
}

/// Prints it, and says whether something got worse.
pub(crate) fn tell(comparison: &Comparison, telling: TellingArgs) -> Result<Exit, Failure> {
    show(&text(comparison, telling.format)?)?;
    Ok(if regressions(comparison).is_empty() { Exit::Done } else { Exit::Regressed })
}

fn text(comparison: &Comparison, format: Format) -> Result<String> {
    let told = |draw: String| {
        let lines = comparison.notes.iter().cloned().chain(regressions(comparison));
        lines.fold(draw, |text, line| format!("{text}\n{line}\n"))
    };
    match format {
        Format::Table => Ok(told(table(comparison).text())),
        Format::Markdown => Ok(told(table(comparison).markdown())),
        Format::Json => Ok(serde_json::to_string_pretty(comparison).context("writing the comparison as JSON")? + "\n"),
    }
}

fn read(dir: &Path) -> Result<RunResult, Failure> {
    read_result(dir).map_err(unreadable)
}
