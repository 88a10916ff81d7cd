//! Where found trips come from: our pipeline over entries, or the documents of any pipeline.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use rushhour_dataset::score::{Documents, FoundTrip, find_in};
use rushhour_model::ids::UserId;
use rushhour_model::record::Field;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::transit::Stops;
use serde::Deserialize;
use serde_json::Value;

use crate::entry_file::read;
use crate::exit::Exit;
use crate::output::say;
use crate::progress::spinner;

/// Where found trips come from.
pub(crate) struct Source {
    origin: Origin,
    /// Those of the truth of whom there is something.
    known: BTreeSet<UserId>,
    /// Those who are not in the truth.
    strangers: BTreeSet<UserId>,
    /// How many entries could not be read, and why the first could not.
    rejected: (usize, Option<String>),
}

enum Origin {
    Entries {
        /// Files whose names tell whose they are: read when it is their turn.
        files: BTreeMap<UserId, Vec<PathBuf>>,
        /// What other files hold.
        loose: BTreeMap<UserId, Observations>,
        stops: Stops,
    },
    Documents(BTreeMap<UserId, Documents>),
}

impl Source {
    /// Our pipeline over the entries of the data set in `dir`, whose people have these tokens.
    pub(crate) fn data_set(dir: &Path, tokens: Vec<(String, UserId)>, stops: Stops) -> Result<Self> {
        let users: Vec<UserId> = tokens.iter().map(|(_, user)| *user).collect();
        let [timeline, uploads] = ["timeline", "uploads"].map(|form| dir.join(form));
        if timeline.is_dir() {
            return Self::timeline(&[timeline], &users, stops);
        }
        if !uploads.is_dir() {
            bail!(
                "there is no folder timeline or uploads in {}; make one with `rushhour synth --form timeline`, or name \
                 entries with --timeline or documents with --documents",
                dir.display()
            );
        }
        let tokens: BTreeMap<String, UserId> = tokens.into_iter().collect();
        let mut files: BTreeMap<UserId, Vec<PathBuf>> = BTreeMap::new();
        for path in all_files(&[uploads])? {
            if let Some(user) = name(&path).strip_suffix(CALLS).and_then(|token| tokens.get(token)) {
                files.entry(*user).or_default().push(path);
            }
        }
        let people = files.keys().copied().collect();
        let mut source = Self::new(Origin::Entries { files, loose: BTreeMap::new(), stops });
        source.meet(people, &users)?;
        Ok(source)
    }

    /// Our pipeline over entries.
    pub(crate) fn timeline(paths: &[PathBuf], users: &[UserId], stops: Stops) -> Result<Self> {
        let mut source = Self::new(Origin::Entries { files: BTreeMap::new(), loose: BTreeMap::new(), stops });
        let Origin::Entries { files, loose, .. } = &mut source.origin else { return Ok(source) };
        for path in all_files(paths)? {
            if let Some(user) = person_in_name(&path) {
                files.entry(user).or_insert_with(Vec::new).push(path);
                continue;
            }
            let mut take = |index: usize, value: Value| {
                let user = value.get("user_id").cloned().and_then(|id| UserId::from_value(id).ok());
                let user = user.ok_or_else(|| anyhow!("entry {index} has no user_id, and the file's name no id"))?;
                push(loose.entry(user).or_default(), user, index, value)
            };
            read(&path, &mut take).with_context(|| format!("in {}", path.display()))?;
        }
        let people: BTreeSet<UserId> = files.keys().chain(loose.keys()).copied().collect();
        source.meet(people, users)?;
        Ok(source)
    }

    /// What a pipeline wrote.
    pub(crate) fn documents(paths: &[PathBuf], users: &[UserId], quiet: bool) -> Result<Self> {
        let mut people: BTreeMap<UserId, Documents> = BTreeMap::new();
        let reading = spinner(quiet, "reading documents");
        for path in all_files(paths)? {
            // A file's name wins, because it tells the truth even where a pipeline was run under another id.
            let named = person_in_name(&path).filter(|user| users.contains(user));
            let mut take = |index: usize, value: Value| {
                let Some((user, _)) = Documents::of(&value).filter(|(_, key)| Documents::is_read(key)) else {
                    return Ok(());
                };
                let documents = people.entry(named.unwrap_or(user)).or_default();
                documents.push(value).map_err(|what| anyhow!("document {index}: {what}"))
            };
            read(&path, &mut take).with_context(|| format!("in {}", path.display()))?;
        }
        reading.finish_and_clear();
        let ids = people.keys().copied().collect();
        let mut source = Self::new(Origin::Documents(people));
        source.meet(ids, users)?;
        Ok(source)
    }

