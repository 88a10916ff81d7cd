//! Sealing: a user's uploads leave the log and become chunks, one for a day, or one for several small days.
//!
//! Whatever of a user's sealed entries the new ones reach into is read, merged with them and written anew, so that no two
//! chunks of a user overlap, a re-sent entry adds nothing, and a changed one takes the place of what was there.

mod cluster;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rushhour_model::ids::UserId;

use crate::chunk::{Rows, by_identity};
use crate::core::Core;
use crate::directory::{ChunkRow, Person, Publication, UserChange};
use crate::error::Error;
use crate::hot::HotRecord;
use crate::open::IosRounding;
use crate::query::second_of;
use crate::seal::cluster::{Cluster, clusters, split};
use crate::upload::RecordHeader;
use crate::volume::{Draft, PersonNote};

/// What sealing some uploads of a user takes, before anything is written.
#[derive(Debug)]
pub(crate) struct Prepared {
    user: UserId,
    person: Person,
    sealed: u32,
    removed: Vec<ChunkRow>,
    /// The chunks, without their places.
    added: Vec<(ChunkRow, Vec<u8>)>,
    /// Entries that were looked at.
    pub(crate) entries: u64,
}

/// What was sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SealedCount {
    pub(crate) users: u64,
    pub(crate) entries: u64,
    pub(crate) chunks: u64,
}

impl Core {
    /// Makes chunks of the uploads of `user` below `until`; `None` when there are none in the log.
    ///
    /// # Errors
    /// [`Error::Unfaithful`] when a chunk does not come back as it went in, and whatever cannot be read.
    pub(crate) fn prepare(&self, user: UserId, until: u32) -> Result<Option<Prepared>, Error> {
        let Some(number) = self.number(user) else { return Ok(None) };
        let Some(person) = self.directory.person(number)? else { return Ok(None) };
        let mut fresh = Rows::default();
        let mut sealed = None;
        for record in self.hot.snapshot(user).records.iter().take_while(|record| record.number < until) {
            sealed = Some(record.number + 1);
            self.append_record(user, record, &mut fresh)?;
        }
        let Some(sealed) = sealed else { return Ok(None) };
        let entries = fresh.len() as u64;
        let latest = latest(&fresh);
        let rounds = self.ios_rounding == IosRounding::Centimetre && fresh.has_ios();
        let mut prepared = Prepared { user, person, sealed, removed: Vec::new(), added: Vec::new(), entries };
        // All chunks, for neighbours may be merged too; a user has some hundreds.
        let (_, chunks) = self.directory.chunks(number, 0, u32::MAX)?;
        for cluster in clusters(&fresh, &latest, &chunks) {
            self.merge(&cluster, (&fresh, rounds), &mut prepared)?;
        }
        Ok(Some(prepared))
    }

    /// Merges what is sealed in a cluster with what is new in it, which is rounded if anything of iOS is.
    fn merge(&self, cluster: &Cluster, (fresh, rounds): (&Rows, bool), prepared: &mut Prepared) -> Result<(), Error> {
        if cluster.chunks.is_empty() && !rounds {
            return Self::add(fresh, &cluster.fresh, prepared);
        }
        let mut rows = Rows::default();
        for chunk in &cluster.chunks {
            let read = self.volumes.read(chunk)?.ok_or_else(|| self.volumes.damaged(chunk))?;
            rows.append(&read);
        }
        let known = rows.len();
        rows.append_these(fresh, &cluster.fresh);
        if rounds {
            rows.round_ios(known);
        }
        let kept = merged(&rows, known);
        if kept.iter().all(|row| *row < known) && cluster.is_settled() {
            return Ok(());
        }
        prepared.removed.extend(&cluster.chunks);
        Self::add(&rows, &kept, prepared)
    }

    /// Makes chunks of some rows.
    fn add(rows: &Rows, kept: &[usize], prepared: &mut Prepared) -> Result<(), Error> {
        for rows in split(rows, kept) {
            prepared.added.push(encode(prepared.user, prepared.person.number, &rows)?);
        }
        Ok(())
    }

    /// Writes what was prepared, durably, lets it take effect at once, and forgets it in the log.
    ///
    /// # Errors
    /// When a file cannot be written; then everything is as it was.
    pub(crate) fn publish(&self, prepared: Vec<Prepared>) -> Result<SealedCount, Error> {
        let mut count = SealedCount::default();
        let mut publication = Publication::default();
        let unnoted: HashSet<UserId> =
            prepared.iter().filter(|user| !user.person.is_noted).map(|user| user.user).collect();
        let mut drafts = self.notes(&unnoted)?;
        let notes = drafts.len();
        let mut sealed = Vec::new();
        for Prepared { user, person, sealed: until, removed, added, entries } in prepared {
            count.users += 1;
            count.entries += entries;
            count.chunks += added.len() as u64;
            drafts.extend(added.into_iter().map(|(row, bytes)| Draft::Chunk(row, bytes)));
            let is_noted = unnoted.contains(&user);
            let change = UserChange { user: person.number, sealed: Some(until), removed, added: Vec::new(), is_noted };
            publication.users.push(change);
            sealed.push((user, until));
        }
        self.publish_drafts(&drafts, notes, publication)?;
        for (user, until) in sealed {
            self.hot.drop_sealed(user, until);
        }
        Ok(count)
    }

