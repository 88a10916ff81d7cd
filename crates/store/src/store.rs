//! The store: what the server calls.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use serde_json::{Map, Value};
use uuid::Builder;

use crate::core::Core;
use crate::directory::{ChapterKey, Rewrite, Taken};
use crate::error::Error;
use crate::log::{Ack, Committer, Counters};
use crate::maintain::Policy;
use crate::query::Query;
use crate::read::{Changes, Found, Fresh, Position, Reading};
use crate::upload::Upload;

/// An open store. Cheap to share behind an [`Arc`]; dropping the last one finishes what was being written.
#[derive(Debug)]
pub struct Store {
    /// `None` when the log is damaged.
    pub(crate) committer: Option<Committer>,
    pub(crate) core: Arc<Core>,
    pub(crate) policy: Policy,
    /// So many threads seal everything.
    pub(crate) sealing_threads: usize,
    /// Held by whoever seals, moves or erases.
    pub(crate) maintenance: Mutex<()>,
    pub(crate) ack: Ack,
    pub(crate) rng: Mutex<StdRng>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) torn_bytes: u64,
    /// The opening of the directory that the progress in memory follows from.
    pub(crate) epoch: Mutex<u32>,
}

/// How much there is, and what was done since the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Registered tokens.
    pub users: usize,
    /// Entries: sealed ones each once, those in the log as often as they were sent.
    pub entries: u64,
    /// Entries of those that are in the log only.
    pub hot_entries: u64,
    /// Memory that the uploads in the log take.
    pub hot_bytes: u64,
    /// Segment files of the log.
    pub segments: usize,
    /// Syncs of the log.
    pub syncs: u64,
    /// Uploads that were written to the log.
    pub uploads: u64,
    /// Bytes written to the log.
    pub written_bytes: u64,
    /// Uploads that were acknowledged from memory and then could not be written.
    pub dropped: u64,
    /// Bytes of a frame that a crash had cut short, and that were removed on opening.
    pub torn_bytes: u64,
}

impl Store {
    /// Why the store takes no changes: where its log is damaged.
    pub fn damage(&self) -> Option<&str> {
        self.core.damage.as_deref()
    }

    /// When uploads are acknowledged.
    pub fn ack(&self) -> Ack {
        self.ack
    }

    /// Keeps an upload. When this returns, the upload is as safe as [`Options::ack`](crate::Options::ack) says, and unless that is
    /// [`Ack::Memory`] it can be found.
    ///
    /// # Errors
    /// [`Error::DiskFull`] or [`Error::Unsealed`], after which a later try may succeed, [`Error::ReadOnly`], or
    /// [`Error::Poisoned`].
    pub async fn append(&self, upload: Upload) -> Result<(), Error> {
        self.core.writable()?;
        if self.core.waiting_share(&self.policy) > 1.0 {
            return Err(Error::Unsealed);
        }
        self.committer.as_ref().ok_or(Error::Poisoned)?.append(upload).await
    }

    /// The entries of `user` that match, in order of the time asked for, then of their ids.
    ///
    /// # Errors
    /// [`Error::Corrupt`], or when a file cannot be read.
    pub async fn find(&self, user: UserId, query: Query) -> Result<Vec<Found>, Error> {
        let core = Arc::clone(&self.core);
        blocking(move || core.find(user, &query)).await
    }

    /// [`find`](Self::find) for a thread that may block.
    ///
    /// # Errors
    /// As there.
    pub fn find_blocking(&self, user: UserId, query: &Query) -> Result<Vec<Found>, Error> {
        self.core.find(user, query)
    }

