//! A number that cannot be wrong.

use serde::{Deserialize, Serialize};

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
