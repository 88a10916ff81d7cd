//! How sensors err, which only the truth can tell: rows 10 and 11.

use rushhour_synth::plane::{Locale, Point};
use rushhour_synth::sensed::Fix;
use rushhour_synth::track::{Cover, Track};
use rushhour_synth::truth::{Event, Fault, SECOND_US};

use crate::statistics::daily::share;
use crate::statistics::row::{Row, Target};

/// Errors of position of the fixes on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    fixes: u64,
    /// Those whose error is smaller than their accuracy.
    inside: u64,
    /// Sums over pairs of fixes half a minute apart: of the product of both errors in units of their accuracies, and of
    /// the square of each.
    products: f64,
    squares: [f64; 2],
}

/// How long errors last under the open sky: mobility.md 2d.
const LASTS_S: f64 = 60.0;
/// Slower is at rest.
const REST_M_S: f64 = 0.3;
/// Pairs of fixes so far apart count as half a minute.
const PAIR_US: std::ops::RangeInclusive<i64> = 29 * SECOND_US..=31 * SECOND_US;

/// The error of a fix, as a vector in units of its accuracy.
#[derive(Clone, Copy, Debug)]
struct Miss {
    ts_us: i64,
    by: Point,
    /// Whether it is of a movement under the open sky: at rest, and between houses, errors last otherwise.
    is_plain: bool,
}

impl Errors {
    /// Adds the fixes of a person, in order of time, that passed the filter; their trips' tracks; and what went wrong.
    pub fn add(&mut self, fixes: &[Fix], tracks: &[Track], events: &[Event], locales: &[Locale]) {
        let mut rest = fixes;
        for track in tracks {
            let (start_us, end_us) = (track.start_us(), track.end_us());
            rest = rest.get(rest.partition_point(|fix| fix.ts_us < start_us)..).unwrap_or_default();
            let (within, later) = rest.split_at(rest.partition_point(|fix| fix.ts_us <= end_us));
            rest = later;
            let mut cursor = track.cursor();
            let misses = within.iter().filter_map(|fix| {
                let moment = cursor.at(fix.ts_us);
                let sensed = locales.get(usize::from(moment.locale))?.point(fix.latitude, fix.longitude);
                let by = |sensed: f64, real: f64| (sensed - real) / f64::from(fix.accuracy_m);
                let by = Point::new(by(sensed.x_m, moment.at.x_m), by(sensed.y_m, moment.at.y_m));
                Some(Miss {
                    ts_us: fix.ts_us,
                    by,
                    is_plain: moment.cover == Cover::Open && moment.speed_m_s > REST_M_S,
                })
            });
            let misses: Vec<Miss> = misses.collect();
            self.fixes += misses.len() as u64;
            self.inside += misses.iter().filter(|miss| miss.by.distance_m(Point::default()) < 1.0).count() as u64;
            self.pair(&misses, &wrong_times(events, start_us, end_us));
        }
    }

    /// Adds neighbours under the open sky, apart from fixes that are wrong for other reasons than noise.
    fn pair(&mut self, misses: &[Miss], wrong_us: &[(i64, i64)]) {
        let is_noise = |miss: &Miss| {
            miss.is_plain && !wrong_us.iter().any(|(from_us, to_us)| (*from_us..=*to_us).contains(&miss.ts_us))
        };
        for (a, b) in misses.iter().zip(misses.iter().skip(1)) {
            if PAIR_US.contains(&(b.ts_us - a.ts_us)) && is_noise(a) && is_noise(b) {
                self.products += a.by.x_m * b.by.x_m + a.by.y_m * b.by.y_m;
                let squares = [a, b].map(|miss| miss.by.x_m.powi(2) + miss.by.y_m.powi(2));
                self.squares.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
            }
        }
    }

    /// Adds other people; the order decides the last digits.
    pub fn merge(&mut self, other: &Self) {
        self.fixes += other.fixes;
        self.inside += other.inside;
        self.products += other.products;
        self.squares.iter_mut().zip(other.squares).for_each(|(sum, other)| *sum += other);
    }

