//! Phones over many days of simple lives, against what was measured of real ones.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it is wrong")]
#![expect(clippy::cast_possible_truncation, reason = "numbers are small")]

#[path = "support/lives.rs"]
mod lives;

use std::collections::BTreeSet;

use rushhour_synth::phone::{Handset, Noticed, Phone, PhoneParameters, Platform, Stay, Stretch, Witnessed};
use rushhour_synth::plane::Point;
use rushhour_synth::sensed::{About, Activity, Fix, Label, Recording, StatKind, Step};
use rushhour_synth::track::Track;
use rushhour_synth::truth::{Fault, Micros, Mode, SECOND_US};
use rushhour_synth::upload::Request;

use lives::{START_US, go, phone, place, planned, witnessed};

const ALL: [Handset; 3] = [Handset::ANDROID_2023, Handset::ANDROID_2016, Handset::IOS_2016];

/// What somebody did and what the phone made of it.
#[derive(Default)]
struct Study {
    tracks: Vec<Track>,
    /// What was sent and known to be received, by day, put together.
    days: Vec<Recording>,
    sent: Recording,
    noticed: Vec<Noticed>,
    faults: Vec<Fault>,
    gets: usize,
}

fn study(handset: Handset, parameters: &PhoneParameters, days: u32) -> Study {
    let mut study = Study::default();
    let plan = planned(days, 1);
    for Witnessed { calls, events, trips } in witnessed(phone(handset, parameters, 1), &plan) {
        assert!(calls.windows(2).all(|pair| pair[0].at_us <= pair[1].at_us), "calls are in order");
        study.noticed.extend(trips);
        study.faults.extend(events.iter().map(|event| event.fault));
        let mut day = Recording::default();
        for call in calls {
            match call.request {
                Request::Get => study.gets += 1,
                Request::Put { recording, is_answered } => {
                    assert!((1..=10_000).contains(&recording.count()));
                    if is_answered {
                        append(&mut day, recording);
                    }
                }
            }
        }
        append(&mut study.sent, day.clone());
        study.days.push(day);
    }
    study.tracks = plan.into_iter().flatten().collect();
    study
}

fn append(to: &mut Recording, from: Recording) {
    to.fixes.extend(from.fixes);
    to.motions.extend(from.motions);
    to.transitions.extend(from.transitions);
    to.batteries.extend(from.batteries);
    to.stats.extend(from.stats);
    to.configs.extend(from.configs);
    to.labels.extend(from.labels);
}

impl Study {
    fn kept(&self) -> Vec<&Fix> {
        self.sent.fixes.iter().filter(|fix| fix.filtered_write_us.is_some()).collect()
    }

    fn is_moving(&self, at_us: Micros) -> bool {
        let after = self.tracks.partition_point(|track| track.end_us() < at_us);
        self.tracks.get(after).is_some_and(|track| track.start_us() <= at_us)
    }

    /// Pairs of kept fixes that follow one another on the way.
    fn steps(&self) -> Vec<(&Fix, &Fix)> {
        let kept = self.kept();
        let pairs = kept.windows(2).map(|pair| (pair[0], pair[1]));
        let is_step = |(a, b): &(&Fix, &Fix)| {
            self.is_moving(a.ts_us) && self.is_moving(b.ts_us) && b.ts_us - a.ts_us < 900 * SECOND_US
        };
        pairs.filter(is_step).collect()
    }

    /// Seconds from arriving to the end of the trip on the phone.
    fn ends_s(&self) -> Vec<f64> {
        let stops = self.sent.transitions.iter().filter(|row| row.step == Step::StoppedMoving);
        let stops: Vec<Micros> = stops.map(|row| row.write_us).collect();
        let after = |track: &Track| stops.get(stops.partition_point(|&stop| stop < track.end_us())).copied();
        let ends = self.tracks.iter().filter_map(|track| Some((after(track)? - track.end_us()) as f64 / 1e6));
        ends.filter(|&end_s| end_s < 5_000.0).collect()
    }

