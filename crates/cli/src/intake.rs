//! `rushhour intake`: the trips in files of entries, or in a store.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::{Subcommand, ValueEnum};
use rushhour_model::ids::UserId;
use rushhour_pipeline::chapter::{Chapter, Opening};
use rushhour_pipeline::documents::{Wanted, documents};
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::timeline::all_trips;
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write};
use rushhour_server::diary::{Portion, renew, reset, set_aside, take_in, train};
use rushhour_server::intake::guarded;
use rushhour_store::Store;
use serde_json::json;

use crate::entry_file::{EntryWriter, read};
use crate::exit::{Exit, Failure};
use crate::intake_args::TransitArgs;
use crate::intake_page::page;
use crate::intake_score;
use crate::intake_table::table;
use crate::output::{say, show};
use crate::progress::{counter, spinner};
use crate::store::open;

/// Find the trips in files of entries, or in a store.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, disable_help_subcommand = true)]
#[command(after_help = "Examples:
  rushhour intake monday.json.gz tuesday.json.gz
  rushhour intake monday.json.gz --page monday.html --dump monday.analysis.json.gz
  rushhour intake monday.json.gz --format geojson > monday.geojson
  rushhour intake --store /tmp/diary
  rushhour intake --store /tmp/diary --user anna --reset-from 2026-11-01T00:00:00Z

All files together are one person's; they may be in phone form or in stored form.
A store must not be in use by a server; what its phones have sent is taken in.")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Files of one person's entries
    #[arg(required_unless_present = "store", conflicts_with = "store")]
    files: Vec<PathBuf>,
    /// How to print the trips
    #[arg(long, value_enum, default_value_t = Format::Table, conflicts_with = "store")]
    format: Format,
    /// Write every document that the pipeline makes
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    dump: Option<PathBuf>,
    /// Draw the trips and the fixes on one HTML page
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    page: Option<PathBuf>,
    /// The folder of a store
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Only this person, by their token
    #[arg(long, value_name = "TOKEN", requires = "store")]
    user: Option<String>,
    /// Write diaries anew from this time on, such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME", requires = "store")]
    reset_from: Option<jiff::Timestamp>,
    /// Learn from labels, so that later trips get labels that their person would probably give
    #[arg(long, requires = "store")]
    train_labels: bool,
    #[command(flatten)]
    transit: TransitArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell how much of a synthetic population's truth a pipeline recovers
    Score(intake_score::Args),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line per trip.
    Table,
    /// The same as JSON.
    Json,
    /// As `timeline/getTrips` answers.
    Geojson,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    match (&args.command, &args.store) {
        (Some(Command::Score(args)), _) => intake_score::run(args, quiet),
        (None, Some(dir)) => take_in_store(args, dir, quiet),
        (None, None) => find_in_files(args, quiet),
    }
}

/// How many rejected entries are named; the rest is counted.
const NAMED_REJECTED_MAX: usize = 20;

