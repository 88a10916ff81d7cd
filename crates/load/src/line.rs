//! A line of requests, and the connections that serve it: each a worker that takes what waits longest.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::recorder::{Outcome, Record, Sample};
use crate::request::Request;
use crate::transport::{Answer, Connection, Failure, Transport};

/// What bounds a line.
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
    /// What the target refuses by its own rule is sent again until so long after it was released.
    pub patience: Option<Duration>,
}

/// How long a connection rests before it sends again what was refused: the least that `Retry-After` can say.
const PAUSE: Duration = Duration::from_secs(1);

/// A disk that is full for so long stays full.
const FULL_PATIENCE: Duration = Duration::from_secs(60);

/// A line of requests, and the connections that serve it.
#[derive(Debug)]
pub struct Line<T, R> {
    transport: T,
    pub(crate) bounds: Bounds,
    pub(crate) epoch: Instant,
    waiting: RefCell<VecDeque<Waiting>>,
    /// Workers that were called to what waits and have not come yet.
    called: Cell<usize>,
    /// Who has nothing to carry, the last one first: few busy connections are cheaper than many idle ones.
    idle: RefCell<Vec<Idle>>,
    /// What each worker is carrying.
    carried: RefCell<Vec<Carried>>,
    /// Who waits for everything to be answered.
    watcher: RefCell<Option<Waker>>,
    next_connect: Cell<Instant>,
    pub(crate) record: RefCell<R>,
}

/// What a worker is carrying, if anything, and how to tell it that nobody waits for the answer any more.
#[derive(Debug, Default)]
struct Carried {
    sample: Option<Sample>,
    waker: Option<Waker>,
    is_expired: bool,
    is_called: bool,
}

/// A worker that waits to be called.
#[derive(Debug)]
struct Idle {
    worker: usize,
    waker: Waker,
}

#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) request: Request,
    pub(crate) released: Duration,
    /// Whether an open connection was free when it was let go: until it is sent, the delay is ours.
    pub(crate) is_ours: bool,
    /// Whether a connection was closed under it before.
    pub(crate) is_again: bool,
}

/// What became of a connection and of the request that it carried.
struct Carriage {
    /// The connection is of more use.
    is_kept: bool,
    /// The request is to be sent again.
    is_again: bool,
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
            watcher: RefCell::default(),
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

    pub(crate) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn is_quiet(&self) -> bool {
        self.waiting.borrow().is_empty() && self.carried.borrow().iter().all(|carried| carried.sample.is_none())
    }

    fn can_open(&self, workers: &JoinSet<()>) -> bool {
        workers.len() < self.bounds.connections_max
    }

