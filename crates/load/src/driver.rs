//! The one loop that waits: it lets each request go at its intended time, whatever became of the ones before it.
//!
//! An arrival is never skipped and never re-timed. What was let go stands in one line per thread, and every connection is
//! a worker that takes the next from that line, so a slow answer delays no request that another connection could carry.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::pacer::Pacer;
use crate::recorder::{Outcome, Record, Sample};
use crate::request::{Request, Source};
use crate::stop::Stop;
use crate::transport::{Connection, Failure, Transport};

/// So many requests are let go before those who carry them have their turn, when many are due at once.
const RELEASED_AT_ONCE_MAX: u32 = 64;

/// What bounds a drive.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At most this many connections.
    pub connections_max: usize,
    /// The least time between opening two of them.
    pub connect_gap: Duration,
    /// How long an answer may take from the moment the request was sent.
    pub request_timeout: Duration,
    /// When this many requests wait for a connection, the target is saturated.
    pub backlog_max: usize,
    /// When the run ends, whatever is still under way.
    pub end: Duration,
    /// What has waited so long for a connection is given up.
    pub shed_after: Option<Duration>,
    /// What finds no connection free is given up.
    pub drop: bool,
}

/// When requests are let go.
#[derive(Debug)]
pub enum Pace {
    /// At their intended times.
    Open(Pacer),
    /// As soon as a connection is free, until this time: their intended time is then.
    Closed(Duration),
}

/// How a drive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// The schedule was sent to its end.
    Finished,
    /// The backlog passed its bound.
    Saturated,
    /// Somebody stopped it.
    Interrupted,
}

/// What a drive tells beside the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Driven {
    /// How it ended.
    pub ending: Ending,
    /// When the last request was let go, from the start of the run.
    pub ended: Duration,
    /// The most requests that waited for a connection at once.
    pub backlog_max: u64,
    /// How many requests were let go.
    pub released: u64,
}

/// A line of requests, and the connections that serve it.
#[derive(Debug)]
pub struct Line<T, R> {
    transport: T,
    bounds: Bounds,
    epoch: Instant,
    waiting: RefCell<VecDeque<Waiting>>,
    /// Workers that were called to what waits and have not come yet.
    called: Cell<usize>,
    /// Who has nothing to carry, the last one first: few busy connections are cheaper than many idle ones.
    idle: RefCell<Vec<Waker>>,
    /// What each worker is carrying.
    carried: RefCell<Vec<Option<Sample>>>,
    /// Who lets requests go, while it waits for a connection to be free or for everything to be answered.
    feeder: RefCell<Option<Waker>>,
    next_connect: Cell<Instant>,
    record: RefCell<R>,
}

#[derive(Debug)]
struct Waiting {
    request: Request,
    released: Duration,
    /// Whether an open connection was free when it was let go: until it is sent, the delay is ours.
    is_ours: bool,
    /// Whether a connection was closed under it before.
    is_again: bool,
}

/// Sends every request at its time, and records each. Must run inside a [`tokio::task::LocalSet`].
pub async fn drive<T, R>(mut requests: impl Source, line: &Rc<Line<T, R>>, mut pace: Pace, stop: Stop) -> Driven
where
    T: Transport + 'static,
    R: Record + 'static,
{
    let mut workers = JoinSet::new();
    let mut driven = Driven { ending: Ending::Finished, ended: Duration::ZERO, backlog_max: 0, released: 0 };
    let mut at_once = 0;
    // Made once: a closed loop looks at it for every request.
    let over = over(line.epoch, &pace, stop.clone());
    tokio::pin!(over);
    while let Some(mut request) = requests.next().await {
        let is_to_go = match &mut pace {
            Pace::Open(pacer) => pacer.wait_until(request.at, &stop).await,
            Pace::Closed(end) => {
                tokio::select! {
                    biased;
                    () = line.free(&workers) => {}
                    () = &mut over => {}
                }
                request.at = line.now();
                if request.at >= *end {
                    break;
                }
                !stop.is_requested()
            }
        };
        if !is_to_go {
            driven.ending = Ending::Interrupted;
            break;
        }
        driven.ended = line.now();
        if driven.ended >= line.bounds.end {
            line.miss(&request);
            continue;
        }
        driven.released += 1;
        line.release(request, driven.ended, &mut workers);
        let backlog = line.backlog();
        driven.backlog_max = driven.backlog_max.max(backlog as u64);
        if backlog >= line.bounds.backlog_max {
            driven.ending = Ending::Saturated;
            break;
        }
        at_once = if line.now() < driven.ended + Duration::from_micros(5) { at_once } else { 0 } + 1;
        if at_once % RELEASED_AT_ONCE_MAX == 0 {
            tokio::task::yield_now().await;
        }
    }
    if driven.ending == Ending::Finished && !drained(line, stop).await {
        driven.ending = Ending::Interrupted;
    }
    workers.shutdown().await;
    line.give_up();
    driven
}

