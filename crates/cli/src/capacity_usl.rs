//! `rushhour capacity usl`: how throughput grows with cores, shards or clients.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rushhour_launch::capacity::read;
use rushhour_launch::rundir::read_target;
use rushhour_report::capacity::Unit;
use rushhour_report::catalogue::Catalogue;
use rushhour_report::usl::{Point, Points, fit, text_with_table};

use crate::exit::{Exit, Failure};
use crate::output::show;

/// Fit the Universal Scalability Law to measurements.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour capacity usl cores.csv
  rushhour capacity usl $(ls -d results/*-capacity-mix-usl-* | sed 's/^/--search /')

The file has two columns under headings, such as `cores,throughput_per_s`, and measurements at six
different numbers or more. So many searches do as well, each of a target with its own `cpus`.
A search that cannot tell counts with what held each time. Nothing is said beyond twice the largest
of them.")]
pub(crate) struct Args {
    /// The measurements, as CSV
    #[arg(required_unless_present = "search", conflicts_with = "search")]
    file: Option<PathBuf>,
    /// The folder of a search whose target has so many cores, also a part of one
    #[arg(long, value_name = "DIR")]
    search: Vec<PathBuf>,
    /// Same seed, same intervals
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let points = match &args.file {
        Some(file) => measured(file),
        None => searched_cores(&args.search),
    };
    let fit = points.and_then(|points| Ok(fit(points, args.seed)?)).map_err(Failure::Usage)?;
    show(&text_with_table(&fit))?;
    Ok(Exit::Done)
}

fn measured(file: &Path) -> Result<Points> {
    let csv = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    Points::parse(&csv).with_context(|| format!("in {}", file.display()))
}

/// What searches found, over the cores of their targets.
pub(crate) fn searched_cores(dirs: &[PathBuf]) -> Result<Points> {
    let asked = dirs.iter().map(|dir| Ok((dir, read(dir)?.subject))).collect::<Result<Vec<_>>>()?;
    for ((first_dir, first), (dir, subject)) in asked.iter().zip(asked.iter().skip(1)) {
        ensure!(
            first.scenario == subject.scenario && first.limits == subject.limits,
            "{} and {} searched with different scenarios or limits",
            first_dir.display(),
            dir.display()
        );
    }
    let points = dirs.iter().map(|dir| point(dir)).collect::<Result<_>>()?;
    Ok(Points { name: "cores".to_owned(), points })
}

/// What a search found, over the cores of its target.
fn point(dir: &Path) -> Result<Point> {
    let capacity = read(dir)?;
    ensure!(
        capacity.plan.unit == Unit::PerS,
        "{} searched for phones, and the law is of requests per second",
        dir.display()
    );
    let target = read_target(dir)?;
    let machine = target.machine.unwrap_or_default();
    let cores = machine.shape(&Catalogue::built_in(), "")?.cores;
    let cores = cores.with_context(|| format!("{} searched a target that is held to no cores", dir.display()))?;
    ensure!(capacity.subject.is_emulated, "{} was not held to its cores", dir.display());
    // A search that cannot tell knows what held each time, too.
    let rate = capacity.held().with_context(|| format!("{} found no rate that held each time", dir.display()))?;
    Ok(Point { n: cores, throughput_per_s: rate })
}
