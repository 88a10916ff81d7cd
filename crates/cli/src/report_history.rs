//! `rushhour report history`: results over time, and where they changed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rushhour_launch::run_page::name;
use rushhour_launch::rundir::read_result;
use rushhour_report::history::{History, HistoryError, Line};
use rushhour_report::page::{change_table, history_page};
use rushhour_report::result::RunResult;

use crate::exit::{Exit, Failure};
use crate::output::{say, show};
use crate::report::{runs, unreadable};
use crate::report_page::write;

/// Add runs to a history, and tell where its numbers changed for good.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour report history results/2026-11-21-vm-quickstart-local-4 --into history
  rushhour report history --into history --page history.html

The folder has a CSV for each machine, scenario and target, with a line for each run, and an
otava.yaml for Apache Otava. A change is told with the first run that has it; a run is added
once, however often it is named.")]
pub(crate) struct Args {
    /// The folders of runs to add
    #[arg(value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// The folder with the history
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Draw it as a page as well
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    std::fs::create_dir_all(&args.into).with_context(|| format!("creating {}", args.into.display()))?;
    // All of them first, so that nothing is added when one is not what it should be.
    let read = |dir: &PathBuf| Ok((dir.clone(), read_result(dir).map_err(unreadable)?));
    let runs = runs(&args.dirs).into_iter().map(read).collect::<Result<Vec<_>, Failure>>()?;
    for (dir, run) in &runs {
        add(dir, run, &args.into)?;
    }
    let histories = read_all(&args.into)?;
    let yaml: String = histories.iter().map(|(name, history)| history.otava(name, &format!("{name}.csv"))).collect();
    write(&args.into.join("otava.yaml"), &format!("tests:\n{yaml}"))?;
    for (name, history) in &histories {
        let changes = history.changes();
        show(&format!("{name}: {} runs, {} changes\n", history.runs.len(), changes.len()))?;
        if !changes.is_empty() {
            show(&change_table(history, &changes).text())?;
        }
    }
    if let Some(file) = &args.page {
        write(file, &history_page(&histories))?;
    }
    Ok(Exit::Done)
}

fn add(dir: &Path, run: &RunResult, into: &Path) -> Result<(), Failure> {
    let Some(line) = Line::of(&name(dir), run) else {
        say(&format!("warning: {} has nothing for a history: it was {}", dir.display(), run.verdict.word()));
        return Ok(());
    };
    let file = into.join(format!("{}.csv", History::name(run)));
    let mut history = if file.is_file() { read(&file)? } else { History::default() };
    if history.add(line) {
        write(&file, &history.csv())?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<History, Failure> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let history: Result<History, HistoryError> = History::read(&text);
    history.with_context(|| format!("reading {}", file.display())).map_err(Failure::Usage)
}

/// Every history in a folder, by name.
fn read_all(dir: &Path) -> Result<Vec<(String, History)>, Failure> {
    let mut files = Vec::new();
    for item in std::fs::read_dir(dir).with_context(|| format!("listing {}", dir.display()))? {
        files.push(item.with_context(|| format!("listing {}", dir.display()))?.path());
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "csv"));
    files.sort();
    files.iter().map(|file| Ok((name(&file.with_extension("")), read(file)?))).collect()
}
