//! What activity recognisers say: Android's is asked while the phone tracks, that of iOS keeps a history all day.

use rand::RngExt;

use super::curve::Curve;
use super::device::Device;
use super::faults::us;
use crate::draws::Draws;
use crate::sensed::{Activity, Motion};
use crate::track::{Cursor, Moment};
use crate::truth::{LocaleIndex, Micros, Mode, SECOND_US};

/// Slower is still.
const STILL_M_S: f64 = 0.3;

/// Android's recogniser of activities.
#[derive(Clone, Debug, Default)]
pub(super) struct Recogniser {
    pub(super) next_us: Micros,
    moved_us: Micros,
}

/// What it says of the phones of a year. Shares of types and confidences by quantile: mobility.md 3.
struct Manner {
    unknown_share: f64,
    unknown_confidence: u8,
    tilting_share: f64,
    /// It says nothing once it has been still for this long: a choice that leaves as many entries as were measured, 68 to
    /// 98 on a day (emission-format e.1).
    silent_after_us: Micros,
    vehicle: Curve,
    foot: Curve,
    still: Curve,
}

static MANNER_2023: Manner = Manner {
    unknown_share: 0.42,
    unknown_confidence: 41,
    tilting_share: 0.0,
    silent_after_us: 180 * SECOND_US,
    vehicle: Curve::through(&[(0.0, 60.0), (0.05, 78.0), (0.25, 86.0), (0.5, 90.0), (1.0, 98.0)]),
    foot: Curve::through(&[(0.0, 62.0), (0.05, 77.0), (0.25, 79.0), (0.5, 86.0), (1.0, 98.0)]),
    still: Curve::through(&[(0.0, 70.0), (0.1, 100.0), (1.0, 100.0)]),
};

static MANNER_2016: Manner = Manner {
    unknown_share: 0.04,
    unknown_confidence: 40,
    tilting_share: 0.13,
    silent_after_us: Micros::MAX,
    vehicle: Curve::through(&[(0.0, 40.0), (0.05, 46.0), (0.25, 79.0), (0.5, 100.0), (1.0, 100.0)]),
    foot: Curve::through(&[(0.0, 40.0), (0.05, 48.0), (0.25, 80.0), (0.5, 100.0), (1.0, 100.0)]),
    still: Curve::through(&[(0.0, 45.0), (0.05, 54.0), (0.25, 85.0), (0.5, 100.0), (1.0, 100.0)]),
};

/// How often a word is about something else than what is done: a choice, which leaves sections their modes.
const WRONG_SHARE: f64 = 0.02;
/// From measuring to writing: a choice, as fast as fixes are written.
const WRITE_AFTER_US: std::ops::Range<Micros> = 20_000..200_000;

impl Recogniser {
    /// The phone begins to track.
    pub(super) fn start(&mut self, at_us: Micros, device: &mut Device) {
        let gap_us = us(device.profile.motion_gap_s.draw(&mut device.chances.motions));
        self.next_us = at_us + gap_us / 2;
        self.moved_us = at_us;
    }

    /// Says what there is to say until `until_us`.
    pub(super) fn run(&mut self, device: &mut Device, cursor: &mut Cursor<'_>, until_us: Micros) {
        let manner = if device.profile.is_old { &MANNER_2016 } else { &MANNER_2023 };
        while self.next_us < until_us {
            let ts_us = self.next_us;
            let rng = &mut device.chances.motions;
            self.next_us += us(device.profile.motion_gap_s.draw(rng)).max(1_000);
            let moment = cursor.glance(ts_us);
            let (activity, confidence) = manner.word(&moment, rng);
            let write_us = ts_us + rng.random_range(WRITE_AFTER_US);
            if moment.speed_m_s >= STILL_M_S {
                self.moved_us = ts_us;
            }
            if ts_us - self.moved_us <= manner.silent_after_us {
                let ts_us = ts_us - ts_us.rem_euclid(1_000);
                device.notebook.motion(Motion { ts_us, write_us, activity, confidence, locale: moment.locale }, false);
            }
        }
    }
}

