//! What is read of the documents that a pipeline wrote: made ones, and those that the original wrote of real days, where
//! the machine has them (`RUSHHOUR_DAYS`).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use rushhour_dataset::score::{Class, Documents, FoundTrip, Score, TrueSection, TrueTrip, UserTruth, find_in};
use rushhour_model::ids::UserId;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::transit::Stops;
use rushhour_synth::phone::Platform;
use rushhour_synth::truth::Mode;
use serde_json::{Value, json};

fn document(id: &str, key: &str, more: &Value) -> Value {
    let point = json!({"type": "Point", "coordinates": [13.4, 52.5]});
    let date = json!({"year": 2026, "month": 1, "day": 5, "hour": 7, "minute": 0, "second": 0, "weekday": 0,
                      "timezone": "Europe/Berlin"});
    let mut data = json!({
        "source": "made", "start_ts": 100.0, "start_local_dt": date, "start_fmt_time": "2026-01-05T07:00:00+01:00",
        "start_loc": point, "end_ts": 700.0, "end_local_dt": date, "end_fmt_time": "2026-01-05T07:10:00+01:00",
        "end_loc": point, "duration": 600.0, "distance": 5000.0,
    });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({
        "_id": {"$oid": id}, "user_id": {"$uuid": "8c010e6b37fa4a8e8ab39e420b6695ba"}, "data": data,
        "metadata": {"key": key, "platform": "server", "write_ts": 1.0, "time_zone": "America/Los_Angeles",
                     "write_local_dt": date, "write_fmt_time": "2026-01-05T07:00:00-08:00"},
    })
}

const TRIP: &str = "000000000000000000000001";
const OTHER: &str = "000000000000000000000002";

fn id(text: &str) -> Value {
    json!({"$oid": text})
}

fn read(documents: &[Value]) -> Vec<FoundTrip> {
    let mut read = Documents::default();
    for document in documents {
        assert_eq!(Documents::of(document).unwrap().0.hex(), "8c010e6b37fa4a8e8ab39e420b6695ba");
        read.push(document.clone()).unwrap();
    }
    read.found()
}

#[test]
fn a_confirmed_trip_stands_for_its_cleaned_one_and_inferred_modes_for_sensed_ones() {
    let found = read(&[
        document(OTHER, "analysis/confirmed_trip", &json!({"cleaned_trip": id(TRIP), "end_ts": 710.0})),
        document(TRIP, "analysis/cleaned_trip", &json!({})),
        document(OTHER, "analysis/cleaned_section", &json!({"trip_id": id(TRIP), "sensed_mode": 2})),
        document(OTHER, "analysis/inferred_section", &json!({"trip_id": id(TRIP), "sensed_mode": 2})),
    ]);
    let [trip] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((trip.start.ts, trip.end.ts, trip.main_class()), (100.0, 710.0, Some(Class::Bicycle)));
}

#[test]
fn cleaned_trips_are_enough() {
    let found = read(&[
        document(TRIP, "analysis/cleaned_trip", &json!({})),
        document(OTHER, "analysis/cleaned_section", &json!({"trip_id": id(TRIP), "sensed_mode": 7})),
        document(OTHER, "analysis/cleaned_place", &json!({})),
        document(OTHER, "analysis/expected_trip", &json!({})),
    ]);
    assert_eq!(found.iter().map(FoundTrip::main_class).collect::<Vec<_>>(), [Some(Class::Foot)]);
}

#[test]
fn a_document_that_lacks_what_it_must_have_is_named() {
    let mut trip = document(TRIP, "analysis/cleaned_trip", &json!({}));
    trip.pointer_mut("/data").unwrap().as_object_mut().unwrap().remove("end_loc");
    assert_eq!(Documents::default().push(trip).unwrap_err(), "it lacks what `analysis/cleaned_trip` has");
    let section = json!({"trip_id": id(TRIP), "sensed_mode": 0.5});
    let section = document(TRIP, "analysis/inferred_section", &section);
    assert_eq!(Documents::default().push(section).unwrap_err(), "`sensed_mode` is 0.5, which is no mode");
}

fn parse(path: &Path) -> Vec<Value> {
    serde_json::from_reader(GzDecoder::new(BufReader::new(File::open(path).unwrap()))).unwrap()
}

/// What was found, taken for the truth.
fn believe(found: &[FoundTrip]) -> UserTruth {
    let mode = |class: Option<Class>| match class {
        Some(Class::Foot) | None => Mode::Walk,
        Some(Class::Bicycle) => Mode::Bicycle,
        Some(Class::Vehicle) => Mode::Car,
        Some(Class::Air) => Mode::Air,
    };
    let section = |section: &rushhour_dataset::score::FoundSection| TrueSection {
        mode: mode(section.class),
        start_ts: section.start_ts,
        end_ts: section.end_ts,
    };
    let trips = found.iter().zip(0..).map(|(found, trip)| TrueTrip {
        trip,
        start: found.start,
        end: found.end,
        distance_m: found.distance_m,
        mode: mode(found.main_class()),
        sections: found.sections.iter().filter(|section| section.class.is_some()).map(section).collect(),
        is_meant: true,
    });
    UserTruth { user: 0, user_id: String::new(), platform: Platform::Ios, trips: trips.collect(), events: Vec::new() }
}

#[test]
fn the_original_recovers_what_it_found_on_real_days_and_so_do_we() {
    #[expect(clippy::disallowed_methods, reason = "the days are where the caller says")]
    let Some(folder) = std::env::var_os("RUSHHOUR_DAYS").map(PathBuf::from) else { return };
    let user = UserId(uuid::Uuid::nil());
    let mut days = 0;
    for path in std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()) {
        let Some(name) = path.to_str().unwrap().strip_suffix(".analysis.json.gz") else { continue };
        let mut documents = Documents::default();
        parse(&path).into_iter().for_each(|document| documents.push(document).unwrap());
        let theirs = documents.found();
        let mut observations = Observations::default();
        for entry in parse(Path::new(&format!("{name}.raw.json.gz"))) {
            observations.push_value(user, entry).unwrap();
        }
        let ours = find_in(user, observations, &Stops::default());
        let truth = believe(&theirs);
        for found in [&theirs, &ours] {
            let mut score = Score::new();
            score.add_user(&truth, found);
            let figures = score.summary().overall;
            assert!(figures.meant > 0, "{name}");
            let shares = (figures.recall, figures.precision);
            assert_eq!(shares, (Some(1.0), Some(1.0)), "{name}: {figures:#?}");
            assert!(figures.mode.is_none_or(|mode| mode > 0.999), "{name}: {figures:#?}");
        }
        days += 1;
    }
    assert_eq!(days, 15);
}