    /// Waits until nothing waits and nothing is under way.
    pub(crate) async fn quiet(&self) {
        poll_fn(|context| {
            if self.is_quiet() {
                return Poll::Ready(());
            }
            *self.watcher.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Makes room for what another worker carries.
    pub(crate) fn join(&self) -> usize {
        let mut carried = self.carried.borrow_mut();
        carried.push(Carried::default());
        carried.len() - 1
    }

    /// Puts a request into the line, and calls somebody who can carry it.
    pub(crate) fn release(self: &Rc<Self>, request: Request, released: Duration, workers: &mut JoinSet<()>) {
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
            Some(idle) => self.call(idle),
            None if can_open => {
                let worker = self.join();
                workers.spawn_local(Rc::clone(self).work(worker));
            }
            None => {}
        }
    }

    fn call(&self, idle: Idle) {
        if let Some(called) = self.carried.borrow_mut().get_mut(idle.worker) {
            called.is_called = true;
        }
        idle.waker.wake();
    }

    /// Counts a request that was due and that nobody will wait for any more: the run has ended before we got to it.
    pub(crate) fn miss(&self, request: &Request) {
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
            if let Some(mut waiting) = self.take() {
                waiting.is_ours &= was_open;
                if self.carry_on(worker, opened, &mut connection, &mut waiting).await {
                    self.waiting.borrow_mut().push_front(waiting);
                }
            }
            is_called = self.wanted(worker).await;
        }
    }

    /// Returns once something waits; true if somebody called.
    ///
    /// What is left of an exchange may wake a worker that nobody called; it stays among the idle.
    async fn wanted(&self, worker: usize) -> bool {
        let mut is_idle = false;
        poll_fn(|context| {
            if is_idle {
                let mut carried = self.carried.borrow_mut();
                let is_called = carried.get_mut(worker).is_some_and(|own| std::mem::take(&mut own.is_called));
                return if is_called { Poll::Ready(true) } else { Poll::Pending };
            }
            if !self.waiting.borrow().is_empty() {
                return Poll::Ready(false);
            }
            is_idle = true;
            self.idle.borrow_mut().push(Idle { worker, waker: context.waker().clone() });
            if let Some(watcher) = self.watcher.take() {
                watcher.wake();
            }
            Poll::Pending
        })
        .await
    }

    /// Opens a connection, not sooner after the last one than the bounds allow.
    pub(crate) async fn connect(&self) -> Result<T::Connection, Failure> {
        let at = self.next_connect.get().max(Instant::now());
        self.next_connect.set(at + self.bounds.connect_gap);
        if at > Instant::now() {
            sleep_until(at).await;
        }
        self.transport.connect().await
    }

    /// What waits longest, unless it has waited too long.
    fn take(&self) -> Option<Waiting> {
        loop {
            let waiting = self.waiting.borrow_mut().pop_front()?;
            let Some(shed_after) = self.bounds.shed_after else { return Some(waiting) };
            let now = self.now();
            if now.saturating_sub(waiting.released) < shed_after {
                return Some(waiting);
            }
            let sample = Sample::released(&waiting.request, waiting.released);
            self.record.borrow_mut().record(&sample.ended(now, Outcome::Failed(Failure::Shed)));
        }
    }

    /// Carries a request over `connection`, which was `opened` for it or was open. Lets go of a connection that is of no
    /// more use. True if the request is to be sent again: the target had closed the connection before, or refused it for
    /// now.
    ///
    /// It is lent from here on rather than handed over: every future that takes it would move it twice.
    pub(crate) async fn carry_on(
        self: &Rc<Self>,
        worker: usize,
        opened: Result<(), Failure>,
        connection: &mut Option<T::Connection>,
        waiting: &mut Waiting,
    ) -> bool {
        let (Ok(()), Some(open)) = (opened, &mut *connection) else {
            let failure = opened.err().unwrap_or(Failure::Connect);
            let sample = Sample::released(&waiting.request, waiting.released);
            self.record.borrow_mut().record(&sample.ended(self.now(), Outcome::Failed(failure)));
            self.try_again(&waiting.request, failure);
            return false;
        };
        let carried = self.carry(worker, open, waiting).await;
        if !carried.is_kept {
            *connection = None;
        }
        carried.is_again
    }

    /// Sends a request and waits for its answer.
    async fn carry(self: &Rc<Self>, worker: usize, open: &mut T::Connection, waiting: &mut Waiting) -> Carriage {
        let sent = self.now();
        if waiting.is_ours {
            waiting.released = sent;
        }
        let sample = Sample { sent: Some(sent), ..Sample::released(&waiting.request, waiting.released) };
        self.note(worker, Some(sample));
        if !waiting.is_again && !sample.is_retry {
            self.record.borrow_mut().sent(sample.operation);
        }
        let answer = self.unless_expired(worker, pin!(open.exchange(&waiting.request))).await;
        self.note(worker, None);
        let (outcome, is_kept) = match answer {
            Ok(answer) => (Outcome::Completed(answer), true),
            Err(failure) if self.is_patient(failure, waiting.released) => {
                self.record.borrow_mut().held_back(sample.operation);
                sleep(PAUSE).await;
                return Carriage { is_kept: true, is_again: true };
            }
            Err(Failure::Closed) if !waiting.is_again => {
                (waiting.is_ours, waiting.is_again) = (false, true);
                return Carriage { is_kept: false, is_again: true };
            }
            Err(Failure::Closed) => (Outcome::Failed(Failure::Broken), false),
            Err(failure) => (Outcome::Failed(failure), matches!(failure, Failure::Status(_) | Failure::Limited(_))),
        };
        self.record.borrow_mut().record(&sample.ended(self.now(), outcome));
        if let Outcome::Failed(failure) = outcome {
            self.try_again(&waiting.request, failure);
        }
        Carriage { is_kept, is_again: false }
    }

    /// Whether what was refused is to be sent again: a target that has no room may be about to make some.
    fn is_patient(&self, failure: Failure, released: Duration) -> bool {
        let Some(patience) = self.bounds.patience else { return false };
        let waited = self.now().saturating_sub(released);
        match failure {
            Failure::Limited(_) => waited < patience,
            failure => failure.is_full() && waited < patience.min(FULL_PATIENCE),
        }
    }

    /// Puts a request that failed into the line once more, when whoever sent it would. The end of the schedule waits for
    /// nobody who would try later.
    fn try_again(self: &Rc<Self>, request: &Request, failure: Failure) {
        let Some(again) = failure.is_passing().then(|| request.again(self.now())).flatten() else { return };
        let line = Rc::clone(self);
        tokio::task::spawn_local(async move {
            sleep_until(line.epoch + again.at).await;
            line.retry(again);
        });
    }

    /// Puts another try into the line: whoever carried the first is there to carry it.
    fn retry(&self, request: Request) {
        let idle = self.idle.borrow_mut().pop();
        let waiting = Waiting { request, released: self.now(), is_ours: idle.is_some(), is_again: false };
        self.waiting.borrow_mut().push_back(waiting);
        if let Some(idle) = idle {
            self.called.set(self.called.get() + 1);
            self.call(idle);
        }
    }

    /// The answer, or [`Failure::Timeout`] once [`Line::expire`] finds it overdue.
    async fn unless_expired(
        &self,
        worker: usize,
        mut answer: Pin<&mut impl Future<Output = Result<Answer, Failure>>>,
    ) -> Result<Answer, Failure> {
        poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            let mut carried = self.carried.borrow_mut();
            let Some(carried) = carried.get_mut(worker) else { return Poll::Pending };
            if carried.is_expired {
                return Poll::Ready(Err(Failure::Timeout));
            }
            let is_known = carried.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
            if !is_known {
                carried.waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    /// Gives up what has been under way for too long, looking again and again: a timer for each request would cost more
    /// than making it.
    pub(crate) async fn expire(self: Rc<Self>) {
        let timeout = self.bounds.request_timeout;
        let pause = (timeout / 20).clamp(Duration::from_millis(1), Duration::from_millis(100));
        loop {
            sleep(pause).await;
            let now = self.now();
            let mut carried = self.carried.borrow_mut();
            for carried in carried.iter_mut().filter(|carried| carried.is_overdue(now, timeout)) {
                carried.is_expired = true;
                if let Some(waker) = carried.waker.take() {
                    waker.wake();
                }
            }
        }
    }

    fn note(&self, worker: usize, sample: Option<Sample>) {
        if let Some(carried) = self.carried.borrow_mut().get_mut(worker) {
            carried.sample = sample;
            carried.is_expired = false;
        }
    }

    /// Records what the end of the run found unanswered or unsent.
    pub(crate) fn give_up(&self) {
        let now = self.now();
        let carried = self.carried.take().into_iter().filter_map(|carried| carried.sample);
        let waiting = self.waiting.take();
        let unsent = waiting.iter().map(|waiting| Sample::released(&waiting.request, waiting.released));
        let mut record = self.record.borrow_mut();
        carried.chain(unsent).for_each(|sample| record.record(&sample.ended(now, Outcome::Censored)));
    }
}

impl Carried {
    fn is_overdue(&self, now: Duration, timeout: Duration) -> bool {
        let sent = self.sample.and_then(|sample| sample.sent);
        sent.is_some_and(|sent| now.saturating_sub(sent) >= timeout)
    }
}
