//! One day of a person while it is lived: what they do, how they get there, and what their phone is shown of it.

use jiff::ToSpan;
use jiff::civil::Date;
use rand::RngExt;
use rand_distr::Distribution;

use crate::agenda::{Agenda, Goal, Step};
use crate::clock::Clock;
use crate::course::Course;
use crate::draws::{Draws, Subject, draws};
use crate::labels::label;
use crate::mode_choice::{Chosen, Means, choose};
use crate::person::{Duty, log_normal};
use crate::phone::{Stay, Stretch};
use crate::track::Track;
use crate::travel::{Departure, Journey, Travel, fly};
use crate::truth::{LocaleIndex, Micros, Mode, Place, Purpose, SECOND_US, Trip, Visit};
use crate::world::World;

/// Minutes in microseconds.
pub(crate) const MINUTE_US: Micros = 60 * SECOND_US;
/// Nobody goes out sooner after they came home at night, so that a day's trips are all known when it ends.
pub(crate) const NIGHT_MIN_US: Micros = 40 * MINUTE_US;

/// A day that is being lived.
#[derive(Debug)]
pub(crate) struct Today<'a> {
    world: &'a World,
    course: &'a mut Course,
    travel: &'a mut Travel,
    date: Date,
    /// What is drawn on the road.
    road: Draws,
    visits: Vec<Visit>,
    trips: Vec<Trip>,
    tracks: Vec<Track>,
}

impl<'a> Today<'a> {
    /// `date` begins.
    pub(crate) fn new(world: &'a World, course: &'a mut Course, travel: &'a mut Travel, date: Date) -> Self {
        let road = draws(world.study.seed, course.person.user, course.day, Subject::Travel);
        Self { world, course, travel, date, road, visits: Vec::new(), trips: Vec::new(), tracks: Vec::new() }
    }

    /// From midnight to midnight, or until they are home.
    pub(crate) fn live(&mut self) {
        self.talk();
        match self.flight() {
            Some(locale) => self.fly(locale),
            None => self.spend(),
        }
        let tomorrow = self.world.clock(self.course.here.locale, self.date.saturating_add(1.days()));
        self.stay(tomorrow.midnight_us().max(self.course.now_us));
    }

    /// Ends the visit that is under way, because nobody will know how long it was.
    pub(crate) fn end_study(&mut self) {
        self.leave(self.course.now_us);
    }

    /// What happened.
    pub(crate) fn into_diary(self) -> (Vec<Visit>, Vec<Trip>, Vec<Track>) {
        (self.visits, self.trips, self.tracks)
    }

    fn rng(&self, subject: Subject) -> Draws {
        draws(self.world.study.seed, self.course.person.user, self.course.day, subject)
    }

