//! What a score makes of lists of trips that are easy to see through.

use rushhour_dataset::score::{
    Class, Figures, FoundSection, FoundTrip, Outcome, Reason, Score, Spot, TrueSection, TrueTrip, UserTruth,
};
use rushhour_pipeline::position::Position;
use rushhour_synth::phone::Platform;
use rushhour_synth::truth::{Fault, Mode};

/// A degree of latitude.
const DEGREE_M: f64 = 111_194.93;

/// So many metres north of somewhere.
fn at(m: f64) -> Position {
    Position { longitude: 13.4, latitude: 52.5 + m / DEGREE_M }
}

/// A trip by car, in minutes and kilometres.
fn true_trip(trip: u32, minutes: (f64, f64), km: (f64, f64), is_meant: bool) -> TrueTrip {
    let (start_ts, end_ts) = (minutes.0 * 60.0, minutes.1 * 60.0);
    TrueTrip {
        trip,
        start: Spot { ts: start_ts, at: at(km.0 * 1e3) },
        end: Spot { ts: end_ts, at: at(km.1 * 1e3) },
        distance_m: (km.1 - km.0).abs() * 1e3,
        mode: Mode::Car,
        sections: vec![TrueSection { mode: Mode::Car, start_ts, end_ts }],
        is_meant,
    }
}

fn found(minutes: (f64, f64), km: (f64, f64), class: Option<Class>) -> FoundTrip {
    let (start_ts, end_ts, distance_m) = (minutes.0 * 60.0, minutes.1 * 60.0, (km.1 - km.0).abs() * 1e3);
    FoundTrip {
        start: Spot { ts: start_ts, at: at(km.0 * 1e3) },
        end: Spot { ts: end_ts, at: at(km.1 * 1e3) },
        distance_m,
        sections: vec![FoundSection { class, start_ts, end_ts, distance_m }],
    }
}

fn car(minutes: (f64, f64), km: (f64, f64)) -> FoundTrip {
    found(minutes, km, Some(Class::Vehicle))
}

fn person(trips: Vec<TrueTrip>) -> UserTruth {
    UserTruth { user: 0, user_id: "0".repeat(32), platform: Platform::Android, trips, events: Vec::new() }
}

/// To work and home, and in between round the corner, which nobody is meant to find.
fn day() -> UserTruth {
    person(vec![
        true_trip(0, (480.0, 500.0), (0.0, 10.0), true),
        true_trip(1, (720.0, 723.0), (10.0, 10.2), false),
        true_trip(2, (726.0, 729.0), (10.2, 10.0), false),
        true_trip(3, (1020.0, 1045.0), (10.0, 0.0), true),
    ])
}

fn figures(truth: &UserTruth, found: &[FoundTrip]) -> Figures {
    let mut score = Score::new();
    score.add_user(truth, found);
    score.summary().overall
}

fn outcomes(truth: &UserTruth, found: &[FoundTrip]) -> Vec<Outcome> {
    Score::new().add_user(truth, found).rows.iter().map(|row| row.outcome).collect()
}

fn check(found: &[FoundTrip], recall: f64, precision: f64) -> Figures {
    let figures = figures(&day(), found);
    assert_eq!((figures.recall, figures.precision), (Some(recall), Some(precision)), "{figures:#?}");
    figures
}

const OUT: ((f64, f64), (f64, f64)) = ((480.0, 500.0), (0.0, 10.0));
const BACK: ((f64, f64), (f64, f64)) = ((1020.0, 1045.0), (10.0, 0.0));

#[test]
fn the_truth_found_is_perfect() {
    let figures = check(&[car(OUT.0, OUT.1), car(BACK.0, BACK.1)], 1.0, 1.0);
    assert_eq!((figures.mode, figures.main_mode), (Some(1.0), Some(1.0)));
    assert_eq!((figures.start_s.p90, figures.end_s.p90), (Some(0.0), Some(0.0)));
    assert_eq!((figures.trips, figures.meant, figures.found), (4, 2, 2));
}

#[test]
fn the_order_of_found_trips_does_not_matter() {
    check(&[car(BACK.0, BACK.1), car(OUT.0, OUT.1)], 1.0, 1.0);
}

#[test]
fn a_missed_trip_costs_recall_alone() {
    let figures = check(&[car(OUT.0, OUT.1)], 0.5, 1.0);
    assert_eq!(figures.missed_by.get(&Reason::Nothing), Some(&1));
}

#[test]
fn a_spurious_trip_costs_precision_alone() {
    let spurious = car((600.0, 610.0), (10.0, 10.4));
    let figures = check(&[car(OUT.0, OUT.1), spurious, car(BACK.0, BACK.1)], 1.0, 2.0 / 3.0);
    assert_eq!(figures.wrong_by.get(&Reason::Nothing), Some(&1));
}

#[test]
fn a_trip_that_was_not_meant_to_be_found_is_right_when_it_is() {
    let lunch = car((720.0, 723.0), (10.0, 10.2));
    let figures = check(&[car(OUT.0, OUT.1), lunch, car(BACK.0, BACK.1)], 1.0, 1.0);
    assert_eq!((figures.right, figures.neutral), (3, 0));
}