fn find_in_files(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let stops = args.transit.stops().map_err(Failure::Usage)?;
    let user = UserId(Default::default());
    let reading = spinner(quiet, "reading entries");
    let mut observations = Observations::default();
    for file in &args.files {
        read(file, &mut |index, value| {
            observations.push_value(user, value).map_err(|error| anyhow!("entry {index}: {error}"))
        })
        .with_context(|| format!("in {}", file.display()))
        .map_err(Failure::Usage)?;
    }
    reading.finish_and_clear();
    let rejected = observations.rejected().to_vec();
    for entry in rejected.iter().take(NAMED_REJECTED_MAX) {
        say(&format!("entry {}: {}", entry.id, entry.reason));
    }
    if rejected.len() > NAMED_REJECTED_MAX {
        say(&format!("and {} more that could not be read", rejected.len() - NAMED_REJECTED_MAX));
    }
    let points = observations.positions();
    let inputs = observations.take_inputs();
    let settings = Settings { user, stops: &stops, model: &Model::default() };
    let chapters = write(observations, inputs, Opening::first(), &settings);
    print(args, user, &chapters)?;
    if let Some(file) = &args.page {
        let html = page(&chapters, &points);
        std::fs::write(file, html).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(if rejected.is_empty() { Exit::Done } else { Exit::Failed })
}

fn print(args: &Args, user: UserId, chapters: &[Chapter]) -> Result<()> {
    match args.format {
        Format::Table => show(&table(chapters).text())?,
        Format::Json => show(&table(chapters).json())?,
        Format::Geojson => {
            let trips = all_trips(chapters, &[]);
            show(&(serde_json::to_string(&json!(trips)).context("writing the trips as GeoJSON")? + "\n"))?;
        }
    }
    if let Some(file) = &args.dump {
        let mut out = EntryWriter::create(Some(file))?;
        for document in documents(user, chapters, &[], Wanted::All) {
            out.push(&document)?;
        }
        out.finish()?;
    }
    Ok(())
}

/// So many users are lost at most when the program is killed; they are taken in again.
const SYNC_EVERY_RUNS: usize = 500;
/// A store that no server serves has all the time for one person.
const PORTION: Portion = Portion { entries_max: 100_000, span_s_max: f64::INFINITY };

fn take_in_store(args: &Args, dir: &Path, quiet: bool) -> Result<Exit, Failure> {
    let stops = args.transit.stops().map_err(Failure::Usage)?;
    let store = open(dir, quiet)?;
    let asked = match &args.user {
        Some(token) => {
            let user = store.user(token).ok_or_else(|| anyhow!("nobody is registered as {token} in {}", dir.display()));
            Some(user.map_err(Failure::Usage)?)
        }
        None => None,
    };
    let users = asked.map_or_else(|| store.users(), |user| vec![user]);
    if let Some(from) = args.reset_from {
        let mut chapters = 0;
        for user in &users {
            chapters += reset(&store, *user, &stops, from.as_second() as f64).context("writing a diary anew")?;
        }
        show(&format!("{} diaries written anew from {from} on, {chapters} chapters\n", users.len()))?;
    }
    let done = take_in_all(&store, asked, &stops, quiet)?;
    if args.train_labels {
        for user in &users {
            train(&store, *user).context("learning from labels")?;
        }
        show(&format!("{} people's labels learnt\n", users.len()))?;
    }
    store.sync_diaries().context("making the diaries durable")?;
    let Done { runs, entries, rejected, failed } = done;
    show(&format!("{entries} entries taken in, in {runs} runs; {rejected} could not be read\n"))?;
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}

/// What was taken in.
#[derive(Debug, Default)]
struct Done {
    runs: usize,
    entries: usize,
    rejected: usize,
    failed: usize,
}

/// Takes in all who wait, or the one who is asked for. Who cannot be taken in is named, and the others go on.
fn take_in_all(store: &Store, asked: Option<UserId>, stops: &Stops, quiet: bool) -> Result<Done> {
    let mut done = Done::default();
    renew(store)?;
    let bar = counter(quiet, "taking in", store.pending() as u64);
    while let Some(user) = store.next_pending() {
        if asked.is_some_and(|asked| asked != user) {
            continue;
        }
        match guarded(|| take_in(store, user, stops, PORTION)) {
            Ok(Ok(run)) => {
                done.runs += 1;
                done.entries += run.entries;
                done.rejected += run.rejected.len();
            }
            Ok(Err(error)) => {
                done.failed += 1;
                say(&format!("{user} could not be taken in: {error}"));
            }
            Err(panic) => {
                done.failed += 1;
                say(&format!("{user} is set aside, because the pipeline broke: {panic}"));
                set_aside(store, user, PORTION).context("setting a user aside")?;
            }
        }
        bar.inc(1);
        if done.runs.is_multiple_of(SYNC_EVERY_RUNS) {
            store.sync_diaries().context("making the diaries durable")?;
        }
    }
    bar.finish_and_clear();
    Ok(done)
}
