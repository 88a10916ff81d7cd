//! `rushhour report recompute`: old runs, judged by new limits.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rushhour_launch::rundir::{read_intervals, read_result};
use rushhour_report::limit::Limit;
use rushhour_report::recompute::Recompute;
use rushhour_report::result::RunResult;
use rushhour_report::summary;
use rushhour_report::table::Table;
use serde::Deserialize;

use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::report::{runs, unreadable};

/// Judge runs that were kept by other limits; nothing is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour report recompute results/2026-11-21-vm-xyz-local --limits scenarios/xyz.toml
  rushhour report recompute results/* --limits limits.toml

The file is TOML with `limits = [\"put.response_ms.p99 < 250\", …]`, such as a scenario.
Of several folders, those without a run are left out, and a run that a limit does not fit is not judged.
Exit codes are those of a run; of several, those of the worst.")]
pub(crate) struct Args {
    /// The folders of the runs
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// The file with the limits
    #[arg(long, value_name = "FILE")]
    limits: PathBuf,
}

#[derive(Deserialize)]
struct Limits {
    limits: Vec<Limit>,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let limits = read_limits(&args.limits).map_err(Failure::Usage)?;
    let mut table = Table::new(4, &["run", "before", "now", "why"]);
    let mut worst = Exit::Done;
    for dir in runs(&args.dirs) {
        let before = read_result(dir).map_err(unreadable)?;
        let word = before.verdict.word().to_owned();
        let (now, why) = match judge(dir, before, limits.clone()) {
            Ok(now) => {
                worst = worst.max(now.verdict.into());
                if args.dirs.len() == 1 {
                    show(&summary::text(&now))?;
                }
                (now.verdict.word(), now.reasons.first().cloned().unwrap_or_default())
            }
            // One that has no such operation is no reason to say nothing of the others.
            Err(Failure::Usage(error)) if args.dirs.len() > 1 => ("–", error.root_cause().to_string()),
            Err(failure) => return Err(failure),
        };
        table.rows.push(vec![dir.display().to_string(), word, now.to_owned(), why]);
    }
    if args.dirs.len() > 1 {
        show(&table.text())?;
    }
    Ok(worst)
}

fn read_limits(file: &Path) -> Result<Vec<Limit>> {
    let reading = || format!("reading the limits in {}", file.display());
    let text = std::fs::read_to_string(file).with_context(reading)?;
    Ok(toml::from_str::<Limits>(&text).with_context(reading)?.limits)
}

fn judge(dir: &Path, result: RunResult, limits: Vec<Limit>) -> Result<RunResult, Failure> {
    let are_windowed = limits.iter().any(|limit| limit.window_s().is_some());
    let mut again = Recompute::new(result, limits)
        .map_err(|error| Failure::Usage(anyhow::Error::new(error).context(format!("judging {}", dir.display()))))?;
    if are_windowed {
        for interval in read_intervals(dir)?.iter() {
            let reading = || format!("reading the intervals of {}", dir.display());
            again.add(&interval.with_context(reading).map_err(Failure::Usage)?);
        }
    }
    Ok(again.finish())
}
