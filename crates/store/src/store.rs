//! The store: what the server calls.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::{UserId, entry_id};
use serde_json::{Map, Value};
use uuid::Builder;

use crate::diary::{ChapterKey, Diaries, Rewrite, Taken};
use crate::directory::Directory;
use crate::error::Error;
use crate::index::{Candidate, Index, Stamp};
use crate::log::{Committer, Counters, Log, RecordAt, Segments, Sync, recover};
use crate::query::{Query, TimeField};
use crate::rows::Upload;

/// How to open a store.
pub struct Options {
    /// The data folder; created when missing.
    pub dir: PathBuf,
    /// The room that is reserved for a log segment, at most 1 GiB.
    pub segment_bytes: u64,
    /// Makes what was written to a file durable: `fdatasync`, unless a test wants to see what happens when it fails.
    pub sync: Sync,
    /// Draws user ids and the salts of segments.
    pub rng: StdRng,
}

impl Options {
    /// A store in `dir` with segments of 16 MiB, few enough of which fit a 10 GB volume that their unused ends do not
    /// matter.
    pub fn new(dir: &Path, rng: StdRng) -> Self {
        let sync: Sync = Arc::new(|file| Ok(rustix::fs::fdatasync(file)?));
        Self { dir: dir.to_owned(), segment_bytes: 16 << 20, sync, rng }
    }
}

/// An open store. Cheap to share behind an [`Arc`]; dropping the last one finishes what was being written.
#[derive(Debug)]
pub struct Store {
    // Dropped first: its thread writes out what waits while everything else is still there.
    committer: Committer,
    reader: Reader,
    directory: Arc<Directory>,
    diaries: Diaries,
    tokens: RwLock<HashMap<String, UserId>>,
    rng: Mutex<StdRng>,
    counters: Arc<Counters>,
    torn_bytes: u64,
}

/// An entry that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its id.
    pub id: ObjectId,
    /// The time asked for, in seconds since 1970.
    pub stamp: f64,
    /// The entry as one JSON object, as it was appended.
    pub text: String,
}

/// Entries that were not taken in.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// Each with its id and its text, in order of arrival. Of two with one identity both may be here.
    pub entries: Vec<(ObjectId, String)>,
    /// How far these reach; `None` when there are none.
    pub taken: Option<Taken>,
}

/// How much there is, and what was done since the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Registered tokens.
    pub users: usize,
    /// Entries, each identity counted once.
    pub entries: usize,
    /// Segment files of the log.
    pub segments: usize,
    /// Groups that were made durable.
    pub syncs: u64,
    /// Uploads in those groups.
    pub uploads: u64,
    /// Bytes written to the log.
    pub written_bytes: u64,
    /// Bytes of a frame that a crash had cut short, and that were removed on opening.
    pub torn_bytes: u64,
}

impl Store {
    /// Opens the store, reading its log back.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Corrupt`], or a file that cannot be read or made.
    pub fn open(options: Options) -> Result<Self, Error> {
        let Options { dir, segment_bytes, sync, mut rng } = options;
        let log_dir = dir.join("log");
        create_durably(&log_dir)?;
        // The directory comes first: it is what tells that another process has the store.
        let directory = Directory::open(&dir)?;
        let diaries = Diaries::open(&dir)?;
        let tokens: HashMap<String, UserId> = directory.tokens()?.into_iter().collect();
        let index = Arc::new(Index::default());
        let recovered = recover(&log_dir, |user, at, batch| index.apply(user, at, batch))?;
        sync_dir(&dir)?;
        refuse_strangers(&dir, &index, &tokens)?;
        index.resume(diaries.progress()?);
        let segments = Arc::new(recovered.segments);
        let counters = Arc::new(Counters::default());
        let log = Log {
            dir: log_dir.clone(),
            segment_bytes,
            tail: recovered.tail,
            segments: Arc::clone(&segments),
            index: Arc::clone(&index),
            counters: Arc::clone(&counters),
            sync,
            rng: StdRng::from_rng(&mut rng),
            is_poisoned: false,
        };
        Ok(Self {
            committer: Committer::start(log).map_err(Error::io("starting the writing thread for", &log_dir))?,
            reader: Reader { index, segments },
            directory: Arc::new(directory),
            diaries,
            tokens: RwLock::new(tokens),
            rng: Mutex::new(rng),
            counters,
            torn_bytes: recovered.torn_bytes,
        })
    }

    /// Keeps an upload. When this returns, the upload is durable and can be found.
    ///
    /// # Errors
    /// [`Error::DiskFull`], after which a later try may succeed, or [`Error::Poisoned`].
    pub async fn append(&self, upload: Upload) -> Result<(), Error> {
        self.committer.append(upload).await
    }

