//! Randomness that knows its place: every subject of a person's day draws from a generator of its own.
//!
//! No draw crosses a key, so that a new draw in one subject shifts no other, and days and people can be made in any
//! order, on any thread.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

/// The generator behind every draw: named, so that the bytes of a seed do not change with a library's default.
pub type Draws = Xoshiro256PlusPlus;

/// What is drawn. The numbers are part of what a seed means: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Subject {
    /// The region: its streets, places and lines.
    Region = 1,
    /// Who a person is.
    Person = 2,
    /// Which handset a person has.
    Handset = 3,
    /// What a person does on a day.
    Day = 4,
    /// How a person gets there: modes, routes, speeds, waits.
    Travel = 5,
    /// What the phone senses.
    Sensing = 6,
    /// When the phone talks to the server.
    Sync = 7,
    /// What goes wrong.
    Faults = 8,
    /// What a person says about trips.
    Labels = 9,
    /// Whether somebody flies to another city.
    Flights = 10,
    /// Whether and when a person opens the diary.
    Diary = 11,
}

/// The generator of `subject` for `user` on `day`. What has no user or day passes 0.
pub fn draws(seed: u64, user: u32, day: u32, subject: Subject) -> Draws {
    let place = (u64::from(user) << 32) | u64::from(day);
    let key = mix(mix(mix(seed) ^ place) ^ subject as u64);
    Draws::seed_from_u64(key)
}

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output.
fn mix(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::Rng;

    use super::*;

    #[test]
    fn every_key_has_draws_of_its_own() {
        let keys = (0..20).flat_map(|user| (0..20).map(move |day| (user, day)));
        let subjects = [Subject::Day, Subject::Travel];
        let firsts: BTreeSet<u64> = keys
            .flat_map(|(user, day)| subjects.map(|subject| draws(1, user, day, subject).next_u64()))
            .chain([draws(2, 0, 0, Subject::Day).next_u64()])
            .collect();
        assert_eq!(firsts.len(), 20 * 20 * 2 + 1);
        assert_eq!(draws(1, 2, 3, Subject::Day), draws(1, 2, 3, Subject::Day));
    }
}
