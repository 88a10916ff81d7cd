//! Everything that requests are made from, ready before anything is measured.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Method};
use jiff::civil::Date;
use rushhour_model::day::{DAY_S, start_s};
use rushhour_model::entry::key;
use rushhour_model::wire::{self, FindEntriesRequest, route};
use serde_json::json;

use crate::address::Address;
use crate::bodies::Bodies;
use crate::described::{Described, Feeder};
use crate::live::Calls;
use crate::operation::{Call, Operation};
use crate::population::{self, LivedDays, Population, Upload};
use crate::request::Request;
use crate::scenario::Scenario;
use crate::schedule::{Arrival, Identity, Part, Schedule};
use crate::template::{Filling, Template};

/// What a scenario's requests are made from.
#[derive(Debug)]
pub struct Plan {
    seed: u64,
    population: Population,
    tokens: Vec<String>,
    /// `{"user": …}` of everybody: what most calls say.
    calls: Vec<Bytes>,
    bodies: Bodies,
    operations: Vec<Planned>,
    headers: Arc<HeaderMap>,
    has_ids: bool,
}

#[derive(Debug)]
enum Planned {
    Call(Call),
    Described(Box<Filled>),
}

/// A described request with what fills it.
#[derive(Debug)]
struct Filled {
    request: Described,
    headers: Arc<HeaderMap>,
    feeder: Option<Feeder>,
    /// Path and body where they have no gaps, parsed once.
    path: Option<PathAndQuery>,
    body: Option<Bytes>,
}

/// What is needed beside the scenario.
#[derive(Debug)]
pub struct Materials {
    /// Whose phones send it.
    pub population: Population,
    /// The rows of each operation's feeder, for those that have one, in the order of the operations.
    pub feeders: Vec<Option<Feeder>>,
}

impl Materials {
    /// The same for so many people, who have sent nothing.
    pub fn afresh(&self, users: NonZeroU32) -> Self {
        Self { population: self.population.afresh(users), feeders: self.feeders.clone() }
    }
}

impl Plan {
    /// Makes everything that can be made ahead: looks through the whole schedule and prepares the uploads in it. `step` is
    /// called for each of them.
    pub fn new(scenario: &Scenario, materials: Materials, address: &Address, step: impl FnMut()) -> (Self, Identity) {
        let Materials { mut population, feeders } = materials;
        let headers = Arc::new(headers(address));
        let mut feeders = feeders.into_iter();
        let names = scenario.names();
        let planned = names.iter().map(|name| {
            let feeder = feeders.next().flatten();
            Planned::new(scenario.requests.get(name), name.as_str(), &headers, feeder)
        });
        let operations: Vec<_> = planned.collect();
        let is_put = |operation: Operation| matches!(operations.get(operation.index()), Some(Planned::Call(Call::Put)));
        let mut puts = vec![0_u32; population.users() as usize];
        let arrivals = Schedule::new(scenario).inspect(|arrival| {
            if is_put(arrival.operation)
                && let Some(count) = puts.get_mut(arrival.user as usize)
            {
                *count += 1;
            }
        });
        let lived = Calls::new(scenario, &population, Part::WHOLE).into_iter().flatten().map(|lived| lived.arrival);
        let identity = Identity::of(names.iter(), arrivals.chain(lived));
        let bytes_max = scenario.sending.bodies_bytes_max.get() as usize;
        let bodies = Bodies::make(&mut population, &puts, bytes_max, step);
        let tokens: Vec<_> = (0..population.users()).map(|user| population.token(user)).collect();
        let calls = tokens.iter().map(|token| call(token)).collect();
        let has_ids = scenario.sending.request_ids;
        (Self { seed: scenario.seed, population, tokens, calls, bodies, operations, headers, has_ids }, identity)
    }

    /// How many people there are.
    pub fn users(&self) -> usize {
        self.tokens.len()
    }

    /// Whether `operation` uploads what a person's phone has not sent before, so that it matters which one it is.
    pub fn is_put(&self, operation: Operation) -> bool {
        matches!(self.operations.get(operation.index()), Some(Planned::Call(Call::Put)))
    }

    /// The request of `arrival`, which is upload number `turn` of its person if it is one.
    pub fn request(&self, arrival: &Arrival, turn: u32) -> Request {
        let planned =
            self.operations.get(arrival.operation.index()).expect("arrivals are of operations of the scenario");
        match planned {
            Planned::Call(call) => self.call(*call, arrival, turn),
            Planned::Described(filled) => self.described(filled, arrival),
        }
    }

    /// The requests of the people of `part` who live, if they do: made as they go, in order of time.
    pub fn lived(
        self: &Arc<Self>,
        scenario: &Scenario,
        part: Part,
    ) -> Option<impl Iterator<Item = Request> + Send + use<>> {
        let calls = Calls::new(scenario, &self.population, part)?;
        Some(calls.requests(Arc::clone(self)))
    }

    /// What a phone uploads.
    pub(crate) fn put(&self, arrival: &Arrival, upload: Upload) -> Request {
        self.filled(arrival, PathAndQuery::from_static(route::USERCACHE_PUT), upload.body, upload.entries)
    }

    /// What the app asks for when somebody opens `date` of the diary.
    pub(crate) fn opened(&self, call: Call, arrival: &Arrival, date: Date) -> Request {
        let days = LivedDays { first: date, count: 1 };
        match call {
            Call::Timeline => self.timeline(arrival, days),
            Call::Find => self.find(arrival, days),
            other => self.call(other, arrival, 0),
        }
    }

