//! The places of a city, by purpose: people share them, and some attract more people than others.

use rand::RngExt;
use rand_distr::{Distribution, Pareto};

use super::Site;
use super::land::Land;
use crate::draws::Draws;
use crate::plane::Point;
use crate::roads::{Grid, Roads};
use crate::truth::Purpose;

/// Every place of a city.
#[derive(Debug)]
pub(super) struct Places {
    works: Kind,
    schools: Kind,
    shops: Kind,
    meals: Kind,
    errands: Kind,
    leisures: Kind,
    houses: Kind,
    lodgings: Kind,
}

/// The places of one kind, in no order: a stretch of them is a sample of all.
#[derive(Debug)]
struct Kind {
    sites: Vec<Site>,
    /// Where they are, once more: half as long, because every look at a place costs.
    at: Vec<Spot>,
    /// How attractive they are compared with others.
    weights: Vec<f32>,
    grid: Grid,
}

/// A position to the centimetre.
#[derive(Clone, Copy, Debug)]
struct Spot {
    x_m: f32,
    y_m: f32,
}

/// How many times nearer or further than asked for a place may be: the errors of many trips cancel out.
const TOLERANCE: f64 = 1.12;
/// Nearer places are looked up in the raster.
const NEAR_M: f64 = 1_000.0;
/// Among so many places further away one is chosen.
const CANDIDATES: usize = 12;

impl Places {
    /// Draws the places of a city. How many there are, and which share of them is where people live and not where they
    /// work, is chosen so that what people do most is near to most of them.
    pub(super) fn draw(roads: &Roads, land: &Land, rng: &mut Draws) -> Self {
        let mut kind = |count, home_share| Kind::draw(count, home_share, roads, land, rng);
        Self {
            works: kind(4_000, 0.25),
            schools: kind(400, 0.9),
            shops: kind(4_000, 0.7),
            meals: kind(4_000, 0.6),
            errands: kind(3_000, 0.6),
            leisures: kind(4_000, 0.8),
            houses: kind(6_000, 1.0),
            lodgings: kind(300, 0.2),
        }
    }

    /// A place for `purpose` whose distance from `from` is as near to `distance_m` as there is one.
    pub(super) fn draw_one(&self, purpose: Purpose, from: Point, distance_m: f64, rng: &mut Draws) -> Site {
        let kind = match purpose {
            Purpose::Work => &self.works,
            Purpose::School | Purpose::Escort => &self.schools,
            Purpose::Shop => &self.shops,
            Purpose::Meal => &self.meals,
            Purpose::Errand => &self.errands,
            Purpose::Leisure => &self.leisures,
            Purpose::Home | Purpose::Social => &self.houses,
            Purpose::Lodging | Purpose::Airport => &self.lodgings,
        };
        kind.draw_one(from, distance_m, rng)
    }
}

impl Kind {
    fn draw(count: usize, home_share: f64, roads: &Roads, land: &Land, rng: &mut Draws) -> Self {
        /// The tail of how attractive places are (mobility.md 4: Pareto; the exponent is a choice), cut so that no place
        /// attracts a whole town.
        const EXPONENT: f32 = 1.5;
        const WEIGHT_MAX: f32 = 50.0;
        const CELL_M: f64 = 300.0;
        let pareto = Pareto::new(1.0, EXPONENT).expect("both are positive");
        let site = |_| {
            let node = if rng.random_bool(home_share) { land.home(rng) } else { land.work(rng) };
            Site { at: roads.door(node, rng), node }
        };
        let sites: Vec<Site> = (0..count).map(site).collect();
        let points: Vec<Point> = sites.iter().map(|site| site.at).collect();
        let weights = pareto.sample_iter(&mut *rng).map(|weight: f32| weight.min(WEIGHT_MAX)).take(count).collect();
        Self { sites, at: points.iter().copied().map(Spot::new).collect(), weights, grid: Grid::new(&points, CELL_M) }
    }

    fn draw_one(&self, from: Point, distance_m: f64, rng: &mut Draws) -> Site {
        let spot = Spot::new(from);
        let square_m2 = square(distance_m);
        let ring = square_m2 / square(TOLERANCE)..=square_m2 * square(TOLERANCE);
        let is_fit = |at: Spot| ring.contains(&spot.square_m2(at));
        let chosen = if distance_m < NEAR_M {
            let near = self.grid.around(from, distance_m * TOLERANCE);
            self.choose(near.filter(|(_, point)| is_fit(Spot::new(*point))).map(|(number, _)| number as usize), rng)
        } else {
            let start = rng.random_range(0..self.at.len());
            let (before, after) = self.at.split_at(start);
            let numbered = (start..).zip(after).chain((0..).zip(before));
            self.choose(numbered.filter(|(_, at)| is_fit(**at)).map(|(number, _)| number).take(CANDIDATES), rng)
        };
        let number = chosen.unwrap_or_else(|| self.least_wrong(spot, square_m2));
        *self.sites.get(number).expect("one of the places")
    }

    /// One of the places, as likely as it is attractive; each is looked at once.
    fn choose(&self, numbers: impl Iterator<Item = usize>, rng: &mut Draws) -> Option<usize> {
        let mut total = 0.0;
        let mut chosen = None;
        for number in numbers {
            let weight = self.weights.get(number).copied().unwrap_or(0.0);
            total += weight;
            if rng.random::<f32>() * total < weight {
                chosen = Some(number);
            }
        }
        chosen
    }

    /// The place whose distance is the fewest times larger or smaller than asked for.
    fn least_wrong(&self, from: Spot, asked_m2: f32) -> usize {
        // The furthest of the nearer ones, and the nearest of the further ones.
        let (mut nearer, mut further) = ((0.0, 0), (f32::INFINITY, 0));
        for (number, at) in self.at.iter().enumerate() {
            let square_m2 = from.square_m2(*at);
            if square_m2 <= asked_m2 && square_m2 > nearer.0 {
                nearer = (square_m2, number);
            } else if square_m2 > asked_m2 && square_m2 < further.0 {
                further = (square_m2, number);
            }
        }
        if further.0 / asked_m2 < asked_m2 / nearer.0 { further.1 } else { nearer.1 }
    }
}

impl Spot {
    #[expect(clippy::cast_possible_truncation, reason = "a centimetre does not matter to a choice")]
    fn new(at: Point) -> Self {
        Self { x_m: at.x_m as f32, y_m: at.y_m as f32 }
    }

    /// The square of the distance: quicker than the distance.
    fn square_m2(self, other: Self) -> f32 {
        let (east_m, north_m) = (other.x_m - self.x_m, other.y_m - self.y_m);
        east_m * east_m + north_m * north_m
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the precision of a spot")]
fn square(number: f64) -> f32 {
    (number * number) as f32
}
