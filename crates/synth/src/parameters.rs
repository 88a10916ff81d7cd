//! Everything that can be set about a population, with its source beside it.

use std::collections::BTreeMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::draws::Draws;
use crate::mode_choice::ModeParameters;
use crate::person::PeopleParameters;
use crate::phone::PhoneParameters;
use crate::week::WeekParameters;

/// The parameters of a population: `scenarios/populations/*.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Who people are.
    pub people: PeopleParameters,
    /// How they spend their weeks.
    pub week: WeekParameters,
    /// How they get around.
    pub modes: ModeParameters,
    /// What they carry.
    pub phones: PhoneParameters,
}

/// A share between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(f64);

impl Share {
    /// A share that is known to be one.
    pub(crate) const fn constant(share: f64) -> Self {
        assert!(0.0 <= share && share <= 1.0, "a share lies between 0 and 1");
        Self(share)
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err(format!("{share} is not a share between 0 and 1"))
        }
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

/// Shares of things that exclude one another; they sum to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<T, Share>", into = "BTreeMap<T, Share>")]
#[serde(bound(serialize = "T: Ord + Clone + Serialize", deserialize = "T: Ord + Deserialize<'de>"))]
pub struct Choice<T>(Vec<(T, Share)>);

/// How far a sum of shares may be from 1: people write three digits.
const SUM_TOLERANCE: f64 = 0.005;

impl<T: Copy + Ord> Choice<T> {
    /// A choice that is known to be one. In order, as when it is read: a draw depends on it.
    pub(crate) fn constant(shares: &[(T, f64)]) -> Self {
        let shares: BTreeMap<T, Share> = shares.iter().map(|&(item, share)| (item, Share::constant(share))).collect();
        Self(shares.into_iter().collect())
    }
}

impl<T: Copy> Choice<T> {
    /// The things, with their shares.
    pub fn shares(&self) -> impl Iterator<Item = (T, f64)> + '_ {
        self.0.iter().map(|(item, share)| (*item, share.get()))
    }

    /// One of them.
    pub fn draw(&self, rng: &mut Draws) -> T {
        let mut left: f64 = rng.random();
        let mut last = None;
        for &(item, share) in &self.0 {
            last = Some(item);
            if left < share.get() {
                break;
            }
            left -= share.get();
        }
        last.expect("shares that sum to 1 are not none")
    }
}

impl<T: Ord> TryFrom<BTreeMap<T, Share>> for Choice<T> {
    type Error = String;

    fn try_from(shares: BTreeMap<T, Share>) -> Result<Self, String> {
        // The sum of nothing is -0 in this library.
        let sum = shares.values().fold(0.0, |sum, share| sum + share.get());
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(format!("the shares sum to {sum:.3}, not to 1"));
        }
        Ok(Self(shares.into_iter().collect()))
    }
}

impl<T: Ord> From<Choice<T>> for BTreeMap<T, Share> {
    fn from(choice: Choice<T>) -> Self {
        choice.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::Purpose;

    #[test]
    fn shares_that_cannot_be_are_refused() {
        let refusal = |text: &str| serde_json::from_str::<Choice<Purpose>>(text).unwrap_err().to_string();
        assert!(refusal(r#"{"shop": 0.5, "meal": 0.4}"#).contains("sum to 0.900"));
        assert!(refusal(r#"{"shop": -0.5, "meal": 1.5}"#).contains("-0.5 is not a share"));
        assert!(refusal("{}").contains("sum to 0.000"));
    }

    #[test]
    fn the_defaults_are_valid_and_survive_being_written() {
        let text = serde_json::to_string(&Parameters::default()).unwrap();
        assert_eq!(serde_json::from_str::<Parameters>(&text).unwrap(), Parameters::default());
    }
}
