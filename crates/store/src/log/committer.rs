//! The one thread that writes: it takes every upload that is waiting, writes them as one frame, syncs once, and only
//! then lets them be seen and acknowledged.
//!
//! While a sync runs the next uploads gather, so groups grow with the load. Where syncs are quick they would stay small,
//! and each costs the processor as much as a large one; so while many come the next ones gather a little longer. A lone
//! upload, and those of a few who wait for each answer, never wait for company.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::Error;
use crate::hot::{Hot, HotRecord};
use crate::log::frame::{self, FRAME_HEADER_BYTES};
use crate::log::segment::{SEGMENT_HEADER_BYTES, Segment, SegmentHeader, Tail, segment_path};
use crate::log::{LogPosition, RecordAt, Segments};
use crate::room::Room;
use crate::upload::Upload;

/// How many uploads may wait for the writing thread; further ones wait in their requests.
const WAITING_UPLOADS_MAX: usize = 1024;
/// A group is closed once it has this many bytes; one larger upload makes a group of its own.
const GROUP_BYTES_MAX: usize = 1 << 20;
/// After a group of so many uploads the next ones gather …
const GATHER_AFTER: usize = 4;
/// … until so long after that group was started …
const GATHER_MAX: Duration = Duration::from_millis(1);
/// … and only while each such step brings another one: when everybody who waits for an answer is there, nobody comes.
const GATHER_STEP: Duration = Duration::from_micros(150);
/// The largest upload that is taken.
const UPLOAD_BYTES_MAX: usize = 1 << 30;
/// Without a sync for every group, so much may be written before there is one all the same.
const UNSYNCED_BYTES_MAX: u64 = 4 << 20;

/// When an upload is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ack {
    /// When it is durable: it survives power loss.
    #[default]
    Sync,
    /// When it is in the log's file: it survives the end of the process, and a power loss soon after may lose it.
    Log,
    /// When it waits to be written: the end of the process may lose it, and a full disk loses it without a word.
    Memory,
}

enum Job {
    Append(Waiting),
    /// Lets the next upload start a segment of its own.
    Rotate(oneshot::Sender<()>),
}

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
    /// Uploads that were acknowledged from memory and then could not be written.
    pub(crate) dropped: AtomicU64,
    /// Whether a write has failed, after which there are no more.
    pub(crate) is_poisoned: AtomicBool,
    sync_ns: AtomicU64,
    sync_buckets: [AtomicU64; SYNC_BOUNDS_S.len() + 1],
}

/// Syncs are counted by these durations, in seconds: flash with a battery, flash, a disk that turns, and trouble.
pub const SYNC_BOUNDS_S: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// How long the syncs of the log took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SyncTimes {
    /// All of them together, in seconds.
    pub sum_s: f64,
    /// How many took no longer than each of [`SYNC_BOUNDS_S`], and longer than the one before; the last took longer.
    pub buckets: [u64; SYNC_BOUNDS_S.len() + 1],
}

impl Counters {
    fn note_sync(&self, took: Duration) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.sync_ns.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        let bucket = SYNC_BOUNDS_S.partition_point(|bound_s| *bound_s < took.as_secs_f64());
        if let Some(bucket) = self.sync_buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How long syncs took.
    pub(crate) fn sync_times(&self) -> SyncTimes {
        let sum_s = Duration::from_nanos(self.sync_ns.load(Ordering::Relaxed)).as_secs_f64();
        SyncTimes { sum_s, buckets: self.sync_buckets.each_ref().map(|count| count.load(Ordering::Relaxed)) }
    }
}

/// The handle of the writing thread.
#[derive(Debug)]
pub(crate) struct Committer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    ack: Ack,
}

