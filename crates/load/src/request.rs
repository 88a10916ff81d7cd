//! Requests: an arrival with everything that is written to the wire.

use std::future::Future;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Method};
use tokio::sync::mpsc;

use crate::operation::Operation;
use crate::plan::Plan;
use crate::population::Population;
use crate::schedule::{Arrival, Part};

/// How many requests are made before they are due. More would only hold memory: a median upload has 65 kB.
const MADE_AHEAD_MAX: usize = 256;

/// What is written to the wire, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its place in the whole schedule.
    pub number: u64,
    /// The intended time, from the start of the run.
    pub at: Duration,
    /// What it is.
    pub operation: Operation,
    /// Whose it is.
    pub user: u32,
    /// The method.
    pub method: Method,
    /// The route.
    pub path: PathAndQuery,
    /// All headers but the length of the body and the number.
    pub headers: Arc<HeaderMap>,
    /// Whether it says its number, as `x-request-id`.
    pub has_id: bool,
    /// The body.
    pub body: Bytes,
    /// How many entries it carries.
    pub entries: usize,
    /// Before the run: how many more days of people are under way with it.
    pub person_days: u32,
    /// When whoever sends it would try again, should it fail: the times of their next syncs, from the start of the run.
    pub retries_at: Vec<Duration>,
    /// Whether it is such another try, which no schedule has.
    pub is_retry: bool,
}

impl Request {
    /// The headers that are sent.
    pub fn all_headers(&self) -> HeaderMap {
        let mut headers = self.headers.as_ref().clone();
        if self.has_id {
            headers.insert("x-request-id", HeaderValue::from(self.number));
        }
        headers
    }

    /// The same once more, at the first moment after `failed` at which it would be tried again.
    pub(crate) fn again(&self, failed: Duration) -> Option<Self> {
        let mut later = self.retries_at.iter().copied().filter(|at| *at >= failed);
        let at = later.next()?;
        Some(Self { at, retries_at: later.collect(), is_retry: true, ..self.clone() })
    }
}

/// The requests of a part of a schedule, in its order.
#[derive(Debug)]
pub struct Requests<S> {
    plan: Arc<Plan>,
    schedule: S,
    part: Part,
    /// How many puts each person has had, whoever sent them.
    puts: Vec<u32>,
}

impl<S: Iterator<Item = Arrival>> Requests<S> {
    /// The requests of `part` of the whole `schedule`.
    pub fn new(plan: Arc<Plan>, schedule: S, part: Part) -> Self {
        let puts = vec![0; plan.users()];
        Self { plan, schedule, part, puts }
    }
}

impl<S: Iterator<Item = Arrival>> Iterator for Requests<S> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        loop {
            let arrival = self.schedule.next()?;
            let turn = if self.plan.is_put(arrival.operation) {
                let puts = self.puts.get_mut(arrival.user as usize)?;
                *puts += 1;
                *puts - 1
            } else {
                0
            };
            if self.part.has(arrival.number) {
                return Some(self.plan.request(&arrival, turn));
            }
        }
    }
}

/// Every upload of the days before the run, day by day and person by person; gives the population back when asked.
#[derive(Debug)]
pub struct Before {
    /// Whose days they are.
    pub population: Population,
    /// Of which people: those whose number leaves the remainder.
    pub part: Part,
    /// Those of earlier days than this.
    pub until_day: u32,
    /// The headers of an upload.
    pub headers: Arc<HeaderMap>,
}

impl Before {
    /// Everybody's.
    pub fn all(population: Population) -> Self {
        Self { population, part: Part::WHOLE, until_day: u32::MAX, headers: Arc::default() }
    }
}

impl Iterator for Before {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let (upload, user, person_days) = self.population.next_before(self.part, self.until_day)?;
        Some(Request {
            number: 0,
            at: Duration::ZERO,
            operation: Operation::default(),
            user,
            method: Method::POST,
            path: PathAndQuery::from_static(rushhour_model::wire::route::USERCACHE_PUT),
            headers: Arc::clone(&self.headers),
            has_id: false,
            body: upload.body,
            entries: upload.entries,
            person_days,
            retries_at: Vec::new(),
            is_retry: false,
        })
    }
}

/// Gives one request after another.
pub trait Source {
    /// The next one; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Option<Request>>;
}

/// Requests that cost next to nothing to make, or that are there already.
#[derive(Debug)]
pub struct Ready<I>(pub I);

impl<I: Iterator<Item = Request>> Source for Ready<I> {
    async fn next(&mut self) -> Option<Request> {
        self.0.next()
    }
}

/// Requests that are made on a thread of their own, a bounded number ahead, so that making one never delays sending or
/// receiving another.
#[derive(Debug)]
pub struct Ahead<I> {
    made: mpsc::Receiver<Request>,
    maker: Maker<I>,
}

#[derive(Debug)]
enum Maker<I> {
    Making(JoinHandle<I>),
    Done(I),
    Failed,
}

impl<I: Iterator<Item = Request> + Send + 'static> Ahead<I> {
    /// Starts making `requests`.
    pub fn start(mut requests: I) -> Self {
        let (sender, made) = mpsc::channel(MADE_AHEAD_MAX);
        let maker = std::thread::spawn(move || {
            // The run may be stopped early.
            while let Some(request) = requests.next()
                && sender.blocking_send(request).is_ok()
            {}
            requests
        });
        Self { made, maker: Maker::Making(maker) }
    }

    /// Stops making them, and gives back what they are made from.
    pub fn into_inner(mut self) -> I {
        self.made.close();
        self.maker.join()
    }
}

impl<I> Maker<I> {
    /// Waits for the thread to end. A schedule that ends too soon must not look like one that was sent to its end: who
    /// waits for a thread that panicked panics.
    fn join(self) -> I {
        match self {
            Self::Making(maker) => maker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Self::Done(requests) => requests,
            Self::Failed => panic!("the requests could not be made"),
        }
    }
}

impl<I> Source for Ahead<I> {
    async fn next(&mut self) -> Option<Request> {
        let next = self.made.recv().await;
        if next.is_none() {
            self.maker = Maker::Done(std::mem::replace(&mut self.maker, Maker::Failed).join());
        }
        next
    }
}
