//! How sensors err: an accuracy that is correlated in time, and an error of position that fits it.
//!
//! The error is an Ornstein-Uhlenbeck process in units of its own spread, times the accuracy of the moment. The accuracy
//! is what the phone itself says: the radius that holds 68 % of errors.

use rand_distr::{Distribution, StandardNormal};

use super::handset::Profile;
use crate::draws::Draws;
use crate::plane::Point;
use crate::track::{Cover, Moment};
use crate::truth::{Micros, SECOND_US};

/// The radius that holds 68 % of a round normal distribution, in its spread along one axis: sqrt(-2 ln 0.32).
const RADIUS_68: f64 = 1.509_592;
/// Beyond this radius errors grow less than what the phone fears: of fixes at rest, one in twenty is 39 to 51 m away
/// though accuracies go to 60 and 96 m (mobility.md 3).
const FEAR_FROM_M: f64 = 45.0;
const FEAR_SHARE: f64 = 0.2;
/// How long an error lasts: mobility.md 2d.
const LASTS_OPEN_S: f64 = 60.0;
const LASTS_CANYON_S: f64 = 120.0;
/// Slower is at rest.
const REST_M_S: f64 = 0.3;
/// The accuracy of a phone that does not err.
const EXACT_M: f64 = 5.0;
/// The spread of an error of height is so much larger than that of one of position: a choice.
const HEIGHT_RATIO: f64 = 1.5;
/// How high people live: a choice.
const GROUND_M: f64 = 60.0;

/// The state of a phone's position sensor.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    profile: &'static Profile,
    is_noisy: bool,
    /// Towards east and north, each with a spread of 1.
    error: [f64; 2],
    /// How much of the accuracy stays from one fix to the next, and how much comes.
    accuracy_stays: [f64; 2],
    /// Standard normal; the accuracy is a function of it.
    accuracy: f64,
    since_us: Micros,
}

impl Noise {
    pub(super) fn new(profile: &'static Profile, is_noisy: bool) -> Self {
        let stays = profile.accuracy_stays;
        let accuracy_stays = [stays, (1.0 - stays * stays).sqrt()];
        Self { profile, is_noisy, accuracy_stays, error: [0.0; 2], accuracy: 0.0, since_us: Micros::MIN / 2 }
    }

    /// Goes on to the next fix, at `ts_us`.
    pub(super) fn step(&mut self, ts_us: Micros, moment: &Moment, rng: &mut Draws) {
        if !self.is_noisy {
            return;
        }
        let lasts_s = match moment.cover {
            _ if moment.speed_m_s < REST_M_S => self.profile.rest_error_lasts_s,
            Cover::Canyon => LASTS_CANYON_S,
            Cover::Open | Cover::Tunnel => LASTS_OPEN_S,
        };
        // Fixes that come bunched are measured before others that came already: the error does not go back in time.
        let gap_s = (ts_us - self.since_us).max(0) as f64 / SECOND_US as f64;
        let stays = (-gap_s / lasts_s).exp();
        let comes = (1.0 - stays * stays).sqrt();
        for error in &mut self.error {
            *error = stays * *error + comes * normal(rng);
        }
        let [stays, comes] = self.accuracy_stays;
        self.accuracy = stays * self.accuracy + comes * normal(rng);
        self.since_us = ts_us;
    }

    /// The radius that holds 68 % of errors, in metres.
    pub(super) fn accuracy_m(&self) -> f64 {
        match self.profile {
            _ if !self.is_noisy => EXACT_M,
            Profile { is_stepped: true, accuracy_m, .. } => accuracy_m.stair(self.accuracy),
            Profile { accuracy_m, .. } => accuracy_m.at(self.accuracy),
        }
    }

    /// Where the phone believes to be when it is at `at`.
    pub(super) fn apply(&self, at: Point, accuracy_m: f64) -> Point {
        if !self.is_noisy {
            return at;
        }
        let [east, north] = self.error;
        let spread_m = (accuracy_m.min(FEAR_FROM_M) + FEAR_SHARE * (accuracy_m - FEAR_FROM_M).max(0.0)) / RADIUS_68;
        Point::new(at.x_m + spread_m * east, at.y_m + spread_m * north)
    }

    /// How high the phone believes to be.
    pub(super) fn altitude_m(&self, accuracy_m: f64) -> f64 {
        // The same sky is to blame: a draw of its own is not worth its time.
        let [_, up] = self.error;
        GROUND_M + up * HEIGHT_RATIO * accuracy_m / RADIUS_68
    }
}

