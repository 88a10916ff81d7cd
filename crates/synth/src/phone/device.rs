//! What both kinds of phone have: sensors, a notebook, a battery, and somebody who carries them.

use rand::{RngExt, SeedableRng};

use super::battery::Cell;
use super::curve::Curve;
use super::faults::{DayTrouble, Odds, Quirk, TripTrouble, us};
use super::handset::{Handset, Profile};
use super::noise::{Noise, normal};
use super::notebook::Notebook;
use super::parameters::PhoneParameters;
use super::watch::Watch;
use super::{Platform, Witnessed};
use crate::draws::{Draws, Subject, draws};
use crate::plane::{Locale, Point};
use crate::sensed::{Fix, State, Step};
use crate::track::{Moment, Track};
use crate::truth::{Event, Fault, LocaleIndex, Micros, SECOND_US};

/// What both kinds of phone have.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) profile: &'static Profile,
    pub(super) platform: Platform,
    pub(super) odds: Odds,
    pub(super) chances: Chances,
    pub(super) notebook: Notebook,
    pub(super) witnessed: Witnessed,
    /// The trip that its owner is on.
    pub(super) watch: Option<Watch>,
    pub(super) trouble: TripTrouble,
    pub(super) today: DayTrouble,
    /// Whether what a server knows of its owner's place is wrong, because part of a trip is missing.
    pub(super) is_astray: bool,
    pub(super) boot_us: Micros,
    pub(super) doze_share: f64,
    noise: Noise,
    is_noisy: bool,
    cell: Cell,
    locales: Vec<Locale>,
    /// How far the clock of a locale is ahead today.
    offset: Option<(LocaleIndex, Micros)>,
    seed: u64,
    user: u32,
    /// The last fix, which may come again.
    last: Option<Fix>,
    /// How many more fixes are far away, and where.
    outliers: (u8, Point),
}

/// Randomness, by what it is for, so that one does not shift the other.
#[derive(Clone, Debug)]
pub(super) struct Chances {
    pub(super) fixes: Draws,
    pub(super) motions: Draws,
    pub(super) exits: Draws,
    pub(super) syncs: Draws,
    pub(super) faults: Draws,
}

impl Chances {
    pub(super) fn new(seed: u64, user: u32, day: u32) -> Self {
        let mut sensing = draws(seed, user, day, Subject::Sensing);
        Self {
            motions: Draws::from_rng(&mut sensing),
            exits: Draws::from_rng(&mut sensing),
            fixes: sensing,
            syncs: draws(seed, user, day, Subject::Sync),
            faults: draws(seed, user, day, Subject::Faults),
        }
    }
}

/// Cell fixes: the radius in metres by quantile, mobility.md 3.
static CELL_M: Curve = Curve::through(&[(0.0, 200.0), (0.5, 900.0), (0.9, 2_000.0), (1.0, 3_000.0)]);
/// On iOS.
static CELL_IOS_M: Curve = Curve::through(&[(0.0, 2_000.0), (0.5, 4_000.0), (1.0, 13_000.0)]);
/// Outliers: how far they are and how many in a row; mobility.md 2d.
const OUTLIER_M: std::ops::Range<f64> = 150.0..3_000.0;
const OUTLIERS: std::ops::RangeInclusive<u8> = 1..=5;
/// Sensed speeds err by 6 %, mobility.md 3.
const SPEED_ERROR: f64 = 0.06;
/// Headings err by some degrees: a choice.
const BEARING_ERROR_DEG: f64 = 4.0;
/// Recorded accuracies are multiples of a millimetre, speeds of a centimetre per second, most heights of a decimetre, and most
/// headings of a degree.
const ACCURACY_PER_M: f64 = 1_000.0;
const SPEED_PER_M_S: f64 = 100.0;
const ALTITUDE_PER_M: f64 = 10.0;
/// Slower is still.
const STILL_M_S: f64 = 0.3;
/// From a transition to the battery reading that it causes: emission-format e.3, "0.02-0.3 s bursts".
const BATTERY_AFTER_US: Micros = 20_000;

impl Device {
    pub(super) fn new(
        handset: Handset,
        parameters: &PhoneParameters,
        locales: &[Locale],
        start_us: Micros,
        (seed, user): (u64, u32),
    ) -> Self {
        let profile = Profile::of(handset);
        Self {
            profile,
            platform: handset.platform,
            odds: Odds::new(profile, parameters),
            chances: Chances::new(seed, user, 0),
            notebook: Notebook::new(handset.platform, start_us),
            witnessed: Witnessed::default(),
            watch: None,
            trouble: TripTrouble::default(),
            today: DayTrouble::default(),
            // Nobody knows where its owner was before the first trip.
            is_astray: true,
            // Started some days ago: a choice.
            boot_us: start_us - 3 * 86_400 * SECOND_US,
            doze_share: parameters.doze_share.get(),
            noise: Noise::new(profile, parameters.sensor_noise),
            is_noisy: parameters.sensor_noise,
            cell: Cell::new(start_us),
            locales: locales.to_vec(),
            offset: None,
            seed,
            user,
            last: None,
            outliers: (0, Point::default()),
        }
    }

