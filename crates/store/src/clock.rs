//! What tells the store how long something takes.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Tells a time that never goes back, since whenever.
pub type Clock = fn() -> Duration;

/// This machine's.
pub fn steady_time() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
