//! How somebody gets there: a choice for the whole tour, because a car or a bicycle has to come home again.

use std::collections::BTreeMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::draws::Draws;
use crate::parameters::Choice;
use crate::person::Person;
use crate::plane::Point;
use crate::region::{Region, Ride};
use crate::truth::Mode;

/// How people get around.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModeParameters {
    /// The shares of trips that come out, by the mode of the longest section: what validation compares with.
    pub shares: Choice<Mode>,
    /// What a mode is liked for beside its time, in units of utility; fitted so that the shares come out.
    pub constants: BTreeMap<Mode, f64>,
    /// What a minute costs, in units of utility.
    pub per_minute: f64,
    /// What a minute on foot costs.
    pub per_minute_on_foot: f64,
    /// What it costs to be driven by somebody else.
    pub without_car: f64,
}

impl Default for ModeParameters {
    /// A city in the United States.
    fn default() -> Self {
        use Mode::{Bicycle, Bus, Car, Ebike, Scooter, Train, Walk};
        Self {
            // NHTS 2022 (mobility.md 2b), with the share of "other" given to cars.
            shares: Choice::constant(&[
                (Walk, 0.095),
                (Bicycle, 0.010),
                (Ebike, 0.004),
                (Scooter, 0.003),
                (Car, 0.863),
                (Bus, 0.015),
                (Train, 0.010),
            ]),
            constants: BTreeMap::from([
                (Walk, 0.85),
                (Bicycle, -1.55),
                (Ebike, -0.07),
                (Scooter, 0.09),
                (Car, 1.6),
                (Bus, 1.19),
                (Train, 1.95),
            ]),
            // A value of time of about $15 an hour with a cost coefficient of 0.2 per dollar; walking counts twice. Choices.
            per_minute: 0.05,
            per_minute_on_foot: 0.09,
            without_car: 2.5,
        }
    }
}

/// How a tour is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Means {
    /// With one's own car or two wheels, which are where one is.
    Own(Mode),
    /// By whatever suits each trip: on foot, by line, or driven by others.
    Free,
}

/// How one trip is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chosen {
    /// How.
    pub(crate) mode: Mode,
    /// On which line, for buses and trains.
    pub(crate) ride: Option<Ride>,
}

impl Chosen {
    /// On foot.
    pub(crate) const WALK: Self = Self { mode: Mode::Walk, ride: None };
    /// By car.
    pub(crate) const CAR: Self = Self { mode: Mode::Car, ride: None };
}

/// Streets are longer than the straight line: 1.3 is the usual detour of a grid.
const DETOUR: f64 = 1.3;
/// Nobody walks further: a choice.
const WALK_MAX_M: f64 = 5_000.0;
/// Nor takes two wheels further.
const TWO_WHEELS_MAX_M: f64 = 15_000.0;

/// Chooses how to get from `from` to `to` at the start of a tour, or during one that is done by `means`.
pub(crate) fn choose(
    parameters: &ModeParameters,
    region: &Region,
    person: &Person,
    means: Option<Means>,
    (from, to): (Point, Point),
    rng: &mut Draws,
) -> Chosen {
    let metres = from.distance_m(to) * DETOUR;
    if let Some(Means::Own(mode)) = means {
        // Round the corner on foot, with the car left where it is, is the business of whoever plans the tour.
        return Chosen { mode, ride: None };
    }
    let is_start = means.is_none();
    let ride = if metres > 1_000.0 { region.ride(from, to) } else { None };
    let options = Mode::ALL.map(|mode| {
        let utility = utility(parameters, region, person, mode, metres, (from, to), ride, is_start);
        // Gumbel-distributed tastes make the choice a logit.
        let taste = -(-rng.random::<f64>().max(f64::MIN_POSITIVE).ln()).ln();
        (mode, utility.map(|utility| utility + taste))
    });
    let best = options.into_iter().filter_map(|(mode, utility)| Some((mode, utility?)));
    let best = best.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(Mode::Walk, |(mode, _)| mode);
    Chosen { mode: best, ride: ride.filter(|_| matches!(best, Mode::Bus | Mode::Train)) }
}

#[expect(clippy::too_many_arguments, reason = "one row of a table of modes")]
fn utility(
    parameters: &ModeParameters,
    region: &Region,
    person: &Person,
    mode: Mode,
    metres: f64,
    (from, to): (Point, Point),
    ride: Option<Ride>,
    is_start: bool,
) -> Option<f64> {
    let constant = parameters.constants.get(&mode).copied().unwrap_or(0.0);
    let minutes = |metres: f64, m_s: f64| metres / m_s / 60.0;
    let timed = |minutes: f64| Some(constant - parameters.per_minute * minutes);
    let vehicles = person.vehicles;
    match mode {
        Mode::Walk if metres <= WALK_MAX_M => {
            Some(constant - parameters.per_minute_on_foot * minutes(metres, person.pace.walk_m_s))
        }
        Mode::Bicycle if vehicles.bicycle && is_start && metres <= TWO_WHEELS_MAX_M => {
            timed(2.0 + minutes(metres, person.pace.bicycle_m_s))
        }
        Mode::Ebike if vehicles.ebike && is_start && metres <= TWO_WHEELS_MAX_M => timed(2.0 + minutes(metres, 5.5)),
        Mode::Scooter if vehicles.scooter && is_start && metres <= WALK_MAX_M * 2.0 => {
            timed(1.0 + minutes(metres, 5.0))
        }
        Mode::Car => {
            // From 6 m/s in town to 22 m/s over land; four minutes to get in and to park.
            let m_s = 6.0 + 16.0 * (metres / (metres + 15_000.0));
            let owned = if vehicles.car && is_start { 0.0 } else { parameters.without_car };
            timed(4.0 + minutes(metres, m_s)).map(|utility| utility - owned)
        }
        Mode::Bus | Mode::Train => {
            let ride = ride.filter(|ride| region.line(*ride).mode == mode)?;
            let line = region.line(ride);
            let [board, alight] = [ride.board, ride.alight].map(|stop| region.stop(ride, stop).at);
            let on_foot = minutes((from.distance_m(board) + alight.distance_m(to)) * DETOUR, person.pace.walk_m_s);
            let riding = line.headway_s / 120.0 + minutes(board.distance_m(alight) * 1.1, line.speed_m_s * 0.7);
            Some(constant - parameters.per_minute * riding - parameters.per_minute_on_foot * on_foot)
        }
        _ => None,
    }
}

impl Means {
    /// What a tour that begins with `mode` is done by: a car that is driven by others does not wait.
    pub(crate) fn of(person: &Person, mode: Mode) -> Self {
        match mode {
            Mode::Car if person.vehicles.car => Self::Own(mode),
            Mode::Bicycle | Mode::Ebike | Mode::Scooter => Self::Own(mode),
            _ => Self::Free,
        }
    }
}