    /// A new day begins.
    pub(super) fn begin_day(&mut self, day: u32, now_us: Micros) {
        self.offset = None;
        self.chances = Chances::new(self.seed, self.user, day);
        self.today = DayTrouble::draw(&self.odds, now_us, &mut self.chances.faults);
    }

    fn locale(&self, locale: LocaleIndex) -> &Locale {
        self.locales.get(usize::from(locale)).expect("people are in a locale of their region")
    }

    /// What the clock shows, in hours; wrong by one for some hours of the days on which clocks are set.
    pub(super) fn hour(&mut self, at_us: Micros, locale: LocaleIndex) -> f64 {
        let offset_us = match self.offset {
            Some((other, offset_us)) if other == locale => offset_us,
            _ => {
                let instant =
                    jiff::Timestamp::from_microsecond(at_us).expect("a study is within the years of the calendar");
                let offset_us = Micros::from(self.locale(locale).zone.to_offset(instant).seconds()) * SECOND_US;
                self.offset = Some((locale, offset_us));
                offset_us
            }
        };
        (at_us + offset_us).rem_euclid(86_400 * SECOND_US) as f64 / 3.6e9
    }

    /// Something went wrong.
    pub(super) fn note(&mut self, fault: Fault, start_us: Micros, end_us: Micros) {
        self.witnessed.events.push(Event { fault, start_us, end_us });
    }

    /// No fix comes for a while. Who arrives meanwhile, or is half the trip without one, is not seen to have made it.
    pub(super) fn go_blind(&mut self, fault: Fault, start_us: Micros, end_us: Micros) {
        self.note(fault, start_us, end_us);
        if let Some(watch) = &mut self.watch {
            watch.miss(start_us, end_us);
        }
    }

    /// The trip that is under way, or that ended not long ago, cannot be found any more.
    pub(super) fn spoil(&mut self, now_us: Micros) {
        /// A pipeline tells the end of a trip by the minutes after it.
        const AFTER_US: Micros = 10 * 60 * SECOND_US;
        match (&mut self.watch, self.witnessed.trips.last_mut()) {
            (Some(watch), _) => watch.is_clean = false,
            (None, Some(last)) if last.sensed_us.is_some_and(|(_, end_us)| now_us - end_us < AFTER_US) => {
                last.is_clean = false;
            }
            _ => {}
        }
    }

    /// Writes a transition and the battery reading that it causes. Tells when the transition was written.
    pub(super) fn transition(&mut self, at_us: Micros, state: State, step: Step, locale: LocaleIndex) -> Micros {
        let write_us = self.notebook.transition(at_us, state, step, locale);
        self.read_battery(write_us + BATTERY_AFTER_US, state == State::OngoingTrip, locale);
        write_us
    }

    /// Writes a battery reading.
    pub(super) fn read_battery(&mut self, at_us: Micros, is_tracking: bool, locale: LocaleIndex) {
        let hour = self.hour(at_us, locale);
        let battery = self.cell.read(at_us, is_tracking, hour, locale);
        self.notebook.battery(battery);
    }

    /// A trip begins.
    pub(super) fn depart(&mut self, track: &Track) {
        self.trouble = TripTrouble::draw(&self.odds, track, &mut self.chances.faults);
        self.watch = Some(Watch::new(track, !self.is_astray));
    }

    /// A trip is over.
    pub(super) fn arrive(&mut self) {
        // What is written late may be so beyond the trip.
        self.trouble = TripTrouble { late_write: self.trouble.late_write, ..TripTrouble::default() };
        if let Some(watch) = self.watch.take() {
            self.witnessed.trips.push(watch.noticed(self.platform));
        }
    }

    /// When an exit is noticed that should be noticed at `exit_us`, on a trip that ends at `end_us`.
    pub(super) fn notice(&mut self, exit_us: Option<Micros>, end_us: Micros) -> Option<Micros> {
        let exit_us = exit_us?;
        let TripTrouble { is_missed, late_us, .. } = self.trouble;
        if is_missed {
            self.spoil(exit_us);
            self.blur_end();
            self.note(Fault::MissedExit, exit_us, end_us);
            return None;
        }
        let Some(late_us) = late_us.filter(|&late_us| late_us > exit_us) else { return Some(exit_us) };
        self.spoil(exit_us);
        self.blur_end();
        self.note(Fault::LateExit, exit_us, late_us);
        self.trouble.late_us = None;
        Some(late_us)
    }

