//! What somebody does next: the course of one day, decided as it goes.

use rand::RngExt;
use rand_distr::Distribution;

use crate::draws::Draws;
use crate::person::{Duty, Person, normal};
use crate::week::{DayType, HOUR_S, Kind, WeekParameters};

/// Where somebody goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// To where they sleep.
    Base,
    /// To their duty.
    Duty,
    /// To a meal, near where they are.
    Lunch,
    /// Wherever they like.
    Choice,
}

/// When somebody leaves, and where to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    /// In seconds since the day's midnight.
    pub(crate) leave_s: f64,
    /// Where to.
    pub(crate) goal: Goal,
}

/// Where somebody is in the course of the day.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Where they sleep.
    Base,
    /// At a stop on the way to their duty.
    Before,
    /// At their duty, before or after their meal.
    Duty { until_s: f64, had_lunch: bool },
    /// At a meal, with some of their duty left.
    Lunch { until_s: f64 },
    /// Somewhere that they chose.
    Out,
    /// At a stop on the way home from their duty.
    After,
}

/// A duty of this day.
#[derive(Clone, Copy, Debug, PartialEq)]
struct DutyToday {
    leaves_s: f64,
    stays_s: f64,
}

/// The course of a day.
#[derive(Clone, Debug)]
pub(crate) struct Agenda<'a> {
    week: &'a WeekParameters,
    day_type: DayType,
    kind: Kind,
    activity: f64,
    duty: Option<DutyToday>,
    /// When they want to be back.
    back_s: f64,
    phase: Phase,
}

/// A stay that cannot be shorter, however late it is.
const HURRIED_STAY_S: f64 = 10.0 * 60.0;
/// The longest that somebody stays at a place they chose to go to.
const STAY_MAX_S: f64 = 14.0 * HOUR_S;

impl<'a> Agenda<'a> {
    /// A new day of `person`, who wakes up where they sleep; on `is_away` days they have no duty.
    pub(crate) fn new(
        week: &'a WeekParameters,
        person: &Person,
        day_type: DayType,
        is_away: bool,
        rng: &mut Draws,
    ) -> Self {
        let kind = if is_away { Kind::Free } else { week.draw_kind(person, day_type, rng) };
        let duty = (kind == Kind::Duty && person.duty != Duty::None).then(|| DutyToday {
            // From day to day people are a quarter of an hour earlier or later: a choice.
            leaves_s: normal(person.leaves_s, 15.0 * 60.0).sample(rng).max(3.5 * HOUR_S),
            stays_s: normal(person.stays_s, 0.6 * HOUR_S).sample(rng).max(1.5 * HOUR_S),
        });
        let back_h = week.back_h.get(day_type as usize).copied().expect("one for each type of day");
        let back_s = normal(back_h, week.back_sd_h).sample(rng).clamp(18.0, 26.0) * HOUR_S;
        Self { week, day_type, kind, activity: person.activity, duty, back_s, phase: Phase::Base }
    }

    /// When somebody who has been where they are since `now_s` leaves, and where to; none when they stay for the night.
    pub(crate) fn next(&mut self, now_s: f64, rng: &mut Draws) -> Option<Step> {
        match self.phase {
            Phase::Base => self.leave_base(now_s, rng),
            Phase::Before => {
                // Coffee, a child: a quarter of an hour.
                let leave_s = now_s + rng.random_range(4.0..25.0) * 60.0;
                Some(self.go_to_duty(leave_s))
            }
            Phase::Duty { until_s, had_lunch } => Some(self.leave_duty(now_s, until_s, had_lunch, rng)),
            Phase::Lunch { until_s } => {
                let leave_s = now_s + rng.random_range(20.0..55.0) * 60.0;
                self.phase = Phase::Duty { until_s: until_s.max(leave_s + HOUR_S), had_lunch: true };
                Some(Step { leave_s, goal: Goal::Duty })
            }
            Phase::Out => Some(self.leave_outing(now_s, STAY_MAX_S, rng)),
            Phase::After => Some(self.leave_outing(now_s, 3.0 * HOUR_S, rng)),
        }
    }

    fn leave_base(&mut self, now_s: f64, rng: &mut Draws) -> Option<Step> {
        if self.kind == Kind::In {
            return None;
        }
        // Whoever has a duty ahead goes out before it only with two hours to spare.
        let until_s = self.duty.map_or(24.0 * HOUR_S, |duty| duty.leaves_s - 2.0 * HOUR_S);
        let factor = if self.kind == Kind::Remote { 0.8 } else { 1.0 } * self.activity;
        let start_s = now_s.max(0.0);
        if let Some(leave_s) = self.week.next_outing_s(self.day_type, start_s, until_s, factor, rng) {
            self.phase = Phase::Out;
            return Some(Step { leave_s, goal: Goal::Choice });
        }
        let duty = self.duty?;
        let leave_s = duty.leaves_s.max(now_s);
        if rng.random_bool(self.week.stop_before_share.get()) {
            self.phase = Phase::Before;
            return Some(Step { leave_s, goal: Goal::Choice });
        }
        Some(self.go_to_duty(leave_s))
    }

    fn go_to_duty(&mut self, leave_s: f64) -> Step {
        let stays_s = self.duty.take().map_or(0.0, |duty| duty.stays_s);
        self.phase = Phase::Duty { until_s: leave_s + stays_s, had_lunch: false };
        Step { leave_s, goal: Goal::Duty }
    }

    fn leave_duty(&mut self, now_s: f64, until_s: f64, had_lunch: bool, rng: &mut Draws) -> Step {
        /// Who comes to stay for less does not go out to eat.
        const FOR_LUNCH_S: f64 = 5.0 * HOUR_S;
        if !had_lunch && until_s - now_s > FOR_LUNCH_S && rng.random_bool(self.week.lunch_share.get()) {
            let leave_s = now_s + (until_s - now_s) * rng.random_range(0.40..0.60);
            self.phase = Phase::Lunch { until_s };
            return Step { leave_s, goal: Goal::Lunch };
        }
        let leave_s = until_s.max(now_s + HURRIED_STAY_S);
        if rng.random_bool(self.week.stop_after_share.get()) {
            self.phase = Phase::After;
            return Step { leave_s, goal: Goal::Choice };
        }
        self.phase = Phase::Base;
        Step { leave_s, goal: Goal::Base }
    }

    fn leave_outing(&mut self, now_s: f64, stay_max_s: f64, rng: &mut Draws) -> Step {
        let back_s = self.duty.map_or(self.back_s, |duty| duty.leaves_s - HOUR_S);
        let max_s = (back_s - now_s).clamp(HURRIED_STAY_S, stay_max_s);
        let leave_s = now_s + self.week.draw_stay_s(max_s, rng);
        let has_time = back_s - leave_s > 1.5 * HOUR_S;
        if has_time && rng.random_bool(self.week.chain_share.get()) {
            return Step { leave_s, goal: Goal::Choice };
        }
        self.phase = Phase::Base;
        Step { leave_s, goal: Goal::Base }
    }
}
