//! What a person's phones observed: the rows that every stage reads, in the order in which it reads them.

use std::ops::Range;

use rushhour_model::entry::{Entry, key, seconds};
use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::{Identity, UserId, entry_id};
use rushhour_model::stored::observe::{self, Motion, Observed, Transition, observe, observe_stored};
use rushhour_model::stored::{Refusal, StoredEntry};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::input::Input;
use crate::moment::{Spot, Zone};
use crate::position::Position;

/// How far ahead of the phone's clock a measurement may claim to be, in seconds. Real phones are seconds ahead
/// (`write_ts - ts` down to -2 s in the recordings); one claim from next year would make everything before it late.
const AHEAD_S_MAX: f64 = 86_400.0;

/// Which rule sampled a fix, and so which rules find its trips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Filter {
    Time,
    Distance,
}

/// The type of entries that are sensed.
const SENSOR_DATA: &str = "sensor-data";

/// What an entry is called.
#[derive(Clone, Copy, Debug)]
enum Name<'a> {
    Id(ObjectId),
    Identity(Identity<'a>),
}

impl Name<'_> {
    fn id(self) -> ObjectId {
        match self {
            Self::Id(id) => id,
            Self::Identity(identity) => identity.id(),
        }
    }

    fn of_fix(self) -> FixName {
        match self {
            Self::Identity(Identity { user, kind: SENSOR_DATA, key: key::FILTERED_LOCATION, .. }) => {
                FixName::Usual(user)
            }
            other => FixName::Id(other.id()),
        }
    }
}

/// What a fix is called. Few are ever asked for their id, which is a hash.
#[derive(Clone, Copy, Debug, PartialEq)]
enum FixName {
    Id(ObjectId),
    /// Its id follows from whose it is and when it was written.
    Usual(UserId),
}

/// A position fix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fix {
    name: FixName,
    pub(crate) ts: f64,
    pub(crate) write_ts: f64,
    pub(crate) at: Position,
    pub(crate) altitude: f64,
    pub(crate) zone: Zone,
    pub(crate) filter: Option<Filter>,
}

impl Fix {
    pub(crate) fn id(&self) -> ObjectId {
        match self.name {
            FixName::Id(id) => id,
            FixName::Usual(user) => entry_id(user, SENSOR_DATA, key::FILTERED_LOCATION, self.write_ts),
        }
    }

    pub(crate) fn spot(&self) -> Spot {
        Spot::new(self.ts, self.zone.clone(), self.at)
    }
}

/// An entry that a pipeline should read and cannot.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// The entry.
    pub id: ObjectId,
    /// The rule that it breaks.
    pub reason: String,
}

/// The rows of one person.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// By write time, which is the order of the phone's own rows. Between calls, in order of arrival.
    pub(crate) fixes: Vec<Fix>,
    /// By the time of the activity, with the time of writing.
    pub(crate) motions: Vec<(Motion, f64)>,
    /// By time.
    pub(crate) transitions: Vec<Transition>,
    /// What the person said about trips and places.
    pub(crate) inputs: Vec<Input>,
    /// What could not be read.
    pub(crate) rejected: Vec<Rejected>,
}

impl Observations {
    /// None yet, with room for so many of them.
    pub fn with_room(entries: usize) -> Self {
        Self { fixes: Vec::with_capacity(entries), motions: Vec::with_capacity(entries), ..Self::default() }
    }

    /// Adds what an entry says.
    pub fn push_observed(&mut self, identity: Identity<'_>, observed: Observed) {
        self.add(Name::Identity(identity), identity.write_ts, Ok(observed));
    }

    /// Adds an entry in phone form.
    pub fn push(&mut self, id: ObjectId, entry: Entry) {
        let write_ts = entry.metadata.write_s();
        self.add(Name::Id(id), write_ts, observe(entry));
    }

    /// Adds an entry in stored form.
    pub fn push_stored(&mut self, id: ObjectId, entry: StoredEntry) {
        let write_ts = seconds(&entry.metadata.write_ts);
        self.add(Name::Id(id), write_ts, observe_stored(entry));
    }

    /// Adds an entry of `user` in whichever form it is: the server's own times tell.
    ///
    /// # Errors
    /// When it is no entry.
    pub fn push_value(&mut self, user: UserId, value: Value) -> Result<(), String> {
        let is_stored = value.pointer("/metadata/write_fmt_time").is_some();
        if is_stored {
            let entry = StoredEntry::try_from(value).map_err(|error| error.to_string())?;
            let metadata = &entry.metadata;
            let kind = metadata.kind.as_deref().unwrap_or_default();
            let id = entry.id.unwrap_or_else(|| entry_id(user, kind, &metadata.key, seconds(&metadata.write_ts)));
            self.push_stored(id, entry);
        } else {
            let entry = Entry::try_from(value).map_err(|error| error.to_string())?;
            let id = entry_id(user, &entry.metadata.kind, &entry.metadata.key, entry.metadata.write_s());
            self.push(id, entry);
        }
        Ok(())
    }

    /// What could not be read, and why.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// Where the fixes are, in the order in which they came.
    pub fn positions(&self) -> Vec<Position> {
        self.fixes.iter().map(|fix| fix.at).collect()
    }

    /// Notes an entry that could not even be parsed.
    pub fn reject(&mut self, id: ObjectId, reason: String) {
        self.rejected.push(Rejected { id, reason });
    }

