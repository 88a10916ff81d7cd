//! iOS: a geofence and visits around a stay; once it is left, a fix every 50 m until the app is woken and finds that
//! nobody moved for ten minutes.

use rand::RngExt;

use super::crossing::{Circle, leaves};
use super::curve::Curve;
use super::device::Device;
use super::faults::us;
use super::fence::Fence;
use super::leg::Leg;
use super::motion::History;
use super::parameters::PhoneParameters;
use super::sync::Occasion;
use crate::plane::Point;
use crate::sensed::{Setting, State, Step};
use crate::track::{Cover, Cursor, Piece};
use crate::truth::{Fault, LocaleIndex, Micros, SECOND_US};

/// An iPhone's state machine.
#[derive(Clone, Debug)]
pub(super) struct Ios {
    is_tracking: bool,
    /// The app is not running.
    is_killed: bool,
    fence: Fence,
    /// When it will notice that the geofence was left.
    exit_us: Option<Micros>,
    /// When the system will tell that a visit began, and that one ended.
    visit_us: Option<Micros>,
    visit_end_us: Option<Micros>,
    /// When the app ran last, and how long after that it is woken.
    active_us: Micros,
    wake_after_us: Micros,
    /// Latitude and longitude of the last fix.
    kept: Option<(f64, f64)>,
    /// Where the last fix was, and when.
    last: Option<(Point, LocaleIndex, Micros)>,
    /// By how much the phone is wrong about where it is.
    error: Point,
    history: History,
    locale: LocaleIndex,
    distance_m: f64,
    interval_us: Micros,
    /// Whether a trip's end was written that was not sent.
    has_unsent_end: bool,
    /// No fix before.
    resume_us: Micros,
}

/// What happens to a phone.
#[derive(Clone, Copy, Debug)]
enum Change {
    Left,
    Disturbed,
    Woken,
    VisitStarted,
    VisitEnded,
    Rebooted,
}

/// How long after the app ran it is woken, in seconds by quantile: with visits, mobility.md 3, "arrival ->
/// STOPPED_MOVING".
static WAKE_AFTER_S: Curve =
    Curve::through(&[(0.0, 2_700.0), (0.2, 2_880.0), (0.5, 2_980.0), (0.8, 3_090.0), (0.95, 3_800.0), (1.0, 4_200.0)]);
/// How often the system tells of a visit in time to end a trip by it, and after how many seconds: from the same.
const VISIT_SHARE: f64 = 0.34;
const VISIT_AFTER_S: std::ops::Range<f64> = 880.0..1_060.0;
/// How often, and how many seconds after the exit from the geofence, the end of a visit is told: choices. It is told late
/// (emission-format a.4); told before, it would look to a pipeline as if tracking had begun anew.
const VISIT_END_SHARE: f64 = 0.7;
const VISIT_END_LATE_S: std::ops::Range<f64> = 60.0..420.0;
/// iOS looks at positions once a second.
const LOOK_US: Micros = SECOND_US;
/// With a filter of tens of metres the next fix comes no sooner than this: one gap in twenty is that short (mobility.md 3),
/// however fast the road.
const SOONEST_US: Micros = 3 * SECOND_US;
/// For how many seconds there is no fix after one, by quantile: without this nine steps in ten would be under 70 m, one in
/// twenty is over 320 m; 2.6 % of gaps are over a minute, 1.5 % over two, and 1 % over 166 s (mobility.md 3).
const PAUSED_AT_M: f64 = 50.0;
static PAUSE_S: Curve = Curve::through(&[
    (0.0, 0.0),
    (0.93, 0.0),
    (0.96, 14.0),
    (0.978, 60.0),
    (0.988, 120.0),
    (0.992, 160.0),
    (1.0, 240.0),
]);
/// Between transitions that follow one another: a choice, as short as recorded bursts.
const NEXT_US: Micros = 90_000;
/// The client's rule: mobility.md 3.
const STILL_US: Micros = 600 * SECOND_US;
/// Fixes that are worse are not copied.
const ACCURACY_MAX_M: f32 = 200.0;

