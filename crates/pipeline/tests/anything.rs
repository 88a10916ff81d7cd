//! Anything at all becomes a diary, or is rejected with a reason.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it is wrong")]

use std::collections::HashSet;

use proptest::prelude::*;
use rushhour_model::entry::Entry;
use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::{UserId, entry_id};
use rushhour_pipeline::chapter::{Chapter, Opening};
use rushhour_pipeline::documents::{Wanted, documents};
use rushhour_pipeline::input::Input;
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::outline::{Outline, rebuild};
use rushhour_pipeline::timeline::all_trips;
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write};
use serde_json::{Value, json};

fn diary(values: impl IntoIterator<Item = Value>) -> (Vec<Chapter>, usize) {
    let user = UserId(Default::default());
    let mut observations = Observations::default();
    for value in values {
        let entry = Entry::try_from(value).unwrap();
        let id = entry_id(user, &entry.metadata.kind, &entry.metadata.key, entry.metadata.write_s());
        observations.push(id, entry);
    }
    let (mut inputs, rejected) = (observations.take_inputs(), observations.rejected().len());
    // A store has one of each identity, the last.
    let mut seen = HashSet::new();
    inputs.reverse();
    inputs.retain(|input| seen.insert(input.id));
    let settings = Settings { user, stops: &Stops::default(), model: &Model::default() };
    let chapters = write(observations.clone(), inputs.clone(), Opening::first(), &settings);
    check_again(&chapters, &observations, &inputs);
    (chapters, rejected)
}

/// Whatever is found is found again from outlines: all together, and each by itself.
fn check_again(chapters: &[Chapter], observations: &Observations, inputs: &[Input]) {
    let kept = |chapter: &Chapter| -> Outline {
        serde_json::from_value(serde_json::to_value(Outline::of(chapter)).unwrap()).unwrap()
    };
    for group in std::iter::once(chapters).chain(chapters.chunks(1)) {
        let outlines: Vec<Outline> = group.iter().map(kept).collect();
        let again = rebuild(UserId(Default::default()), &outlines, observations.clone(), inputs);
        assert!(again == group, "{again:?} is not {group:?}");
    }
}

/// Whatever is found hangs together, and can be shown.
fn check(chapters: &[Chapter]) {
    let user = UserId(Default::default());
    for leg in chapters.iter().flat_map(|chapter| &chapter.legs) {
        assert!(leg.start.ts() <= leg.end.ts(), "{leg:?}");
        for section in leg.cleaned.iter().flat_map(|cleaned| &cleaned.sections) {
            assert!(section.distance_m.is_finite() && section.duration_s.is_finite(), "{section:?}");
            assert!(section.points.iter().all(|point| point.at.latitude.is_finite() && point.at.longitude.is_finite()));
        }
    }
    let shown = documents(user, chapters, &[], Wanted::All);
    let ids: HashSet<ObjectId> = shown.iter().map(|document| document.id).collect();
    assert_eq!(ids.len(), shown.len(), "ids are unique");
    serde_json::to_string(&shown).unwrap();
    let trips = all_trips(chapters, &[]);
    let kept = chapters.iter().flat_map(|chapter| &chapter.legs).filter(|leg| leg.is_tracked && leg.cleaned.is_some());
    assert_eq!(trips.len(), kept.count());
    // Parts of a diary are shown as they are in the whole.
    let (Some((first, rest)), true) = (chapters.split_first(), chapters.len() > 1) else { return };
    let parts = documents(user, std::slice::from_ref(first), rest, Wanted::All).into_iter().chain(documents(
        user,
        rest,
        &[],
        Wanted::All,
    ));
    let mut parts: Vec<_> = parts.map(|document| (document.id, serde_json::to_value(document).unwrap())).collect();
    let mut whole: Vec<_> =
        shown.into_iter().map(|document| (document.id, serde_json::to_value(document).unwrap())).collect();
    parts.sort_by_key(|(id, _)| *id);
    whole.sort_by_key(|(id, _)| *id);
    assert_eq!(parts, whole);
}

