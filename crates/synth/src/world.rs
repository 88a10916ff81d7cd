//! Everything there is: a region, parameters and a span of days, from which each person's life follows.

use jiff::civil::Date;

use crate::parameters::Parameters;
use crate::person::Person;
use crate::region::Region;
use crate::truth::{Event, Place, Trip, Visit};
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
    /// What went wrong with the phone.
    pub events: Vec<Event>,
    /// What the phone told the server, in order of time.
    pub calls: Vec<Call>,
}

/// A person's days, one after another.
#[derive(Debug)]
pub struct Life<'a> {
    #[expect(dead_code, reason = "not lived yet")]
    world: &'a World,
    person: Person,
    places: Vec<Place>,
}

impl World {
    /// The life of person `user`.
    pub fn life(&self, user: u32) -> Life<'_> {
        let person = Person {
            user,
            id: uuid::Uuid::nil(),
            home: crate::plane::Point::default(),
            platform: crate::phone::Platform::Android,
            profile: "android-2023",
        };
        Life { world: self, person, places: Vec::new() }
    }
}

impl Life<'_> {
    /// Whose.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The places they have been to so far, by id.
    pub fn places(&self) -> &[Place] {
        &self.places
    }
}

impl Iterator for Life<'_> {
    type Item = Day;

    fn next(&mut self) -> Option<Day> {
        None
    }
}
