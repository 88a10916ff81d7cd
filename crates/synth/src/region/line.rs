//! Lines of buses and trains, and which of them is of use.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::f64::consts::PI;

use rand::RngExt;

use super::Site;
use super::city::Plan;
use super::land::offset;
use crate::draws::Draws;
use crate::plane::Point;
use crate::roads::{Arc, Class, Roads, Way};
use crate::truth::Mode;

/// A line of buses or trains.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Bus or train.
    pub mode: Mode,
    /// Where it stops, in order.
    pub stops: Vec<Site>,
    /// Seconds between two departures.
    pub headway_s: f64,
    /// Between stops.
    pub speed_m_s: f64,
    points: Vec<Point>,
    /// Which of the points each stop is.
    at: Vec<usize>,
    /// How far each stop is from the first one.
    along_m: Vec<f64>,
    /// How far two stops in a row are apart at most, as the crow flies.
    gap_max_m: f64,
    /// Whether the way to the next stop is under ground.
    tunnels: Vec<bool>,
}

/// A ride on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ride {
    /// Which line.
    pub line: u32,
    /// At which stop one gets on.
    pub board: u32,
    /// At which one gets off; not `board`.
    pub alight: u32,
}

impl Line {
    /// The way from stop `i` to the next one, ends included.
    pub fn path(&self, i: usize) -> &[Point] {
        let ends = self.at.get(i).zip(self.at.get(i + 1));
        ends.and_then(|(&from, &to)| self.points.get(from..=to)).expect("there is a stop after it")
    }

    /// Whether the way from stop `i` to the next one is under ground.
    pub fn is_tunnel(&self, i: usize) -> bool {
        self.tunnels.get(i).copied().unwrap_or(false)
    }

    fn new(mode: Mode, headway_s: f64, points: Vec<Point>, stops: Vec<(usize, Site)>, tunnels: Vec<bool>) -> Self {
        /// Mean speeds between stops without braking: what comes out is in the ranges of mobility.md 2c.
        const BUS_M_S: f64 = 11.0;
        const TRAIN_M_S: f64 = 22.0;
        let speed_m_s = if mode == Mode::Train { TRAIN_M_S } else { BUS_M_S };
        let mut along_m = vec![0.0];
        for pair in stops.windows(2) {
            let &[(from, _), (to, _)] = pair else { continue };
            let path = points.get(from..=to).expect("stops are on the line, in order");
            let length_m = length_m(path.iter().copied());
            along_m.push(along_m.last().copied().unwrap_or(0.0) + length_m);
        }
        let (at, stops): (Vec<usize>, Vec<Site>) = stops.into_iter().unzip();
        let gaps_m = stops.iter().zip(stops.iter().skip(1)).map(|(stop, next)| stop.at.distance_m(next.at));
        let gap_max_m = gaps_m.fold(1.0, f64::max);
        Self { mode, stops, headway_s, speed_m_s, points, at, along_m, gap_max_m, tunnels }
    }

    /// The stop that is nearest to a position, if it is near enough to walk, and how far it is.
    fn near(&self, at: Point) -> Option<(usize, f64)> {
        /// People walk further to trains: choices.
        const BUS_MAX_M: f64 = 1_200.0;
        const TRAIN_MAX_M: f64 = 2_000.0;
        const STRIDE: usize = 8;
        let max_m = if self.mode == Mode::Train { TRAIN_MAX_M } else { BUS_MAX_M };
        // A few stops tell of most lines that they are nowhere near.
        let far_m = max_m + (STRIDE - 1) as f64 * self.gap_max_m;
        if self.stops.iter().step_by(STRIDE).all(|stop| stop.at.square_m2(at) > far_m * far_m) {
            return None;
        }
        let nearest =
            self.stops.iter().map(|stop| stop.at.square_m2(at)).enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        nearest.filter(|(_, square)| *square <= max_m * max_m).map(|(stop, square)| (stop, square.sqrt()))
    }

