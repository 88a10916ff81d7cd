//! Waiting for an intended time, as exactly as the scenario asks for.
//!
//! tokio's own timer has a resolution of a millisecond and rounds up. On Linux an absolute `timerfd` wakes the same
//! runtime within microseconds; elsewhere, and on a clock that a test has paused, tokio's timer must do.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::scenario::Pacing;
use crate::stop::Stop;

/// Nobody waits longer than this for a run to notice that it was stopped.
const NAP: Duration = Duration::from_millis(100);

/// Waits for one intended time after another.
#[derive(Debug)]
pub struct Pacer {
    epoch: Instant,
    way: Way,
}

#[derive(Debug)]
enum Way {
    #[cfg(target_os = "linux")]
    Timer {
        timer: linux::Timer,
        quantum: Duration,
    },
    Sleep,
    Spin,
}

impl Pacer {
    /// Waits as `pacing` says for times from `epoch`. Must be made on the thread and inside the runtime that waits.
    ///
    /// # Errors
    /// When the system gives no timer.
    pub fn new(pacing: Pacing, epoch: Instant) -> io::Result<Self> {
        let quantum = match pacing {
            Pacing::Exact => Duration::ZERO,
            Pacing::Balanced => Duration::from_micros(100),
            Pacing::Economy => Duration::from_millis(1),
            Pacing::Spin => return Ok(Self { epoch, way: Way::Spin }),
        };
        #[cfg(target_os = "linux")]
        let way = Way::Timer { timer: linux::Timer::new(epoch)?, quantum };
        #[cfg(not(target_os = "linux"))]
        let way = {
            // tokio's timer has no finer quantum than this.
            let _ = quantum;
            Way::Sleep
        };
        Ok(Self { epoch, way })
    }

    /// Waits by tokio's own timer, which a test can pause.
    pub fn sleeping(epoch: Instant) -> Self {
        Self { epoch, way: Way::Sleep }
    }

    /// Waits until `at`, counted from the epoch; false if somebody stopped the run first.
    pub async fn wait_until(&mut self, at: Duration, stop: &Stop) -> bool {
        let at = match &self.way {
            #[cfg(target_os = "linux")]
            Way::Timer { quantum, .. } => round_up(at, *quantum),
            Way::Sleep | Way::Spin => at,
        };
        loop {
            if stop.is_requested() {
                return false;
            }
            let now = self.epoch.elapsed();
            if now >= at {
                return true;
            }
            let until = at.min(now + NAP);
            match &mut self.way {
                #[cfg(target_os = "linux")]
                Way::Timer { timer, .. } => timer.wait_until(until).await,
                Way::Sleep => sleep_until(self.epoch + until).await,
                Way::Spin => tokio::task::yield_now().await,
            }
        }
    }
}

/// The first multiple of `quantum` that is not before `at`.
#[cfg(target_os = "linux")]
fn round_up(at: Duration, quantum: Duration) -> Duration {
    let quantum = quantum.as_nanos();
    if quantum == 0 {
        return at;
    }
    let rounded = at.as_nanos().div_ceil(quantum) * quantum;
    u64::try_from(rounded).map_or(at, Duration::from_nanos)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::num::NonZeroU64;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::thread::set_current_timer_slack;
    use rustix::time::{
        ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;
    use tokio::time::Instant;

    /// An absolute timer of nanoseconds that wakes the runtime.
    #[derive(Debug)]
    pub(super) struct Timer {
        fd: AsyncFd<OwnedFd>,
        /// The epoch on the clock of the timer.
        epoch: Duration,
    }

    impl Timer {
        pub(super) fn new(epoch: Instant) -> io::Result<Self> {
            // Whatever else this thread sleeps on is not to be rounded either: 50 µs is the default (prctl(2)).
            set_current_timer_slack(NonZeroU64::new(1))?;
            let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            let now = clock_gettime(ClockId::Monotonic);
            let now = Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs().try_into().unwrap_or(0));
            let (past, ahead) = (epoch.elapsed(), epoch.saturating_duration_since(Instant::now()));
            #[expect(
                deprecated,
                reason = "an owned descriptor is what it says it is; the successor would need unsafe code"
            )]
            let fd = AsyncFd::new(fd)?;
            Ok(Self { fd, epoch: (now + ahead).saturating_sub(past) })
        }

        pub(super) async fn wait_until(&mut self, at: Duration) {
            let at = self.epoch + at;
            // A time of zero would disarm the timer; the clock starts with the machine.
            let it_value = Timespec { tv_sec: at.as_secs().cast_signed(), tv_nsec: at.subsec_nanos().into() };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
            // Setting it forgets earlier expirations, so the readiness that is kept of them must go as well.
            if timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &once).is_ok()
                && let Ok(mut ready) = self.fd.readable().await
            {
                ready.clear_ready();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::stop;

    #[tokio::test]
    async fn nobody_is_woken_early_whatever_the_pacing() {
        for pacing in [Pacing::Exact, Pacing::Balanced, Pacing::Economy, Pacing::Spin] {
            let epoch = Instant::now();
            let mut pacer = Pacer::new(pacing, epoch).unwrap();
            for at in [0, 1, 350, 351, 2_000, 2_000, 7_777].map(Duration::from_micros) {
                assert!(pacer.wait_until(at, &stop().1).await);
                assert!(epoch.elapsed() >= at, "{pacing:?}");
            }
        }
    }

    #[tokio::test]
    async fn who_waits_notices_that_the_run_was_stopped() {
        let (stopper, stopped) = stop();
        stopper.stop();
        let mut pacer = Pacer::new(Pacing::Exact, Instant::now()).unwrap();
        assert!(!pacer.wait_until(Duration::from_secs(3600), &stopped).await);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn times_are_rounded_up_to_the_quantum() {
        let us = Duration::from_micros;
        assert_eq!(round_up(us(101), us(100)), us(200));
        assert_eq!(round_up(us(200), us(100)), us(200));
        assert_eq!(round_up(us(17), Duration::ZERO), us(17));
    }
}
