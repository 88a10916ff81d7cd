//! What a data set holds and what it was made from: `manifest.json`, which is written last.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use rushhour_synth::entries::Key;
use rushhour_synth::phone::Platform;
use rushhour_synth::upload::Request;
use rushhour_synth::world::Day;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::Error;
use crate::forms::Form;

/// A data set, or a shard of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the program.
    pub version: String,
    /// The same for all shards of one population, and for no other.
    pub configuration_id: Uuid,
    /// How many people the population has.
    pub users: u32,
    /// Which of them are in here.
    pub users_range: Range<u32>,
    /// The region's name.
    pub region: String,
    /// The IANA names of the clocks in the region's cities; tables with a column `locale` count them from 0.
    pub time_zones: Vec<String>,
    /// The first day.
    pub first_day: Date,
    /// How many days.
    pub days: u32,
    /// What people's phones recorded is in this form.
    pub form: Form,
    /// Where the streets are from, when somebody mapped them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
    /// How much there is of what.
    pub counts: Counts,
    /// All that the world was made from.
    pub configuration: Value,
    /// Every other file.
    pub files: Vec<FileRow>,
}

/// A file of a data set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileRow {
    /// Relative to the manifest.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
    /// CRC-32C of what it holds.
    pub crc32c: u32,
}

/// How much there is of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// People.
    pub users: u64,
    /// People times days.
    pub user_days: u64,
    /// Visits.
    pub visits: u64,
    /// Trips.
    pub trips: u64,
    /// Sections.
    pub sections: u64,
    /// Faults.
    pub events: u64,
    /// Calls for `usercache/get`.
    pub gets: u64,
    /// Calls for `usercache/put`, unanswered ones too.
    pub puts: u64,
    /// Entries that reached the server, each once, by platform and key.
    pub entries: BTreeMap<Platform, BTreeMap<String, u64>>,
}

impl Counts {
    /// Counts a day of somebody with a phone of `platform`.
    pub(crate) fn add_day(&mut self, platform: Platform, day: &Day) {
        self.user_days += 1;
        self.visits += day.visits.len() as u64;
        self.trips += day.trips.len() as u64;
        self.sections += day.trips.iter().map(|trip| trip.sections.len() as u64).sum::<u64>();
        self.events += day.events.len() as u64;
        let keys = self.entries.entry(platform).or_default();
        for call in &day.calls {
            match &call.request {
                Request::Get => self.gets += 1,
                Request::Put { recording, is_answered } => {
                    self.puts += 1;
                    if *is_answered {
                        let counts = Key::ALL.into_iter().zip(Key::count(recording));
                        for (key, count) in counts.filter(|(_, count)| *count > 0) {
                            *keys.entry(key.name().to_owned()).or_default() += count;
                        }
                    }
                }
            }
        }
    }

    /// Adds other counts.
    pub(crate) fn add(&mut self, other: &Self) {
        self.users += other.users;
        self.user_days += other.user_days;
        self.visits += other.visits;
        self.trips += other.trips;
        self.sections += other.sections;
        self.events += other.events;
        self.gets += other.gets;
        self.puts += other.puts;
        for (platform, others) in &other.entries {
            let keys = self.entries.entry(*platform).or_default();
            for (key, count) in others {
                *keys.entry(key.clone()).or_default() += count;
            }
        }
    }

    /// How many entries there are under `key`.
    pub fn of(&self, key: Key) -> u64 {
        self.entries.values().filter_map(|keys| keys.get(key.name())).sum()
    }
}

impl Manifest {
    /// `manifest.json`, or the same with the numbers of the people when they are not all.
    pub(crate) fn file_name(&self) -> String {
        format!("manifest{}.json", shard(self.users, &self.users_range))
    }

    /// Reads the manifest of a data set. Of several shards in one folder it is the first.
    ///
    /// # Errors
    /// When there is none in `dir`, or it is none.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let paths = Self::find(dir)?;
        let first =
            paths.first().ok_or_else(|| Error::invalid(dir, "there is no manifest.json: no complete data set"))?;
        Self::read_file(first)
    }

    /// The manifests in a folder, by name.
    pub(crate) fn find(dir: &Path) -> Result<Vec<PathBuf>, Error> {
        let is_one = |name: &str| name.starts_with("manifest") && name.ends_with(".json");
        let mut paths = Vec::new();
        for item in std::fs::read_dir(dir).map_err(Error::reading(dir))? {
            let path = item.map_err(Error::reading(dir))?.path();
            if path.file_name().is_some_and(|name| is_one(&name.to_string_lossy())) {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    pub(crate) fn read_file(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::reading(path))?;
        serde_json::from_str(&text).map_err(|error| Error::invalid(path, error))
    }
}

/// What is added to the name of a file that holds only some of the people: `-0000100-0000199`.
pub(crate) fn shard(users: u32, range: &Range<u32>) -> String {
    if *range == (0..users) { String::new() } else { format!("-{}", span(range)) }
}

/// The first and the last person of a range.
pub(crate) fn span(range: &Range<u32>) -> String {
    format!("{:07}-{:07}", range.start, range.end.saturating_sub(1))
}
