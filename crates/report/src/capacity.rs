//! Capacity: the highest rate, or number of phones, that holds every limit, and what was seen on the way to it.
//!
//! A number is told with an interval, from the highest that held to the lowest that broke, and with the machine and the
//! limits, without which it means nothing. Where nothing can be told, that is what is told.

use serde::{Deserialize, Serialize};

mod critical;
mod search;
mod show;
mod step;

pub use critical::{AtBound, Critical, critical};
pub use search::{Next, Search, SearchPlan, SearchPlanError};
pub(crate) use show::{brief, critical_line, found, reasons, title};
pub use show::{markdown, steps, text};
pub use step::{Observed, Outcome, Phase, Step, judge};

/// What a search left behind: `capacity.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Of what.
    pub subject: Subject,
    /// How it was looked for.
    pub plan: SearchPlan,
    /// What can be said.
    pub conclusion: Conclusion,
    /// The answer; `None` where there is none.
    pub max_rate: Option<f64>,
    /// From the highest rate that held to the lowest that broke.
    pub interval: RateRange,
    /// The rates that hold short response times.
    pub critical: Critical,
    /// Every step, in order.
    pub steps: Vec<Step>,
}

impl Capacity {
    /// Between which rates the answer lies, also where the search could not tell it as precisely as it was to: the lower one held as
    /// often as an answer must and never broke, and from the upper one on nothing held. `None` where either was not seen.
    pub fn bracket(&self) -> Option<(f64, f64)> {
        Some((self.held()?, self.interval.high?))
    }

    /// The highest rate that held as often as an answer must and never broke.
    pub fn held(&self) -> Option<f64> {
        match (&self.conclusion, self.max_rate) {
            (Conclusion::Found, Some(answer)) => Some(answer),
            _ => self.steps.iter().map(|step| step.rate).filter(|rate| self.is_confirmed(*rate)).reduce(f64::max),
        }
    }

    fn is_confirmed(&self, rate: f64) -> bool {
        let mut held = 0;
        for step in self.steps.iter().filter(|step| step.rate.to_bits() == rate.to_bits()) {
            match step.observed.outcome {
                Outcome::Holds => held += 1,
                Outcome::Breaks(_) => return false,
                Outcome::Void(_) => {}
            }
        }
        held >= self.plan.confirmations
    }
}

/// What a capacity is the capacity of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The scenario's name.
    pub scenario: String,
    /// The target's name, or its address.
    pub target: String,
    /// The machine, named as it may be quoted: an emulated one says so.
    pub machine: String,
    /// Whether the server was held to it. All that were kept before this was told were.
    #[serde(default = "held")]
    pub is_emulated: bool,
    /// What had to hold.
    pub limits: Vec<String>,
}

fn held() -> bool {
    true
}

/// What is searched over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Requests per second.
    #[default]
    PerS,
    /// Phones that live their day: whole ones.
    Phones,
}

/// What a search can say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// The answer held each time, and the precision above it broke each time.
    Found,
    /// The highest rate that was allowed held each time.
    AtLeast,
    /// The lowest rate that was allowed broke.
    Below,
    /// Nothing, and why.
    CannotTell(String),
}

/// A range of rates, open where nothing was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RateRange {
    /// Up to here it held.
    pub low: Option<f64>,
    /// From here on it did not.
    pub high: Option<f64>,
}

/// Whether two searches of the same target say the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// They do: the larger answer is at most a tenth larger, by this ratio.
    Within(f64),
    /// They do not, by this ratio of the larger to the smaller.
    Differ(f64),
    /// One of them has no answer to compare, or it is of something else.
    CannotTell(String),
}

/// Two answers within this ratio are the same answer.
const AGREEMENT_RATIO: f64 = 1.1;

/// Compares two searches.
pub fn agree(one: &Capacity, other: &Capacity) -> Agreement {
    if one.plan.unit != other.plan.unit || one.subject != other.subject {
        return Agreement::CannotTell("they looked for different things".to_owned());
    }
    match (answer(one), answer(other)) {
        (Ok(one), Ok(other)) => match one.max(other) / one.min(other) {
            ratio if ratio <= AGREEMENT_RATIO => Agreement::Within(ratio),
            ratio => Agreement::Differ(ratio),
        },
        (Err(why), _) | (_, Err(why)) => Agreement::CannotTell(why),
    }
}

fn answer(capacity: &Capacity) -> Result<f64, String> {
    match (&capacity.conclusion, capacity.max_rate) {
        (Conclusion::Found, Some(rate)) => Ok(rate),
        (Conclusion::Found, None) => Err("one has lost its answer".to_owned()),
        (Conclusion::AtLeast, _) => Err("one found no rate that breaks".to_owned()),
        (Conclusion::Below, _) => Err("one found no rate that holds".to_owned()),
        (Conclusion::CannotTell(why), _) => Err(format!("one has no answer: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(conclusion: Conclusion, max_rate: f64) -> Capacity {
        let is_found = conclusion == Conclusion::Found;
        Capacity {
            subject: Subject::default(),
            plan: SearchPlan::new(Unit::PerS, 1.0),
            conclusion,
            max_rate: is_found.then_some(max_rate),
            interval: RateRange::default(),
            critical: Critical::default(),
            steps: Vec::new(),
        }
    }

    #[test]
    fn two_answers_within_a_tenth_agree() {
        let found = |rate| capacity(Conclusion::Found, rate);
        assert_eq!(agree(&found(100.0), &found(110.0)), Agreement::Within(1.1));
        assert_eq!(agree(&found(150.0), &found(100.0)), Agreement::Differ(1.5));
        let noisy = capacity(Conclusion::CannotTell("steal 9 %".to_owned()), 0.0);
        assert_eq!(agree(&found(1.0), &noisy), Agreement::CannotTell("one has no answer: steal 9 %".to_owned()));
        assert!(matches!(agree(&capacity(Conclusion::AtLeast, 0.0), &found(1.0)), Agreement::CannotTell(_)));
        let phones = Capacity { plan: SearchPlan::new(Unit::Phones, 1.0), ..found(100.0) };
        assert!(matches!(agree(&phones, &found(100.0)), Agreement::CannotTell(_)));
    }
}