fn entry(platform: &str, key: &str, write_ts: f64, data: Value) -> Value {
    let metadata = json!({"key": key, "type": "sensor-data", "platform": platform, "write_ts": write_ts, "time_zone": "Pacific/Kiritimati"});
    json!({"metadata": metadata, "data": data})
}

fn fix(write_ts: f64, ts: f64, at: (f64, f64), filter: Option<&str>) -> Value {
    let platform = if filter == Some("distance") { "ios" } else { "android" };
    let mut data = json!({"longitude": at.0, "latitude": at.1, "ts": ts, "bearing": 0});
    if let Some(filter) = filter {
        data["filter"] = filter.into();
    }
    entry(platform, "background/filtered_location", write_ts, data)
}

/// Times near each other, with equal ones among them, and absurd ones.
fn times() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (0_i32..4000).prop_map(|step| 1.7e9 + f64::from(step) * 15.0),
        2 => 1.7e9..1.7e9 + 90_000.0,
        1 => prop_oneof![Just(0.0), Just(-1e9), Just(2.5e11), Just(-6.2e10), Just(1e10), any::<f64>().prop_filter("finite", |ts| ts.is_finite())],
    ]
}

fn places() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        8 => ((0_i32..40), (0_i32..40)).prop_map(|(x, y)| (f64::from(x) * 1e-3, 89.98 + f64::from(y) * 5e-4)),
        4 => ((0_i32..40), (0_i32..40)).prop_map(|(x, y)| (if x < 20 { 180.0 } else { -180.0 } - f64::from(x - 20) * 1e-4, f64::from(y) * 1e-3)),
        4 => ((0_i32..40), (0_i32..40)).prop_map(|(x, y)| (f64::from(x) * 1e-3, f64::from(y) * 1e-3)),
        1 => (-180.0..180.0, -90.0..90.0),
        1 => (any::<f64>(), any::<f64>()).prop_filter("finite", |(x, y)| x.is_finite() && y.is_finite()),
    ]
}

