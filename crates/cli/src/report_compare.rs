//! `rushhour report compare`: two results beside each other, or the pairs of a comparison that was kept.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use rushhour_launch::rundir::{RESULT_FILE, read_result};
use rushhour_report::compare::{Comparison, Pair, compare, regressions, table};
use rushhour_report::result::RunResult;

use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::report::unreadable;

/// How the folders of pairs begin: those that are compared, and those of the same build twice.
pub(crate) const PAIR: &str = "pair-";
/// The other ones.
pub(crate) const NOISE: &str = "noise-";
/// The folders in each of them.
pub(crate) const SIDES: [&str; 2] = ["baseline", "candidate"];

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
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    tolerance: f64,
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
    let (pairs, noise) = match args.dirs.as_slice() {
        [baseline, candidate] => (vec![(read(baseline)?, read(candidate)?)], Vec::new()),
        [dir] => match read_pairs(dir, PAIR)? {
            none if none.is_empty() => {
                return Err(Failure::Usage(anyhow!("{} is no comparison: it has no folder {PAIR}01", dir.display())));
            }
            pairs => (pairs, read_pairs(dir, NOISE)?),
        },
        _ => unreachable!("one or two are parsed"),
    };
    tell(&pairs, &noise, args.telling)
}

/// Judges, prints, and says whether something got worse.
pub(crate) fn tell(pairs: &[Pair], noise: &[Pair], telling: TellingArgs) -> Result<Exit, Failure> {
    /// Of drawing pairs anew: any number does, and the same one gives the same answer.
    const SEED: u64 = 1;
    let comparison = compare(pairs, noise, telling.tolerance / 100.0, SEED);
    show(&text(&comparison, telling.format)?)?;
    Ok(if regressions(&comparison).is_empty() { Exit::Done } else { Exit::Regressed })
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

/// The runs below `dir`, in pairs.
fn read_pairs(dir: &Path, kind: &str) -> Result<Vec<Pair>, Failure> {
    let mut folders = folders(dir)?;
    folders.retain(|folder| folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(kind)));
    folders.iter().map(|pair| Ok((read_side(pair, SIDES[0])?, read_side(pair, SIDES[1])?))).collect()
}

/// The one run of a side of a pair.
fn read_side(pair: &Path, side: &str) -> Result<RunResult, Failure> {
    let runs = folders(&pair.join(side))?;
    let run = runs.into_iter().find(|run| run.join(RESULT_FILE).is_file());
    read(&run.ok_or_else(|| Failure::Usage(anyhow!("{} holds no run", pair.join(side).display())))?)
}

fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let listing = std::fs::read_dir(dir).with_context(|| format!("listing {}", dir.display()))?;
    let mut folders = listing.map(|item| Ok(item?.path())).collect::<Result<Vec<_>>>()?;
    folders.retain(|path| path.is_dir());
    folders.sort();
    Ok(folders)
}