    /// The entries of `user` that match, in order of the time asked for, then of their ids.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub async fn find(&self, user: UserId, query: Query) -> Result<Vec<Found>, Error> {
        let reader = self.reader.clone();
        blocking(move || reader.find(user, &query)).await
    }

    /// Whom a token stands for.
    pub fn user(&self, token: &str) -> Option<UserId> {
        self.tokens.read().expect("no writer panics").get(token).copied()
    }

    /// Everybody who is registered.
    pub fn users(&self) -> Vec<UserId> {
        let mut users: Vec<UserId> = self.tokens.read().expect("no writer panics").values().copied().collect();
        users.sort();
        users
    }

    /// Gives a token a user, durably, or returns the one it has.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub async fn register(&self, token: &str) -> Result<UserId, Error> {
        if let Some(user) = self.user(token) {
            return Ok(user);
        }
        let bytes = self.rng.lock().expect("drawing does not panic").random();
        let fresh = UserId(Builder::from_random_bytes(bytes).into_uuid());
        let (directory, name) = (Arc::clone(&self.directory), token.to_owned());
        let user = blocking(move || directory.register(&name, fresh)).await?;
        self.tokens.write().expect("no reader panics").insert(token.to_owned(), user);
        Ok(user)
    }

    /// The fields set in a user's profile.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn profile(&self, user: UserId) -> Result<Map<String, Value>, Error> {
        let directory = Arc::clone(&self.directory);
        blocking(move || directory.profile(user)).await
    }

    /// Sets fields in a user's profile, durably.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub async fn update_profile(&self, user: UserId, fields: Map<String, Value>) -> Result<(), Error> {
        let directory = Arc::clone(&self.directory);
        blocking(move || directory.update_profile(user, fields)).await
    }

    /// Who has waited longest with entries that were not taken in. Whoever asks works for them until
    /// [`rewrite`](Self::rewrite) or [`put_back`](Self::put_back); others are answered with somebody else.
    pub fn next_pending(&self) -> Option<UserId> {
        self.reader.index.pending().pop()
    }

    /// How many users wait.
    pub fn pending(&self) -> usize {
        self.reader.index.pending().count()
    }

    /// Waits until somebody has entries that were not taken in, at most `timeout`. Blocks the thread.
    pub fn wait_pending(&self, timeout: Duration) {
        self.reader.index.pending().wait(timeout);
    }

    /// Ends the work for a user whose entries were not taken in; they wait again.
    pub fn put_back(&self, user: UserId) {
        self.reader.index.take(user, None);
    }

    /// Entries of `user` that were not taken in, upload by upload in order of arrival, until there are `entries_max`
    /// or the write times span `span_s_max` seconds. Blocks the thread.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn fresh(&self, user: UserId, entries_max: usize, span_s_max: f64) -> Result<Fresh, Error> {
        self.reader.fresh(user, entries_max, span_s_max)
    }

    /// [`find`](Self::find) for a thread that may block.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn find_blocking(&self, user: UserId, query: &Query) -> Result<Vec<Found>, Error> {
        self.reader.find(user, query)
    }

    /// Changes a user's diary. If entries were taken in, that ends the work for the user, who waits again if there are
    /// more. Blocks the thread. The change is durable after the next [`sync_diaries`](Self::sync_diaries); a crash before
    /// loses it as a whole, and its entries wait again.
    ///
    /// # Errors
    /// When the diaries cannot be written; then nothing has changed.
    pub fn rewrite(&self, user: UserId, change: &Rewrite) -> Result<(), Error> {
        self.diaries.rewrite(user, change)?;
        if change.taken.is_some() {
            self.reader.index.take(user, change.taken);
        }
        Ok(())
    }

    /// Makes all changes of diaries durable. Blocks the thread.
    ///
    /// # Errors
    /// When the diaries cannot be written.
    pub fn sync_diaries(&self) -> Result<(), Error> {
        self.diaries.sync()
    }

    /// The state that the last [`rewrite`](Self::rewrite) left. Blocks the thread.
    ///
    /// # Errors
    /// When the diaries cannot be read.
    pub fn diary_state(&self, user: UserId) -> Result<Option<Vec<u8>>, Error> {
        self.diaries.state(user)
    }

    /// Shows a user's chapters in order, from the last that stands at or before `from`, until `visit` has seen enough.
    /// Blocks the thread.
    ///
    /// # Errors
    /// When the diaries cannot be read.
    pub fn chapters(
        &self,
        user: UserId,
        from: ChapterKey,
        visit: &mut dyn FnMut(ChapterKey, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.diaries.forward(user, from, visit)
    }

    /// Shows a user's chapters from the last to the first, until `visit` has seen enough. Blocks the thread.
    ///
    /// # Errors
    /// When the diaries cannot be read.
    pub fn chapters_backward(
        &self,
        user: UserId,
        visit: &mut dyn FnMut(ChapterKey, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.diaries.backward(user, visit)
    }

    /// How much there is, and what was done.
    pub fn stat(&self) -> Stat {
        Stat {
            users: self.tokens.read().expect("no writer panics").len(),
            entries: self.reader.index.entries(),
            segments: self.reader.segments.count(),
            syncs: self.counters.syncs.load(Ordering::Relaxed),
            uploads: self.counters.uploads.load(Ordering::Relaxed),
            written_bytes: self.counters.written_bytes.load(Ordering::Relaxed),
            torn_bytes: self.torn_bytes,
        }
    }
}

/// Creates `dir`, in a way that survives a power loss.
fn create_durably(dir: &Path) -> Result<(), Error> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|folder| !folder.exists()).collect();
    std::fs::create_dir_all(dir).map_err(Error::io("creating", dir))?;
    let parents = missing.iter().filter_map(|folder| folder.parent());
    // The parent of a relative path's first part is the empty path, which stands for the present folder.
    parents.map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent }).try_for_each(sync_dir)
}

