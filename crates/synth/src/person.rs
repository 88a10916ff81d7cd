//! Who a person is: everything about them that does not change from day to day.

use rand::RngExt;
use rand_distr::{Beta, Distribution, LogNormal, Normal};
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::draws::{Draws, Subject, draws};
use crate::parameters::{Parameters, Share};
use crate::phone::Handset;
use crate::region::{Region, Site};
use crate::roads::HABITS;
use crate::truth::Purpose;

/// Who people are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleParameters {
    /// The share that has a workplace.
    pub worker_share: Share,
    /// The share that goes to school.
    pub student_share: Share,
    /// The share that can take a car whenever they like.
    pub car_share: Share,
    /// The share that owns a bicycle.
    pub bicycle_share: Share,
    /// The share that owns an e-bike.
    pub ebike_share: Share,
    /// The share that owns or rents an electric scooter.
    pub scooter_share: Share,
    /// The share that tells the app about their trips.
    pub labelling_share: Share,
    /// The median straight distance between home and work, in metres.
    pub commute_median_m: f64,
    /// The spread of the logarithm of that distance.
    pub commute_sigma: f64,
    /// The spread between people of the logarithm of how much they go out.
    pub activity_sigma: f64,
}

impl Default for PeopleParameters {
    /// A city in the United States.
    fn default() -> Self {
        Self {
            // Employment to population is about 0.60 for 16 and over (BLS, 2023), and study volunteers work a little more.
            worker_share: Share::constant(0.62),
            // A choice: studies recruit adults.
            student_share: Share::constant(0.05),
            // NHTS 2022: 9 % of households have no vehicle; mobility.md 2b.
            car_share: Share::constant(0.90),
            // A choice.
            bicycle_share: Share::constant(0.30),
            ebike_share: Share::constant(0.03),
            scooter_share: Share::constant(0.02),
            // A choice: deployments see between a tenth and most of their people label.
            labelling_share: Share::constant(0.35),
            // Mean commute of 11 to 12 miles along the road, mobility.md 2b.
            commute_median_m: 8_500.0,
            commute_sigma: 0.95,
            // A choice: a factor of 1.4 up or down for two thirds of people.
            activity_sigma: 0.35,
        }
    }
}

/// What a person has to do on most weekdays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Duty {
    /// They go to work.
    Work(Site),
    /// They go to school.
    School(Site),
    /// Nothing.
    None,
}

/// A person.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Which one, counted from 0.
    pub user: u32,
    /// What the server calls them.
    pub id: Uuid,
    /// Where they live.
    pub home: Site,
    /// What they have to do.
    pub duty: Duty,
    /// When they leave for their duty, in seconds of the day.
    pub leaves_s: f64,
    /// How long their duty keeps them, in seconds.
    pub stays_s: f64,
    /// How likely they do their duty at home.
    pub remote_share: f64,
    /// What they own.
    pub vehicles: Vehicles,
    /// How much they go out compared with others.
    pub activity: f64,
    /// The exploration law's factor ρ and exponent γ for this person.
    pub exploration: Exploration,
    /// How fast they are.
    pub pace: Pace,
    /// Which of the road network's habits they have.
    pub habit: u8,
    /// Whether they tell the app about their trips.
    pub is_labelling: bool,
    /// What they carry.
    pub handset: Handset,
}

/// What a person can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that one owns or not")]
pub struct Vehicles {
    /// A car.
    pub car: bool,
    /// A bicycle.
    pub bicycle: bool,
    /// An e-bike.
    pub ebike: bool,
    /// An electric scooter.
    pub scooter: bool,
}

/// The probability of going somewhere new is `rho · S^-gamma` after `S` places (Song 2010).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exploration {
    /// The factor.
    pub rho: f64,
    /// The exponent.
    pub gamma: f64,
}

/// How fast a person is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// On foot.
    pub walk_m_s: f64,
    /// On a bicycle.
    pub bicycle_m_s: f64,
    /// In a car, compared with others.
    pub driver: f64,
}

