//! What is asked of the target.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of request, with a rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// A phone asks whether there is something for it: `usercache/get`.
    Get,
    /// A phone uploads what it has sensed: `usercache/put`.
    Put,
    /// A person opens a day of the diary: `timeline/getTrips/<day>`.
    Timeline,
    /// The app reads a day's filtered locations and transitions: `datastreams/find_entries/timestamp`.
    Find,
}

impl Operation {
    /// All of them, in the order in which simultaneous requests are sent.
    pub const ALL: [Self; 4] = [Self::Get, Self::Put, Self::Timeline, Self::Find];

    /// The name in scenarios, results and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Timeline => "timeline",
            Self::Find => "find",
        }
    }

    /// Whether an answer should carry something, so that only empty ones are suspicious.
    pub fn is_reading(self) -> bool {
        !matches!(self, Self::Put)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
