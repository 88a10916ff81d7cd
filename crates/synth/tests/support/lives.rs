//! Simple lives: days of three or four trips on straight streets, and what phones make of them.

use jiff::tz::TimeZone;
use rand::RngExt;
use rushhour_synth::draws::{Draws, Subject, draws};
use rushhour_synth::phone::{Handset, Phone, PhoneParameters, Stay, Stretch, Witnessed};
use rushhour_synth::plane::{Locale, Point};
use rushhour_synth::track::{Cover, Piece, Track};
use rushhour_synth::truth::{Micros, Mode, SECOND_US};

/// The first midnight.
pub(crate) const START_US: Micros = 1_767_225_600 * SECOND_US;
const DAY_US: Micros = 86_400 * SECOND_US;
/// From one corner to the next.
const BLOCK_M: f64 = 150.0;

/// Where they are lived.
pub(crate) fn place() -> Vec<Locale> {
    vec![Locale::new(39.74, -104.99, "Etc/UTC", TimeZone::UTC)]
}

/// The movements of each day.
pub(crate) fn planned(days: u32, user: u32) -> Vec<Vec<Track>> {
    let (mut at, mut trip, mut now_us) = (Point::default(), 0, START_US);
    let day = |day| {
        let mut rng = draws(7, user, day, Subject::Travel);
        now_us = now_us.max(START_US + i64::from(day) * DAY_US + 6 * 3_600 * SECOND_US);
        let count = rng.random_range(3..=4);
        let go = |i| {
            now_us += rng.random_range(45..200) * 60 * SECOND_US;
            let (mode, reach_m) = outing(&mut rng);
            let angle: f64 = rng.random_range(0.0..std::f64::consts::TAU);
            let is_last = i + 1 == count && at.distance_m(Point::default()) > 500.0;
            let away = Point::new(at.x_m + reach_m * angle.cos(), at.y_m + reach_m * angle.sin());
            let to = if is_last { Point::default() } else { away };
            let mode = if to.distance_m(at) > 6_000.0 { Mode::Car } else { mode };
            let track = go(trip, now_us, (at, to), mode, &mut rng);
            (at, now_us, trip) = (to, track.end_us(), trip + 1);
            track
        };
        (0..count).map(go).collect()
    };
    (0..days).map(day).collect()
}

/// What a phone makes of each day.
pub(crate) fn witnessed(mut phone: Phone, plan: &[Vec<Track>]) -> Vec<Witnessed> {
    let mut at = Point::default();
    let day = |(day, tracks): (u32, &Vec<Track>)| {
        phone.begin_day(day);
        for track in tracks {
            phone.live(&Stretch::Stay(Stay { at, locale: 0, until_us: track.start_us() }));
            phone.live(&Stretch::Move(track));
            at = track.pieces.last().unwrap().to;
        }
        let until_us = START_US + i64::from(day + 1) * DAY_US;
        phone.live(&Stretch::Stay(Stay { at, locale: 0, until_us }));
        if day as usize + 1 == plan.len() { phone.end_study() } else { phone.end_day() }
    };
    (0..).zip(plan).map(day).collect()
}

/// A phone that has not been used.
pub(crate) fn phone(handset: Handset, parameters: &PhoneParameters, user: u32) -> Phone {
    Phone::new(handset, parameters, &place(), Point::default(), START_US, 7, user)
}

fn outing(rng: &mut Draws) -> (Mode, f64) {
    match rng.random_range(0..4) {
        0 => (Mode::Walk, rng.random_range(400.0..1_500.0)),
        1 => (Mode::Bicycle, rng.random_range(1_000.0..6_000.0)),
        _ => (Mode::Car, rng.random_range(2_000.0..15_000.0)),
    }
}

/// A movement straight from one place to another, with a wait at every fifth corner.
pub(crate) fn go(trip: u32, start_us: Micros, (from, to): (Point, Point), mode: Mode, rng: &mut Draws) -> Track {
    let speed_m_s = match mode {
        Mode::Walk => 1.3,
        Mode::Bicycle => 4.1,
        _ => 13.0,
    };
    let blocks = (from.distance_m(to) / BLOCK_M).ceil().max(1.0);
    let mut pieces = Vec::new();
    let mut now_us = start_us;
    let mut add = |from: Point, to: Point, seconds: f64, speed_m_s: f64| {
        let start_us = now_us;
        now_us += (seconds * 1e6) as Micros;
        let (from_speed_m_s, to_speed_m_s) = (speed_m_s, speed_m_s);
        let (cover, locale, end_us) = (Cover::Open, 0, now_us);
        pieces.push(Piece { start_us, end_us, from, to, from_speed_m_s, to_speed_m_s, mode, cover, locale });
    };
    for block in 1..=blocks as u32 {
        let [before, corner] = [block - 1, block].map(|block| from.towards(to, f64::from(block) / blocks));
        add(before, corner, before.distance_m(corner) / speed_m_s, speed_m_s);
        if block % 5 == 0 {
            add(corner, corner, rng.random_range(5.0..30.0), 0.0);
        }
    }
    Track { trip, pieces }
}
