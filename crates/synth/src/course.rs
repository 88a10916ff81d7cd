//! How far a person's life has got, and its next day.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::memory::Memory;
use crate::mode_choice::Means;
use crate::person::Person;
use crate::phone::{Phone, Platform, Witnessed};
use crate::today::{MINUTE_US, NIGHT_MIN_US, Today};
use crate::travel::Travel;
use crate::truth::{Micros, Mode, Place, Purpose, Trip};
use crate::world::{Day, World};

/// How far a person's life has got: small enough to be kept for thousands.
#[derive(Clone, Debug)]
pub struct Course {
    pub(crate) person: Person,
    pub(crate) memory: Memory,
    pub(crate) phone: Phone,
    /// The next day, counted from 0.
    pub(crate) day: u32,
    /// What time it is.
    pub(crate) now_us: Micros,
    /// Where they are.
    pub(crate) here: Place,
    /// Where they sleep.
    pub(crate) base: Place,
    /// When they came to where they are.
    pub(crate) arrived_us: Micros,
    /// How the tour is done that they are on.
    pub(crate) means: Option<Means>,
    pub(crate) next_trip: u32,
    /// How many more nights they sleep in another city.
    pub(crate) nights_away: u32,
    /// Yesterday's trips: what there is to talk about.
    pub(crate) yesterday: Vec<Trip>,
}

/// A stay from which a pipeline is meant to tell that a trip ended: mobility.md 6, "Segmentability".
const FOUND_STAY_ANDROID_US: Micros = 8 * MINUTE_US;
/// The same on iOS.
const FOUND_STAY_IOS_US: Micros = NIGHT_MIN_US;
/// A shorter trip is not meant to be found.
const FOUND_TRIP_M: f64 = 300.0;

impl Course {
    /// The beginning of the study for `person`.
    pub(crate) fn new(world: &World, person: Person) -> Self {
        let World { region, parameters, study } = world;
        let mut memory = Memory::default();
        let home = memory.add(person.home, 0, Purpose::Home);
        let now_us = world.clock(home.locale, study.first_day).midnight_us();
        let phone =
            Phone::new(person.handset, &parameters.phones, &region.locales, home.at, now_us, study.seed, person.user);
        Self {
            person,
            memory,
            phone,
            day: 0,
            now_us,
            here: home,
            base: home,
            arrived_us: now_us,
            means: None,
            next_trip: 0,
            nights_away: 0,
            yesterday: Vec::new(),
        }
    }

    /// Whose.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The places they have been to so far, by id.
    pub fn places(&self) -> &[Place] {
        self.memory.places()
    }

    /// When `date` begins where they are at home, in microseconds since 1970.
    pub fn midnight_us(&self, world: &World, date: Date) -> Micros {
        world.clock(self.base.locale, date).midnight_us()
    }

    /// Lives the next day; none when the study is over.
    pub fn next_day(&mut self, world: &World, travel: &mut Travel) -> Option<Day> {
        let study = world.study;
        if self.day == study.days {
            return None;
        }
        let is_last = self.day + 1 == study.days;
        let date = study.first_day.saturating_add(i64::from(self.day).days());
        let arrived_us = self.arrived_us;
        self.phone.begin_day(self.day);
        let mut today = Today::new(world, self, travel, date);
        today.live();
        if is_last {
            today.end_study();
        }
        let (visits, mut trips, tracks) = today.into_diary();
        let witnessed = if is_last { self.phone.end_study() } else { self.phone.end_day() };
        self.reconcile(&witnessed, &mut trips, arrived_us, is_last);
        self.yesterday.clone_from(&trips);
        self.day += 1;
        let Witnessed { calls, events, .. } = witnessed;
        Some(Day { date, visits, trips, tracks, events, calls })
    }

    /// Puts to the trips what the phone made of them, and which of them a pipeline is meant to find.
    fn reconcile(&self, witnessed: &Witnessed, trips: &mut [Trip], mut arrived_us: Micros, is_last: bool) {
        let found_us = match self.person.handset.platform {
            Platform::Android => FOUND_STAY_ANDROID_US,
            Platform::Ios => FOUND_STAY_IOS_US,
        };
        // Nobody goes out at night before a stay of that length is over.
        let end_us = if is_last { self.now_us } else { Micros::MAX };
        let leaves_us: Vec<Micros> = trips.iter().skip(1).map(|trip| trip.depart_us).chain([end_us]).collect();
        let mut was_flight = false;
        for (trip, leaves_us) in trips.iter_mut().zip(leaves_us) {
            let noticed = witnessed.trips.iter().find(|noticed| noticed.trip == trip.id);
            trip.sensed_us = noticed.and_then(|noticed| noticed.sensed_us);
            trip.fixes = noticed.map_or(0, |noticed| noticed.fixes);
            let is_flight = trip.mode == Mode::Air;
            trip.expected_segmented = noticed.is_some_and(|noticed| noticed.is_clean)
                && trip.depart_us - arrived_us >= found_us
                && leaves_us - trip.arrive_us >= found_us
                && trip.distance_m >= FOUND_TRIP_M
                && !is_flight
                && !was_flight;
            arrived_us = trip.arrive_us;
            was_flight = is_flight;
        }
    }
}
