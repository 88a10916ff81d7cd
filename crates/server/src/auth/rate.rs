//! How often a user may call.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use rushhour_model::ids::UserId;

use crate::error::ServerError;

/// A bound on how often each user may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// So many calls in `period`, in the long run.
    pub calls: NonZeroU32,
    /// The time that they are counted in.
    pub period: Duration,
    /// So many at once.
    pub burst: NonZeroU32,
}

/// What everybody has left.
#[derive(Debug)]
pub(crate) struct Rates {
    /// At most one entry for each registered user: nobody else is counted.
    left: DefaultKeyedRateLimiter<UserId>,
    clock: DefaultClock,
}

impl Rates {
    pub(crate) fn new(RateLimit { calls, period, burst }: RateLimit) -> Self {
        let every = (period / calls.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(every).expect("the period is not zero").allow_burst(burst);
        Self { left: DefaultKeyedRateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    /// Counts a call of `user`, or says when the next one is taken.
    pub(crate) fn count(&self, user: UserId) -> Result<(), ServerError> {
        let refused = self.left.check_key(&user).err();
        refused.map_or(Ok(()), |until| Err(ServerError::TooOften(until.wait_time_from(self.clock.now()))))
    }
}