/// Returns when a closed loop is over, or somebody stopped it.
fn over(epoch: Instant, pace: &Pace, mut stop: Stop) -> impl Future<Output = ()> + use<> {
    let end = match pace {
        Pace::Open(_) => None,
        Pace::Closed(end) => epoch.checked_add(*end),
    };
    async move {
        tokio::select! {
            () = stop.requested() => {}
            () = async { sleep_until(end.unwrap_or(epoch)).await }, if end.is_some() => {}
        }
    }
}

/// Waits until nothing is under way, or for the end of the run; false if somebody stopped it first.
async fn drained<T: Transport + 'static, R: Record + 'static>(line: &Line<T, R>, mut stop: Stop) -> bool {
    tokio::select! {
        biased;
        () = line.until(|line| line.is_quiet()) => true,
        () = sleep_until(line.epoch + line.bounds.end) => true,
        () = stop.requested() => false,
    }
}

impl<T: Transport + 'static, R: Record + 'static> Line<T, R> {
    /// A line to `transport` within `bounds`, whose times count from `epoch`.
    pub fn new(transport: T, bounds: Bounds, epoch: Instant, record: R) -> Rc<Self> {
        Rc::new(Self {
            transport,
            bounds,
            epoch,
            waiting: RefCell::default(),
            called: Cell::new(0),
            idle: RefCell::default(),
            carried: RefCell::default(),
            feeder: RefCell::default(),
            next_connect: Cell::new(epoch),
            record: RefCell::new(record),
        })
    }

