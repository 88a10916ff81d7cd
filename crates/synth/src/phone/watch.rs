//! A trip as the phone sees it: whether enough of it was recorded for a pipeline to find it.

use super::{Noticed, Platform};
use crate::plane::Point;
use crate::track::Track;
use crate::truth::{LocaleIndex, Micros, SECOND_US};

/// A trip that is under way.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    trip: u32,
    start_us: Micros,
    end_us: Micros,
    /// Where it ends.
    to: (Point, LocaleIndex),
    /// Where its first fix is.
    first: Option<(Point, LocaleIndex)>,
    sensed_us: Option<(Micros, Micros)>,
    last_ts_us: Micros,
    fixes: u32,
    pub(super) is_clean: bool,
}

/// A trip is matched when its ends are found within 5 minutes: issue 5, "Recovered". Some are needed for noise.
const END_GAP_US: Micros = 270 * SECOND_US;
/// A pipeline may end a trip at a gap of 10 minutes: emission-format d.4.
const GAP_US: Micros = 540 * SECOND_US;
/// A pipeline drops what is shorter than 100 m (mobility.md 6); noise may take some away.
const LENGTH_M: f64 = 150.0;
/// With fewer there is no trip; and one of Android then has more fixes of the stay after it than of the way, by whose
/// median speed a pipeline leads it back to where it began (emission-format d.7).
const FIXES_ANDROID: u32 = 5;
const FIXES_IOS: u32 = 3;

impl Watch {
    pub(super) fn new(track: &Track, is_clean: bool) -> Self {
        let last = track.pieces.last().expect("a track has pieces");
        Self {
            trip: track.trip,
            start_us: track.start_us(),
            end_us: track.end_us(),
            to: (last.to, last.locale),
            first: None,
            sensed_us: None,
            last_ts_us: track.start_us(),
            fixes: 0,
            is_clean,
        }
    }

    /// A fix of `ts_us` at a true position passed the filter and was written at `write_us`.
    pub(super) fn see(&mut self, ts_us: Micros, write_us: Micros, at: Point, locale: LocaleIndex) {
        if !(self.start_us..=self.end_us).contains(&ts_us) {
            return;
        }
        let gap_max_us = if self.first.is_none() { END_GAP_US } else { GAP_US };
        self.is_clean &= ts_us - self.last_ts_us <= gap_max_us;
        self.first.get_or_insert((at, locale));
        self.sensed_us = Some((self.sensed_us.map_or(write_us, |(first_us, _)| first_us), write_us));
        self.last_ts_us = ts_us;
        self.fixes += 1;
    }

    /// There is no fix from `start_us` to `end_us`.
    pub(super) fn miss(&mut self, start_us: Micros, end_us: Micros) {
        let holds_end = (start_us..end_us).contains(&self.end_us);
        let is_most = 2 * (end_us - start_us) > self.end_us - self.start_us;
        self.is_clean &= !holds_end && !is_most;
    }

    /// What was recorded, now that it is over.
    pub(super) fn noticed(self, platform: Platform) -> Noticed {
        let fixes_min = match platform {
            Platform::Android => FIXES_ANDROID,
            Platform::Ios => FIXES_IOS,
        };
        let (to, to_locale) = self.to;
        let is_long = self.first.is_some_and(|(at, locale)| locale == to_locale && at.distance_m(to) >= LENGTH_M);
        let is_clean =
            self.is_clean && is_long && self.fixes >= fixes_min && self.end_us - self.last_ts_us <= END_GAP_US;
        Noticed { trip: self.trip, sensed_us: self.sensed_us, fixes: self.fixes, is_clean }
    }
}