    /// The next fix after the trip before this one is missing or late. On iOS it alone tells that the trip was over: a
    /// pipeline looks at how far and how much later it is (mobility.md 6). A night is long enough for it not to matter,
    /// so the trips of the day are all that are asked.
    fn blur_end(&mut self) {
        if self.platform == Platform::Ios
            && let Some(last) = self.witnessed.trips.last_mut()
        {
            last.is_clean = false;
        }
    }

    /// Writes a fix of somebody who is at `truth`. Tells when it was written, or would have been had nothing gone wrong.
    pub(super) fn write(&mut self, fix: Fix, is_kept: bool, truth: Point) -> Micros {
        /// Pipelines drop what is written so much later: mobility.md 6.
        const LATE_US: Micros = 900 * SECOND_US;
        let due_us = fix.write_us;
        let on_trip = self.watch.is_some();
        let written_us = if let Some(equal_us) = self.trouble.equal_us.filter(|_| on_trip) {
            self.note_once(Fault::EqualWriteTimes, fix.ts_us, equal_us);
            self.spoil(fix.ts_us);
            self.notebook.equal_fix(Fix { write_us: equal_us, ..fix }, is_kept)
        } else if let Some(window) = self.trouble.late_write.filter(|window| window.contains(fix.ts_us)) {
            self.note_once(Fault::LateWrite, window.start_us, window.end_us);
            if window.end_us - window.start_us > LATE_US {
                self.spoil(fix.ts_us);
            }
            self.notebook.fix(Fix { write_us: window.end_us, ..fix }, is_kept)
        } else {
            self.notebook.fix(fix, is_kept)
        };
        if let (Some(watch), Some(write_us)) = (&mut self.watch, written_us) {
            watch.see(fix.ts_us, write_us, truth, fix.locale);
        }
        if self.notebook.last_fix_us() - due_us < 60 * SECOND_US {
            self.notebook.last_fix_us().max(due_us)
        } else {
            due_us
        }
    }

    /// Something went wrong that may have been noted.
    fn note_once(&mut self, fault: Fault, start_us: Micros, end_us: Micros) {
        let is_noted = self.witnessed.events.iter().any(|event| event.fault == fault && event.end_us == end_us);
        if !is_noted {
            self.note(fault, start_us, end_us);
        }
    }

    /// Lets the errors of position go on to `ts_us`, and tells where the phone believes to be.
    pub(super) fn locate(&mut self, moment: &Moment, ts_us: Micros) -> Point {
        self.noise.step(ts_us, moment, &mut self.chances.fixes);
        self.noise.apply(moment.at, self.noise.accuracy_m())
    }

    /// What the phone measures at a moment, at which it believes to be at `believed`. Tells where the fix is, too.
    pub(super) fn measure(&mut self, moment: &Moment, believed: Point, ts_us: Micros) -> (Fix, Point) {
        let is_after_cell = self.last.is_some_and(|last| last.accuracy_m >= 200.0);
        let quirk = Quirk::draw(&self.odds, is_after_cell, &mut self.chances.faults);
        let accuracy_m = self.noise.accuracy_m();
        let delay_us = us(self.profile.write_delay_s.draw(&mut self.chances.fixes));
        let (speed_m_s, bearing_deg) = self.course(moment);
        let fix = Fix {
            ts_us,
            write_us: ts_us + delay_us,
            filtered_write_us: None,
            latitude: 0.0,
            longitude: 0.0,
            altitude_m: single(self.noise.altitude_m(accuracy_m), ALTITUDE_PER_M),
            accuracy_m: single(accuracy_m, ACCURACY_PER_M),
            vaccuracy_m: if self.platform == Platform::Ios { single(accuracy_m.max(3.0), ACCURACY_PER_M) } else { 0.0 },
            speed_m_s,
            bearing_deg,
            elapsed_ns: (ts_us - self.boot_us) * 1_000,
            locale: moment.locale,
        };
        let (fix, at) = if quirk == Quirk::None && self.outliers.0 == 0 {
            (fix, believed)
        } else {
            self.spoil_fix(quirk, fix, moment.at, believed)
        };
        let fix = if quirk == Quirk::Repeated { fix } else { self.place(fix, at) };
        self.last = Some(fix);
        (fix, at)
    }

    /// Puts a fix on the earth.
    fn place(&self, fix: Fix, at: Point) -> Fix {
        let (latitude, longitude) = self.locale(fix.locale).degrees(at);
        match self.platform {
            Platform::Android => Fix { latitude: rounded(latitude), longitude: rounded(longitude), ..fix },
            Platform::Ios => Fix { latitude, longitude, ..fix },
        }
    }

