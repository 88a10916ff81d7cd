//! Phones: what they notice of their owners' movements, and what they tell the server.
//!
//! Both state machines of e-mission's app are modelled: geofence, tracking, the end of a trip, what is written when, and
//! what is sent when. A phone is shown what its owner does, stretch by stretch, and knows nothing but that.
//!
//! What of a trip a phone recorded, and whether that is enough for a pipeline to find it, is told by [`Noticed`].

mod android;
mod battery;
mod cadence;
mod crossing;
mod curve;
mod device;
mod faults;
mod fence;
mod handset;
mod ios;
mod leg;
mod motion;
mod noise;
mod notebook;
mod parameters;
mod recent;
mod sync;
mod watch;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::plane::{Locale, Point};
use crate::sensed::Label;
use crate::track::Track;
use crate::truth::{Event, LocaleIndex, Micros, SECOND_US};
use crate::upload::Call;

use self::android::Android;
use self::device::Device;
use self::fence::Fence;
use self::ios::Ios;
use self::leg::{Leg, still};

pub use self::handset::Handset;
pub use self::parameters::{NonNegative, PhoneParameters, Positive};

/// The operating system of a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Android.
    Android,
    /// iOS.
    Ios,
}

impl Platform {
    /// The name in files, flags and entries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
        }
    }
}

/// What a phone's owner does between two changes.
#[derive(Clone, Debug)]
pub enum Stretch<'a> {
    /// They stay.
    Stay(Stay),
    /// They move.
    Move(&'a Track),
}

/// Time at one place.
#[derive(Clone, Copy, Debug)]
pub struct Stay {
    /// Where.
    pub at: Point,
    /// In which locale.
    pub locale: LocaleIndex,
    /// Until when; it began when the stretch before it ended.
    pub until_us: Micros,
}

/// What a phone made of a day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Witnessed {
    /// Its calls, in order of time.
    pub calls: Vec<Call>,
    /// What went wrong.
    pub events: Vec<Event>,
    /// What it has of each trip.
    pub trips: Vec<Noticed>,
}

/// What a phone recorded of a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// The trip's id.
    pub trip: u32,
    /// Write times of the first and the last filtered location within the trip's true times.
    pub sensed_us: Option<(Micros, Micros)>,
    /// How many filtered locations.
    pub fixes: u32,
    /// Whether the recording holds the trip. It does not
    ///
    /// * when a fault hid it or cut it: an exit that was missed or late (on iOS that of the next trip on that day, too: its
    ///   first fix is all that tells that this one was over), the app killed, a reboot, fixes written too late, a gap in
    ///   which it ended or that was more than half of it, and after any of these until the phone knows again where its
    ///   owner is;
    /// * when its owner waited on the way for so long that the phone took the wait for a stay;
    /// * when no fix was taken in its first or its last 4.5 minutes, or for 9 minutes between, be it in a tunnel or
    ///   because the exit was noticed so late;
    /// * when there were fewer than 5 filtered fixes on Android, or 3 on iOS, or the first was nearer than 150 m to the
    ///   end: next to nothing of a short trip is on the record when its exit is noticed.
    pub is_clean: bool,
}

/// A phone that somebody carries through a study.
#[derive(Clone, Debug)]
pub struct Phone {
    device: Device,
    machine: Machine,
    is_installed: bool,
    now_us: Micros,
}

/// The state machine that decides when a phone senses.
#[derive(Clone, Debug)]
enum Machine {
    Android(Android),
    Ios(Box<Ios>),
}

/// How often a phone writes down its configuration again: a choice.
const CONFIGURED_PER_DAY: f64 = 0.02;

impl Phone {
    /// A phone that is started for the first time.
    pub fn new(
        handset: Handset,
        parameters: &PhoneParameters,
        locales: &[Locale],
        home: Point,
        start_us: Micros,
        seed: u64,
        user: u32,
    ) -> Self {
        let fence = Fence::around((home, 0));
        let machine = match handset.platform {
            Platform::Android => Machine::Android(Android::new(fence, start_us)),
            Platform::Ios => Machine::Ios(Box::new(Ios::new(fence, parameters, start_us))),
        };
        let device = Device::new(handset, parameters, locales, start_us, (seed, user));
        Self { device, machine, is_installed: false, now_us: start_us }
    }

    /// A new day begins: day `day` of the study.
    pub fn begin_day(&mut self, day: u32) {
        let Self { device, machine, now_us, .. } = self;
        device.begin_day(day, *now_us);
        if !self.is_installed {
            self.is_installed = true;
            match machine {
                Machine::Android(android) => android.install(device, *now_us + SECOND_US),
                Machine::Ios(ios) => ios.install(device, *now_us + SECOND_US),
            }
        }
        let is_configured = device.chances.syncs.random_bool(CONFIGURED_PER_DAY);
        let at_us = *now_us + device.chances.syncs.random_range(8..20) * 3_600 * SECOND_US;
        match machine {
            Machine::Android(android) if is_configured => android.configure(device, at_us),
            Machine::Ios(ios) if is_configured => ios.configure(device, at_us),
            _ => {}
        }
    }

    /// Its owner does something.
    pub fn live(&mut self, stretch: &Stretch<'_>) {
        match stretch {
            Stretch::Move(track) => {
                self.device.depart(track);
                self.follow(&Leg { pieces: &track.pieces, track: Some(track) });
                self.device.arrive();
            }
            Stretch::Stay(stay) if stay.until_us > self.now_us => {
                self.follow(&Leg { pieces: &[still(stay, self.now_us)], track: None });
            }
            Stretch::Stay(_) => {}
        }
    }

    fn follow(&mut self, leg: &Leg<'_>) {
        match &mut self.machine {
            Machine::Android(android) => android.live(&mut self.device, leg),
            Machine::Ios(ios) => ios.live(&mut self.device, leg),
        }
        self.now_us = leg.end_us();
    }

    /// Its owner says something.
    pub fn say(&mut self, label: Label) {
        self.device.notebook.label(label);
    }

    /// What it made of the day.
    pub fn end_day(&mut self) -> Witnessed {
        std::mem::take(&mut self.device.witnessed)
    }

    /// What it made of the last day: with all that may be sent and was not.
    pub fn end_study(&mut self) -> Witnessed {
        match &mut self.machine {
            Machine::Android(android) => android.send_rest(&mut self.device, self.now_us),
            Machine::Ios(ios) => ios.send_rest(&mut self.device, self.now_us),
        }
        self.end_day()
    }
}