    /// How far people were from where they set out when the first fix was taken.
    fn overshoots_m(&self) -> Vec<f64> {
        let trips = self.noticed.iter().zip(&self.tracks).filter(|(noticed, _)| noticed.is_clean);
        let overshoot = |(noticed, track): (&Noticed, &Track)| {
            let (first_us, _) = noticed.sensed_us.unwrap();
            track.cursor().at(first_us).at.distance_m(track.pieces[0].from)
        };
        trips.map(overshoot).collect()
    }
}

fn quantiles(values: impl IntoIterator<Item = f64>) -> [f64; 5] {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| values[(share * (values.len() - 1) as f64) as usize])
}

/// The 25th, 50th and 75th percentiles are within 20 % of what was measured.
fn check(what: &str, values: impl IntoIterator<Item = f64>, measured: [f64; 3]) {
    let [_, found @ .., _] = quantiles(values);
    for (found, measured) in found.iter().zip(measured) {
        assert!((0.8..=1.2).contains(&(found / measured)), "{what}: {found:.3} is not {measured}");
    }
}

#[test]
fn fixes_are_as_far_apart_in_time_as_measured() {
    for (handset, gaps_s) in [(Handset::ANDROID_2023, [10.0, 30.0, 30.0]), (Handset::ANDROID_2016, [13.0, 29.0, 32.0])]
    {
        let study = study(handset, &PhoneParameters::default(), 120);
        let gaps_s_found = study.steps().into_iter().map(|(a, b)| (b.ts_us - a.ts_us) as f64 / 1e6);
        check(handset.profile, gaps_s_found, gaps_s);
    }
}

#[test]
fn ios_takes_a_fix_every_fifty_metres() {
    let study = study(Handset::IOS_2016, &PhoneParameters::default(), 60);
    let place = &place()[0];
    let steps = study.steps();
    let metres = steps
        .iter()
        .map(|(a, b)| place.point(a.latitude, a.longitude).distance_m(place.point(b.latitude, b.longitude)));
    check("step", metres, [51.8, 57.6, 65.5]);
    let [p5_s, p25_s, p50_s, ..] = quantiles(steps.iter().map(|(a, b)| (b.ts_us - a.ts_us) as f64 / 1e6));
    assert!((2.5..5.0).contains(&p5_s) && (3.0..6.0).contains(&p25_s) && (4.0..8.0).contains(&p50_s));
}

#[test]
fn accuracies_are_as_measured() {
    for (handset, accuracies_m) in [
        (Handset::ANDROID_2023, [7.5, 10.7, 18.0]),
        (Handset::ANDROID_2016, [10.0, 30.0, 40.0]),
        (Handset::IOS_2016, [5.0, 10.0, 65.0]),
    ] {
        let study = study(handset, &PhoneParameters::default(), 120);
        let kept = study.kept();
        check(handset.profile, kept.iter().map(|fix| f64::from(fix.accuracy_m)), accuracies_m);
    }
}

#[test]
fn two_errors_in_three_are_within_the_accuracy() {
    for handset in ALL {
        let study = study(handset, &PhoneParameters::default(), 60);
        let place = &place()[0];
        let (mut inside, mut all) = (0, 0);
        for track in &study.tracks {
            let mut cursor = track.cursor();
            let on_way = |fix: &&&Fix| (track.start_us()..track.end_us()).contains(&fix.ts_us);
            for fix in study.kept().iter().filter(on_way) {
                let error_m = cursor.at(fix.ts_us).at.distance_m(place.point(fix.latitude, fix.longitude));
                inside += u32::from(error_m <= f64::from(fix.accuracy_m));
                all += 1;
            }
        }
        let share = f64::from(inside) / f64::from(all);
        assert!((0.60..=0.76).contains(&share), "{handset:?}: {share}");
    }
}

#[test]
fn trips_end_on_the_phone_as_late_as_measured() {
    for (handset, ends_s) in
        [(Handset::ANDROID_2023, [283.0, 297.0, 313.0]), (Handset::IOS_2016, [992.0, 2_940.0, 3_080.0])]
    {
        check(handset.profile, study(handset, &PhoneParameters::default(), 120).ends_s(), ends_s);
    }
}

