//! Everything that can be set about a population, with its source beside it.

use serde::{Deserialize, Serialize};

/// The parameters of a population.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {}
