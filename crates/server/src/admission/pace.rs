//! How fast a queue moves. Whoever comes is told at once how long it would have to wait, instead of waiting to find out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A pace is measured over so long at least, and over so many turns: some of them share a sync, or come in one time slice.
const MEASURED_MIN: Duration = Duration::from_millis(100);
const TURNS_MIN: u32 = 8;
/// A pace that was measured so long ago says nothing any more.
const KNOWN_MAX: Duration = Duration::from_secs(2);

/// How many turns a queue gives in a second while somebody always waits for one: what it can do, not what it is asked for.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Whether there is anything to forget.
    is_measuring: AtomicBool,
    measured: Mutex<Measured>,
}

#[derive(Debug, Default)]
struct Measured {
    /// When somebody has waited ever since, and how many turns there were.
    since: Option<(Instant, u32)>,
    /// The turns per second, and when that was known.
    known: Option<(f64, Instant)>,
}

impl Pace {
    /// Somebody who had to wait has a turn.
    pub(super) fn turn(&self, now: Instant) {
        self.is_measuring.store(true, Ordering::Relaxed);
        let mut measured = self.measured.lock().expect("no holder panics");
        let (since, turns) = measured.since.map_or((now, 0), |(since, turns)| (since, turns + 1));
        measured.since = Some((since, turns));
        let took = now - since;
        if turns >= TURNS_MIN && took >= MEASURED_MIN {
            let per_s = f64::from(turns) / took.as_secs_f64();
            let before = measured.known.map_or(per_s, |(before, _)| before);
            measured.known = Some((f64::midpoint(before, per_s), now));
            measured.since = Some((now, 0));
        }
    }

    /// Somebody had not to wait.
    pub(super) fn pause(&self) {
        if self.is_measuring.load(Ordering::Relaxed) {
            self.is_measuring.store(false, Ordering::Relaxed);
            self.measured.lock().expect("no holder panics").since = None;
        }
    }

    /// How long `turns` take, if the pace is known.
    pub(super) fn time_for(&self, turns: usize, now: Instant) -> Option<Duration> {
        let (per_s, at) = self.measured.lock().expect("no holder panics").known?;
        let is_known = now.saturating_duration_since(at) <= KNOWN_MAX;
        is_known.then(|| Duration::try_from_secs_f64(turns as f64 / per_s).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(20);

    /// A pace after `turns` that came one `STEP` after the other, and when that was.
    fn after(turns: u32) -> (Pace, Instant) {
        let (pace, start) = (Pace::default(), Instant::now());
        (0..turns).for_each(|turn| pace.turn(start + STEP * turn));
        (pace, start + STEP * turns)
    }

    #[test]
    fn a_pace_is_known_after_some_turns_and_for_some_time() {
        let (pace, now) = after(8);
        assert_eq!(pace.time_for(10, now), None);
        let (pace, now) = after(9);
        assert_eq!(pace.time_for(10, now), Some(STEP * 10));
        assert_eq!(pace.time_for(10, now + KNOWN_MAX), None);
    }

    #[test]
    fn a_time_in_which_nobody_waited_is_not_measured() {
        let (pace, now) = after(5);
        pace.pause();
        (0..9).for_each(|turn| pace.turn(now + Duration::from_secs(100) + STEP * turn));
        let now = now + Duration::from_secs(101);
        assert_eq!(pace.time_for(10, now), Some(STEP * 10));
    }

    #[test]
    fn it_follows_a_queue_that_slows_down() {
        let (pace, now) = after(9);
        (1..=9).for_each(|turn| pace.turn(now + STEP * 3 * turn));
        let took = pace.time_for(10, now + STEP * 27).unwrap();
        assert!(took > STEP * 10 && took < STEP * 30, "{took:?}");
    }
}
