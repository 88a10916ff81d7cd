//! Where each user's chunks are, and how much of each volume is still in use.

use std::collections::BTreeMap;

use redb::{Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use crate::directory::Directory;
use crate::directory::people::USERS;
use crate::error::Error;

/// By user and first second.
const CHUNKS: TableDefinition<(u32, u32), Packed> = TableDefinition::new("chunks");
const VOLUMES: TableDefinition<u32, (u64, u64, u64)> = TableDefinition::new("volumes");

/// volume, offset, bytes, last second, lag in seconds, first and last upload, entries.
type Packed = (u32, u32, u32, u32, u32, u32, u32, u32);

/// A chunk: entries of one user that were written between two seconds. No two chunks of a user overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkRow {
    /// The number of its user.
    pub(crate) user: u32,
    /// The second of its first `write_ts`.
    pub(crate) first_s: u32,
    /// The second of its last `write_ts`.
    pub(crate) last_s: u32,
    pub(crate) volume: u32,
    /// Where its frame starts in the volume.
    pub(crate) offset: u32,
    /// How long its frame is.
    pub(crate) bytes: u32,
    /// How far at most `data.ts` lies from `write_ts`, rounded up; `u32::MAX` when it can be any distance.
    pub(crate) lag_s: u32,
    pub(crate) first_upload: u32,
    pub(crate) last_upload: u32,
    pub(crate) entries: u32,
}

impl ChunkRow {
    /// The write times between which its entries are. The last second ends where the next one starts; the first and the
    /// last one of all have no bounds.
    pub(crate) fn times(&self) -> (f64, f64) {
        let first = if self.first_s == 0 { f64::NEG_INFINITY } else { f64::from(self.first_s) };
        let end = if self.last_s == u32::MAX { f64::INFINITY } else { f64::from(self.last_s) + 1.0 };
        (first, end)
    }

    fn pack(&self) -> Packed {
        let Self { volume, offset, bytes, last_s, lag_s, first_upload, last_upload, entries, .. } = *self;
        (volume, offset, bytes, last_s, lag_s, first_upload, last_upload, entries)
    }

    fn unpack((user, first_s): (u32, u32), packed: Packed) -> Self {
        let (volume, offset, bytes, last_s, lag_s, first_upload, last_upload, entries) = packed;
        Self { user, first_s, last_s, volume, offset, bytes, lag_s, first_upload, last_upload, entries }
    }
}

/// A file of chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct VolumeRow {
    /// Where what belongs to the store ends.
    pub(crate) end: u64,
    /// Bytes that nothing refers to any more.
    pub(crate) dead: u64,
    /// Entries in the chunks that are referred to.
    pub(crate) entries: u64,
}

/// What sealing changes for one user.
#[derive(Clone, Debug, Default)]
pub(crate) struct UserChange {
    pub(crate) user: u32,
    /// How many of their uploads are sealed then; `None` leaves it.
    pub(crate) sealed: Option<u32>,
    /// These chunks go.
    pub(crate) removed: Vec<ChunkRow>,
    /// These take their place.
    pub(crate) added: Vec<ChunkRow>,
    /// Whether a volume now says who they are.
    pub(crate) is_noted: bool,
}

/// Changes that come true together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Publication {
    pub(crate) users: Vec<UserChange>,
    /// Where volumes end now.
    pub(crate) ends: BTreeMap<u32, u64>,
    /// Bytes in volumes that nothing refers to from the start, such as what says who somebody was.
    pub(crate) dead: BTreeMap<u32, u64>,
    /// Volumes that go.
    pub(crate) gone: Vec<u32>,
}

pub(super) fn prepare(change: &WriteTransaction) -> Result<(), redb::Error> {
    change.open_table(CHUNKS)?;
    change.open_table(VOLUMES)?;
    Ok(())
}

/// Forgets a user's chunks.
pub(super) fn forget(change: &WriteTransaction, user: u32) -> Result<(), redb::Error> {
    let mut chunks = change.open_table(CHUNKS)?;
    let mut rows = Vec::new();
    for row in chunks.extract_from_if((user, 0)..=(user, u32::MAX), |_, _| true)? {
        let (key, row) = row?;
        rows.push(ChunkRow::unpack(key.value(), row.value()));
    }
    let mut volumes = BTreeMap::new();
    rows.iter().for_each(|row| Tally::of(&mut volumes, row.volume).remove(row));
    write_volumes(change, volumes)
}

/// How the rows of a volume change.
#[derive(Default)]
struct Tally {
    dead: u64,
    added: u64,
    removed: u64,
}

impl Tally {
    fn of(volumes: &mut BTreeMap<u32, Self>, volume: u32) -> &mut Self {
        volumes.entry(volume).or_default()
    }

    fn remove(&mut self, row: &ChunkRow) {
        self.dead += u64::from(row.bytes);
        self.removed += u64::from(row.entries);
    }
}

