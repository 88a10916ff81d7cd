//! The search as a value that is asked what to run next and told what became of it; who runs it is not its business.
//!
//! A geometric ramp to the first rate that breaks, bisection down to the precision, then confirmation: the answer must hold
//! every time, and the precision above it must break every time. Then it goes down from its lowest step as far as the ladder
//! of response times needs. A step that says nothing of the target is tried again a few times, and then ends the search: the
//! generator's limit is nobody's knee.

use serde::{Deserialize, Serialize};

use crate::capacity::step::{Observed, Outcome, Phase, Step};
use crate::capacity::{Capacity, Conclusion, RateRange, Subject, Unit, critical};

/// A start that breaks is halved until something holds: far from the answer no precision is needed.
const DOWN_FACTOR: f64 = 2.0;
/// Steps in a row that say nothing before the search ends.
const VOIDS_MAX: u32 = 3;
/// How often confirmation may move the answer before the search says that it cannot tell.
const MOVES_MAX: u32 = 6;
/// How many steps down are made for the ladder: beyond a sixth of where the ramp began, its rungs stay empty.
const LADDER_STEPS_MAX: usize = 8;
/// Rates per second are rounded to so many digits: nobody can read more.
const RATE_DIGITS: f64 = 4.0;

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchPlan {
    /// What is searched over.
    pub unit: Unit,
    /// Where the ramp begins.
    pub start: f64,
    /// Lower is of no use to anybody.
    pub rate_min: f64,
    /// Higher cannot be offered, or is of no interest.
    pub rate_max: f64,
    /// How much higher each step of the ramp is.
    pub ramp_factor: f64,
    /// How near the lowest rate that breaks must be to the answer.
    pub precision_ratio: f64,
    /// How often the answer must hold, and the rate above it break.
    pub confirmations: u32,
    /// Two rates that differ by less cannot be told apart: phones come as whole people, however quickly they live.
    #[serde(default)]
    pub difference_min: f64,
}

/// What is wrong with a plan, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SearchPlanError(&'static str);

impl SearchPlan {
    /// The usual plan: steps of a quarter, a precision of 5 %, three confirmations.
    pub fn new(unit: Unit, start: f64) -> Self {
        let difference_min = match unit {
            Unit::PerS => 0.0,
            Unit::Phones => 1.0,
        };
        let (rate_min, rate_max) = (1.0, 1e6);
        Self {
            unit,
            start,
            rate_min,
            rate_max,
            ramp_factor: 1.25,
            precision_ratio: 0.05,
            confirmations: 3,
            difference_min,
        }
    }

    fn check(&self) -> Result<(), SearchPlanError> {
        let Self { start, rate_min, rate_max, .. } = *self;
        // Written so that what is no number fails as well.
        if !(rate_min > 0.0 && rate_min <= start && start <= rate_max && rate_max.is_finite()) {
            return Err(SearchPlanError("the start must lie between the lowest and the highest rate, above 0"));
        }
        if self.unit == Unit::Phones && (rate_min.fract() != 0.0 || rate_max.fract() != 0.0) {
            return Err(SearchPlanError("the lowest and the highest number of phones are whole"));
        }
        if !(1.01..=10.0).contains(&self.ramp_factor) {
            return Err(SearchPlanError("the ramp's factor must be between 1.01 and 10"));
        }
        if !(0.01..=0.5).contains(&self.precision_ratio) {
            return Err(SearchPlanError("the precision must be between 0.01 and 0.5"));
        }
        if !(1..=100).contains(&self.confirmations) {
            return Err(SearchPlanError("between 1 and 100 confirmations are possible"));
        }
        Ok(())
    }

    fn round(&self, rate: f64) -> f64 {
        let rounded = match self.unit {
            Unit::PerS => {
                let unit = 10_f64.powf(RATE_DIGITS - 1.0 - rate.log10().floor());
                (rate * unit).round() / unit
            }
            Unit::Phones => rate.round(),
        };
        rounded.clamp(self.rate_min, self.rate_max)
    }

    /// The precision above `rate`, or as little as makes a difference.
    fn above(&self, rate: f64) -> f64 {
        self.round((rate * (1.0 + self.precision_ratio)).max(rate + self.difference_min))
    }

    fn below(&self, rate: f64) -> f64 {
        self.round((rate / (1.0 + self.precision_ratio)).min(rate - self.difference_min))
    }
}

