//! Entries as phones might send them: days of trips, with everything that goes wrong on the way.

use proptest::prelude::*;
use rand::RngExt;
use rand::rngs::StdRng;
use rushhour_model::entry::Entry;
use serde_json::{Value, json};

/// 2024-05-06 in UTC.
const MONDAY_TS: f64 = 1_714_953_600.0;
const METRES_IN_DEGREE: f64 = 111_195.0;

/// Which phones a person carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phone {
    Android,
    Ios,
    /// First one, then the other.
    Both,
}

pub(crate) fn phones() -> impl Strategy<Value = Phone> {
    prop_oneof![Just(Phone::Android), Just(Phone::Ios), Just(Phone::Both)]
}

/// The entries of some days, in the order of their times.
pub(crate) fn made(phone: Phone, days: u32, rng: &mut StdRng) -> Vec<Entry> {
    let mut day = Day {
        entries: Vec::new(),
        is_ios: matches!(phone, Phone::Ios),
        ts: MONDAY_TS,
        at: [7.0, 47.0],
        ahead_s: -0.25,
    };
    for number in 0..days {
        day.ts = MONDAY_TS + f64::from(number) * 86_400.0 + rng.random_range(20_000.0..30_000.0);
        if matches!(phone, Phone::Both) {
            day.is_ios = number >= days / 2;
        }
        for _ in 0..rng.random_range(1..6) {
            day.trip(rng);
            day.ts += rng.random_range(400.0..9_000.0);
            day.go_wrong(rng);
        }
    }
    day.entries.into_iter().map(|value| Entry::try_from(value).unwrap()).collect()
}

struct Day {
    entries: Vec<Value>,
    is_ios: bool,
    ts: f64,
    /// Degrees east and north.
    at: [f64; 2],
    /// How far activities are ahead of their write time.
    ahead_s: f64,
}

impl Day {
    fn push(&mut self, key: &str, kind: &str, write_ts: f64, data: Value) {
        let platform = if self.is_ios { "ios" } else { "android" };
        let zone = if self.at[0] > 7.2 { "Europe/Vienna" } else { "Europe/Zurich" };
        let metadata = json!({"key": key, "type": kind, "platform": platform, "write_ts": write_ts, "time_zone": zone});
        self.entries.push(json!({"metadata": metadata, "data": data}));
    }

    fn transition(&mut self, android: &str, ios: &str) {
        let (state, name) = match self.is_ios {
            true => ("STATE_WAITING_FOR_TRIP_START", ios),
            false => ("local.state.ongoing_trip", android),
        };
        let data = json!({"currState": state, "transition": name, "ts": self.ts});
        self.push("statemachine/transition", "message", self.ts, data);
        self.ts += 0.5;
    }

    fn motion(&mut self, speed: f64) {
        let data = if self.is_ios {
            let flag = |low: f64, high: f64| speed >= low && speed < high;
            json!({"ts": self.ts, "confidence": "high", "stationary": speed == 0.0, "walking": flag(0.1, 3.0),
                "running": false, "automotive": speed >= 8.0, "cycling": flag(3.0, 8.0), "unknown": false})
        } else {
            let activity = [(0.0, 3), (3.0, 2), (8.0, 1), (99.0, 0)].iter().find(|(max, _)| speed <= *max).unwrap().1;
            json!({"ts": self.ts + self.ahead_s, "confidence": 90, "type": activity})
        };
        self.push("background/motion_activity", "sensor-data", self.ts, data);
    }

    fn fix(&mut self, lag: f64, rng: &mut StdRng) {
        let noise = || -> f64 { 5.0 / METRES_IN_DEGREE };
        let at = self.at.map(|degrees| degrees + rng.random_range(-1.0..1.0) * noise());
        let filter = if self.is_ios { "distance" } else { "time" };
        let data = json!({"longitude": at[0], "latitude": at[1], "ts": self.ts - lag, "altitude": 400.5, "accuracy": 10,
            "bearing": 0, "sensed_speed": 1, "filter": filter});
        self.push("background/filtered_location", "sensor-data", self.ts, data);
    }

    fn trip(&mut self, rng: &mut StdRng) {
        let start_ts = self.ts;
        self.ahead_s = *[-0.25, -0.25, -40.0, 700.0].get(rng.random_range(0..4_usize)).unwrap();
        self.transition("local.transition.exited_geofence", "T_EXITED_GEOFENCE");
        // The first fix of a trip comes late now and then, behind the first activities.
        let late_s = rng.random_range(0.0..60.0);
        for _ in 0..2 {
            self.ts += 10.0;
            self.motion(1.3);
        }
        self.fix(late_s, rng);
        for _ in 0..rng.random_range(1..4) {
            let speed = *[1.3, 4.5, 14.0].get(rng.random_range(0..3_usize)).unwrap();
            let angle: f64 = rng.random_range(0.0..std::f64::consts::TAU);
            let until = self.ts + rng.random_range(30.0..1_500.0);
            let interval = if self.is_ios { 50.0 / speed } else { 30.0 };
            while self.ts < until {
                self.ts += interval + rng.random_range(0.0..2.0);
                self.at[0] += speed * interval * angle.sin() / METRES_IN_DEGREE;
                self.at[1] += speed * interval * angle.cos() / METRES_IN_DEGREE;
                match rng.random_range(0..40) {
                    0 => self.fix(rng.random_range(0.0..90.0), rng),
                    1 => self.fix(rng.random_range(0.0..2_000.0), rng),
                    2 => self.ts += rng.random_range(0.0..1_000.0),
                    _ => self.fix(0.125, rng),
                }
                self.ts += 0.25;
                let sensed = if rng.random_range(0..15) == 0 { 14.0 } else { speed };
                self.motion(sensed);
            }
        }
        if !self.is_ios {
            for _ in 0..rng.random_range(3..14) {
                self.ts += 30.0;
                self.fix(0.125, rng);
            }
        }
        self.ts += 10.0;
        if rng.random_range(0..4) > 0 {
            self.transition("local.transition.stopped_moving", "T_TRIP_ENDED");
        }
        self.label(start_ts, rng);
    }

    fn label(&mut self, start_ts: f64, rng: &mut StdRng) {
        let data = json!({"start_ts": start_ts + 60.0, "end_ts": self.ts - 60.0, "label": "walk"});
        self.push("manual/mode_confirm", "message", self.ts + rng.random_range(10.0..200_000.0), data);
    }

    fn go_wrong(&mut self, rng: &mut StdRng) {
        match rng.random_range(0..7) {
            // The phone thinks that somebody left, and nobody did.
            2 | 3 => {
                for _ in 0..4 {
                    let metres: f64 = rng.random_range(-70.0..70.0);
                    self.at[1] += metres / METRES_IN_DEGREE;
                    self.fix(0.125, rng);
                    self.ts += rng.random_range(300.0..900.0);
                }
            }
            // iOS saw a visit end, early or late.
            4 => {
                self.ts -= 300.0;
                self.transition("local.transition.initialize", "T_VISIT_ENDED");
                self.ts += 300.0;
            }
            0 => {
                self.transition("booted", "booted");
                self.at[0] += 0.05;
            }
            1 => self.at[0] -= 0.08,
            _ => {}
        }
        self.ts += 30.0;
    }
}