#[test]
fn what_is_made_of_trips_that_were_not_meant_counts_neither_way() {
    let merged = car((720.0, 729.0), (10.0, 10.0));
    let figures = check(&[car(OUT.0, OUT.1), merged, car(BACK.0, BACK.1)], 1.0, 1.0);
    assert_eq!((figures.found, figures.right, figures.neutral), (3, 2, 1));
}

#[test]
fn a_split_trip_is_missed_and_both_halves_are_wrong() {
    let halves = [car((480.0, 488.0), (0.0, 4.0)), car((490.0, 500.0), (4.0, 10.0))];
    let figures = check(&[halves.to_vec(), vec![car(BACK.0, BACK.1)]].concat(), 0.5, 1.0 / 3.0);
    assert_eq!(figures.missed_by.get(&Reason::Split), Some(&1));
    assert_eq!(figures.wrong_by.get(&Reason::Split), Some(&2));
}

#[test]
fn merged_trips_are_both_missed() {
    let truth =
        person(vec![true_trip(0, (480.0, 500.0), (0.0, 10.0), true), true_trip(1, (510.0, 540.0), (10.0, 20.0), true)]);
    let figures = figures(&truth, &[car((480.0, 540.0), (0.0, 20.0))]);
    assert_eq!((figures.recall, figures.precision), (Some(0.0), Some(0.0)));
    assert_eq!(figures.missed_by.get(&Reason::Merged), Some(&2));
}

#[test]
fn six_minutes_late_is_missed_and_four_are_not() {
    for (late_min, shift, recall, reason) in [
        (4.0, (1.0, 1.0), 1.0, None),
        (6.0, (1.0, 0.0), 0.5, Some(Reason::StartTime)),
        (6.0, (0.0, 1.0), 0.5, Some(Reason::EndTime)),
        (-6.0, (1.0, 0.0), 0.5, Some(Reason::StartTime)),
    ] {
        let out = car((480.0 + shift.0 * late_min, 500.0 + shift.1 * late_min), OUT.1);
        let figures = figures(&day(), &[out, car(BACK.0, BACK.1)]);
        assert_eq!(figures.recall, Some(recall));
        assert_eq!(figures.missed_by.keys().next().copied(), reason);
    }
}

#[test]
fn a_place_may_be_240_metres_off_and_not_260() {
    for (km, recall) in [(0.24, 1.0), (0.26, 0.5), (-0.24, 1.0), (-0.26, 0.5)] {
        for km in [(0.0 + km, 10.0), (0.0, 10.0 + km)] {
            assert_eq!(figures(&day(), &[car(OUT.0, km), car(BACK.0, BACK.1)]).recall, Some(recall), "{km:?}");
        }
    }
}

#[test]
fn one_found_trip_stands_for_one_true_trip() {
    // There and back on foot within a few minutes, and only one of them found: it fits both.
    let truth = person(vec![true_trip(0, (0.0, 2.0), (0.0, 0.1), true), true_trip(1, (2.5, 4.0), (0.1, 0.0), true)]);
    let found = [car((1.0, 3.0), (0.05, 0.05))];
    assert_eq!(outcomes(&truth, &found), [Outcome::Matched, Outcome::Missed(Reason::Taken)]);
}

#[test]
fn the_most_trips_that_are_meant_are_matched_even_where_the_nearest_is_another() {
    // Taking the nearest first would give trip 1 the first found trip and leave trip 0 with none.
    let truth = person(vec![true_trip(0, (0.0, 2.0), (0.0, 0.1), true), true_trip(1, (4.0, 6.0), (0.1, 0.0), true)]);
    let found = [car((4.0, 6.0), (0.0, 0.1)), car((8.5, 10.5), (0.0, 0.1))];
    assert_eq!(outcomes(&truth, &found), [Outcome::Matched, Outcome::Matched]);
}

#[test]
fn a_trip_that_is_meant_goes_before_one_that_is_not() {
    let mut truth =
        person(vec![true_trip(0, (0.0, 2.0), (0.0, 0.1), false), true_trip(1, (2.5, 4.5), (0.1, 0.0), true)]);
    let found = [car((0.0, 2.0), (0.0, 0.1))];
    assert_eq!(outcomes(&truth, &found), [Outcome::Unmeant, Outcome::Matched]);
    truth.trips.reverse();
    truth.trips.iter_mut().for_each(|trip| trip.is_meant = !trip.is_meant);
    truth.trips.reverse();
    assert_eq!(outcomes(&truth, &found), [Outcome::Matched, Outcome::Unmeant]);
}

#[test]
fn a_wrong_mode_costs_the_mode_for_the_time_it_lasts() {
    let on_foot = found(OUT.0, OUT.1, Some(Class::Foot));
    let figures = check(&[on_foot, car(BACK.0, BACK.1)], 1.0, 1.0);
    assert_eq!((figures.mode, figures.main_mode), (Some(25.0 / 45.0), Some(0.5)));
    assert_eq!(figures.confusion_s.seconds(Class::Vehicle, Some(Class::Foot)), 1200.0);
    assert_eq!(figures.confusion_s.seconds(Class::Vehicle, Some(Class::Vehicle)), 1500.0);
}

