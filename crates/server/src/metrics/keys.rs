//! Entries by key. A phone can make up any key, and every label is kept for ever: only known ones are named.

use rushhour_model::entry::key;

/// The keys that are named, and the word for all others.
const NAMES: [&str; 22] = [
    key::LOCATION,
    key::FILTERED_LOCATION,
    key::MOTION_ACTIVITY,
    key::ACTIVITY,
    key::BATTERY,
    key::BLUETOOTH,
    key::TRANSITION,
    key::SENSOR_CONFIG,
    key::SYNC_CONFIG,
    key::CONSENT,
    key::APP_UI_CONFIG,
    key::CLIENT_TIME,
    key::CLIENT_NAV_EVENT,
    key::CLIENT_ERROR,
    key::MODE_CONFIRM,
    key::PURPOSE_CONFIRM,
    key::REPLACED_MODE,
    key::TRIP_USER_INPUT,
    key::TRIP_ADDITION_INPUT,
    key::PLACE_ADDITION_INPUT,
    key::DEMOGRAPHIC_SURVEY,
    "other",
];

/// How many entries each of the named keys has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyCounts([u64; NAMES.len()]);

impl KeyCounts {
    /// Counts; entries of one key mostly stand together, so hardly any is looked up.
    pub(crate) fn of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let mut counts = Self::default();
        let mut last = ("", 0);
        for key in keys {
            if key != last.0 {
                let known = NAMES.iter().position(|name| *name == key);
                last = (key, known.unwrap_or(NAMES.len() - 1));
            }
            if let Some(count) = counts.0.get_mut(last.1) {
                *count += 1;
            }
        }
        counts
    }

    /// One entry of a key that is not named.
    pub(crate) fn other() -> Self {
        let mut counts = Self::default();
        if let Some(other) = counts.0.last_mut() {
            *other = 1;
        }
        counts
    }

    /// All names.
    pub(crate) fn names() -> [&'static str; NAMES.len()] {
        NAMES
    }

    /// The keys that were there, and how often.
    pub(crate) fn present(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_keys_are_named() {
        let keys = ["background/battery", "made/up", "background/battery", "other", "background/location"];
        let counts: Vec<_> = KeyCounts::of(keys).present().collect();
        assert_eq!(counts, [(key::LOCATION, 1), (key::BATTERY, 2), ("other", 2)]);
    }
}
