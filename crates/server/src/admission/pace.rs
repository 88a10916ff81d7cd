//! How fast a queue moves. Whoever comes is told at once how long it would have to wait, instead of waiting to find out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A pace is measured over so long at least, and over so many turns: some of them share a sync, or come in one time slice.
const MEASURED_MIN: Duration = Duration::from_millis(100);
const TURNS_MIN: u32 = 8;
/// In so long a time without anybody who waits, twice as many are tried: a pace that was measured long ago says nothing any
/// more, but whoever forgets it at once lets everybody in until it is known again.
const DOUBLED_AFTER: Duration = Duration::from_secs(1);
/// So many times as many are let in as have a turn, so that there is always somebody who waits …
const LET_IN_RATIO: f64 = 1.1;
/// … and so long ahead, as they come in no order.
const AHEAD_MAX: Duration = Duration::from_millis(100);

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
    /// When those who were let in have come, if they come one after the other.
    let_in: Option<Instant>,
}

impl Measured {
    fn per_s(&self, now: Instant) -> Option<f64> {
        let (per_s, at) = self.known?;
        Some(per_s * now.saturating_duration_since(at).div_duration_f64(DOUBLED_AFTER).exp2())
    }
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
        let per_s = self.measured.lock().expect("no holder panics").per_s(now)?;
        Some(Duration::try_from_secs_f64(turns as f64 / per_s).unwrap_or(Duration::MAX))
    }

    /// Lets somebody in who will come some time later, unless more come already than will have a turn.
    pub(super) fn lets_in(&self, now: Instant) -> bool {
        let mut measured = self.measured.lock().expect("no holder panics");
        let Some(per_s) = measured.per_s(now) else { return true };
        let let_in = measured.let_in.map_or(now, |let_in| let_in.max(now));
        let has_room = let_in - now <= AHEAD_MAX;
        if has_room {
            let each = Duration::try_from_secs_f64((per_s * LET_IN_RATIO).recip()).unwrap_or(AHEAD_MAX);
            measured.let_in = Some(let_in + each);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(20);

    /// A pace after `turns` that came one `STEP` after the other, and when the last one was.
    fn after(turns: u32) -> (Pace, Instant) {
        let (pace, start) = (Pace::default(), Instant::now());
        (0..turns).for_each(|turn| pace.turn(start + STEP * turn));
        (pace, start + STEP * (turns - 1))
    }

    #[test]
    fn a_pace_is_known_after_some_turns_and_believed_less_and_less() {
        let (pace, now) = after(8);
        assert_eq!(pace.time_for(10, now), None);
        let (pace, now) = after(9);
        assert_eq!(pace.time_for(10, now), Some(STEP * 10));
        assert_eq!(pace.time_for(10, now + DOUBLED_AFTER), Some(STEP * 5));
        assert_eq!(pace.time_for(1_000_000, now + Duration::from_secs(3_600)), Some(Duration::ZERO));
    }

    #[test]
    fn a_time_in_which_nobody_waited_is_not_measured() {
        let (pace, now) = after(5);
        pace.pause();
        let now = now + Duration::from_secs(100);
        (0..9).for_each(|turn| pace.turn(now + STEP * turn));
        let now = now + STEP * 8;
        assert_eq!(pace.time_for(10, now), Some(STEP * 10));
    }

    #[test]
    fn about_as_many_are_let_in_as_have_a_turn() {
        let (pace, now) = after(8);
        assert!((0..1_000).all(|_| pace.lets_in(now)), "nobody knows better");
        // Fifty turns a second, so those who are let in come 18 ms apart.
        let (pace, now) = after(9);
        let let_in = |now| (0..1_000).filter(|_| pace.lets_in(now)).count();
        assert_eq!(let_in(now), 6);
        assert_eq!(let_in(now), 0);
        // More and more as long as nobody has to wait; were the pace still believed it would be 54.
        assert_eq!((0..50).map(|step| let_in(now + STEP * step)).sum::<usize>(), 77);
        assert_eq!(let_in(now + Duration::from_secs(3_600)), 1_000);
    }

    #[test]
    fn it_follows_a_queue_that_slows_down() {
        let (pace, now) = after(9);
        (1..=9).for_each(|turn| pace.turn(now + STEP * 3 * turn));
        let took = pace.time_for(10, now + STEP * 27).unwrap();
        assert!(took > STEP * 10 && took < STEP * 30, "{took:?}");
    }
}