impl Ios {
    pub(super) fn new(fence: Fence, parameters: &PhoneParameters, start_us: Micros) -> Self {
        Self {
            is_tracking: false,
            is_killed: false,
            fence,
            exit_us: None,
            visit_us: None,
            visit_end_us: None,
            active_us: start_us,
            wake_after_us: us(3_000.0),
            kept: None,
            last: None,
            error: Point::default(),
            history: History::new(start_us),
            locale: fence.locale,
            distance_m: parameters.ios_distance_m.into(),
            interval_us: us(60.0 * f64::from(parameters.ios_interval_min)),
            has_unsent_end: false,
            resume_us: start_us,
        }
    }

    fn state(&self) -> State {
        if self.is_tracking { State::OngoingTrip } else { State::WaitingForTripStart }
    }

    /// The app is started for the first time.
    pub(super) fn install(&mut self, device: &mut Device, at_us: Micros) {
        device.notebook.config(at_us, Setting::Consent, self.locale);
        self.configure(device, at_us + SECOND_US);
        // emission-format a.4: "First launch".
        let steps = [Step::Initialize, Step::Initialize, Step::InitComplete];
        let at_us = self.steps(device, at_us + 2 * SECOND_US, &steps.map(|step| (State::Start, step)));
        self.steps(device, at_us, &[(State::WaitingForTripStart, Step::Nop)]);
        self.active_us = at_us;
    }

    /// Writes down its configuration.
    pub(super) fn configure(&self, device: &mut Device, at_us: Micros) {
        let sensor = Setting::Sensor { filter_distance_m: Some(self.distance_m), filter_time_ms: None };
        device.notebook.config(at_us, sensor, self.locale);
        device.notebook.config(at_us + SECOND_US / 2, Setting::Sync { sync_interval_s: 3_600 }, self.locale);
    }

    /// Writes transitions one after another. Tells when the next one could be.
    fn steps(&self, device: &mut Device, at_us: Micros, steps: &[(State, Step)]) -> Micros {
        let mut at_us = at_us;
        for &(state, step) in steps {
            at_us = device.transition(at_us, state, step, self.locale) + NEXT_US;
        }
        at_us
    }

    /// Lives through a leg.
    pub(super) fn live(&mut self, device: &mut Device, leg: &Leg<'_>) {
        let (mut now_us, end_us) = (leg.start_us(), leg.end_us());
        let (mut fixes, mut motions) = (Cursor::new(leg.pieces), Cursor::new(leg.pieces));
        let mut pieces = leg.pieces;
        if leg.track.is_some() {
            self.set_out(device, leg, now_us);
        }
        loop {
            let change = self.next_change(device, leg, now_us);
            let until_us = change.map_or(end_us, |(at_us, _)| at_us).min(end_us);
            if self.is_tracking {
                self.track(device, &mut fixes, &mut pieces, (now_us, until_us));
            }
            now_us = until_us;
            let is_stale = |&(at_us, change): &(Micros, Change)| {
                matches!(change, Change::Woken) && at_us < self.active_us + self.wake_after_us
            };
            if change.as_ref().is_some_and(is_stale) && until_us < end_us {
                continue;
            }
            if leg.track.is_some() {
                self.history.follow(device, &mut motions, until_us);
            } else {
                self.history.rest(device, until_us, self.locale);
            }
            match change {
                Some((at_us, change)) if at_us < end_us => self.apply(device, leg, at_us, change),
                _ => break,
            }
        }
        self.locale = leg.place(end_us).1;
        if leg.track.is_some() {
            self.settle(device, leg);
        }
    }

    /// A movement begins.
    fn set_out(&mut self, device: &mut Device, leg: &Leg<'_>, now_us: Micros) {
        self.visit_us = None;
        self.history.rouse(now_us);
        if !self.is_tracking {
            if self.is_killed {
                self.fence = Fence::around(leg.place(now_us));
            }
            self.aim(device, leg, now_us);
        }
    }