    /// How long the ride takes from one stop to another.
    fn ride_s(&self, board: usize, alight: usize) -> f64 {
        /// The dwell at a stop, with what is lost by braking and pulling (mobility.md 2c).
        const BUS_STOP_S: f64 = 20.0 + 11.0;
        const TRAIN_STOP_S: f64 = 35.0 + 22.0;
        let stop_s = if self.mode == Mode::Train { TRAIN_STOP_S } else { BUS_STOP_S };
        let along_m = |stop: usize| self.along_m.get(stop).copied().expect("a stop of the line");
        (along_m(alight) - along_m(board)).abs() / self.speed_m_s + board.abs_diff(alight) as f64 * stop_s
    }
}

/// The quickest ride between two positions, if it is quicker than to walk.
pub(super) fn best(lines: &[Line], from: Point, to: Point) -> Option<Ride> {
    /// Nobody who knows the timetable waits longer on average: a choice.
    const WAIT_MAX_S: f64 = 450.0;
    /// 1.3 m/s (mobility.md 2c) along streets that are 1.3 times as long as the straight line.
    const WALK_M_S: f64 = 1.0;
    let ride = |(number, line): (u32, &Line)| {
        let ((board, to_m), (alight, from_m)) = (line.near(from)?, line.near(to)?);
        let wait_s = (line.headway_s / 2.0).min(WAIT_MAX_S);
        let total_s = (to_m + from_m) / WALK_M_S + wait_s + line.ride_s(board, alight);
        let [board, alight] = [board, alight].map(|stop| u32::try_from(stop).expect("fewer stops than numbers"));
        (board != alight).then_some((total_s, Ride { line: number, board, alight }))
    };
    let quickest = (0..).zip(lines).filter_map(ride).min_by(|a, b| a.0.total_cmp(&b.0));
    quickest.filter(|(total_s, _)| *total_s < from.distance_m(to) / WALK_M_S).map(|(_, ride)| ride)
}

/// Bus lines from the outskirts over the middle to the other side, along main streets.
pub(super) fn buses(roads: &Roads, radius_m: f64, rng: &mut Draws) -> Vec<Line> {
    /// How far out lines go; by how much they miss the middle; and how often buses come: choices.
    const REACH_MAX_M: f64 = 14_000.0;
    const HEADWAYS_S: [f64; 3] = [600.0, 900.0, 1_200.0];
    let count = rng.random_range(10..=12);
    let reach_m = (0.7 * radius_m).min(REACH_MAX_M);
    let line = |number: u32| {
        let angle = PI * (f64::from(number) + rng.random_range(-0.3..0.3)) / f64::from(count);
        let mut near = |distance_m: f64, angle: f64| {
            roads.nearest(offset(Point::default(), distance_m * rng.random_range(0.6..1.0), angle))
        };
        let side = if number.is_multiple_of(2) { PI / 2.0 } else { -PI / 2.0 };
        let ends = [near(reach_m, angle), near(0.3 * reach_m, angle + side), near(reach_m, angle + PI)];
        let headway_s = HEADWAYS_S.get(rng.random_range(0..HEADWAYS_S.len())).copied().unwrap_or(900.0);
        bus(roads, ends, headway_s)
    };
    (0..count).filter_map(line).collect()
}

/// A bus line through three nodes, if there is a way.
fn bus(roads: &Roads, [start, middle, end]: [u32; 3], headway_s: f64) -> Option<Line> {
    /// mobility.md 2c.
    const STOP_M: f64 = 350.0;
    const STOPS_MIN: usize = 5;
    let mut arcs = drive(roads, start, middle)?;
    arcs.extend(drive(roads, middle, end)?);
    let mut points = vec![roads.position(start)];
    let mut stops = vec![(0, Site { at: roads.position(start), node: start })];
    let mut since_m = 0.0;
    for arc in arcs {
        for point in roads.points(arc) {
            since_m += points.last().map_or(0.0, |last: &Point| last.distance_m(point));
            points.push(point);
        }
        if since_m >= STOP_M && roads.is_door(arc.to) {
            stops.push((points.len() - 1, Site { at: roads.position(arc.to), node: arc.to }));
            since_m = 0.0;
        }
    }
    let tunnels = Vec::new();
    (stops.len() >= STOPS_MIN).then(|| Line::new(Mode::Bus, headway_s, points, stops, tunnels))
}

