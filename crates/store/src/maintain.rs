//! Keeping the store small: what is old is sealed, log segments that are not needed are removed, and volumes that are
//! full of what was replaced are written anew.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use rushhour_model::ids::UserId;

use crate::core::Core;
use crate::directory::{Publication, UserChange};
use crate::error::Error;
use crate::hot::{HotRecord, HotUser};
use crate::seal::{Prepared, SealedCount};
use crate::store::Store;
use crate::volume::{Draft, Frames};

/// When what is sealed, and how much dead is too much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// A user with an older entry in the log is sealed, in seconds.
    pub hot_s_max: f64,
    /// A user with more entries in the log is sealed, whatever their age.
    pub hot_rows_max: u64,
    /// Days that ended less than this ago stay in the log, so that a day is sealed once and as a whole.
    pub settled_s: f64,
    /// A user whose phone sends what is old already is not sealed more often, and one who could not be sealed is not tried
    /// again sooner, in seconds.
    pub pause_s: f64,
    /// When uploads in the log take more of the disk, no more are taken until some are sealed; from half of it on, or of
    /// what the disk has room for, whoever keeps the log's first segment is.
    pub log_bytes_max: u64,
    /// The same for the memory that uploads in the log take.
    pub hot_bytes_max: u64,
    /// A volume of which a greater share is dead is written anew.
    pub dead_share_max: f64,
    /// Whether what was not taken in is sealed too: for a store that no intake works on.
    pub seals_untaken: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            hot_s_max: 48.0 * 3600.0,
            hot_rows_max: 2_000,
            settled_s: 24.0 * 3600.0,
            pause_s: 6.0 * 3600.0,
            // Three days of 10,000 people, 19 bytes an entry.
            log_bytes_max: 1 << 30,
            // Five and a half million uploads: an hour of usages at a million a minute is sealed long before.
            hot_bytes_max: 256 << 20,
            dead_share_max: 0.25,
            seals_untaken: false,
        }
    }
}

impl Policy {
    /// Everything at once, for tests that want to see as much of it as they can.
    pub fn eager() -> Self {
        let (hot_s_max, settled_s, pause_s) = (0.0, 0.0, 0.0);
        Self { hot_s_max, hot_rows_max: 0, settled_s, pause_s, seals_untaken: true, ..Self::default() }
    }
}

/// So many users are sealed in one change.
const USERS_MAX: usize = 64;
/// Users whose uploads take more of the log together are not sealed in one change: their chunks wait in memory for it.
const GROUP_BYTES_MAX: u64 = 16 << 20;
/// A change that moves chunks has no more bytes.
const CHANGE_BYTES_MAX: usize = 4 << 20;
/// From this share of what may wait to be sealed, that comes first.
const PRESSED_SHARE: f64 = 0.5;
/// Where the disk is short, a volume of which a greater share than this is dead is written anew.
const SHORT_DEAD_SHARE_MAX: f64 = 0.1;
const DAY_S: f64 = 86_400.0;

/// What a bit of maintenance did.
#[derive(Clone, Debug, Default)]
pub struct Maintained {
    /// Users of whom something was sealed.
    pub users: u64,
    /// Entries that left the log.
    pub entries: u64,
    /// Chunks that were written for them.
    pub chunks: u64,
    /// Segments of the log that were removed.
    pub segments: usize,
    /// Volumes that were written anew and removed.
    pub volumes: usize,
    /// Users that could not be sealed, whose entries stay in the log, and why.
    pub failed: Vec<(UserId, Error)>,
    /// Whether there is more to do now.
    pub has_more: bool,
}

impl Maintained {
    fn count(&mut self, sealed: SealedCount) {
        self.users += sealed.users;
        self.entries += sealed.entries;
        self.chunks += sealed.chunks;
    }
}

impl Store {
    /// Does a bounded bit of maintenance, as of `now_s` seconds since 1970: seals users whose entries are old or many,
    /// removes segments of the log in which everything is sealed, writes volumes anew that are full of dead bytes. Call it
    /// again at once while [`Maintained::has_more`], and now and then otherwise. Blocks the thread.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::DiskFull`], or when a file cannot be read or written; then everything is as it was,
    /// and a later try may succeed.
    pub fn maintain(&self, now_s: f64) -> Result<Maintained, Error> {
        let _working = self.maintenance.lock().expect("no holder panics");
        self.core.maintain(now_s, &self.policy)
    }

    /// Seals everything of one user, whether it was taken in or not. Blocks the thread.
    ///
    /// # Errors
    /// As [`maintain`](Self::maintain).
    pub fn seal(&self, user: UserId) -> Result<Maintained, Error> {
        let _working = self.maintenance.lock().expect("no holder panics");
        self.core.seal_all(&[user], 1)
    }

