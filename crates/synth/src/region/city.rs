//! The plan of a synthetic city: a grid of streets, fine in the middle and coarse outside (mobility.md 4).
//!
//! Lines of the grid are 150 m apart. The plane is cut into blocks of ten lines; how far a block is from the centres says
//! which of its lines are streets. A fine street ends where a coarser block begins, at a street that both have.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use rand::RngExt;

use super::expressways;
use super::land::{Centre, offset};
use super::river::River;
use crate::draws::Draws;
use crate::plane::Point;
use crate::roads::{Class, Street, Streets, Users};
use crate::track::Cover;

/// The plan of a city.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// From the centre to the edge.
    pub(super) radius_m: f64,
    /// From the centre to where the streets become coarser.
    pub(super) core_m: f64,
    /// Smaller centres around it.
    pub(super) centres: Vec<Centre>,
    /// What parts it.
    pub(super) river: River,
    /// By how much the grid is turned.
    turn: f64,
    /// Where the waves of the grid start.
    phases: [f64; 2],
}

/// The distance of two lines of the grid.
const LINE_M: f64 = 150.0;
/// The lines in a block.
const BLOCK: i32 = 10;
/// How far a junction is from where its lines would cross, by the fineness of its block.
const JITTER_M: [f64; 4] = [18.0, 30.0, 60.0, 120.0];
/// Links that are missing (mobility.md 4).
const GONE_SHARE: f64 = 0.08;

/// A line of the grid: which one, and in which direction.
#[derive(Clone, Copy, Debug)]
enum Axis {
    /// From west to east.
    East,
    /// From south to north.
    North,
}

impl Plan {
    /// A plan for a city of that radius.
    pub(super) fn draw(radius_m: f64, rng: &mut Draws) -> Self {
        let core_m = (0.25 * radius_m).clamp(2_000.0, 7_000.0);
        let centres = (0..rng.random_range(3..=7)).map(|_| {
            let away_m = radius_m.min(25_000.0) * rng.random_range(0.25..0.7);
            Centre {
                at: offset(Point::default(), away_m, rng.random_range(0.0..TAU)),
                weight: rng.random_range(0.1..0.4),
            }
        });
        let centres = centres.collect();
        let river = River::draw(core_m, rng);
        let turn = rng.random_range(-0.4..0.4);
        Self { radius_m, core_m, centres, river, turn, phases: [(); 2].map(|()| rng.random_range(0.0..TAU)) }
    }

    /// The streets of the city.
    pub(super) fn streets(&self, rng: &mut Draws) -> Streets {
        let grid = Grid::new(self);
        let (mut nodes, mut streets) = grid.draw(self, rng);
        self.bridge(&nodes, &mut streets);
        expressways::add(self, &mut nodes, &mut streets);
        Streets::new(&nodes, streets).expect("a grid of 2 km has hundreds of junctions that belong together")
    }

    /// Where a position of the straight grid is: turned, and bent a little, so that no two districts are alike.
    pub(super) fn place(&self, at: Point) -> Point {
        const BEND_M: f64 = 250.0;
        const WAVE_M: f64 = 9_000.0;
        let [first, second] = self.phases;
        let x_m = at.x_m + BEND_M * (TAU * at.y_m / WAVE_M + first).sin();
        let y_m = at.y_m + BEND_M * (TAU * at.x_m / WAVE_M + second).sin();
        let (sine, cosine) = self.turn.sin_cos();
        Point::new(x_m * cosine - y_m * sine, x_m * sine + y_m * cosine)
    }

    /// Whether a position is among high houses.
    fn is_canyon(&self, at: Point) -> bool {
        /// In the middle of the city and of its smaller centres: choices.
        const MIDDLE: f64 = 0.22;
        const CENTRE_M: f64 = 300.0;
        at.distance_m(Point::default()) < MIDDLE * self.core_m
            || self.centres.iter().any(|centre| at.distance_m(centre.at) < CENTRE_M)
    }

