//! Getting from one place to another: a way through the streets or on a line, and how it is moved along.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_distr::{Distribution, Exp1};

use crate::draws::Draws;
use crate::kinematics::{Grip, Mover, Reach};
use crate::mode_choice::Chosen;
use crate::person::{Pace, normal};
use crate::plane::Point;
use crate::region::{Region, Ride};
use crate::roads::{Crossing, HABITS, Route, Router, Way};
use crate::track::{Cover, Track};
use crate::truth::{Micros, Mode, Place, Purpose, Section};

/// A trip as it happened.
#[derive(Clone, Debug)]
pub(crate) struct Journey {
    /// Where they were at each moment.
    pub(crate) track: Track,
    /// Its parts of one mode each.
    pub(crate) sections: Vec<Section>,
}

/// Where, who and when: what a journey needs to know beside its ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Departure<'a> {
    /// Where.
    pub(crate) region: &'a Region,
    /// Who travels.
    pub(crate) user: u32,
    /// How fast they are.
    pub(crate) pace: Pace,
    /// Which of the road network's habits they have.
    pub(crate) habit: u8,
    /// The trip's id.
    pub(crate) trip: u32,
    /// When they leave.
    pub(crate) at_us: Micros,
}

/// Finds ways, and remembers those of one person at a time: people go the same ways again and again.
///
/// What is remembered changes how long finding takes, never what is found.
#[derive(Debug)]
pub struct Travel {
    router: Router,
    known: BTreeMap<(Way, u32, u32), Route>,
    /// Who knows them.
    known_by: u32,
    reaches: Vec<Reach>,
}

/// How many ways a person remembers: the memory of one life stays below a few megabytes.
const KNOWN_MAX: usize = 256;
/// Between home and duty the usual way is taken this often (mobility.md 6.7), and else the one other way that somebody knows.
/// Elsewhere there is no such habit to break. Choices.
const HABIT_SHARE: f64 = 0.85;
/// mobility.md 2c.
const CAR: Grip = Grip { pull_m_s2: 1.7, brake_m_s2: 2.0 };
const TWO_WHEELS: Grip = Grip { pull_m_s2: 0.7, brake_m_s2: 1.0 };
const LINE: Grip = Grip { pull_m_s2: 1.0, brake_m_s2: 1.0 };
/// The mean wait at a junction in town (mobility.md 2c).
const JUNCTION_WAIT_S: f64 = 14.0;
/// A shorter way to the door is not worth a section of its own.
const DOOR_M: f64 = 15.0;

impl Travel {
    /// For people of `region`.
    pub(crate) fn new(region: &Region) -> Self {
        Self { router: region.roads.router(), known: BTreeMap::new(), known_by: 0, reaches: Vec::new() }
    }

    /// Goes from one place to another.
    pub(crate) fn go(
        &mut self,
        departure: Departure<'_>,
        (from, to): (Place, Place),
        chosen: Chosen,
        rng: &mut Draws,
    ) -> Journey {
        let who = &departure;
        if self.known_by != who.user {
            self.known.clear();
            self.known_by = who.user;
        }
        let mut mover = Mover::new(departure.at_us, from.at, from.locale);
        match (chosen.mode, chosen.ride) {
            (Mode::Bus | Mode::Train, Some(ride)) => self.ride(&mut mover, who, (from, to), (chosen.mode, ride), rng),
            (Mode::Car | Mode::Bicycle | Mode::Ebike | Mode::Scooter, _) if from.node != to.node => {
                let has_habit = rng.random_bool(HABIT_SHARE) || !is_duty(from, to);
                let habit = if has_habit { who.habit } else { (who.habit + 1) % HABITS };
                let way = if chosen.mode == Mode::Car { Way::Car { habit } } else { Way::Bicycle };
                self.drive(&mut mover, who, (from.node, to.node), (chosen.mode, way), rng);
                walk_to(&mut mover, who, to.at);
            }
            _ => {
                self.walk(&mut mover, who, (from.node, to.node), rng);
                walk_to(&mut mover, who, to.at);
            }
        }
        finish(mover, departure.trip)
    }