    /// Seals everything, so that the log is empty, and writes down who everybody is. Blocks the thread.
    ///
    /// # Errors
    /// As [`maintain`](Self::maintain).
    pub fn seal_all(&self) -> Result<Maintained, Error> {
        let _working = self.maintenance.lock().expect("no holder panics");
        self.core.writable()?;
        self.rotate();
        let done = self.core.seal_all(&self.core.hot.users(), self.sealing_threads)?;
        self.core.note_all()?;
        Ok(done)
    }

    /// Whether so much waits to be sealed that uploads will soon be refused, so that [`maintain`](Self::maintain) is to be
    /// called more urgently than now and then.
    pub fn is_pressed(&self) -> bool {
        self.core.is_pressed(&self.policy)
    }

    /// Ends the log's present segment, so that all of it can be removed once it is sealed.
    pub(crate) fn rotate(&self) {
        if let Some(committer) = &self.committer {
            committer.rotate();
        }
    }

    /// Makes the store as small as it can be without sealing more: writes volumes anew of which a greater share than
    /// `dead_share_max` is dead, and gives back what the directory does not use. Others wait meanwhile. Blocks the thread.
    ///
    /// # Errors
    /// As [`maintain`](Self::maintain).
    pub fn compact(&self, dead_share_max: f64) -> Result<(), Error> {
        let _working = self.maintenance.lock().expect("no holder panics");
        self.core.writable()?;
        while self.core.reclaim_one(dead_share_max)? {}
        self.core.directory.compact()
    }
}

/// Whom to seal, and up to which upload.
type Due = Vec<(UserId, u32)>;

impl Core {
    fn maintain(&self, now_s: f64, policy: &Policy) -> Result<Maintained, Error> {
        self.writable()?;
        let mut done = Maintained::default();
        // Where there is no room for that either, sealing may still find some.
        if self.look_for_room()? && matches!(self.reclaim_one(SHORT_DEAD_SHARE_MAX), Ok(true)) {
            (done.volumes, done.has_more) = (1, true);
            return Ok(done);
        }
        let due = self.due(now_s, policy);
        let (group, rest) = due.split_at(self.group(&due));
        self.seal_group(group, 1, &mut done)?;
        for (user, _) in group {
            let is_stuck = done.failed.iter().any(|(failed, _)| failed == user);
            self.hot.note_sealing(*user, now_s, is_stuck);
        }
        done.has_more = !rest.is_empty() || (!group.is_empty() && self.is_pressed(policy));
        done.segments = self.retire()?;
        if !done.has_more && !self.look_for_room()? {
            done.volumes = usize::from(self.reclaim_one(policy.dead_share_max)?);
            done.has_more = done.volumes > 0;
        }
        Ok(done)
    }

    /// Seals everything of some users, or of all, on so many threads, and removes what the log does not need then.
    pub(crate) fn seal_all(&self, users: &[UserId], threads: usize) -> Result<Maintained, Error> {
        self.writable()?;
        let mut done = Maintained::default();
        let due: Due = users.iter().map(|user| (*user, u32::MAX)).collect();
        let mut left = due.as_slice();
        while !left.is_empty() {
            let (group, rest) = left.split_at(self.group(left));
            self.seal_group(group, threads, &mut done)?;
            left = rest;
        }
        done.segments = self.retire()?;
        Ok(done)
    }

    /// Writes into a volume who those are of whom none says it as of now.
    pub(crate) fn note_all(&self) -> Result<(), Error> {
        let people = self.directory.people()?;
        let unnoted: Vec<_> = people.iter().filter(|person| !person.is_noted).collect();
        for group in unnoted.chunks(USERS_MAX) {
            let users: HashSet<UserId> = group.iter().map(|person| person.id).collect();
            let drafts = self.notes(&users)?;
            let change = |number: u32| UserChange { user: number, is_noted: true, ..UserChange::default() };
            let users = group.iter().map(|person| change(person.number)).collect();
            self.publish_drafts(&drafts, drafts.len(), Publication { users, ..Publication::default() })?;
        }
        Ok(())
    }

    /// How many of those who are due are sealed in one change: at least one.
    fn group(&self, due: &[(UserId, u32)]) -> usize {
        let bytes_of = |user: UserId| self.hot.look(user, HotUser::bytes).unwrap_or_default();
        let mut bytes = 0;
        let fits = |(user, _): &&(UserId, u32)| {
            bytes += bytes_of(*user);
            bytes <= GROUP_BYTES_MAX
        };
        due.iter().take(USERS_MAX).take_while(fits).count().max(due.len().min(1))
    }