    /// A movement is over: visits begin, and what was missed is missed.
    fn settle(&mut self, device: &mut Device, leg: &Leg<'_>) {
        let end = leg.place(leg.end_us());
        let rng = &mut device.chances.exits;
        let visit_us = leg.end_us() + us(rng.random_range(VISIT_AFTER_S));
        let is_told = rng.random_bool(VISIT_SHARE);
        self.visit_us = (is_told && self.is_tracking).then_some(visit_us);
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

    /// What happens next.
    fn next_change(&self, device: &Device, leg: &Leg<'_>, now_us: Micros) -> Option<(Micros, Change)> {
        let spurious_us = device.today.spurious_us.filter(|&at_us| leg.track.is_none() && at_us >= now_us);
        let reboot_us = device.today.reboot_us.filter(|&at_us| at_us >= now_us);
        let is_waiting = !self.is_tracking;
        let is_alive = !self.is_killed;
        let wake_us = self.active_us + self.wake_after_us;
        [
            (self.exit_us.filter(|_| is_waiting), Change::Left),
            (spurious_us.filter(|_| is_waiting && is_alive), Change::Disturbed),
            (self.visit_us.filter(|_| is_alive && leg.track.is_none()), Change::VisitStarted),
            (self.visit_end_us.filter(|_| is_alive), Change::VisitEnded),
            (Some(wake_us).filter(|_| is_alive), Change::Woken),
            (reboot_us, Change::Rebooted),
        ]
        .into_iter()
        .filter_map(|(at_us, change)| at_us.map(|at_us| (at_us.max(now_us), change)))
        .min_by_key(|&(at_us, _)| at_us)
    }

    fn apply(&mut self, device: &mut Device, leg: &Leg<'_>, at_us: Micros, change: Change) {
        match change {
            Change::Left => self.start(device, at_us),
            Change::Disturbed => {
                device.today.spurious_us = None;
                device.note(Fault::SpuriousExit, at_us, at_us);
                self.start(device, at_us);
            }
            Change::Woken => self.wake(device, leg, at_us),
            Change::VisitStarted => {
                self.visit_us = None;
                self.steps(device, at_us, &[(self.state(), Step::VisitStarted)]);
                if self.is_tracking {
                    self.stop(device, leg, at_us + NEXT_US);
                }
            }
            Change::VisitEnded => {
                self.visit_end_us = None;
                self.steps(device, at_us, &[(self.state(), Step::VisitEnded)]);
            }
            Change::Rebooted => self.reboot(device, leg, at_us),
        }
    }

    /// Takes fixes between two times, unless the app is killed.
    fn track(
        &mut self,
        device: &mut Device,
        cursor: &mut Cursor<'_>,
        pieces: &mut &[Piece],
        (from_us, until_us): (Micros, Micros),
    ) {
        let mut from_us = from_us.max(self.resume_us);
        while let Some(ts_us) = self.due_us(pieces, from_us).filter(|&ts_us| ts_us < until_us) {
            if device.trouble.kill_us.is_some_and(|at_us| at_us <= ts_us) {
                self.kill(device, ts_us);
                return;
            }
            if let Some(end_us) = interruption(device, ts_us) {
                from_us = end_us;
                self.resume_us = end_us;
                continue;
            }
            let moment = cursor.at(ts_us);
            if moment.cover == Cover::Tunnel {
                from_us = pieces.first().map_or(until_us, |piece| piece.end_us).max(ts_us + LOOK_US);
                continue;
            }
            let believed = device.locate(&moment, ts_us);
            self.error = Point::new(believed.x_m - moment.at.x_m, believed.y_m - moment.at.y_m);
            from_us = ts_us + if self.distance_m < PAUSED_AT_M { LOOK_US } else { SOONEST_US };
            let is_near = |(at, locale, _): (Point, LocaleIndex, Micros)| {
                locale == moment.locale && at.distance_m(believed) < self.distance_m
            };
            if self.last.is_some_and(is_near) {
                continue;
            }
            let (fix, at) = device.measure(&moment, believed, ts_us);
            let position = (fix.latitude, fix.longitude);
            let is_kept = fix.accuracy_m < ACCURACY_MAX_M && self.kept != Some(position);
            self.kept = Some(position);
            device.write(fix, is_kept, moment.at);
            self.last = Some((at, moment.locale, ts_us));
            self.locale = moment.locale;
            self.active_us = ts_us;
            // As many in a kilometre, however many fixes it has.
            let rarity = (PAUSED_AT_M / self.distance_m).max(1.0);
            from_us += us(PAUSE_S.at(1.0 - rarity * device.chances.fixes.random::<f64>()));
            self.resume_us = from_us;
        }
    }

    /// When the next fix is due, from `from_us` on: when the phone believes to be far enough from the last one.
    fn due_us(&self, pieces: &mut &[Piece], from_us: Micros) -> Option<Micros> {
        let Some((at, locale, last_us)) = self.last else { return Some(from_us) };
        let centre = Point::new(at.x_m - self.error.x_m, at.y_m - self.error.y_m);
        let circle = Circle { centre, locale, radius_m: self.distance_m };
        let far_us = leaves(pieces, from_us.max(last_us + self.interval_us), circle)?;
        let looks = (far_us - last_us + LOOK_US - 1) / LOOK_US;
        Some(last_us + looks.max(1) * LOOK_US)
    }

    /// The system kills the app.
    fn kill(&mut self, device: &mut Device, at_us: Micros) {
        device.trouble.kill_us = None;
        self.is_tracking = false;
        self.is_killed = true;
        self.visit_end_us = None;
        device.spoil(at_us);
        device.note(Fault::Killed, at_us, at_us);
    }

    /// The geofence was left.
    fn start(&mut self, device: &mut Device, at_us: Micros) {
        let waiting = State::WaitingForTripStart;
        let rng = &mut device.chances.exits;
        let [visit, again, restart] = [rng.random::<f64>(), rng.random(), rng.random()];
        let late_us = us(rng.random_range(VISIT_END_LATE_S));
        if visit < VISIT_END_SHARE {
            self.visit_end_us = Some(at_us + late_us);
        }
        let mut next_us = self.steps(device, at_us, &[(waiting, Step::ExitedGeofence)]);
        next_us = self.burst(device, next_us);
        next_us = self.steps(device, next_us, &[(waiting, Step::TripStarted)]);
        self.is_tracking = true;
        self.is_killed = false;
        if again < 0.6 {
            next_us = self.steps(device, next_us, &[(State::OngoingTrip, Step::TripStarted)]);
        }
        if restart < 0.4 {
            self.steps(device, next_us, &[(State::OngoingTrip, Step::TripRestarted)]);
        }
        let first_us = at_us + us(device.profile.first_fix_s.draw(&mut device.chances.fixes));
        self.last = None;
        self.resume_us = first_us;
        self.exit_us = None;
        self.active_us = at_us;
        device.is_astray = false;
    }

    /// Exits that come again and again.
    fn burst(&self, device: &mut Device, at_us: Micros) -> Micros {
        let is_burst = device.odds.strikes(Fault::ExitBurst, &mut device.chances.faults);
        let count = device.chances.faults.random_range(2..=5);
        let mut next_us = at_us;
        if is_burst {
            for _ in 0..count {
                next_us = self.steps(device, next_us, &[(State::WaitingForTripStart, Step::ExitedGeofence)]);
            }
            device.note(Fault::ExitBurst, at_us, next_us);
        }
        next_us
    }

    /// The app is woken: by a push, or because the system lets it fetch.
    fn wake(&mut self, device: &mut Device, leg: &Leg<'_>, at_us: Micros) {
        let next_us = self.steps(device, at_us, &[(self.state(), Step::ReceivedSilentPush)]);
        self.wake_after_us = us(WAKE_AFTER_S.draw(&mut device.chances.syncs));
        self.active_us = at_us;
        let is_still = self.last.is_none_or(|(_, _, last_us)| at_us - last_us >= STILL_US);
        if self.is_tracking && is_still {
            self.stop(device, leg, next_us);
            return;
        }
        let was_sent = self.sync(device, next_us);
        let step = if was_sent { Step::DataPushed } else { Step::Nop };
        self.steps(device, next_us + 2 * SECOND_US, &[(self.state(), step)]);
    }

    /// Nobody moved for a while.
    fn stop(&mut self, device: &mut Device, leg: &Leg<'_>, at_us: Micros) {
        let ongoing = State::OngoingTrip;
        let steps = [Step::TripEndDetected, Step::EndTripTracking, Step::StoppedMoving].map(|step| (ongoing, step));
        let next_us = self.steps(device, at_us, &steps);
        self.is_tracking = false;
        let next_us = self.steps(device, next_us, &[(State::WaitingForTripStart, Step::StoppedMoving)]);
        self.has_unsent_end = true;
        self.visit_us = None;
        self.visit_end_us = None;
        self.active_us = at_us;
        self.fence = Fence::around(leg.place(at_us));
        if leg.track.is_some() {
            // A wait on the way was as long as a stay.
            device.spoil(at_us);
            self.aim(device, leg, at_us);
        }
        let step = if self.sync(device, next_us) { Step::DataPushed } else { Step::Nop };
        self.steps(device, next_us + 3 * SECOND_US, &[(State::WaitingForTripStart, step)]);
    }

    /// Sends everything if a trip has ended since the last time.
    fn sync(&mut self, device: &mut Device, at_us: Micros) -> bool {
        let cut_us = self.has_unsent_end.then_some(at_us);
        let (is_tracking, locale) = (self.is_tracking, self.locale);
        let was_sent = device.sync(Occasion { at_us, cut_us, is_tracking, locale });
        self.has_unsent_end = device.notebook.unsent.transitions.iter().any(|row| row.step == Step::StoppedMoving);
        was_sent
    }

    /// The phone is started anew: nothing tells the server, and what was tracked is over.
    fn reboot(&mut self, device: &mut Device, leg: &Leg<'_>, at_us: Micros) {
        const OFF_US: Micros = 60 * SECOND_US;
        device.today.reboot_us = None;
        device.note(Fault::Reboot, at_us, at_us + OFF_US);
        device.boot_us = at_us;
        if self.is_tracking || leg.track.is_some() {
            device.spoil(at_us);
            device.is_astray = true;
        }
        self.is_tracking = false;
        self.visit_us = None;
        self.visit_end_us = None;
        self.fence = Fence::around(leg.place(at_us));
        self.history.skip(at_us + OFF_US);
        if leg.track.is_some() {
            self.aim(device, leg, at_us);
        }
        self.steps(device, at_us + OFF_US, &[(State::WaitingForTripStart, Step::Initialize)]);
    }

    /// Sends what may be sent when a study ends.
    pub(super) fn send_rest(&mut self, device: &mut Device, now_us: Micros) {
        device.put_rest(now_us, if self.has_unsent_end { now_us } else { Micros::MIN });
    }
}

/// Until when there are no fixes, if that begins now.
fn interruption(device: &mut Device, ts_us: Micros) -> Option<Micros> {
    if let Some(gap) = device.trouble.gap.filter(|gap| gap.contains(ts_us)) {
        device.trouble.gap = None;
        device.go_blind(Fault::Gap, ts_us, gap.end_us);
        return Some(gap.end_us);
    }
    let bunch = device.trouble.bunch.filter(|bunch| bunch.contains(ts_us))?;
    device.trouble.bunch = None;
    device.go_blind(Fault::Bunched, ts_us, bunch.end_us);
    Some(bunch.end_us)
}
