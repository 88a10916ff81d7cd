//! Searches over targets whose capacity is known.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use proptest::prelude::*;
use rushhour_report::capacity::{
    Capacity, Conclusion, Next, Observed, Outcome, Phase, Search, SearchPlan, Subject, Unit, markdown, text,
};

/// More than any search may take: it would never end.
const STEPS_MAX: usize = 300;

fn observed(outcome: Outcome) -> Observed {
    Observed { outcome, completed_per_s: 0.0, response_p99_ms: Some(5.0), folder: None }
}

/// Searches a target that says of the nth step at a rate what becomes of it.
fn search(plan: SearchPlan, mut target: impl FnMut(usize, f64) -> Outcome) -> Capacity {
    let mut search = Search::new(plan).unwrap();
    let mut count = 0;
    while let Next::Try { rate, .. } = search.next() {
        assert!(count < STEPS_MAX, "the search goes on and on");
        search.told(observed(target(count, rate)));
        count += 1;
    }
    search.capacity(Subject::default())
}

/// A target that takes so much, and says so.
fn takes(capacity: f64) -> impl Fn(usize, f64) -> Outcome {
    move |_, rate| if rate <= capacity { Outcome::Holds } else { Outcome::Breaks("slow".to_owned()) }
}

/// A number between -1 and 1 that looks like any other.
fn luck(seed: u64, count: usize) -> f64 {
    let mixed = (seed ^ (count as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((mixed ^ (mixed >> 29)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn phases(capacity: &Capacity) -> Vec<Phase> {
    let mut phases: Vec<_> = capacity.steps.iter().map(|step| step.phase).collect();
    phases.dedup();
    phases
}

proptest! {
    #[test]
    fn a_steady_target_is_found_within_the_precision(capacity in 1.0_f64..1e6, start in 1.0_f64..1e6) {
        let found = search(SearchPlan::new(Unit::PerS, start), takes(capacity));
        // Within half a digit of the highest rate allowed both are right.
        prop_assume!(capacity < 999_000.0);
        prop_assert_eq!(&found.conclusion, &Conclusion::Found);
        let rate = found.max_rate.unwrap();
        prop_assert!(rate <= capacity && capacity < rate * 1.0511, "{} for {}", rate, capacity);
        prop_assert_eq!(found.interval.low, Some(rate));
        prop_assert!(found.interval.high.unwrap() > capacity);
        // The ramp takes at most 62 steps over six decades, and the rest fifteen.
        prop_assert!(found.steps.len() <= 80, "{} steps", found.steps.len());
    }

    #[test]
    fn phones_are_whole_ones(capacity in 1.0_f64..20_000.0, start in 1_u32..20_000) {
        let found = search(SearchPlan::new(Unit::Phones, start.into()), takes(capacity));
        let phones = found.max_rate.unwrap();
        prop_assert_eq!(phones.fract(), 0.0);
        prop_assert!(phones <= capacity && capacity < (phones * 1.05).round().max(phones + 1.0));
        prop_assert!(found.steps.iter().all(|step| step.rate.fract() == 0.0));
    }

    #[test]
    fn an_unsteady_target_is_found_nearly_or_not_at_all(seed: u64, capacity in 10.0_f64..1e5, start in 10.0_f64..1e4) {
        let found = search(SearchPlan::new(Unit::PerS, start), |count, rate| {
            takes(capacity * (1.0 + 0.02 * luck(seed, count)))(count, rate)
        });
        match found.conclusion {
            Conclusion::Found => {
                let off = found.max_rate.unwrap() / capacity;
                prop_assert!((0.93..=1.021).contains(&off), "{} for {}", found.max_rate.unwrap(), capacity);
            }
            Conclusion::CannotTell(why) => prop_assert!(why.contains("moved the answer 6 times"), "{}", why),
            other => prop_assert!(false, "{:?}", other),
        }
        prop_assert!(found.steps.len() <= 120, "{} steps", found.steps.len());
    }

    #[test]
    fn a_generators_limit_is_never_a_knee(capacity in 100.0_f64..1e5, limit in 100.0_f64..1e5) {
        let found = search(SearchPlan::new(Unit::PerS, 100.0), |count, rate| match rate {
            rate if rate > limit => Outcome::Void("the generator is busy".to_owned()),
            _ => takes(capacity)(count, rate),
        });
        match found.conclusion {
            Conclusion::Found => prop_assert!(found.interval.high.unwrap() <= limit),
            Conclusion::CannotTell(why) => {
                prop_assert!(why.starts_with("3 tries in a row at ") && why.ends_with("the generator is busy"));
                prop_assert_eq!(found.max_rate, None);
                prop_assert!(found.interval.low.unwrap() <= capacity.min(limit));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn voids_now_and_then_change_nothing_but_the_number_of_steps(seed: u64, capacity in 10.0_f64..1e5) {
        let plan = SearchPlan::new(Unit::PerS, 100.0);
        let (quiet, mut before) = (search(plan, takes(capacity)), false);
        let noisy = search(plan, |count, rate| {
            before = !before && luck(seed, count) > 0.0;
            if before { Outcome::Void("steal".to_owned()) } else { takes(capacity)(count, rate) }
        });
        prop_assert_eq!((noisy.conclusion, noisy.max_rate), (quiet.conclusion, quiet.max_rate));
        prop_assert!(noisy.steps.len() >= quiet.steps.len());
    }

    #[test]
    fn a_search_that_was_stopped_goes_on_where_it_was(capacity in 10.0_f64..1e5, cut in 0_usize..40) {
        let plan = SearchPlan::new(Unit::PerS, 100.0);
        let whole = search(plan, takes(capacity));
        let mut again = Search::new(plan).unwrap();
        whole.steps.iter().take(cut).for_each(|step| again.told(step.observed.clone()));
        let mut replayed = whole.steps.iter().skip(cut);
        while let Next::Try { rate, phase } = again.next() {
            let step = replayed.next().unwrap();
            prop_assert_eq!((rate, phase), (step.rate, step.phase));
            again.told(step.observed.clone());
        }
        prop_assert_eq!(again.capacity(Subject::default()), whole);
    }
}

#[test]
fn a_search_ramps_halves_and_confirms() {
    let found = search(SearchPlan::new(Unit::PerS, 100.0), takes(1_000.0));
    assert_eq!(phases(&found), [Phase::Ramp, Phase::Bisection, Phase::Confirm, Phase::ConfirmAbove]);
    let down = search(SearchPlan::new(Unit::PerS, 100_000.0), takes(1_000.0));
    assert_eq!(phases(&down), [Phase::Ramp, Phase::Bisection, Phase::Confirm, Phase::ConfirmAbove]);
}

#[test]
fn a_search_that_began_too_high_for_the_ladder_goes_down_once_it_has_its_answer() {
    let ladder = |response_p99_ms: fn(f64) -> f64| {
        let mut search = Search::new(SearchPlan::new(Unit::PerS, 800.0)).unwrap();
        while let Next::Try { rate, .. } = search.next() {
            let response_p99_ms = Some(response_p99_ms(rate));
            search.told(Observed { response_p99_ms, ..observed(takes(1_000.0)(0, rate)) });
        }
        search.capacity(Subject::default())
    };
    let steps = |found: &Capacity| found.steps.iter().filter(|step| step.phase == Phase::Ladder).count();
    let slow = ladder(|rate| rate / 20.0);
    assert_eq!((&slow.conclusion, slow.max_rate), (&Conclusion::Found, search(slow.plan, takes(1_000.0)).max_rate));
    // 640, 512, 409.6, 327.7, 262.2, 209.8, and 167.8, at which 10 ms are held.
    assert_eq!((steps(&slow), slow.critical.bounds[0].rate), (7, Some(167.8)), "{:?}", slow.critical);
    assert!(slow.critical.rate.is_some());
    let never = ladder(|_| 20.0);
    assert_eq!((steps(&never), never.critical.rate, &never.conclusion), (8, None, &Conclusion::Found));
}

#[test]
fn the_ends_of_what_is_allowed_are_no_capacity() {
    let plan = SearchPlan { rate_min: 50.0, rate_max: 500.0, ..SearchPlan::new(Unit::PerS, 100.0) };
    let high = search(plan, takes(10_000.0));
    assert_eq!((&high.conclusion, high.max_rate, high.interval.high), (&Conclusion::AtLeast, Some(500.0), None));
    let low = search(plan, takes(10.0));
    assert_eq!((&low.conclusion, low.max_rate, low.interval.high), (&Conclusion::Below, None, Some(50.0)));
    assert!(text(&low).contains("less than 50 per second"), "{}", text(&low));
    assert!(text(&high).contains("at least 500 per second"), "{}", text(&high));
}

#[test]
fn confirmation_moves_the_answer_and_gives_up_when_it_never_rests() {
    // The ramp and its halving meet a good hour, in which the target takes a tenth more.
    let found = search(SearchPlan::new(Unit::PerS, 100.0), |count, rate| {
        takes(if count < 15 { 1_100.0 } else { 1_000.0 })(count, rate)
    });
    assert_eq!(found.conclusion, Conclusion::Found);
    assert!((950.0..=1_000.0).contains(&found.max_rate.unwrap()), "{:?}", found.max_rate);
    let mut is_good = false;
    let restless = search(SearchPlan::new(Unit::PerS, 100.0), |_, rate| {
        is_good = !is_good;
        takes(if is_good { 1_100.0 } else { 900.0 })(0, rate)
    });
    assert!(matches!(restless.conclusion, Conclusion::CannotTell(_)), "{:?}", restless.conclusion);
    assert_eq!(restless.max_rate, None);
    assert!(restless.interval.low.unwrap() <= 1_000.0 && restless.interval.high.unwrap() >= 1_000.0);
    assert!(text(&restless).contains("cannot tell; per second, up to"), "{}", text(&restless));
    let (low, high) = restless.bracket().unwrap();
    assert!((800.0..=900.0).contains(&low) && (1_100.0..1_400.0).contains(&high), "{low} to {high}");
    assert_eq!(found.bracket(), found.max_rate.zip(found.interval.high));
}

#[test]
fn a_search_that_was_stopped_says_so() {
    let mut search = Search::new(SearchPlan::new(Unit::Phones, 100.0)).unwrap();
    search.told(observed(Outcome::Holds));
    let stopped = search.capacity(Subject::default());
    assert_eq!(stopped.conclusion, Conclusion::CannotTell("the search was stopped before its end".to_owned()));
    assert_eq!((stopped.interval.low, stopped.interval.high), (Some(100.0), None));
    assert_eq!(stopped.bracket(), None);
}

#[test]
fn what_is_no_plan_is_refused() {
    let plan = SearchPlan::new(Unit::PerS, 100.0);
    let wrong = [
        SearchPlan { start: 0.5, ..plan },
        SearchPlan { start: f64::NAN, ..plan },
        SearchPlan { rate_max: 50.0, ..plan },
        SearchPlan { rate_min: 0.0, ..plan },
        SearchPlan { rate_min: 0.5, unit: Unit::Phones, ..plan },
        SearchPlan { rate_max: 1_000.5, unit: Unit::Phones, ..plan },
        SearchPlan { ramp_factor: 1.0, ..plan },
        SearchPlan { precision_ratio: 0.0, ..plan },
        SearchPlan { confirmations: 0, ..plan },
    ];
    wrong.into_iter().for_each(|plan| assert!(Search::new(plan).is_err(), "{plan:?}"));
}

#[test]
fn a_capacity_is_kept_as_json_and_told_in_a_page() {
    let mut capacity = search(SearchPlan::new(Unit::PerS, 100.0), takes(1_000.0));
    capacity.subject = Subject {
        scenario: "evening".to_owned(),
        target: "local".to_owned(),
        machine: "m5.large (emulated)".to_owned(),
        is_emulated: true,
        limits: vec!["put.response_ms.p99 < 250".to_owned()],
    };
    let json = serde_json::to_string(&capacity).unwrap();
    assert_eq!(serde_json::from_str::<Capacity>(&json).unwrap(), capacity);
    let page = markdown(&capacity);
    assert!(page.starts_with("# Capacity of local for evening\n\n"), "{page}");
    for told in [
        "per second: it held 3 times, and",
        "broke 3 times",
        "on m5.large (emulated)",
        "held to put.response_ms.p99 < 250",
        "critical rate 1165 per second (1165 to –), of the highest within each p99",
        "| confirm above |",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}
