//! How long each part of a run is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long each phase is. Only requests intended in *measure* count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Phases {
    /// Sent, not counted.
    pub warm_up_s: Seconds,
    /// Counted.
    #[serde(deserialize_with = "positive_seconds")]
    pub measure_s: Seconds,
    /// How long to wait at the end for what is still under way.
    pub drain_s: Seconds,
}

impl Default for Phases {
    fn default() -> Self {
        Self { warm_up_s: Seconds(2.0), measure_s: Seconds(30.0), drain_s: Seconds(10.0) }
    }
}

impl Phases {
    /// When *measure* starts, from the start of the run.
    pub fn measure_start(&self) -> Duration {
        self.warm_up_s.duration()
    }

    /// When *measure* ends and *drain* starts.
    pub fn measure_end(&self) -> Duration {
        self.measure_start() + self.measure_s.duration()
    }

    /// When the run ends, whatever is still under way.
    pub fn end(&self) -> Duration {
        self.measure_end() + self.drain_s.duration()
    }
}

/// A length of time: zero to a year.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Seconds(f64);

impl Seconds {
    /// A length that the program itself knows.
    pub(crate) const fn of(seconds: f64) -> Self {
        Self(seconds)
    }

    /// As the standard library has it.
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }

    /// As a number.
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// As what must not be zero, such as the time to measure.
    ///
    /// # Errors
    /// When it is.
    pub fn positive(self) -> Result<Self, String> {
        if self.0 > 0.0 { Ok(self) } else { Err("nothing can be measured in 0 s".to_owned()) }
    }
}

fn positive_seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
    Seconds::deserialize(deserializer)?.positive().map_err(serde::de::Error::custom)
}

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        const YEAR_S: f64 = 366.0 * 86_400.0;
        if (0.0..=YEAR_S).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(format!("{seconds} s is not a length of time between 0 and a year"))
        }
    }
}
