//! `rushhour capacity usl`: how throughput grows with cores, shards or clients.

use std::path::PathBuf;

use anyhow::Context;
use rushhour_report::usl::{Points, fit, table, text};

use crate::exit::{Exit, Failure};
use crate::output::show;

/// Fit the Universal Scalability Law to measurements.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  rushhour capacity usl cores.csv

The file has two columns under headings, such as `cores,throughput_per_s`, and measurements at six
different numbers or more. Nothing is said beyond twice the largest of them.")]
pub(crate) struct Args {
    /// The measurements, as CSV
    file: PathBuf,
    /// Same seed, same intervals
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let csv = std::fs::read_to_string(&args.file).with_context(|| format!("reading {}", args.file.display()));
    let points = Points::parse(&csv?).and_then(|points| fit(points, args.seed));
    let fit = points.with_context(|| format!("in {}", args.file.display())).map_err(Failure::Usage)?;
    show(&format!("{}\n{}", text(&fit), table(&fit).text()))?;
    Ok(Exit::Done)
}
