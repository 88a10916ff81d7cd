//! Numbers that cannot be wrong.

use serde::{Deserialize, Serialize};

/// How many times as fast as in life: from a hundredth to 100,000.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Speed(f64);

impl Speed {
    /// A speed that the program itself knows.
    pub(crate) const fn of(speed: f64) -> Self {
        Self(speed)
    }

    /// As a number.
    pub fn as_f64(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Speed {
    type Error = String;

    fn try_from(speed: f64) -> Result<Self, String> {
        if (0.01..=1e5).contains(&speed) {
            Ok(Self(speed))
        } else {
            Err(format!("{speed} is not a speed between 0.01 and 100000"))
        }
    }
}

/// A length of time: above zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Milliseconds(f64);

impl Milliseconds {
    /// As a number.
    pub fn as_f64(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Milliseconds {
    type Error = String;

    fn try_from(ms: f64) -> Result<Self, String> {
        if ms > 0.0 && ms.is_finite() {
            Ok(Self(ms))
        } else {
            Err(format!("{ms} ms is not a length of time above zero"))
        }
    }
}