    /// What was recorded so far.
    pub fn record(&self) -> RefMut<'_, R> {
        self.record.borrow_mut()
    }

    /// How many requests wait for a connection that nobody is opening or has free.
    pub fn backlog(&self) -> usize {
        self.waiting.borrow().len().saturating_sub(self.called.get())
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn is_quiet(&self) -> bool {
        self.waiting.borrow().is_empty() && self.carried.borrow().iter().all(Option::is_none)
    }

    fn can_open(&self, workers: &JoinSet<()>) -> bool {
        workers.len() < self.bounds.connections_max
    }

    /// Waits until a connection has nothing to do or may be opened.
    async fn free(&self, workers: &JoinSet<()>) {
        self.until(|line| line.backlog() == 0 && (line.can_open(workers) || !line.idle.borrow().is_empty())).await;
    }

    /// Waits until `is_so`, which is looked at whenever a worker has done something.
    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        poll_fn(|context| {
            if is_so(self) {
                return Poll::Ready(());
            }
            *self.feeder.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Puts a request into the line, and calls somebody who can carry it.
    fn release(self: &Rc<Self>, request: Request, released: Duration, workers: &mut JoinSet<()>) {
        let idle = self.idle.borrow_mut().pop();
        let can_open = self.can_open(workers);
        if self.bounds.drop && idle.is_none() && !can_open {
            let sample = Sample::released(&request, released);
            let mut record = self.record.borrow_mut();
            record.released(request.operation);
            record.record(&sample.ended(self.now(), Outcome::Failed(Failure::Shed)));
            return;
        }
        let is_ours = idle.is_some();
        self.record.borrow_mut().released(request.operation);
        self.waiting.borrow_mut().push_back(Waiting { request, released, is_ours, is_again: false });
        self.called.set(self.called.get() + usize::from(is_ours || can_open));
        match idle {
            Some(idle) => idle.wake(),
            None if can_open => {
                let worker = workers.len();
                self.carried.borrow_mut().push(None);
                workers.spawn_local(Rc::clone(self).work(worker));
            }
            None => {}
        }
    }

    /// Counts a request that was due and that nobody will wait for any more: the run has ended before we got to it.
    fn miss(&self, request: &Request) {
        let mut record = self.record.borrow_mut();
        record.released(request.operation);
        record.record(&Sample::released(request, self.now()));
    }

    /// One connection's life: whatever waits longest, one after another.
    async fn work(self: Rc<Self>, worker: usize) {
        let mut connection: Option<T::Connection> = None;
        // It was started because something waits.
        let mut is_called = true;
        loop {
            let was_open = connection.as_ref().is_some_and(Connection::is_usable);
            let opened = if was_open { Ok(()) } else { self.connect().await.map(|open| connection = Some(open)) };
            self.called.set(self.called.get().saturating_sub(usize::from(is_called)));
            // Others may have taken what was waiting while this one was opened.
            if let Some(waiting) = self.take(was_open) {
                let is_kept = match (opened, &mut connection) {
                    (Ok(()), Some(open)) => self.carry(worker, open, waiting).await,
                    (opened, _) => {
                        let failure = opened.err().unwrap_or(Failure::Connect);
                        let sample = Sample::released(&waiting.request, waiting.released);
                        self.record.borrow_mut().record(&sample.ended(self.now(), Outcome::Failed(failure)));
                        false
                    }
                };
                connection = connection.filter(|_| is_kept);
            }
            is_called = self.wanted().await;
        }
    }

    /// Returns once something waits; true if somebody called.
    async fn wanted(&self) -> bool {
        let mut is_called = false;
        poll_fn(|context| {
            if is_called || !self.waiting.borrow().is_empty() {
                return Poll::Ready(is_called);
            }
            is_called = true;
            self.idle.borrow_mut().push(context.waker().clone());
            self.wake_feeder();
            Poll::Pending
        })
        .await
    }

    fn wake_feeder(&self) {
        if let Some(feeder) = self.feeder.take() {
            feeder.wake();
        }
    }

    /// Opens a connection, not sooner after the last one than the bounds allow.
    async fn connect(&self) -> Result<T::Connection, Failure> {
        let at = self.next_connect.get().max(Instant::now());
        self.next_connect.set(at + self.bounds.connect_gap);
        if at > Instant::now() {
            sleep_until(at).await;
        }
        self.transport.connect().await
    }

    /// What waits longest, unless it has waited too long. `was_open` says whether the taker's connection had not to be
    /// opened first.
    fn take(&self, was_open: bool) -> Option<Waiting> {
        loop {
            let mut waiting = self.waiting.borrow_mut().pop_front()?;
            waiting.is_ours &= was_open;
            let now = self.now();
            if self.bounds.shed_after.is_none_or(|after| now.saturating_sub(waiting.released) < after) {
                return Some(waiting);
            }
            let sample = Sample::released(&waiting.request, waiting.released);
            self.record.borrow_mut().record(&sample.ended(now, Outcome::Failed(Failure::Shed)));
        }
    }

    /// Sends a request and waits for its answer; false if the connection is of no more use.
    async fn carry(&self, worker: usize, open: &mut T::Connection, mut waiting: Waiting) -> bool {
        let sent = self.now();
        if waiting.is_ours {
            waiting.released = sent;
        }
        let sample = Sample { sent: Some(sent), ..Sample::released(&waiting.request, waiting.released) };
        self.note(worker, Some(sample));
        if !waiting.is_again {
            self.record.borrow_mut().sent(sample.operation);
        }
        let answer = timeout(self.bounds.request_timeout, open.exchange(&waiting.request)).await;
        self.note(worker, None);
        let (outcome, is_kept) = match answer {
            Ok(Ok(answer)) => (Outcome::Completed(answer), true),
            Ok(Err(Failure::Closed)) if !waiting.is_again => {
                self.waiting.borrow_mut().push_front(Waiting { is_ours: false, is_again: true, ..waiting });
                return false;
            }
            Ok(Err(Failure::Closed)) => (Outcome::Failed(Failure::Broken), false),
            Ok(Err(failure)) => (Outcome::Failed(failure), matches!(failure, Failure::Status(_) | Failure::Limited(_))),
            Err(_) => (Outcome::Failed(Failure::Timeout), false),
        };
        self.record.borrow_mut().record(&sample.ended(self.now(), outcome));
        is_kept
    }

    fn note(&self, worker: usize, sample: Option<Sample>) {
        if let Some(carried) = self.carried.borrow_mut().get_mut(worker) {
            *carried = sample;
        }
    }

    /// Records what the end of the run found unanswered or unsent.
    fn give_up(&self) {
        let now = self.now();
        let carried = self.carried.take().into_iter().flatten();
        let waiting = self.waiting.take();
        let unsent = waiting.iter().map(|waiting| Sample::released(&waiting.request, waiting.released));
        let mut record = self.record.borrow_mut();
        carried.chain(unsent).for_each(|sample| record.record(&sample.ended(now, Outcome::Censored)));
    }
}
