//! The schedule: who is to do what, and when. A value, known before anything is sent.

use std::iter::Peekable;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::operation::Operation;
use crate::scenario::Scenario;

/// One intended request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The intended time, from the start of the run.
    pub at: Duration,
    /// What.
    pub operation: Operation,
    /// Who.
    pub user: u32,
    /// A draw for whatever else there is to choose, such as which day is read.
    pub draw: u32,
}

/// The arrivals of a run in order of their intended times; simultaneous ones in the order of [`Operation::ALL`].
pub struct Schedule {
    streams: Vec<Stream>,
    end: Duration,
}

struct Stream {
    operation: Operation,
    times: Peekable<Box<dyn Iterator<Item = Duration> + Send>>,
    choices: ChaCha8Rng,
    users: u32,
}

impl Schedule {
    /// The schedule of `scenario`, up to the end of *measure*.
    pub fn new(scenario: &Scenario) -> Self {
        let stream = |(number, operation): (u64, Operation)| {
            let arrivals = scenario.arrivals.get(&operation)?;
            // Times and choices draw from streams of their own, so that neither changes with the other.
            let mut choices = ChaCha8Rng::seed_from_u64(scenario.seed);
            choices.set_stream(2 * number + 1);
            let times = arrivals.times(scenario.seed, 2 * number).peekable();
            Some(Stream { operation, times, choices, users: scenario.users().get() })
        };
        let streams = (0..).zip(Operation::ALL).filter_map(stream).collect();
        Self { streams, end: scenario.phases.measure_end() }
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let next = |stream: &mut Stream| stream.times.peek().copied();
        let (at, stream) =
            self.streams.iter_mut().filter_map(|stream| Some((next(stream)?, stream))).min_by_key(|(at, _)| *at)?;
        if at >= self.end {
            return None;
        }
        stream.times.next();
        let user = stream.choices.random_range(0..stream.users);
        Some(Arrival { at, operation: stream.operation, user, draw: stream.choices.random() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str) -> Vec<Arrival> {
        Schedule::new(&Scenario::parse(text).unwrap()).collect()
    }

    const MIX: &str = "users = 10\nphases = { warm_up_s = 1, measure_s = 9 }\n\
        [arrivals]\nget = { rate_per_s = 100 }\nput = { rate_per_s = 50, spacing = \"uniform\" }\ntimeline = { rate_per_s = 20 }";

    #[test]
    fn every_operation_has_its_rate_and_times_only_rise() {
        let arrivals = schedule(MIX);
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
        let count = |operation| arrivals.iter().filter(|arrival| arrival.operation == operation).count();
        assert_eq!(count(Operation::Put), 500);
        // Poisson counts lie within five standard deviations.
        assert!(count(Operation::Get).abs_diff(1000) < 160, "{}", count(Operation::Get));
        assert!(count(Operation::Timeline).abs_diff(200) < 71, "{}", count(Operation::Timeline));
        assert_eq!(count(Operation::Find), 0);
        assert!(arrivals.iter().all(|arrival| arrival.user < 10 && arrival.at < Duration::from_secs(10)));
    }

    #[test]
    fn the_same_scenario_gives_the_same_schedule() {
        assert_eq!(schedule(MIX), schedule(MIX));
        assert_ne!(schedule(MIX), schedule(&format!("seed = 2\n{MIX}")));
    }

    #[test]
    fn another_operation_changes_nothing_for_the_rest() {
        let mut more = schedule(&format!("{MIX}\nfind = {{ rate_per_s = 30 }}"));
        more.retain(|arrival| arrival.operation != Operation::Find);
        assert_eq!(more, schedule(MIX));
    }
}
