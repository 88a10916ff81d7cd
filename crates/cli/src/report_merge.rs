//! `rushhour report merge`: what several machines measured, as the run they made together.

use std::path::{Path, PathBuf};

use anyhow::Result;
use rushhour_launch::rundir::{RunDir, read_histograms, read_intervals, read_result};
use rushhour_report::merge::{Merge, Part, intervals};
use rushhour_report::summary;

use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::report::unreadable;

/// Merge the shards of a run, and judge its limits on the whole.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour load breakpoint.toml --url URL --shard 1/2 --start-at 2026-11-21T12:00:00Z --out a
  rushhour load breakpoint.toml --url URL --shard 2/2 --start-at 2026-11-21T12:00:00Z --out b
  rushhour report merge a/* b/* --out results

Histograms are merged exactly. Shards of different schedules, or that did not begin together, are refused.")]
pub(crate) struct Args {
    /// The folders of all shards
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Keep the result in a new folder below this one
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let parts: Vec<Part> = args.dirs.iter().map(|dir| part(dir)).collect::<Result<_>>().map_err(unreadable)?;
    let mut merge = Merge::new(parts).map_err(|error| Failure::Usage(error.into()))?;
    let seconds: Vec<_> = args.dirs.iter().map(|dir| read_intervals(dir)).collect::<Result<_>>()?;
    let together = || intervals(seconds.iter().map(|seconds| seconds.iter()));
    for interval in together() {
        merge.add(&interval.map_err(|error| Failure::Usage(error.into()))?);
    }
    let (result, histograms) = merge.finish();
    show(&summary::text(&result))?;
    if let (Some(out), Some(first)) = (&args.out, args.dirs.first()) {
        let dir = RunDir::create_merged(out, &result, first)?;
        let mut log = dir.intervals()?;
        // They were read without error just now.
        together().flatten().try_for_each(|interval| log.add(&interval))?;
        dir.keep_histograms(&histograms, &result)?;
        dir.keep(&result)?;
        dir.keep_page()?;
        show(&format!("\nkept in {}\n", dir.path().display()))?;
    }
    Ok(result.verdict.into())
}

fn part(dir: &Path) -> Result<Part> {
    Ok(Part { name: dir.display().to_string(), result: read_result(dir)?, histograms: read_histograms(dir)? })
}