impl Person {
    /// Person `user` of the world with that seed.
    pub fn new(user: u32, seed: u64, parameters: &Parameters, region: &Region) -> Self {
        let mut rng = draws(seed, user, 0, Subject::Person);
        let people = &parameters.people;
        let id = Builder::from_random_bytes(rng.random()).into_uuid();
        let home = region.home(&mut rng);
        let duty = draw_duty(people, region, home, &mut rng);
        let (leaves_s, stays_s) = draw_hours(duty, &mut rng);
        let vehicles = Vehicles {
            car: rng.random_bool(people.car_share.get()),
            bicycle: rng.random_bool(people.bicycle_share.get()),
            ebike: rng.random_bool(people.ebike_share.get()),
            scooter: rng.random_bool(people.scooter_share.get()),
        };
        let activity = log_normal(0.0, people.activity_sigma).sample(&mut rng);
        let exploration = draw_exploration(parameters, &mut rng);
        let pace = Pace {
            // mobility.md 2c: walking N(1.3, 0.2), riding 4.1 with p5 1.4 and p95 6.2, drivers N(1, 0.1).
            walk_m_s: normal(1.3, 0.2).sample(&mut rng).clamp(0.8, 1.9),
            bicycle_m_s: normal(4.3, 0.6).sample(&mut rng).clamp(2.8, 6.5),
            driver: normal(1.0, 0.1).sample(&mut rng).clamp(0.7, 1.3),
        };
        // Three in ten can work at home, on two or three days a week: a choice, near the 28 % of paid days of US surveys.
        let remote_share = if rng.random_bool(0.35) { beta(2.0, 2.0).sample(&mut rng) } else { 0.0 };
        Self {
            user,
            id,
            home,
            duty,
            leaves_s,
            stays_s,
            remote_share,
            vehicles,
            activity,
            exploration,
            pace,
            habit: rng.random_range(0..HABITS),
            is_labelling: rng.random_bool(people.labelling_share.get()),
            handset: Handset::draw(&parameters.phones, &mut draws(seed, user, 0, Subject::Handset)),
        }
    }

    /// What they tell the server that they are called.
    pub fn token(&self) -> String {
        format!("synth-{:07}", self.user)
    }
}

fn draw_duty(people: &PeopleParameters, region: &Region, home: Site, rng: &mut Draws) -> Duty {
    let draw: f64 = rng.random();
    if draw < people.worker_share.get() {
        let distance_m = log_normal(people.commute_median_m.ln(), people.commute_sigma).sample(rng);
        return Duty::Work(region.site(Purpose::Work, home.at, distance_m, rng));
    }
    if draw < people.worker_share.get() + people.student_share.get() {
        // A choice: schools and colleges are nearer than workplaces.
        let distance_m = log_normal(3_000_f64.ln(), 0.8).sample(rng);
        return Duty::School(region.site(Purpose::School, home.at, distance_m, rng));
    }
    Duty::None
}

/// When somebody leaves for their duty and how long it keeps them. Work: N(7:45, 50 min) and N(8.6 h, 1.1 h), mobility.md
/// 2b; one worker in eight has shifts at other times, and one in six works part time: choices.
fn draw_hours(duty: Duty, rng: &mut Draws) -> (f64, f64) {
    const HOUR_S: f64 = 3_600.0;
    match duty {
        Duty::School(_) => {
            (normal(7.9, 0.5).sample(rng) * HOUR_S, normal(6.5, 1.0).sample(rng).clamp(3.0, 9.0) * HOUR_S)
        }
        Duty::Work(_) | Duty::None => {
            let is_shift = rng.random_bool(0.125);
            let leaves_h = if is_shift { rng.random_range(5.0..15.0) } else { normal(7.6, 0.85).sample(rng) };
            let mean_h = if rng.random_bool(0.16) { 4.8 } else { 8.4 };
            let stays_h: f64 = normal(mean_h, 1.1).sample(rng);
            (leaves_h.clamp(4.5, 15.0) * HOUR_S, stays_h.clamp(2.0, 11.5) * HOUR_S)
        }
    }
}

/// ρ ~ N(0.6, 0.16) and γ ~ N(0.21, 0.069): the means of Song 2010, the spread of Swiss GPS; mobility.md 2a.
fn draw_exploration(parameters: &Parameters, rng: &mut Draws) -> Exploration {
    let week = &parameters.week;
    Exploration {
        rho: normal(week.exploration_rho, 0.16).sample(rng).clamp(0.1, 0.95),
        gamma: normal(week.exploration_gamma, 0.069).sample(rng).clamp(0.05, 0.8),
    }
}

/// A normal distribution with constant parameters.
pub(crate) fn normal(mean: f64, sd: f64) -> Normal<f64> {
    Normal::new(mean, sd).expect("the spread is finite")
}

/// A log-normal distribution with checked parameters.
pub(crate) fn log_normal(mu: f64, sigma: f64) -> LogNormal<f64> {
    LogNormal::new(mu, sigma).expect("the spread is finite")
}

fn beta(alpha: f64, beta: f64) -> Beta<f64> {
    Beta::new(alpha, beta).expect("both are positive")
}