    /// The entries with one of `keys` that were written in these seconds since 1970, both included, in order of `write_ts`,
    /// then of their ids, at most so many of them, as they are kept: nothing is written out. Blocks the thread.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn read(
        &self,
        user: UserId,
        keys: &[&str],
        (from, to): (f64, f64),
        entries_max: usize,
    ) -> Result<Reading, Error> {
        self.core.read(user, keys, (from, to), entries_max)
    }

    /// The entry of each of `keys` that was written last, in order of `write_ts`. Blocks the thread.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn latest(&self, user: UserId, keys: &[String]) -> Result<Vec<Found>, Error> {
        self.core.latest(user, keys)
    }

    /// What is new or changed since `after`, upload by upload, each as a whole and at least one of them, up to
    /// `entries_max` entries. A later version of an entry takes the place of those before it; one that was re-sent
    /// unchanged may or may not be told again. Neither sealing nor a restart changes a position. Blocks the thread.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn feed(
        &self,
        user: UserId,
        keys: Option<&[String]>,
        after: Position,
        entries_max: usize,
    ) -> Result<Changes, Error> {
        self.core.feed(user, keys, after, entries_max)
    }

    /// Where [`feed`](Self::feed) ends for `user` now.
    pub fn position(&self, user: UserId) -> Position {
        Position(self.core.hot.next_number(user))
    }

    /// How many entries of `user` there are; those in the log count as often as they were sent. Blocks the thread.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn entries_of(&self, user: UserId) -> Result<u64, Error> {
        self.core.entries_of(user)
    }

    /// A number from the randomness that the store was opened with.
    pub fn draw(&self) -> u64 {
        self.rng.lock().expect("drawing does not panic").random()
    }

    /// Whom a token stands for.
    pub fn user(&self, token: &str) -> Option<UserId> {
        self.core.people.read().expect("no writer panics").tokens.get(token).copied()
    }

    /// Everybody who is registered.
    pub fn users(&self) -> Vec<UserId> {
        let people = self.core.people.read().expect("no writer panics");
        let users: BTreeSet<UserId> = people.numbers.keys().copied().collect();
        users.into_iter().collect()
    }

    /// Gives a token a user, durably, or returns the one it has.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::DiskFull`], or when the directory cannot be written.
    pub async fn register(&self, token: &str) -> Result<UserId, Error> {
        if let Some(user) = self.user(token) {
            return Ok(user);
        }
        let users = self.register_all(vec![token.to_owned()]).await?;
        Ok(*users.first().expect("each token gets a user"))
    }

    /// [`register`](Self::register) for many tokens in one change.
    ///
    /// # Errors
    /// As there.
    pub async fn register_all(&self, tokens: Vec<String>) -> Result<Vec<UserId>, Error> {
        self.core.writable()?;
        let fresh = || {
            let bytes = self.rng.lock().expect("drawing does not panic").random();
            UserId(Builder::from_random_bytes(bytes).into_uuid())
        };
        let people: Vec<(String, UserId)> = tokens.into_iter().map(|token| (token, fresh())).collect();
        let core = Arc::clone(&self.core);
        blocking(move || core.register(people)).await
    }

    /// The fields set in a user's profile.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn profile(&self, user: UserId) -> Result<Map<String, Value>, Error> {
        let core = Arc::clone(&self.core);
        blocking(move || core.number(user).map_or(Ok(Map::new()), |number| core.directory.profile(number))).await
    }

    /// Sets fields in a user's profile, durably.
    ///
    /// # Errors
    /// [`Error::UnknownUser`], [`Error::ReadOnly`], [`Error::DiskFull`], or when the directory cannot be written.
    pub async fn update_profile(&self, user: UserId, fields: Map<String, Value>) -> Result<(), Error> {
        self.core.writable()?;
        let core = Arc::clone(&self.core);
        blocking(move || core.directory.update_profile(core.known(user)?, fields)).await
    }

    /// Who has waited longest with entries that were not taken in. Whoever asks works for them until
    /// [`rewrite`](Self::rewrite) or [`put_back`](Self::put_back); others are answered with somebody else.
    pub fn next_pending(&self) -> Option<UserId> {
        self.core.hot.pending().pop()
    }

    /// Lets a user wait of whom everything was taken in: the last upload counts as new once more.
    pub fn take_last_again(&self, user: UserId) {
        self.core.hot.take_last_again(user);
    }

    /// How many users wait.
    pub fn pending(&self) -> usize {
        self.core.hot.pending().count()
    }

    /// Waits until somebody has entries that were not taken in, at most `timeout`. Blocks the thread.
    pub fn wait_pending(&self, timeout: Duration) {
        self.core.hot.pending().wait(timeout);
    }

    /// Ends the work for a user whose entries were not taken in; they wait again.
    pub fn put_back(&self, user: UserId) {
        self.core.hot.take(user, None);
    }

    /// Entries of `user` that were not taken in, upload by upload in order of arrival, until there are `entries_max`
    /// or the write times span `span_s_max` seconds. Blocks the thread.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn fresh(&self, user: UserId, entries_max: usize, span_s_max: f64) -> Result<Fresh, Error> {
        self.core.fresh(user, entries_max, span_s_max)
    }

    /// Changes a user's diary. If entries were taken in, that ends the work for the user, who waits again if there are
    /// more. Blocks the thread. The change is durable after the next [`sync_diaries`](Self::sync_diaries); a crash before
    /// loses it as a whole, and its entries wait again.
    ///
    /// # Errors
    /// [`Error::UnknownUser`], [`Error::ReadOnly`], [`Error::DiskFull`], or when the directory cannot be written; then
    /// nothing has changed, but after [`Error::Reopened`] changes that were not durable are gone.
    pub fn rewrite(&self, user: UserId, change: &Rewrite) -> Result<(), Error> {
        self.core.writable()?;
        self.core.room.beside_sealing()?;
        self.core.directory.rewrite(self.core.known(user)?, change)?;
        if let Some(taken) = change.taken {
            self.core.hot.take(user, Some(taken.uploads));
        }
        Ok(())
    }

    /// Counts everything of `user` as taken in, for one whose entries are no diary. That ends the work for the user, as
    /// [`rewrite`](Self::rewrite) does. Blocks the thread.
    ///
    /// # Errors
    /// As [`rewrite`](Self::rewrite).
    pub fn pass_over(&self, user: UserId) -> Result<(), Error> {
        let uploads = self.core.hot.next_number(user);
        let taken = Some(Taken { uploads, epoch: self.core.directory.epoch() });
        let change = Rewrite { from: ChapterKey::END, chapters: Vec::new(), taken, state: Vec::new() };
        self.rewrite(user, &change)
    }

    /// Makes all changes of diaries durable. Blocks the thread.
    ///
    /// # Errors
    /// As [`rewrite`](Self::rewrite).
    pub fn sync_diaries(&self) -> Result<(), Error> {
        self.core.writable()?;
        let mut known = self.epoch.lock().expect("no holder panics");
        let epoch = self.core.directory.epoch();
        if *known != epoch {
            // What was not durable when the directory was opened again is to be taken in again.
            self.core.resume()?;
            *known = epoch;
        }
        self.core.directory.sync()
    }

    /// The state that the last [`rewrite`](Self::rewrite) left. Blocks the thread.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn diary_state(&self, user: UserId) -> Result<Option<Vec<u8>>, Error> {
        self.core.number(user).map_or(Ok(None), |number| self.core.directory.diary_state(number))
    }

    /// Shows a user's chapters in order, from the last that stands at or before `from`, until `visit` has seen enough.
    /// Blocks the thread.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn chapters(
        &self,
        user: UserId,
        from: ChapterKey,
        visit: &mut dyn FnMut(ChapterKey, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.core.number(user).map_or(Ok(()), |number| self.core.directory.chapters(number, from, visit))
    }

    /// Shows a user's chapters from the last to the first, until `visit` has seen enough. Blocks the thread.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn chapters_backward(
        &self,
        user: UserId,
        visit: &mut dyn FnMut(ChapterKey, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.core.number(user).map_or(Ok(()), |number| self.core.directory.chapters_backward(number, visit))
    }

    /// How much there is, and what was done.
    pub fn stat(&self) -> Stat {
        let hot_entries = self.core.hot.entries();
        Stat {
            users: self.core.people.read().expect("no writer panics").tokens.len(),
            entries: self.core.sealed_entries.load(Ordering::Relaxed) + hot_entries,
            hot_entries,
            hot_bytes: self.core.hot.bytes(),
            segments: self.core.segments.count(),
            syncs: self.counters.syncs.load(Ordering::Relaxed),
            uploads: self.counters.uploads.load(Ordering::Relaxed),
            written_bytes: self.counters.written_bytes.load(Ordering::Relaxed),
            dropped: self.counters.dropped.load(Ordering::Relaxed),
            torn_bytes: self.torn_bytes,
        }
    }
}

