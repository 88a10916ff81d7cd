//! The intake: threads that take in what phones have sent, user by user, while requests come first.
//!
//! Only users with new entries cost anything. They wait in one queue, first come, first served; who has more than a
//! portion goes to its end. The threads give way to requests by the kernel's scheduler, and keep to a share of their
//! cores. A user whose entries break the pipeline is set aside with an entry that says so, and the others go on.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rushhour_model::entry::key;
use rushhour_model::ids::UserId;
use rushhour_pipeline::transit::Stops;
use rushhour_store::{Error, NewRow, Upload};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::warn;

use crate::app::App;
use crate::diary::{Portion, Run, renew, set_aside, summary, take_in, train};

/// The intake gives way to everything else; 19 is the kindest that there is.
const NICE: i32 = 19;
/// How long an idle thread sleeps before it looks whether it shall stop.
const IDLE: Duration = Duration::from_millis(100);
/// How often changes of diaries are made durable. What a crash loses is taken in again.
const SYNC_EVERY: Duration = Duration::from_secs(2);
/// How often those are looked at again who could not be taken in.
const UNPARK_EVERY: Duration = Duration::from_secs(1);
/// An ordinary portion: twenty days of a phone.
const PORTION: Portion = Portion { entries_max: 20_000, span_s_max: f64::INFINITY };
/// The portion of a user whose last run passed the deadline: a day.
const DAY: Portion = Portion { entries_max: 20_000, span_s_max: 86_400.0 };
/// A smaller share would never come to an end.
const SHARE_MIN: f64 = 0.01;
/// The key of the entry that says that a run failed, as the original writes it.
const PIPELINE_ERROR: &str = "stats/pipeline_error";

/// When users are taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As soon as they have sent something.
    Continuous,
    /// Once in so long, all who wait then.
    Every(Duration),
    /// Never.
    Off,
}

/// How the intake works.
#[derive(Clone, Debug)]
pub struct Options {
    /// When users are taken in.
    pub mode: Mode,
    /// How many threads work.
    pub cores: usize,
    /// The share of the time that each of them may work, more than 0 and at most 1.
    pub share: f64,
    /// A user whose run takes longer is taken in day by day.
    pub deadline: Duration,
    /// How often a user's labels are learnt from, if there are new ones; never when absent.
    pub label_models: Option<Duration>,
    /// How many seconds of new fixes a user must have to be taken in, as the original's gate asks; 0 for any.
    pub gate_s: f64,
    /// Stops of public transport.
    pub stops: Stops,
}

impl Default for Options {
    fn default() -> Self {
        let deadline = Duration::from_secs(10);
        let (stops, label_models) = (Stops::default(), None);
        Self { mode: Mode::Continuous, cores: 1, share: 1.0, deadline, label_models, gate_s: 0.0, stops }
    }
}

/// The running intake.
#[derive(Debug)]
pub struct Intake {
    switch: Arc<Switch>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Switch {
    is_stopped: AtomicBool,
    is_paused: AtomicBool,
    /// How many users may still be taken in before the next hour, or whatever the mode says.
    due: AtomicUsize,
    /// Who did not pass the gate, or whose entries cannot be read now; they are looked at again a little later.
    parked: Mutex<Vec<UserId>>,
    /// Users whose last run passed the deadline.
    slow: Mutex<HashSet<UserId>>,
    /// When keepers of usages were last let go.
    passed: Mutex<HashMap<UserId, Instant>>,
    /// When users' labels were last learnt from, and how many of their trips had one then.
    learnt: Mutex<HashMap<UserId, (Instant, usize)>>,
}

impl Intake {
    /// Starts the threads; call it inside a runtime.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(app: &Arc<App>, options: Options) -> std::io::Result<Self> {
        let switch = Arc::new(Switch::default());
        let options = Arc::new(options);
        let cores = if options.mode == Mode::Off { 0 } else { options.cores.max(1) };
        let threads = (0..cores).map(|number| {
            let worker = Worker {
                app: Arc::clone(app),
                options: Arc::clone(&options),
                switch: Arc::clone(&switch),
                runtime: Handle::current(),
                is_first: number == 0,
            };
            Builder::new().name(format!("intake-{number}")).spawn(move || worker.work())
        });
        Ok(Self { threads: threads.collect::<Result<_, _>>()?, switch })
    }