#[test]
fn exits_are_noticed_as_far_away_as_measured() {
    for (handset, overshoots_m) in
        [(Handset::ANDROID_2023, [199.0, 232.0, 350.0]), (Handset::IOS_2016, [217.0, 337.0, 412.0])]
    {
        check(handset.profile, study(handset, &PhoneParameters::default(), 120).overshoots_m(), overshoots_m);
    }
}

#[test]
fn activities_are_said_as_often_as_measured() {
    for (handset, gaps_s) in [
        (Handset::ANDROID_2023, [34.7, 34.8, 36.0]),
        (Handset::ANDROID_2016, [29.0, 30.0, 34.0]),
        (Handset::IOS_2016, [5.0, 9.0, 25.0]),
    ] {
        let study = study(handset, &PhoneParameters::default(), 120);
        let gaps = study.sent.motions.windows(2).map(|pair| (pair[1].ts_us - pair[0].ts_us) as f64 / 1e6);
        check(handset.profile, gaps, gaps_s);
        let count = |activity| study.sent.motions.iter().filter(|row| row.activity == activity).count() as f64;
        let share = |activity| count(activity) / study.sent.motions.len() as f64;
        match handset {
            Handset::ANDROID_2023 => assert!((share(Activity::Unknown) - 0.44).abs() < 0.05),
            Handset::ANDROID_2016 => assert!((share(Activity::Tilting) - 0.13).abs() < 0.02),
            _ => assert!((share(Activity::Still) - 0.29).abs() < 0.06 && (share(Activity::None) - 0.44).abs() < 0.12),
        }
    }
}

#[test]
fn a_day_has_as_many_entries_as_measured() {
    type Range = std::ops::RangeInclusive<usize>;
    let ranges: [(Handset, [Range; 6]); 3] = [
        (Handset::ANDROID_2023, [95..=660, 91..=656, 68..=98, 16..=68, 6..=30, 5..=73]),
        (Handset::ANDROID_2016, [44..=801, 42..=703, 32..=1_009, 20..=55, 4..=74, 5..=85]),
        (Handset::IOS_2016, [6..=474, 6..=474, 594..=1_166, 47..=110, 20..=110, 5..=100]),
    ];
    for (handset, ranges) in ranges {
        let study = study(handset, &PhoneParameters::default(), 60);
        let middle = |count: &dyn Fn(&Recording) -> usize| {
            let mut counts: Vec<usize> = study.days.iter().map(count).collect();
            counts.sort_unstable();
            counts[counts.len() / 2]
        };
        let times = |day: &Recording| day.stats.iter().filter(|stat| stat.kind == StatKind::Time).count();
        let medians = [
            middle(&|day| day.fixes.len()),
            middle(&|day| day.fixes.iter().filter(|fix| fix.filtered_write_us.is_some()).count()),
            middle(&|day| day.motions.len()),
            middle(&|day| day.batteries.len()),
            middle(&|day| day.transitions.len()),
            middle(&times),
        ];
        for (median, range) in medians.iter().zip(&ranges) {
            assert!(range.contains(median), "{handset:?}: {medians:?}");
        }
        let gets_a_day = study.gets as f64 / 60.0;
        assert!((16.0..=32.0).contains(&gets_a_day), "{handset:?}: {gets_a_day}");
    }
}

/// All write times of a key are different and grow.
fn check_unique(study: &Study) {
    let Recording { fixes, motions, transitions, batteries, stats, configs, .. } = &study.sent;
    let keys: Vec<(&str, Vec<Micros>)> = vec![
        ("location", fixes.iter().map(|row| row.write_us).collect()),
        ("filtered_location", fixes.iter().filter_map(|row| row.filtered_write_us).collect()),
        ("motion_activity", motions.iter().map(|row| row.write_us).collect()),
        ("transition", transitions.iter().map(|row| row.write_us).collect()),
        ("battery", batteries.iter().map(|row| row.write_us).collect()),
        ("stats", stats.iter().map(|row| row.write_us).collect()),
        ("config", configs.iter().map(|row| row.write_us).collect()),
    ];
    for (key, times) in keys {
        let unique: BTreeSet<Micros> = times.iter().copied().collect();
        assert_eq!(unique.len(), times.len(), "{key}");
        assert!(times.is_sorted(), "{key}");
    }
}

