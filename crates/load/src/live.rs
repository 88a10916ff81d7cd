//! People who live while a run goes on: their phones send what phones send, when they send it, and in the evening people
//! open the diary. Their seconds pass as fast as the scenario says.
//!
//! Each person's calls follow from their life alone, so a run may be split by people over any number of threads and
//! machines. A call whose answer the phone is not to learn of comes again later, as the phone's own fault would have it. Should
//! an upload fail in truth, the same comes once more at the phone's next sync, beside the schedule.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::Date;
use rand::RngExt;
use rand_distr::{Distribution, Normal};
use rushhour_synth::draws::{Subject, draws};
use rushhour_synth::sensed::Recording;
use rushhour_synth::truth::Micros;
use rushhour_synth::upload;

use crate::operation::{Call, Operation};
use crate::plan::Plan;
use crate::population::Population;
use crate::request::Request;
use crate::scenario::{self, Scenario};
use crate::schedule::{Arrival, Part};
use crate::synthetic::Living;

/// When people open the diary: they look back at their day at nine in the evening. An assumption, as is the spread.
const EVENING_S: f64 = 21.0 * 3600.0;
/// Two thirds of them within this time around it.
const EVENING_SPREAD_S: f64 = 2700.0;
/// The app asks how far the diary reaches, then for the unprocessed rest and the day; so long lies between.
const APP_GAP_US: Micros = 200_000;
/// A phone whose uploads fail again and again tries at this many syncs. Then the run has other troubles.
const RETRIES_MAX: usize = 3;

/// The calls of people who live, in order of time.
pub(crate) struct Calls {
    living: Living,
    /// What each will do next on the day they live.
    days: Vec<VecDeque<Due>>,
    /// Whose turn it is when.
    turns: BinaryHeap<Reverse<(Micros, usize)>>,
    counts: Vec<u64>,
    users: u64,
    /// How many days each has lived since the uploads before the run.
    lived_days: Vec<u32>,
    first_day: Date,
    live: scenario::Live,
    seed: u64,
    start_us: Micros,
    warm_up: Duration,
    end: Duration,
    first_operation: u16,
}

/// Something that a phone or an app will do.
#[derive(Debug)]
struct Due {
    at_us: Micros,
    what: What,
}

#[derive(Debug)]
enum What {
    Get,
    Put(Recording),
    Open(Call, Date),
}

/// A call that is due.
pub(crate) struct Lived {
    pub(crate) arrival: Arrival,
    person: usize,
    what: What,
    /// The phone's next syncs, if it is an upload.
    retries_at: Vec<Duration>,
}

impl Calls {
    /// The calls of the people of `part` from the midnight after the days that were uploaded before the run.
    pub(crate) fn new(scenario: &Scenario, population: &Population, part: Part) -> Option<Self> {
        let live = scenario.live()?;
        let (living, today) = population.living(part)?;
        let start_us = living.world.midnight_us(today);
        let count = living.people.len();
        let mut calls = Self {
            days: (0..count).map(|_| VecDeque::new()).collect(),
            turns: BinaryHeap::with_capacity(count),
            counts: vec![0; count],
            users: u64::from(population.users()),
            lived_days: vec![0; count],
            first_day: today,
            live,
            seed: scenario.seed,
            start_us,
            warm_up: scenario.phases.measure_start(),
            end: scenario.phases.measure_end(),
            first_operation: u16::try_from(scenario.arrivals.len()).expect("a scenario has a few operations"),
            living,
        };
        (0..count).for_each(|person| calls.wake(person));
        Some(calls)
    }

    /// The requests of these calls.
    pub(crate) fn requests(self, plan: Arc<Plan>) -> impl Iterator<Item = Request> + Send {
        Requests { calls: self, plan }
    }

    /// Lives days of a person until one has a call, and gives them a turn.
    fn wake(&mut self, person: usize) {
        /// A phone that is silent for longer will not be heard in this run.
        const SILENT_DAYS_MAX: u32 = 60;
        for _ in 0..SILENT_DAYS_MAX {
            self.live_a_day(person);
            let next = self.days.get(person).and_then(VecDeque::front);
            if let Some(next) = next {
                self.turns.push(Reverse((next.at_us, person)));
                return;
            }
        }
    }

