//! `rushhour store export`: everybody's entries as files.

use std::io::Write;
use std::num::NonZeroUsize;
use std::ops::{AddAssign, Range};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use clap::ValueEnum;
use flate2::Compression;
use flate2::write::GzEncoder;
use indicatif::ProgressBar;
use rushhour_dataset::error::Error;
use rushhour_dataset::export::{BLOCK_USERS, EntryTables};
use rushhour_dataset::folder::{Folder, Output};
use rushhour_dataset::in_order::in_order;
use rushhour_dataset::manifest::FileRow;
use rushhour_model::ids::UserId;
use rushhour_store::{Inventory, Query, Store};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::{say, show};
use crate::progress::{bytes, spinner};
use crate::store::open;
use crate::store_entry::Exported;
use crate::store_source::TokenRow;
use crate::surroundings::{VERSION, cores};

/// Write everybody's entries as files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour store export /tmp/diary --form timeline --out /tmp/export
  rushhour store export /tmp/diary --form parquet --out /tmp/tables
  rushhour store export /tmp/diary --form timeline --user anna --out /tmp/anna

Entries are in stored form, with their ids; what the original server has no formatter for is as the
phone sent it, as in its own exports. Trips follow from the entries and are not written. users.csv
has everybody's tokens. manifest.json comes last: without it the folder is not complete.")]
pub(crate) struct Args {
    /// The folder of the store
    dir: PathBuf,
    /// In which form
    #[arg(long, value_enum)]
    form: Form,
    /// The folder to fill; made when missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only this user, by their token
    #[arg(long, value_name = "TOKEN")]
    user: Option<String>,
    /// Replace what an earlier export made there
    #[arg(long)]
    force: bool,
    /// On how many threads; one for each core when not given
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// One gzip file per user, as the original server's loader takes them
    Timeline,
    /// Tables of locations, motion activity, transitions and everything else, 20 users to a file
    Parquet,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let store = open(&args.dir, quiet)?;
    let folder = Folder::open(&args.out, args.force).map_err(refused)?;
    let looking = spinner(quiet, "looking at who is there");
    let inventory = store.inventory(&mut || {}).context("looking at chunks; see `rushhour store verify`")?;
    looking.finish_and_clear();
    let people = people(inventory, args)?;
    let threads = args.threads.map_or_else(cores, NonZeroUsize::get);
    let bar = bytes(quiet, "export", people.iter().map(|person| person.bytes).sum());
    let export = Export { store: &store, folder: &folder, people: &people, bar };
    let counts = export.run(args.form, threads)?;
    export.bar.finish_and_clear();
    write_tokens(&folder, &people).map_err(refused)?;
    let manifest = Manifest {
        version: VERSION,
        form: args.form,
        users: people.len(),
        entries: counts.entries,
        entries_as_sent: counts.sent,
        files: folder.files(),
    };
    folder.complete_as("manifest.json".to_owned(), &manifest).map_err(refused)?;
    show(&format!("{} users and {} entries in {}\n", people.len(), counts.entries, args.out.display()))?;
    if counts.sent > 0 {
        say(&format!("{} of them are as phones sent them: the original server has no formatter for them", counts.sent));
    }
    Ok(Exit::Done)
}

/// `manifest.json`.
#[derive(Serialize)]
struct Manifest {
    version: &'static str,
    form: Form,
    users: usize,
    entries: u64,
    /// Those in phone form.
    entries_as_sent: u64,
    files: Vec<FileRow>,
}

fn refused(error: Error) -> Failure {
    if error.is_usage() { Failure::Usage(error.into()) } else { Failure::Failed(error.into()) }
}

/// Somebody to be exported.
struct Person {
    user: UserId,
    tokens: Vec<String>,
    /// What they take in the store.
    bytes: u64,
}

fn people(inventory: Inventory, args: &Args) -> Result<Vec<Person>, Failure> {
    let is_asked = |tokens: &[String]| args.user.as_ref().is_none_or(|asked| tokens.contains(asked));
    let people = inventory.people.into_iter().filter(|person| is_asked(&person.tokens));
    let people: Vec<Person> = people
        .map(|person| {
            let bytes = person.chunk_bytes + person.log_bytes;
            Person { user: person.user, tokens: person.tokens, bytes }
        })
        .collect();
    match &args.user {
        Some(token) if people.is_empty() => {
            Err(Failure::Usage(anyhow::anyhow!("nobody is registered as {token} in {}", args.dir.display())))
        }
        _ => Ok(people),
    }
}

