//! What is asked of the target: the calls of a phone and of the app, and whatever else a scenario describes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of request with a rate of its own, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || name.len() > 40 || !name.chars().all(is_plain) {
            return Err(format!("`{name}` is not a name of up to 40 letters, digits, `-` and `_`"));
        }
        Ok(Self(name))
    }
}

impl From<Call> for Name {
    fn from(call: Call) -> Self {
        Self(call.name().to_owned())
    }
}

/// A request that needs no description: a route that phones and the app use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A phone asks whether there is something for it: `usercache/get`.
    Get,
    /// A phone uploads what it has sensed: `usercache/put`.
    Put,
    /// A person opens a day of the diary: `timeline/getTrips/<day>`.
    Timeline,
    /// The app reads a day's filtered locations and transitions: `datastreams/find_entries/timestamp`.
    Find,
    /// The app asks who somebody is: `profile/get`.
    Profile,
    /// The app says its version: `profile/update`.
    ProfileUpdate,
    /// The app asks how far the diary reaches: `pipeline/get_range_ts`.
    Range,
    /// The app asks how far the pipeline got: `pipeline/get_complete_ts`.
    Complete,
    /// The app asks for a person's own labels: `customlabel/get`.
    Labels,
    /// The dashboard asks for a week's sums: `result/metrics/yyyy_mm_dd`.
    Metrics,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Get,
        Self::Put,
        Self::Timeline,
        Self::Find,
        Self::Profile,
        Self::ProfileUpdate,
        Self::Range,
        Self::Complete,
        Self::Labels,
        Self::Metrics,
    ];

    /// What the phones and apps of people who live send by themselves.
    pub const LIVED: [Self; 5] = [Self::Get, Self::Put, Self::Range, Self::Find, Self::Timeline];

    /// The name in scenarios, results and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Timeline => "timeline",
            Self::Find => "find",
            Self::Profile => "profile",
            Self::ProfileUpdate => "profile_update",
            Self::Range => "range",
            Self::Complete => "complete",
            Self::Labels => "labels",
            Self::Metrics => "metrics",
        }
    }

    /// The call of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.name() == name)
    }

    /// Whether an answer should carry something, so that only empty ones are suspicious.
    pub fn is_reading(self) -> bool {
        matches!(self, Self::Get | Self::Timeline | Self::Find | Self::Profile | Self::Range | Self::Metrics)
    }
}

/// An operation of a scenario: its place among them, in the order of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(pub u16);

impl Operation {
    /// Its place.
    pub fn index(self) -> usize {
        self.0.into()
    }
}
