//! Erasing a user: nothing of them is left in any file.

use std::collections::{BTreeMap, HashSet};

use rushhour_model::ids::UserId;

use crate::core::Core;
use crate::error::Error;
use crate::store::Store;
use crate::volume::{Frames, erase};

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Entries that could be found before.
    pub entries: u64,
    /// Frames of volumes that were written over, replaced ones included.
    pub frames: u64,
}

impl Store {
    /// Forgets a user, and writes over everything of theirs: tokens, profile, diary, chunks, and what is in the log,
    /// for which the entries of all users are sealed. Uploads of theirs that come meanwhile are refused or erased. Blocks
    /// the thread.
    ///
    /// # Errors
    /// [`Error::UnknownUser`], or as [`maintain`](Self::maintain); then call it again.
    pub fn delete_user(&self, user: UserId) -> Result<Erased, Error> {
        let _working = self.maintenance.lock().expect("no holder panics");
        self.core.writable()?;
        let number = self.core.known(user)?;
        // What is in the log goes with its segments, when everything in them is sealed.
        self.rotate();
        let done = self.core.seal_all(&self.core.hot.users(), self.sealing_threads)?;
        if let Some((_, error)) = done.failed.into_iter().next() {
            return Err(error);
        }
        let (_, chunks) = self.core.directory.chunks(number, 0, u32::MAX)?;
        let mut erased = Erased { entries: chunks.iter().map(|row| u64::from(row.entries)).sum(), frames: 0 };
        self.core.forget(user, number)?;
        // What was sealed of them stands in the volumes until it is written over.
        self.core.directory.remove(number)?;
        self.core.sealed_entries.fetch_sub(erased.entries, std::sync::atomic::Ordering::Relaxed);
        for (number_of_volume, row) in self.core.directory.volumes()? {
            erased.frames += self.core.erase_in(number_of_volume, row.end)?;
        }
        Ok(erased)
    }
}

impl Core {
    fn forget(&self, user: UserId, number: u32) -> Result<(), Error> {
        let mut people = self.people.write().expect("no reader panics");
        people.tokens.retain(|_, id| *id != user);
        people.numbers.retain(|_, known| *known != number);
        drop(people);
        self.hot.remove(user);
        Ok(())
    }

    /// Writes over the frames of a volume whose users nobody knows any more.
    fn erase_in(&self, number: u32, end: u64) -> Result<u64, Error> {
        let path = self.volumes.path(number);
        let Some(volume) = self.volumes.get(number) else { return Ok(0) };
        let frames = Frames::of(&*volume.file, volume.header, end).map_err(Error::io("reading", &path))?;
        let known: HashSet<u32> = self.directory.people()?.into_iter().map(|person| person.number).collect();
        let mut erased: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        frames.each(&mut |at, _, frame| {
            if let Some(frame) = frame.filter(|frame| frame.user().is_some_and(|user| !known.contains(&user))) {
                erased.insert(at as u64, erase(&frame, volume.header.salt));
            }
        });
        for (at, bytes) in &erased {
            volume.file.write_at(*at, bytes).map_err(Error::io("writing", &path))?;
        }
        if !erased.is_empty() {
            volume.file.sync().map_err(Error::io("syncing", &path))?;
        }
        Ok(erased.len() as u64)
    }
}