impl Manner {
    fn word(&self, moment: &Moment, rng: &mut Draws) -> (Activity, u8) {
        let kind: f64 = rng.random();
        let quantile: f64 = rng.random();
        if kind < self.unknown_share {
            return (Activity::Unknown, self.unknown_confidence);
        }
        if kind < self.unknown_share + self.tilting_share {
            return (Activity::Tilting, 100);
        }
        let is_wrong = kind > 1.0 - WRONG_SHARE;
        let is_still = moment.speed_m_s < STILL_M_S;
        let activity = match moment.mode {
            _ if is_wrong && is_still => Activity::OnFoot,
            _ if is_wrong => Activity::Still,
            // In a vehicle that waits, the recogniser often still feels the engine.
            Mode::Car | Mode::Bus | Mode::Train | Mode::Air if !is_still || quantile < 0.4 => Activity::InVehicle,
            _ if is_still => Activity::Still,
            Mode::Walk => Activity::OnFoot,
            _ => Activity::Bicycling,
        };
        let confidence = match activity {
            Activity::InVehicle => &self.vehicle,
            Activity::Still => &self.still,
            _ => &self.foot,
        };
        (activity, percent(confidence.at(quantile)))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
fn percent(confidence: f64) -> u8 {
    confidence as u8
}

/// The history that iOS keeps of its owner's activity: an entry for each change.
#[derive(Clone, Debug)]
pub(super) struct History {
    next_us: Micros,
    /// How many more changes this stir has.
    stirs: u32,
}

/// Between two stirs of somebody who stays, in seconds by day and by night; how many changes a stir has, at most; and how
/// far they are apart, in seconds by quantile. Choices that make as many entries a day as were measured, 594 to 1,166
/// (emission-format e.1), with the gaps that were measured (mobility.md 3).
const PAUSE_DAY_S: f64 = 1_500.0;
const PAUSE_NIGHT_S: f64 = 7_200.0;
const STIRS_MAX: u32 = 38;
static STIR_GAP_S: Curve =
    Curve::through(&[(0.0, 1.0), (0.25, 4.0), (0.5, 7.0), (0.75, 15.0), (0.95, 60.0), (1.0, 120.0)]);

impl History {
    pub(super) fn new(start_us: Micros) -> Self {
        Self { next_us: start_us, stirs: 0 }
    }

    /// What it says until `until_us` of somebody who moves.
    pub(super) fn follow(&mut self, device: &mut Device, cursor: &mut Cursor<'_>, until_us: Micros) {
        while self.next_us < until_us {
            let ts_us = self.next_us;
            let rng = &mut device.chances.motions;
            self.next_us += us(device.profile.motion_gap_s.draw(rng));
            self.stirs = 1;
            let moment = cursor.glance(ts_us);
            let word = moving_word(&moment, rng.random());
            say(device, ts_us, word, moment.locale);
        }
    }

    /// What it says until `until_us` of somebody who stays.
    pub(super) fn rest(&mut self, device: &mut Device, until_us: Micros, locale: LocaleIndex) {
        while self.next_us < until_us {
            let ts_us = self.next_us;
            if self.stirs == 0 {
                self.stirs = device.chances.motions.random_range(1..=STIRS_MAX);
            }
            self.stirs -= 1;
            let rng = &mut device.chances.motions;
            let is_last = self.stirs == 0;
            let word = resting_word(is_last, rng.random());
            let gap_s = if is_last {
                let is_night = !(6.5..23.0).contains(&device.hour(ts_us, locale));
                let pause_s = if is_night { PAUSE_NIGHT_S } else { PAUSE_DAY_S };
                -pause_s * (1.0 - device.chances.motions.random::<f64>()).ln() + 1.0
            } else {
                STIR_GAP_S.draw(rng)
            };
            self.next_us += us(gap_s);
            say(device, ts_us, word, locale);
        }
    }

    /// Somebody sets out: however long they meant to sit still, that is over.
    pub(super) fn rouse(&mut self, at_us: Micros) {
        self.next_us = self.next_us.min(at_us);
    }

    /// Says nothing until `at_us`: the phone was off.
    pub(super) fn skip(&mut self, at_us: Micros) {
        self.next_us = self.next_us.max(at_us);
    }
}

fn say(device: &mut Device, at_us: Micros, (activity, sureness): (Activity, f64), locale: LocaleIndex) {
    let confidence = match activity {
        // mobility.md 3: "STILL always 100".
        Activity::Still => 100,
        _ if sureness < 0.15 => 50,
        _ if sureness < 0.45 => 75,
        _ => 100,
    };
    device.notebook.motion(Motion { ts_us: at_us, write_us: at_us, activity, confidence, locale }, true);
}

/// What is said at a change while somebody moves; shares are choices within those of mobility.md 3 over a day.
fn moving_word(moment: &Moment, draw: f64) -> (Activity, f64) {
    /// A vehicle that is slower than this is stopped.
    const STOPPED_M_S: f64 = 0.8;
    let is_vehicle = matches!(moment.mode, Mode::Car | Mode::Bus | Mode::Train | Mode::Air);
    let (said, share) = match moment.mode {
        _ if is_vehicle && moment.speed_m_s < STOPPED_M_S => (Activity::StoppedInVehicle, 0.6),
        _ if moment.speed_m_s < STILL_M_S => (Activity::Still, 0.6),
        Mode::Walk => (Activity::Walking, 0.65),
        Mode::Bicycle | Mode::Ebike | Mode::Scooter => (Activity::Bicycling, 0.6),
        Mode::Car | Mode::Bus | Mode::Train | Mode::Air => (Activity::InVehicle, 0.6),
    };
    if draw < share { (said, draw / share) } else { (Activity::None, (draw - share) / (1.0 - share)) }
}

/// What is said at a change while somebody stays: they get up, and sit down again at last.
fn resting_word(is_last: bool, draw: f64) -> (Activity, f64) {
    match draw {
        _ if is_last => (Activity::Still, draw),
        draw if draw < 0.58 => (Activity::None, draw / 0.58),
        draw if draw < 0.76 => (Activity::Walking, (draw - 0.58) / 0.18),
        draw => (Activity::Still, draw),
    }
}