#[test]
fn time_without_a_section_has_no_mode() {
    let mut unknown = found(OUT.0, OUT.1, None);
    let figures = figures(&day(), std::slice::from_ref(&unknown));
    assert_eq!((figures.mode, figures.main_mode), (Some(0.0), Some(0.0)));
    unknown.sections.clear();
    let same = self::figures(&day(), &[unknown]);
    assert_eq!(same.confusion_s.seconds(Class::Vehicle, None), 1200.0);
    assert_eq!(same.confusion_s, figures.confusion_s);
}

#[test]
fn a_section_counts_where_the_true_one_lasts() {
    let mut truth = person(vec![true_trip(0, (0.0, 30.0), (0.0, 10.0), true)]);
    let section = |mode, start_ts, end_ts| TrueSection { mode, start_ts, end_ts };
    let trip = truth.trips.first_mut().unwrap();
    trip.sections =
        vec![section(Mode::Walk, 0.0, 300.0), section(Mode::Train, 300.0, 1500.0), section(Mode::Walk, 1500.0, 1800.0)];
    let mut found = car((1.0, 31.0), (0.0, 10.0));
    let part = |class, start_ts, end_ts| FoundSection { class, start_ts, end_ts, distance_m: end_ts - start_ts };
    found.sections = vec![part(Some(Class::Foot), 60.0, 360.0), part(Some(Class::Vehicle), 400.0, 1860.0)];
    let figures = figures(&truth, &[found]);
    let seconds = |class, found| figures.confusion_s.seconds(class, found);
    assert_eq!(seconds(Class::Foot, Some(Class::Foot)), 240.0);
    assert_eq!(seconds(Class::Foot, Some(Class::Vehicle)), 300.0);
    assert_eq!(seconds(Class::Vehicle, Some(Class::Foot)), 60.0);
    assert_eq!(seconds(Class::Vehicle, Some(Class::Vehicle)), 1100.0);
    assert_eq!(seconds(Class::Vehicle, None), 40.0);
}

#[test]
fn errors_are_told_by_their_size_and_by_their_sign() {
    let trips = (0..10).map(|i| true_trip(i, (f64::from(i) * 60.0, f64::from(i) * 60.0 + 20.0), (0.0, 10.0), true));
    let truth = person(trips.collect());
    // Starts are 0, 10, … 90 s early, ends 60 s late, and every way a tenth too long.
    let found = truth.trips.iter().zip(0..).map(|(trip, i)| {
        let minutes = (trip.start.ts / 60.0 - f64::from(i) / 6.0, trip.end.ts / 60.0 + 1.0);
        FoundTrip { distance_m: 11_000.0, ..car(minutes, (0.0, 10.0)) }
    });
    let figures = figures(&truth, &found.collect::<Vec<_>>());
    let rounded = |error: Option<f64>| error.unwrap().round();
    assert_eq!([figures.start_s.median, figures.start_s.p90, figures.start_s.bias].map(rounded), [40.0, 80.0, -50.0]);
    assert_eq!([figures.end_s.median, figures.end_s.p90, figures.end_s.bias].map(rounded), [60.0, 60.0, 60.0]);
    assert_eq!(rounded(figures.distance_pct.median), 10.0);
}

#[test]
fn a_fault_has_the_trips_that_it_happened_to() {
    let mut truth = day();
    truth.events = vec![(Fault::Gap, 485.0 * 60.0, 487.0 * 60.0), (Fault::SpuriousExit, 36_000.0, 36_000.0)];
    let mut score = Score::new();
    score.add_user(&truth, &[car((600.0, 610.0), (10.0, 10.4)), car(BACK.0, BACK.1)]);
    let summary = score.summary();
    let gap = summary.by_fault.get(&Fault::Gap).unwrap();
    assert_eq!((gap.meant, gap.recall, gap.found, gap.precision), (1, Some(0.0), 0, None));
    let spurious = summary.by_fault.get(&Fault::SpuriousExit).unwrap();
    assert_eq!((spurious.trips, spurious.wrong, spurious.precision), (0, 1, Some(0.0)));
    assert_eq!(summary.by_platform.get(&Platform::Android), Some(&summary.overall));
    assert_eq!(summary.by_platform.get(&Platform::Ios), None);
}

#[test]
fn nothing_is_no_share() {
    let figures = figures(&person(Vec::new()), &[]);
    assert_eq!((figures.recall, figures.precision, figures.mode), (None, None, None));
}

#[test]
fn a_table_names_what_a_missed_trip_was_taken_for() {
    let truth = day();
    let found = [car((487.0, 500.0), OUT.1)];
    let mut score = Score::new();
    let comparison: Vec<_> = score.add_user(&truth, &found).table().collect();
    let missed = comparison.first().unwrap();
    assert_eq!((missed.outcome, missed.reason, missed.start_error_s), ("missed", Some("start_time"), Some(420.0)));
    let wrong = comparison.get(1).unwrap();
    assert_eq!((wrong.outcome, wrong.reason, wrong.trip), ("wrong", Some("start_time"), Some(0)));
}
