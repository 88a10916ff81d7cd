//! What synthetic phones record of simple lives becomes the trips that were made.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]
#![expect(clippy::cast_possible_truncation, reason = "numbers are small")]

#[path = "../../synth/tests/support/lives.rs"]
mod lives;

use rushhour_model::entry::Entry;
use rushhour_model::ids::{UserId, entry_id};
use rushhour_pipeline::chapter::Opening;
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::position::Position;
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write};
use rushhour_synth::phone::{Handset, PhoneParameters, Platform};
use rushhour_synth::sensed::{Activity, Recording, State, Step};
use rushhour_synth::track::Track;
use rushhour_synth::truth::SECOND_US;
use rushhour_synth::upload::Request;
use serde_json::{Value, json};

use lives::{phone, place, planned, witnessed};

/// Matches are within these: issue 5, "Recovered".
const WITHIN_S: f64 = 300.0;
const WITHIN_M: f64 = 250.0;
const STAY_ANDROID_S: f64 = 480.0;
const STAY_IOS_S: f64 = 2_400.0;
const LENGTH_M: f64 = 300.0;

/// What is found of a trip: when and where it starts and ends.
struct Found {
    start: (f64, Position),
    end: (f64, Position),
}

#[derive(Default, Debug)]
struct Score {
    expected: u32,
    matched: u32,
    found: u32,
    true_found: u32,
}

fn entries(recording: &Recording, platform: Platform) -> Vec<Value> {
    let name = platform.name();
    let entry = |key: &str, kind: &str, write_us: i64, data: Value| {
        let write_ts = write_us as f64 / 1e6;
        json!({"metadata": {"key": key, "type": kind, "platform": name, "write_ts": write_ts, "read_ts": 0, "time_zone": "Etc/UTC"}, "data": data})
    };
    let filter = if platform == Platform::Ios { "distance" } else { "time" };
    let fixes = recording.fixes.iter().filter_map(|fix| {
        let data = json!({"latitude": fix.latitude, "longitude": fix.longitude, "ts": fix.ts_us as f64 / 1e6, "accuracy": fix.accuracy_m,
            "sensed_speed": fix.speed_m_s, "bearing": fix.bearing_deg, "altitude": fix.altitude_m, "filter": filter});
        Some(entry("background/filtered_location", "sensor-data", fix.filtered_write_us?, data))
    });
    let motions = recording.motions.iter().map(|row| {
        let ts = row.ts_us as f64 / 1e6;
        let is = |activity| row.activity == activity;
        let data = match platform {
            Platform::Android => json!({"ts": ts, "confidence": row.confidence, "type": row.activity as u8}),
            Platform::Ios => json!({
                "ts": ts, "confidence": if row.confidence == 100 { "high" } else if row.confidence == 75 { "medium" } else { "low" },
                "stationary": is(Activity::Still) || is(Activity::StoppedInVehicle), "walking": is(Activity::Walking),
                "running": false, "automotive": is(Activity::InVehicle) || is(Activity::StoppedInVehicle),
                "cycling": is(Activity::Bicycling), "unknown": false,
            }),
        };
        entry("background/motion_activity", "sensor-data", row.write_us, data)
    });
    let transitions = recording.transitions.iter().map(|row| {
        let (state, step) = match platform {
            Platform::Android => android_words(row.state, row.step),
            Platform::Ios => ios_words(row.state, row.step),
        };
        let data = json!({"currState": state, "transition": step, "ts": row.write_us as f64 / 1e6});
        entry("statemachine/transition", "message", row.write_us, data)
    });
    fixes.chain(motions).chain(transitions).collect()
}

fn android_words(state: State, step: Step) -> (&'static str, &'static str) {
    let state = match state {
        State::Start => "local.state.start",
        State::OngoingTrip => "local.state.ongoing_trip",
        State::Unknown => "unknown",
        _ => "local.state.waiting_for_trip_start",
    };
    let step = match step {
        Step::ExitedGeofence => "local.transition.exited_geofence",
        Step::StoppedMoving => "local.transition.stopped_moving",
        Step::Booted => "booted",
        _ => "local.transition.initialize",
    };
    (state, step)
}