    /// Lets the threads rest after the users that they are at.
    pub fn pause(&self) {
        self.switch.is_paused.store(true, Ordering::Relaxed);
    }

    /// Lets them go on.
    pub fn resume(&self) {
        self.switch.is_paused.store(false, Ordering::Relaxed);
    }

    /// Stops the threads, and waits until they have finished the users that they are at. Blocks the thread.
    pub fn stop(self) {
        self.switch.is_stopped.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A thread that panicked has been reported by its panic.
            let _ = thread.join();
        }
    }
}

/// When the first thread does what.
struct Clock {
    next_sync: Instant,
    next_turn: Instant,
}

impl Clock {
    fn start() -> Self {
        let now = Instant::now();
        Self { next_sync: now + SYNC_EVERY, next_turn: now }
    }
}

struct Worker {
    app: Arc<App>,
    options: Arc<Options>,
    switch: Arc<Switch>,
    runtime: Handle,
    /// The first one also keeps the time of all.
    is_first: bool,
}

impl Worker {
    fn work(self) {
        // Where it cannot be kinder it works all the same.
        let _ = rustix::process::nice(NICE);
        let mut clock = Clock::start();
        if self.is_first
            && let Err(error) = renew(&self.app.store)
        {
            warn!("looking for diaries of another version: {error}");
        }
        while !self.is_stopped() {
            self.keep_time(&mut clock);
            if self.switch.is_paused.load(Ordering::Relaxed) {
                std::thread::sleep(IDLE);
            } else if let Some(user) = self.next() {
                let cpu = self.serve(user);
                let share = self.options.share.clamp(SHARE_MIN, 1.0);
                self.rest(cpu.mul_f64((1.0 - share) / share), &mut clock);
            } else if self.options.mode == Mode::Continuous {
                self.app.store.wait_pending(IDLE);
            } else {
                std::thread::sleep(IDLE);
            }
        }
        if self.is_first {
            self.unpark();
            self.sync();
        }
    }

    fn is_stopped(&self) -> bool {
        self.switch.is_stopped.load(Ordering::Relaxed)
    }

