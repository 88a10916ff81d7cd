//! Whether a population is like real ones: it is made, its statistics are taken, and each stands beside its reference.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;

use rushhour_synth::sensed::{Fix, Recording};
use rushhour_synth::truth::Event;
use rushhour_synth::upload::Request;
use rushhour_synth::world::{Day, World};

use crate::in_order::in_order;
use crate::statistics::Mobility;
use crate::statistics::biography::Biography;
use crate::statistics::daily::share;
use crate::statistics::errors::Errors;
use crate::statistics::row::{Row, Target};
use crate::statistics::senses::Senses;
use crate::statistics::sensing::Sensing;

/// What is observed of a population whose truth is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// How people get about: rows 1 to 8.
    pub mobility: Mobility,
    /// How their phones sense: row 9.
    pub sensing: Sensing,
    /// How far these are off: rows 10 and 11.
    pub errors: Errors,
}

/// Observes people of a world. `done` is called after each of them.
pub fn observe(world: &World, users: Range<u32>, threads: usize, mut done: impl FnMut()) -> Observed {
    let mut all = Observed::default();
    in_order(
        users,
        threads,
        |user| Observed::of(world, user),
        |one| {
            all.merge(&one);
            done();
        },
    );
    all
}

/// How people of a world get about, without a look at their phones.
pub fn mobility(world: &World, users: Range<u32>, threads: usize, mut done: impl FnMut()) -> Mobility {
    let mut all = Mobility::default();
    let one = |user| Mobility::of(&biography(world, user, |_| {}));
    in_order(users, threads, one, |one| {
        all.merge(&one);
        done();
    });
    all
}

impl Observed {
    fn of(world: &World, user: u32) -> Self {
        let (mut senses, mut fixes, mut tracks) = (Senses::default(), Vec::new(), Vec::new());
        let mut events: Vec<Event> = Vec::new();
        let biography = biography(world, user, |day| {
            for recording in answered(&day) {
                senses.record(recording);
                fixes.extend(recording.fixes.iter().filter(|fix| fix.filtered_write_us.is_some()));
            }
            tracks.extend(day.tracks);
            events.extend(day.events);
        });
        senses.sort();
        fixes.sort_by_key(|fix: &Fix| fix.ts_us);
        let mut observed = Self { mobility: Mobility::of(&biography), ..Self::default() };
        observed.sensing.add(world.person(user).handset.profile, &senses);
        observed.errors.add(&fixes, &tracks, &events, &world.region.locales);
        observed
    }

    fn merge(&mut self, other: &Self) {
        self.mobility.merge(&other.mobility);
        self.sensing.merge(&other.sensing);
        self.errors.merge(&other.errors);
    }
}

/// The whole life of one person, with a look at each day.
fn biography(world: &World, user: u32, mut look: impl FnMut(Day)) -> Biography {
    let mut life = world.life(user);
    let mut biography = Biography::default();
    for day in &mut life {
        biography.live(&day);
        look(day);
    }
    biography.remember(&life, &world.region.locales);
    biography
}

/// What a phone sent on a day, each entry once.
pub fn answered(day: &Day) -> impl Iterator<Item = &Recording> {
    day.calls.iter().filter_map(|call| match &call.request {
        Request::Put { recording, is_answered: true } => Some(recording),
        _ => None,
    })
}

/// Row 13: whether people are the same, to the last digit, on one thread and on several, and whoever comes before them.
pub fn repeatability(world: &World, users: Range<u32>, threads: usize) -> Row {
    let hashes = |users: Range<u32>, threads| {
        let mut hashes = Vec::new();
        in_order(users, threads, |user| fingerprint(world, user), |hash| hashes.push(hash));
        hashes
    };
    let middle = users.start + (users.end - users.start) / 2;
    let alone = hashes(users.clone(), 1);
    let together = hashes(users.clone(), threads.max(2));
    let behind = hashes(middle..users.end, threads);
    let in_parts: Vec<u64> = hashes(users.start..middle, threads).into_iter().chain(behind).collect();
    let same = alone.iter().zip(&together).zip(&in_parts).filter(|((a, b), c)| a == b && a == c).count();
    let value = share(same as u64, alone.len() as u64);
    Row::new(13, "same on any threads, in any range", Target::AtLeast { low: 1.0 }, value)
}

/// A number that changes with anything in a person's days.
fn fingerprint(world: &World, user: u32) -> u64 {
    let mut hash = Hash(DefaultHasher::new());
    for day in world.life(user) {
        // Numbers are written with all their digits; hashing does not fail.
        let _ = write!(hash, "{day:?}");
    }
    hash.0.finish()
}

struct Hash(DefaultHasher);

impl Write for Hash {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use rushhour_synth::parameters::Parameters;
    use rushhour_synth::region::{Region, RegionFile, RegionParameters};
    use rushhour_synth::world::Study;

    use super::*;

    /// A week in a small town.
    pub(crate) fn world(seed: u64) -> World {
        let file = RegionFile {
            name: "town".to_owned(),
            latitude: 39.7,
            longitude: -105.0,
            radius_m: 3_000.0,
            time_zone: "America/Denver".to_owned(),
            country: "US".to_owned(),
            away: Vec::new(),
        };
        let region = Region::synthetic(&RegionParameters::try_from(file).unwrap(), 1);
        let study = Study { seed, first_day: jiff::civil::date(2026, 1, 5), days: 7 };
        World { region, parameters: Parameters::default(), study }
    }

    /// The same for all tests: a town takes a while to build.
    pub(crate) static TOWN: LazyLock<World> = LazyLock::new(|| world(1));

    #[test]
    fn people_are_observed_the_same_on_any_number_of_threads() {
        let mut done = 0;
        let one = observe(&TOWN, 0..9, 1, || done += 1);
        assert_eq!((one.mobility.people, done), (9, 9));
        assert_eq!(one, observe(&TOWN, 0..9, 4, || {}));
        assert_eq!(one.mobility, mobility(&TOWN, 0..9, 2, || {}));
        assert_eq!(repeatability(&TOWN, 0..6, 3).verdict().name(), "pass");
    }

    #[test]
    fn another_seed_is_another_fingerprint() {
        let other = world(2);
        assert_eq!(fingerprint(&TOWN, 0), fingerprint(&TOWN, 0));
        assert_ne!(fingerprint(&TOWN, 0), fingerprint(&TOWN, 1));
        assert_ne!(fingerprint(&TOWN, 0), fingerprint(&other, 0));
    }
}
