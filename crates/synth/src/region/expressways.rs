//! Expressways: lines through the city, rings around it and radials between them, joined to the streets by ramps.

use super::city::Plan;
use super::land::offset;
use crate::plane::Point;
use crate::roads::{Class, Grid, Street, Users};
use crate::track::Cover;

/// Two nodes of an expressway are this far apart; every third one has a ramp. Choices.
const STEP_M: f64 = 900.0;
const RAMP_EVERY: usize = 3;
/// A ramp reaches no further.
const RAMP_MAX_M: f64 = 1_300.0;
/// As ramps may be driven, with their bends and the merging.
const RAMP_M_S: f32 = 10.0;

/// Adds expressways to the nodes and streets of a city.
pub(super) fn add(plan: &Plan, nodes: &mut Vec<Point>, streets: &mut Vec<Street>) {
    let mains: Vec<u32> =
        streets.iter().filter(|street| street.class == Class::Main).map(|street| street.from).collect();
    let position = |node: &u32| *nodes.get(*node as usize).expect("streets are between nodes");
    let junctions = Grid::new(&mains.iter().map(position).collect::<Vec<_>>(), RAMP_MAX_M);
    let expressways: Vec<Vec<(u32, Point)>> =
        courses(plan).into_iter().map(|course| number(&course, plan, nodes)).collect();
    for expressway in &expressways {
        for pair in expressway.windows(2) {
            let &[(from, a), (to, b)] = pair else { continue };
            streets.push(stretch(plan, (from, to), (a, b)));
        }
        for &(node, at) in expressway.iter().step_by(RAMP_EVERY) {
            let near = junctions.around(at, RAMP_MAX_M).filter(|(_, junction)| !plan.river.parts(at, *junction));
            let nearest = near.min_by(|a, b| at.distance_m(a.1).total_cmp(&at.distance_m(b.1)));
            let junction = nearest.and_then(|(number, _)| mains.get(number as usize));
            streets.extend(junction.map(|&junction| ramp(node, junction)));
        }
    }
    interchanges(plan, &expressways, streets);
}

/// The points of each expressway.
fn courses(plan: &Plan) -> Vec<Vec<Point>> {
    /// At every 20th line of the grid (mobility.md 4), beside it: from the tenth on either side.
    const FIRST_M: f64 = 1_575.0;
    const EVERY_M: f64 = 3_000.0;
    /// Rings are at these multiples of the core's radius, radials between the lines: choices.
    const RINGS: [f64; 2] = [1.2, 2.4];
    const EDGE: f64 = 0.95;
    let edge_m = EDGE * plan.radius_m;
    let [inner_m, outer_m] = RINGS.map(|ring| ring * plan.core_m);
    let mut courses = Vec::new();
    let mut aside_m = FIRST_M;
    while aside_m <= plan.core_m {
        // The first ones lead out of the city, the others as far as the outer ring.
        let end_m = if aside_m > FIRST_M { outer_m.min(edge_m) } else { edge_m };
        let half_m = (end_m * end_m - aside_m * aside_m).sqrt();
        for aside_m in [-aside_m, aside_m] {
            courses.push(walk(2.0 * half_m, |along_m| Point::new(along_m - half_m, aside_m)));
            courses.push(walk(2.0 * half_m, |along_m| Point::new(aside_m, along_m - half_m)));
        }
        aside_m += EVERY_M;
    }
    let polar = |distance_m, angle| offset(Point::default(), distance_m, angle);
    for ring_m in [inner_m, outer_m].into_iter().filter(|&ring_m| ring_m < edge_m) {
        courses.push(walk(std::f64::consts::TAU * ring_m, |along_m| polar(ring_m, along_m / ring_m)));
    }
    if inner_m + STEP_M < edge_m {
        let diagonals = [0.25, 0.75, 1.25, 1.75].map(|turn| turn * std::f64::consts::PI);
        courses.extend(diagonals.map(|angle| walk(edge_m - inner_m, |along_m| polar(inner_m + along_m, angle))));
    }
    courses
}

/// Points in even steps over a length, both ends included.
fn walk(length_m: f64, at: impl Fn(f64) -> Point) -> Vec<Point> {
    let steps = (length_m / STEP_M).round().max(1.0);
    let step_m = length_m / steps;
    std::iter::successors(Some(0.0), |step| Some(step + 1.0))
        .take_while(|&step| step <= steps)
        .map(|step| at(step * step_m))
        .collect()
}

/// Puts the points of an expressway where the plan has them, and numbers them.
fn number(course: &[Point], plan: &Plan, nodes: &mut Vec<Point>) -> Vec<(u32, Point)> {
    let number = |&point: &Point| {
        let node = u32::try_from(nodes.len()).expect("fewer nodes than numbers");
        let at = plan.place(point);
        nodes.push(at);
        (node, at)
    };
    course.iter().map(number).collect()
}

fn stretch(plan: &Plan, (from, to): (u32, u32), (a, b): (Point, Point)) -> Street {
    /// In town and outside, as traffic lets one drive: fitted, so that phones in vehicles sense the 13 to 15 m/s that real
    /// ones do (mobility.md 3).
    const TOWN_M_S: f32 = 17.0;
    const LAND_M_S: f32 = 20.0;
    /// Where they pass the middle of the city expressways are under ground, for two kilometres: a choice.
    const TUNNEL_M: f64 = 1_800.0;
    let distance_m = a.towards(b, 0.5).distance_m(Point::default());
    let cover = if distance_m < TUNNEL_M { Cover::Tunnel } else { Cover::Open };
    let speed_m_s = if distance_m < plan.core_m { TOWN_M_S } else { LAND_M_S };
    Street {
        from,
        to,
        bends: Vec::new(),
        class: Class::Express,
        speed_m_s,
        cover,
        is_one_way: false,
        users: Users::CARS,
    }
}

fn ramp(from: u32, to: u32) -> Street {
    let (class, speed_m_s, cover, users) = (Class::Main, RAMP_M_S, Cover::Open, Users::CARS);
    Street { from, to, bends: Vec::new(), class, speed_m_s, cover, is_one_way: false, users }
}

/// Joins two expressways where they cross.
fn interchanges(plan: &Plan, expressways: &[Vec<(u32, Point)>], streets: &mut Vec<Street>) {
    for (i, one) in expressways.iter().enumerate() {
        for other in expressways.iter().skip(i + 1) {
            for pair in one.windows(2) {
                let &[a, b] = pair else { continue };
                for pair in other.windows(2) {
                    let &[c, d] = pair else { continue };
                    if is_crossing(a.1, b.1, c.1, d.1) {
                        let joins = [(a, c), (a, d), (b, c), (b, d)];
                        let dry = joins.into_iter().filter(|(from, to)| !plan.river.parts(from.1, to.1));
                        let shortest = dry.min_by(|(a, b), (c, d)| a.1.distance_m(b.1).total_cmp(&c.1.distance_m(d.1)));
                        streets.extend(shortest.map(|(from, to)| ramp(from.0, to.0)));
                    }
                }
            }
        }
    }
}

/// Whether the lines from `a` to `b` and from `c` to `d` cross.
fn is_crossing(a: Point, b: Point, c: Point, d: Point) -> bool {
    let is_left = |from: Point, to: Point, at: Point| {
        (to.x_m - from.x_m) * (at.y_m - from.y_m) > (to.y_m - from.y_m) * (at.x_m - from.x_m)
    };
    is_left(a, b, c) != is_left(a, b, d) && is_left(c, d, a) != is_left(c, d, b)
}
