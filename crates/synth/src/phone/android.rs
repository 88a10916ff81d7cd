//! Android: a geofence around a stay; once it is left, a fix every half a minute until nobody moved for five minutes.

use rand::RngExt;

use super::cadence::Cadence;
use super::device::Device;
use super::faults::us;
use super::fence::Fence;
use super::leg::Leg;
use super::motion::Recogniser;
use super::recent::Recent;
use super::sync::Occasion;
use crate::sensed::{Setting, StatKind, State, Step};
use crate::track::{Cover, Cursor};
use crate::truth::{Fault, LocaleIndex, Micros, SECOND_US};

/// An Android phone's state machine.
#[derive(Clone, Debug)]
pub(super) struct Android {
    is_tracking: bool,
    /// The app is not running.
    is_killed: bool,
    fence: Fence,
    /// When it will notice that the geofence was left.
    exit_us: Option<Micros>,
    cadence: Cadence,
    is_at_rest: bool,
    recent: Recent,
    /// Latitude and longitude of the last fix that passed the filter.
    kept: Option<(f64, f64)>,
    locale: LocaleIndex,
    recogniser: Recogniser,
    next_sync_us: Micros,
    last_stop_us: Option<Micros>,
}

/// What changes a phone's state.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// It notices that the geofence was left.
    Left(Micros),
    /// It notices so, but nobody left.
    Disturbed(Micros),
    /// It notices that nobody moved.
    Stopped(Micros),
    /// The app is killed.
    Killed(Micros),
}

/// Fixes that are worse do not pass the phone's filter.
const ACCURACY_MAX_M: f32 = 200.0;
/// Slower is at rest.
const REST_M_S: f64 = 0.3;
/// How many exits a burst has and how far they are apart: emission-format a.4.
const BURST: std::ops::RangeInclusive<u32> = 2..=13;
const BURST_GAP_US: std::ops::Range<Micros> = 20_000..220_000;
/// From writing a fix to noticing that it ended the trip.
const STOP_AFTER_US: Micros = 50_000;

impl Android {
    pub(super) fn new(fence: Fence, start_us: Micros) -> Self {
        Self {
            is_tracking: false,
            is_killed: false,
            fence,
            exit_us: None,
            cadence: Cadence::new(start_us),
            is_at_rest: false,
            recent: Recent::default(),
            kept: None,
            locale: fence.locale,
            recogniser: Recogniser::default(),
            next_sync_us: start_us,
            last_stop_us: None,
        }
    }

    /// The app is started for the first time.
    pub(super) fn install(&mut self, device: &mut Device, at_us: Micros) {
        device.notebook.config(at_us, Setting::Consent, self.locale);
        self.configure(device, at_us + SECOND_US);
        device.transition(at_us + 2 * SECOND_US, State::Start, Step::Initialize, self.locale);
        self.next_sync_us = at_us + device.chances.syncs.random_range(0..3_600 * SECOND_US);
    }

    /// Writes down its configuration.
    pub(super) fn configure(&self, device: &mut Device, at_us: Micros) {
        // emission-format a.4, config.
        let sensor = Setting::Sensor { filter_distance_m: None, filter_time_ms: Some(30_000) };
        device.notebook.config(at_us, sensor, self.locale);
        device.notebook.config(at_us + SECOND_US / 2, Setting::Sync { sync_interval_s: 3_600 }, self.locale);
    }

    /// Lives through a leg.
    pub(super) fn live(&mut self, device: &mut Device, leg: &Leg<'_>) {
        let (mut now_us, end_us) = (leg.start_us(), leg.end_us());
        let (mut fixes, mut motions) = (Cursor::new(leg.pieces), Cursor::new(leg.pieces));
        if leg.track.is_some() && !self.is_tracking {
            if self.is_killed {
                self.fence = Fence::around(leg.place(now_us));
            }
            self.aim(device, leg, now_us);
        }
        loop {
            let reboot_us = device.today.reboot_us.filter(|at_us| (now_us..end_us).contains(at_us));
            let limit_us = reboot_us.unwrap_or(end_us);
            let change = if self.is_tracking {
                let end = self.track(device, &mut fixes, limit_us);
                self.recogniser.run(device, &mut motions, end.map_or(limit_us, Change::at_us));
                end
            } else {
                self.disturbance(device, leg, now_us, limit_us)
            };
            match (change, reboot_us) {
                (Some(change), _) => {
                    self.sync_until(device, change.at_us());
                    self.apply(device, leg, change);
                    now_us = change.at_us();
                }
                (None, Some(at_us)) => {
                    self.sync_until(device, at_us);
                    self.reboot(device, leg, at_us);
                    now_us = at_us;
                }
                (None, None) => break,
            }
        }
        self.sync_until(device, end_us);
        self.locale = leg.place(end_us).1;
        if leg.track.is_some() {
            self.settle(device, leg);
        }
    }