/// What the search wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// A run at this rate.
    Try {
        /// How much to offer.
        rate: f64,
        /// What for: confirmations are to last longer than the rest.
        phase: Phase,
    },
    /// Nothing more.
    Done,
}

/// A search under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    plan: SearchPlan,
    state: State,
    rate: f64,
    /// The highest rate that held before anything was confirmed.
    low: Option<f64>,
    /// The lowest that broke before anything was confirmed.
    high: Option<f64>,
    voids: u32,
    moves: u32,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Ramp,
    Bisection,
    Confirm { held: u32 },
    ConfirmAbove { answer: f64, broke: u32 },
    Ladder { conclusion: Conclusion, answer: f64 },
    Done { conclusion: Conclusion, answer: Option<f64> },
}

impl Search {
    /// A search that has not run anything yet.
    ///
    /// # Errors
    /// When the plan is none.
    pub fn new(plan: SearchPlan) -> Result<Self, SearchPlanError> {
        plan.check()?;
        let rate = plan.round(plan.start);
        Ok(Self { plan, state: State::Ramp, rate, low: None, high: None, voids: 0, moves: 0, steps: Vec::new() })
    }

    /// What to run next; the same until it is told what became of it.
    pub fn next(&self) -> Next {
        let phase = match self.state {
            State::Ramp => Phase::Ramp,
            State::Bisection => Phase::Bisection,
            State::Confirm { .. } => Phase::Confirm,
            State::ConfirmAbove { .. } => Phase::ConfirmAbove,
            State::Ladder { .. } => Phase::Ladder,
            State::Done { .. } => return Next::Done,
        };
        Next::Try { rate: self.rate, phase }
    }

    /// What became of what [`next`](Self::next) asked for. Told the same, it asks for the same: a search that was stopped
    /// goes on when it is told its steps again.
    pub fn told(&mut self, observed: Observed) {
        let Next::Try { rate, phase } = self.next() else { return };
        let outcome = observed.outcome.clone();
        self.steps.push(Step { phase, rate, observed });
        match outcome {
            Outcome::Void(reason) => self.void(reason),
            Outcome::Holds => self.judged(true),
            Outcome::Breaks(_) => self.judged(false),
        }
    }

    /// What can be said by now: when the search is not done, that it was stopped.
    pub fn capacity(&self, subject: Subject) -> Capacity {
        let (conclusion, max_rate) = match &self.state {
            State::Done { conclusion, answer } => (conclusion.clone(), *answer),
            // What is answered is answered, though the search was stopped on its way down.
            State::Ladder { conclusion, answer } => (conclusion.clone(), Some(*answer)),
            _ => (Conclusion::CannotTell("the search was stopped before its end".to_owned()), None),
        };
        let interval = match (&conclusion, max_rate) {
            (Conclusion::Found, Some(answer)) => RateRange { low: max_rate, high: Some(self.plan.above(answer)) },
            _ => seen(&self.steps),
        };
        let (plan, steps) = (self.plan, self.steps.clone());
        Capacity { subject, plan, conclusion, max_rate, interval, critical: critical(&steps), steps }
    }

    fn void(&mut self, reason: String) {
        self.voids += 1;
        if self.voids < VOIDS_MAX {
            return;
        }
        if let State::Ladder { conclusion, answer } = self.state.clone() {
            self.done(conclusion, Some(answer));
        } else {
            let tried = format!("{VOIDS_MAX} tries in a row at {} said nothing of the target: {reason}", self.rate);
            self.done(Conclusion::CannotTell(tried), None);
        }
    }

    fn judged(&mut self, has_held: bool) {
        self.voids = 0;
        match (self.state.clone(), has_held) {
            (State::Ramp, true) => self.ramp_up(),
            (State::Ramp, false) => self.ramp_down(),
            (State::Bisection, _) => {
                let end = if has_held { &mut self.low } else { &mut self.high };
                *end = Some(self.rate);
                self.bisect();
            }
            (State::Confirm { held }, true) if held + 1 < self.plan.confirmations => {
                self.state = State::Confirm { held: held + 1 };
            }
            (State::Confirm { .. }, true) if self.rate >= self.plan.rate_max => {
                self.go_down(Conclusion::AtLeast, self.rate);
            }
            (State::Confirm { .. }, true) => {
                self.state = State::ConfirmAbove { answer: self.rate, broke: 0 };
                self.rate = self.plan.above(self.rate);
            }
            (State::Confirm { .. }, false) if self.rate <= self.plan.rate_min => self.done(Conclusion::Below, None),
            (State::Confirm { .. }, false) => self.move_to(self.plan.below(self.rate)),
            (State::ConfirmAbove { .. }, true) => self.move_to(self.rate),
            (State::ConfirmAbove { answer, broke }, false) if broke + 1 < self.plan.confirmations => {
                self.state = State::ConfirmAbove { answer, broke: broke + 1 };
            }
            (State::ConfirmAbove { answer, .. }, false) => self.go_down(Conclusion::Found, answer),
            (State::Ladder { conclusion, answer }, _) => self.go_down(conclusion, answer),
            (State::Done { .. }, _) => unreachable!("a search that is done asks for nothing"),
        }
    }

