//! A line of a validation: what was expected, what came out, and whether that will do.

/// One statistic beside its reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which of the rows of the suite it belongs to.
    pub number: u8,
    /// What it is.
    pub statistic: String,
    /// What is expected.
    pub target: Target,
    /// What came out, one value or several; none when there is nothing to tell from.
    pub values: Vec<f64>,
}

/// What is expected of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A number, give or take a difference.
    Near {
        /// The number.
        reference: f64,
        /// The difference.
        tolerance: f64,
    },
    /// Numbers, one for each value, give or take a share of each.
    Around {
        /// The numbers.
        references: Vec<f64>,
        /// The shares.
        tolerances: Vec<f64>,
    },
    /// A distance from a distribution (Kolmogorov-Smirnov) that is at most some value.
    Follows {
        /// The distribution.
        reference: String,
        /// The value.
        distance_max: f64,
    },
    /// Anything in a range.
    Between {
        /// No less.
        low: f64,
        /// No more.
        high: f64,
    },
    /// No less than this.
    AtLeast {
        /// This.
        low: f64,
    },
}

/// Whether a row's value will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It will.
    Pass,
    /// It will not.
    Fail,
    /// There is no value.
    Untold,
}

impl Verdict {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Untold => "-",
        }
    }
}

impl Row {
    /// A row.
    pub fn new(
        number: u8,
        statistic: impl Into<String>,
        target: Target,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self { number, statistic: statistic.into(), target, values: values.into_iter().collect() }
    }

    /// Whether the values will do.
    pub fn verdict(&self) -> Verdict {
        let mut values = self.values.iter();
        let is_met = match &self.target {
            _ if self.values.is_empty() => return Verdict::Untold,
            Target::Near { reference, tolerance } => values.all(|value| (value - reference).abs() <= *tolerance),
            Target::Around { references, tolerances } => values
                .zip(references.iter().zip(tolerances))
                .all(|(value, (reference, tolerance))| (value - reference).abs() <= tolerance * reference.abs()),
            Target::Follows { distance_max, .. } => values.all(|value| value <= distance_max),
            Target::Between { low, high } => values.all(|value| (low..=high).contains(&value)),
            Target::AtLeast { low } => values.all(|value| value >= low),
        };
        if is_met { Verdict::Pass } else { Verdict::Fail }
    }

    /// What is expected, in words.
    pub fn reference(&self) -> String {
        match &self.target {
            Target::Near { reference, .. } => number(*reference),
            Target::Around { references, .. } => numbers(references),
            Target::Follows { reference, .. } => reference.clone(),
            Target::Between { low, high } => format!("{} to {}", number(*low), number(*high)),
            Target::AtLeast { low } => number(*low),
        }
    }

    /// How far off it may be, in words.
    pub fn tolerance(&self) -> String {
        match &self.target {
            Target::Near { tolerance, .. } => format!("±{}", number(*tolerance)),
            Target::Around { tolerances, .. } => format!("±{} %", shares(tolerances)),
            Target::Follows { distance_max, .. } => format!("KS ≤ {}", number(*distance_max)),
            Target::Between { .. } => "within".to_owned(),
            Target::AtLeast { .. } => "at least".to_owned(),
        }
    }

    /// The values, in words.
    pub fn value(&self) -> String {
        if self.values.is_empty() { "-".to_owned() } else { numbers(&self.values) }
    }
}

/// Several shares in percent side by side, or one when they are equal.
fn shares(shares: &[f64]) -> String {
    let mut words: Vec<String> = shares.iter().map(|share| format!("{:.0}", 100.0 * share)).collect();
    words.dedup();
    words.join("/")
}

/// Several numbers side by side.
fn numbers(values: &[f64]) -> String {
    values.iter().map(|value| number(*value)).collect::<Vec<_>>().join(" / ")
}

/// Three digits in all, and three behind the point for what is below one.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_will_do_when_it_is_as_near_as_asked() {
        let verdict = |target: &Target, value: Option<f64>| Row::new(1, "", target.clone(), value).verdict();
        let follows = Target::Follows { reference: String::new(), distance_max: 0.08 };
        for (target, passes, fails) in [
            (Target::Near { reference: 0.18, tolerance: 0.02 }, 0.199, 0.201),
            (Target::Around { references: vec![3.3], tolerances: vec![0.05] }, 3.45, 3.48),
            (follows, 0.08, 0.081),
            (Target::Between { low: 1.0, high: 1.6 }, 1.6, 1.7),
            (Target::AtLeast { low: 0.85 }, 0.86, 0.84),
        ] {
            assert_eq!(verdict(&target, Some(passes)), Verdict::Pass, "{target:?}");
            assert_eq!(verdict(&target, Some(fails)), Verdict::Fail, "{target:?}");
            assert_eq!(verdict(&target, Some(f64::NAN)), Verdict::Fail, "{target:?}");
            assert_eq!(verdict(&target, None), Verdict::Untold, "{target:?}");
        }
    }

    #[test]
    fn each_of_several_values_has_its_own_reference() {
        let target = Target::Around { references: vec![10.0, 30.0, 30.0], tolerances: vec![0.2; 3] };
        let row = |values: [f64; 3]| Row::new(9, "", target.clone(), values);
        assert_eq!(row([11.9, 24.1, 30.0]).verdict(), Verdict::Pass);
        assert_eq!(row([11.9, 24.1, 36.1]).verdict(), Verdict::Fail);
        assert_eq!(row([11.9, 24.1, 36.1]).value(), "11.9 / 24.1 / 36.1");
    }
}
