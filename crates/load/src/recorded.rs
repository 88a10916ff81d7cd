//! People who live recorded days one after another, everybody starting with another one.

use std::num::NonZeroU32;

use jiff::ToSpan;
use jiff::civil::Date;
use rushhour_model::shift;
use rushhour_model::wire::PutCall;

use crate::population::{LivedDays, Upload, body};
use crate::recording::Recording;
use crate::scenario::Scenario;

/// People who live recorded days, and how far their phones are with sending them.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    recordings: Vec<Recording>,
    first_day: Date,
    days_before: u32,
    /// `starts[i]` is how many days the first `i` recordings cover; the recordings twice over, so that a person who
    /// starts with any of them finds a whole cycle.
    starts: Vec<u32>,
    positions: Vec<Position>,
}

/// Where a person's phone is in its uploads.
#[derive(Clone, Copy, Debug, Default)]
struct Position {
    turn: u32,
    part: usize,
}

/// A recorded day on a date.
#[derive(Clone, Copy, Debug)]
struct LivedDay<'a> {
    recording: &'a Recording,
    date: Date,
}

impl Recorded {
    /// The people of `scenario`, who live `recordings`, of which there must be at least one.
    pub(crate) fn new(scenario: &Scenario, users: NonZeroU32, recordings: Vec<Recording>) -> Self {
        let count = u32::try_from(recordings.len()).expect("recordings are files in one folder");
        assert!(count > 0, "reading a folder without recordings fails");
        let lengths = recordings.iter().chain(&recordings).map(|recording| recording.length_days);
        let sum = |start: &mut u32, length: u32| Some(std::mem::replace(start, *start + length));
        Self {
            first_day: scenario.days.first_day,
            days_before: scenario.days.before.unwrap_or(count),
            starts: lengths.chain([0]).scan(0, sum).collect(),
            positions: (0..users.get()).map(|_| Position::default()).collect(),
            recordings,
        }
    }

    /// So many people with the same recordings, who have sent nothing.
    pub(crate) fn afresh(&self, users: NonZeroU32) -> Self {
        Self { positions: (0..users.get()).map(|_| Position::default()).collect(), ..self.clone() }
    }

    pub(crate) fn users(&self) -> u32 {
        u32::try_from(self.positions.len()).expect("there is one for each of a u32")
    }

    pub(crate) fn token(user: u32) -> String {
        format!("rushhour-{user:07}")
    }

    pub(crate) fn days_before(&self) -> u32 {
        self.days_before
    }

    pub(crate) fn read_days(&self, user: u32, draw: u32) -> LivedDays {
        let LivedDay { recording, date } = self.day(user, draw % self.days_before.max(1));
        LivedDays { first: date, count: recording.length_days }
    }

    pub(crate) fn next_upload_of_day(&mut self, user: u32, day: u32) -> Option<Upload> {
        let position = self.positions.get(user as usize).expect("nobody asks for others");
        (position.turn <= day).then(|| self.next_upload(user))
    }

    pub(crate) fn next_upload(&mut self, user: u32) -> Upload {
        let position = self.positions.get(user as usize).expect("the schedule only names people of the scenario");
        let Position { turn, part } = *position;
        let day = self.day(user, turn);
        let range = day.recording.uploads.get(part).cloned().unwrap_or_default();
        let mut entries = day.recording.entries.get(range).unwrap_or_default().to_vec();
        let shift_days = (day.date - day.recording.first_day).get_days();
        entries.iter_mut().for_each(|entry| shift::by_days(entry, shift_days));
        let is_last = part + 1 == day.recording.uploads.len();
        let next = if is_last { Position { turn: turn + 1, part: 0 } } else { Position { turn, part: part + 1 } };
        if let Some(position) = self.positions.get_mut(user as usize) {
            *position = next;
        }
        let body = body(&PutCall { user: &Self::token(user), phone_to_server: &entries });
        Upload { entries: entries.len(), body }
    }

    /// The `turn`-th day of person `user`, counted from 0.
    fn day(&self, user: u32, turn: u32) -> LivedDay<'_> {
        let count = self.recordings.len();
        let (first, turn) = (user as usize % count, turn as usize);
        let start = |position: usize| *self.starts.get(position).expect("two cycles were summed up");
        let cycle_days = start(count);
        let cycles = u32::try_from(turn / count).expect("a quotient of a u32");
        let offset = cycles * cycle_days + start(first + turn % count) - start(first);
        let recording = self.recordings.get((first + turn) % count).expect("a remainder of the count");
        LivedDay { recording, date: self.first_day.saturating_add(i64::from(offset).days()) }
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
        let scenario = Scenario::parse("users = 4").unwrap();
        let recorded = Recorded::new(&scenario, scenario.users(), recordings);
        assert_eq!(recorded.days_before(), 3);
        for user in 0..4 {
            let days: Vec<_> = (0..9).map(|turn| recorded.day(user, turn)).collect();
            assert_eq!(days[0].date, Date::constant(2026, 1, 5));
            for pair in days.windows(2) {
                let gap = (pair[1].date - pair[0].date).get_days();
                assert_eq!(gap, i32::try_from(pair[0].recording.length_days).unwrap());
            }
        }
        assert_eq!(recorded.day(1, 0).recording.length_days, 2);
    }
}