    /// Rests, but for the clock, and not beyond the end.
    fn rest(&self, time: Duration, clock: &mut Clock) {
        let until = Instant::now() + time;
        while !self.is_stopped() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(IDLE));
            self.keep_time(clock);
        }
    }

    /// What the first thread does for all.
    fn keep_time(&self, clock: &mut Clock) {
        if !self.is_first {
            return;
        }
        let now = Instant::now();
        if now >= clock.next_sync {
            clock.next_sync = now + SYNC_EVERY;
            self.sync();
        }
        match self.options.mode {
            Mode::Every(interval) if now >= clock.next_turn => {
                clock.next_turn = now + interval;
                self.unpark();
                self.switch.due.store(self.app.store.pending(), Ordering::Relaxed);
            }
            Mode::Continuous if now >= clock.next_turn => {
                clock.next_turn = now + UNPARK_EVERY;
                self.unpark();
            }
            _ => {}
        }
    }

    fn unpark(&self) {
        for user in self.switch.parked.lock().expect("no holder panics").drain(..) {
            self.app.store.put_back(user);
        }
    }

    fn park(&self, user: UserId) {
        self.switch.parked.lock().expect("no holder panics").push(user);
    }

    fn next(&self) -> Option<UserId> {
        if self.options.mode == Mode::Continuous {
            return self.app.store.next_pending();
        }
        let take_one = |due: usize| due.checked_sub(1);
        self.switch.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take_one).ok()?;
        self.app.store.next_pending()
    }

    /// Works for a user; returns the CPU time that it took.
    fn serve(&self, user: UserId) -> Duration {
        let (started, cpu_started) = (Instant::now(), cpu_time());
        if self.app.usages.has_keeper(user) {
            self.pass_over(user);
        } else if self.passes_gate(user) {
            let is_slow = self.switch.slow.lock().expect("no holder panics").remove(&user);
            self.turn(user, if is_slow { DAY } else { PORTION });
            if started.elapsed() > self.options.deadline {
                self.switch.slow.lock().expect("no holder panics").insert(user);
            }
        } else {
            self.park(user);
        }
        let cpu = cpu_time().saturating_sub(cpu_started);
        self.app.metrics.intake.cpu_s.inc_by(cpu.as_secs_f64());
        cpu
    }

    fn turn(&self, user: UserId, portion: Portion) {
        let counters = &self.app.metrics.intake;
        counters.runs.inc();
        let store = &self.app.store;
        match guarded(|| self.learn(user).and_then(|()| take_in(store, user, &self.options.stops, portion))) {
            Ok(Ok(run)) => self.count(user, &run),
            Ok(Err(error)) => {
                warn!(%error, "a user cannot be taken in now");
                self.try_later(user);
            }
            Err(reason) => {
                counters.set_aside.inc();
                warn!(reason, "a user's entries break the pipeline and were set aside");
                self.report(user, portion, &reason);
            }
        }
    }

    /// Learns from what a user has labelled, if there is more of it and the last time is long enough ago. A model is only for
    /// later trips, so it is early enough when they come.
    fn learn(&self, user: UserId) -> Result<(), Error> {
        let Some(every) = self.options.label_models else { return Ok(()) };
        let (store, now) = (&self.app.store, Instant::now());
        let trips = summary(store, user)?.labelled_trips;
        let last = self.switch.learnt.lock().expect("no holder panics").get(&user).copied();
        let is_due = last.is_none_or(|(at, before)| trips != before && now.saturating_duration_since(at) >= every);
        if trips > 0 && is_due {
            train(store, user)?;
            self.switch.learnt.lock().expect("no holder panics").insert(user, (now, trips));
        }
        Ok(())
    }

    /// Lets a keeper of usages go, once in a while: there is nothing to be made of them.
    fn pass_over(&self, user: UserId) {
        let now = Instant::now();
        let mut passed = self.switch.passed.lock().expect("no holder panics");
        let last = passed.insert(user, now);
        if last.is_some_and(|last| now.saturating_duration_since(last) < UNPARK_EVERY) {
            passed.extend(last.map(|last| (user, last)));
            self.park(user);
        } else if self.app.store.pass_over(user).is_err() {
            self.try_later(user);
        }
    }

    /// The store fails for this user: it is counted, and tried again later.
    fn try_later(&self, user: UserId) {
        self.app.metrics.intake.failed.inc();
        self.park(user);
    }

    fn count(&self, user: UserId, run: &Run) {
        let counters = &self.app.metrics.intake;
        let has_more = || self.app.store.fresh(user, 1, 0.0).is_ok_and(|fresh| fresh.taken.is_some());
        if self.options.mode != Mode::Continuous && run.entries > 0 && has_more() {
            // Who has more than a portion is still due.
            self.switch.due.fetch_add(1, Ordering::Relaxed);
        }
        counters.stages.observe(run.took);
        counters.entries.inc_by(run.entries as u64);
        counters.rejected.inc_by(run.rejected.len() as u64);
    }

    /// Sets a user aside, with an entry that says so.
    fn report(&self, user: UserId, portion: Portion, reason: &str) {
        if set_aside(&self.app.store, user, portion).is_err() {
            self.try_later(user);
            return;
        }
        let write_ts = wall_time().as_secs_f64();
        let metadata = json!({"key": PIPELINE_ERROR, "platform": "server", "type": "message", "write_ts": write_ts,
            "time_zone": "UTC"});
        let data = json!({"name": "WHOLE_PIPELINE", "ts": write_ts, "reading": 0, "reason": reason});
        let text = json!({"metadata": metadata, "data": data}).to_string();
        let row = NewRow { kind: "message", key: PIPELINE_ERROR, write_ts, text: &text };
        let stored = self.runtime.block_on(self.app.store.append(Upload::pack(user, &[row])));
        // Without room for it the counter has to do.
        drop(stored);
    }

    /// Whether the user's new fixes reach far enough beyond the last trip.
    fn passes_gate(&self, user: UserId) -> bool {
        if self.options.gate_s <= 0.0 {
            return true;
        }
        let store = &self.app.store;
        let latest = || -> Result<f64, Error> {
            let fresh = store.fresh(user, usize::MAX, f64::INFINITY)?;
            let mut last_ts = f64::NEG_INFINITY;
            fresh.entries.for_each(|entry| {
                if entry.key() == key::LOCATION {
                    last_ts = entry.ts().map_or(last_ts, |ts| last_ts.max(ts));
                }
            });
            Ok(last_ts - summary(store, user)?.end_ts.unwrap_or(0.0))
        };
        // What cannot be read is found out by the run.
        !latest().is_ok_and(|ahead_s| ahead_s <= self.options.gate_s)
    }

    fn sync(&self) {
        // It is tried again; until then a crash only costs work.
        let _ = self.app.store.sync_diaries();
    }
}

