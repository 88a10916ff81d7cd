//! The one thread that writes: it takes every upload that is waiting, writes them as one frame, syncs once, and only
//! then lets them be seen and acknowledged.
//!
//! While a sync runs the next uploads gather, so groups grow with the load and a lone upload never waits for company.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use rand::RngExt;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::index::Index;
use crate::log::frame::{self, FRAME_HEADER_BYTES};
use crate::log::recovery::FIRST_SEQUENCE;
use crate::log::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, Tail};
use crate::log::{RecordAt, Segments};
use crate::rows::{RECORD_HEADER_BYTES, RecordHeader, Upload};

/// How many uploads may wait for the writing thread; further ones wait in their requests.
const WAITING_UPLOADS_MAX: usize = 1024;
/// A group is closed once it has this many bytes; one larger upload makes a group of its own.
const GROUP_BYTES_MAX: usize = 1 << 20;
/// The largest upload that is taken.
const UPLOAD_BYTES_MAX: usize = 1 << 30;

struct Waiting {
    upload: Upload,
    done: oneshot::Sender<Result<(), Error>>,
}

/// What the log has done since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) syncs: AtomicU64,
    pub(crate) uploads: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
}

/// The handle of the writing thread.
#[derive(Debug)]
pub(crate) struct Committer {
    queue: Option<mpsc::Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread. `tail` is where recovery ended.
    pub(crate) fn start(mut log: Log) -> std::io::Result<Self> {
        let (queue, mut waiting) = mpsc::channel(WAITING_UPLOADS_MAX);
        let thread = std::thread::Builder::new().name("log-committer".into()).spawn(move || {
            while let Some(group) = next_group(&mut waiting) {
                log.commit(group);
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Returns once `upload` is durable and can be found.
    pub(crate) async fn append(&self, upload: Upload) -> Result<(), Error> {
        let bytes = upload.record.len();
        if bytes > UPLOAD_BYTES_MAX {
            return Err(Error::TooLarge { bytes, max: UPLOAD_BYTES_MAX });
        }
        let (done, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().expect("the queue is only taken when the committer is dropped");
        queue.send(Waiting { upload, done }).await.map_err(|_| Error::Poisoned)?;
        outcome.await.map_err(|_| Error::Poisoned)?
    }
}

impl Drop for Committer {
    /// Lets the thread finish what is waiting.
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn next_group(waiting: &mut mpsc::Receiver<Waiting>) -> Option<Vec<Waiting>> {
    let first = waiting.blocking_recv()?;
    let mut bytes = first.upload.record.len();
    let mut group = vec![first];
    while bytes < GROUP_BYTES_MAX
        && let Ok(next) = waiting.try_recv()
    {
        bytes += next.upload.record.len();
        group.push(next);
    }
    Some(group)
}

/// Makes what was written to a file durable.
pub type Sync = Arc<dyn Fn(&File) -> std::io::Result<()> + Send + std::marker::Sync>;

/// The writing end of the log.
pub(crate) struct Log {
    pub(crate) dir: PathBuf,
    pub(crate) segment_bytes: u64,
    pub(crate) tail: Option<Tail>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) index: Arc<Index>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) sync: Sync,
    /// Draws the salts of new segments.
    pub(crate) rng: StdRng,
    pub(crate) is_poisoned: bool,
}

impl Log {
    fn commit(&mut self, group: Vec<Waiting>) {
        let outcome = if self.is_poisoned { Err(Error::Poisoned) } else { self.write(&group) };
        let places = match outcome {
            Ok(places) => places,
            Err(error) => {
                for waiting in group {
                    let _ = waiting.done.send(Err(error.clone()));
                }
                return;
            }
        };
        for (waiting, (user, at)) in group.into_iter().zip(places) {
            self.index.apply(user, at, &waiting.upload.batch);
            // The caller may have given up; the upload is kept all the same.
            let _ = waiting.done.send(Ok(()));
        }
    }

    /// Writes the group as one frame, durably, and tells where each record went.
    fn write(&mut self, group: &[Waiting]) -> Result<Vec<(UserId, RecordAt)>, Error> {
        let mut bytes = vec![0; FRAME_HEADER_BYTES];
        group.iter().for_each(|waiting| bytes.extend_from_slice(&waiting.upload.record));
        // Whatever fails until here has changed nothing, and may work the next time.
        let sync = Arc::clone(&self.sync);
        let tail = self.room_for(bytes.len() as u64)?;
        frame::seal(&mut bytes, tail.header.salt, tail.sequence);
        let write = || {
            tail.file.write_all_at(&bytes, tail.offset)?;
            sync(&tail.file)
        };
        if let Err(error) = write() {
            let failed = Error::io("writing", &tail.path)(error);
            self.is_poisoned = true;
            return Err(failed);
        }
        let first = tail.offset + FRAME_HEADER_BYTES as u64;
        let places = places(group, tail.header.number, first);
        tail.offset += bytes.len() as u64;
        tail.sequence += 1;
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        self.counters.uploads.fetch_add(group.len() as u64, Ordering::Relaxed);
        self.counters.written_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(places)
    }

    /// The segment to write `bytes` to: the present one, or a new one when they do not fit.
    fn room_for(&mut self, bytes: u64) -> Result<&mut Tail, Error> {
        let has_room = self.tail.as_ref().is_some_and(|tail| tail.offset + bytes <= tail.allocated);
        if !has_room {
            let (number, first_sequence) =
                self.tail.as_ref().map_or((1, FIRST_SEQUENCE), |tail| (tail.header.number + 1, tail.sequence));
            let header = SegmentHeader { number, salt: self.rng.random(), first_sequence };
            let room = self.segment_bytes.max(SEGMENT_HEADER_BYTES as u64 + bytes);
            let fresh = Tail::create(&self.dir, header, room)?;
            self.segments.add(number, Arc::clone(&fresh.file));
            if let Some(full) = self.tail.replace(fresh) {
                full.trim();
            }
        }
        Ok(self.tail.as_mut().expect("a segment was just made if there was none"))
    }
}

fn places(group: &[Waiting], segment: u32, first: u64) -> Vec<(UserId, RecordAt)> {
    let mut start = first;
    let place = |waiting: &Waiting| {
        let record = &waiting.upload.record;
        let header = RecordHeader::read(record).expect("a packed upload starts with its header");
        let offset = u32::try_from(start).expect("a segment is smaller than 4 GiB") + RECORD_HEADER_LEN;
        start += record.len() as u64;
        (waiting.upload.user, RecordAt { segment, offset, shape: header.shape })
    };
    group.iter().map(place).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a small constant")]
const RECORD_HEADER_LEN: u32 = RECORD_HEADER_BYTES as u32;