    fn clock(&self) -> Clock<'a> {
        self.world.clock(self.course.here.locale, self.date)
    }

    /// Says what they have to say about yesterday, at some time between breakfast and bedtime.
    fn talk(&mut self) {
        let trips = std::mem::take(&mut self.course.yesterday);
        if !self.course.person.is_labelling || trips.is_empty() {
            return;
        }
        let mut rng = self.rng(Subject::Labels);
        let said_us = self.clock().instant_us(rng.random_range(7.0..22.0) * 3_600.0);
        let at_us = said_us.max(self.course.now_us + MINUTE_US);
        for label in label(&trips, at_us, self.course.here.locale, &mut rng) {
            self.course.phone.say(label);
        }
    }

    /// A day in the city where they are: whatever comes up, until they stay for the night.
    fn spend(&mut self) {
        let week = &self.world.parameters.week;
        let clock = self.clock();
        let mut rng = self.rng(Subject::Day);
        let is_away = self.course.base.locale != 0;
        let mut agenda = Agenda::new(week, &self.course.person, week.day_type(self.date), is_away, &mut rng);
        let mut from_us = self.course.now_us.max(self.course.arrived_us + NIGHT_MIN_US);
        let mut on_foot = false;
        while let Some(Step { leave_s, goal }) = agenda.next(clock.civil_s(from_us), &mut rng) {
            let to = self.destination(goal, &mut rng);
            if to.id != self.course.here.id {
                // Who goes out to eat at work leaves the car where it is, and comes back to it.
                on_foot = goal == Goal::Lunch || (on_foot && goal == Goal::Duty);
                let chosen = if on_foot { Chosen::WALK } else { self.choose(to) };
                self.go(to, chosen, clock.instant_us(leave_s).max(from_us));
            }
            from_us = self.course.now_us + MINUTE_US;
        }
    }

    /// Where somebody goes who wants to go there.
    fn destination(&mut self, goal: Goal, rng: &mut Draws) -> Place {
        /// Meals are round the corner, at most this far: a choice.
        const LUNCH_REACH_M: f64 = 600.0;
        match goal {
            Goal::Base => self.course.base,
            Goal::Duty => self.duty(),
            Goal::Lunch => self.familiar(LUNCH_REACH_M, rng).unwrap_or_else(|| {
                self.discover(Purpose::Meal, self.course.here, (LUNCH_REACH_M / 2.0).ln(), 0.4, rng)
            }),
            Goal::Choice => self.familiar(f64::INFINITY, rng).unwrap_or_else(|| {
                let week = &self.world.parameters.week;
                // A stop on the way is near one of its ends.
                let is_near_home = self.course.here.id != self.course.base.id && rng.random_bool(0.5);
                let from = if is_near_home { self.course.base } else { self.course.here };
                self.discover(week.purposes.draw(rng), from, week.distance_mu, week.distance_sigma, rng)
            }),
        }
    }

    /// A place within reach that they know, unless it is time to see something new.
    fn familiar(&mut self, reach_m: f64, rng: &mut Draws) -> Option<Place> {
        let Course { memory, person, here, .. } = &mut *self.course;
        if memory.wants_new(person.exploration, rng) {
            return None;
        }
        let known = memory.familiar(*here, reach_m, rng)?;
        memory.visit(known);
        Some(known)
    }

    /// A place they have not been to, at a log-normal distance.
    fn discover(&mut self, purpose: Purpose, from: Place, mu: f64, sigma: f64, rng: &mut Draws) -> Place {
        let distance_m = log_normal(mu, sigma).sample(rng);
        let site = self.world.region.site(purpose, from.at, distance_m, rng);
        let place = self.course.memory.place(site, self.course.here.locale, purpose);
        self.course.memory.visit(place);
        place
    }

    fn duty(&mut self) -> Place {
        match self.course.person.duty {
            Duty::Work(site) => self.course.memory.place(site, 0, Purpose::Work),
            Duty::School(site) => self.course.memory.place(site, 0, Purpose::School),
            Duty::None => self.course.base,
        }
    }

    /// How they get from where they are to `to`.
    fn choose(&mut self, to: Place) -> Chosen {
        let World { region, parameters, .. } = self.world;
        let Course { person, means, here, base, .. } = &mut *self.course;
        let chosen = choose(&parameters.modes, region, person, *means, (here.at, to.at), &mut self.road);
        let tour = means.unwrap_or_else(|| Means::of(person, chosen.mode));
        *means = (to.id != base.id).then_some(tour);
        chosen
    }

    /// Stays until `at_us`, and goes.
    fn go(&mut self, to: Place, chosen: Chosen, at_us: Micros) {
        let departure = self.departure(at_us);
        let journey = self.travel.go(departure, (self.course.here, to), chosen, &mut self.road);
        self.arrive(to, journey);
    }

    fn departure(&self, at_us: Micros) -> Departure<'a> {
        let Course { person, next_trip, .. } = &*self.course;
        Departure {
            region: &self.world.region,
            user: person.user,
            pace: person.pace,
            habit: person.habit,
            trip: *next_trip,
            at_us,
        }
    }

    fn arrive(&mut self, to: Place, journey: Journey) {
        let Journey { track, sections } = journey;
        let (depart_us, arrive_us) = (track.start_us(), track.end_us());
        self.leave(depart_us);
        let course = &mut *self.course;
        course.phone.live(&Stretch::Move(&track));
        let longest = sections.iter().max_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
        self.trips.push(Trip {
            id: course.next_trip,
            from: course.here.id,
            to: to.id,
            depart_us,
            arrive_us,
            mode: longest.map_or(Mode::Walk, |section| section.mode),
            purpose: to.purpose,
            distance_m: sections.iter().map(|section| section.distance_m).sum(),
            sections,
            sensed_us: None,
            fixes: 0,
            expected_segmented: false,
        });
        self.tracks.push(track);
        course.next_trip += 1;
        course.here = to;
        course.now_us = arrive_us;
        course.arrived_us = arrive_us;
    }

    /// Ends the visit to where they are.
    fn leave(&mut self, depart_us: Micros) {
        self.stay(depart_us);
        let Place { id: place, purpose, .. } = self.course.here;
        self.visits.push(Visit { place, purpose, arrive_us: self.course.arrived_us, depart_us });
    }

    fn stay(&mut self, until_us: Micros) {
        let Place { at, locale, .. } = self.course.here;
        self.course.phone.live(&Stretch::Stay(Stay { at, locale, until_us }));
        self.course.now_us = until_us;
    }

    /// Where to, when today is the day of a flight.
    fn flight(&mut self) -> Option<LocaleIndex> {
        let course = &mut *self.course;
        if course.base.locale != 0 {
            course.nights_away = course.nights_away.saturating_sub(1);
            return (course.nights_away == 0).then_some(0);
        }
        let cities = self.world.region.locales.len() - 1;
        let mut rng = draws(self.world.study.seed, course.person.user, course.day, Subject::Flights);
        if cities == 0 || !rng.random_bool(self.world.parameters.week.away_per_week.get() / 7.0) {
            return None;
        }
        // Two to six nights: a choice.
        course.nights_away = rng.random_range(2..=6);
        LocaleIndex::try_from(rng.random_range(1..=cities)).ok()
    }

    /// Flies to another city, or home: to the airport, through the air, and to where they sleep.
    fn fly(&mut self, locale: LocaleIndex) {
        let region = &self.world.region;
        let mut rng = self.rng(Subject::Day);
        self.course.means = None;
        let gate = self.course.memory.place(region.airport(), self.course.here.locale, Purpose::Airport);
        let leave_us = self.clock().instant_us(rng.random_range(6.0..15.0) * 3_600.0);
        self.go(gate, Chosen::CAR, leave_us.max(self.course.arrived_us + NIGHT_MIN_US));
        // An hour or two before departure, and half an hour to get out: choices.
        let take_off_us = self.course.now_us + rng.random_range(75..130) * MINUTE_US;
        let exit = self.course.memory.place(region.airport(), locale, Purpose::Airport);
        let flight = fly(self.departure(take_off_us), (gate, exit));
        self.arrive(exit, flight);
        self.course.base = if locale == 0 {
            *self.course.memory.places().first().expect("home is a place")
        } else {
            // Hotels are 10 km from the airport, give or take: a choice.
            let distance_m = log_normal(10_000_f64.ln(), 0.4).sample(&mut rng);
            let site = region.site(Purpose::Lodging, exit.at, distance_m, &mut rng);
            self.course.memory.place(site, locale, Purpose::Lodging)
        };
        let leave_us = self.course.now_us + rng.random_range(20..50) * MINUTE_US;
        self.go(self.course.base, Chosen::CAR, leave_us);
    }
}