/// Runs `work`.
///
/// # Errors
/// With what it said when it panicked.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
    })
}

fn cpu_time() -> Duration {
    since_zero(ClockId::ThreadCPUTime)
}

pub(crate) fn wall_time() -> Duration {
    since_zero(ClockId::Realtime)
}

fn since_zero(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use rushhour_store::{Options as StoreOptions, Query, Store, TimeField};

    use super::*;
    use crate::app::Limits;

    fn entry(key: &str, write_ts: f64) -> (String, f64) {
        let metadata =
            json!({"key": key, "type": "message", "platform": "android", "write_ts": write_ts, "time_zone": "UTC"});
        (json!({"metadata": metadata, "data": {"ts": write_ts}}).to_string(), write_ts)
    }

    #[test]
    fn who_breaks_the_pipeline_is_set_aside_with_an_entry_that_says_so() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions::new(dir.path(), StdRng::seed_from_u64(1))).unwrap();
        let user = runtime.block_on(store.register("anna")).unwrap();
        let (text, write_ts) = entry("statemachine/transition", 1.7e9);
        let row = NewRow { kind: "message", key: "statemachine/transition", write_ts, text: &text };
        runtime.block_on(store.append(Upload::pack(user, &[row]))).unwrap();
        let worker = Worker {
            app: Arc::new(App::new(store, Limits::default())),
            options: Arc::new(Options::default()),
            switch: Arc::new(Switch::default()),
            runtime: runtime.handle().clone(),
            is_first: false,
        };
        let user = worker.next().unwrap();
        worker.report(user, PORTION, "row 3 of 2");
        let keys = Some(vec![PIPELINE_ERROR.to_owned()]);
        let query = Query { keys, field: TimeField::WriteTs, from: None, to: None, entries_max: 10 };
        let found = worker.app.store.find_blocking(user, &query).unwrap();
        assert!(matches!(found.as_slice(), [error] if error.text.contains("row 3 of 2")), "{found:?}");
        // The error entry itself is nothing to try again for.
        assert_eq!(worker.next(), Some(user));
        worker.turn(user, PORTION);
        assert_eq!((worker.next(), worker.app.metrics.intake.set_aside.get()), (None, 0));
    }

    #[test]
    fn a_panic_is_a_reason() {
        assert_eq!(guarded(|| 7), Ok(7));
        assert_eq!(guarded(|| -> u8 { panic!("row {} of 2", 3) }), Err("row 3 of 2".to_owned()));
    }
}
