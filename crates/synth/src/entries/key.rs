//! The keys that phones write under.

use rushhour_model::entry::key;

use crate::phone::Platform;
use crate::sensed::{About, Recording, Setting, StatKind};

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the keys'")]
pub enum Key {
    Location,
    FilteredLocation,
    Motion,
    Transition,
    Battery,
    ClientTime,
    ClientNavEvent,
    ClientError,
    SensorConfig,
    SyncConfig,
    Consent,
    ModeConfirm,
    PurposeConfirm,
    ReplacedMode,
}

impl Key {
    /// Every key, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::Location,
        Self::FilteredLocation,
        Self::Motion,
        Self::Transition,
        Self::Battery,
        Self::ClientTime,
        Self::ClientNavEvent,
        Self::ClientError,
        Self::SensorConfig,
        Self::SyncConfig,
        Self::Consent,
        Self::ModeConfirm,
        Self::PurposeConfirm,
        Self::ReplacedMode,
    ];

    /// The name in entries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Location => key::LOCATION,
            Self::FilteredLocation => key::FILTERED_LOCATION,
            Self::Motion => key::MOTION_ACTIVITY,
            Self::Transition => key::TRANSITION,
            Self::Battery => key::BATTERY,
            Self::ClientTime => key::CLIENT_TIME,
            Self::ClientNavEvent => key::CLIENT_NAV_EVENT,
            Self::ClientError => key::CLIENT_ERROR,
            Self::SensorConfig => key::SENSOR_CONFIG,
            Self::SyncConfig => key::SYNC_CONFIG,
            Self::Consent => key::CONSENT,
            Self::ModeConfirm => key::MODE_CONFIRM,
            Self::PurposeConfirm => key::PURPOSE_CONFIRM,
            Self::ReplacedMode => key::REPLACED_MODE,
        }
    }

    /// How many entries a recording makes under each key, in the order of [`Self::ALL`].
    pub fn count(recording: &Recording) -> [u64; Self::ALL.len()] {
        let Recording { fixes, motions, transitions, batteries, stats, configs, labels } = recording;
        let mut counts = [0; Self::ALL.len()];
        let mut add = |key: Self, count: usize| {
            *counts.get_mut(key as usize).expect("keys are numbered in their order") += count as u64;
        };
        add(Self::Location, fixes.len());
        add(Self::FilteredLocation, fixes.iter().filter(|fix| fix.filtered_write_us.is_some()).count());
        add(Self::Motion, motions.len());
        add(Self::Transition, transitions.len());
        add(Self::Battery, batteries.len());
        stats.iter().for_each(|stat| add(stat.kind.into(), 1));
        configs.iter().for_each(|config| add((&config.setting).into(), 1));
        labels.iter().for_each(|label| add(label.about.into(), 1));
        counts
    }

    /// How a phone keeps what is under it: emission-format a.3.
    fn kind(self, platform: Platform) -> &'static str {
        match self {
            Self::Battery if platform == Platform::Ios => "message",
            Self::Location | Self::FilteredLocation | Self::Motion | Self::Battery => "sensor-data",
            Self::SensorConfig | Self::SyncConfig | Self::Consent => "rw-document",
            _ => "message",
        }
    }

    /// All of an entry that comes before its write time.
    pub(super) fn head(self, platform: Platform, zone_name: &str) -> Vec<u8> {
        // What iOS asks the system for when it uploads was written by no plugin.
        let plugin = match (platform, self) {
            (Platform::Android, _) => "",
            (Platform::Ios, Self::Motion) => "\"plugin\":null,",
            (Platform::Ios, _) => "\"plugin\":\"none\",",
        };
        let (key, kind, platform) = (self.name(), self.kind(platform), platform.name());
        format!(
            "{{\"metadata\":{{\"key\":\"{key}\",\"platform\":\"{platform}\",{plugin}\"read_ts\":0,\
             \"time_zone\":\"{zone_name}\",\"type\":\"{kind}\",\"write_ts\":"
        )
        .into_bytes()
    }
}

impl From<StatKind> for Key {
    fn from(kind: StatKind) -> Self {
        match kind {
            StatKind::Time => Self::ClientTime,
            StatKind::NavEvent => Self::ClientNavEvent,
            StatKind::Error => Self::ClientError,
        }
    }
}

impl From<&Setting> for Key {
    fn from(setting: &Setting) -> Self {
        match setting {
            Setting::Sensor { .. } => Self::SensorConfig,
            Setting::Sync { .. } => Self::SyncConfig,
            Setting::Consent => Self::Consent,
        }
    }
}

impl From<About> for Key {
    fn from(about: About) -> Self {
        match about {
            About::Mode => Self::ModeConfirm,
            About::Purpose => Self::PurposeConfirm,
            About::ReplacedMode => Self::ReplacedMode,
        }
    }
}
