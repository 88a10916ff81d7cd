//! Looks at the server once a second, and makes rates and percentiles of what has changed.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rushhour_store::Sizes;

use crate::activity::Synced;
use crate::app::App;
use crate::metrics::{COUNTS, Counts, Ending, ProcessFigures, RequestTimes, quantile_s};
use crate::operator::snapshot::{DiskFigures, Moment, RouteFigures, Snapshot};

/// The figures by route are of the last minute, in steps of ten seconds.
const STEP: Duration = Duration::from_secs(10);
const STEPS: usize = 6;
/// What must be counted user by user is looked at more seldom by one second for so many users.
const USERS_PER_SECOND: usize = 10_000;
const SELDOM_TICKS_MAX: usize = 60;
/// How the disk grows is seen from its use every minute of a day.
const DISK_STEP: Duration = Duration::from_secs(60);
const DISK_STEPS: usize = 24 * 60;
/// In less time a segment of the log that was just begun would look like growth.
const DISK_SPAN_MIN: Duration = Duration::from_secs(120);

/// What was seen the last times.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    last: Option<Totals>,
    /// Every route ten seconds ago, twenty, and so on; the oldest is in front.
    steps: VecDeque<(Duration, BTreeMap<String, RouteTotals>)>,
    disk: VecDeque<(Duration, u64)>,
    /// What is looked at seldom, and in how many ticks again.
    seldom: Seldom,
    ticks_left: usize,
}

/// What takes a look at every user or file.
#[derive(Clone, Copy, Debug, Default)]
struct Seldom {
    lag_s: f64,
    entries: u64,
    phones: Synced,
    sizes: Sizes,
    users: usize,
}

/// What only grows.
#[derive(Clone, Copy, Debug)]
struct Totals {
    at: Duration,
    requests: RouteTotals,
    cpu_s: f64,
    taken: u64,
    sent: u64,
}

/// The requests of a route since the server was started.
#[derive(Clone, Copy, Debug, PartialEq)]
struct RouteTotals {
    counts: Counts,
    refused: u64,
    failed: u64,
    turned_away: u64,
}

impl Default for RouteTotals {
    fn default() -> Self {
        Self { counts: [0; COUNTS], refused: 0, failed: 0, turned_away: 0 }
    }
}

impl RouteTotals {
    fn count(&mut self, status: u16, counts: &Counts) {
        let requests: u64 = counts.iter().sum();
        self.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        match status {
            429 | 503 => self.turned_away += requests,
            400..500 => self.refused += requests,
            500.. => self.failed += requests,
            _ => {}
        }
    }

    fn and(mut self, other: &Self) -> Self {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
        self.refused += other.refused;
        self.failed += other.failed;
        self.turned_away += other.turned_away;
        self
    }

    fn since(mut self, before: &Self) -> Self {
        self.counts.iter_mut().zip(&before.counts).for_each(|(sum, count)| *sum = sum.saturating_sub(*count));
        self.refused = self.refused.saturating_sub(before.refused);
        self.failed = self.failed.saturating_sub(before.failed);
        self.turned_away = self.turned_away.saturating_sub(before.turned_away);
        self
    }