fn ios_words(state: State, step: Step) -> (&'static str, &'static str) {
    let state = match state {
        State::Start => "STATE_START",
        State::OngoingTrip => "STATE_ONGOING_TRIP",
        _ => "STATE_WAITING_FOR_TRIP_START",
    };
    let step = match step {
        Step::Initialize => "T_INITIALIZE",
        Step::InitComplete => "T_INIT_COMPLETE",
        Step::ExitedGeofence => "T_EXITED_GEOFENCE",
        Step::TripStarted => "T_TRIP_STARTED",
        Step::TripRestarted => "T_TRIP_RESTARTED",
        Step::TripEndDetected => "T_TRIP_END_DETECTED",
        Step::EndTripTracking => "T_END_TRIP_TRACKING",
        Step::StoppedMoving => "T_TRIP_ENDED",
        Step::VisitStarted => "T_VISIT_STARTED",
        Step::VisitEnded => "T_VISIT_ENDED",
        Step::ReceivedSilentPush => "T_RECEIVED_SILENT_PUSH",
        Step::DataPushed => "T_DATA_PUSHED",
        _ => "T_NOP",
    };
    (state, step)
}

/// The trips that the pipeline finds in all that the phone sent.
fn found(entries: Vec<Value>) -> Vec<Found> {
    let user = UserId(Default::default());
    let mut observations = Observations::default();
    for value in entries {
        let entry = Entry::try_from(value).unwrap();
        let id = entry_id(user, &entry.metadata.kind, &entry.metadata.key, entry.metadata.write_s());
        observations.push(id, entry);
    }
    let inputs = observations.take_inputs();
    let settings = Settings { user, stops: &Stops::default(), model: &Model::default() };
    let chapters = write(observations, inputs, Opening::first(), &settings);
    let legs = chapters.iter().flat_map(|chapter| &chapter.legs).filter(|leg| leg.is_tracked);
    let trips = legs.filter_map(|leg| leg.cleaned.as_ref()).map(|cleaned| Found {
        start: (cleaned.start.ts(), cleaned.start.at),
        end: (cleaned.end.ts(), cleaned.end.at),
    });
    trips.collect()
}

fn is_match(track: &Track, found: &Found) -> bool {
    let place = place();
    let place = place.first().unwrap();
    let near = |at_us: i64, at, (ts, position): (f64, Position)| {
        let here = place.point(position.latitude, position.longitude);
        (at_us as f64 / SECOND_US as f64 - ts).abs() <= WITHIN_S && here.distance_m(at) <= WITHIN_M
    };
    let (first, last) = (track.pieces.first().unwrap(), track.pieces.last().unwrap());
    near(first.start_us, first.from, found.start) && near(last.end_us, last.to, found.end)
}

fn score(handset: Handset, parameters: &PhoneParameters, users: u32, days: u32) -> Score {
    let stay_s = if handset.platform == Platform::Ios { STAY_IOS_S } else { STAY_ANDROID_S };
    let mut score = Score::default();
    for user in 0..users {
        let plan = planned(days, user);
        let (mut clean, mut sent) = (Vec::new(), Vec::new());
        for witnessed in witnessed(phone(handset, parameters, user), &plan) {
            clean.extend(witnessed.trips.iter().map(|noticed| noticed.is_clean));
            for call in witnessed.calls {
                if let Request::Put { recording, is_answered: true } = call.request {
                    sent.extend(entries(&recording, handset.platform));
                }
            }
        }
        let tracks: Vec<Track> = plan.into_iter().flatten().collect();
        // Nobody can know where the first trip began: no fix was taken before it.
        let found: Vec<Found> = found(sent).into_iter().skip(1).collect();
        let stay_after = |pair: &[Track]| match pair {
            [this, next] => (next.start_us() - this.end_us()) as f64 / 1e6,
            _ => f64::MAX,
        };
        let stays: Vec<f64> = tracks.windows(2).map(stay_after).collect();
        for (i, (track, &is_clean)) in tracks.iter().zip(&clean).enumerate() {
            let before = i.checked_sub(1).and_then(|i| stays.get(i)).copied().unwrap_or(f64::MAX);
            let after = stays.get(i).copied().unwrap_or(f64::MAX);
            let is_expected = is_clean && before >= stay_s && after >= stay_s && track.length_m() >= LENGTH_M;
            let is_found = found.iter().any(|found| is_match(track, found));
            score.expected += u32::from(is_expected);
            score.matched += u32::from(is_expected && is_found);
        }
        score.found += found.len() as u32;
        score.true_found +=
            found.iter().filter(|found| tracks.iter().any(|track| is_match(track, found))).count() as u32;
    }
    score
}

#[test]
fn trips_of_phones_with_all_their_faults_are_found() {
    for handset in [Handset::ANDROID_2023, Handset::IOS_2016] {
        let score = score(handset, &PhoneParameters::default(), 12, 14);
        let recall = f64::from(score.matched) / f64::from(score.expected);
        let precision = f64::from(score.true_found) / f64::from(score.found);
        assert!(recall >= 0.95 && precision >= 0.95, "{handset:?}: {recall:.3} {precision:.3} {score:?}");
    }
}