/// The way from one node to another that a bus takes: rather longer, but along main streets (Dijkstra).
fn drive(roads: &Roads, from: u32, to: u32) -> Option<Vec<Arc>> {
    /// Side streets are this many times as long for a bus: a choice.
    const SIDE: f64 = 2.5;
    let cost_cm = |at: u32, arc: Arc| {
        let street = roads.street(arc);
        let is_open = street.is_for(Way::Car { habit: 0 }, arc.is_forward) && street.users.foot;
        let factor = if street.class == Class::Main { 1.0 } else { SIDE };
        let length_m = length_m([roads.position(at)].into_iter().chain(roads.points(arc)));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a street is shorter than the earth"
        )]
        is_open.then_some((length_m * factor * 100.0) as u64)
    };
    // What each node costs, and from where one comes to it.
    let mut best: Vec<(u64, Option<(u32, Arc)>)> = vec![(u64::MAX, None); roads.node_count()];
    let mut queue = BinaryHeap::from([Reverse((0, from))]);
    while let Some(Reverse((so_far, node))) = queue.pop() {
        if node == to {
            break;
        }
        for &arc in roads.arcs(node) {
            let Some(total) = cost_cm(node, arc).map(|cost| so_far + cost) else { continue };
            let known = best.get_mut(arc.to as usize).expect("a node of the network");
            if total < known.0 && arc.to != from {
                *known = (total, Some((node, arc)));
                queue.push(Reverse((total, arc.to)));
            }
        }
    }
    let mut arcs = Vec::new();
    let mut node = to;
    while node != from {
        let (before, arc) = best.get(node as usize)?.1?;
        arcs.push(arc);
        node = before;
    }
    arcs.reverse();
    Some(arcs)
}

/// How long a way through points is.
fn length_m(points: impl Iterator<Item = Point>) -> f64 {
    let step =
        |(sum, last): (f64, Option<Point>), next| (sum + last.map_or(0.0, |last| last.distance_m(next)), Some(next));
    points.fold((0.0, None), step).0
}

/// Railways straight through the city, one in a town and two in a city, under ground in its middle.
pub(super) fn trains(roads: &Roads, plan: &Plan, rng: &mut Draws) -> Vec<Line> {
    /// A kilometre between stops in the core (mobility.md 4), two outside; under ground in the middle; a train every ten
    /// minutes: choices.
    const CORE_STOP_M: f64 = 1_000.0;
    const STOP_M: f64 = 2_000.0;
    const TUNNEL: f64 = 0.6;
    const HEADWAY_S: f64 = 600.0;
    const CITY_M: f64 = 10_000.0;
    let half_m = (0.85 * plan.radius_m).min(25_000.0);
    // Between the radials of the expressways.
    let first_angle = PI * rng.random_range(-0.15..0.15);
    let line = |number: u32| {
        let angle = first_angle + f64::from(number) * PI / 2.0;
        let mut along_m = -half_m;
        let mut points = Vec::new();
        while along_m <= half_m {
            points.push(plan.place(offset(Point::default(), along_m, angle)));
            along_m += if along_m.abs() < plan.core_m { CORE_STOP_M } else { STOP_M };
        }
        let is_deep = |at: &Point| at.distance_m(Point::default()) < TUNNEL * plan.core_m;
        let tunnels = points.windows(2).map(|pair| pair.iter().all(is_deep)).collect();
        let stops = points.iter().map(|&at| Site { at, node: roads.nearest(at) }).enumerate().collect();
        Line::new(Mode::Train, HEADWAY_S, points, stops, tunnels)
    };
    let count = if plan.radius_m < CITY_M { 1 } else { 2 };
    (0..count).map(line).collect()
}