#[test]
fn no_two_entries_of_a_key_have_one_write_time_even_when_uploads_fail() {
    let always = serde_json::from_str(
        r#"{"faults": {"unanswered": 0.3, "unreachable": 0.3, "split_upload": 0.3, "late_write": 0.3, "exit_burst": 0.9, "reboot": 0.5, "killed": 0.2}}"#,
    );
    for (handset, parameters) in
        ALL.into_iter().zip([PhoneParameters::default(), always.unwrap(), PhoneParameters::default()])
    {
        let study = study(handset, &parameters, 90);
        check_unique(&study);
        if handset.platform == Platform::Android {
            let fixes = study.sent.fixes.iter();
            assert!(fixes.clone().all(|fix| fix.write_us % 1_000 == 0 && fix.ts_us % 1_000 == 0));
            for degrees in fixes.flat_map(|fix| [fix.latitude, fix.longitude]) {
                assert_eq!(degrees, (degrees * 1e7).round() / 1e7);
            }
        }
    }
}

#[test]
fn android_puts_nothing_that_was_written_after_the_last_stop() {
    let clean = PhoneParameters::default().without_faults();
    for witnessed in witnessed(phone(Handset::ANDROID_2023, &clean, 1), &planned(30, 1)) {
        for call in witnessed.calls {
            let Request::Put { recording, .. } = call.request else { continue };
            let stop_us = recording.transitions.iter().rfind(|row| row.step == Step::StoppedMoving).unwrap().write_us;
            assert!(
                recording.fixes.iter().all(|fix| fix.write_us <= stop_us && fix.filtered_write_us <= Some(stop_us))
            );
            assert!(recording.motions.iter().all(|row| row.write_us <= stop_us));
            assert!(recording.stats.iter().all(|row| row.write_us <= stop_us) && stop_us < call.at_us);
        }
    }
}

#[test]
fn ios_puts_everything_it_has_at_the_end_of_a_trip() {
    let clean = PhoneParameters::default().without_faults();
    for witnessed in witnessed(phone(Handset::IOS_2016, &clean, 1), &planned(30, 1)) {
        for call in witnessed.calls {
            let Request::Put { recording, .. } = call.request else { continue };
            assert!(recording.transitions.iter().any(|row| row.step == Step::StoppedMoving));
            assert!(recording.fixes.iter().all(|fix| fix.write_us <= call.at_us));
            let last_us = recording.transitions.last().unwrap().write_us;
            assert!((call.at_us - last_us) < 5 * SECOND_US, "it was not kept back");
        }
    }
}

#[test]
fn a_phone_without_faults_and_noise_is_where_its_owner_is() {
    let parameters = PhoneParameters { sensor_noise: false, ..PhoneParameters::default() }.without_faults();
    for handset in ALL {
        let study = study(handset, &parameters, 60);
        assert_eq!(study.faults, []);
        let clean = study.noticed.iter().filter(|noticed| noticed.is_clean).count();
        assert!(clean as f64 / study.noticed.len() as f64 > 0.94, "{handset:?}: {clean} of {}", study.noticed.len());
        let place = &place()[0];
        for track in &study.tracks {
            let mut cursor = track.cursor();
            let on_way = |fix: &&Fix| (track.start_us()..track.end_us()).contains(&fix.ts_us);
            for fix in study.sent.fixes.iter().filter(on_way) {
                let error_m = cursor.at(fix.ts_us).at.distance_m(place.point(fix.latitude, fix.longitude));
                assert!(error_m < 0.01 && fix.accuracy_m == 5.0, "{error_m}");
            }
        }
    }
}