fn sync_dir(dir: &Path) -> Result<(), Error> {
    std::fs::File::open(dir).and_then(|folder| folder.sync_all()).map_err(Error::io("syncing", dir))
}

/// Entries of a user whom the directory does not know could never be reached again.
fn refuse_strangers(dir: &Path, index: &Index, tokens: &HashMap<String, UserId>) -> Result<(), Error> {
    let known: HashSet<UserId> = tokens.values().copied().collect();
    let strangers = index.users().into_iter().filter(|user| !known.contains(user)).count();
    if strangers == 0 { Ok(()) } else { Err(Error::DirectoryLost { dir: dir.to_owned(), strangers }) }
}

/// Runs `work` on a thread that may block, and returns what it returns.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, and nobody is left to wait for the answer.
            Err(_) => std::future::pending().await,
        },
    }
}

/// The reading half, which runs beside the writer.
#[derive(Clone, Debug)]
struct Reader {
    index: Arc<Index>,
    segments: Arc<Segments>,
}

impl Reader {
    fn find(&self, user: UserId, query: &Query) -> Result<Vec<Found>, Error> {
        let mut candidates = self.index.candidates(user, query);
        if query.field == TimeField::WriteTs {
            // The order is known without reading a text, so only what will be answered is read.
            candidates.sort_by_cached_key(|candidate| (Stamp::of(candidate.write_ts), id_of(user, candidate)));
            candidates.truncate(query.entries_max);
        }
        let mut found = self.read(user, query, candidates)?;
        found.sort_by_key(|entry| (Stamp::of(entry.stamp), entry.id));
        found.truncate(query.entries_max);
        Ok(found)
    }

    fn fresh(&self, user: UserId, entries_max: usize, span_s_max: f64) -> Result<Fresh, Error> {
        let mut fresh = Fresh { entries: Vec::new(), taken: None };
        let mut from = f64::INFINITY;
        for at in self.index.fresh(user) {
            let rows = self.segments.read(at)?;
            let times = || rows.batch.rows.iter().map(|(_, write_ts)| *write_ts);
            from = from.min(times().fold(f64::INFINITY, f64::min));
            let is_full = fresh.entries.len() + rows.batch.rows.len() > entries_max
                || times().fold(f64::NEG_INFINITY, f64::max) - from > span_s_max;
            if is_full && fresh.taken.is_some() {
                break;
            }
            for ((name, write_ts), row) in rows.batch.rows.iter().zip(0..) {
                let name = usize::try_from(*name).ok().and_then(|name| rows.batch.names.get(name));
                let name = name.expect("a batch only refers to its own names");
                let text = rows.text(row).ok_or_else(|| self.segments.damaged(at))?;
                fresh.entries.push((entry_id(user, &name.kind, &name.key, *write_ts), text.to_owned()));
            }
            fresh.taken = Some(Taken::of(at));
        }
        Ok(fresh)
    }

    /// Reads the candidates record by record, so that each record is unpacked once.
    fn read(&self, user: UserId, query: &Query, mut candidates: Vec<Candidate>) -> Result<Vec<Found>, Error> {
        candidates.sort_by_key(|candidate| place(candidate.at));
        let mut found = Vec::with_capacity(candidates.len());
        for record in candidates.chunk_by(|one, next| place(one.at) == place(next.at)) {
            let Some(first) = record.first() else { continue };
            let rows = self.segments.read(first.at)?;
            for candidate in record {
                let text = rows.text(candidate.row).ok_or_else(|| self.segments.damaged(first.at))?;
                if let Some(stamp) = stamp_of(text, candidate, query) {
                    found.push(Found { id: id_of(user, candidate), stamp, text: text.to_owned() });
                }
            }
        }
        Ok(found)
    }
}

fn place(at: RecordAt) -> (u32, u32) {
    (at.segment, at.offset)
}

fn id_of(user: UserId, candidate: &Candidate) -> ObjectId {
    entry_id(user, &candidate.name.kind, &candidate.name.key, candidate.write_ts)
}

/// The time asked for, if the entry has it and it matches.
fn stamp_of(text: &str, candidate: &Candidate, query: &Query) -> Option<f64> {
    match &query.field {
        TimeField::WriteTs => Some(candidate.write_ts),
        TimeField::Path(path) => {
            let entry: Value = serde_json::from_str(text).ok()?;
            let leaf = path.iter().try_fold(&entry, |value, field| value.get(field))?;
            leaf.as_f64().filter(|stamp| query.is_within(*stamp))
        }
    }
}
