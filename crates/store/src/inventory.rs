//! What everybody's entries take: by user and by key. Streams say how long they are, so hardly anything is decoded.

use std::collections::{BTreeMap, HashSet};

use rushhour_model::ids::UserId;

use crate::chunk::Rows;
use crate::core::Core;
use crate::directory::ChunkRow;
use crate::error::Error;
use crate::query::second_of;
use crate::store::Store;

const DAY_S: u32 = 86_400;

/// What the chunks of a store say of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Everybody, in order of their numbers.
    pub people: Vec<PersonUsage>,
    /// How many chunks have which version of the format.
    pub versions: BTreeMap<u8, u64>,
    /// How many chunks have entries that were rounded.
    pub rounded_chunks: u64,
}

/// What a user's entries take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonUsage {
    /// Who.
    pub user: UserId,
    /// Their tokens.
    pub tokens: Vec<String>,
    /// Entries in chunks, each once, and those in the log, as often as they were sent.
    pub entries: u64,
    /// Chunks.
    pub chunks: u64,
    /// Bytes of the chunks, with what frames them.
    pub chunk_bytes: u64,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// By key, in chunks only; `None` is of the keys with few entries, which share a stream.
    pub keys: BTreeMap<Option<String>, KeyUsage>,
    /// From which second to which there are entries, for each day of UTC in a chunk and for each upload.
    pub spans: Vec<(u32, u32)>,
    /// One of their entries, by which phone and clock can be told.
    pub sample: Option<String>,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyUsage {
    /// Entries.
    pub entries: u64,
    /// Their bytes in chunks, without what the keys of a chunk share.
    pub bytes: u64,
}

impl Store {
    /// Looks at everybody's chunks. `progress` is told of each user. Blocks the thread.
    ///
    /// # Errors
    /// [`Error::Corrupt`], or when a file cannot be read.
    pub fn inventory(&self, progress: &mut dyn FnMut()) -> Result<Inventory, Error> {
        // Chunks shall stay where they are meanwhile.
        let _working = self.maintenance.lock().expect("no holder panics");
        let mut inventory = Inventory::default();
        let people = self.core.directory.people()?;
        let ids: HashSet<UserId> = people.iter().map(|person| person.id).collect();
        let mut tokens = self.core.tokens_of(&ids);
        for person in people {
            let tokens = tokens.remove(&person.id).unwrap_or_default();
            let mut usage = self.core.logged(person.id, tokens)?;
            for row in self.core.directory.chunks(person.number, 0, u32::MAX)?.1 {
                self.core.look_at(&row, &mut usage, &mut inventory)?;
            }
            inventory.people.push(usage);
            progress();
        }
        Ok(inventory)
    }
}

impl Core {
    /// What is in the log of a user.
    fn logged(&self, user: UserId, tokens: Vec<String>) -> Result<PersonUsage, Error> {
        let (keys, spans) = (BTreeMap::new(), Vec::new());
        let mut usage = PersonUsage {
            user,
            tokens,
            entries: 0,
            chunks: 0,
            chunk_bytes: 0,
            log_bytes: 0,
            keys,
            spans,
            sample: None,
        };
        for record in self.hot.snapshot(user).records {
            usage.entries += u64::from(record.entries);
            usage.log_bytes += u64::from(record.bytes);
            usage.spans.push((second_of(record.first_ts), second_of(record.last_ts)));
            if usage.sample.is_none() {
                usage.sample = self.read_record(user, &record, None)?.and_then(|rows| sample(&rows));
            }
        }
        Ok(usage)
    }

    fn look_at(&self, row: &ChunkRow, usage: &mut PersonUsage, inventory: &mut Inventory) -> Result<(), Error> {
        let bytes = self.volumes.bytes_of(row)?.ok_or_else(|| self.volumes.damaged(row))?;
        let sizes = rushhour_chunk::sizes(&bytes).ok_or_else(|| self.volumes.damaged(row))?;
        usage.entries += u64::from(row.entries);
        usage.chunks += 1;
        usage.chunk_bytes += u64::from(row.bytes);
        for stream in sizes.streams {
            let key = usage.keys.entry(stream.key).or_default();
            key.entries += stream.rows as u64;
            key.bytes += stream.bytes as u64;
        }
        let is_one_day = row.first_s / DAY_S == row.last_s / DAY_S;
        if !is_one_day || usage.sample.is_none() {
            let rows = Rows::decode(&bytes, None).ok_or_else(|| self.volumes.damaged(row))?;
            usage.spans.extend(days(&rows));
            usage.sample = usage.sample.take().or_else(|| sample(&rows));
        } else {
            usage.spans.push((row.first_s, row.last_s));
        }
        *inventory.versions.entry(sizes.version).or_default() += 1;
        inventory.rounded_chunks += u64::from(sizes.is_rounded);
        Ok(())
    }
}

/// From which second to which there are entries, for each day that has some: a chunk of small days may leave out others.
fn days(rows: &Rows) -> impl Iterator<Item = (u32, u32)> {
    let mut days: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for second in (0..rows.len()).map(|row| second_of(rows.write_ts(row))) {
        let (first, last) = days.entry(second / DAY_S).or_insert((second, second));
        (*first, *last) = (second.min(*first), second.max(*last));
    }
    days.into_values()
}

fn sample(rows: &Rows) -> Option<String> {
    (!rows.is_empty()).then(|| rows.text(0))
}
