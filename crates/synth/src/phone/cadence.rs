//! When an Android phone takes its next fix: every half a minute, more often now and then, and whenever another app asks
//! for one.
//!
//! Of the 18 exits that three recorded days of 2023 have (bursts counted once), 8 were followed by two to four pauses of 2
//! to 7 s: all four of 03-12, three of 01-15. On the long trips of 03-12 they came again every 1,165 to 1,180 s. After six of the nine of 01-15 a second series ran between the fixes that
//! the app had asked for, whose period is that of the activity recogniser: pauses of 3.8 and 26.2 s, 8.6 and 21.4, 11.6
//! and 18.4, 18.2 and 12.8.

use rand::RngExt;

use super::device::Device;
use super::faults::us;
use crate::truth::{Fault, Micros, SECOND_US};

/// When a phone takes its next fix.
#[derive(Clone, Debug)]
pub(super) struct Cadence {
    /// That the app asked for.
    own_us: Micros,
    /// That another one asked for; never, when none asks.
    other_us: Micros,
    /// When fixes come quickly again, and how many more do so now.
    flurry: (Micros, u8),
    /// How many more fixes come at once, and when the next one comes after them.
    bunch: (u8, Micros),
}

/// How many short pauses there are at once, how long they are in seconds, and when there are some again: those measured.
const FLURRY: std::ops::RangeInclusive<u8> = 2..=4;
const FLURRY_GAP_S: std::ops::Range<f64> = 2.0..7.0;
const FLURRY_EVERY_US: Micros = 1_170 * SECOND_US;
/// How many fixes are bunched, and how far they are apart: choices.
const BUNCH: u8 = 5;
const BUNCH_GAP_US: Micros = 1_500_000;
const NEVER_US: Micros = Micros::MAX;

impl Cadence {
    pub(super) fn new(start_us: Micros) -> Self {
        Self { own_us: start_us, other_us: NEVER_US, flurry: (NEVER_US, 0), bunch: (0, start_us) }
    }

    /// When the next fix is due.
    pub(super) fn next_us(&self) -> Micros {
        self.own_us.min(self.other_us)
    }

    /// A trip begins, with a fix at `first_us`.
    pub(super) fn start(&mut self, device: &mut Device, first_us: Micros) {
        let profile = device.profile;
        let rng = &mut device.chances.exits;
        let [has_flurries, is_shared] =
            [profile.flurries_share, profile.shared_share].map(|share| rng.random_bool(share));
        let other_s = profile.motion_gap_s.draw(rng);
        self.own_us = millisecond(first_us);
        self.other_us = if is_shared { millisecond(first_us + us(other_s)) } else { NEVER_US };
        self.flurry = (if has_flurries { first_us } else { NEVER_US }, 0);
        self.bunch.0 = 0;
    }

    /// The fix of [`Self::next_us`] is taken: goes on to the one after it.
    pub(super) fn advance(&mut self, device: &mut Device, is_at_rest: bool) {
        let ts_us = self.next_us();
        if ts_us == self.other_us {
            self.other_us += millisecond(us(device.profile.motion_gap_s.draw(&mut device.chances.fixes)).max(1_000));
        }
        if ts_us == self.own_us {
            self.own_us = millisecond(self.after(device, ts_us, is_at_rest));
        }
    }

    /// No fix before `until_us`.
    pub(super) fn pause(&mut self, until_us: Micros) {
        let until_us = millisecond(until_us);
        self.own_us = self.own_us.max(until_us);
        self.other_us = self.other_us.max(until_us + 1_000);
    }

    /// When the fix after that of `ts_us` is due that the app asked for.
    fn after(&mut self, device: &mut Device, ts_us: Micros, is_at_rest: bool) -> Micros {
        let gap_max_s = if is_at_rest { device.profile.rest_gap_max_s } else { f64::MAX };
        let rng = &mut device.chances.fixes;
        let usual_s = device.profile.gap_s.draw(rng).min(gap_max_s);
        if let Some(window) = device.trouble.bunch.filter(|window| window.contains(ts_us)) {
            device.trouble.bunch = None;
            device.go_blind(Fault::Bunched, ts_us, window.end_us);
            self.bunch = (BUNCH, window.end_us);
        }
        if self.flurry.0 <= ts_us {
            self.flurry = (ts_us + FLURRY_EVERY_US, device.chances.fixes.random_range(FLURRY));
        }
        match self.bunch {
            (0, _) if self.flurry.1 > 0 => {
                self.flurry.1 -= 1;
                ts_us + us(device.chances.fixes.random_range(FLURRY_GAP_S))
            }
            (0, _) => ts_us + us(usual_s).max(1_000),
            (1, end_us) => {
                self.bunch.0 = 0;
                self.pause(end_us);
                end_us
            }
            (left, _) => {
                self.bunch.0 = left - 1;
                ts_us + BUNCH_GAP_US
            }
        }
    }
}

/// The finest time that Android tells.
fn millisecond(at_us: Micros) -> Micros {
    at_us - at_us.rem_euclid(1_000)
}
