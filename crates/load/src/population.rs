//! The people of a run: who they are, what their phones send next, and which of their days can be read.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::Date;
use rushhour_synth::world::World;
use serde::Serialize;

use crate::recorded::Recorded;
use crate::recording::Recording;
use crate::scenario::Scenario;
use crate::synthetic::Synthetic;

/// People, and how far their phones are with sending their days.
#[derive(Debug)]
pub struct Population {
    people: People,
    /// How far the days before the run are uploaded.
    before: Before,
}

#[derive(Debug)]
enum People {
    Recorded(Recorded),
    Synthetic(Box<Synthetic>),
}

/// A day and a person: everything of days and people before them is uploaded.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    day: u32,
    user: u32,
}

/// What a phone sends at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    /// How many entries it carries.
    pub entries: usize,
    /// JSON.
    pub body: Bytes,
}

/// Days that a person lived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LivedDays {
    /// The first one.
    pub first: Date,
    /// How many.
    pub count: u32,
}

impl Population {
    /// The people of `scenario`, who live `recordings`, of which there must be at least one.
    pub fn recorded(scenario: &Scenario, recordings: Vec<Recording>) -> Self {
        Self::new(People::Recorded(Recorded::new(scenario, scenario.users(), recordings)))
    }

    /// People of `world`, who have uploaded `days_before` days when a run starts, and go on living.
    pub fn synthetic(world: Arc<World>, users: NonZeroU32, days_before: u32) -> Self {
        Self::new(People::Synthetic(Box::new(Synthetic::new(world, users, days_before))))
    }

    fn new(people: People) -> Self {
        Self { people, before: Before::default() }
    }

    /// How many people.
    pub fn users(&self) -> u32 {
        match &self.people {
            People::Recorded(recorded) => recorded.users(),
            People::Synthetic(synthetic) => synthetic.users(),
        }
    }

    /// What person `user` is called.
    pub fn token(&self, user: u32) -> String {
        match &self.people {
            People::Recorded(_) => Recorded::token(user),
            People::Synthetic(synthetic) => synthetic.token(user),
        }
    }

    /// How many days of how many people are uploaded before a run starts.
    pub fn person_days_before(&self) -> u64 {
        u64::from(self.days_before()) * u64::from(self.users())
    }

    /// A day, or a few, that person `user` has lived and uploaded before the run: which of them is up to `draw`. A study
    /// without one is read on its first day.
    pub fn read_days(&self, user: u32, draw: u32) -> LivedDays {
        match &self.people {
            People::Recorded(recorded) => recorded.read_days(user, draw),
            People::Synthetic(synthetic) => synthetic.read_days(draw),
        }
    }

    /// The next upload of the days before the run, day by day and person by person, and how many person-days were
    /// completed since the one before; none when all are made.
    pub fn next_before(&mut self) -> Option<(Upload, u32)> {
        let mut passed = 0;
        while self.before.day < self.days_before() {
            let Before { day, user } = self.before;
            let upload = match &mut self.people {
                People::Recorded(recorded) => recorded.next_upload_of_day(user, day),
                People::Synthetic(synthetic) => synthetic.next_upload_of_day(user, day),
            };
            if let Some(upload) = upload {
                return Some((upload, passed));
            }
            passed += 1;
            let is_last = user + 1 == self.users();
            self.before = if is_last { Before { day: day + 1, user: 0 } } else { Before { day, user: user + 1 } };
        }
        None
    }

    /// What the phone of person `user` has not sent before.
    pub fn next_upload(&mut self, user: u32) -> Upload {
        match &mut self.people {
            People::Recorded(recorded) => recorded.next_upload(user),
            People::Synthetic(synthetic) => synthetic.next_upload(user),
        }
    }

    fn days_before(&self) -> u32 {
        match &self.people {
            People::Recorded(recorded) => recorded.days_before(),
            People::Synthetic(synthetic) => synthetic.days_before(),
        }
    }
}

/// A body on the wire.
pub(crate) fn body(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("the wire types have text keys and finite numbers").into()
}