    /// Seals some users in one change, which several threads prepare.
    fn seal_group(&self, group: &[(UserId, u32)], threads: usize, done: &mut Maintained) -> Result<(), Error> {
        let mut prepared = Vec::new();
        for (user, outcome) in self.prepare_all(group, threads) {
            match outcome {
                Ok(user) => prepared.extend(user),
                // The others are not made to wait for one.
                Err(error) => done.failed.push((user, error)),
            }
        }
        if !prepared.is_empty() {
            done.count(self.publish(prepared)?);
        }
        Ok(())
    }

    /// What sealing each of the group takes, in their order.
    fn prepare_all(&self, group: &[(UserId, u32)], threads: usize) -> Vec<(UserId, Result<Option<Prepared>, Error>)> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut prepared = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some((user, until)) = group.get(place) else { return prepared };
                prepared.push((place, *user, self.prepare(*user, *until)));
            }
        };
        let mut prepared = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads.min(group.len())).map(|_| scope.spawn(work)).collect();
            let mut prepared = work();
            others.into_iter().for_each(|other| prepared.extend(other.join().expect("preparing does not panic")));
            prepared
        });
        prepared.sort_by_key(|(place, ..)| *place);
        prepared.into_iter().map(|(_, user, outcome)| (user, outcome)).collect()
    }

    /// Looks how much room there is; returns whether it is less than sealing may take.
    pub(crate) fn look_for_room(&self) -> Result<bool, Error> {
        let kept_bytes = self.directory.change_bytes()? + self.volumes.bytes_max();
        self.room.look(kept_bytes, self.hot.first_segment(|hot| !hot.is_stuck))
    }

    fn is_pressed(&self, policy: &Policy) -> bool {
        self.waiting_share(policy).max(self.room.waiting_share()) > PRESSED_SHARE
    }

    /// How much waits to be sealed, as a share of what may.
    pub(crate) fn waiting_share(&self, policy: &Policy) -> f64 {
        let share = |bytes: u64, bytes_max: u64| bytes as f64 / bytes_max as f64;
        // One who was not sealed for long keeps segments in which nobody else has anything.
        let log_bytes = self.hot.log_bytes().max(self.room.sealable_bytes());
        share(self.hot.bytes(), policy.hot_bytes_max).max(share(log_bytes, policy.log_bytes_max))
    }

    /// Who is due, and up to which upload.
    fn due(&self, now_s: f64, policy: &Policy) -> Due {
        let forced = if self.is_pressed(policy) { self.hot.first_segment(|hot| !hot.is_stuck) } else { None };
        let mut due = Due::new();
        for user in self.hot.users() {
            let until = self.hot.look(user, |hot| match hot.records.front() {
                Some(first) if Some(first.at.segment) == forced && !hot.is_stuck => most(hot, hot.next, now_s),
                _ => until(hot, now_s, policy),
            });
            due.extend(until.flatten().map(|until| (user, until)));
        }
        due
    }

    /// Notes how far the log goes, and removes the segments at its start in which everything is sealed; returns how many.
    pub(crate) fn retire(&self) -> Result<usize, Error> {
        // The end comes first: what is appended after this is in it or behind it.
        let end = self.segments.end();
        if let Some(last) = self.segments.last()
            && last > self.directory.last_segment()?
        {
            self.directory.set_last_segment(last)?;
        }
        let needed = self.hot.first_segment(|_| true).map_or(end.segment, |first| first.min(end.segment));
        let start = self.segments.first_from(needed);
        if start.segment <= self.directory.log_start()?.segment {
            return Ok(0);
        }
        self.directory.set_log_start(start)?;
        let gone = self.segments.take_before(start.segment);
        for path in &gone {
            self.disk.remove(path).map_err(Error::io("removing", path))?;
        }
        self.disk.sync_dir(self.segments.dir()).map_err(Error::io("syncing", self.segments.dir()))?;
        Ok(gone.len())
    }

    /// Writes the volume anew that has the greatest dead share, if that is greater than `dead_share_max`.
    pub(crate) fn reclaim_one(&self, dead_share_max: f64) -> Result<bool, Error> {
        let share = |dead: u64, end: u64| dead as f64 / end.max(1) as f64;
        let volumes = self.directory.volumes()?;
        let worst = volumes
            .iter()
            .filter(|(number, row)| share(row.dead, row.end) > dead_share_max && self.volumes.get(**number).is_some())
            .max_by(|(_, one), (_, other)| share(one.dead, one.end).total_cmp(&share(other.dead, other.end)));
        let Some((number, row)) = worst else { return Ok(false) };
        if self.volumes.is_tail(*number) {
            self.volumes.give_up_tail();
        }
        self.rewrite_volume(*number, row.end)?;
        Ok(true)
    }

    /// Moves what is alive in a volume to others, and removes it.
    fn rewrite_volume(&self, number: u32, end: u64) -> Result<(), Error> {
        let path = self.volumes.path(number);
        let volume = self.volumes.get(number).expect("the caller has seen it, and nobody else removes volumes");
        let frames = Frames::of(&*volume.file, volume.header, end).map_err(Error::io("reading", &path))?;
        let mut chunks = Vec::new();
        let mut noted = HashSet::new();
        let mut bad = None;
        frames.each(&mut |at, _, frame| match frame {
            Some(frame) => match frame.row(number, at) {
                Some(row) => chunks.push((row, frame.payload.to_vec())),
                None => noted.extend(frame.user()),
            },
            None => bad = bad.or(Some(at)),
        });
        if let Some(at) = bad {
            // What cannot be read is not thrown away: a copy may mend it.
            let what = "a stretch of the volume is not what was written".to_owned();
            return Err(Error::Corrupt { file: path, offset: at as u64, what });
        }
        let people: BTreeMap<u32, UserId> =
            self.directory.people()?.into_iter().map(|person| (person.number, person.id)).collect();
        let notes = self.notes(&noted.iter().filter_map(|user| people.get(user).copied()).collect())?;
        self.publish_drafts(&notes, notes.len(), Publication::default())?;
        let mut group = Group::default();
        for (row, payload) in chunks {
            if self.directory.chunk(row.user, row.first_s)? == Some(row) {
                group.add(row, payload);
                if group.bytes > CHANGE_BYTES_MAX {
                    self.move_group(std::mem::take(&mut group), None)?;
                }
            }
        }
        self.move_group(group, Some(number))?;
        self.volumes.remove(number)
    }

    fn move_group(&self, group: Group, gone: Option<u32>) -> Result<(), Error> {
        let gone = gone.into_iter().collect();
        let publication = Publication { users: group.users.into_values().collect(), gone, ..Publication::default() };
        self.publish_drafts(&group.drafts, 0, publication)
    }
}