    fn timeline(&self, arrival: &Arrival, days: LivedDays) -> Request {
        let body = self.calls.get(arrival.user as usize).cloned().unwrap_or_default();
        self.filled(arrival, path(format!("{}/{}", route::GET_TRIPS, days.first)), body, 0)
    }

    fn find(&self, arrival: &Arrival, days: LivedDays) -> Request {
        let body = find(self.token(arrival.user), days);
        self.filled(arrival, path(format!("{}/timestamp", route::FIND_ENTRIES)), population::body(&body), 0)
    }

    /// A call of the scenario's own schedule; an upload is number `turn` of its person.
    pub(crate) fn call(&self, call: Call, arrival: &Arrival, turn: u32) -> Request {
        let (user, token) = (arrival.user, self.token(arrival.user));
        let plain = |path, body| self.filled(arrival, path, body, 0);
        let fixed =
            |path| plain(PathAndQuery::from_static(path), self.calls.get(user as usize).cloned().unwrap_or_default());
        match call {
            Call::Get => fixed(route::USERCACHE_GET),
            Call::Profile => fixed(route::PROFILE_GET),
            Call::Range => fixed(route::GET_RANGE_TS),
            Call::Complete => fixed(route::GET_COMPLETE_TS),
            Call::Put => self.put(arrival, self.bodies.put(user, token, turn)),
            // Readers look at any day that is in the store.
            Call::Timeline => self.timeline(arrival, self.population.read_days(user, arrival.draw)),
            Call::Find => self.find(arrival, self.population.read_days(user, arrival.draw)),
            Call::ProfileUpdate => {
                let body =
                    json!({"user": token, "update_doc": {"client_app_version": "1.9.3", "curr_platform": "android"}});
                plain(PathAndQuery::from_static(route::PROFILE_UPDATE), population::body(&body))
            }
            Call::Labels => {
                let body = json!({"user": token, "keys": ["mode", "purpose"]});
                plain(PathAndQuery::from_static(route::CUSTOMLABEL_GET), population::body(&body))
            }
            Call::Metrics => {
                let days = self.population.read_days(user, arrival.draw);
                let last = days.first.saturating_add(jiff::Span::new().days(6));
                let body = json!({"user": token, "start_time": days.first.to_string(), "end_time": last.to_string()});
                plain(path(format!("{}/yyyy_mm_dd", route::METRICS_BY_DAY)), population::body(&body))
            }
        }
    }

    fn described(&self, filled: &Filled, arrival: &Arrival) -> Request {
        let Filled { request, headers, feeder, .. } = filled;
        let row = feeder.as_ref().and_then(|feeder| {
            let row = feeder.rows.get(arrival.draw as usize % feeder.rows.len().max(1))?;
            Some((feeder.headings.as_slice(), row.as_slice()))
        });
        let filling = Filling {
            user: self.token(arrival.user),
            number: arrival.number,
            at_s: arrival.at.as_secs_f64(),
            seed: self.seed,
            row,
        };
        let fill = |template: &Template| template.fill(&filling);
        let body =
            filled.body.clone().unwrap_or_else(|| request.body.as_ref().map_or(Bytes::new(), |body| fill(body).into()));
        let path = filled.path.clone().unwrap_or_else(|| path(fill(&request.path)));
        let mut headers = Arc::clone(headers);
        for (key, text) in request.headers.iter().filter(|(_, text)| text.plain().is_none()) {
            Arc::make_mut(&mut headers).insert(key.name(), text.fill(&filling));
        }
        Request { method: request.method.0.clone(), headers, ..self.filled(arrival, path, body, 0) }
    }

    fn filled(&self, arrival: &Arrival, path: PathAndQuery, body: Bytes, entries: usize) -> Request {
        let Arrival { number, at, operation, user, draw: _ } = *arrival;
        let headers = Arc::clone(&self.headers);
        let (method, has_id) = (Method::POST, self.has_ids);
        let (person_days, retries_at, is_retry) = (0, Vec::new(), false);
        Request {
            number,
            at,
            operation,
            user,
            method,
            path,
            headers,
            has_id,
            body,
            entries,
            person_days,
            retries_at,
            is_retry,
        }
    }

    fn token(&self, user: u32) -> &str {
        self.tokens.get(user as usize).expect("arrivals are of people of the scenario")
    }
}

impl Planned {
    fn new(described: Option<&Described>, name: &str, headers: &HeaderMap, feeder: Option<Feeder>) -> Self {
        let Some(described) = described else {
            return Self::Call(Call::named(name).expect("the scenario's names were checked"));
        };
        let mut headers = headers.clone();
        if described.body.is_none() {
            headers.remove(CONTENT_TYPE);
        }
        headers.extend(described.headers.iter().filter_map(|(key, text)| Some((key.name(), text.plain()?))));
        let body = described.body.as_ref().map_or(Some(Bytes::new()), |body| body.plain().map(Bytes::from));
        let path = described.path.plain().map(path);
        Self::Described(Box::new(Filled { request: described.clone(), headers: Arc::new(headers), feeder, path, body }))
    }
}

/// What every call of phones and the app has.
pub(crate) fn headers(address: &Address) -> HeaderMap {
    let host = HeaderValue::from_str(address.authority()).expect("an authority is visible ASCII");
    HeaderMap::from_iter([(HOST, host), (CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"))])
}

/// A path that templates or dates were put into. What no path can have is what a scenario asked for: the target is to say so.
fn path(text: String) -> PathAndQuery {
    const NOWHERE: &str = "/path-that-cannot-be-written";
    text.parse().unwrap_or_else(|_| PathAndQuery::from_static(NOWHERE))
}

fn call(token: &str) -> Bytes {
    population::body(&wire::Call { user: Some(token.into()) })
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