    fn walk(&mut self, mover: &mut Mover, who: &Departure<'_>, (from, to): (u32, u32), rng: &mut Draws) {
        /// One crossing of a main street in four holds walkers up: a choice.
        const HOLD_SHARE: f64 = 0.25;
        mover.mode = Mode::Walk;
        let speed_m_s = who.pace.walk_m_s * pace(rng);
        let Some(route) = self.route(who.region, Way::Foot, (from, to)) else { return };
        for vertex in &route.vertices {
            mover.stroll(vertex.at, speed_m_s, vertex.cover);
            if matches!(vertex.crossing, Crossing::SideMain | Crossing::MainMain) && rng.random_bool(HOLD_SHARE) {
                mover.wait(JUNCTION_WAIT_S * Distribution::<f64>::sample(&Exp1, rng), vertex.cover);
            }
        }
    }

    fn drive(
        &mut self,
        mover: &mut Mover,
        who: &Departure<'_>,
        (from, to): (u32, u32),
        (mode, way): (Mode, Way),
        rng: &mut Draws,
    ) {
        let grip = if mode == Mode::Car { CAR } else { TWO_WHEELS };
        let start = who.region.roads.position(from);
        if mover.at.distance_m(start) > DOOR_M {
            walk_to(mover, who, start);
        }
        mover.mode = mode;
        let factor = pace(rng);
        let mut reaches = std::mem::take(&mut self.reaches);
        reaches.clear();
        if let Some(route) = self.route(who.region, way, (from, to)) {
            for vertex in &route.vertices {
                let speed_m_s = speed_m_s(who.pace, mode, f64::from(vertex.speed_m_s), rng) * factor;
                reaches.push(Reach { to: vertex.at, speed_m_s, cover: vertex.cover });
                if rng.random_bool(stop_share(vertex.crossing)) {
                    mover.run(&reaches, grip);
                    reaches.clear();
                    mover.wait(JUNCTION_WAIT_S * Distribution::<f64>::sample(&Exp1, rng), vertex.cover);
                }
            }
        }
        mover.run(&reaches, grip);
        self.reaches = reaches;
    }

    fn ride(
        &mut self,
        mover: &mut Mover,
        who: &Departure<'_>,
        (from, to): (Place, Place),
        (mode, ride): (Mode, Ride),
        rng: &mut Draws,
    ) {
        /// Dwell of buses and of trains: mobility.md 2c.
        const BUS_DWELL_S: f64 = 20.0;
        const TRAIN_DWELL_S: f64 = 35.0;
        let region = who.region;
        let line = region.line(ride);
        let [board, alight] = [ride.board, ride.alight].map(|stop| region.stop(ride, stop));
        self.walk(mover, who, (from.node, board.node), rng);
        walk_to(mover, who, board.at);
        // People who know the timetable do not wait out a long headway.
        let wait_max_s = line.headway_s.min(900.0);
        mover.wait(rng.random_range(0.0..wait_max_s), Cover::Open);
        mover.mode = mode;
        let dwell_s = if mode == Mode::Train { TRAIN_DWELL_S } else { BUS_DWELL_S };
        let mut reaches = std::mem::take(&mut self.reaches);
        let mut stop = ride.board;
        while stop != ride.alight {
            let is_forward = ride.alight > ride.board;
            let next = if is_forward { stop + 1 } else { stop - 1 };
            line_reaches(region, ride, (stop.min(next), is_forward), &mut reaches);
            let cover = reaches.last().map_or(Cover::Open, |reach| reach.cover);
            mover.run(&reaches, LINE);
            mover.wait(dwell_s * rng.random_range(0.6..1.4), cover);
            stop = next;
        }
        self.reaches = reaches;
        mover.mode = Mode::Walk;
        self.walk(mover, who, (alight.node, to.node), rng);
        walk_to(mover, who, to.at);
    }

    /// The way from one node to another, if there is one; from memory where it is known. People go back the way they came:
    /// where all streets allow it, the way from the higher node to the lower one is the other way round.
    fn route(&mut self, region: &Region, way: Way, (from, to): (u32, u32)) -> Option<&Route> {
        if from == to {
            return None;
        }
        let key = (way, from, to);
        if !self.known.contains_key(&key) {
            if self.known.len() >= KNOWN_MAX {
                self.known.clear();
            }
            let back =
                if from > to { self.route(region, way, (to, from)).filter(|back| back.is_two_way) } else { None };
            let route = match back {
                Some(back) => back.reversed(),
                None => self.router.route(&region.roads, way, from, to)?,
            };
            self.known.insert(key, route);
        }
        self.known.get(&key)
    }
}

