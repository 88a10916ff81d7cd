//! What goes wrong with a phone on a day, on a trip, at a fix.
//!
//! Every chance is drawn whether the fault is switched off or not, so that a switch changes nothing but its own fault.

use rand::RngExt;

use super::handset::Profile;
use super::parameters::PhoneParameters;
use crate::draws::Draws;
use crate::track::Track;
use crate::truth::{Fault, Micros, SECOND_US};

/// How often each fault happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Odds([f64; 16]);

impl Odds {
    pub(super) fn new(profile: &Profile, parameters: &PhoneParameters) -> Self {
        Self(Fault::ALL.map(|fault| profile.rate(fault, parameters)))
    }

    fn rate(&self, fault: Fault) -> f64 {
        self.0.get(fault as usize).copied().unwrap_or(0.0)
    }

    /// Whether `fault` happens this time.
    pub(super) fn strikes(&self, fault: Fault, rng: &mut Draws) -> bool {
        rng.random::<f64>() < self.rate(fault)
    }
}

/// A span of time in which something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start_us: Micros,
    pub(super) end_us: Micros,
}

impl Window {
    pub(super) fn contains(self, at_us: Micros) -> bool {
        (self.start_us..self.end_us).contains(&at_us)
    }
}

/// What goes wrong on a day, whatever its owner does.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DayTrouble {
    /// When an exit is noticed though nobody moved.
    pub(super) spurious_us: Option<Micros>,
    /// When the phone is started anew.
    pub(super) reboot_us: Option<Micros>,
}

impl DayTrouble {
    pub(super) fn draw(odds: &Odds, start_us: Micros, rng: &mut Draws) -> Self {
        const DAY_US: Micros = 86_400 * SECOND_US;
        let some_time = |fault, rng: &mut Draws| {
            let at_us = start_us + rng.random_range(0..DAY_US);
            odds.strikes(fault, rng).then_some(at_us)
        };
        Self { spurious_us: some_time(Fault::SpuriousExit, rng), reboot_us: some_time(Fault::Reboot, rng) }
    }
}

/// What goes wrong on a trip.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TripTrouble {
    /// The exit is not noticed.
    pub(super) is_missed: bool,
    /// The exit is noticed only now.
    pub(super) late_us: Option<Micros>,
    /// The app is killed.
    pub(super) kill_us: Option<Micros>,
    /// Fixes come at once at the begin of this, and then none.
    pub(super) bunch: Option<Window>,
    /// No fixes.
    pub(super) gap: Option<Window>,
    /// What is measured in this is written at its end.
    pub(super) late_write: Option<Window>,
    /// Everything is written at this time.
    pub(super) equal_us: Option<Micros>,
}

/// How long a bunch of fixes, a gap and a delay of writing are, in seconds: choices, the last so that some reach the
/// 1,000 s from which pipelines drop a fix.
const BUNCH_S: std::ops::Range<f64> = 60.0..240.0;
const GAP_S: std::ops::Range<f64> = 120.0..900.0;
const LATE_WRITE_S: std::ops::Range<f64> = 120.0..1_800.0;

impl TripTrouble {
    pub(super) fn draw(odds: &Odds, track: &Track, rng: &mut Draws) -> Self {
        let (start_us, end_us) = (track.start_us(), track.end_us());
        let at = |share: f64| start_us + us(share * (end_us - start_us) as f64 / SECOND_US as f64);
        let window = |fault, lengths_s: std::ops::Range<f64>, rng: &mut Draws| {
            let start_us = at(rng.random_range(0.1..0.9));
            let window = Window { start_us, end_us: start_us + us(rng.random_range(lengths_s)) };
            odds.strikes(fault, rng).then_some(window)
        };
        let [late, kill] = [rng.random_range(0.3..0.8), rng.random_range(0.1..0.9)].map(at);
        Self {
            is_missed: odds.strikes(Fault::MissedExit, rng),
            late_us: odds.strikes(Fault::LateExit, rng).then_some(late),
            kill_us: odds.strikes(Fault::Killed, rng).then_some(kill),
            bunch: window(Fault::Bunched, BUNCH_S, rng),
            gap: window(Fault::Gap, GAP_S, rng),
            late_write: window(Fault::LateWrite, LATE_WRITE_S, rng),
            equal_us: odds.strikes(Fault::EqualWriteTimes, rng).then_some(end_us),
        }
    }
}

/// What may be wrong with a fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quirk {
    /// Nothing.
    None,
    /// It is from the cell network.
    Cell,
    /// It is the one before again.
    Repeated,
    /// It is the first of a few that are far away.
    Outlier,
}

impl Quirk {
    /// Fixes from the cell network come again twice as often as others: emission-format e.3, "often repeated exactly".
    pub(super) fn draw(odds: &Odds, is_after_cell: bool, rng: &mut Draws) -> Self {
        let draw: f64 = rng.random();
        let repeated = odds.rate(Fault::RepeatedFix) * if is_after_cell { 2.0 } else { 1.0 };
        let cell = repeated + odds.rate(Fault::CellFix);
        if draw < repeated {
            Self::Repeated
        } else if draw < cell {
            Self::Cell
        } else if draw < cell + odds.rate(Fault::Outlier) {
            Self::Outlier
        } else {
            Self::None
        }
    }
}

/// Seconds as microseconds.
#[expect(clippy::cast_possible_truncation, reason = "spans of at most some days")]
pub(super) fn us(seconds: f64) -> Micros {
    (seconds * SECOND_US as f64) as Micros
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{Subject, draws};
    use crate::phone::handset::Handset;

    #[test]
    fn faults_are_numbered_in_the_order_of_their_list() {
        assert!(Fault::ALL.iter().enumerate().all(|(i, &fault)| fault as usize == i));
    }

    #[test]
    fn quirks_of_fixes_come_as_often_as_measured() {
        let odds = Odds::new(Profile::of(Handset::ANDROID_2016), &PhoneParameters::default());
        let mut rng = draws(1, 2, 3, Subject::Faults);
        let (mut is_cell, mut dropped, mut cells) = (false, 0, 0);
        for _ in 0..50_000 {
            let quirk = Quirk::draw(&odds, is_cell, &mut rng);
            is_cell = quirk == Quirk::Cell || is_cell && quirk == Quirk::Repeated;
            cells += u32::from(is_cell);
            dropped += u32::from(is_cell || quirk == Quirk::Repeated);
        }
        // mobility.md 3: a quarter is from cells, and 4,558 of 7,212 are kept.
        assert!((f64::from(cells) / 5e4 - 0.25).abs() < 0.03, "{cells}");
        assert!((f64::from(dropped) / 5e4 - 0.37).abs() < 0.03, "{dropped}");
    }
}