    /// How fine the grid is around a position: 0 is fine.
    fn fineness(&self, at: Point) -> usize {
        const CENTRE_M: f64 = 1_500.0;
        const LAND_M: f64 = 25_000.0;
        let distance_m = at.distance_m(Point::default());
        let is_centre = self.centres.iter().any(|centre| at.distance_m(centre.at) < CENTRE_M);
        match distance_m {
            _ if distance_m < self.core_m || is_centre => 0,
            _ if distance_m < 2.0 * self.core_m => 1,
            _ if distance_m < LAND_M => 2,
            _ => 3,
        }
    }

    /// Takes away the streets across the river, but for a few main streets: its bridges.
    fn bridge(&self, nodes: &[Point], streets: &mut Vec<Street>) {
        /// Two bridges are at least this far apart, in the core and outside: choices.
        const GAP_CORE_M: f64 = 1_400.0;
        const GAP_M: f64 = 4_000.0;
        let ends = |street: &Street| {
            [street.from, street.to].map(|node| *nodes.get(node as usize).expect("streets are between nodes"))
        };
        let crosses = |street: &Street| {
            let [a, b] = ends(street);
            self.river.parts(a, b)
        };
        let downstream_m = |street: &Street| self.river.downstream_m(ends(street)[0]);
        let mut mains: Vec<f64> =
            streets.iter().filter(|street| street.class == Class::Main && crosses(street)).map(downstream_m).collect();
        mains.sort_by(f64::total_cmp);
        let mut bridges: Vec<f64> = Vec::new();
        for main_m in mains {
            let gap_m = if main_m.abs() < self.core_m { GAP_CORE_M } else { GAP_M };
            if bridges.last().is_none_or(|last_m| main_m - last_m >= gap_m) {
                bridges.push(main_m);
            }
        }
        let is_bridge = |street: &Street| street.class == Class::Main && bridges.contains(&downstream_m(street));
        streets.retain(|street| !crosses(street) || is_bridge(street));
    }
}

/// Which lines are streets in which block.
struct Grid {
    /// The blocks on either side of the centre.
    half: i32,
    /// How fine each block is.
    blocks: BTreeMap<(i32, i32), usize>,
    radius_m: f64,
}