    /// Whether accuracies are true, and whether errors last.
    pub fn rows(&self) -> Vec<Row> {
        let [before, after] = self.squares;
        let power = (before * after).sqrt();
        // Not a number would be no number; it has to fail.
        let correlation = (power != 0.0).then(|| self.products / power);
        let lasting = Target::Near { reference: (-30.0 / LASTS_S).exp(), tolerance: 0.05 };
        vec![
            Row::new(
                10,
                "errors within the accuracy",
                Target::Between { low: 0.60, high: 0.76 },
                share(self.inside, self.fixes),
            ),
            Row::new(11, "correlation of errors 30 s apart", lasting, correlation),
        ]
    }
}

/// When fixes were wrong in other ways than by noise.
fn wrong_times(events: &[Event], start_us: i64, end_us: i64) -> Vec<(i64, i64)> {
    let is_of_fixes = |fault| matches!(fault, Fault::Outlier | Fault::CellFix | Fault::RepeatedFix | Fault::Bunched);
    let during = events.iter().filter(|event| event.start_us <= end_us && event.end_us >= start_us);
    during.filter(|event| is_of_fixes(event.fault)).map(|event| (event.start_us, event.end_us)).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand_distr::{Distribution, StandardNormal};
    use rushhour_synth::track::Piece;
    use rushhour_synth::truth::Mode;

    use super::*;

    const HOUR_US: i64 = 3_600 * SECOND_US;

    fn drive() -> Track {
        let (from, to) = (Point::default(), Point::new(100_000.0, 0.0));
        let piece = Piece {
            start_us: 0,
            end_us: 10 * HOUR_US,
            from,
            to,
            from_speed_m_s: 100.0 / 36.0,
            to_speed_m_s: 100.0 / 36.0,
            mode: Mode::Car,
            cover: Cover::Open,
            locale: 0,
        };
        Track { trip: 0, pieces: vec![piece] }
    }

    /// Fixes every half minute of a drive whose errors keep `stays` of themselves and have a spread of `spread_m`.
    fn fixes(locale: &Locale, stays: f64, spread_m: f64) -> Vec<Fix> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut error = [0.0, 0.0];
        let (track, comes) = (drive(), (1.0 - stays * stays).sqrt());
        let mut cursor = track.cursor();
        (0..1_200)
            .map(|i| {
                let ts_us = i * 30 * SECOND_US;
                error = error.map(|error| {
                    let shock: f64 = StandardNormal.sample(&mut rng);
                    stays * error + comes * shock
                });
                let at = cursor.at(ts_us).at;
                let (latitude, longitude) =
                    locale.degrees(Point::new(at.x_m + spread_m * error[0], at.y_m + spread_m * error[1]));
                fix(ts_us, latitude, longitude)
            })
            .collect()
    }

    fn fix(ts_us: i64, latitude: f64, longitude: f64) -> Fix {
        Fix {
            ts_us,
            write_us: ts_us,
            filtered_write_us: Some(ts_us),
            latitude,
            longitude,
            altitude_m: 0.0,
            accuracy_m: 15.1,
            vaccuracy_m: 0.0,
            speed_m_s: 0.0,
            bearing_deg: 0.0,
            elapsed_ns: 0,
            locale: 0,
        }
    }

    #[test]
    fn calibrated_noise_is_told_from_bold_and_from_white_noise() {
        let locale = Locale::new(39.7, -105.0, "UTC", jiff::tz::TimeZone::UTC);
        let verdicts = |stays: f64, spread_m: f64| {
            let mut errors = Errors::default();
            let (fixes, locales) = (fixes(&locale, stays, spread_m), [locale.clone()]);
            errors.add(&fixes, &[drive()], &[], &locales);
            errors.rows().iter().map(|row| row.verdict().name()).collect::<Vec<_>>()
        };
        let stays = (-0.5_f64).exp();
        assert_eq!(verdicts(stays, 10.0), ["pass", "pass"]);
        assert_eq!(verdicts(stays, 20.0), ["FAIL", "pass"]);
        assert_eq!(verdicts(0.0, 10.0), ["pass", "FAIL"]);
    }

    #[test]
    fn what_went_wrong_otherwise_is_no_noise() {
        let locale = Locale::new(39.7, -105.0, "UTC", jiff::tz::TimeZone::UTC);
        let event = Event { fault: Fault::Bunched, start_us: 0, end_us: 11 * HOUR_US };
        let mut errors = Errors::default();
        errors.add(&fixes(&locale, 0.6, 10.0), &[drive()], &[event], &[locale]);
        assert!(errors.rows()[1].values.is_empty());
        assert_eq!(errors.fixes, 1_200);
    }
}