/// Flies from an airport to one in another locale: up and away in one, down in the other.
pub(crate) fn fly(departure: Departure<'_>, (from, to): (Place, Place)) -> Journey {
    /// Cruising, with half an hour for the rest: typical of medium-haul airliners. A choice.
    const CRUISE_M_S: f64 = 230.0;
    const TAXI_S: f64 = 30.0 * 60.0;
    let distance_m = departure.region.flight_m(from.locale, to.locale);
    let half_s = (distance_m / CRUISE_M_S + TAXI_S) / 2.0;
    let mut mover = Mover::new(departure.at_us, from.at, from.locale);
    mover.mode = Mode::Air;
    mover.wait(half_s, Cover::Tunnel);
    mover.locale = to.locale;
    mover.at = to.at;
    mover.wait(half_s, Cover::Tunnel);
    let Journey { track, sections } = finish(mover, departure.trip);
    Journey { track, sections: sections.into_iter().map(|section| Section { distance_m, ..section }).collect() }
}

/// Whether a trip is between home and what one has to do.
fn is_duty(from: Place, to: Place) -> bool {
    [from, to].iter().all(|place| matches!(place.purpose, Purpose::Home | Purpose::Work | Purpose::School))
}

/// The way from a stop to the next one, forwards or backwards.
fn line_reaches(region: &Region, ride: Ride, (stop, is_forward): (u32, bool), reaches: &mut Vec<Reach>) {
    let line = region.line(ride);
    let cover = if line.is_tunnel(stop as usize) { Cover::Tunnel } else { Cover::Open };
    let path = line.path(stop as usize);
    let reach = |&to: &Point| Reach { to, speed_m_s: line.speed_m_s, cover };
    reaches.clear();
    if is_forward {
        reaches.extend(path.iter().map(reach));
    } else {
        reaches.extend(path.iter().rev().map(reach));
    }
}

/// Walks straight to a point, which is near.
fn walk_to(mover: &mut Mover, who: &Departure<'_>, to: Point) {
    if mover.mode != Mode::Walk && mover.at.distance_m(to) <= DOOR_M {
        mover.stroll(to, who.pace.walk_m_s, Cover::Open);
        return;
    }
    mover.mode = Mode::Walk;
    mover.stroll(to, who.pace.walk_m_s, Cover::Open);
}

/// How fast this trip is compared with the person's others: N(1, 0.05), mobility.md 2c.
fn pace(rng: &mut Draws) -> f64 {
    normal(1.0, 0.05).sample(rng).clamp(0.8, 1.2)
}

/// How fast somebody drives where `free_m_s` is allowed: 0.75 to 1.05 of it, mobility.md 2c.
fn speed_m_s(of: Pace, mode: Mode, free_m_s: f64, rng: &mut Draws) -> f64 {
    /// Motors help up to 25 km/h in Europe and 32 in the United States.
    const EBIKE_M_S: f64 = 6.0;
    const SCOOTER_M_S: f64 = 5.5;
    match mode {
        Mode::Car => free_m_s * rng.random_range(0.75..1.05) * of.driver,
        Mode::Ebike => EBIKE_M_S * rng.random_range(0.85..1.1),
        Mode::Scooter => SCOOTER_M_S * rng.random_range(0.85..1.1),
        _ => of.bicycle_m_s * rng.random_range(0.85..1.15),
    }
}

/// How likely one stops at a crossing. The order is that of BerlinMOD's matrix (mobility.md 2c), whose mean in town is 0.22.
fn stop_share(crossing: Crossing) -> f64 {
    match crossing {
        Crossing::None => 0.0,
        Crossing::SideSide => 0.15,
        Crossing::SideMain => 0.25,
        Crossing::MainMain => 0.50,
        Crossing::Ramp => 0.05,
    }
}

/// The journey of a mover that has arrived.
fn finish(mut mover: Mover, trip: u32) -> Journey {
    /// Somebody who goes to where they are is out for a minute.
    const NOWHERE_S: f64 = 60.0;
    if mover.pieces.is_empty() {
        mover.wait(NOWHERE_S, Cover::Open);
    }
    let sections = mover.pieces.chunk_by(|a, b| a.mode == b.mode).filter_map(|pieces| {
        let (first, last) = (pieces.first()?, pieces.last()?);
        let distance_m = pieces.iter().map(crate::track::Piece::length_m).sum();
        Some(Section { mode: first.mode, start_us: first.start_us, end_us: last.end_us, distance_m })
    });
    let sections = sections.collect();
    Journey { track: Track { trip, pieces: mover.pieces }, sections }
}
