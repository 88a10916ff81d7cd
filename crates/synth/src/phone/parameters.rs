//! What phones are like: the part of a population's parameters that is about them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::parameters::Share;
use crate::truth::Fault;

/// What phones are like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PhoneParameters {
    /// The share that carries an Android phone.
    pub android_share: Share,
    /// The share of Android phones that senses as those of 2015 and 2016 did.
    pub android_2016_share: Share,
    /// Whether sensors err. If not, positions are exact and the accuracy is always the same.
    pub sensor_noise: bool,
    /// iOS: how far it is from one fix to the next, in metres.
    pub ios_distance_m: Positive,
    /// iOS: no two fixes are nearer in time than this, in minutes; 15 is the mode that spares the battery most.
    pub ios_interval_min: NonNegative,
    /// The share of hourly syncs that Android skips while it dozes.
    pub doze_share: Share,
    /// How often a fault happens, in place of what is usual for the kind of phone; 0 switches it off. What a rate counts
    /// is written where the usual ones are.
    pub faults: BTreeMap<Fault, Share>,
}

impl Default for PhoneParameters {
    fn default() -> Self {
        Self {
            // A choice, between the shares in the United States and in the rest of the world.
            android_share: Share::constant(0.6),
            // A choice: such phones are rare now, and most recordings at hand are from them.
            android_2016_share: Share::constant(0.02),
            sensor_noise: true,
            // mobility.md 3: what recordings show. Today's app asks for 1.
            ios_distance_m: Positive(50.0),
            ios_interval_min: NonNegative(0.0),
            // 18 to 25 syncs a day, emission-format e.4.
            doze_share: Share::constant(0.12),
            faults: BTreeMap::new(),
        }
    }
}

impl PhoneParameters {
    /// With every fault switched off.
    pub fn without_faults(self) -> Self {
        Self { faults: Fault::ALL.map(|fault| (fault, Share::constant(0.0))).into(), ..self }
    }
}

/// A number above 0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Positive(f64);

/// A number that is 0 or above.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct NonNegative(f64);

impl TryFrom<f64> for Positive {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        if number > 0.0 && number.is_finite() { Ok(Self(number)) } else { Err(format!("{number} is not above 0")) }
    }
}

impl TryFrom<f64> for NonNegative {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        if number >= 0.0 && number.is_finite() { Ok(Self(number)) } else { Err(format!("{number} is below 0")) }
    }
}

impl From<Positive> for f64 {
    fn from(number: Positive) -> Self {
        number.0
    }
}

impl From<NonNegative> for f64 {
    fn from(number: NonNegative) -> Self {
        number.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_phones_are_refused() {
        for (text, what) in [
            (r#"{"ios_distance_m": 0.0}"#, "0 is not above 0"),
            (r#"{"ios_interval_min": -1.0}"#, "-1 is below 0"),
            (r#"{"faults": {"gap": 1.5}}"#, "1.5 is not a share"),
            (r#"{"faults": {"hole": 0.5}}"#, "unknown variant `hole`"),
            (r#"{"colour": 1}"#, "unknown field `colour`"),
        ] {
            let error = serde_json::from_str::<PhoneParameters>(text).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
        let clean = PhoneParameters::default().without_faults();
        let again: PhoneParameters = serde_json::from_str(&serde_json::to_string(&clean).unwrap()).unwrap();
        assert_eq!(again, clean);
    }
}
