//! Requests: an arrival with everything that is written to the wire, made ahead of its time.

use std::future::Future;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use rushhour_model::day::{DAY_S, start_s};
use rushhour_model::entry::key;
use rushhour_model::shift;
use rushhour_model::wire::{Call, FindEntriesRequest, PutCall, route};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::operation::Operation;
use crate::population::{LivedDay, Population};
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
}

/// Where a person's phone is in its uploads.
#[derive(Clone, Copy, Debug)]
struct Position {
    turn: u32,
    part: usize,
}

/// The requests of a schedule, in its order. A put carries what the person's phone has not sent before.
pub struct Requests<S> {
    schedule: S,
    population: Population,
    positions: Vec<Position>,
}

impl<S: Iterator<Item = Arrival>> Requests<S> {
    /// The requests of `schedule` for `population`, whose days before the run have been uploaded.
    pub fn new(schedule: S, population: Population) -> Self {
        let start = Position { turn: population.days_before(), part: 0 };
        let positions = (0..population.users()).map(|_| start).collect();
        Self { schedule, population, positions }
    }

    fn next_upload(&mut self, arrival: Arrival) -> Request {
        let user = usize::try_from(arrival.user).expect("a number of people fits in memory");
        let position = self.positions.get_mut(user).expect("the schedule only names people of the scenario");
        let Position { turn, part } = *position;
        let day = self.population.day(arrival.user, turn);
        let is_last = part + 1 == day.recording.uploads.len();
        *position = if is_last { Position { turn: turn + 1, part: 0 } } else { Position { turn, part: part + 1 } };
        put(arrival.at, arrival.user, &day, part)
    }
}

impl<S: Iterator<Item = Arrival>> Iterator for Requests<S> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let arrival = self.schedule.next()?;
        let Arrival { at, operation, user, draw } = arrival;
        let token = Population::token(user);
        // Readers look at any day that is in the store; a study without one is read on its first day.
        let read_day = self.population.day(user, draw % self.population.days_before().max(1));
        Some(match operation {
            Operation::Put => self.next_upload(arrival),
            Operation::Get => plain(at, operation, route::USERCACHE_GET.to_owned(), &call(&token)),
            Operation::Timeline => {
                plain(at, operation, format!("{}/{}", route::GET_TRIPS, read_day.date), &call(&token))
            }
            Operation::Find => {
                plain(at, operation, format!("{}/timestamp", route::FIND_ENTRIES), &find(&token, &read_day))
            }
        })
    }
}

/// Every upload of the days before the run, day by day and person by person.
pub fn uploads_before(population: Population) -> impl Iterator<Item = Request> + Send {
    let users = population.users();
    let days = (0..population.days_before()).flat_map(move |turn| (0..users).map(move |user| (turn, user)));
    days.flat_map(move |(turn, user)| {
        let day = population.day(user, turn);
        let uploads = 0..day.recording.uploads.len();
        uploads.map(|part| put(Duration::ZERO, user, &day, part)).collect::<Vec<_>>()
    })
}

/// How many uploads [`uploads_before`] gives.
pub fn count_uploads_before(population: &Population) -> usize {
    let turns = 0..population.days_before();
    let uploads = |turn| (0..population.users()).map(move |user| population.day(user, turn).recording.uploads.len());
    turns.flat_map(uploads).sum()
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
pub struct Ahead {
    made: mpsc::Receiver<Request>,
    maker: Option<JoinHandle<()>>,
}

impl Ahead {
    /// Starts making `requests`.
    pub fn start(requests: impl Iterator<Item = Request> + Send + 'static) -> Self {
        let (sender, made) = mpsc::channel(MADE_AHEAD_MAX);
        let maker = std::thread::spawn(move || {
            for request in requests {
                // The run was stopped early.
                if sender.blocking_send(request).is_err() {
                    return;
                }
            }
        });
        Self { made, maker: Some(maker) }
    }
}

impl Source for Ahead {
    async fn next(&mut self) -> Option<Request> {
        let next = self.made.recv().await;
        if next.is_none()
            && let Some(Err(panic)) = self.maker.take().map(JoinHandle::join)
        {
            // A schedule that ends too soon must not look like one that was sent to its end.
            std::panic::resume_unwind(panic);
        }
        next
    }
}

fn put(at: Duration, user: u32, day: &LivedDay<'_>, part: usize) -> Request {
    let range = day.recording.uploads.get(part).cloned().unwrap_or_default();
    let mut entries = day.recording.entries.get(range).unwrap_or_default().to_vec();
    entries.iter_mut().for_each(|entry| shift::by_days(entry, day.shift_days));
    let body = PutCall { user: &Population::token(user), phone_to_server: &entries };
    Request { entries: entries.len(), ..plain(at, Operation::Put, route::USERCACHE_PUT.to_owned(), &body) }
}

fn call(token: &str) -> Call<'_> {
    Call { user: Some(token.into()) }
}

/// What the app asks for when it shows what the pipeline has not reached yet.
fn find<'a>(token: &'a str, day: &LivedDay<'_>) -> FindEntriesRequest<'a> {
    let start = start_s(day.date);
    let end = start + i64::from(day.recording.length_days) * DAY_S;
    FindEntriesRequest {
        user: Some(token.into()),
        key_list: Some([key::FILTERED_LOCATION, key::TRANSITION].map(str::to_owned).to_vec()),
        start_time: Some(start as f64),
        end_time: Some(end as f64),
        ..FindEntriesRequest::default()
    }
}

fn plain(at: Duration, operation: Operation, path: String, body: &impl Serialize) -> Request {
    let body = serde_json::to_vec(body).expect("the wire types have text keys and finite numbers");
    Request { at, operation, path, body: body.into(), entries: 0 }
}