impl Drop for Store {
    /// Finishes what is waiting. Whatever fails here is found out and done when the store is opened again.
    fn drop(&mut self) {
        if let Some(mut committer) = self.committer.take() {
            committer.stop();
            let _ = self.core.retire();
            let _ = self.core.directory.sync();
        }
    }
}

impl Core {
    pub(crate) fn register(&self, named: Vec<(String, UserId)>) -> Result<Vec<UserId>, Error> {
        let registered = self.directory.register(&named)?;
        let mut people = self.people.write().expect("no reader panics");
        for ((token, _), (user, number)) in named.into_iter().zip(&registered) {
            people.tokens.insert(token, *user);
            people.numbers.insert(*user, *number);
        }
        Ok(registered.into_iter().map(|(user, _)| user).collect())
    }
}

/// How much less urgent than answering the work is that answers wait for: were both alike, requests would wait wherever they
/// are read, taken in turn and answered, and be told late that there are too many of them.
const NICE: i32 = 5;

thread_local! {
    /// Becomes less urgent when it is first looked at.
    static POLITE: () = {
        // A system that refuses treats all threads alike.
        let _ = rustix::process::nice(NICE);
    };
}

/// Runs `work` on a thread that may block, and returns what it returns.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let behind = || {
        POLITE.with(|()| ());
        work()
    };
    match tokio::task::spawn_blocking(behind).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, and nobody is left to wait for the answer.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_less_urgent_than_who_waits_for_it() {
        let here = rustix::process::nice(0).unwrap();
        for _ in 0..3 {
            assert_eq!(blocking(|| rustix::process::nice(0)).await.unwrap(), (here + NICE).min(19));
        }
        assert_eq!(rustix::process::nice(0).unwrap(), here);
    }
}