    fn new(origin: Origin) -> Self {
        Self { origin, known: BTreeSet::new(), strangers: BTreeSet::new(), rejected: (0, None) }
    }

    fn meet(&mut self, people: BTreeSet<UserId>, users: &[UserId]) -> Result<()> {
        let users: BTreeSet<UserId> = users.iter().copied().collect();
        (self.known, self.strangers) = people.into_iter().partition(|user| users.contains(user));
        match self.known.is_empty() {
            true => Err(anyhow!("nobody of the truth's users.csv is in these files")),
            false => Ok(()),
        }
    }

    /// The trips that were found of a person.
    pub(crate) fn found(&mut self, user: UserId) -> Result<Vec<FoundTrip>> {
        match &mut self.origin {
            Origin::Documents(people) => Ok(people.remove(&user).map(Documents::found).unwrap_or_default()),
            Origin::Entries { files, loose, stops } => {
                let mut observations = loose.remove(&user).unwrap_or_default();
                for path in files.remove(&user).unwrap_or_default() {
                    let mut take = |index, value| push(&mut observations, user, index, value);
                    let read = if name(&path).ends_with(CALLS) { read_calls } else { read };
                    read(&path, &mut take).with_context(|| format!("in {}", path.display()))?;
                }
                let (count, first) = &mut self.rejected;
                *count += observations.rejected().len();
                if let (None, Some(rejected)) = (&first, observations.rejected().first()) {
                    *first = Some(format!("entry {} of {user}: {}", rejected.id, rejected.reason));
                }
                Ok(find_in(user, observations, stops))
            }
        }
    }

    /// Says what was not judged, or not fairly.
    pub(crate) fn tell(&self, users: &[UserId]) {
        let absent = users.len() - self.known.len();
        if absent > 0 {
            say(&format!("nothing is there of {absent} of {} people: their trips count as missed", users.len()));
        }
        if let Some(first) = self.strangers.first() {
            say(&format!("{} people are not in the truth and were left out, such as {first}", self.strangers.len()));
        }
        if let (count, Some(first)) = &self.rejected {
            say(&format!("{count} entries could not be read; {first}"));
        }
    }

    /// How the program ends if no limit was breached.
    pub(crate) fn exit(&self) -> Exit {
        if self.rejected.0 == 0 { Exit::Done } else { Exit::Failed }
    }
}

fn push(observations: &mut Observations, user: UserId, index: usize, value: Value) -> Result<()> {
    observations.push_value(user, value).map_err(|what| anyhow!("entry {index}: {what}"))
}

/// The calls of a phone, one a line.
const CALLS: &str = ".jsonl.zst";

/// A call, as `rushhour synth --form uploads` writes it.
#[derive(Deserialize)]
struct Call {
    is_answered: bool,
    body: Body,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    phone_to_server: Vec<Value>,
}

/// Hands every entry that a phone sent to `each`. What it did not learn the answer of comes again in a later call.
fn read_calls(path: &Path, each: &mut dyn FnMut(usize, Value) -> Result<()>) -> Result<()> {
    let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
    let lines = BufReader::new(zstd::Decoder::new(file).with_context(|| format!("reading {}", path.display()))?);
    let mut index = 0;
    for (number, call) in (1..).zip(serde_json::Deserializer::from_reader(lines).into_iter::<Call>()) {
        let call = call.with_context(|| format!("reading call {number}"))?;
        for entry in call.body.phone_to_server.into_iter().filter(|_| call.is_answered) {
            each(index, entry)?;
            index += 1;
        }
    }
    Ok(())
}

/// The files among `paths` and in the folders among them, in order.
pub(crate) fn all_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let listing = std::fs::read_dir(path).with_context(|| format!("listing {}", path.display()))?;
        let mut inside: Vec<PathBuf> = listing.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
        inside.sort();
        files.append(&mut all_files(&inside)?);
    }
    // The original writes the state of its pipeline beside the entries: `PREFIX_pipelinestate_UUID.gz`.
    files.retain(|path| !name(path).contains("_pipelinestate_"));
    Ok(files)
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The person in a file's name: `PREFIX_UUID.json.gz`.
pub(crate) fn person_in_name(path: &Path) -> Option<UserId> {
    name(path).split(['_', '.']).find_map(UserId::parse)
}
