//! How requests are let go and carried, with the bound of everything that could grow.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::scenario::{Milliseconds, Seconds};

/// How requests are carried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// At most this many at once; a request that finds none free waits, and its response time grows.
    pub max: NonZeroU32,
    /// At most this many are opened per second.
    pub opened_per_s_max: NonZeroU32,
    /// A request that is not answered within this time of being sent has failed.
    pub request_timeout_s: Seconds,
    /// When this many requests wait for a connection the target is saturated and the run stops.
    pub backlog_max: NonZeroU32,
    /// A request that has waited this long for a connection is given up, and counts as failed; never when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shed_after_ms: Option<Milliseconds>,
    /// A request that finds no connection free is given up at once, and counts as failed.
    pub drop: bool,
}

impl Default for Connections {
    fn default() -> Self {
        const MAX: NonZeroU32 = NonZeroU32::new(64).expect("not zero");
        const OPENED_PER_S_MAX: NonZeroU32 = NonZeroU32::new(1000).expect("not zero");
        const BACKLOG_MAX: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");
        Self {
            max: MAX,
            opened_per_s_max: OPENED_PER_S_MAX,
            request_timeout_s: Seconds::of(30.0),
            backlog_max: BACKLOG_MAX,
            shed_after_ms: None,
            drop: false,
        }
    }
}

/// How requests are let go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sending {
    /// How exactly releases are timed; chosen by the highest rate when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pacing: Option<Pacing>,
    /// How many threads send; chosen by the highest rate when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<NonZeroU32>,
    /// What carries the requests.
    pub transport: Carrier,
    /// No schedule: every connection sends its next request when it has the answer to the one before.
    pub closed: bool,
    /// Whether every request says its number in the schedule as `x-request-id`.
    pub request_ids: bool,
    /// Uploads are made before the phases begin, as long as they fit into this; further ones are these again, moved on by
    /// whole days.
    pub bodies_bytes_max: NonZeroU32,
}

impl Default for Sending {
    fn default() -> Self {
        const BODIES_BYTES_MAX: NonZeroU32 = NonZeroU32::new(256 << 20).expect("not zero");
        Self {
            pacing: None,
            threads: None,
            transport: Carrier::default(),
            closed: false,
            request_ids: false,
            bodies_bytes_max: BODIES_BYTES_MAX,
        }
    }
}

/// How exactly releases are timed, and what that costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pacing {
    /// Each on its own, by a timer of nanoseconds.
    Exact,
    /// Those of 100 µs together, at its end.
    Balanced,
    /// Those of a millisecond together, at its end.
    Economy,
    /// Each on its own, by looking at the clock without rest: a whole core.
    Spin,
}

impl Pacing {
    /// The word in scenarios and results.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Balanced => "balanced",
            Self::Economy => "economy",
            Self::Spin => "spin",
        }
    }

    /// What suits a thread that sends at most `rate_per_s`. Waking up costs 15 to 20 µs of processor time on the machines we
    /// know, so 8,000 wake-ups are some 15 % of a core; 10,000 are the most that `balanced` makes.
    pub fn for_rate(rate_per_s: f64) -> Self {
        const EXACT_MAX_PER_S: f64 = 8_000.0;
        const BALANCED_MAX_PER_S: f64 = 40_000.0;
        match rate_per_s {
            rate if rate <= EXACT_MAX_PER_S => Self::Exact,
            rate if rate <= BALANCED_MAX_PER_S => Self::Balanced,
            _ => Self::Economy,
        }
    }
}

/// What carries the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// Our own connections of HTTP/1.1: we decide how many there are and see when they are used.
    #[default]
    Http1,
    /// The reqwest library: proxies of the environment, HTTP/2. It decides about connections, and costs half as much again.
    Reqwest,
}

impl Carrier {
    /// The word in scenarios and results.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Reqwest => "reqwest",
        }
    }
}