    fn ramp_up(&mut self) {
        self.low = Some(self.rate);
        if self.high.is_some() {
            self.bisect();
        } else if self.rate >= self.plan.rate_max {
            self.state = State::Confirm { held: 0 };
        } else {
            // A factor that rounds to the same number of phones would never get anywhere.
            self.rate = self.plan.round((self.rate * self.plan.ramp_factor).max(self.rate + self.plan.difference_min));
        }
    }

    fn ramp_down(&mut self) {
        self.high = Some(self.rate);
        if self.low.is_some() {
            self.bisect();
        } else if self.rate <= self.plan.rate_min {
            self.done(Conclusion::Below, None);
        } else {
            self.rate = self.plan.round((self.rate / DOWN_FACTOR).min(self.rate - self.plan.difference_min));
        }
    }

    fn bisect(&mut self) {
        let ends = self.low.zip(self.high);
        let (low, high) = ends.expect("something held and something broke before anything is halved");
        let middle = self.plan.round((low * high).sqrt());
        let is_near = high <= self.plan.above(low) || middle <= low || middle >= high;
        (self.state, self.rate) = if is_near { (State::Confirm { held: 0 }, low) } else { (State::Bisection, middle) };
    }

    fn move_to(&mut self, answer: f64) {
        self.moves += 1;
        if self.moves > MOVES_MAX {
            let why = format!(
                "confirmation moved the answer {MOVES_MAX} times: the machine is too noisy for a precision of {:.0} %, the target changes \
                 as it fills, or the first break was bad luck",
                self.plan.precision_ratio * 100.0
            );
            return self.done(Conclusion::CannotTell(why), None);
        }
        (self.state, self.rate) = (State::Confirm { held: 0 }, answer);
    }

    /// Below the lowest step, if a rung of the ladder was within reach of none.
    fn go_down(&mut self, conclusion: Conclusion, answer: f64) {
        let lowest = self.steps.iter().map(|step| step.rate).fold(self.rate, f64::min);
        let made = self.steps.iter().filter(|step| step.phase == Phase::Ladder).count();
        let is_bottom = made >= LADDER_STEPS_MAX || lowest <= self.plan.rate_min;
        if is_bottom || !is_too_slow(&self.steps, lowest) {
            return self.done(conclusion, Some(answer));
        }
        self.rate = self.plan.round((lowest / self.plan.ramp_factor).min(lowest - self.plan.difference_min));
        self.state = State::Ladder { conclusion, answer };
    }

    fn done(&mut self, conclusion: Conclusion, answer: Option<f64>) {
        self.state = State::Done { conclusion, answer };
    }
}

/// Whether even the lowest rate was answered too slowly for a rung of the ladder.
fn is_too_slow(steps: &[Step], lowest: f64) -> bool {
    let is_measured = |step: &Step| step.rate <= lowest && step.observed.response_p99_ms.is_some();
    let has_empty_rung = critical(steps).bounds.iter().any(|rung| rung.rate.is_none());
    has_empty_rung && steps.iter().any(is_measured)
}

/// From the highest rate below all that broke to the lowest above all that held: what was seen, whatever came of it.
fn seen(steps: &[Step]) -> RateRange {
    let rates = |is_wanted: fn(&Outcome) -> bool| {
        steps.iter().filter(move |step| is_wanted(&step.observed.outcome)).map(|step| step.rate)
    };
    let held = || rates(|outcome| *outcome == Outcome::Holds);
    let broke = || rates(|outcome| matches!(outcome, Outcome::Breaks(_)));
    let low = held().filter(|rate| broke().all(|broken| broken > *rate)).reduce(f64::max);
    let high = broke().filter(|rate| held().all(|whole| whole < *rate)).reduce(f64::min);
    RateRange { low, high }
}
