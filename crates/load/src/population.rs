//! The people of a run: who they are, what their phones send next, and which of their days can be read.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::Date;
use rushhour_synth::world::World;
use serde::Serialize;

use crate::recorded::Recorded;
use crate::recording::Recording;
use crate::scenario::{self, Scenario};
use crate::schedule::Part;
use crate::synthetic::{Living, Synthetic};

/// People, and how far their phones are with sending their days.
#[derive(Debug)]
pub struct Population {
    people: People,
    /// How far the days before the run are uploaded.
    before: Before,
}

#[derive(Debug)]
enum People {
    /// Names, and nothing to send: enough for requests that a scenario describes itself.
    Named(NonZeroU32),
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

    /// People of whom nothing but their names is known.
    pub fn named(users: NonZeroU32) -> Self {
        Self::new(People::Named(users))
    }

    /// Such people as they were before anything was uploaded, so many of them.
    pub fn afresh(&self, users: NonZeroU32) -> Self {
        Self::new(match &self.people {
            People::Named(_) => People::Named(users),
            People::Recorded(recorded) => People::Recorded(recorded.afresh(users)),
            People::Synthetic(synthetic) => People::Synthetic(Box::new(synthetic.afresh(users))),
        })
    }

    fn new(people: People) -> Self {
        Self { people, before: Before::default() }
    }

    /// Where they live, if they are made up.
    pub fn world(&self) -> Option<Arc<World>> {
        match &self.people {
            People::Synthetic(synthetic) => Some(synthetic.world()),
            People::Named(_) | People::Recorded(_) => None,
        }
    }

    /// How many people.
    pub fn users(&self) -> u32 {
        match &self.people {
            People::Named(users) => users.get(),
            People::Recorded(recorded) => recorded.users(),
            People::Synthetic(synthetic) => synthetic.users(),
        }
    }

    /// What person `user` is called.
    pub fn token(&self, user: u32) -> String {
        match &self.people {
            People::Named(_) | People::Recorded(_) => Recorded::token(user),
            People::Synthetic(synthetic) => synthetic.token(user),
        }
    }

    /// A day, or a few, that person `user` has lived and uploaded before the run: which of them is up to `draw`. A study
    /// without one is read on its first day.
    pub fn read_days(&self, user: u32, draw: u32) -> LivedDays {
        match &self.people {
            People::Named(_) => LivedDays { first: scenario::default_first_day(), count: 1 },
            People::Recorded(recorded) => recorded.read_days(user, draw),
            People::Synthetic(synthetic) => synthetic.read_days(draw),
        }
    }

    /// Lives the first `days` days before the run without making their uploads, which were made at an earlier sitting.
    pub fn skip_before(&mut self, days: u32) {
        let users = self.users();
        for day in self.before.day..days.min(self.days_before()) {
            for user in 0..users {
                match &mut self.people {
                    People::Named(_) => {}
                    People::Recorded(recorded) => while recorded.next_upload_of_day(user, day).is_some() {},
                    People::Synthetic(synthetic) => synthetic.skip_day(user),
                }
            }
            self.before = Before { day: day + 1, user: 0 };
        }
    }

    /// The next upload of the days before the run that are earlier than `until_day`, day by day and person by person of
    /// `part`, whose it is, and how many person-days were completed since the one before; none when all are made.
    pub fn next_before(&mut self, part: Part, until_day: u32) -> Option<(Upload, u32, u32)> {
        let mut passed = 0;
        while self.before.day < self.days_before().min(until_day) {
            let Before { day, user } = self.before;
            let upload = match &mut self.people {
                People::Named(_) => None,
                People::Recorded(recorded) => recorded.next_upload_of_day(user, day),
                People::Synthetic(synthetic) => synthetic.next_upload_of_day(user, day),
            };
            // Those of other parts live their days as well, so that everybody goes on where the days before end.
            if let Some(upload) = upload {
                if part.has(user.into()) {
                    return Some((upload, user, passed));
                }
                continue;
            }
            passed += u32::from(part.has(user.into()));
            let is_last = user + 1 == self.users();
            self.before = if is_last { Before { day: day + 1, user: 0 } } else { Before { day, user: user + 1 } };
        }
        None
    }

    /// What the phone of person `user` has not sent before.
    pub fn next_upload(&mut self, user: u32) -> Upload {
        match &mut self.people {
            People::Named(_) => Upload { entries: 0, body: Bytes::from_static(b"{\"phone_to_server\":[]}") },
            People::Recorded(recorded) => recorded.next_upload(user),
            People::Synthetic(synthetic) => synthetic.next_upload(user),
        }
    }

    /// The people of `part` as they are when a run starts and on which day, if they go on living by themselves.
    pub(crate) fn living(&self, part: Part) -> Option<(Living, Date)> {
        match &self.people {
            People::Synthetic(synthetic) => Some((synthetic.living(part), synthetic.today())),
            People::Named(_) | People::Recorded(_) => None,
        }
    }

    /// How many days everybody has uploaded before a run starts.
    pub fn days_before(&self) -> u32 {
        match &self.people {
            People::Named(_) => 0,
            People::Recorded(recorded) => recorded.days_before(),
            People::Synthetic(synthetic) => synthetic.days_before(),
        }
    }
}

/// A body on the wire.
pub(crate) fn body(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("the wire types have text keys and finite numbers").into()
}