    /// Who these users are, as volumes say it.
    pub(crate) fn notes(&self, users: &HashSet<UserId>) -> Result<Vec<Draft>, Error> {
        let mut tokens = self.tokens_of(users);
        let mut users: Vec<UserId> = users.iter().copied().collect();
        users.sort();
        let note = |user: UserId| {
            let number = self.known(user)?;
            let profile = self.directory.profile_text(number)?;
            let note = PersonNote::new(user, tokens.remove(&user).unwrap_or_default(), profile);
            Ok(Draft::Person(number, note))
        };
        users.into_iter().map(note).collect()
    }

    /// Writes a group, of which all behind the first `notes` are chunks, and lets it take effect.
    pub(crate) fn publish_drafts(
        &self,
        drafts: &[Draft],
        notes: usize,
        mut publication: Publication,
    ) -> Result<(), Error> {
        if !drafts.is_empty() {
            let written = self.volumes.write(drafts)?;
            publication.ends.insert(written.volume, written.end);
            let mut added: BTreeMap<u32, Vec<ChunkRow>> = BTreeMap::new();
            for (draft, (offset, bytes)) in drafts.iter().zip(written.places).skip(notes) {
                if let Draft::Chunk(row, _) = draft {
                    let row = ChunkRow { volume: written.volume, offset, bytes, ..*row };
                    added.entry(row.user).or_default().push(row);
                }
            }
            for change in &mut publication.users {
                change.added = added.remove(&change.user).unwrap_or_default();
            }
        }
        if let Err(error) = self.directory.publish(&publication) {
            self.volumes.give_up_tail();
            return Err(error);
        }
        let entries = |rows: &[ChunkRow]| rows.iter().map(|row| u64::from(row.entries)).sum::<u64>();
        for change in &publication.users {
            self.sealed_entries.fetch_add(entries(&change.added), Ordering::Relaxed);
            self.sealed_entries.fetch_sub(entries(&change.removed), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Reads an upload as it will be once it is sealed, so that sealing changes nothing that is read or made of it.
    pub(crate) fn shown_record(
        &self,
        user: UserId,
        record: &HotRecord,
        keys: Option<&[String]>,
    ) -> Result<Option<Arc<Rows>>, Error> {
        let mut rows = self.read_record(user, record, keys)?;
        if self.ios_rounding == IosRounding::Centimetre
            && let Some(rows) = &mut rows
        {
            Arc::make_mut(rows).round_ios(0);
        }
        Ok(rows)
    }

    /// Reads an upload; `None` when it was sealed and its segment is gone.
    pub(crate) fn read_record(
        &self,
        user: UserId,
        record: &HotRecord,
        keys: Option<&[String]>,
    ) -> Result<Option<Arc<Rows>>, Error> {
        let Some((header, packed)) = self.segments.read(record.at, record.bytes)? else { return Ok(None) };
        let rows = is_it(&header, user, record).then(|| header.unpack(&packed, keys)).flatten();
        rows.map(|rows| Some(Arc::new(rows))).ok_or_else(|| self.segments.damaged(record.at))
    }

    /// Adds an upload to `rows`, unless it was sealed and its segment is gone.
    fn append_record(&self, user: UserId, record: &HotRecord, rows: &mut Rows) -> Result<(), Error> {
        let Some((header, packed)) = self.segments.read(record.at, record.bytes)? else { return Ok(()) };
        let read = is_it(&header, user, record).then(|| header.unpack_onto(&packed, rows)).flatten();
        read.ok_or_else(|| self.segments.damaged(record.at))
    }
}

/// Whether the header is the one of this upload.
fn is_it(header: &RecordHeader, user: UserId, record: &HotRecord) -> bool {
    header.user == user && header.number == record.number && header.bytes == record.bytes
}

/// Encodes rows, and sees whether they come back.
fn encode(user: UserId, number: u32, rows: &Rows) -> Result<(ChunkRow, Vec<u8>), Error> {
    let bytes = rows.encode();
    if Rows::decode(&bytes, None).as_ref() != Some(rows) {
        return Err(Error::Unfaithful { user });
    }
    let seconds = || (0..rows.len()).map(|row| second_of(rows.write_ts(row)));
    let uploads = || (0..rows.len()).map(|row| rows.upload(row));
    let row = ChunkRow {
        user: number,
        first_s: seconds().min().unwrap_or_default(),
        last_s: seconds().max().unwrap_or_default(),
        volume: 0,
        offset: 0,
        bytes: 0,
        lag_s: lag_of(rows),
        first_upload: uploads().min().unwrap_or_default(),
        last_upload: uploads().max().unwrap_or_default(),
        entries: u32::try_from(rows.len()).expect("a chunk has far fewer rows than 4 G"),
    };
    Ok((row, bytes))
}

/// The rows that count: of several with one identity the one of the last upload.
fn latest(rows: &Rows) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    // They came upload by upload.
    rows.sort_by_identity(&mut order);
    let is_one = |one: &usize, other: &usize| by_identity((rows, *one), (rows, *other)).is_eq();
    order.chunk_by(is_one).filter_map(|same| same.last().copied()).collect()
}

/// The rows that count, in order of identity. The first `known` rows were sealed before; a new row that says the same as
/// a sealed one adds nothing.
fn merged(rows: &Rows, known: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    rows.sort_by_identity(&mut order);
    let is_one = |one: &usize, other: &usize| by_identity((rows, *one), (rows, *other)).is_eq();
    let winner = |same: &[usize]| {
        let last = same.last().copied()?;
        let before = same.iter().copied().find(|row| *row < known && last >= known);
        Some(before.filter(|row| rows.text(*row) == rows.text(last)).unwrap_or(last))
    };
    order.chunk_by(is_one).filter_map(winner).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, as it shall")]
fn lag_of(rows: &Rows) -> u32 {
    rows.lag_s().ceil() as u32
}