impl Committer {
    /// Starts the thread.
    pub(crate) fn start(mut log: Log) -> std::io::Result<Self> {
        let (queue, mut waiting) = mpsc::channel(WAITING_UPLOADS_MAX);
        let ack = log.ack;
        let thread = std::thread::Builder::new().name("log-committer".into()).spawn(move || {
            while let Some(first) = waiting.blocking_recv() {
                log.gather(&waiting);
                log.work(first, &mut waiting);
            }
            log.rotate();
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), ack })
    }

    /// Returns once `upload` is as safe as the store's [`Ack`] says.
    pub(crate) async fn append(&self, upload: Upload) -> Result<(), Error> {
        let bytes = upload.record_bytes();
        if bytes > UPLOAD_BYTES_MAX {
            return Err(Error::TooLarge { bytes, max: UPLOAD_BYTES_MAX });
        }
        let (done, outcome) = oneshot::channel();
        self.queue().send(Job::Append(Waiting { upload, done })).await.map_err(|_| Error::Poisoned)?;
        if self.ack == Ack::Memory { Ok(()) } else { outcome.await.map_err(|_| Error::Poisoned)? }
    }

    /// Ends the present segment, so that all of it can be retired. Blocks the thread.
    pub(crate) fn rotate(&self) {
        let (done, outcome) = oneshot::channel();
        if self.queue().blocking_send(Job::Rotate(done)).is_ok() {
            let _ = outcome.blocking_recv();
        }
    }

    fn queue(&self) -> &mpsc::Sender<Job> {
        self.queue.as_ref().expect("the queue is only taken when the committer is stopped")
    }

    /// Lets the thread finish what is waiting.
    pub(crate) fn stop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The writing end of the log.
pub(crate) struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) segment_bytes: u64,
    pub(crate) ack: Ack,
    pub(crate) tail: Option<Tail>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) room: Arc<Room>,
    pub(crate) hot: Arc<Hot>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Clock,
    /// Draws the salts of new segments.
    pub(crate) rng: StdRng,
    pub(crate) is_poisoned: bool,
    /// Frames and bytes that were written since the last sync.
    pub(crate) unsynced: (u32, u64),
    /// The last group: when it was started, and how many uploads it had.
    pub(crate) last_group: (Duration, usize),
}

impl Log {
    /// Waits for more uploads while many come.
    fn gather(&self, waiting: &mpsc::Receiver<Job>) {
        let mut seen = waiting.len();
        while self.ack == Ack::Sync && may_gather(self.last_group, (self.clock)()) {
            std::thread::sleep(GATHER_STEP);
            let before = std::mem::replace(&mut seen, waiting.len());
            if seen <= before {
                break;
            }
        }
    }

    fn work(&mut self, first: Job, waiting: &mut mpsc::Receiver<Job>) {
        let mut group = Vec::new();
        let (mut bytes, mut next) = (0, Some(first));
        let mut rotated = None;
        while let Some(job) = next.take() {
            match job {
                Job::Append(upload) => {
                    bytes += upload.upload.record_bytes();
                    group.push(upload);
                }
                Job::Rotate(done) => rotated = Some(done),
            }
            if bytes < GROUP_BYTES_MAX && rotated.is_none() {
                next = waiting.try_recv().ok();
            }
        }
        if !group.is_empty() {
            self.last_group = ((self.clock)(), group.len());
            self.commit(group);
        }
        if self.unsynced.0 > 0 && (waiting.is_empty() || self.unsynced.1 > UNSYNCED_BYTES_MAX) {
            // Whoever waits for the next frame is told when it failed.
            let _ = self.sync();
        }
        if let Some(done) = rotated {
            self.rotate();
            let _ = done.send(());
        }
    }

    fn commit(&mut self, group: Vec<Waiting>) {
        let outcome = if self.is_poisoned { Err(Error::Poisoned) } else { self.write(&group) };
        let records = match outcome {
            Ok(records) => records,
            Err(error) => {
                for waiting in group {
                    if waiting.done.send(Err(error.clone())).is_err() && self.ack == Ack::Memory {
                        self.counters.dropped.fetch_add(1, Ordering::Relaxed);
                    }
                }
                return;
            }
        };
        for (waiting, record) in group.into_iter().zip(records) {
            self.hot.apply(waiting.upload.header.user, record);
            // The caller may have given up; the upload is kept all the same.
            let _ = waiting.done.send(Ok(()));
        }
    }

    /// Writes the group as one frame, as durably as is asked for, and tells where each record went.
    fn write(&mut self, group: &[Waiting]) -> Result<Vec<HotRecord>, Error> {
        let bytes = FRAME_HEADER_BYTES + group.iter().map(|waiting| waiting.upload.record_bytes()).sum::<usize>();
        // Whatever fails until here has changed nothing, and may work the next time.
        self.make_room(bytes as u64)?;
        let tail = self.tail.as_mut().expect("room was just made in it");
        let (frame, records) = frame_of(group, &self.hot, tail, bytes, self.unsynced.0);
        if let Err(error) = tail.file.write_at(tail.offset, &frame) {
            let failed = Error::io("writing", &tail.path)(error);
            self.poison();
            return Err(failed);
        }
        self.unsynced = (self.unsynced.0 + 1, self.unsynced.1 + bytes as u64);
        tail.offset += bytes as u64;
        tail.sequence += 1;
        if self.ack == Ack::Sync {
            self.sync()?;
        }
        self.counters.uploads.fetch_add(group.len() as u64, Ordering::Relaxed);
        self.counters.written_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(records)
    }

