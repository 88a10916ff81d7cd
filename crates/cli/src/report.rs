//! `rushhour report`: show what is in results/.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Subcommand, ValueEnum};
use rushhour_launch::rundir::read_result;
use rushhour_report::result::RunResult;
use rushhour_report::summary;

use crate::exit::{Exit, Failure};
use crate::output::show;

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Csv,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let Command::Show { dir, format } = &args.command;
    let result = read_result(dir).map_err(|error| match error.is::<serde_json::Error>() {
        true => Failure::Usage(error),
        false => Failure::Failed(error),
    })?;
    let result = result.quotable();
    show(&print(&result, *format)?)?;
    Ok(Exit::Done)
}

fn print(result: &RunResult, format: Format) -> Result<String> {
    match format {
        Format::Table => Ok(summary::text(result)),
        Format::Json => Ok(serde_json::to_string_pretty(result).context("writing the result as JSON")? + "\n"),
        Format::Csv => Ok(summary::flat(result).csv()),
    }
}