    fn add(&mut self, name: Name<'_>, write_ts: f64, observed: Result<Observed, Refusal>) {
        let done = match observed {
            Ok(Observed::Fix(fix)) => self.add_fix(name.of_fix(), fix),
            Ok(Observed::Motion(motion)) => {
                on_time(motion.ts, write_ts).map(|()| self.motions.push((motion, write_ts)))
            }
            Ok(Observed::Transition(transition)) => {
                self.transitions.push(transition);
                Ok(())
            }
            Ok(Observed::Input(entry)) => Input::read(name.id(), *entry).map(|input| self.inputs.push(input)),
            Ok(Observed::Nothing) => Ok(()),
            Err(refusal) => Err(refusal.to_string()),
        };
        if let Err(reason) = done {
            self.reject(name.id(), reason);
        }
    }

    fn add_fix(&mut self, name: FixName, fix: observe::Fix) -> Result<(), String> {
        let observe::Fix { ts, write_ts, latitude, longitude, altitude, filter, zone } = fix;
        on_time(ts, write_ts)?;
        if latitude.abs() > 90.0 || longitude.abs() > 180.0 {
            return Err(format!("{latitude}, {longitude} is not on Earth"));
        }
        let filter = match filter.as_deref() {
            None => None,
            Some("time") => Some(Filter::Time),
            Some("distance") => Some(Filter::Distance),
            Some(other) => return Err(format!("`data.filter`: {other} is neither time nor distance")),
        };
        let (at, altitude, zone) = (Position { longitude, latitude }, altitude.unwrap_or(0.0), Zone::from(zone));
        self.fixes.push(Fix { name, ts, write_ts, at, altitude, zone, filter });
        Ok(())
    }

    /// Puts the rows in the order in which the stages read them, each once: of two with one identity the later stays.
    pub(crate) fn sort(&mut self) {
        self.fixes.sort_by(|one, other| one.write_ts.total_cmp(&other.write_ts));
        keep_last(&mut self.fixes, |one, other| one.write_ts.total_cmp(&other.write_ts).is_eq());
        self.motions.sort_by(|one, other| one.1.total_cmp(&other.1));
        keep_last(&mut self.motions, |one, other| one.1.total_cmp(&other.1).is_eq());
        self.motions.sort_by(|one, other| one.0.ts.total_cmp(&other.0.ts));
        self.transitions.sort_by(|one, other| one.ts.total_cmp(&other.ts));
        keep_last(&mut self.transitions, |one, other| one.ts.total_cmp(&other.ts).is_eq());
    }

    /// The motions in `from..=to`.
    pub(crate) fn motions_within(&self, from: f64, to: f64) -> &[(Motion, f64)] {
        within(&self.motions, |(motion, _)| motion.ts, from, to)
    }

    /// Whether something moved after `from`, and until `to`.
    pub(crate) fn has_motion_between(&self, from: f64, to: f64) -> bool {
        let first = self.motions.partition_point(|(motion, _)| motion.ts <= from);
        self.motions.get(first).is_some_and(|(motion, _)| motion.ts <= to)
    }

    /// The transitions in `from..=to`.
    pub(crate) fn transitions_within(&self, from: f64, to: f64) -> &[Transition] {
        within(&self.transitions, |transition| transition.ts, from, to)
    }

    /// Whether tracking stopped after `from`, and until `to`: what lies between was not observed.
    pub(crate) fn is_restarted_between(&self, from: f64, to: f64) -> bool {
        let first = self.transitions.partition_point(|transition| transition.ts <= from);
        let after = self.transitions.get(first..).unwrap_or_default();
        after.iter().take_while(|transition| transition.ts <= to).any(is_restart)
    }
}

/// States and transitions as numbers: `emission-format` a.4.
const WAITING_FOR_TRIP_START: i64 = 1;
/// The phone found that its person stays.
pub(crate) const STOPPED_MOVING: i64 = 2;
const STOP_TRACKING: i64 = 3;
const BOOTED: i64 = 4;
/// iOS saw a visit end.
pub(crate) const VISIT_ENDED: i64 = 14;

fn is_restart(transition: &Transition) -> bool {
    match transition.transition {
        Some(STOP_TRACKING | BOOTED) => true,
        Some(VISIT_ENDED) => transition.state == WAITING_FOR_TRIP_START,
        _ => false,
    }
}

fn on_time(ts: f64, write_ts: f64) -> Result<(), String> {
    let ahead_s = ts - write_ts;
    if ahead_s > AHEAD_S_MAX { Err(format!("`data.ts` is {ahead_s:.0} s after `metadata.write_ts`")) } else { Ok(()) }
}

fn keep_last<T>(rows: &mut Vec<T>, is_same: impl Fn(&T, &T) -> bool) {
    rows.dedup_by(|next, kept| {
        let again = is_same(next, kept);
        if again {
            std::mem::swap(next, kept);
        }
        again
    });
}

/// The rows whose time is in `from..=to`, of rows sorted by it.
pub(crate) fn within<T>(rows: &[T], ts: impl Fn(&T) -> f64, from: f64, to: f64) -> &[T] {
    rows.get(places_within(rows, ts, from, to)).unwrap_or_default()
}

/// Where the rows are whose time is in `from..=to`, of rows sorted by it.
pub(crate) fn places_within<T>(rows: &[T], ts: impl Fn(&T) -> f64, from: f64, to: f64) -> Range<usize> {
    rows.partition_point(|row| ts(row) < from)..rows.partition_point(|row| ts(row) <= to)
}
