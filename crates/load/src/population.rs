//! The people of a run: who they are, and which recorded day each of them lives on which date.

use std::num::NonZeroU32;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::recording::Recording;
use crate::scenario::Scenario;

/// People who live recorded days one after another, everybody starting with another one.
#[derive(Clone, Debug)]
pub struct Population {
    users: NonZeroU32,
    recordings: Vec<Recording>,
    first_day: Date,
    days_before: u32,
    /// `starts[i]` is how many days the first `i` recordings cover; the recordings twice over, so that a person who
    /// starts with any of them finds a whole cycle.
    starts: Vec<u32>,
}

/// A recorded day on a date.
#[derive(Clone, Copy, Debug)]
pub struct LivedDay<'a> {
    /// What was recorded.
    pub recording: &'a Recording,
    /// The date it starts on.
    pub date: Date,
    /// How many days later than it was recorded.
    pub shift_days: i32,
}

impl Population {
    /// The people of `scenario`, who live `recordings`, of which there must be at least one.
    pub fn new(scenario: &Scenario, recordings: Vec<Recording>) -> Self {
        let count = u32::try_from(recordings.len()).expect("recordings are files in one folder");
        assert!(count > 0, "reading a folder without recordings fails");
        let lengths = recordings.iter().chain(&recordings).map(|recording| recording.length_days);
        let sum = |start: &mut u32, length: u32| Some(std::mem::replace(start, *start + length));
        Self {
            users: scenario.users,
            first_day: scenario.days.first_day,
            days_before: scenario.days.before.unwrap_or(count),
            starts: lengths.chain([0]).scan(0, sum).collect(),
            recordings,
        }
    }

    /// How many people.
    pub fn users(&self) -> u32 {
        self.users.get()
    }

    /// How many lived days everybody has uploaded before a run starts.
    pub fn days_before(&self) -> u32 {
        self.days_before
    }

    /// What person `user` is called.
    pub fn token(user: u32) -> String {
        format!("rushhour-{user:07}")
    }

    /// The `turn`-th day of person `user`, counted from 0.
    pub fn day(&self, user: u32, turn: u32) -> LivedDay<'_> {
        let count = self.recordings.len();
        let (first, turn) = (user as usize % count, turn as usize);
        let start = |position: usize| *self.starts.get(position).expect("two cycles were summed up");
        let cycle_days = start(count);
        let cycles = u32::try_from(turn / count).expect("a quotient of a u32");
        let offset = cycles * cycle_days + start(first + turn % count) - start(first);
        let recording = self.recordings.get((first + turn) % count).expect("a remainder of the count");
        let date = self.first_day.saturating_add(i64::from(offset).days());
        LivedDay { recording, date, shift_days: (date - recording.first_day).get_days() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(first_s: u32, last_s: u32) -> Recording {
        let entry = |at: u32| {
            let text = format!(r#"{{"metadata":{{"key":"k","type":"t","write_ts":{at}}},"data":{{}}}}"#);
            serde_json::from_str(&text).unwrap()
        };
        Recording::new(vec![entry(first_s), entry(last_s)]).unwrap()
    }

    #[test]
    fn days_follow_one_another_without_overlap_for_everybody() {
        // The second recording covers two days.
        let recordings = vec![recording(0, 10), recording(0, 90_000), recording(0, 20)];
        let population = Population::new(&Scenario::parse("users = 4").unwrap(), recordings);
        assert_eq!(population.days_before(), 3);
        for user in 0..4 {
            let days: Vec<_> = (0..9).map(|turn| population.day(user, turn)).collect();
            assert_eq!(days[0].date, Date::constant(2026, 1, 5));
            for pair in days.windows(2) {
                let gap = (pair[1].date - pair[0].date).get_days();
                assert_eq!(gap, i32::try_from(pair[0].recording.length_days).unwrap());
            }
            assert!(days.iter().all(|day| (day.date - day.recording.first_day).get_days() == day.shift_days));
        }
        assert_eq!(population.day(1, 0).recording.length_days, 2);
    }
}
