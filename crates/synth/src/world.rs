//! Everything there is: a region, parameters and a span of days, from which each person's life follows.

use jiff::civil::Date;

use crate::clock::Clock;
use crate::course::Course;
use crate::life::Life;
use crate::parameters::Parameters;
use crate::person::Person;
use crate::region::Region;
use crate::track::Track;
use crate::travel::Travel;
use crate::truth::{Event, LocaleIndex, Micros, Trip, Visit};
use crate::upload::Call;

/// Which people, and which days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Study {
    /// Same seed, same people, same days.
    pub seed: u64,
    /// The first day.
    pub first_day: Date,
    /// How many days.
    pub days: u32,
}

/// A region with people in it.
#[derive(Debug)]
pub struct World {
    /// Where.
    pub region: Region,
    /// How.
    pub parameters: Parameters,
    /// When.
    pub study: Study,
}

/// A day of a person. Days follow one another without gap or overlap; a trip belongs to the day it begins on.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    /// Its date, where the person was when it began.
    pub date: Date,
    /// The visits that ended on it; the last day has those that had not ended.
    pub visits: Vec<Visit>,
    /// The trips that began on it.
    pub trips: Vec<Trip>,
    /// How each of the trips was moved, in the same order.
    pub tracks: Vec<Track>,
    /// What went wrong with the phone.
    pub events: Vec<Event>,
    /// What the phone told the server, in order of time.
    pub calls: Vec<Call>,
}

impl World {
    /// Person `user`.
    pub fn person(&self, user: u32) -> Person {
        Person::new(user, self.study.seed, &self.parameters, &self.region)
    }

    /// The life of person `user`.
    pub fn life(&self, user: u32) -> Life<'_> {
        Life::new(self, user)
    }

    /// The life of person `user` for whoever keeps those of many, and lives a day of one or the other.
    pub fn course(&self, user: u32) -> Course {
        Course::new(self, self.person(user))
    }

    /// What lives are lived with; best kept for one person after another.
    pub fn travel(&self) -> Travel {
        Travel::new(&self.region)
    }

    /// When `date` begins in the region, in microseconds since 1970.
    pub fn midnight_us(&self, date: Date) -> Micros {
        self.clock(0, date).midnight_us()
    }

    /// The clock of `date` in a locale.
    pub(crate) fn clock(&self, locale: LocaleIndex, date: Date) -> Clock<'_> {
        Clock::new(self.region.locales.get(usize::from(locale)).expect("a place is in a locale of its region"), date)
    }
}