impl Grid {
    fn new(plan: &Plan) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "at most 40 blocks")]
        let half = (plan.radius_m / (LINE_M * f64::from(BLOCK))).ceil() as i32;
        let middle = |block: i32| (f64::from(block) + 0.5) * LINE_M * f64::from(BLOCK);
        let all = (-half..half).flat_map(|column| (-half..half).map(move |row| (column, row)));
        let blocks = all
            .map(|(column, row)| ((column, row), plan.fineness(plan.place(Point::new(middle(column), middle(row))))));
        Self { half, blocks: blocks.collect(), radius_m: plan.radius_m }
    }

    /// The class and fineness of the street on a line from one crossing line to the next; none where there is no street.
    fn street(&self, axis: Axis, line: i32, along: i32) -> Option<(Class, usize)> {
        let end = |along| crossing(axis, line, along);
        let is_within = |at: Point| at.distance_m(Point::default()) <= self.radius_m;
        if !is_within(end(along)) || !is_within(end(along + 1)) {
            return None;
        }
        let block = |line: i32| {
            let (line, along) = (line.div_euclid(BLOCK), along.div_euclid(BLOCK));
            let key = match axis {
                Axis::East => (along, line),
                Axis::North => (line, along),
            };
            self.blocks.get(&key).copied()
        };
        // A line between two blocks belongs to the finer one.
        let fineness = [block(line), block(line - 1)].into_iter().flatten().min()?;
        let (is_street, is_main) = match fineness {
            0 => (true, line % 5 == 0),
            1 => (matches!(line.rem_euclid(5), 0 | 2), line % 5 == 0),
            2 => (line % 5 == 0, line % 10 == 0),
            _ => (line % 10 == 0, line % 20 == 0),
        };
        is_street.then_some((if is_main { Class::Main } else { Class::Side }, fineness))
    }

    /// The four streets that meet where two lines cross: to the east, west, north and south.
    fn arms(&self, (column, row): (i32, i32)) -> [Option<(Class, usize)>; 4] {
        [
            self.street(Axis::East, row, column),
            self.street(Axis::East, row, column - 1),
            self.street(Axis::North, column, row),
            self.street(Axis::North, column, row - 1),
        ]
    }

    /// The junctions and the streets between them.
    fn draw(&self, plan: &Plan, rng: &mut Draws) -> (Vec<Point>, Vec<Street>) {
        let lines = -self.half * BLOCK..=self.half * BLOCK;
        let all = lines.clone().flat_map(|column| lines.clone().map(move |row| (column, row)));
        let mut nodes = Vec::new();
        let mut numbers = BTreeMap::new();
        for key in all {
            let arms = self.arms(key);
            if is_junction(&arms) {
                let fineness = arms.iter().flatten().map(|arm| arm.1).min().unwrap_or(0);
                let jitter_m = JITTER_M.get(fineness).copied().unwrap_or(0.0);
                let at = plan.place(crossing(Axis::East, key.1, key.0));
                numbers.insert(key, u32::try_from(nodes.len()).expect("fewer nodes than numbers"));
                nodes.push(offset(at, jitter_m * rng.random::<f64>().sqrt(), rng.random_range(0.0..TAU)));
            }
        }
        let mut streets = Vec::new();
        for (&(column, row), &from) in &numbers {
            for (axis, line, along) in [(Axis::East, row, column), (Axis::North, column, row)] {
                let Some((class, fineness)) = self.street(axis, line, along) else { continue };
                let next = |along: i32| match axis {
                    Axis::East => numbers.get(&(along, line)),
                    Axis::North => numbers.get(&(line, along)),
                };
                let Some(&to) = (along + 1..).take(2 * BLOCK as usize).find_map(next) else { continue };
                if !rng.random_bool(GONE_SHARE) {
                    streets.push(street(plan, &nodes, (from, to), class, fineness, rng));
                }
            }
        }
        (nodes, streets)
    }
}

/// Where a line crosses another one on the straight grid.
fn crossing(axis: Axis, line: i32, along: i32) -> Point {
    let (line_m, along_m) = (LINE_M * f64::from(line), LINE_M * f64::from(along));
    match axis {
        Axis::East => Point::new(along_m, line_m),
        Axis::North => Point::new(line_m, along_m),
    }
}

/// Whether two lines really meet, and not one just goes on.
fn is_junction(arms: &[Option<(Class, usize)>; 4]) -> bool {
    let class = |arm: Option<(Class, usize)>| arm.map(|(class, _)| class);
    let &[east, west, north, south] = arms;
    let goes_on = |a, b, c: Option<_>, d: Option<_>| class(a) == class(b) && c.is_none() && d.is_none();
    !goes_on(east, west, north, south) && !goes_on(north, south, east, west)
}

fn street(
    plan: &Plan,
    nodes: &[Point],
    (from, to): (u32, u32),
    class: Class,
    fineness: usize,
    rng: &mut Draws,
) -> Street {
    /// 30 km/h and a little more among houses, 50 on main streets: typical of towns; more outside.
    const CORE_M_S: std::ops::Range<f32> = 8.0..10.0;
    const OUTSKIRTS_M_S: f32 = 11.0;
    const MAIN_M_S: f32 = 13.0;
    let speed_m_s = match (class, fineness) {
        (Class::Main, _) => MAIN_M_S,
        (_, 0) => rng.random_range(CORE_M_S),
        _ => OUTSKIRTS_M_S,
    };
    let [a, b] = [from, to].map(|node| *nodes.get(node as usize).expect("streets are between nodes"));
    let cover = if plan.is_canyon(a.towards(b, 0.5)) { Cover::Canyon } else { Cover::Open };
    Street { from, to, bends: Vec::new(), class, speed_m_s, cover, is_one_way: false, users: Users::ALL }
}
