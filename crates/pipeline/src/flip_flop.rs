//! Flip-flops: changes of mode that are too short or too fast to be true, merged into their neighbours.
//!
//! The rules are the original's (`flip_flop_detection`), its thresholds too: e-mission-server issue 577 tells how each
//! was found.

use crate::changes::Change;
use crate::mode::{Motion, is_bicycling_speed, is_walking_speed};
use crate::observations::{Fix, within};
use crate::statistics::median;
use crate::track::speeds_m_per_s;

/// A change with a larger share of the trip's time is none.
const SHARE_MAX: f64 = 0.25;
/// Nobody rides a bicycle for less, and then goes on otherwise.
const BICYCLE_S_MIN: f64 = 60.0;
/// Nobody takes a vehicle for less, and then goes on otherwise.
const VEHICLE_S_MIN: f64 = 300.0;
/// A fast cyclist is taken for a vehicle within this time.
const FAST_CYCLIST_S: f64 = 60.0;
/// A streak of more than these is one ride on a bicycle.
const STREAK_MAX: usize = 4;

/// What becomes of a streak of flip-flops.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Merge {
    /// The change before it goes on.
    Forward,
    /// The change behind it starts earlier, and keeps its mode.
    Backward,
    /// The change behind it starts earlier, and takes the streak's mode.
    BackwardAs(Motion),
    /// It is one stretch of its own.
    New(Motion),
}

/// The changes without flip-flops.
pub(crate) fn merge_flip_flops(changes: Vec<Change>, fixes: &[Fix]) -> Vec<Change> {
    let trip = Trip { changes: &changes, fixes };
    let merges: Vec<((usize, usize), Merge)> =
        trip.streaks().into_iter().filter_map(|streak| Some((streak, trip.merge(streak)?))).collect();
    joined(merged(changes, &merges))
}

/// The changes after the merges: each streak gives what it spans to a neighbour.
fn merged(changes: Vec<Change>, merges: &[((usize, usize), Merge)]) -> Vec<Change> {
    let mut left: Vec<Option<Change>> = changes.into_iter().map(Some).collect();
    for ((first, last), merge) in merges {
        let streak: Vec<Change> =
            left.get_mut(*first..=*last).unwrap_or_default().iter_mut().filter_map(Option::take).collect();
        let (Some(head), Some(tail)) = (streak.first(), streak.last()) else { continue };
        let neighbour = match merge {
            Merge::Forward => first.checked_sub(1),
            Merge::Backward | Merge::BackwardAs(_) => Some(last + 1),
            Merge::New(motion) => {
                if let Some(slot) = left.get_mut(*first) {
                    *slot = Some(Change { motion: *motion, ..Change { end: tail.end, ..*head } });
                }
                continue;
            }
        };
        let Some(Some(neighbour)) = neighbour.and_then(|place| left.get_mut(place)) else { continue };
        match merge {
            Merge::Forward => neighbour.end = tail.end,
            Merge::BackwardAs(motion) => *neighbour = Change { motion: *motion, start: head.start, ..*neighbour },
            _ => neighbour.start = head.start,
        }
    }
    left.into_iter().flatten().collect()
}

/// Neighbours of one mode are one change.
fn joined(changes: Vec<Change>) -> Vec<Change> {
    let mut joined: Vec<Change> = Vec::new();
    for change in changes {
        match joined.last_mut() {
            Some(last) if last.motion == change.motion => last.end = change.end,
            _ => joined.push(change),
        }
    }
    joined
}

struct Trip<'a> {
    changes: &'a [Change],
    /// The trip's fixes, by time.
    fixes: &'a [Fix],
}