    /// Speed and heading as the phone knows them.
    fn course(&mut self, moment: &Moment) -> (f32, f32) {
        let rng = &mut self.chances.fixes;
        let unknown = match self.platform {
            Platform::Android => 0.0,
            Platform::Ios => -1.0,
        };
        if !self.is_noisy {
            return (single(moment.speed_m_s, SPEED_PER_M_S), whole(moment.heading_deg));
        }
        let is_unknown = rng.random::<f64>() < self.profile.no_speed_share;
        let error = normal(rng);
        if is_unknown {
            return (unknown, unknown);
        }
        if moment.speed_m_s < STILL_M_S {
            return (0.0, unknown);
        }
        let speed_m_s = moment.speed_m_s * (1.0 + SPEED_ERROR * error);
        // An error of speed has little to do with one of heading, but one draw does for both.
        let bearing_deg = moment.heading_deg + BEARING_ERROR_DEG * error;
        let turn_deg = if bearing_deg < 0.0 { 360.0 } else { 0.0 };
        let turn_deg = if bearing_deg >= 360.0 { -360.0 } else { turn_deg };
        (single(speed_m_s.max(0.0), SPEED_PER_M_S), whole(bearing_deg + turn_deg))
    }

    /// Makes a fix one that is wrong. Tells where it is, too.
    fn spoil_fix(&mut self, quirk: Quirk, fix: Fix, truth: Point, believed: Point) -> (Fix, Point) {
        let (left, offset) = self.outliers;
        let rng = &mut self.chances.faults;
        match quirk {
            Quirk::Repeated => match self.last {
                Some(last) => {
                    self.note(Fault::RepeatedFix, fix.ts_us, fix.ts_us);
                    let repeated = Fix {
                        ts_us: fix.ts_us,
                        write_us: fix.write_us,
                        elapsed_ns: fix.elapsed_ns,
                        filtered_write_us: None,
                        ..last
                    };
                    (repeated, believed)
                }
                None => (self.place(fix, believed), believed),
            },
            Quirk::Cell => {
                let (radii, unknown) = match self.platform {
                    Platform::Android => (&CELL_M, 0.0),
                    Platform::Ios => (&CELL_IOS_M, -1.0),
                };
                let radius_m = radii.draw(rng);
                let (angle, share): (f64, f64) = (rng.random_range(0.0..std::f64::consts::TAU), rng.random());
                // Seven in ten are within the radius.
                let away_m = radius_m * 1.2 * share.sqrt();
                let at = Point::new(truth.x_m + away_m * angle.cos(), truth.y_m + away_m * angle.sin());
                self.note(Fault::CellFix, fix.ts_us, fix.ts_us);
                let fix = Fix {
                    accuracy_m: single(radius_m, ACCURACY_PER_M),
                    altitude_m: 0.0,
                    speed_m_s: unknown,
                    bearing_deg: unknown,
                    ..fix
                };
                (fix, at)
            }
            Quirk::Outlier => {
                let (angle, away_m): (f64, f64) =
                    (rng.random_range(0.0..std::f64::consts::TAU), rng.random_range(OUTLIER_M));
                let offset = Point::new(away_m * angle.cos(), away_m * angle.sin());
                self.outliers = (rng.random_range(OUTLIERS) - 1, offset);
                self.note(Fault::Outlier, fix.ts_us, fix.ts_us);
                (fix, Point::new(believed.x_m + offset.x_m, believed.y_m + offset.y_m))
            }
            Quirk::None => {
                self.outliers.0 = left - 1;
                if let Some(event) = self.witnessed.events.iter_mut().rev().find(|event| event.fault == Fault::Outlier)
                {
                    event.end_us = fix.ts_us;
                }
                (fix, Point::new(believed.x_m + offset.x_m, believed.y_m + offset.y_m))
            }
        }
    }
}

/// Degrees as whole multiples of 1e-7. The cast cuts off, which is quicker than rounding, and as good after adding a half.
#[expect(clippy::cast_possible_truncation, reason = "at most 180 degrees")]
fn rounded(degrees: f64) -> f64 {
    let tenths_of_micro = (degrees * 1e7 + 0.5_f64.copysign(degrees)) as i64;
    tenths_of_micro as f64 / 1e7
}

/// A heading without its decimals: it stays below 360.
#[expect(clippy::cast_possible_truncation, reason = "at most 360 degrees")]
fn whole(heading_deg: f64) -> f32 {
    heading_deg as i16 as f32
}

/// A number of single precision, in whole multiples of a part.
#[expect(clippy::cast_possible_truncation, reason = "phones write single precision; millions at most")]
fn single(number: f64, parts: f64) -> f32 {
    // The inverse is as good: single precision has a third of the digits. The compiler works it out once.
    (((number * parts + 0.5_f64.copysign(number)) as i64) as f64 * (1.0 / parts)) as f32
}