    fn requests(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Every route's requests.
fn totals(requests: &RequestTimes) -> BTreeMap<String, RouteTotals> {
    let mut routes: BTreeMap<String, RouteTotals> = BTreeMap::new();
    requests.visit(&mut |route, Ending { status, .. }, counts| {
        if !routes.contains_key(route) {
            routes.insert(route.to_owned(), RouteTotals::default());
        }
        if let Some(totals) = routes.get_mut(route) {
            totals.count(status, counts);
        }
    });
    routes
}

impl Sampler {
    /// Looks; `wall` is the time since 1970, `now` one that never goes back. Blocks the thread.
    pub(crate) fn look(&mut self, app: &App, wall: Duration, now: Duration) -> Snapshot {
        let routes = totals(&app.metrics.requests);
        let process = ProcessFigures::now().unwrap_or_default();
        if self.ticks_left == 0 {
            self.seldom = look_seldom(app, wall);
            self.ticks_left = (self.seldom.users / USERS_PER_SECOND).min(SELDOM_TICKS_MAX);
        } else {
            self.ticks_left -= 1;
        }
        let all = routes.values().fold(RouteTotals::default(), RouteTotals::and);
        let intake = &app.metrics.intake;
        let sent = app.metrics.entries_sent();
        let here = Totals { at: now, requests: all, cpu_s: process.cpu_s, taken: intake.entries.get(), sent };
        let before = self.last.replace(here).unwrap_or(here);
        let span_s = now.saturating_sub(before.at).as_secs_f64();
        let per_s = |more: f64| if span_s > 0.0 { more / span_s } else { 0.0 };
        let fresh = here.requests.since(&before.requests);
        let moment = Moment {
            at_s: wall.as_secs_f64(),
            requests_per_s: per_s(fresh.requests() as f64),
            p50_ms: quantile_s(&fresh.counts, 0.5).map(|s| s * 1e3),
            p99_ms: quantile_s(&fresh.counts, 0.99).map(|s| s * 1e3),
            failed_per_s: per_s(fresh.failed as f64),
            turned_away_per_s: per_s(fresh.turned_away as f64),
            active: app.metrics.active.get(),
            lag_s: self.seldom.lag_s,
            pending: app.store.pending(),
            cpu_cores: per_s(here.cpu_s - before.cpu_s),
            memory_bytes: process.resident_bytes,
        };
        let (window_s, routes) = self.routes(routes, now);
        Snapshot {
            moment,
            uptime_s: wall.as_secs_f64() - process.started_s,
            unready: app.unready(),
            window_s,
            routes,
            users: self.seldom.users,
            phones: self.seldom.phones,
            entries: self.seldom.entries,
            disk: self.disk(now),
            connections: app.metrics.connections.get(),
            connections_max: app.limits.connections_max,
            bodies_bytes: app.bodies_bytes(),
            bodies_bytes_max: app.limits.bodies_bytes_max,
            open_files: process.open_files,
            open_files_max: process.open_files_max,
            threads: process.threads,
            taken_per_s: per_s((here.taken - before.taken) as f64),
            sent_per_s: per_s((here.sent - before.sent) as f64),
        }
    }

    /// The last minute of every route, the busiest first, and how long that minute is.
    fn routes(&mut self, routes: BTreeMap<String, RouteTotals>, now: Duration) -> (f64, Vec<RouteFigures>) {
        let none = (now, BTreeMap::new());
        let (since, before) = self.steps.front().unwrap_or(&none);
        let window_s = now.saturating_sub(*since).as_secs_f64();
        let figures = |(route, totals): (&String, &RouteTotals)| {
            let fresh = before.get(route).map_or(*totals, |before| totals.since(before));
            RouteFigures {
                route: route.clone(),
                per_s: if window_s > 0.0 { fresh.requests() as f64 / window_s } else { 0.0 },
                p50_ms: quantile_s(&fresh.counts, 0.5).map(|s| s * 1e3),
                p99_ms: quantile_s(&fresh.counts, 0.99).map(|s| s * 1e3),
                refused: fresh.refused,
                failed: fresh.failed,
                turned_away: fresh.turned_away,
            }
        };
        let mut figures: Vec<RouteFigures> = routes.iter().map(figures).collect();
        figures.sort_by(|a, b| b.per_s.total_cmp(&a.per_s));
        if self.steps.back().is_none_or(|(at, _)| now.saturating_sub(*at) >= STEP) {
            self.steps.push_back((now, routes));
            if self.steps.len() > STEPS {
                self.steps.pop_front();
            }
        }
        (window_s, figures)
    }

    /// The disk, and how it grows.
    fn disk(&mut self, now: Duration) -> DiskFigures {
        let Sizes { log_bytes, volumes_bytes, directory_bytes, free_bytes } = self.seldom.sizes;
        let used_bytes = log_bytes + volumes_bytes + directory_bytes;
        if self.disk.back().is_none_or(|(at, _)| now.saturating_sub(*at) >= DISK_STEP) {
            self.disk.push_back((now, used_bytes));
            if self.disk.len() > DISK_STEPS {
                self.disk.pop_front();
            }
        }
        let oldest = self.disk.front().filter(|(at, _)| now.saturating_sub(*at) >= DISK_SPAN_MIN);
        let growth_bytes_per_day = oldest.map(|(at, before)| {
            (used_bytes as f64 - *before as f64) / now.saturating_sub(*at).as_secs_f64() * 86_400.0
        });
        let days_left = growth_bytes_per_day.filter(|growth| *growth > 0.0).map(|growth| free_bytes as f64 / growth);
        DiskFigures { log_bytes, volumes_bytes, directory_bytes, free_bytes, growth_bytes_per_day, days_left }
    }
}

fn look_seldom(app: &App, wall: Duration) -> Seldom {
    let stat = app.store.stat();
    Seldom {
        lag_s: app.store.lag().as_secs_f64(),
        entries: stat.entries,
        phones: app.activity.synced(stat.users, wall.as_secs_f64()),
        sizes: app.store.sizes().unwrap_or_default(),
        users: stat.users,
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use rushhour_store::{Options, Store};

    use super::*;
    use crate::app::Limits;

    const WALL: Duration = Duration::from_secs(1_700_000_000);

    #[test]
    fn rates_are_of_the_last_second_and_routes_of_the_last_minute() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
        let app = App::new(store, Limits::default());
        let mut sampler = Sampler::default();
        let second = Duration::from_secs;
        let request = |status, millis| {
            let ending = Ending { method: "POST", status };
            app.metrics.requests.observe("/usercache/put", ending, Duration::from_millis(millis));
        };
        sampler.look(&app, WALL, second(0));
        (0..98).for_each(|_| request(200, 2));
        request(500, 2);
        request(503, 900);
        let snapshot = sampler.look(&app, WALL, second(2));
        let Moment { requests_per_s, failed_per_s, turned_away_per_s, p50_ms, .. } = snapshot.moment;
        assert_eq!((requests_per_s, failed_per_s, turned_away_per_s), (50.0, 0.5, 0.5));
        assert!((p50_ms.unwrap() - 2.0).abs() < 0.3, "{p50_ms:?}");
        assert_eq!(sampler.look(&app, WALL, second(3)).moment.requests_per_s, 0.0);
        let [route] = snapshot.routes.as_slice() else { panic!("{:?}", snapshot.routes) };
        assert_eq!((route.per_s, route.failed, route.turned_away, route.refused), (50.0, 1, 1, 0));
        // Ten seconds at a time they are forgotten.
        let late = (4..=80).map(|at| sampler.look(&app, WALL, second(at))).last().unwrap();
        assert_eq!((late.window_s, late.routes[0].per_s, late.routes[0].p99_ms), (60.0, 0.0, None));
    }

    #[test]
    fn the_days_left_follow_from_how_the_disk_grew() {
        let sizes = |log_bytes, free_bytes| Sizes { log_bytes, free_bytes, ..Sizes::default() };
        let seldom = |sizes| Seldom { sizes, ..Seldom::default() };
        let mut sampler = Sampler { seldom: seldom(sizes(1_000, 86_400)), ..Sampler::default() };
        assert_eq!(sampler.disk(Duration::ZERO).growth_bytes_per_day, None, "too early to tell");
        sampler.seldom = seldom(sizes(1_200, 86_400));
        let grown = sampler.disk(Duration::from_secs(200));
        assert_eq!((grown.growth_bytes_per_day, grown.days_left), (Some(86_400.0), Some(1.0)));
        sampler.seldom = seldom(sizes(800, 86_400));
        assert_eq!(sampler.disk(Duration::from_secs(400)).days_left, None, "it shrinks");
    }
}
