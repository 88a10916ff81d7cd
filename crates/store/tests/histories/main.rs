//! Histories of a store on a disk that fails: what was acknowledged is readable and exact, what was not is absent or
//! whole, and what was damaged is reported and never returned.
//!
//! `HISTORIES=10000 cargo test --release -p rushhour-store --test histories` runs more of them; `HISTORY=7` only that one.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may panic")]

mod disk;
mod full;
mod model;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rushhour_model::ids::UserId;
use rushhour_store::{ChapterKey, Error, NewRow, Options, Policy, Query, Rewrite, Store, Upload};
use tokio::runtime::{Builder, Runtime};

use crate::disk::SimulatedDisk;
use crate::model::Model;

const HISTORIES: u64 = 500;
const THREADS: usize = 2;
const STEPS: usize = 40;
/// Everything is read after so many steps, and after each restart.
const LOOK_EVERY: usize = 4;
const USERS: usize = 3;
const START_S: f64 = 1_700_000_000.0;
const DAY_S: f64 = 86_400.0;

/// What goes wrong in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The power fails.
    Power,
    /// The power fails, and the disk returns errors.
    Errors,
    /// The power fails, and bits flip while it is off.
    Flips,
    /// The power fails, and the disk is full.
    Full,
}

struct History {
    rng: StdRng,
    trouble: Trouble,
    disk: SimulatedDisk,
    store: Option<Store>,
    runtime: Runtime,
    users: Vec<UserId>,
    model: Model,
    /// Something was reported that may have cost what was acknowledged.
    is_damaged: bool,
    is_failing: bool,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let trouble = [Trouble::Power, Trouble::Errors, Trouble::Flips, Trouble::Full][rng.random_range(0..4)];
        let mut history = Self {
            disk: SimulatedDisk::new(rng.random()),
            rng,
            trouble,
            store: None,
            runtime: Builder::new_current_thread().build().unwrap(),
            users: Vec::new(),
            model: Model::new(USERS),
            is_damaged: false,
            is_failing: false,
        };
        history.store = Some(history.open().unwrap());
        for user in 0..USERS {
            let user = history.runtime.block_on(history.store().register(&format!("user-{user}"))).unwrap();
            history.users.push(user);
        }
        history
    }

    fn open(&mut self) -> Result<Store, Error> {
        let rng = StdRng::seed_from_u64(self.rng.random());
        let policy = Policy { dead_share_max: 0.3, ..Policy::eager() };
        Store::open(Options {
            segment_bytes: 4 << 10,
            volume_bytes: 16 << 10,
            policy,
            disk: Arc::new(self.disk.clone()),
            ..Options::new(Path::new("/store"), rng)
        })
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn run(&mut self) {
        for step in 0..STEPS {
            self.step();
            if self.is_damaged {
                return;
            }
            if step.is_multiple_of(LOOK_EVERY) {
                self.check();
            }
        }
        self.restart(true);
        self.check();
    }

    fn step(&mut self) {
        match self.rng.random_range(0..24) {
            0 | 1 => self.restart(true),
            2 => self.restart(false),
            3 => self.seal(),
            4..=6 => {
                let now_s = START_S + self.rng.random_range(0.0..8.0) * DAY_S;
                let done = self.store().maintain(now_s).map(|done| done.failed.into_iter().map(|(_, error)| error));
                let error = done.map(|mut failed| failed.next());
                self.note(error.and_then(|failed| failed.map_or(Ok(()), Err)));
            }
            7 => {
                let done = self.store().compact(0.2);
                self.note(done);
            }
            8 | 9 => self.take_in(),
            10 if self.trouble == Trouble::Errors => {
                let works = self.rng.random_range(0..12);
                self.disk.fail_after(works);
                self.is_failing = true;
            }
            10 | 11 if self.trouble == Trouble::Full => self.fill(),
            _ => self.append(),
        }
    }

    fn append(&mut self) {
        let user = self.rng.random_range(0..USERS);
        let (texts, serial) = self.model.upload(user, &mut self.rng);
        let rows: Vec<NewRow<'_>> = texts
            .iter()
            .map(|(write_ts, text)| NewRow { kind: "t", key: "k", write_ts: START_S + write_ts, text })
            .collect();
        let upload = Upload::pack(self.users[user], &rows);
        let outcome = self.runtime.block_on(self.store().append(upload));
        self.model.outcome(serial, outcome.is_ok());
        self.note(outcome);
    }

    /// Lets the disk run full, and have room again: what is refused meanwhile is taken afterwards, without a restart.
    fn fill(&mut self) {
        let bytes = self.rng.random_range(0..6_000);
        self.disk.leave_room(bytes);
        for _ in 0..6 {
            self.append();
            let done = self.store().maintain(START_S + 9.0 * DAY_S).map(drop);
            self.note(done);
            self.check();
        }
        self.disk.leave_room(u64::MAX);
        let failed_before = self.is_failing;
        self.append();
        assert!(
            failed_before || self.is_failing || self.model.was_taken(),
            "there is room again, and nothing is taken"
        );
    }

    fn seal(&mut self) {
        let done = self.store().seal_all();
        self.note(done.map(drop));
    }

    fn take_in(&mut self) {
        let user = self.users[self.rng.random_range(0..USERS)];
        let entries_max = self.rng.random_range(1..60);
        let outcome = self.store().fresh(user, entries_max, f64::INFINITY).and_then(|fresh| {
            let (from, chapters, state) = (ChapterKey::END, Vec::new(), Vec::new());
            self.store().rewrite(user, &Rewrite { from, chapters, taken: fresh.taken, state })
        });
        self.note(outcome);
        if self.rng.random() {
            let done = self.store().sync_diaries();
            self.note(done);
        }
    }

    /// Sees whether an error is one that may be.
    fn note<T>(&mut self, outcome: Result<T, Error>) {
        match outcome.map(drop) {
            Ok(()) => {}
            Err(Error::DiskFull { .. } | Error::Unsealed) if self.trouble == Trouble::Full => {}
            Err(Error::Corrupt { .. } | Error::ReadOnly { .. }) if self.trouble == Trouble::Flips => {
                self.is_damaged = true;
            }
            Err(
                Error::Io { .. } | Error::Directory { .. } | Error::Poisoned | Error::Reopened | Error::DiskFull { .. },
            ) if self.is_failing => {}
            Err(error) => panic!("{:?}: {error:?}", self.trouble),
        }
    }

    fn restart(&mut self, is_crash: bool) {
        if is_crash {
            self.disk.lose_power();
        }
        self.store = None;
        // What failed before is well again.
        self.disk.fail_after(u64::MAX);
        self.is_failing = false;
        let is_flipped = self.trouble == Trouble::Flips && self.rng.random_range(0..4) == 0;
        if is_flipped {
            let folder = if self.rng.random() { "log" } else { "chunks" };
            self.disk.flip_bit(folder);
        }
        let opened = self.open();
        match opened {
            Ok(store) => {
                // A flip in the last frame looks like a write that was cut short, which is reported too.
                self.is_damaged = is_flipped && (store.damage().is_some() || store.stat().torn_bytes > 0);
                assert!(is_flipped || store.damage().is_none(), "{:?}", store.damage());
                self.store = Some(store);
            }
            Err(error) if is_flipped => {
                self.is_damaged = matches!(error, Error::Corrupt { .. });
                assert!(self.is_damaged, "{error:?}");
                return;
            }
            Err(error) => panic!("{:?}: {error:?}", self.trouble),
        }
        self.look(true);
    }

    fn check(&mut self) {
        self.look(false);
    }

    /// Reads everything and compares it with what may be there. After a restart what is there stays there.
    fn look(&mut self, is_fresh: bool) {
        for user in 0..USERS {
            let found = match self.store().find_blocking(self.users[user], &Query::all(None)) {
                Ok(found) => found,
                Err(error) => {
                    self.note(Err::<(), _>(error));
                    continue;
                }
            };
            match self.store().latest(self.users[user], &["k".to_owned()]) {
                Ok(latest) => assert_eq!(latest.last(), found.last(), "the last entry of user {user}"),
                Err(error) => self.note(Err::<(), _>(error)),
            }
            let found: Vec<(f64, String)> =
                found.into_iter().map(|entry| (entry.write_ts - START_S, entry.text)).collect();
            self.model.check(user, &found, is_fresh, self.is_damaged);
        }
    }
}

fn run(seed: u64) {
    let outcome = std::panic::catch_unwind(|| History::new(seed).run());
    if let Err(panic) = outcome {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        panic!("history {seed} (run it alone with HISTORY={seed}): {}", text.unwrap_or_default());
    }
}

#[expect(clippy::disallowed_methods, reason = "a test that can be asked for more has no other way to be asked")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_damaged_is_returned() {
    if let Some(seed) = asked("HISTORY") {
        return run(seed);
    }
    let histories = asked("HISTORIES").unwrap_or(HISTORIES);
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let worker = || {
            while let seed = next.fetch_add(1, Ordering::Relaxed)
                && seed < histories
            {
                run(seed);
            }
        };
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}
