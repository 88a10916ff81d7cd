//! Requests: an arrival with everything that is written to the wire, made ahead of its time.

use std::future::Future;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use rushhour_model::day::{DAY_S, start_s};
use rushhour_model::entry::key;
use rushhour_model::wire::{Call, FindEntriesRequest, route};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::operation::Operation;
use crate::population::{self, LivedDays, Population, Upload};
use crate::schedule::Arrival;

/// How many requests are made before they are due. More would only hold memory: a median upload has 65 kB.
const MADE_AHEAD_MAX: usize = 256;

/// What is written to the wire, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The intended time, from the start of the run.
    pub at: Duration,
    /// What it is.
    pub operation: Operation,
    /// The route.
    pub path: String,
    /// JSON.
    pub body: Bytes,
    /// How many entries it carries.
    pub entries: usize,
    /// Before the run: how many more days of people are under way with it.
    pub person_days: u32,
}

/// The requests of a schedule, in its order. A put carries what the person's phone has not sent before.
#[derive(Debug)]
pub struct Requests<S> {
    schedule: S,
    population: Population,
}

impl<S: Iterator<Item = Arrival>> Requests<S> {
    /// The requests of `schedule` for `population`, whose days before the run have been uploaded.
    pub fn new(schedule: S, population: Population) -> Self {
        Self { schedule, population }
    }
}

impl<S: Iterator<Item = Arrival>> Iterator for Requests<S> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let Arrival { at, operation, user, draw } = self.schedule.next()?;
        let population = &mut self.population;
        Some(match operation {
            Operation::Put => put(at, population.next_upload(user)),
            Operation::Get => plain(at, operation, route::USERCACHE_GET.to_owned(), &call(&population.token(user))),
            // Readers look at any day that is in the store.
            Operation::Timeline => {
                let path = format!("{}/{}", route::GET_TRIPS, population.read_days(user, draw).first);
                plain(at, operation, path, &call(&population.token(user)))
            }
            Operation::Find => {
                let token = population.token(user);
                let body = find(&token, population.read_days(user, draw));
                plain(at, operation, format!("{}/timestamp", route::FIND_ENTRIES), &body)
            }
        })
    }
}

/// Every upload of the days before the run, day by day and person by person; gives the population back when asked.
#[derive(Debug)]
pub struct Before(pub Population);

impl Iterator for Before {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let (upload, person_days) = self.0.next_before()?;
        Some(Request { person_days, ..put(Duration::ZERO, upload) })
    }
}

/// Gives one request after another.
pub trait Source {
    /// The next one; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Option<Request>>;
}

/// Requests that cost nothing to make, or that are there already.
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

fn put(at: Duration, upload: Upload) -> Request {
    let Upload { entries, body } = upload;
    Request { at, operation: Operation::Put, path: route::USERCACHE_PUT.to_owned(), body, entries, person_days: 0 }
}

fn call(token: &str) -> Call<'_> {
    Call { user: Some(token.into()) }
}

/// What the app asks for when it shows what the pipeline has not reached yet.
fn find(token: &str, days: LivedDays) -> FindEntriesRequest<'_> {
    let start = start_s(days.first);
    let end = start + i64::from(days.count) * DAY_S;
    FindEntriesRequest {
        user: Some(token.into()),
        key_list: Some([key::FILTERED_LOCATION, key::TRANSITION].map(str::to_owned).to_vec()),
        start_time: Some(start as f64),
        end_time: Some(end as f64),
        ..FindEntriesRequest::default()
    }
}

fn plain(at: Duration, operation: Operation, path: String, body: &impl Serialize) -> Request {
    Request { at, operation, path, body: population::body(body), entries: 0, person_days: 0 }
}