/// A draw from the standard normal distribution.
pub(super) fn normal(rng: &mut Draws) -> f64 {
    StandardNormal.sample(rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{Subject, draws};
    use crate::phone::handset::Handset;
    use crate::truth::Mode;

    fn moment(cover: Cover) -> Moment {
        Moment { at: Point::default(), speed_m_s: 9.0, heading_deg: 0.0, mode: Mode::Car, cover, locale: 0 }
    }

    /// Accuracies and errors of position of many fixes, `gap_s` apart.
    fn walk(handset: Handset, gap_s: i64, cover: Cover) -> Vec<(f64, Point)> {
        let mut rng = draws(1, 2, 3, Subject::Sensing);
        let mut noise = Noise::new(Profile::of(handset), true);
        (0..40_000)
            .map(|i| {
                noise.step(i * gap_s * SECOND_US, &moment(cover), &mut rng);
                let accuracy_m = noise.accuracy_m();
                (accuracy_m, noise.apply(Point::default(), accuracy_m))
            })
            .collect()
    }

    const ALL: [Handset; 3] = [Handset::ANDROID_2023, Handset::ANDROID_2016, Handset::IOS_2016];

    #[test]
    fn two_errors_in_three_are_within_the_accuracy() {
        for handset in ALL {
            let fixes = walk(handset, 30, Cover::Open);
            let inside = fixes.iter().filter(|(accuracy_m, at)| at.distance_m(Point::default()) <= *accuracy_m).count();
            let share = inside as f64 / fixes.len() as f64;
            assert!((0.66..0.76).contains(&share), "{handset:?}: {share}");
        }
    }

    #[test]
    fn errors_last_a_minute_under_the_sky_and_two_between_houses() {
        for handset in ALL {
            for (cover, lasts_s) in [(Cover::Open, 60.0_f64), (Cover::Canyon, 120.0)] {
                let units: Vec<f64> =
                    walk(handset, 30, cover).iter().map(|(accuracy_m, at)| at.x_m / accuracy_m).collect();
                let square: f64 = units.iter().map(|unit| unit * unit).sum();
                let lagged: f64 = units.windows(2).map(|pair| pair[0] * pair[1]).sum();
                assert!((lagged / square - (-30.0 / lasts_s).exp()).abs() < 0.03, "{handset:?} {cover:?}");
            }
        }
    }

    #[test]
    fn accuracies_have_the_measured_quantiles_and_memory() {
        for (handset, quantiles, memory) in [
            (Handset::ANDROID_2023, [7.5, 10.7, 18.0], 0.49),
            (Handset::ANDROID_2016, [10.0, 25.5, 40.0], 0.10),
            (Handset::IOS_2016, [5.0, 10.0, 65.0], 0.96),
        ] {
            let fixes = walk(handset, 30, Cover::Open);
            let mut sorted: Vec<f64> = fixes.iter().map(|fix| fix.0).collect();
            sorted.sort_by(f64::total_cmp);
            for (quarter, quantile) in (1..).zip(quantiles) {
                let found = sorted[quarter * sorted.len() / 4];
                assert!((found / quantile - 1.0).abs() < 0.1, "{handset:?} {quarter}: {found}");
            }
            let logs: Vec<f64> = fixes.iter().map(|fix| fix.0.ln()).collect();
            let mean = logs.iter().sum::<f64>() / logs.len() as f64;
            let square: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
            let lagged: f64 = logs.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
            assert!((lagged / square - memory).abs() < 0.06, "{handset:?}: {}", lagged / square);
        }
    }

    #[test]
    fn a_phone_without_noise_is_where_it_is() {
        let mut noise = Noise::new(Profile::of(Handset::ANDROID_2023), false);
        noise.step(0, &moment(Cover::Canyon), &mut draws(1, 2, 3, Subject::Sensing));
        let at = Point::new(3.0, 4.0);
        assert_eq!((noise.accuracy_m(), noise.apply(at, 5.0)), (EXACT_M, at));
    }

    #[test]
    fn a_fix_from_before_the_last_one_errs_by_a_number() {
        let mut rng = draws(1, 2, 3, Subject::Sensing);
        let mut noise = Noise::new(Profile::of(Handset::ANDROID_2023), true);
        for ts_us in [60 * SECOND_US, 0, 90 * SECOND_US] {
            noise.step(ts_us, &moment(Cover::Open), &mut rng);
            assert!(noise.apply(Point::default(), 10.0).x_m.is_finite());
        }
    }
}
