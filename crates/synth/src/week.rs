//! What kind of day it is, and when somebody goes out.

use jiff::civil::{Date, Weekday};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use serde::{Deserialize, Serialize};

use crate::draws::Draws;
use crate::parameters::{Choice, Share};
use crate::person::{Duty, Person, log_normal};
use crate::truth::Purpose;

/// Seconds in an hour.
pub(crate) const HOUR_S: f64 = 3_600.0;

/// How people spend their weeks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeekParameters {
    /// The probability of somewhere new after the first place: ρ of Song 2010.
    pub exploration_rho: f64,
    /// How fast it falls with the number of places: γ.
    pub exploration_gamma: f64,
    /// The share of days on which somebody does not leave home though they could: weekday, Saturday, Sunday.
    pub stay_in_share: [Share; 3],
    /// The share of duty days on which somebody is sick and stays at home.
    pub sick_share: Share,
    /// The share of duty days that somebody takes off.
    pub leave_share: Share,
    /// The share of people of any week who fly to another city.
    pub away_per_week: Share,
    /// Public holidays, as month and day.
    pub holidays: Vec<Holiday>,
    /// How often somebody at home goes out, per hour of a weekday, a Saturday and a Sunday, by hour of the day.
    pub outings_per_hour: [[f64; 24]; 3],
    /// The median of the logarithm of a stay in hours.
    pub stay_mu: f64,
    /// Its spread.
    pub stay_sigma: f64,
    /// When people want to be home on a weekday, a Saturday and a Sunday, in hours after midnight.
    pub back_h: [f64; 3],
    /// Its spread.
    pub back_sd_h: f64,
    /// How likely somebody goes on to another place before going home.
    pub chain_share: Share,
    /// How likely somebody at work goes out for a meal.
    pub lunch_share: Share,
    /// How likely somebody stops on the way to their duty.
    pub stop_before_share: Share,
    /// How likely somebody stops on the way home from their duty.
    pub stop_after_share: Share,
    /// What people go somewhere new for; the shares sum to 1.
    pub purposes: Choice<Purpose>,
    /// The median of the logarithm of the straight distance to somewhere new, in metres.
    pub distance_mu: f64,
    /// Its spread.
    pub distance_sigma: f64,
}

/// A day of the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Holiday {
    month: i8,
    day: i8,
}

impl Holiday {
    /// A day that exists in a leap year.
    const fn constant(month: i8, day: i8) -> Self {
        Self { month, day }
    }

    fn is(self, date: Date) -> bool {
        (self.month, self.day) == (date.month(), date.day())
    }
}

impl TryFrom<String> for Holiday {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // A leap year has every day there is.
        let date: Date = format!("2024-{text}").parse().map_err(|_| format!("`{text}` is no day such as `12-25`"))?;
        Ok(Self { month: date.month(), day: date.day() })
    }
}

impl From<Holiday> for String {
    fn from(holiday: Holiday) -> Self {
        format!("{:02}-{:02}", holiday.month, holiday.day)
    }
}

impl Default for WeekParameters {
    /// A city in the United States.
    fn default() -> Self {
        use Purpose::{Errand, Escort, Leisure, Meal, Shop, Social};
        Self {
            // Song 2010: mobility.md 2a.
            exploration_rho: 0.6,
            exploration_gamma: 0.21,
            // Together with the days on which nothing comes up these make 18 % of days without a trip: mobility.md 2b.
            stay_in_share: [Share::constant(0.082), Share::constant(0.137), Share::constant(0.178)],
            // About six days a year each, and three weeks of leave: choices.
            sick_share: Share::constant(0.025),
            leave_share: Share::constant(0.06),
            away_per_week: Share::constant(0.006),
            holidays: [(1, 1), (7, 4), (11, 11), (12, 25)].map(|(month, day)| Holiday::constant(month, day)).to_vec(),
            outings_per_hour: OUTINGS_PER_HOUR,
            // Fitted so that stays, which end by bedtime, are those of Swiss GPS: log-normal 0.75, 1.49 (mobility.md 2a).
            stay_mu: 1.8,
            stay_sigma: 1.5,
            back_h: [21.6, 21.5, 20.2],
            back_sd_h: 1.2,
            chain_share: Share::constant(0.22),
            lunch_share: Share::constant(0.12),
            stop_before_share: Share::constant(0.08),
            stop_after_share: Share::constant(0.34),
            // NHTS 2022 by home-based purpose (mobility.md 2b): shopping 0.24, social and recreational 0.15, other 0.23.
            purposes: Choice::constant(&[
                (Shop, 0.41),
                (Errand, 0.15),
                (Meal, 0.13),
                (Leisure, 0.14),
                (Social, 0.12),
                (Escort, 0.05),
            ]),
            // Fitted so that trips, with the way around blocks and the ways home, are log-normal 8.40, 1.55 (mobility.md 2b).
            distance_mu: 7.46,
            distance_sigma: 1.33,
        }
    }
}

