//! The phones: what each will do next and when, and what became of what they did.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rushhour_load::operation::Name;
use rushhour_load::plan::Plan;
use rushhour_load::request::Request;
use rushhour_load::scenario::Scenario;
use rushhour_load::schedule::Part;
use rushhour_report::histogram::Latencies;
use tokio::time::Instant;

/// All phones of a run.
pub(crate) struct Phones {
    phones: Vec<Mutex<Phone>>,
    names: Vec<Name>,
    done: Mutex<BTreeMap<String, Done>>,
    /// When the first of them was switched on: their times count from then.
    epoch: OnceLock<Instant>,
}

/// One of them: what it will do next, and all that it will do afterwards.
struct Phone {
    next: Option<Request>,
    later: Box<dyn Iterator<Item = Request> + Send>,
}

/// What became of the calls of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done {
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    /// From the moment at which the phone would have woken to the end of the answer.
    pub(crate) from_wake: Latencies,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With an answer.
    Completed,
    /// With none, however long the phone waited: it took at least as long.
    Timeout,
    /// Otherwise; a quick refusal is not a fast answer.
    Failed,
}

impl Phones {
    /// The phones of everybody in `scenario`; `step` is called for each.
    pub(crate) fn new(scenario: &Scenario, plan: &Arc<Plan>, mut step: impl FnMut()) -> Self {
        let count = scenario.users().get();
        let phone = |index| {
            let later = plan.lived(scenario, Part { index, count }).expect("only runs of people who live come here");
            let mut phone = Phone { next: None, later: Box::new(later) };
            phone.next = phone.later.next();
            step();
            Mutex::new(phone)
        };
        let phones = (0..count).map(phone).collect();
        Self { phones, names: scenario.names(), done: Mutex::default(), epoch: OnceLock::new() }
    }

    /// When a phone would wake next; `None` when it has done everything.
    pub(crate) fn wakes_at(&self, phone: usize) -> Option<Instant> {
        let at = held(self.phones.get(phone)?).next.as_ref()?.at;
        Some(self.instant(at))
    }

    /// What a phone does now, and what it is called.
    pub(crate) fn take(&self, phone: usize) -> Option<(Request, &str)> {
        let request = held(self.phones.get(phone)?).next.take()?;
        let name = self.names.get(request.operation.index())?;
        Some((request, name.as_str()))
    }

    /// Makes what a phone will do next: between two calls, when nobody waits for it.
    pub(crate) fn prepare(&self, phone: usize) {
        if let Some(phone) = self.phones.get(phone) {
            let mut phone = held(phone);
            phone.next = phone.later.next();
        }
    }

    /// Notes how a call ended that a phone would have made `at` some time.
    pub(crate) fn note(&self, name: &str, at: Duration, ending: Ending) {
        let took = self.instant(at).elapsed();
        let mut done = held(&self.done);
        let done = done.entry(name.to_owned()).or_default();
        match ending {
            Ending::Completed => done.completed += 1,
            Ending::Timeout | Ending::Failed => done.failed += 1,
        }
        if ending != Ending::Failed {
            done.from_wake.record(took);
        }
    }

    /// What became of everything, by the names of the calls.
    pub(crate) fn done(&self) -> BTreeMap<String, Done> {
        held(&self.done).clone()
    }

    fn instant(&self, at: Duration) -> Instant {
        *self.epoch.get_or_init(Instant::now) + at
    }
}

/// What a lock guards. Who panicked while holding it has spoilt nothing that is not counted.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
