//! The last fixes of a trip: by them Android tells that it is over.

use std::collections::VecDeque;

use crate::plane::Point;
use crate::truth::{Micros, SECOND_US};

/// The last filtered fixes since the trip began.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(VecDeque<(Micros, Point)>);

/// The client's rule: mobility.md 3, "What the phone really does".
const RADIUS_M: f64 = 100.0;
const FIXES: usize = 10;
const WINDOW_US: Micros = 310 * SECOND_US;
const SPAN_US: Micros = 240 * SECOND_US;

impl Recent {
    /// Forgets them: a trip begins.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a fix.
    pub(super) fn push(&mut self, ts_us: Micros, at: Point) {
        while self.0.len() > FIXES && self.0.front().is_some_and(|&(first_us, _)| ts_us - first_us > WINDOW_US) {
            self.0.pop_front();
        }
        self.0.push_back((ts_us, at));
    }

    /// Whether the trip is over: the last ten fixes, and those of the last 310 s, are all within 100 m of the last one,
    /// and the latter span more than 240 s.
    pub(super) fn is_over(&self) -> bool {
        let Some(&(now_us, here)) = self.0.back() else { return false };
        let mut span_us = 0;
        for (i, &(ts_us, at)) in self.0.iter().rev().enumerate() {
            let is_in_window = now_us - ts_us <= WINDOW_US;
            if i >= FIXES && !is_in_window {
                break;
            }
            let (x_m, y_m) = (at.x_m - here.x_m, at.y_m - here.y_m);
            if x_m * x_m + y_m * y_m > RADIUS_M * RADIUS_M {
                return false;
            }
            if is_in_window {
                span_us = now_us - ts_us;
            }
        }
        self.0.len() >= FIXES && span_us > SPAN_US
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many seconds a trip of fixes every `gap_s` is over, whose distances from the end `away_m` tells.
    fn over_s(gap_s: i64, away_m: impl Fn(i64) -> f64) -> Option<i64> {
        let mut recent = Recent::default();
        (0..100).map(|i| i * gap_s).find(|&at_s| {
            recent.push(at_s * SECOND_US, Point::new(away_m(at_s), 0.0));
            recent.is_over()
        })
    }

    #[test]
    fn a_trip_is_over_when_nobody_moved_for_five_minutes() {
        assert_eq!(over_s(30, |_| 0.0), Some(270), "ten fixes");
        assert_eq!(over_s(60, |_| 0.0), Some(540), "ten fixes");
        assert_eq!(over_s(10, |_| 0.0), Some(250), "more than 240 s");
        assert_eq!(over_s(30, |at_s| (1_000 - 10 * at_s).max(0) as f64), Some(390), "the last 310 s");
        assert_eq!(over_s(30, |at_s| if at_s % 240 == 0 { 150.0 } else { 0.0 }), None, "an outlier every four minutes");
    }
}