    /// A movement is over. If the phone does not follow, it is not where the server believes; and unless it will yet
    /// notice so, what was missed is missed.
    fn settle(&mut self, device: &mut Device, leg: &Leg<'_>) {
        let end = leg.place(leg.end_us());
        if !self.is_tracking && (self.is_killed || self.fence.is_left(end)) {
            device.is_astray = true;
            if self.exit_us.is_none() {
                self.fence = Fence::around(end);
            }
        }
    }

    /// Finds out when the phone will notice that its owner has left.
    fn aim(&mut self, device: &mut Device, leg: &Leg<'_>, now_us: Micros) {
        let exit_us = self.fence.exit_us(leg.pieces, now_us, device.profile, &mut device.chances.exits);
        self.exit_us = device.notice(exit_us, leg.end_us());
    }

    /// What ends the wait between two times.
    fn disturbance(&self, device: &Device, leg: &Leg<'_>, now_us: Micros, limit_us: Micros) -> Option<Change> {
        let is_now = |at_us: &Micros| (now_us..limit_us).contains(at_us);
        // What should have been noticed before a stop that was late is noticed after it.
        let left = self.exit_us.map(|at_us| at_us.max(now_us)).filter(is_now).map(Change::Left);
        let spurious_us = device.today.spurious_us.filter(|_| leg.track.is_none() && !self.is_killed);
        left.or_else(|| spurious_us.filter(is_now).map(Change::Disturbed))
    }

    /// Takes fixes until `until_us`, or until tracking ends.
    fn track(&mut self, device: &mut Device, cursor: &mut Cursor<'_>, until_us: Micros) -> Option<Change> {
        while self.cadence.next_us() < until_us {
            let ts_us = self.cadence.next_us();
            if device.trouble.kill_us.is_some_and(|at_us| at_us <= ts_us) {
                device.trouble.kill_us = None;
                return Some(Change::Killed(ts_us));
            }
            self.cadence.advance(device, self.is_at_rest);
            if let Some(gap) = device.trouble.gap.filter(|gap| gap.contains(ts_us)) {
                device.trouble.gap = None;
                device.go_blind(Fault::Gap, ts_us, gap.end_us);
                self.cadence.pause(gap.end_us);
                continue;
            }
            let moment = cursor.at(ts_us);
            self.is_at_rest = moment.speed_m_s < REST_M_S;
            if moment.cover == Cover::Tunnel {
                continue;
            }
            let believed = device.locate(&moment, ts_us);
            let (fix, at) = device.measure(&moment, believed, ts_us);
            let is_kept = fix.accuracy_m < ACCURACY_MAX_M && self.kept != Some((fix.latitude, fix.longitude));
            let written_us = device.write(fix, is_kept, moment.at);
            if !is_kept {
                continue;
            }
            self.kept = Some((fix.latitude, fix.longitude));
            if moment.locale != self.locale {
                self.locale = moment.locale;
                self.recent.clear();
            }
            self.recent.push(ts_us, at);
            if self.recent.is_over() {
                return Some(Change::Stopped(written_us + STOP_AFTER_US));
            }
        }
        None
    }

    fn apply(&mut self, device: &mut Device, leg: &Leg<'_>, change: Change) {
        match change {
            Change::Left(at_us) => self.start(device, at_us),
            Change::Disturbed(at_us) => {
                device.note(Fault::SpuriousExit, at_us, at_us);
                self.start(device, at_us);
            }
            Change::Stopped(at_us) => self.stop(device, leg, at_us),
            Change::Killed(at_us) => {
                self.is_tracking = false;
                self.is_killed = true;
                device.spoil(at_us);
                device.note(Fault::Killed, at_us, leg.end_us());
            }
        }
    }

