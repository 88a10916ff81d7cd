//! Where people live: streets, lines, and places by purpose, around a centre.

mod city;
mod expressways;
mod land;
mod line;
mod parameters;
mod places;
mod river;

use std::f64::consts::TAU;

use rand::RngExt;

use crate::draws::{Draws, Subject, draws};
use crate::plane::{Locale, Point};
use crate::roads::{Roads, Streets};
use crate::truth::{LocaleIndex, Purpose};
use land::Land;
pub use line::{Line, Ride};
pub use parameters::{City, PRESETS, RegionFile, RegionParameters};
use places::Places;

/// A region.
#[derive(Debug)]
pub struct Region {
    /// Its name, such as `berlin`.
    pub name: String,
    /// Where its plane touches the earth, and the other cities that its people fly to; 0 is home.
    pub locales: Vec<Locale>,
    /// Its streets.
    pub roads: Roads,
    /// Its lines.
    pub lines: Vec<Line>,
    radius_m: f64,
    land: Land,
    places: Places,
    airport: Site,
}

/// Where something is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    /// Where.
    pub at: Point,
    /// The node of the road network that it is reached from.
    pub node: u32,
}

impl Region {
    /// A synthetic city.
    pub fn synthetic(parameters: &RegionParameters, seed: u64) -> Self {
        let mut rng = draws(seed, 0, 0, Subject::Region);
        let plan = city::Plan::draw(parameters.radius_m(), &mut rng);
        let streets = plan.streets(&mut rng);
        let roads = Roads::new(streets, &mut rng);
        let land = Land::of_plan(&plan, &roads);
        let mut lines = line::buses(&roads, parameters.radius_m(), &mut rng);
        lines.extend(line::trains(&roads, &plan, &mut rng));
        Self::new(parameters, roads, land, lines, &mut rng)
    }

    /// A city on streets that somebody mapped: people live where streets are close together. There are no trains.
    pub fn on_streets(parameters: &RegionParameters, streets: Streets, seed: u64) -> Self {
        let mut rng = draws(seed, 0, 0, Subject::Region);
        let roads = Roads::new(streets, &mut rng);
        let land = Land::of_streets(&roads);
        let lines = line::buses(&roads, parameters.radius_m(), &mut rng);
        Self::new(parameters, roads, land, lines, &mut rng)
    }

    fn new(parameters: &RegionParameters, roads: Roads, land: Land, lines: Vec<Line>, rng: &mut Draws) -> Self {
        let places = Places::draw(&roads, &land, rng);
        let radius_m = parameters.radius_m();
        let airport = airport(&roads, radius_m, rng);
        let (name, locales) = (parameters.name().to_owned(), parameters.locales().to_vec());
        Self { name, locales, roads, lines, radius_m, land, places, airport }
    }

    /// Where somebody lives.
    pub fn home(&self, rng: &mut Draws) -> Site {
        let node = self.land.home(rng);
        Site { at: self.roads.door(node, rng), node }
    }

    /// A place for `purpose`, about `distance_m` from `from`: as near to that as there is one. Attractive ones are
    /// likelier.
    pub fn site(&self, purpose: Purpose, from: Point, distance_m: f64, rng: &mut Draws) -> Site {
        /// At the edge is little: a share of the way to it.
        const EDGE: f64 = 0.93;
        let reach_m = EDGE * (self.radius_m + from.distance_m(Point::default()));
        match purpose {
            Purpose::Airport => self.airport,
            _ => self.places.draw_one(purpose, from, distance_m.min(reach_m), rng),
        }
    }

    /// Where one takes an aeroplane.
    pub fn airport(&self) -> Site {
        self.airport
    }

    /// The best ride between two positions, if a line is quicker than to walk.
    pub fn ride(&self, from: Point, to: Point) -> Option<Ride> {
        line::best(&self.lines, from, to)
    }

    /// The line of a ride.
    pub fn line(&self, ride: Ride) -> &Line {
        self.lines.get(ride.line as usize).expect("a ride is on a line of its region")
    }

    /// Stop `stop` of the line of a ride.
    pub fn stop(&self, ride: Ride, stop: u32) -> Site {
        *self.line(ride).stops.get(stop as usize).expect("a ride is between stops of its line")
    }

    /// The distance of a flight between two locales: along a great circle.
    pub fn flight_m(&self, from: LocaleIndex, to: LocaleIndex) -> f64 {
        let locale = |index: LocaleIndex| self.locales.get(usize::from(index)).expect("a locale of the region");
        parameters::great_circle_m(locale(from), locale(to))
    }
}

/// Outside of the city, in a direction that is drawn: three quarters of the way to the edge, and at most 20 km. Choices.
fn airport(roads: &Roads, radius_m: f64, rng: &mut Draws) -> Site {
    let away_m = (0.75 * radius_m).min(20_000.0);
    let node = roads.nearest(land::offset(Point::default(), away_m, rng.random_range(0.0..TAU)));
    Site { at: roads.position(node), node }
}

#[cfg(test)]
mod tests;
