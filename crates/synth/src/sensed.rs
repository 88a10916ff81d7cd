//! What a phone recorded, as numbers: one vector per kind of entry, each in order of writing.
//!
//! Turning them into entries is the business of whoever needs text; a day of a phone has hundreds of them.

use crate::truth::{LocaleIndex, Micros};

/// What a phone recorded in some stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// `background/location`, and its copies.
    pub fixes: Vec<Fix>,
    /// `background/motion_activity`.
    pub motions: Vec<Motion>,
    /// `statemachine/transition`.
    pub transitions: Vec<Transition>,
    /// `background/battery`.
    pub batteries: Vec<Battery>,
    /// `stats/client_time`, `stats/client_nav_event` and `stats/client_error`.
    pub stats: Vec<Stat>,
    /// `config/…`.
    pub configs: Vec<Config>,
    /// `manual/…`.
    pub labels: Vec<Label>,
}

/// A fix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    /// When it was measured.
    pub ts_us: Micros,
    /// When it was written.
    pub write_us: Micros,
    /// When its copy was written as `background/filtered_location`; none when the phone's filter dropped it.
    pub filtered_write_us: Option<Micros>,
    /// Degrees; whole multiples of 1e-7 on Android.
    pub latitude: f64,
    /// Degrees; whole multiples of 1e-7 on Android.
    pub longitude: f64,
    /// Metres; 0 for fixes from the network.
    pub altitude_m: f32,
    /// 68 % radius.
    pub accuracy_m: f32,
    /// Vertical accuracy; iOS only.
    pub vaccuracy_m: f32,
    /// 0 (Android) or −1 (iOS) when unknown.
    pub speed_m_s: f32,
    /// 0 (Android) or −1 (iOS) when unknown.
    pub bearing_deg: f32,
    /// Since the phone started; Android only.
    pub elapsed_ns: i64,
    /// The locale whose clock the phone showed.
    pub locale: LocaleIndex,
}

/// What the activity recogniser said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Motion {
    /// When.
    pub ts_us: Micros,
    /// When it was written; equal to `ts_us` on iOS.
    pub write_us: Micros,
    /// What.
    pub activity: Activity,
    /// 0 to 100; 50, 75 and 100 stand for low, medium and high on iOS.
    pub confidence: u8,
    /// The locale whose clock the phone showed.
    pub locale: LocaleIndex,
}

/// What an activity recogniser can say. The numbers are those of the stored form (`MotionTypes`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Activity {
    /// In a vehicle.
    InVehicle = 0,
    /// On a bicycle.
    Bicycling = 1,
    /// On foot; Android only.
    OnFoot = 2,
    /// Not moving.
    Still = 3,
    /// Cannot say.
    Unknown = 4,
    /// The phone was turned; Android only.
    Tilting = 5,
    /// Walking.
    Walking = 7,
    /// Running.
    Running = 8,
    /// No flag is set; iOS only.
    None = 9,
    /// Not moving, in a vehicle; iOS only.
    StoppedInVehicle = 10,
}

/// A step of the phone's trip state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub write_us: Micros,
    /// The state before the step.
    pub state: State,
    /// What happened.
    pub step: Step,
    /// The locale whose clock the phone showed.
    pub locale: LocaleIndex,
}

/// A state of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Never started.
    Start,
    /// At rest.
    WaitingForTripStart,
    /// Tracking.
    OngoingTrip,
    /// Switched off.
    TrackingStopped,
    /// Not known, after the phone started; Android only.
    Unknown,
}

/// What moves the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the protocol's, and say what they mean")]
pub enum Step {
    Initialize,
    ExitedGeofence,
    StoppedMoving,
    StopTracking,
    StartTracking,
    Booted,
    InitComplete,
    TripStarted,
    ReceivedSilentPush,
    TripEndDetected,
    TripRestarted,
    EndTripTracking,
    Nop,
    VisitStarted,
    VisitEnded,
    DataPushed,
}

/// A battery reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Battery {
    /// When.
    pub write_us: Micros,
    /// 0 to 100.
    pub level_pct: f32,
    /// Whether it is being charged.
    pub is_charging: bool,
    /// Tenths of a degree Celsius; Android only.
    pub temperature: i16,
    /// The locale whose clock the phone showed.
    pub locale: LocaleIndex,
}

/// What the app says about itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stat {
    /// When.
    pub write_us: Micros,
    /// Which of the three keys.
    pub kind: StatKind,
    /// Such as `push_duration`.
    pub name: &'static str,
    /// The value, in the unit of the name.
    pub reading: f64,
    /// The locale whose clock the phone showed.
    pub locale: LocaleIndex,
}

/// Which key a stat is written under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatKind {
    /// `stats/client_time`
    Time,
    /// `stats/client_nav_event`
    NavEvent,
    /// `stats/client_error`
    Error,
}

/// A configuration that was set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// When.
    pub write_us: Micros,
    /// Which, with its values.
    pub setting: Setting,
    /// The locale whose clock the phone showed.
    pub locale: LocaleIndex,
}

/// The configurations that a phone sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting {
    /// `config/sensor_config`
    Sensor {
        /// iOS: the distance between fixes; none on Android.
        filter_distance_m: Option<f64>,
        /// Android: the time between fixes in milliseconds; none on iOS.
        filter_time_ms: Option<u32>,
    },
    /// `config/sync_config`
    Sync {
        /// Seconds between syncs.
        sync_interval_s: u32,
    },
    /// `config/consent`
    Consent,
}

/// What a person said about a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// When they said it.
    pub write_us: Micros,
    /// The trip's start as the diary shows it.
    pub start_us: Micros,
    /// The trip's end as the diary shows it.
    pub end_us: Micros,
    /// What it is about.
    pub about: About,
    /// What they said, such as `drove_alone`.
    pub label: &'static str,
    /// The locale whose clock the phone showed.
    pub locale: LocaleIndex,
}

/// What a label is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// `manual/mode_confirm`
    Mode,
    /// `manual/purpose_confirm`
    Purpose,
    /// `manual/replaced_mode`
    ReplacedMode,
}

impl Recording {
    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many entries it makes: a fix that passed the filter counts twice.
    pub fn count(&self) -> usize {
        let copies = self.fixes.iter().filter(|fix| fix.filtered_write_us.is_some()).count();
        self.fixes.len()
            + copies
            + self.motions.len()
            + self.transitions.len()
            + self.batteries.len()
            + self.stats.len()
            + self.configs.len()
            + self.labels.len()
    }
}

impl State {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::WaitingForTripStart => "waiting_for_trip_start",
            Self::OngoingTrip => "ongoing_trip",
            Self::TrackingStopped => "tracking_stopped",
            Self::Unknown => "unknown",
        }
    }
}

impl Step {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::ExitedGeofence => "exited_geofence",
            Self::StoppedMoving => "stopped_moving",
            Self::StopTracking => "stop_tracking",
            Self::StartTracking => "start_tracking",
            Self::Booted => "booted",
            Self::InitComplete => "init_complete",
            Self::TripStarted => "trip_started",
            Self::ReceivedSilentPush => "received_silent_push",
            Self::TripEndDetected => "trip_end_detected",
            Self::TripRestarted => "trip_restarted",
            Self::EndTripTracking => "end_trip_tracking",
            Self::Nop => "nop",
            Self::VisitStarted => "visit_started",
            Self::VisitEnded => "visit_ended",
            Self::DataPushed => "data_pushed",
        }
    }
}