#[test]
fn each_fault_strikes_as_often_as_asked_and_only_then() {
    for handset in ALL {
        for fault in Fault::ALL {
            let mut parameters = PhoneParameters::default().without_faults();
            parameters.faults.insert(fault, 0.4.try_into().unwrap());
            let found = study(handset, &parameters, 12).faults;
            assert!(found.iter().all(|&other| other == fault), "{handset:?} {fault:?}: {found:?}");
            assert!(!found.is_empty(), "{handset:?} {fault:?}");
        }
    }
}

#[test]
fn a_stay_is_the_same_in_one_part_and_in_two() {
    let day = |parts: &[i64]| {
        let home = Point::default();
        let handset = Handset::ANDROID_2023;
        let mut phone = Phone::new(handset, &PhoneParameters::default(), &place(), home, START_US, 3, 5);
        phone.begin_day(0);
        let depart_us = START_US + 28_800 * SECOND_US;
        let work = Point::new(4_000.0, 3_000.0);
        let mut rng = rushhour_synth::draws::draws(1, 1, 1, rushhour_synth::draws::Subject::Travel);
        let track = go(0, depart_us, (home, work), Mode::Car, &mut rng);
        phone.live(&Stretch::Stay(Stay { at: home, locale: 0, until_us: depart_us }));
        phone.live(&Stretch::Move(&track));
        for &after_s in parts {
            let until_us = track.end_us() + after_s * SECOND_US;
            phone.live(&Stretch::Stay(Stay { at: work, locale: 0, until_us }));
        }
        phone.end_study()
    };
    let whole = day(&[36_000]);
    assert_eq!(whole, day(&[100, 36_000]));
    assert_eq!(whole, day(&[50, 299, 4_000, 20_000, 36_000]));
}

#[test]
fn what_somebody_says_is_sent_with_the_next_put_after_it() {
    let home = Point::default();
    let mut phone = Phone::new(Handset::IOS_2016, &PhoneParameters::default(), &place(), home, START_US, 3, 5);
    phone.begin_day(0);
    let write_us = START_US + 30_000 * SECOND_US + 1;
    for about in [About::Mode, About::Purpose] {
        phone.say(Label { write_us, start_us: 1, end_us: 2, about, label: "walk", locale: 0 });
    }
    let depart_us = START_US + 28_800 * SECOND_US;
    let mut rng = rushhour_synth::draws::draws(1, 1, 1, rushhour_synth::draws::Subject::Travel);
    let track = go(0, depart_us, (home, Point::new(900.0, 0.0)), Mode::Walk, &mut rng);
    phone.live(&Stretch::Stay(Stay { at: home, locale: 0, until_us: depart_us }));
    phone.live(&Stretch::Move(&track));
    phone.live(&Stretch::Stay(Stay { at: Point::new(900.0, 0.0), locale: 0, until_us: START_US + 86_400 * SECOND_US }));
    let calls = phone.end_day().calls;
    let labels = calls.iter().filter_map(|call| match &call.request {
        Request::Put { recording, .. } if !recording.labels.is_empty() => Some((call.at_us, recording.labels.len())),
        _ => None,
    });
    let labels: Vec<_> = labels.collect();
    assert!(matches!(labels[..], [(at_us, 2)] if at_us > write_us), "{labels:?}");
}

#[test]
fn a_denser_filter_and_a_sparser_one_can_be_asked_for() {
    let count = |text: &str| {
        let parameters = serde_json::from_str(text).unwrap();
        study(Handset::IOS_2016, &parameters, 10).sent.fixes.len() as f64
    };
    let usual = count("{}");
    assert!((1.4..4.0).contains(&(count(r#"{"ios_distance_m": 15.0}"#) / usual)));
    assert!(count(r#"{"ios_distance_m": 1.0}"#) / usual > 3.0);
    assert!(count(r#"{"ios_interval_min": 15.0}"#) / usual < 0.1);
}
