//! Days to look at: what some people did and what their phones sensed, for a map.

use std::ops::Range;

use jiff::civil::Date;
use rushhour_synth::person::Person;
use rushhour_synth::phone::Platform;
use rushhour_synth::plane::Point;
use rushhour_synth::sensed::Fix;
use rushhour_synth::track::Track;
use rushhour_synth::truth::{Mode, Place, Trip};
use rushhour_synth::world::{Day, World};

use crate::validate::answered;

/// A day of a person.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Who.
    pub person: Person,
    /// When.
    pub date: Date,
    /// What they did.
    pub trips: Vec<Trip>,
    /// How they moved, in the same order.
    pub tracks: Vec<Track>,
    /// The places they know, by id.
    pub places: Vec<Place>,
    /// Where their phone believed to be: the fixes that passed its filter.
    pub sightings: Vec<Point>,
}

/// What to look for: a mode, and the phone where it matters. The rarer first.
const WANTED: [(&[Mode], Option<Platform>); 6] = [
    (&[Mode::Train], None),
    (&[Mode::Bicycle, Mode::Ebike, Mode::Scooter], Some(Platform::Ios)),
    (&[Mode::Bus], Some(Platform::Android)),
    (&[Mode::Bus], Some(Platform::Ios)),
    (&[Mode::Car], Some(Platform::Android)),
    (&[Mode::Car], Some(Platform::Ios)),
];
/// So many days are enough.
const SCENES_MAX: usize = 4;
/// A day with fewer is dull.
const TRIPS_MIN: usize = 3;
/// A map of more shows no streets.
const EXTENT_MAX_M: f64 = 16_000.0;

/// Days to look at of some people of a world, by different ways of getting about and with different phones.
pub fn scenes(world: &World, users: Range<u32>) -> Vec<Scene> {
    let mut found: [Option<(u32, u32)>; WANTED.len()] = [None; WANTED.len()];
    'people: for user in users {
        let life = world.life(user);
        let platform = life.person().handset.platform;
        for (number, day) in (0..).zip(life) {
            let mut free = found.iter_mut().zip(WANTED).filter(|(found, _)| found.is_none());
            let suits = |modes, phone: Option<Platform>| phone.is_none_or(|it| it == platform) && is_worth(&day, modes);
            if let Some((found, _)) = free.find(|(_, (modes, phone))| suits(modes, *phone)) {
                *found = Some((user, number));
                // One day of a person is enough.
                continue 'people;
            }
        }
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    found.into_iter().flatten().take(SCENES_MAX).filter_map(|(user, day)| scene(world, user, day)).collect()
}

fn is_worth(day: &Day, modes: &[Mode]) -> bool {
    let sections = || day.trips.iter().flat_map(|trip| &trip.sections);
    let ends = || day.tracks.iter().flat_map(|track| &track.pieces).map(|piece| piece.to);
    let extent = |of: fn(Point) -> f64| {
        let (low, high) = ends().map(of).fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
        high - low
    };
    day.trips.len() >= TRIPS_MIN
        && sections().any(|section| modes.contains(&section.mode))
        && day.trips.iter().all(|trip| trip.fixes > 0 && trip.mode != Mode::Air)
        && extent(|at| at.x_m).max(extent(|at| at.y_m)) < EXTENT_MAX_M
}

/// Day `number` of a person, with what the phone sent of it until the day after.
fn scene(world: &World, user: u32, number: u32) -> Option<Scene> {
    let mut life = world.life(user);
    let day = life.by_ref().nth(number as usize)?;
    let next = life.by_ref().next();
    let (start_us, end_us) = (day.tracks.first()?.start_us(), day.tracks.last()?.end_us());
    let locale = world.region.locales.first()?;
    let recordings = answered(&day).chain(next.iter().flat_map(answered));
    let fixes = recordings.flat_map(|recording| &recording.fixes);
    let seen = fixes
        .filter(|fix: &&Fix| fix.filtered_write_us.is_some() && (start_us..=end_us).contains(&fix.ts_us))
        .map(|fix| locale.point(fix.latitude, fix.longitude));
    Some(Scene {
        sightings: seen.collect(),
        person: life.person().clone(),
        date: day.date,
        places: life.places().to_vec(),
        trips: day.trips,
        tracks: day.tracks,
    })
}
