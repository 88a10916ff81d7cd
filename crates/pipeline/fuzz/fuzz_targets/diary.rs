//! Any rows at all become a diary that can be shown, and the same one when the second half of the rows comes later.
//!
//! `cargo +nightly fuzz run diary` in `crates/pipeline`.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use rushhour_model::entry::Entry;
use rushhour_model::ids::{UserId, entry_id};
use rushhour_pipeline::chapter::{Chapter, Opening};
use rushhour_pipeline::documents::{Wanted, documents};
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::timeline::all_trips;
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write};
use serde_json::{Value, json};

#[derive(Arbitrary, Clone, Debug)]
enum Row {
    /// A fix so many seconds after the last row, so many millidegrees from the last place.
    Fix { after_s: i16, lag_s: i16, east: i8, north: i8, is_ios: bool },
    /// A fix anywhere.
    FixAnywhere { longitude: f64, latitude: f64, ts: f64 },
    Motion { after_s: i16, activity: u8, confidence: u8 },
    Transition { after_s: i16, name: u8 },
    Label { start_s: i16, end_s: i16 },
}

const TRANSITIONS: [&str; 5] = [
    "local.transition.exited_geofence",
    "local.transition.stopped_moving",
    "local.transition.stop_tracking",
    "booted",
    "local.transition.initialize",
];

struct Phone {
    ts: f64,
    at: (f64, f64),
}

impl Phone {
    fn entry(&mut self, row: Row) -> Value {
        let mut pass = |after_s: i16| {
            self.ts += f64::from(after_s);
            self.ts
        };
        let (key, ts, platform, data) = match row {
            Row::Fix { after_s, lag_s, east, north, is_ios } => {
                let ts = pass(after_s);
                self.at = (self.at.0 + f64::from(east) * 1e-3, self.at.1 + f64::from(north) * 1e-3);
                let (platform, filter) = if is_ios { ("ios", "distance") } else { ("android", "time") };
                let data = json!({"longitude": self.at.0, "latitude": self.at.1, "ts": ts - f64::from(lag_s),
                    "bearing": 0, "filter": filter});
                ("background/filtered_location", ts, platform, data)
            }
            Row::FixAnywhere { longitude, latitude, ts } => {
                let data = json!({"longitude": longitude, "latitude": latitude, "ts": ts, "bearing": 0, "filter": "time"});
                ("background/filtered_location", ts, "android", data)
            }
            Row::Motion { after_s, activity, confidence } => {
                let ts = pass(after_s);
                ("background/motion_activity", ts, "android", json!({"ts": ts, "type": activity % 12, "confidence": confidence % 101}))
            }
            Row::Transition { after_s, name } => {
                let ts = pass(after_s);
                let name = TRANSITIONS[usize::from(name) % TRANSITIONS.len()];
                let data = json!({"currState": "local.state.ongoing_trip", "transition": name, "ts": ts});
                ("statemachine/transition", ts, "android", data)
            }
            Row::Label { start_s, end_s } => {
                let data = json!({"start_ts": self.ts + f64::from(start_s), "end_ts": self.ts + f64::from(end_s), "label": "walk"});
                ("manual/mode_confirm", self.ts, "android", data)
            }
        };
        let metadata = json!({"key": key, "type": "sensor-data", "platform": platform, "write_ts": ts, "time_zone": "Asia/Tokyo"});
        json!({"metadata": metadata, "data": data})
    }
}

fn observed(entries: &[Entry], from: f64) -> Observations {
    let mut observations = Observations::default();
    for entry in entries.iter().filter(|entry| entry.metadata.write_s() >= from) {
        let id = entry_id(user(), &entry.metadata.kind, &entry.metadata.key, entry.metadata.write_s());
        observations.push(id, entry.clone());
    }
    observations
}

fn user() -> UserId {
    UserId(Default::default())
}

fn written(mut observations: Observations, opening: Opening) -> Vec<Chapter> {
    observations.take_inputs();
    let settings = Settings { user: user(), stops: &Stops::default(), model: &Model::default() };
    write(observations, Vec::new(), opening, &settings)
}

fuzz_target!(|rows: Vec<Row>| {
    let mut phone = Phone { ts: 1.7e9, at: (0.0, 0.0) };
    let entries = rows.into_iter().map(|row| phone.entry(row));
    // What JSON cannot hold becomes null, and no entry.
    let mut entries: Vec<Entry> = entries.filter_map(|value| Entry::try_from(value).ok()).collect();
    entries.sort_by(|one, other| one.metadata.write_s().total_cmp(&other.metadata.write_s()));
    let whole = written(observed(&entries, f64::NEG_INFINITY), Opening::first());
    documents(user(), &whole, &[], Wanted::All);
    all_trips(&whole, &[]);

    let (first, second) = entries.split_at(entries.len() / 2);
    let mut chapters = written(observed(first, f64::NEG_INFINITY), Opening::first());
    let news = observed(second, f64::NEG_INFINITY).news();
    let standing = chapters.iter().rposition(|chapter| chapter.opening.stands(&news)).unwrap_or(0);
    let opening = chapters[standing].opening.clone();
    chapters.truncate(standing);
    let from = opening.start.map_or(f64::NEG_INFINITY, |start| start.needs_from_write_ts);
    chapters.extend(written(observed(&entries, from), opening));
    assert_eq!(chapters, whole);
});