/// How often somebody at home goes out, fitted so that all departures together follow the surveys' hours.
const OUTINGS_PER_HOUR: [[f64; 24]; 3] = [
    [
        0.009, 0.008, 0.007, 0.01, 0.022, 0.031, 0.034, 0.047, 0.101, 0.197, 0.238, 0.212, 0.172, 0.119, 0.086, 0.075,
        0.077, 0.077, 0.055, 0.028, 0.014, 0.009, 0.007, 0.006,
    ],
    [
        0.016, 0.013, 0.009, 0.005, 0.009, 0.023, 0.043, 0.064, 0.105, 0.158, 0.185, 0.219, 0.219, 0.183, 0.148, 0.123,
        0.081, 0.053, 0.035, 0.016, 0.008, 0.005, 0.006, 0.008,
    ],
    [
        0.023, 0.02, 0.01, 0.006, 0.007, 0.016, 0.037, 0.077, 0.16, 0.291, 0.41, 0.47, 0.539, 0.524, 0.432, 0.32,
        0.207, 0.111, 0.05, 0.024, 0.018, 0.018, 0.013, 0.012,
    ],
];

/// Which of the three tables a day has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayType {
    /// Monday to Friday.
    Weekday = 0,
    /// Saturday.
    Saturday = 1,
    /// Sunday, and public holidays.
    Sunday = 2,
}

impl DayType {
    /// The type of `date` by the calendar alone.
    pub fn of(date: Date) -> Self {
        match date.weekday() {
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
            _ => Self::Weekday,
        }
    }
}

/// What somebody is free to do on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They go to their duty.
    Duty,
    /// They can go out whenever they like.
    Free,
    /// They do their duty at home.
    Remote,
    /// They do not leave.
    In,
}

impl WeekParameters {
    /// The type of `date` for people who keep these holidays.
    pub(crate) fn day_type(&self, date: Date) -> DayType {
        if self.holidays.iter().any(|holiday| holiday.is(date)) { DayType::Sunday } else { DayType::of(date) }
    }

    /// What `person` does on a day of that type.
    pub(crate) fn draw_kind(&self, person: &Person, day_type: DayType, rng: &mut Draws) -> Kind {
        let [stays_in, is_sick, is_off, is_remote] = [
            self.stay_in_share.get(day_type as usize).copied().unwrap_or_default().get(),
            self.sick_share.get(),
            self.leave_share.get(),
            person.remote_share,
        ]
        .map(|share| rng.random_bool(share));
        // One duty in twelve falls on a weekend as well: shops, hospitals. A choice.
        let has_duty = match (person.duty, day_type) {
            (Duty::None, _) => false,
            (_, DayType::Weekday) => true,
            (Duty::Work(_), _) => person.user.is_multiple_of(12),
            (Duty::School(_), _) => false,
        };
        match (has_duty, is_sick, is_off, is_remote) {
            (true, true, ..) => Kind::In,
            (true, false, false, false) => Kind::Duty,
            (true, false, false, true) if stays_in => Kind::In,
            (true, false, false, true) => Kind::Remote,
            _ if stays_in => Kind::In,
            _ => Kind::Free,
        }
    }

    /// When somebody at home at `now_s` next goes out, in seconds of the day, if before `until_s`. A Poisson process whose
    /// rate changes with the hour; `factor` is how much of the usual they go out.
    pub(crate) fn next_outing_s(
        &self,
        day_type: DayType,
        now_s: f64,
        until_s: f64,
        factor: f64,
        rng: &mut Draws,
    ) -> Option<f64> {
        let rates = self.outings_per_hour.get(day_type as usize).expect("a table for each type of day");
        let mut left: f64 = Exp1.sample(rng);
        let mut at_s = now_s;
        while at_s < until_s {
            let hour = (at_s / HOUR_S).floor();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an hour of a day or two")]
            let rate_per_hour = rates.get((hour as usize) % 24).copied().unwrap_or(0.0) * factor;
            let hour_end_s = ((hour + 1.0) * HOUR_S).min(until_s);
            let expected = rate_per_hour * (hour_end_s - at_s) / HOUR_S;
            if left < expected {
                return Some(at_s + left / rate_per_hour * HOUR_S);
            }
            left -= expected;
            at_s = hour_end_s;
        }
        None
    }

    /// How long somebody stays somewhere, at most `max_s`, in seconds.
    pub(crate) fn draw_stay_s(&self, max_s: f64, rng: &mut Draws) -> f64 {
        /// Shorter stays are waits on the way.
        const MIN_S: f64 = 5.0 * 60.0;
        const TRIES: usize = 16;
        let stays = log_normal(self.stay_mu, self.stay_sigma);
        let draw = (0..TRIES).map(|_| stays.sample(rng) * HOUR_S).find(|stay_s| (MIN_S..max_s).contains(stay_s));
        draw.unwrap_or_else(|| MIN_S + rng.random::<f64>() * (max_s - MIN_S).max(0.0))
    }
}
