//! `rushhour entries`: check files of entries, and convert them between phone form and stored form.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use rushhour_model::entry::{Data, Entry};
use rushhour_model::stored::{StoredEntry, to_phone, to_stored};
use rushhour_report::table::Table;
use serde_json::Value;

use crate::entry_file::{EntryWriter, read};
use crate::exit::{Exit, Failure};
use crate::output::{say, show};
use crate::report::Format;

/// Check files of entries, and convert them between phone form and stored form.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour entries check day.raw.json.gz
  rushhour entries to-stored day.raw.json.gz -o day.stored.json.zst
  rushhour entries to-phone day.stored.json.gz | head

A file is a JSON array of entries; .gz and .zst are told by the ending. Nothing is dropped in silence: what
cannot be converted is named on stderr, and the exit code is 1.")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count entries by platform and key, and name what is wrong with them
    #[command(after_help = "Examples:
  rushhour entries check scenarios/days/*.raw.json
  rushhour entries check day.raw.json.gz --format json")]
    Check {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// How to print the counts
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Write entries as the original server stores them
    #[command(after_help = "Example:
  rushhour entries to-stored scenarios/days/ios-errand.raw.json -o errand.stored.json.zst")]
    ToStored {
        /// The file
        file: PathBuf,
        /// Where to write; stdout when not given
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Write entries as phones send them
    #[command(after_help = "Example:
  rushhour entries to-phone errand.stored.json.zst | head")]
    ToPhone {
        /// The file
        file: PathBuf,
        /// Where to write; stdout when not given
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Check { files, format } => check(files, *format),
        Command::ToStored { file, out } => convert(file, out.as_ref(), stored_form),
        Command::ToPhone { file, out } => convert(file, out.as_ref(), phone_form),
    }
}

/// How many problems are named; the rest is counted.
const NAMED_PROBLEMS_MAX: u64 = 20;

/// What was wrong, named as it comes up and counted.
#[derive(Debug, Default)]
struct Problems {
    count: u64,
}

impl Problems {
    fn add(&mut self, file: &Path, index: usize, key: &str, what: &str) {
        self.count += 1;
        if self.count <= NAMED_PROBLEMS_MAX {
            say(&format!("{}: entry {index} ({key}): {what}", file.display()));
        }
    }

    fn exit(&self) -> Exit {
        if self.count > NAMED_PROBLEMS_MAX {
            say(&format!("… and {} more", self.count - NAMED_PROBLEMS_MAX));
        }
        if self.count == 0 { Exit::Done } else { Exit::Failed }
    }
}

/// A file that does not parse is usage; one that cannot be read is a failure.
pub(crate) fn parse_failure(error: anyhow::Error) -> Failure {
    let is_syntax = error.downcast_ref::<serde_json::Error>().is_some_and(|error| !error.is_io());
    if is_syntax { Failure::Usage(error) } else { Failure::Failed(error) }
}

fn check(files: &[PathBuf], format: Format) -> Result<Exit, Failure> {
    let mut problems = Problems::default();
    let mut counts: BTreeMap<(String, String, &str), (u64, u64)> = BTreeMap::new();
    for file in files {
        let mut each = |index: usize, value: Value| {
            let (platform, key) = (text(&value, "/metadata/platform"), text(&value, "/metadata/key"));
            let form = if is_stored(&value) { "stored" } else { "phone" };
            let count = counts.entry((platform, key.clone(), form)).or_default();
            count.0 += 1;
            if let Err(what) = examine(value) {
                count.1 += 1;
                problems.add(file, index, &key, &what);
            }
            Ok(())
        };
        read(file, &mut each).map_err(parse_failure)?;
    }
    let mut table = Table::new(3, &["platform", "key", "form", "entries", "problems"]);
    for ((platform, key, form), (entries, problems)) in counts {
        table.rows.push(vec![platform, key, form.to_owned(), entries.to_string(), problems.to_string()]);
    }
    show(&match format {
        Format::Table => table.text(),
        Format::Csv => table.csv(),
        Format::Json => table.json(),
    })?;
    Ok(problems.exit())
}

/// A text inside an entry that may be anything.
fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or("–").to_owned()
}

/// Whether an entry has been formatted already, as the original's loaders tell it.
fn is_stored(value: &Value) -> bool {
    value.pointer("/metadata/write_fmt_time").is_some()
}

fn examine(value: Value) -> Result<(), String> {
    if is_stored(&value) {
        return StoredEntry::try_from(value).map(drop).map_err(|error| error.to_string());
    }
    let entry = Entry::try_from(value).map_err(|error| error.to_string())?;
    let is_untyped = matches!(entry.data, Data::Other(_));
    let key = entry.metadata.key.clone();
    to_stored(entry).map_err(|refusal| refusal.to_string())?;
    if is_untyped { Err(format!("`data` is not what a phone sends under {key}")) } else { Ok(()) }
}

fn stored_form(value: Value) -> Result<Value, String> {
    if is_stored(&value) {
        return Ok(value);
    }
    let entry = Entry::try_from(value).map_err(|error| error.to_string())?;
    let stored = to_stored(entry).map_err(|refusal| refusal.to_string())?;
    serde_json::to_value(stored).map_err(|error| error.to_string())
}

fn phone_form(value: Value) -> Result<Value, String> {
    if !is_stored(&value) {
        return Ok(value);
    }
    let stored = StoredEntry::try_from(value).map_err(|error| error.to_string())?;
    let entry = to_phone(stored).map_err(|error| error.to_string())?;
    serde_json::to_value(entry).map_err(|error| error.to_string())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Writes every entry of `file` in another form; one that has it already is left as it is.
fn convert(file: &Path, out: Option<&PathBuf>, form: fn(Value) -> Result<Value, String>) -> Result<Exit, Failure> {
    let mut writer = EntryWriter::create(out)?;
    let mut problems = Problems::default();
    let mut each = |index: usize, value: Value| {
        let key = text(&value, "/metadata/key");
        match form(value) {
            Ok(entry) => writer.push(&entry)?,
            Err(what) => problems.add(file, index, &key, &what),
        }
        Ok(())
    };
    let written = read(file, &mut each).map_err(parse_failure);
    match written.and_then(|()| Ok(writer.finish()?)) {
        // A reader that has seen enough, such as `head`, is no failure.
        Err(Failure::Failed(error)) if is_broken_pipe(&error) => Ok(Exit::Done),
        written => written.map(|()| problems.exit()),
    }
}