fn entries() -> impl Strategy<Value = Value> {
    let lags = prop_oneof![6 => 0.0..3.0, 2 => -30.0..1_200.0, 1 => -1e6..1e6];
    let filters =
        prop_oneof![6 => Just(Some("time")), 6 => Just(Some("distance")), 1 => Just(None), 1 => Just(Some("none"))];
    let activity = 0_i64..12;
    let transitions = prop_oneof![
        Just("local.transition.stopped_moving"),
        Just("booted"),
        Just("local.transition.stop_tracking"),
        Just("local.transition.exited_geofence"),
        Just("?"),
    ];
    prop_oneof![
        10 => (times(), lags, places(), filters).prop_map(|(ts, lag, at, filter)| fix(ts + lag, ts, at, filter)),
        8 => (times(), activity, 0..101).prop_map(|(ts, kind, sure)| entry("android", "background/motion_activity", ts, json!({"ts": ts, "type": kind, "confidence": sure}))),
        2 => (times(), transitions).prop_map(|(ts, name)| entry("android", "statemachine/transition", ts, json!({"currState": "local.state.ongoing_trip", "transition": name, "ts": ts}))),
        1 => (times(), times()).prop_map(|(start, end)| entry("android", "manual/mode_confirm", end, json!({"start_ts": start, "end_ts": end, "label": "walk"}))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_entries_become_a_diary(entries in prop::collection::vec(entries(), 0..400)) {
        let (chapters, _) = diary(entries);
        check(&chapters);
    }

    #[test]
    fn any_fixes_of_one_phone_become_a_diary(
        rows in prop::collection::vec((times(), places()), 1..300),
        filter in prop_oneof![Just("time"), Just("distance")],
    ) {
        let mut rows = rows;
        rows.sort_by(|one, other| one.0.total_cmp(&other.0));
        let moving = rows.iter().step_by(7).map(|(ts, _)| entry("android", "background/motion_activity", *ts, json!({"ts": ts, "type": 0, "confidence": 100})));
        let moving: Vec<Value> = moving.collect();
        let (chapters, _) = diary(rows.into_iter().map(|(ts, at)| fix(ts, ts, at, Some(filter))).chain(moving));
        check(&chapters);
    }
}

#[test]
fn nothing_and_next_to_nothing() {
    for values in [
        vec![],
        vec![fix(1e9, 1e9, (0.0, 0.0), Some("time"))],
        vec![fix(1e9, 1e9, (0.0, 0.0), None), fix(2e9, 2e9, (1.0, 0.0), None)],
        vec![fix(1e9, 1e9, (0.0, 0.0), Some("distance")), fix(2e9, 2e9, (1.0, 0.0), Some("distance"))],
    ] {
        let (chapters, rejected) = diary(values);
        check(&chapters);
        assert_eq!(rejected, 0);
        assert!(chapters.iter().flat_map(|chapter| &chapter.legs).all(|leg| leg.cleaned.is_none()));
    }
}

#[test]
fn who_restarts_at_once_was_not_untracked_for_less_than_no_time() {
    let booted = json!({"currState": "local.state.ongoing_trip", "transition": "booted", "ts": 0.0});
    let (chapters, _) = diary([
        fix(0.0, -1e-9, (0.0, 0.0), Some("time")),
        fix(1200.0, -0.0, (0.0, 0.0), Some("distance")),
        fix(2.0, 0.0, (0.0, 89.98), Some("time")),
        entry("android", "statemachine/transition", 0.0, booted),
        fix(1.7e9, 1.7e9, (0.0, 0.0), Some("distance")),
    ]);
    check(&chapters);
    let mut legs = chapters.iter().flat_map(|chapter| &chapter.legs);
    assert!(legs.any(|leg| !leg.is_tracked && leg.start.ts() == leg.end.ts()), "{chapters:#?}");
}

#[test]
fn two_activities_at_one_time_are_no_stretch_of_negative_length() {
    let motion = |write_ts: f64, kind: i64| {
        entry(
            "android",
            "background/motion_activity",
            write_ts,
            json!({"ts": 1.7e9 + 600.0, "type": kind, "confidence": 99}),
        )
    };
    let fixes = (0..80_u32).map(|row| {
        let ts = 1.7e9 + f64::from(row) * 29.0;
        fix(ts, ts, (f64::from(row.min(40)) * 1e-3, 0.0), Some("time"))
    });
    let motions = [motion(1.7e9 + 600.0, 7), motion(1.7e9 + 600.5, 0)];
    let (chapters, rejected) = diary(fixes.chain(motions));
    check(&chapters);
    assert_eq!(rejected, 0);
    assert!(chapters.iter().any(|chapter| !chapter.legs.is_empty()));
}

#[test]
fn what_cannot_be_is_rejected_with_its_reason() {
    let mut observations = Observations::default();
    let id = ObjectId([7; 12]);
    for (value, reason) in [
        (fix(1e9, 1e9 + 90_000.0, (0.0, 0.0), Some("time")), "`data.ts` is 90000 s after `metadata.write_ts`"),
        (fix(1e9, 1e9, (0.0, 91.0), Some("time")), "91, 0 is not on Earth"),
        (fix(1e9, 1e9, (0.0, 0.0), Some("space")), "`data.filter`: space is neither time nor distance"),
        (
            entry("android", "background/motion_activity", 1e9, json!({"ts": 1e9})),
            "`data.type` is missing, or of another type than the formatter reads",
        ),
    ] {
        observations.push(id, Entry::try_from(value).unwrap());
        assert_eq!(observations.rejected().last().unwrap().reason, reason);
    }
}

#[test]
fn a_day_of_250_000_fixes_is_a_day() {
    // Three fixes a second: an hour of walking, then staying, again and again.
    let at = |row: u32| {
        let walked = row / 21_600 * 10_800 + (row % 21_600).min(10_800);
        (f64::from(walked) * 4e-6, 47.0)
    };
    let values = (0..250_000).map(|row| {
        let ts = 1.7e9 + f64::from(row) / 3.0;
        if row % 100 == 0 {
            entry("android", "background/motion_activity", ts, json!({"ts": ts, "type": 2, "confidence": 100}))
        } else {
            fix(ts, ts, at(row), Some("time"))
        }
    });
    let (chapters, rejected) = diary(values);
    assert_eq!(rejected, 0);
    let trips = all_trips(&chapters, &[]);
    assert_eq!(trips.len(), 12);
}
