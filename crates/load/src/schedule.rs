//! The schedule: who is to do what, and when. A value, known before anything is sent.

use std::iter::Peekable;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::operation::{Name, Operation};
use crate::scenario::Scenario;

/// One intended request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its place in the whole schedule, counted from 0.
    pub number: u64,
    /// The intended time, from the start of the run.
    pub at: Duration,
    /// What.
    pub operation: Operation,
    /// Who.
    pub user: u32,
    /// A draw for whatever else there is to choose, such as which day is read.
    pub draw: u32,
}

/// A part of a schedule: every arrival whose number leaves the remainder `index` when it is divided by `count`. The parts of
/// a schedule together are the schedule, however many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which, counted from 0.
    pub index: u32,
    /// Of how many; not zero.
    pub count: u32,
}

impl Default for Part {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// A part of this part.
    pub fn part(self, index: u32, count: u32) -> Self {
        Self { index: self.index + self.count * index, count: self.count * count }
    }

    /// How many of the first `arrivals` belong to it.
    pub fn count_of(self, arrivals: u64) -> u64 {
        (arrivals + u64::from(self.count) - 1 - u64::from(self.index)) / u64::from(self.count)
    }

    /// Whether `number` belongs to it.
    pub fn has(self, number: u64) -> bool {
        number % u64::from(self.count) == u64::from(self.index)
    }
}

/// The arrivals of a run in order of their intended times; simultaneous ones in the order of their operations' names.
pub struct Schedule {
    streams: Vec<Stream>,
    end: Duration,
    number: u64,
}

struct Stream {
    operation: Operation,
    times: Peekable<Box<dyn Iterator<Item = (Duration, Option<u32>)> + Send>>,
    choices: ChaCha8Rng,
    users: u32,
}

impl Schedule {
    /// The schedule of `scenario`, up to the end of *measure*.
    pub fn new(scenario: &Scenario) -> Self {
        let phases = &scenario.phases;
        let streams = scenario.operations().map(|(operation, name, arrivals)| {
            // Times and choices draw from streams of their own, so that neither changes with the other.
            let number = stream(name) << 1;
            let mut choices = ChaCha8Rng::seed_from_u64(scenario.seed);
            choices.set_stream(number + 1);
            let times = arrivals.times(scenario.seed, number, phases.measure_start()).peekable();
            Stream { operation, times, choices, users: scenario.users().get() }
        });
        Self { streams: streams.collect(), end: phases.measure_end(), number: 0 }
    }

    /// The same without an end: what a closed loop takes its requests from, one after another, whatever their times.
    pub fn endless(scenario: &Scenario) -> Self {
        Self { end: Duration::MAX, ..Self::new(scenario) }
    }
}

/// The stream of draws that an operation has to itself, whichever others there are: FNV-1a of its name (RFC 9923).
fn stream(name: &Name) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    name.as_str().bytes().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let next = |stream: &mut Stream| stream.times.peek().map(|(at, _)| *at);
        let (at, stream) =
            self.streams.iter_mut().filter_map(|stream| Some((next(stream)?, stream))).min_by_key(|(at, _)| *at)?;
        if at >= self.end {
            return None;
        }
        let (_, recorded) = stream.times.next()?;
        let anybody = stream.choices.random_range(0..stream.users);
        // A recording may name more people than there are.
        let user = recorded.map_or(anybody, |user| user % stream.users);
        let arrival =
            Arrival { number: self.number, at, operation: stream.operation, user, draw: stream.choices.random() };
        self.number += 1;
        Some(arrival)
    }
}

/// What a schedule is known by: how many arrivals it has, and a digest of every one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// How many arrivals.
    pub arrivals: u64,
    /// The first 16 digits of the SHA-256 of all of them.
    pub hash: String,
}

