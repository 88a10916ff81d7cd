//! `rushhour store verify`: whether everything is what was written.

use std::path::PathBuf;

use anyhow::Context;
use rushhour_report::table::Table;
use rushhour_store::Verified;
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::output::{say, show};
use crate::progress::bytes;
use crate::store::{Format, open};

/// Check that everything is what was written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour store verify /tmp/diary
  rushhour store verify /tmp/diary --format json

Reads every frame of the log and of the chunks, decodes every entry, and holds the directory against
them. What is damaged is named with its file and its place, and the exit code is 1. A damaged chunk
is mended by restoring its file from a copy; for a damaged log there is also `store repair`.")]
pub(crate) struct Args {
    /// The folder of the store
    dir: PathBuf,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let store = open(&args.dir, quiet)?;
    let usage = store.usage().context("measuring the store")?;
    let bar = bytes(quiet, "verify", usage.log + usage.live_chunks + usage.dead_chunks);
    let verified = store.verify(&mut |read| bar.inc(read)).context("reading the store")?;
    bar.finish_and_clear();
    show(&print(&verified, args.format))?;
    if verified.flaws.is_empty() {
        return Ok(Exit::Done);
    }
    say(&format!("{} places are damaged; restore their files from a copy", verified.flaws.len()));
    Ok(Exit::Failed)
}

fn print(verified: &Verified, format: Format) -> String {
    let Verified { uploads, chunks, entries, flaws } = verified;
    if format == Format::Json {
        let flaw = |flaw: &rushhour_store::Flaw| json!({"file": flaw.file.display().to_string(), "offset": flaw.offset, "what": flaw.what});
        let flaws: Vec<_> = flaws.iter().map(flaw).collect();
        let found = json!({"uploads_in_log": uploads, "chunks": chunks, "entries": entries, "flaws": flaws});
        return serde_json::to_string_pretty(&found).expect("texts and numbers can be written as JSON") + "\n";
    }
    let mut table = Table::new(1, &["what", "whole"]);
    for (what, count) in [("uploads in the log", uploads), ("chunks", chunks), ("entries in both", entries)] {
        table.rows.push(vec![what.to_owned(), count.to_string()]);
    }
    let mut text = table.text();
    if !flaws.is_empty() {
        let mut table = Table::new(1, &["damaged file", "byte", "what"]);
        for flaw in flaws {
            table.rows.push(vec![flaw.file.display().to_string(), flaw.offset.to_string(), flaw.what.clone()]);
        }
        text.push('\n');
        text.push_str(&table.text());
    }
    text
}
