//! `rushhour store`: fill a store, look at it, check it, take out of it, and mend it.

use std::path::Path;

use anyhow::{Context, anyhow};
use clap::{Subcommand, ValueEnum};
use rushhour_store::{Options, Store};

use crate::exit::{Exit, Failure};
use crate::progress::spinner;
use crate::{store_export, store_import, store_mend, store_stat, store_verify, surroundings};

/// Fill a store, look at it, check it, take out of it, and mend it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour store import --data /tmp/diary study/timeline
  rushhour store stat /tmp/diary
  rushhour store verify /tmp/diary
  rushhour store export /tmp/diary --form timeline --out /tmp/export

A store must not be in use by a server or by another of these commands. docs/STORE.md says what
lies in its folder.")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put files of entries into a store, and seal them
    Import(store_import::Args),
    /// Tell how many bytes what takes
    Stat(store_stat::Args),
    /// Check that everything is what was written
    Verify(store_verify::Args),
    /// Write everybody's entries as files
    Export(store_export::Args),
    /// Erase a user, so that nothing of them is left in any file
    DeleteUser(store_mend::DeleteArgs),
    /// Make a lost directory.redb anew from the chunks
    Rebuild(store_mend::RebuildArgs),
    /// Give up the damaged part of a log, so that the store can be written again
    Repair(store_mend::RepairArgs),
}

/// How to print a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    match &args.command {
        Command::Import(args) => store_import::run(args, quiet),
        Command::Stat(args) => store_stat::run(args, quiet),
        Command::Verify(args) => store_verify::run(args, quiet),
        Command::Export(args) => store_export::run(args, quiet),
        Command::DeleteUser(args) => store_mend::delete_user(args, quiet),
        Command::Rebuild(args) => store_mend::rebuild(args, quiet),
        Command::Repair(args) => store_mend::repair(args),
    }
}

/// Opens a store that must be there.
pub(crate) fn open(dir: &Path, quiet: bool) -> Result<Store, Failure> {
    if !dir.join("directory.redb").exists() {
        return Err(Failure::Usage(missing(dir)));
    }
    open_or_make(dir, quiet)
}

fn missing(dir: &Path) -> anyhow::Error {
    let dir_name = dir.display();
    if dir.join("chunks").is_dir() {
        return anyhow!(
            "{dir_name} has lost its directory.redb; restore it, or make it anew with `rushhour store rebuild`"
        );
    }
    anyhow!("there is no store in {dir_name}; `rushhour serve --data` makes one")
}

/// Opens a store, which is made when there is none.
pub(crate) fn open_or_make(dir: &Path, quiet: bool) -> Result<Store, Failure> {
    let sealing_threads = surroundings::cores();
    open_with(Options { sealing_threads, ..Options::new(dir, surroundings::rng()?) }, quiet)
}

/// Opens a store as `options` say.
pub(crate) fn open_with(options: Options, quiet: bool) -> Result<Store, Failure> {
    let dir = options.dir.clone();
    let reading = spinner(quiet, "reading the log");
    let store = Store::open(options).with_context(|| format!("opening the store in {}", dir.display()));
    reading.finish_and_clear();
    Ok(store?)
}
