//! The truth of a data set, read back from its files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::Path;

use rushhour_dataset::score::{TruthFiles, UserTruth};
use rushhour_synth::truth::Fault;

const FILES: [(&str, &str); 5] = [
    (
        "users.csv",
        "user,token,user_id,platform,profile,home_latitude,home_longitude
3,synth-3,00000000-0000-0000-0000-000000000003,android,android-2023,52.5,13.4
5,synth-5,00000000-0000-0000-0000-000000000005,ios,ios-2016,52.5,13.4
",
    ),
    (
        "places.csv",
        "user,place,latitude,longitude,purpose,time_zone
3,0,52.5,13.4,home,Europe/Berlin
3,1,52.6,13.5,work,Europe/Berlin
5,0,52.5,13.4,home,Europe/Berlin
",
    ),
    (
        "trips.csv",
        "user,trip,from_place,to_place,depart_ts,arrive_ts,mode,purpose,distance_m,sensed_start_ts,sensed_end_ts,fixes,\
         expected_segmented
3,0,0,1,1000.5,2000.25,car,work,12000,1010,1990,33,true
3,1,1,0,9000,9900,walk,home,800,,,0,false
",
    ),
    (
        "sections.csv",
        "user,trip,section,mode,start_ts,end_ts,distance_m
3,0,0,walk,1000.5,1100,100
3,0,1,car,1100,2000.25,11900
3,1,0,walk,9000,9900,800
",
    ),
    ("events.csv", "user,fault,start_ts,end_ts\n5,missed_exit,100,200\n"),
];

/// The truth of a folder in which `changed` stands for what it names.
fn read(changed: Option<(&str, &str)>) -> Result<Vec<UserTruth>, String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("truth")).unwrap();
    for (name, text) in FILES.into_iter().chain(changed) {
        std::fs::write(dir.path().join("truth").join(name), text).unwrap();
    }
    let read = |dir: &Path| TruthFiles::open(dir)?.collect::<Result<Vec<_>, _>>();
    read(dir.path()).map_err(|error| {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        format!("{error}{source}").replace(dir.path().to_str().unwrap(), "DIR")
    })
}

#[test]
fn each_person_comes_with_what_is_theirs() {
    let people = read(None).unwrap();
    let [third, fifth] = people.as_slice() else { panic!("{people:?}") };
    assert_eq!((third.user, third.trips.len(), third.events.len()), (3, 2, 0));
    let trip = third.trips.first().unwrap();
    assert_eq!((trip.start.ts, trip.end.ts, trip.end.at.latitude, trip.sections.len()), (1000.5, 2000.25, 52.6, 2));
    assert_eq!(third.trips.iter().map(|trip| trip.is_meant).collect::<Vec<_>>(), [true, false]);
    assert_eq!((fifth.user, fifth.trips.len()), (5, 0));
    assert_eq!(fifth.events, [(Fault::MissedExit, 100.0, 200.0)]);
}

fn check(name: &str, text: &str, expected: &str) {
    assert_eq!(read(Some((name, text))).unwrap_err(), expected);
}

#[test]
fn rows_out_of_order_are_named() {
    let events = "user,fault,start_ts,end_ts\n5,gap,1,2\n3,gap,1,2\n";
    check("events.csv", events, "DIR/truth/events: rows of person 3, who is nobody or came before");
    let events = "user,fault,start_ts,end_ts\n9,gap,1,2\n";
    check("events.csv", events, "DIR/truth/events: rows of person 9, who is nobody or came before");
    let events = "user,fault,start_ts,end_ts\n4,gap,1,2\n";
    check("events.csv", events, "DIR/truth/events: rows of person 4, who is nobody or came before");
}

#[test]
fn a_trip_to_nowhere_is_named() {
    let places = "user,place,latitude,longitude,purpose,time_zone\n3,0,52.5,13.4,home,Europe/Berlin\n";
    check("places.csv", places, "DIR/truth/places: trip 0 of person 3 is between places of which one is not there");
}

#[test]
fn a_row_that_is_none_is_named_with_its_line() {
    let events = "user,fault,start_ts,end_ts\n3,toothache,1,2\n";
    let error = read(Some(("events.csv", events))).unwrap_err();
    assert!(error.starts_with("DIR/truth/events.csv: CSV deserialize error: record 1 (line: 2"), "{error}");
}