#[expect(clippy::indexing_slicing, reason = "streaks are places among the changes")]
impl Trip<'_> {
    /// The first and last place of each streak of flip-flops; none when there is nothing else to merge them into.
    fn streaks(&self) -> Vec<(usize, usize)> {
        let mut streaks: Vec<(usize, usize)> = Vec::new();
        for (place, change) in self.changes.iter().enumerate() {
            match streaks.last_mut() {
                _ if !self.is_flip_flop(place, change) => {}
                Some((_, last)) if *last + 1 == place => *last = place,
                _ => streaks.push((place, place)),
            }
        }
        streaks.retain(|(first, last)| last - first + 1 < self.changes.len());
        // The original counts a streak of several at the end one too short; the recording of 2016-08-15 shows it.
        if let Some((first, last)) = streaks.last_mut()
            && *last + 1 == self.changes.len()
            && last > first
        {
            *last -= 1;
        }
        streaks
    }

    fn is_flip_flop(&self, place: usize, change: &Change) -> bool {
        let (first, last) = (&self.changes[0], &self.changes[self.changes.len() - 1]);
        let share = change.duration_s() / (last.end.ts - first.start.ts);
        // A trip may start in a vehicle for a short time: the recording of 2015-08-27 shows it.
        let is_short_ride = place > 0 && change.motion.is_motorized() && change.duration_s() < VEHICLE_S_MIN;
        if share > SHARE_MAX && !is_short_ride {
            return false;
        }
        change.span() <= 1
            || !change.motion.is_walking() && change.span() <= 2
            || !self.is_plausible(change)
            || self.fixes_of(change, change).is_empty()
    }

    /// Whether someone may have moved like this.
    fn is_plausible(&self, change: &Change) -> bool {
        let speed = || median(&speeds_m_per_s(self.fixes_of(change, change)));
        match change.motion {
            motion if motion.is_walking() => speed().is_none_or(is_walking_speed),
            Motion::Bicycling => change.duration_s() >= BICYCLE_S_MIN && speed().is_none_or(is_bicycling_speed),
            Motion::InVehicle => change.duration_s() >= VEHICLE_S_MIN,
            _ => true,
        }
    }

    /// The fixes from the start of one change to the end of another.
    fn fixes_of(&self, first: &Change, last: &Change) -> &[Fix] {
        within(self.fixes, |fix| fix.ts, first.start.ts, last.end.ts)
    }

    fn merge(&self, (first, last): (usize, usize)) -> Option<Merge> {
        let head = &self.changes[first];
        if last - first <= 1 {
            let is_lost = self.fixes_of(head, head).len() <= 1;
            self.fast_cyclist(first, last)
                .or_else(|| if !head.motion.is_walking() || is_lost { self.direction(first, last) } else { None })
        } else if last - first + 1 > STREAK_MAX {
            Some(Merge::New(Motion::Bicycling))
        } else if self.changes[first..=last].iter().all(|change| self.is_plausible(change)) {
            None
        } else {
            self.direction(first, last)
        }
    }

    /// A fast cyclist is taken for a vehicle now and then; which of the two was seen first is luck.
    fn fast_cyclist(&self, first: usize, last: usize) -> Option<Merge> {
        let after = self.changes.get(last + 1)?;
        let (head, tail) = (&self.changes[first], &self.changes[last]);
        let span = tail.start.place.saturating_sub(head.start.place);
        let ratio = (tail.start.ts - head.start.ts) / (after.duration_s() + 1.0);
        let is_one = head.motion == Motion::Bicycling
            && after.motion == Motion::InVehicle
            && span <= 1
            && after.span() <= 2
            && tail.start.ts - head.end.ts < FAST_CYCLIST_S
            && (span == 0 || ratio > 0.75);
        is_one.then_some(Merge::BackwardAs(head.motion))
    }

    /// Which neighbour a streak belongs to; `None` for a walk between two vehicles, which is a change of vehicles.
    fn direction(&self, first: usize, last: usize) -> Option<Merge> {
        let Some(before) = first.checked_sub(1).map(|place| &self.changes[place]) else { return Some(Merge::Backward) };
        let Some(after) = self.changes.get(last + 1) else { return Some(Merge::Forward) };
        let (head, tail) = (&self.changes[first], &self.changes[last]);
        if before.motion.is_motorized() && head.motion.is_walking() && after.motion.is_motorized() {
            return None;
        }
        if before.motion == after.motion {
            return Some(Merge::Forward);
        }
        let own = self.speed(self.fixes_of(head, tail), before, after);
        if after.motion.is_walking() && !is_walking_speed(own) {
            return Some(Merge::Forward);
        }
        if before.motion.is_walking() && !is_walking_speed(own) {
            return Some(Merge::Backward);
        }
        let off =
            |change: &Change| median(&speeds_m_per_s(self.fixes_of(change, change))).map(|speed| (own - speed).abs());
        let is_like_before = off(before).zip(off(after)).is_some_and(|(before, after)| before < after);
        Some(if is_like_before { Merge::Forward } else { Merge::Backward })
    }

    /// The speed of a streak: of its own fixes, or else between those around it.
    fn speed(&self, own: &[Fix], before: &Change, after: &Change) -> f64 {
        let (before, after) = (self.fixes_of(before, before), self.fixes_of(after, after));
        match (own, before.last(), after.first()) {
            ([_, _, ..], _, _) => median(&speeds_m_per_s(own)).unwrap_or_default(),
            (_, Some(last), Some(next)) => crate::track::speed_m_per_s(last, next),
            _ => 0.0,
        }
    }
}
