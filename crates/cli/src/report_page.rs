//! `rushhour report page` and `rushhour report index`: what was kept, as pages.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rushhour_launch::capacity::{self, CAPACITY_FILE};
use rushhour_launch::cost::{self, COST_FILE};
use rushhour_launch::pairs::{self, BUILDS_FILE};
use rushhour_launch::run_page::{PAGE_FILE, name, read_origin, read_run_page};
use rushhour_launch::rundir::read_result;
use rushhour_report::compare::{Pairs, TOLERANCE, compare};
use rushhour_report::page::{Found, Listed, Origin, capacity_page, compare_page, cost_page, index_page, sweep_page};

use crate::exit::{Exit, Failure};
use crate::output::{say, show};
use crate::report::unreadable;

/// Draw the page of a run, or one of several.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour report page results/2026-11-21-vm-quickstart-local-4
  rushhour report page results/2026-11-21-vm-sweep-local* --out sweep.html

A page is one file that needs no network. What cannot be read is named on it; a run that was cut
off is shown as such. Several runs are put on one page: latency against throughput. The folders
of a search for capacity, of what a day costs and of a comparison have pages of their own.")]
pub(crate) struct Args {
    /// The folders of the runs
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Where to write the page; without it, report.html in the run's folder, or sweep.html here for several
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Make a site of all results below a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  rushhour report index results --out site

The site is a list with filters and a page for each run, to be published or opened as it is.")]
pub(crate) struct IndexArgs {
    /// The folder with the folders of the runs
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Where to write the site; files of earlier ones are replaced
    #[arg(long, short, value_name = "DIR", default_value = "site")]
    out: PathBuf,
}

/// Runs `report page`.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let (html, beside) = match args.dirs.as_slice() {
        [dir] => {
            let (html, _) = page_of(dir).map_err(unreadable)?;
            (html, dir.join(PAGE_FILE))
        }
        dirs => {
            let read = |dir: &PathBuf| Ok((name(dir), read_result(dir)?));
            let runs = dirs.iter().map(read).collect::<Result<Vec<_>>>().map_err(unreadable)?;
            (sweep_page(&runs), PathBuf::from("sweep.html"))
        }
    };
    let file = args.out.as_ref().unwrap_or(&beside);
    write(file, &html)?;
    show(&format!("{}\n", file.display()))?;
    Ok(Exit::Done)
}

/// Runs `report index`.
pub(crate) fn index(args: &IndexArgs) -> Result<Exit, Failure> {
    let listing = std::fs::read_dir(&args.dir).with_context(|| format!("listing {}", args.dir.display()))?;
    let mut dirs = Vec::new();
    for item in listing {
        let path = item.with_context(|| format!("listing {}", args.dir.display()))?.path();
        if path.is_dir() {
            dirs.push(path);
        }
    }
    std::fs::create_dir_all(&args.out).with_context(|| format!("creating {}", args.out.display()))?;
    let mut listed = Vec::new();
    for dir in &dirs {
        listed.push(match page_of(dir) {
            Ok((html, of)) => {
                write(&args.out.join(format!("{}.html", of.name)), &html)?;
                of
            }
            Err(error) => {
                say(&format!("warning: {error:#}"));
                Listed { name: name(dir), origin: read_origin(dir), found: Found::Damaged(format!("{error:#}")) }
            }
        });
    }
    let file = args.out.join("index.html");
    write(&file, &index_page(&listed))?;
    show(&format!("{} runs in {}\n", listed.len(), file.display()))?;
    Ok(Exit::Done)
}

/// The page of what is in a folder, and what that is.
fn page_of(dir: &Path) -> Result<(String, Listed)> {
    let name = name(dir);
    if dir.join(CAPACITY_FILE).is_file() {
        let (search, origin) = (capacity::read(dir)?, read_origin(dir));
        return Ok((
            capacity_page(&name, &origin, &search),
            Listed { name, origin, found: Found::Search(Box::new(search)) },
        ));
    }
    if dir.join(COST_FILE).is_file() {
        let (cost, origin) = (cost::read(dir)?, read_origin(dir));
        return Ok((cost_page(&name, &origin, &cost), Listed { name, origin, found: Found::Cost(Box::new(cost)) }));
    }
    if dir.join(BUILDS_FILE).is_file() {
        let pairs = pairs::read(dir)?;
        let comparison = compare(&pairs, TOLERANCE);
        let origin = origin_of(&pairs, read_origin(dir));
        let html = compare_page(&name, &origin, &pairs, &comparison);
        return Ok((html, Listed { name, origin, found: Found::Comparison(Box::new(comparison)) }));
    }
    let page = read_run_page(dir)?;
    page.damage.iter().for_each(|damage| say(&format!("warning: {damage}")));
    let html = page.html();
    let listed = match page.result {
        Some(run) => Listed { name, origin: Origin::of(&run), found: Found::Result(Box::new(run)) },
        None => Listed { name, origin: read_origin(dir), found: Found::CutOff },
    };
    Ok((html, listed))
}

/// Of a comparison its first run says what it was made from; the folder only has the builds.
pub(crate) fn origin_of(pairs: &Pairs, folder: Origin) -> Origin {
    let first = pairs.pairs.first().map(|(baseline, _)| Origin::of(baseline));
    Origin { files: folder.files, ..first.unwrap_or_default() }
}

/// Writes a file.
pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}