impl Identity {
    /// Of the arrivals of the operations called `names`.
    pub fn of<'a>(names: impl Iterator<Item = &'a Name>, arrivals: impl Iterator<Item = Arrival>) -> Self {
        let mut digest = Sha256::new();
        for name in names {
            digest.update(name.as_str());
            digest.update([0]);
        }
        let mut count = 0;
        for Arrival { number: _, at, operation, user, draw } in arrivals {
            digest.update(at.as_nanos().to_le_bytes());
            digest.update(operation.0.to_le_bytes());
            digest.update(user.to_le_bytes());
            digest.update(draw.to_le_bytes());
            count += 1;
        }
        let hash = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { arrivals: count, hash }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(text: &str) -> Vec<Arrival> {
        Schedule::new(&Scenario::parse(text).unwrap()).collect()
    }

    /// The scenario of the mix with uploads as the lines of this file say.
    fn replaying(lines: &str, seed: u64) -> Scenario {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("puts.csv"), lines).unwrap();
        let put = "put = { replay = { file = \"puts.csv\", speed = 2, from_s = 10 } }";
        let text = format!("seed = {seed}\n{MIX}").replace("put = { rate_per_s = 50, spacing = \"uniform\" }", put);
        Scenario::parse(&text).unwrap().with_recordings(|file| dir.path().join(file)).unwrap()
    }

    const MIX: &str = "users = 10\nphases = { warm_up_s = 1, measure_s = 9 }\n\
        [arrivals]\nget = { rate_per_s = 100 }\nput = { rate_per_s = 50, spacing = \"uniform\" }\ntimeline = { rate_per_s = 20 }";

    fn identity(text: &str) -> Identity {
        let scenario = Scenario::parse(text).unwrap();
        Identity::of(scenario.arrivals.keys(), Schedule::new(&scenario))
    }

    #[test]
    fn every_operation_has_its_rate_and_times_only_rise() {
        let arrivals = schedule(MIX);
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
        assert!(arrivals.iter().zip(0..).all(|(arrival, number)| arrival.number == number));
        let count = |operation| arrivals.iter().filter(|arrival| arrival.operation == Operation(operation)).count();
        // In the order of their names: get, put, timeline.
        assert_eq!(count(1), 500);
        // Poisson counts lie within five standard deviations.
        assert!(count(0).abs_diff(1000) < 160, "{}", count(0));
        assert!(count(2).abs_diff(200) < 71, "{}", count(2));
        assert!(arrivals.iter().all(|arrival| arrival.user < 10 && arrival.at < Duration::from_secs(10)));
    }

    #[test]
    fn the_same_scenario_gives_the_same_schedule_and_its_hash_tells() {
        assert_eq!(schedule(MIX), schedule(MIX));
        assert_eq!(identity(MIX), identity(MIX));
        assert_eq!(identity(MIX).arrivals, schedule(MIX).len() as u64);
        let other = format!("seed = 2\n{MIX}");
        assert_ne!(schedule(MIX), schedule(&other));
        assert_ne!(identity(MIX).hash, identity(&other).hash);
        assert_ne!(identity(MIX).hash, identity(&MIX.replace("timeline", "find")).hash);
    }

    #[test]
    fn another_operation_changes_nothing_for_the_rest() {
        let of = |text: &str, operations: [u16; 3]| {
            let kept = schedule(text).into_iter().filter_map(|arrival| {
                let place = operations.iter().position(|operation| Operation(*operation) == arrival.operation)?;
                Some((place, arrival.at, arrival.user, arrival.draw))
            });
            kept.collect::<Vec<_>>()
        };
        assert_eq!(of(&format!("{MIX}\nfind = {{ rate_per_s = 30 }}"), [1, 2, 3]), of(MIX, [0, 1, 2]));
    }

    #[test]
    fn a_replay_is_in_the_schedule_and_in_its_hash() {
        let puts = |scenario: &Scenario| {
            let puts = Schedule::new(scenario).filter(|arrival| arrival.operation == Operation(1));
            puts.map(|put| (put.at.as_secs_f64(), put.user)).collect::<Vec<_>>()
        };
        let scenario = replaying("at_s,user\n7,x\n9,a\n10,b\n12,a\n28,c\n", 1);
        // The first would be before the run, and the last is after it: the phases are 1 s and 9 s.
        assert_eq!(puts(&scenario), [(0.5, 1), (1.0, 2), (2.0, 1)]);
        let hash = |scenario: &Scenario| Identity::of(scenario.arrivals.keys(), Schedule::new(scenario)).hash;
        assert_eq!(hash(&scenario), hash(&replaying("at_s,user\n7,x\n9,a\n10,b\n12,a\n28,c\n", 1)));
        assert_ne!(hash(&scenario), hash(&replaying("at_s,user\n7,x\n9,a\n10,b\n12.5,a\n28,c\n", 1)));
        assert_ne!(hash(&scenario), hash(&replaying("at_s,user\n7,x\n9,a\n10,b\n12,b\n28,c\n", 1)));
        // Eleven people are named, and there are ten.
        let many: String = (0..11).map(|n| format!("{},p{n}\n", 10 + n)).collect();
        assert_eq!(puts(&replaying(&format!("at_s,user\n{many}"), 1)).last().unwrap().1, 0);
    }

    proptest! {
        #[test]
        fn the_parts_of_a_schedule_are_the_schedule(
            shards in 1..9_u32,
            threads in 1..5_u32,
            seed in 0..1000_u64,
            recorded in proptest::collection::vec((0..40_000_u32, 0..20_u8), 0..200),
        ) {
            // One of them is due while measuring, whatever the others are.
            let mut recorded = [recorded, vec![(10_000, 0)]].concat();
            recorded.sort_unstable();
            let lines: String = recorded.iter().map(|(ms, user)| format!("{},{user}\n", f64::from(*ms) / 1e3)).collect();
            let scenario = replaying(&format!("at_s,user\n{lines}"), seed);
            let whole: Vec<_> = Schedule::new(&scenario).collect();
            let mut united: Vec<Arrival> = Vec::new();
            for index in 0..shards {
                let shard = Part { index, count: shards };
                let count = whole.iter().filter(|arrival| shard.has(arrival.number)).count() as u64;
                prop_assert_eq!(shard.count_of(whole.len() as u64), count);
                for thread in 0..threads {
                    let part = shard.part(thread, threads);
                    let arrivals: Vec<_> = Schedule::new(&scenario).filter(|arrival| part.has(arrival.number)).collect();
                    prop_assert!(arrivals.iter().all(|arrival| shard.has(arrival.number)));
                    united.extend(arrivals);
                }
            }
            united.sort_by_key(|arrival| arrival.number);
            prop_assert_eq!(united, whole);
        }
    }
}
