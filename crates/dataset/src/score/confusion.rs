//! How often a pipeline takes one way of moving for another, in seconds.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::comparison::overlap_s;
use super::found::{Class, FoundTrip};
use super::user_truth::TrueTrip;

/// How many seconds of each class were found to be of each, or of none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Confusion {
    seconds: [[f64; FOUND]; Class::ALL.len()],
}

/// The classes, and none.
const FOUND: usize = Class::ALL.len() + 1;

impl Confusion {
    /// Adds the time during which both trips last.
    pub(super) fn add(&mut self, trip: &TrueTrip, found: &FoundTrip) {
        let both = (trip.start.ts.max(found.start.ts), trip.end.ts.min(found.end.ts));
        for section in &trip.sections {
            let span = (section.start_ts.max(both.0), section.end_ts.min(both.1));
            let mut rest_s = (span.1 - span.0).max(0.0);
            for part in &found.sections {
                let shared_s = overlap_s(span, (part.start_ts, part.end_ts)).min(rest_s);
                self.push(Class::of(section.mode), part.class, shared_s);
                rest_s -= shared_s;
            }
            self.push(Class::of(section.mode), None, rest_s);
        }
    }

    fn push(&mut self, class: Class, found: Option<Class>, seconds: f64) {
        let cell = self.seconds.get_mut(class as usize).and_then(|row| row.get_mut(column(found)));
        *cell.expect("every class has a row and a column") += seconds;
    }

    /// Seconds of `class` that were found to be `found`.
    pub fn seconds(&self, class: Class, found: Option<Class>) -> f64 {
        let cell = self.seconds.get(class as usize).and_then(|row| row.get(column(found)));
        *cell.expect("every class has a row and a column")
    }

    /// The share of time of which the class is right; none without time.
    pub fn agreement(&self) -> Option<f64> {
        let all_s: f64 = self.seconds.iter().flatten().sum();
        let right_s: f64 = Class::ALL.iter().map(|class| self.seconds(*class, Some(*class))).sum();
        (all_s > 0.0).then(|| right_s / all_s)
    }

    /// What can be found: the classes, and none.
    pub fn columns() -> impl Iterator<Item = Option<Class>> {
        Class::ALL.into_iter().map(Some).chain([None])
    }
}

fn column(found: Option<Class>) -> usize {
    found.map_or(Class::ALL.len(), |class| class as usize)
}

/// The name of a column.
pub(super) fn name(found: Option<Class>) -> &'static str {
    found.map_or("none", Class::name)
}

impl Serialize for Confusion {
    /// `{"foot": {"foot": seconds, …, "none": seconds}, …}`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_map(Some(Class::ALL.len()))?;
        for class in Class::ALL {
            let cells = Self::columns().map(|found| (name(found), self.seconds(class, found)));
            rows.serialize_entry(class.name(), &cells.collect::<std::collections::BTreeMap<_, _>>())?;
        }
        rows.end()
    }
}