fn write_volumes(change: &WriteTransaction, tallies: BTreeMap<u32, Tally>) -> Result<(), redb::Error> {
    let mut volumes = change.open_table(VOLUMES)?;
    for (number, Tally { dead: died, added, removed }) in tallies {
        let (end, dead, entries) = volumes.get(number)?.map(|row| row.value()).unwrap_or_default();
        volumes.insert(number, (end, dead + died, (entries + added).saturating_sub(removed)))?;
    }
    Ok(())
}

impl Directory {
    /// How many uploads of a user were sealed, and their chunks that reach into `first_s..=last_s`, in order. Both as of
    /// one moment.
    pub(crate) fn chunks(&self, user: u32, first_s: u32, last_s: u32) -> Result<(u32, Vec<ChunkRow>), Error> {
        self.read(|database| {
            let read = database.begin_read()?;
            let sealed = read.open_table(USERS)?.get(user)?.map_or(0, |row| row.value().1);
            let table = read.open_table(CHUNKS)?;
            let mut chunks = Vec::new();
            if first_s <= last_s {
                // The one that starts before may reach into it.
                let before = table.range((user, 0)..(user, first_s))?.next_back().transpose()?;
                let from = table.range((user, first_s)..=(user, last_s))?;
                for row in before.map(Ok).into_iter().chain(from) {
                    let (key, row) = row?;
                    let row = ChunkRow::unpack(key.value(), row.value());
                    chunks.extend((row.last_s >= first_s).then_some(row));
                }
            }
            Ok((sealed, chunks))
        })
    }

    /// How many uploads of a user were sealed, and their last chunk that starts at or before `until_s`. Both as of one
    /// moment.
    pub(crate) fn last_chunk(&self, user: u32, until_s: u32) -> Result<(u32, Option<ChunkRow>), Error> {
        self.read(|database| {
            let read = database.begin_read()?;
            let sealed = read.open_table(USERS)?.get(user)?.map_or(0, |row| row.value().1);
            let last = read.open_table(CHUNKS)?.range((user, 0)..=(user, until_s))?.next_back().transpose()?;
            Ok((sealed, last.map(|(key, row)| ChunkRow::unpack(key.value(), row.value()))))
        })
    }

    /// Shows every chunk, by user and time.
    pub(crate) fn each_chunk(&self, visit: &mut dyn FnMut(ChunkRow)) -> Result<(), Error> {
        self.read(|database| {
            for row in database.begin_read()?.open_table(CHUNKS)?.iter()? {
                let (key, row) = row?;
                visit(ChunkRow::unpack(key.value(), row.value()));
            }
            Ok(())
        })
    }

    /// The chunk of a user that starts at `first_s`.
    pub(crate) fn chunk(&self, user: u32, first_s: u32) -> Result<Option<ChunkRow>, Error> {
        self.read(|database| {
            let row = database.begin_read()?.open_table(CHUNKS)?.get((user, first_s))?;
            Ok(row.map(|row| ChunkRow::unpack((user, first_s), row.value())))
        })
    }

    /// Every volume.
    pub(crate) fn volumes(&self) -> Result<BTreeMap<u32, VolumeRow>, Error> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(VOLUMES)?;
            let volumes = table.iter()?.map(|row| {
                let (number, row) = row?;
                let (end, dead, entries) = row.value();
                Ok((number.value(), VolumeRow { end, dead, entries }))
            });
            volumes.collect()
        })
    }

    /// Lets changes come true, durably and all at once.
    pub(crate) fn publish(&self, publication: &Publication) -> Result<(), Error> {
        self.write(Durability::Immediate, |change| {
            let mut tallies: BTreeMap<u32, Tally> = BTreeMap::new();
            {
                let mut chunks = change.open_table(CHUNKS)?;
                let mut users = change.open_table(USERS)?;
                for user in &publication.users {
                    for row in &user.removed {
                        chunks.remove((row.user, row.first_s))?;
                        Tally::of(&mut tallies, row.volume).remove(row);
                    }
                    for row in &user.added {
                        chunks.insert((row.user, row.first_s), row.pack())?;
                        Tally::of(&mut tallies, row.volume).added += u64::from(row.entries);
                    }
                    let known = users.get(user.user)?.map(|row| row.value());
                    if let Some((id, sealed, is_noted)) = known {
                        let row = (id, user.sealed.unwrap_or(sealed), is_noted || user.is_noted);
                        users.insert(user.user, row)?;
                    }
                }
            }
            for (volume, bytes) in &publication.dead {
                Tally::of(&mut tallies, *volume).dead += bytes;
            }
            write_volumes(change, tallies)?;
            let mut volumes = change.open_table(VOLUMES)?;
            for (volume, end) in &publication.ends {
                let (_, dead, entries) = volumes.get(volume)?.map(|row| row.value()).unwrap_or_default();
                volumes.insert(volume, (*end, dead, entries))?;
            }
            for volume in &publication.gone {
                volumes.remove(volume)?;
            }
            Ok(())
        })
    }
}