/// Chunks that move.
#[derive(Default)]
struct Group {
    drafts: Vec<Draft>,
    users: BTreeMap<u32, UserChange>,
    bytes: usize,
}

impl Group {
    fn add(&mut self, row: crate::directory::ChunkRow, payload: Vec<u8>) {
        self.bytes += payload.len();
        self.drafts.push(Draft::Chunk(row, payload));
        let fresh = || UserChange { user: row.user, ..UserChange::default() };
        self.users.entry(row.user).or_insert_with(fresh).removed.push(row);
    }
}

/// Up to which upload a user is to be sealed now, if at all.
fn until(hot: &HotUser, now_s: f64, policy: &Policy) -> Option<u32> {
    let end = if policy.seals_untaken { hot.next } else { hot.taken };
    let is_resting = hot.sealing_s.is_some_and(|last_s| now_s - last_s < policy.pause_s);
    if hot.is_stuck && is_resting {
        return None;
    }
    if hot.rows() > policy.hot_rows_max {
        return most(hot, end, now_s);
    }
    let is_old = ready(hot, end).any(|record| record.first_ts < now_s - policy.hot_s_max);
    if is_old && !is_resting { started_before(hot, end, midnight(now_s - policy.settled_s)) } else { None }
}

/// Up to which upload below `end` most is sealed: without the day of the last if that is enough to do, for more of it may
/// come, and a day that is sealed twice is read and written twice.
fn most(hot: &HotUser, end: u32, now_s: f64) -> Option<u32> {
    let last_s = ready(hot, end).map(|record| record.first_ts).fold(f64::NEG_INFINITY, f64::max);
    let last = || ready(hot, end).next_back().map(|record| record.number + 1);
    started_before(hot, end, midnight(last_s.min(now_s))).or_else(last)
}

fn ready(hot: &HotUser, end: u32) -> impl DoubleEndedIterator<Item = &HotRecord> {
    hot.records.iter().filter(move |record| record.number < end)
}

fn started_before(hot: &HotUser, end: u32, limit_s: f64) -> Option<u32> {
    ready(hot, end).rev().find(|record| record.first_ts < limit_s).map(|record| record.number + 1)
}

fn midnight(ts: f64) -> f64 {
    (ts / DAY_S).floor() * DAY_S
}