    /// The geofence was left.
    fn start(&mut self, device: &mut Device, at_us: Micros) {
        let mut at_us = device.transition(at_us, State::WaitingForTripStart, Step::ExitedGeofence, self.locale);
        let is_burst = device.odds.strikes(Fault::ExitBurst, &mut device.chances.faults);
        let count = device.chances.faults.random_range(BURST);
        if is_burst {
            let start_us = at_us;
            for _ in 0..count {
                at_us += device.chances.faults.random_range(BURST_GAP_US);
                at_us = device.transition(at_us, State::OngoingTrip, Step::ExitedGeofence, self.locale);
            }
            device.note(Fault::ExitBurst, start_us, at_us);
        }
        if self.is_killed {
            self.is_killed = false;
            let name = "killed_foreground_service_detected_restart";
            device.notebook.stat(at_us, StatKind::Error, name, -1.0, self.locale);
        }
        let first_us = at_us + us(device.profile.first_fix_s.draw(&mut device.chances.fixes));
        self.cadence.start(device, first_us);
        self.recogniser.start(at_us, device);
        self.recent.clear();
        self.exit_us = None;
        self.is_tracking = true;
        device.is_astray = false;
    }

    /// Nobody moved for a while.
    fn stop(&mut self, device: &mut Device, leg: &Leg<'_>, at_us: Micros) {
        self.last_stop_us = Some(device.transition(at_us, State::OngoingTrip, Step::StoppedMoving, self.locale));
        self.is_tracking = false;
        self.fence = Fence::around(leg.place(at_us));
        if leg.track.is_some() {
            // A wait on the way was as long as a stay.
            device.spoil(at_us);
            self.aim(device, leg, at_us);
        }
    }

    /// The phone is started anew.
    fn reboot(&mut self, device: &mut Device, leg: &Leg<'_>, at_us: Micros) {
        /// How long it is off: a choice.
        const OFF_US: Micros = 40 * SECOND_US;
        device.today.reboot_us = None;
        device.note(Fault::Reboot, at_us, at_us + OFF_US);
        device.boot_us = at_us;
        if self.is_tracking || leg.track.is_some() {
            device.spoil(at_us);
        }
        // What comes after it looks to a pipeline as if it began somewhere else: emission-format d.4, "Untracked".
        device.is_astray = true;
        self.is_tracking = false;
        self.is_killed = false;
        let up_us = at_us + OFF_US;
        device.transition(up_us, State::Unknown, Step::Booted, self.locale);
        device.transition(up_us + SECOND_US, State::WaitingForTripStart, Step::Initialize, self.locale);
        device.transition(up_us + 2 * SECOND_US, State::WaitingForTripStart, Step::Initialize, self.locale);
        self.fence = Fence::around(leg.place(at_us));
        if leg.track.is_some() {
            self.aim(device, leg, at_us);
        }
    }

    /// Syncs as often as is due until `until_us`.
    fn sync_until(&mut self, device: &mut Device, until_us: Micros) {
        while self.next_sync_us < until_us {
            let at_us = self.next_sync_us;
            let (period_us, is_dozing) = device.next_sync();
            self.next_sync_us += period_us;
            if !is_dozing {
                let Self { is_tracking, locale, .. } = *self;
                let is_put = device.sync(Occasion { at_us, cut_us: self.last_stop_us, is_tracking, locale });
                // What was put is deleted, the stop with it.
                self.last_stop_us =
                    self.last_stop_us.filter(|&stop_us| !is_put || device.notebook.rows_until(stop_us) > 0);
            }
        }
    }

    /// Sends what may be sent when a study ends.
    pub(super) fn send_rest(&mut self, device: &mut Device, now_us: Micros) {
        device.put_rest(now_us, self.last_stop_us.unwrap_or(Micros::MIN));
    }
}

impl Change {
    fn at_us(self) -> Micros {
        match self {
            Self::Left(at_us) | Self::Disturbed(at_us) | Self::Stopped(at_us) | Self::Killed(at_us) => at_us,
        }
    }
}