    fn live_a_day(&mut self, person: usize) {
        let Living { world, travel, people, .. } = &mut self.living;
        let (Some(alive), Some(day)) = (people.get_mut(person), self.lived_days.get_mut(person)) else { return };
        let today = self.first_day.saturating_add(i64::from(*day).days());
        let calls = alive.course.next_day(world, travel).map(|day| day.calls).unwrap_or_default();
        let mut due: Vec<_> = calls.into_iter().map(Due::from).collect();
        let mut draws = draws(self.seed, alive.user, *day, Subject::Diary);
        *day += 1;
        if draws.random_bool(self.live.diaries_share.get()) {
            let evening = Normal::new(EVENING_S, EVENING_SPREAD_S).expect("valid constants").sample(&mut draws);
            #[expect(clippy::cast_possible_truncation, reason = "a time of day in microseconds")]
            let opened_us = alive.course.midnight_us(world, today) + (evening * 1e6) as Micros;
            let calls = [Call::Range, Call::Find, Call::Timeline].into_iter().zip(0..);
            due.extend(
                calls.map(|(call, place)| Due { at_us: opened_us + place * APP_GAP_US, what: What::Open(call, today) }),
            );
        }
        due.sort_by_key(|due| due.at_us);
        if let Some(days) = self.days.get_mut(person) {
            days.extend(due);
        }
    }

    /// When something of their time is due in ours.
    fn at(&self, at_us: Micros) -> Duration {
        let lived_s = (at_us - self.start_us).max(0) as f64 / 1e6;
        self.warm_up + Duration::from_secs_f64(lived_s / self.live.speed.as_f64())
    }

    /// When the phone of a person syncs after the sync it is in.
    fn next_syncs(&mut self, person: usize) -> Vec<Duration> {
        let known = self.syncs(person);
        if !known.is_empty() {
            return known;
        }
        // It was the last one of the day.
        self.live_a_day(person);
        self.syncs(person)
    }

    /// Those that are known. A sync ends with a `get`, so the next `get` is of the one that the phone is in.
    fn syncs(&self, person: usize) -> Vec<Duration> {
        let due = self.days.get(person).into_iter().flatten();
        let gets = due.filter(|due| matches!(due.what, What::Get)).skip(1);
        gets.take(RETRIES_MAX).map(|due| self.at(due.at_us)).collect()
    }

    fn operation(&self, call: Call) -> Operation {
        let place = (0..).zip(Call::LIVED).find(|(_, lived)| *lived == call).map_or(0, |(place, _)| place);
        Operation(self.first_operation + place)
    }

    /// The request of a call.
    pub(crate) fn request(&mut self, plan: &Plan, lived: Lived) -> Request {
        let Lived { arrival, person, what, retries_at } = lived;
        match what {
            What::Get => plan.call(Call::Get, &arrival, 0),
            What::Put(recording) => {
                Request { retries_at, ..plan.put(&arrival, self.living.upload(person, &recording)) }
            }
            What::Open(call, date) => plan.opened(call, &arrival, date),
        }
    }
}

impl From<upload::Call> for Due {
    fn from(call: upload::Call) -> Self {
        let what = match call.request {
            upload::Request::Get => What::Get,
            upload::Request::Put { recording, .. } => What::Put(recording),
        };
        Self { at_us: call.at_us, what }
    }
}

impl What {
    fn call(&self) -> Call {
        match self {
            Self::Get => Call::Get,
            Self::Put(_) => Call::Put,
            Self::Open(call, _) => *call,
        }
    }
}

impl Iterator for Calls {
    type Item = Lived;

    fn next(&mut self) -> Option<Lived> {
        let Reverse((at_us, person)) = self.turns.pop()?;
        let at = self.at(at_us);
        if at >= self.end {
            return None;
        }
        let Due { what, .. } = self.days.get_mut(person)?.pop_front()?;
        let retries_at = if matches!(what, What::Put(_)) { self.next_syncs(person) } else { Vec::new() };
        match self.days.get(person).and_then(VecDeque::front) {
            Some(next) => self.turns.push(Reverse((next.at_us.max(at_us), person))),
            None => self.wake(person),
        }
        let user = self.living.people.get(person)?.user;
        let count = self.counts.get_mut(person)?;
        // The same number whoever else lives in this part.
        let number = *count * self.users + u64::from(user);
        *count += 1;
        let arrival = Arrival { number, at, operation: self.operation(what.call()), user, draw: 0 };
        Some(Lived { arrival, person, what, retries_at })
    }
}

/// Calls that become requests.
struct Requests {
    calls: Calls,
    plan: Arc<Plan>,
}

impl Iterator for Requests {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let lived = self.calls.next()?;
        Some(self.calls.request(&self.plan, lived))
    }
}

/// Two sequences of requests in the order of their times.
pub(crate) struct InOrder<A: Iterator, B: Iterator> {
    one: Peekable<A>,
    other: Peekable<B>,
}

impl<A: Iterator<Item = Request>, B: Iterator<Item = Request>> InOrder<A, B> {
    pub(crate) fn of(one: A, other: B) -> Self {
        Self { one: one.peekable(), other: other.peekable() }
    }
}

impl<A: Iterator<Item = Request>, B: Iterator<Item = Request>> Iterator for InOrder<A, B> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        match (self.one.peek(), self.other.peek()) {
            (Some(one), Some(other)) if other.at < one.at => self.other.next(),
            (Some(_), _) => self.one.next(),
            (None, _) => self.other.next(),
        }
    }
}
