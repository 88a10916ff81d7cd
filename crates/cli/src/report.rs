//! `rushhour report`: show what is in results/.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Subcommand, ValueEnum};
use rushhour_launch::rundir::read_result;
use rushhour_report::hlog::HlogError;
use rushhour_report::junit::junit;
use rushhour_report::result::{ResultError, RunResult};
use rushhour_report::summary;

use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::report_merge;

/// Show what is in results/.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a run's tables
    #[command(after_help = "Examples:
  rushhour report show results/2026-11-21-vm-quickstart-local
  rushhour report show results/2026-11-21-vm-quickstart-local --format csv")]
    Show {
        /// The run's folder
        dir: PathBuf,
        /// How to print it: tables, the whole result as JSON, or one CSV line per operation
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Merge the shards of a run, and judge its limits on the whole
    Merge(report_merge::Args),
    /// Print a run's limits as JUnit XML, for CI
    #[command(after_help = "Example:
  rushhour report junit results/2026-11-21-vm-quickstart-local > junit.xml")]
    Junit {
        /// The run's folder
        dir: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Csv,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Show { dir, format } => show(&print(&read(dir)?.quotable(), *format)?)?,
        Command::Junit { dir } => show(&junit(&read(dir)?))?,
        Command::Merge(args) => return report_merge::run(args),
    }
    Ok(Exit::Done)
}

fn read(dir: &Path) -> Result<RunResult, Failure> {
    read_result(dir).map_err(unreadable)
}

/// A file that does not parse is the caller's mistake; one that cannot be had is a failure.
pub(crate) fn unreadable(error: anyhow::Error) -> Failure {
    match error.is::<ResultError>() || error.is::<HlogError>() {
        true => Failure::Usage(error),
        false => Failure::Failed(error),
    }
}

fn print(result: &RunResult, format: Format) -> Result<String> {
    match format {
        Format::Table => Ok(summary::text(result)),
        Format::Json => Ok(serde_json::to_string_pretty(result).context("writing the result as JSON")? + "\n"),
        Format::Csv => Ok(summary::flat(result).csv()),
    }
}
