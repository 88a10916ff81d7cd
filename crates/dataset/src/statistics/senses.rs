//! What one phone sensed: what every statistic of phones is made from, wherever it was read.

use rushhour_synth::sensed::{Activity, Recording};
use rushhour_synth::truth::SECOND_US;
use serde_json::Value;

/// What one phone sensed, in order of time after [`Senses::sort`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Senses {
    /// The fixes that passed its filter.
    pub sightings: Vec<Sighting>,
    /// What its activity recogniser said.
    pub readings: Vec<Reading>,
}

/// A fix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// In seconds since 1970.
    pub ts: f64,
    /// In degrees.
    pub latitude: f64,
    /// In degrees.
    pub longitude: f64,
    /// 68 % radius.
    pub accuracy_m: f64,
    /// 0 or less when unknown.
    pub speed_m_s: f64,
}

/// A word of an activity recogniser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// In seconds since 1970.
    pub ts: f64,
    /// What.
    pub activity: Option<Activity>,
    /// 0 to 100.
    pub confidence: f64,
}

impl Senses {
    /// Adds what a phone recorded.
    pub fn record(&mut self, recording: &Recording) {
        let seconds = |us: i64| us as f64 / SECOND_US as f64;
        let kept = recording.fixes.iter().filter(|fix| fix.filtered_write_us.is_some());
        self.sightings.extend(kept.map(|fix| Sighting {
            ts: seconds(fix.ts_us),
            latitude: fix.latitude,
            longitude: fix.longitude,
            accuracy_m: f64::from(fix.accuracy_m),
            speed_m_s: f64::from(fix.speed_m_s),
        }));
        self.readings.extend(recording.motions.iter().map(|motion| Reading {
            ts: seconds(motion.ts_us),
            activity: Some(motion.activity),
            confidence: f64::from(motion.confidence),
        }));
    }

    /// Adds an entry in stored form; none but fixes and activities count.
    pub fn note(&mut self, entry: &Value) {
        let number = |name: &str| entry.get("data")?.get(name)?.as_f64();
        let key = entry.pointer("/metadata/key").and_then(Value::as_str);
        match key {
            Some("background/filtered_location") => {
                let sighting = || {
                    Some(Sighting {
                        ts: number("ts")?,
                        latitude: number("latitude")?,
                        longitude: number("longitude")?,
                        accuracy_m: number("accuracy")?,
                        speed_m_s: number("sensed_speed").unwrap_or(0.0),
                    })
                };
                self.sightings.extend(sighting());
            }
            Some("background/motion_activity") => {
                let reading = || {
                    let activity = number("type").and_then(activity);
                    Some(Reading { ts: number("ts")?, activity, confidence: number("confidence")? })
                };
                self.readings.extend(reading());
            }
            _ => {}
        }
    }

    /// Puts everything in order of time.
    pub fn sort(&mut self) {
        self.sightings.sort_by(|a, b| a.ts.total_cmp(&b.ts));
        self.readings.sort_by(|a, b| a.ts.total_cmp(&b.ts));
    }
}

/// The activity with this number in the stored form.
fn activity(number: f64) -> Option<Activity> {
    use Activity::{Bicycling, InVehicle, None, OnFoot, Running, Still, StoppedInVehicle, Tilting, Unknown, Walking};
    let all = [InVehicle, Bicycling, OnFoot, Still, Unknown, Tilting, Walking, Running, None, StoppedInVehicle];
    all.into_iter().find(|activity| f64::from(*activity as u8) == number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_in_stored_form_are_noted() {
        let mut senses = Senses::default();
        for entry in [
            json!({"metadata": {"key": "background/motion_activity"}, "data": {"ts": 5.0, "type": 0, "confidence": 88}}),
            json!({"metadata": {"key": "background/location"}, "data": {"ts": 1.0}}),
            json!({"metadata": {"key": "background/filtered_location"}, "data":
                {"ts": 2.5, "latitude": 39.7, "longitude": -105.0, "accuracy": 12.0, "sensed_speed": 1.5}}),
            json!({"metadata": {"key": "background/filtered_location"}, "data": {"ts": 1.5}}),
        ] {
            senses.note(&entry);
        }
        let reading = Reading { ts: 5.0, activity: Some(Activity::InVehicle), confidence: 88.0 };
        assert_eq!(senses.readings, [reading]);
        assert_eq!(senses.sightings.iter().map(|sighting| sighting.accuracy_m).collect::<Vec<_>>(), [12.0]);
    }
}