    fn sync(&mut self) -> Result<(), Error> {
        let Some(tail) = &self.tail else { return Ok(()) };
        let started = (self.clock)();
        if let Err(error) = tail.file.sync() {
            let failed = Error::io("syncing", &tail.path)(error);
            self.poison();
            return Err(failed);
        }
        self.unsynced = (0, 0);
        self.counters.note_sync((self.clock)().saturating_sub(started));
        Ok(())
    }

    /// Ends all writing: nobody knows what the file holds.
    fn poison(&mut self) {
        self.is_poisoned = true;
        self.counters.is_poisoned.store(true, Ordering::Relaxed);
    }

    /// Sees to it that `bytes` fit into the present segment, or starts a new one.
    fn make_room(&mut self, bytes: u64) -> Result<(), Error> {
        let room = self.segment_bytes.max(SEGMENT_HEADER_BYTES as u64 + bytes);
        if let Some(tail) = &mut self.tail {
            let end = tail.offset + bytes;
            if end <= tail.allocated {
                return Ok(());
            }
            // It was cut when it was closed.
            if end <= self.segment_bytes {
                self.room.for_log(&tail.path, self.segment_bytes - tail.allocated)?;
                return tail.extend(self.segment_bytes);
            }
        }
        self.rotate();
        if self.is_poisoned {
            return Err(Error::Poisoned);
        }
        let end = self.segments.end();
        self.room.for_log(&segment_path(self.segments.dir(), end.segment), room)?;
        let header = SegmentHeader { number: end.segment, salt: self.rng.random(), first_sequence: end.sequence };
        let fresh = Tail::create(&*self.disk, self.segments.dir(), header, room)?;
        let segment = Segment { file: Arc::clone(&fresh.file), first_sequence: end.sequence };
        self.segments.add(end.segment, segment);
        self.tail = Some(fresh);
        Ok(())
    }

    /// Ends the present segment durably: a frame in the next one tells that all before it are.
    fn rotate(&mut self) {
        if self.unsynced.0 > 0 && self.sync().is_err() {
            return;
        }
        if let Some(mut full) = self.tail.take() {
            full.trim();
            self.segments.set_end(LogPosition { segment: full.header.number + 1, sequence: full.sequence });
        }
    }
}

/// Whether uploads may gather after this group.
fn may_gather((started, uploads): (Duration, usize), now: Duration) -> bool {
    uploads >= GATHER_AFTER && now.saturating_sub(started) < GATHER_MAX
}

/// The frame of a group, and the place and number of each of its records.
fn frame_of(group: &[Waiting], hot: &Hot, tail: &Tail, bytes: usize, unsynced: u32) -> (Vec<u8>, Vec<HotRecord>) {
    let mut frame = Vec::with_capacity(bytes);
    frame.resize(FRAME_HEADER_BYTES, 0);
    let mut numbers: HashMap<UserId, u32> = HashMap::new();
    let (mut records, arrived) = (Vec::with_capacity(group.len()), hot.now());
    for Waiting { upload, .. } in group {
        let next = numbers.entry(upload.header.user).or_insert_with(|| hot.next_number(upload.header.user));
        let offset = tail.offset + frame.len() as u64;
        let offset = u32::try_from(offset).expect("a segment is smaller than 4 GiB");
        let mut header = upload.header;
        header.number = *next;
        *next += 1;
        frame.extend_from_slice(&header.write());
        frame.extend_from_slice(&upload.rows);
        let at = RecordAt { segment: tail.header.number, offset };
        records.push(HotRecord::new(&header, upload.keys, at, arrived));
    }
    frame::seal(&mut frame, tail.header.salt, tail.sequence, unsynced);
    (frame, records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_gather_only_right_after_many() {
        let after = |uploads: usize, passed_us: u64| {
            let started = Duration::from_secs(7);
            may_gather((started, uploads), started + Duration::from_micros(passed_us))
        };
        assert!(after(4, 0) && after(100, 999));
        // A lone upload; those of a few; and those on a disk that takes its time, during which they have gathered.
        assert!(!after(1, 0) && !after(3, 0) && !after(100, 1_000));
    }
}
