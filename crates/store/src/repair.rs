//! Going on after damage: a log with a damaged part, a lost directory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::directory::{ChunkRow, DIRECTORY_FILE, Directory, Person, Publication, UserChange};
use crate::disk::Disk;
use crate::error::Error;
use crate::log::{LogPosition, Repaired, cut_from, first_position, skip};
use crate::store::Store;
use crate::volume::{Frame, Frames, PersonNote, VolumeHeader, numbers, volume_path};

/// What to do about a damaged log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Give up what is damaged and everything that was appended after it.
    Cut,
    /// Give up what is damaged and keep what was appended after it.
    Skip,
}

/// What a rebuilt directory knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Users.
    pub users: usize,
    /// Chunks.
    pub chunks: usize,
    /// Entries in them.
    pub entries: u64,
    /// Bytes of volumes that are damaged and were left where they are.
    pub damaged_bytes: u64,
}

impl Store {
    /// Makes the log of a store that nobody has open whole again, and tells what was given up. Without damage nothing
    /// changes. Diaries are not changed either: write them anew if entries are gone that they were made of.
    ///
    /// # Errors
    /// [`Error::InUse`], or when a file cannot be read or written.
    pub fn repair(disk: &Arc<dyn Disk>, dir: &Path, repair: Repair) -> Result<Repaired, Error> {
        let directory = Directory::open(Arc::clone(disk), dir)?;
        let (log_dir, start, last) = (dir.join("log"), directory.log_start()?, directory.last_segment()?);
        let repaired = match repair {
            Repair::Cut => cut_from(&**disk, &log_dir, start, last)?,
            Repair::Skip => {
                let (repaired, first) = skip(&**disk, &log_dir, start, last)?;
                if first != start {
                    directory.set_log_start(first)?;
                }
                repaired
            }
        };
        if !repaired.damage.is_empty() {
            // Nobody looks any more for what was given up.
            directory.set_last_segment(0)?;
        }
        Ok(repaired)
    }

    /// Makes the directory of a store anew from its volumes; the old one must be gone. Users of whom nothing was ever
    /// sealed are lost with it, and diaries are written anew. `progress` is told of each volume that was read.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::DirectoryThere`], or when a file cannot be read or written.
    pub fn rebuild(disk: &Arc<dyn Disk>, dir: &Path, progress: &mut dyn FnMut(u32)) -> Result<Rebuilt, Error> {
        let path = dir.join(DIRECTORY_FILE);
        if disk.open(&path).is_ok() {
            return Err(Error::DirectoryThere(path));
        }
        let chunk_dir = dir.join("chunks");
        let mut known = Known::default();
        for number in numbers(&**disk, &chunk_dir)? {
            known.read_volume(&**disk, &volume_path(&chunk_dir, number), number)?;
            progress(number);
        }
        let directory = Directory::open(Arc::clone(disk), dir)?;
        let first = first_position(&**disk, &dir.join("log"))?;
        directory.set_log_start(first.unwrap_or(LogPosition::FIRST))?;
        known.write(&directory)
    }
}

/// What volumes say.
#[derive(Default)]
struct Known {
    people: BTreeMap<u32, PersonNote>,
    /// By user and first second.
    chunks: BTreeMap<(u32, u32), ChunkRow>,
    /// Where each volume ends, and how much of it is chunks.
    ends: BTreeMap<u32, (u64, u64)>,
    damaged_bytes: u64,
}

/// A frame of a group whose end has not been seen.
enum Told {
    Chunk(ChunkRow),
    Person(u32, PersonNote),
    Erased,
}

impl Known {
    fn read_volume(&mut self, disk: &dyn Disk, path: &Path, number: u32) -> Result<(), Error> {
        let file = disk.open(path).map_err(Error::io("opening", path))?;
        let length = file.len().map_err(Error::io("measuring", path))?;
        let Some(header) = VolumeHeader::read(&*file).filter(|header| header.number == number) else {
            self.damaged_bytes += length;
            return Ok(());
        };
        let frames = Frames::of(&*file, header, length).map_err(Error::io("reading", path))?;
        let mut group = Vec::new();
        let (mut last_end, mut damaged, mut chunk_bytes) = (crate::volume::VOLUME_HEADER_BYTES, 0, 0);
        frames.each(&mut |at, end, frame| {
            let Some(frame) = frame else {
                // The rest of its group stands all the same: chunks of one group do not overlap.
                damaged += end - at;
                return;
            };
            chunk_bytes += frame.row(number, at).map_or(0, |row| u64::from(row.bytes));
            group.push(told(&frame, number, at));
            if frame.more() == 0 {
                group.drain(..).for_each(|told| self.take(told));
                last_end = end;
            }
        });
        // What stands behind the last whole group was never published.
        self.ends.insert(number, (last_end as u64, chunk_bytes));
        self.damaged_bytes += damaged as u64;
        Ok(())
    }

    fn take(&mut self, told: Told) {
        match told {
            Told::Chunk(row) => {
                // It takes the place of those that it overlaps.
                let before = self.chunks.range((row.user, 0)..=(row.user, row.last_s));
                let replaced = before.filter(|(_, other)| other.last_s >= row.first_s).map(|(at, _)| *at);
                for at in replaced.collect::<Vec<_>>() {
                    self.chunks.remove(&at);
                }
                self.chunks.insert((row.user, row.first_s), row);
            }
            Told::Person(user, note) => drop(self.people.insert(user, note)),
            Told::Erased => {}
        }
    }

    fn write(mut self, directory: &Directory) -> Result<Rebuilt, Error> {
        let mut rebuilt = Rebuilt { damaged_bytes: self.damaged_bytes, ..Rebuilt::default() };
        // Without knowing who they are nobody could read them.
        self.chunks.retain(|(user, _), _| self.people.contains_key(user));
        let mut alive: BTreeMap<u32, u64> = BTreeMap::new();
        let mut rows: BTreeMap<u32, Vec<ChunkRow>> = BTreeMap::new();
        for row in self.chunks.values() {
            *alive.entry(row.volume).or_default() += u64::from(row.bytes);
            rows.entry(row.user).or_default().push(*row);
            rebuilt.chunks += 1;
            rebuilt.entries += u64::from(row.entries);
        }
        for (number, note) in &self.people {
            let sealed = rows.get(number).and_then(|rows| rows.iter().map(|row| row.last_upload + 1).max());
            let person = Person { number: *number, id: note.id(), sealed: sealed.unwrap_or(0), is_noted: true };
            directory.restore(&person, &note.tokens, &note.profile)?;
            rebuilt.users += 1;
        }
        let users = rows.into_iter().map(|(user, added)| UserChange { user, added, ..UserChange::default() });
        let dead = |(number, (_, chunks)): (&u32, &(u64, u64))| {
            (*number, chunks.saturating_sub(alive.get(number).copied().unwrap_or(0)))
        };
        directory.publish(&Publication {
            users: users.collect(),
            ends: self.ends.iter().map(|(number, (end, _))| (*number, *end)).collect(),
            dead: self.ends.iter().map(dead).collect(),
            gone: Vec::new(),
        })?;
        Ok(rebuilt)
    }
}

fn told(frame: &Frame<'_>, volume: u32, at: usize) -> Told {
    match (frame.row(volume, at), frame.person(), frame.user()) {
        (Some(row), _, _) => Told::Chunk(row),
        (None, Some(note), Some(user)) => Told::Person(user, note),
        _ => Told::Erased,
    }
}
