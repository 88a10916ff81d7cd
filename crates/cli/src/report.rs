//! `rushhour report`: everything that is computed from what is in results/, without running again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Subcommand, ValueEnum};
use rushhour_launch::rundir::{RESULT_FILE, read_intervals, read_result};
use rushhour_report::hlog::HlogError;
use rushhour_report::junit::junit;
use rushhour_report::prometheus::exposition;
use rushhour_report::result::{ResultError, RunResult, json_schema};
use rushhour_report::summary;

use crate::exit::{Exit, Failure};
use crate::output::{say, show};
use crate::{report_compare, report_history, report_merge, report_page, report_recompute};

/// Show, draw, compare and judge what is in results/.
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
    /// Draw the page of a run, or one of several
    Page(report_page::Args),
    /// Make a site of all results
    Index(report_page::IndexArgs),
    /// Add runs to a history, and tell where its numbers changed
    History(report_history::Args),
    /// Print a run for a pull request, or for Prometheus
    #[command(after_help = "Examples:
  rushhour report summary results/2026-11-21-vm-quickstart-local-4 >> $GITHUB_STEP_SUMMARY
  rushhour report summary results/2026-11-21-vm-quickstart-local-4 --format prometheus |
      curl --data-binary @- http://127.0.0.1:9091/metrics/job/rushhour")]
    Summary {
        /// The run's folder
        dir: PathBuf,
        /// How to print it
        #[arg(long, value_enum, default_value_t = SummaryFormat::Markdown)]
        format: SummaryFormat,
    },
    /// Print a run's seconds as CSV; as NDJSON they lie in its folder
    #[command(after_help = "Example:
  rushhour report intervals results/2026-11-21-vm-quickstart-local > intervals.csv")]
    Intervals {
        /// The run's folder
        dir: PathBuf,
    },
    /// Judge old runs by new limits
    Recompute(report_recompute::Args),
    /// Print the JSON Schema of result.json
    #[command(after_help = "Example:
  rushhour report schema > result.schema.json")]
    Schema,
    /// Compare two results, or the pairs of a comparison
    Compare(report_compare::Args),
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SummaryFormat {
    /// A comment on a pull request
    Markdown,
    /// Figures for a push gateway
    Prometheus,
}

impl SummaryFormat {
    fn print(self, result: &RunResult) -> String {
        match self {
            Self::Markdown => summary::pull_request(result),
            Self::Prometheus => exposition(result),
        }
    }
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Show { dir, format } => show(&print(&read(dir)?.quotable(), *format)?)?,
        Command::Junit { dir } => show(&junit(&read(dir)?))?,
        Command::Page(args) => return report_page::run(args),
        Command::Summary { dir, format } => show(&format.print(&read(dir)?.quotable()))?,
        Command::Intervals { dir } => {
            let result = read(dir)?;
            let csv = read_intervals(dir)?.csv(&result.untold());
            let csv = csv.with_context(|| format!("reading the intervals of {}", dir.display()));
            show(&csv.map_err(Failure::Usage)?)?;
        }
        Command::Recompute(args) => return report_recompute::run(args),
        Command::Schema => show(&json_schema())?,
        Command::Index(args) => return report_page::index(args),
        Command::History(args) => return report_history::run(args),
        Command::Compare(args) => return report_compare::run(args),
        Command::Merge(args) => return report_merge::run(args),
    }
    Ok(Exit::Done)
}

fn read(dir: &Path) -> Result<RunResult, Failure> {
    read_result(dir).map_err(unreadable)
}

/// The folders that hold the result of a run; of several, others are left out with a warning.
pub(crate) fn runs(dirs: &[PathBuf]) -> Vec<&PathBuf> {
    let is_run = |dir: &&PathBuf| {
        let is_run = dirs.len() == 1 || dir.is_file() || dir.join(RESULT_FILE).is_file();
        if !is_run {
            say(&format!("warning: {} is left out: it holds no run that ended", dir.display()));
        }
        is_run
    };
    dirs.iter().filter(is_run).collect()
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
