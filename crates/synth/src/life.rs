//! A person's life as an iterator over its days.

use crate::course::Course;
use crate::person::Person;
use crate::travel::Travel;
use crate::truth::Place;
use crate::world::{Day, World};

/// A person's days, one after another.
#[derive(Debug)]
pub struct Life<'a> {
    world: &'a World,
    course: Course,
    travel: Travel,
}

impl<'a> Life<'a> {
    /// The life of person `user` of `world`.
    pub(crate) fn new(world: &'a World, user: u32) -> Self {
        Self { world, course: world.course(user), travel: world.travel() }
    }

    /// Whose.
    pub fn person(&self) -> &Person {
        self.course.person()
    }

    /// The places they have been to so far, by id.
    pub fn places(&self) -> &[Place] {
        self.course.places()
    }
}

impl Iterator for Life<'_> {
    type Item = Day;

    fn next(&mut self) -> Option<Day> {
        self.course.next_day(self.world, &mut self.travel)
    }
}
