//! Sums over days: how far and how long people went, how often and as what. Those of everybody are made in the background,
//! because they need a look at every diary.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use rushhour_pipeline::timeline::Measures;
use rushhour_store::{Error, Store};

use crate::diary::measures_between;

/// What a trip is told apart by: what its person said, by the names that clients know.
pub(crate) const DIMENSIONS: [&str; 3] = ["mode_confirm", "purpose_confirm", "replaced_mode"];
/// What a trip has that nothing was said about.
const UNLABELED: &str = "UNLABELED";

/// The sums of some days, by their numbers since 1970-01-01.
pub(crate) type Days = BTreeMap<i32, DaySums>;

/// The sums of a day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DaySums {
    /// How many people made a trip.
    pub(crate) users: u64,
    /// For each value of each dimension, as in `mode_confirm_bike`, the sums of its trips.
    pub(crate) sums: BTreeMap<String, Sums>,
}

/// Sums of trips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) trips: u64,
    pub(crate) distance_m: u64,
    pub(crate) duration_s: u64,
}

impl DaySums {
    fn add(&mut self, trip: &Measures) {
        for dimension in DIMENSIONS {
            let said = trip.labels.iter().find(|(kind, _)| kind == dimension).map(|(_, label)| label.as_str());
            let sums = self.sums.entry(format!("{dimension}_{}", said.unwrap_or(UNLABELED))).or_default();
            sums.trips += 1;
            sums.distance_m += u64::from(trip.distance_m);
            sums.duration_s += u64::from(trip.duration_s);
        }
    }
}

/// Adds a person's trips.
pub(crate) fn add_person(days: &mut Days, trips: &[Measures]) {
    let mut seen = Vec::new();
    for trip in trips {
        let sums = days.entry(trip.day).or_default();
        sums.add(trip);
        if !seen.contains(&trip.day) {
            seen.push(trip.day);
            sums.users += 1;
        }
    }
}

/// The sums of everybody, as of the last look.
#[derive(Debug, Default)]
pub(crate) struct Everybody {
    days: RwLock<Arc<Days>>,
}

impl Everybody {
    /// What was found.
    pub(crate) fn days(&self) -> Arc<Days> {
        Arc::clone(&self.days.read().expect("no writer panics"))
    }

    /// Looks at every diary, until `is_stopped`. Blocks the thread.
    pub(crate) fn look(&self, store: &Store, is_stopped: &dyn Fn() -> bool) -> Result<(), Error> {
        let mut days = Days::new();
        for user in store.users() {
            if is_stopped() {
                return Ok(());
            }
            add_person(&mut days, &measures_between(store, user, i32::MIN, i32::MAX)?);
        }
        *self.days.write().expect("no reader panics") = Arc::new(days);
        Ok(())
    }
}
