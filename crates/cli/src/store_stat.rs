//! `rushhour store stat`: how many bytes what takes.

use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;

use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::progress::counter;
use crate::store::{Format, open};
use crate::store_figures::Figures;
use crate::store_table::{json, text};

/// Tell how many bytes what takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour store stat /tmp/diary
  rushhour store stat /tmp/diary --by user
  rushhour store stat /tmp/diary --format json

Everything on the disk is counted: chunks, log, directory and diaries. A user-day is a date, on the
clock of their phone, on which somebody's phone wrote an entry. The study is 10,000 people for half
a year, at what a user-day takes here.")]
pub(crate) struct Args {
    /// The folder of the store
    dir: PathBuf,
    /// Also tell who takes the most
    #[arg(long, value_enum, value_name = "GROUP")]
    by: Option<By>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// The users with the most bytes.
    User,
}

/// So many users are told of.
const TOP_USERS: usize = 20;

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let store = open(&args.dir, quiet)?;
    let usage = store.usage().context("measuring the store")?;
    let bar = counter(quiet, "users", store.users().len() as u64);
    let inventory = store.inventory(&mut || bar.inc(1)).context("looking at chunks; see `rushhour store verify`")?;
    bar.finish_and_clear();
    let figures = Figures::of(usage, inventory, if args.by.is_some() { TOP_USERS } else { 0 });
    show(&match args.format {
        Format::Table => text(&figures),
        Format::Json => json(&figures),
    })?;
    Ok(Exit::Done)
}
