//! What people tell the app about their trips, in the words of its default labels.

use rand::RngExt;

use crate::draws::Draws;
use crate::sensed::{About, Label};
use crate::truth::{LocaleIndex, Micros, Mode, Purpose, SECOND_US, Trip};

/// Who labels does so for most trips: a choice.
const LABELLED_SHARE: f64 = 0.7;
/// Two labels are this far apart, in seconds.
const PAUSE_S: std::ops::Range<f64> = 1.0..9.0;

/// What somebody says at `at_us` about `trips`.
pub(crate) fn label(trips: &[Trip], at_us: Micros, locale: LocaleIndex, rng: &mut Draws) -> Vec<Label> {
    let mut labels = Vec::new();
    let mut write_us = at_us;
    for trip in trips {
        let Some((first_us, _)) = trip.sensed_us else { continue };
        if !rng.random_bool(LABELLED_SHARE) {
            continue;
        }
        let mut say = |about, label, rng: &mut Draws| {
            #[expect(clippy::cast_possible_truncation, reason = "seconds of a pause")]
            let pause_us = (rng.random_range(PAUSE_S) * SECOND_US as f64) as Micros;
            write_us += pause_us;
            labels.push(Label { write_us, start_us: first_us, end_us: trip.arrive_us, about, label, locale });
        };
        say(About::Mode, mode_word(trip.mode, rng), rng);
        say(About::Purpose, purpose_word(trip.purpose), rng);
        if matches!(trip.mode, Mode::Ebike | Mode::Scooter) {
            say(About::ReplacedMode, replaced_word(rng), rng);
        }
    }
    labels
}

fn mode_word(mode: Mode, rng: &mut Draws) -> &'static str {
    match mode {
        Mode::Walk => "walk",
        Mode::Bicycle => "bike",
        Mode::Ebike => "e-bike",
        Mode::Scooter => "scootershare",
        Mode::Car if rng.random_bool(0.35) => "shared_ride",
        Mode::Car => "drove_alone",
        Mode::Bus => "bus",
        Mode::Train => "train",
        Mode::Air => "air",
    }
}

fn purpose_word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Home | Purpose::Lodging => "home",
        Purpose::Work => "work",
        Purpose::School => "school",
        Purpose::Shop => "shopping",
        Purpose::Meal => "meal",
        Purpose::Errand => "personal_med",
        Purpose::Leisure => "exercise",
        Purpose::Social => "entertainment",
        Purpose::Escort => "pick_drop_person",
        Purpose::Airport => "transit_transfer",
    }
}

fn replaced_word(rng: &mut Draws) -> &'static str {
    const WORDS: [&str; 5] = ["drove_alone", "walk", "bike", "bus", "no_travel"];
    WORDS.get(rng.random_range(0..WORDS.len())).copied().unwrap_or("no_travel")
}