fn write_tokens(folder: &Folder, people: &[Person]) -> Result<(), Error> {
    let mut rows = csv::Writer::from_writer(folder.create("users.csv".to_owned())?);
    let target = rows.get_ref().target().to_owned();
    let failed = |source: std::io::Error| Error::Write { path: target.clone(), source };
    for person in people {
        for token in &person.tokens {
            let row = TokenRow { token: token.clone(), user_id: person.user.to_string() };
            rows.serialize(row).map_err(|error| failed(error.into()))?;
        }
    }
    rows.into_inner().map_err(|error| failed(error.into_error()))?.commit()
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    entries: u64,
    /// Those in phone form.
    sent: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.sent += other.sent;
    }
}

/// An export under way.
struct Export<'a> {
    store: &'a Store,
    folder: &'a Folder,
    people: &'a [Person],
    bar: ProgressBar,
}

impl Export<'_> {
    fn run(&self, form: Form, threads: usize) -> Result<Counts> {
        let users = u32::try_from(self.people.len()).context("counting users")?;
        let unit_users = if form == Form::Timeline { 1 } else { BLOCK_USERS };
        let has_failed = AtomicBool::new(false);
        let unit = |unit: u32| {
            let users = unit * unit_users..users.min((unit + 1) * unit_users);
            match form {
                _ if has_failed.load(Ordering::Relaxed) => Ok(Counts::default()),
                Form::Timeline => users.map(|user| self.timeline(user)).sum_up(),
                Form::Parquet => self.tables(&users),
            }
        };
        let mut all = Ok(Counts::default());
        in_order(0..users.div_ceil(unit_users), threads, unit, |written: Result<Counts>| {
            if let Ok(sum) = &mut all {
                match written {
                    Ok(counts) => *sum += counts,
                    Err(error) => {
                        has_failed.store(true, Ordering::Relaxed);
                        all = Err(error);
                    }
                }
            }
        });
        all
    }

    /// Shows everything of a user, in order of writing.
    fn each(&self, person: &Person, take: &mut dyn FnMut(&serde_json::Value) -> Result<()>) -> Result<Counts> {
        let mut counts = Counts::default();
        let found = self.store.find_blocking(person.user, &Query::all(None));
        for entry in found.with_context(|| format!("reading the entries of {}", person.user))? {
            let exported = Exported::new(person.user, entry.id, &entry.text).context("reading an entry")?;
            counts.entries += 1;
            match &exported {
                Exported::Stored(value) => take(value)?,
                Exported::Sent(value) => {
                    counts.sent += 1;
                    take(value)?;
                }
            }
        }
        self.bar.inc(person.bytes);
        Ok(counts)
    }

    /// The file of one user, and beside it the one with the state of the pipeline, which the original's loader wants: it
    /// has nothing in it, so that its pipeline starts at the beginning.
    fn timeline(&self, user: u32) -> Result<Counts> {
        let Some(person) = self.people.get(user as usize) else { return Ok(Counts::default()) };
        let mut state = self.gzip(format!("timeline/export_pipelinestate_{}.gz", person.user))?;
        state.write_all(b"[]\n").context("writing the state of a pipeline")?;
        finish(state)?;
        let mut file = self.gzip(format!("timeline/export_{}.gz", person.user))?;
        let target = file.get_ref().target().to_owned();
        let writing = || format!("writing {}", target.display());
        let mut line = b"[\n".to_vec();
        let counts = self.each(person, &mut |entry| {
            serde_json::to_writer(&mut line, entry).context("writing an entry as JSON")?;
            file.write_all(&line).with_context(writing)?;
            line.clear();
            line.extend(b",\n");
            Ok(())
        })?;
        file.write_all(if counts.entries == 0 { b"[]\n" } else { b"\n]\n" }).with_context(writing)?;
        finish(file)?;
        Ok(counts)
    }

    fn gzip(&self, path: String) -> Result<GzEncoder<Output<'_>>> {
        Ok(GzEncoder::new(self.folder.create(path)?, Compression::default()))
    }

    /// The tables of some users.
    fn tables(&self, users: &Range<u32>) -> Result<Counts> {
        let mut tables = EntryTables::new(self.folder, users);
        let counts = users.clone().filter_map(|user| Some((user, self.people.get(user as usize)?)));
        let counts =
            counts.map(|(user, person)| self.each(person, &mut |entry| Ok(tables.add(user, entry)?))).sum_up()?;
        tables.finish()?;
        Ok(counts)
    }
}

fn finish(file: GzEncoder<Output<'_>>) -> Result<()> {
    let target = file.get_ref().target().to_owned();
    Ok(file.finish().with_context(|| format!("writing {}", target.display()))?.commit()?)
}

/// Adds counts up until one fails.
trait SumUp {
    fn sum_up(self) -> Result<Counts>;
}

impl<I: Iterator<Item = Result<Counts>>> SumUp for I {
    fn sum_up(mut self) -> Result<Counts> {
        self.try_fold(Counts::default(), |mut sum, counts| {
            sum += counts?;
            Ok(sum)
        })
    }
}
