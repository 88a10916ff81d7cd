//! When requests of one operation are intended: a rate or stages of rates and how the times are spaced, or a recording.

use std::num::NonZeroU32;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardUniform};
use serde::{Deserialize, Serialize};

use crate::intensity::{Course, Intensity};
use crate::replay::Replay;

/// The largest rate that is taken: a request every 100 ns.
const RATE_MAX_PER_S: f64 = 1e7;
/// The smallest rate that is taken: a request in eleven days.
const RATE_MIN_PER_S: f64 = 1e-6;
/// The longest stage: a year.
const STAGE_MAX_S: f64 = 366.0 * 86_400.0;
const DAY_S: f64 = 86_400.0;

/// How often, and how regularly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Document", into = "Document")]
pub struct Arrivals {
    /// How often.
    pub shape: Shape,
    /// How they are spaced.
    pub spacing: Spacing,
}

/// How often requests are intended over a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Always as often.
    Steady(Rate),
    /// One stage after another from the start of *measure*; in *warm-up* as the first begins, and after the last as it
    /// ends.
    Stages(Vec<Stage>),
    /// As it was recorded; then the spacing is the recording's.
    Replay(Replay),
}

/// A stretch of time with a rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StageDocument", into = "StageDocument")]
pub enum Stage {
    /// The same rate all the time.
    Constant {
        /// How long, in seconds.
        for_s: f64,
        /// Per second; zero is a pause.
        rate_per_s: f64,
    },
    /// From one rate to another.
    Ramp {
        /// How long, in seconds.
        for_s: f64,
        /// The first rate.
        from_per_s: f64,
        /// The last rate.
        to_per_s: f64,
        /// In so many equal steps, the first and the last rate among them; evenly when absent.
        steps: Option<NonZeroU32>,
    },
    /// Up and down like a day.
    Wave {
        /// How long, in seconds.
        for_s: f64,
        /// The rate at its lowest.
        low_per_s: f64,
        /// The rate at its highest.
        high_per_s: f64,
        /// When it is highest, in seconds from the start of the stage.
        peak_at_s: f64,
        /// From one peak to the next; a day when absent.
        period_s: f64,
    },
}

/// How requests are spaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spacing {
    /// Independently of each other, as many people's are.
    #[default]
    Poisson,
    /// Evenly.
    Uniform,
}

/// A rate: positive and finite, because nothing else can be built.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate {
    per_s: f64,
}

impl TryFrom<f64> for Rate {
    type Error = String;

    fn try_from(per_s: f64) -> Result<Self, String> {
        if (RATE_MIN_PER_S..=RATE_MAX_PER_S).contains(&per_s) {
            Ok(Self { per_s })
        } else {
            Err(format!(
                "{per_s} is not a rate from {RATE_MIN_PER_S} to {RATE_MAX_PER_S} per second; leave out what is not sent"
            ))
        }
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.per_s
    }
}

impl std::str::FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let per_s: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
        Self::try_from(per_s)
    }
}

impl Rate {
    /// Requests per second.
    pub fn per_s(self) -> f64 {
        self.per_s
    }
}

/// Arrivals as they are written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spacing: Option<Spacing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stages: Option<Vec<Stage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<Replay>,
}

impl TryFrom<Document> for Arrivals {
    type Error = String;

    fn try_from(document: Document) -> Result<Self, String> {
        let shape = match (document.rate_per_s, document.stages, document.replay) {
            (Some(rate), None, None) => Shape::Steady(rate),
            (None, Some(stages), None) if !stages.is_empty() => Shape::Stages(stages),
            (None, None, Some(replay)) if document.spacing.is_none() => Shape::Replay(replay),
            (None, None, Some(_)) => return Err("a `replay` has the spacing of its recording".to_owned()),
            _ => {
                return Err(
                    "arrivals have either a `rate_per_s`, or at least one of `stages`, or a `replay`".to_owned()
                );
            }
        };
        let arrivals = Self { shape, spacing: document.spacing.unwrap_or_default() };
        if arrivals.intensity(0.0).is_some_and(|intensity| intensity.peak(f64::INFINITY) <= 0.0) {
            return Err("a rate that is always zero sends nothing: leave it out".to_owned());
        }
        Ok(arrivals)
    }
}

impl From<Arrivals> for Document {
    fn from(arrivals: Arrivals) -> Self {
        let none = Self { rate_per_s: None, spacing: None, stages: None, replay: None };
        let spacing = Some(arrivals.spacing);
        match arrivals.shape {
            Shape::Steady(rate) => Self { rate_per_s: Some(rate), spacing, ..none },
            Shape::Stages(stages) => Self { stages: Some(stages), spacing, ..none },
            Shape::Replay(replay) => Self { replay: Some(replay), ..none },
        }
    }
}

/// A stage as it is written: which fields are there says what it is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StageDocument {
    for_s: f64,
    rate_per_s: Option<f64>,
    from_per_s: Option<f64>,
    to_per_s: Option<f64>,
    steps: Option<NonZeroU32>,
    low_per_s: Option<f64>,
    high_per_s: Option<f64>,
    peak_at_s: Option<f64>,
    period_s: Option<f64>,
}

impl TryFrom<StageDocument> for Stage {
    type Error = String;

    fn try_from(stage: StageDocument) -> Result<Self, String> {
        let for_s = stage.for_s;
        if !(for_s > 0.0 && for_s <= STAGE_MAX_S) {
            return Err(format!("a stage cannot last {for_s} s; it takes more than 0 and at most {STAGE_MAX_S}"));
        }
        let rates = [stage.rate_per_s, stage.from_per_s, stage.to_per_s, stage.low_per_s, stage.high_per_s];
        if let Some(rate) = rates.into_iter().flatten().find(|rate| !(0.0..=RATE_MAX_PER_S).contains(rate)) {
            return Err(format!("{rate} is not a rate from 0 to {RATE_MAX_PER_S} per second"));
        }
        match stage {
            StageDocument { rate_per_s: Some(rate_per_s), from_per_s: None, low_per_s: None, .. } => {
                Ok(Self::Constant { for_s, rate_per_s })
            }
            StageDocument { from_per_s: Some(from_per_s), to_per_s: Some(to_per_s), low_per_s: None, .. } => {
                Ok(Self::Ramp { for_s, from_per_s, to_per_s, steps: stage.steps })
            }
            StageDocument { low_per_s: Some(low_per_s), high_per_s: Some(high_per_s), .. }
                if low_per_s <= high_per_s =>
            {
                let period_s = stage.period_s.unwrap_or(DAY_S);
                let peak_at_s = stage.peak_at_s.unwrap_or(0.0);
                if !(period_s > 0.0 && period_s.is_finite() && peak_at_s.is_finite()) {
                    return Err(format!("a wave cannot have a period of {period_s} s and its peak at {peak_at_s} s"));
                }
                Ok(Self::Wave { for_s, low_per_s, high_per_s, peak_at_s, period_s })
            }
            _ => Err(
                "a stage has `rate_per_s`, or `from_per_s` and `to_per_s`, or `low_per_s` and a `high_per_s` above it"
                    .to_owned(),
            ),
        }
    }
}

impl From<Stage> for StageDocument {
    fn from(stage: Stage) -> Self {
        let none = Self::default();
        match stage {
            Stage::Constant { for_s, rate_per_s } => Self { for_s, rate_per_s: Some(rate_per_s), ..none },
            Stage::Ramp { for_s, from_per_s, to_per_s, steps } => {
                Self { for_s, from_per_s: Some(from_per_s), to_per_s: Some(to_per_s), steps, ..none }
            }
            Stage::Wave { for_s, low_per_s, high_per_s, peak_at_s, period_s } => Self {
                for_s,
                low_per_s: Some(low_per_s),
                high_per_s: Some(high_per_s),
                peak_at_s: Some(peak_at_s),
                period_s: Some(period_s),
                ..none
            },
        }
    }
}

impl Stage {
    fn courses(self) -> Vec<(f64, Course)> {
        match self {
            Self::Constant { for_s, rate_per_s } => vec![(for_s, Course::Linear { from: rate_per_s, to: rate_per_s })],
            Self::Ramp { for_s, from_per_s, to_per_s, steps: None } => {
                vec![(for_s, Course::Linear { from: from_per_s, to: to_per_s })]
            }
            Self::Ramp { for_s, from_per_s, to_per_s, steps: Some(steps) } => {
                let count = f64::from(steps.get());
                let climb = (to_per_s - from_per_s) / (count - 1.0).max(1.0);
                let rate = |step| from_per_s + climb * f64::from(step);
                (0..steps.get())
                    .map(|step| (for_s / count, Course::Linear { from: rate(step), to: rate(step) }))
                    .collect()
            }
            Self::Wave { for_s, low_per_s, high_per_s, peak_at_s, period_s } => {
                let (mean, swing) = (f64::midpoint(low_per_s, high_per_s), (high_per_s - low_per_s) / 2.0);
                vec![(for_s, Course::Wave { mean, swing, peak_s: peak_at_s, period_s })]
            }
        }
    }

    fn first_rate(self) -> f64 {
        match self {
            Self::Constant { rate_per_s, .. } => rate_per_s,
            Self::Ramp { from_per_s, .. } => from_per_s,
            Self::Wave { low_per_s, high_per_s, peak_at_s, period_s, .. } => {
                let turn = std::f64::consts::TAU * peak_at_s / period_s;
                f64::midpoint(low_per_s, high_per_s) + (high_per_s - low_per_s) / 2.0 * turn.cos()
            }
        }
    }
}

impl Arrivals {
    /// The same rate all the time.
    pub fn steady(rate: Rate, spacing: Spacing) -> Self {
        Self { shape: Shape::Steady(rate), spacing }
    }

    /// The highest rate before `end`, when *measure* starts after `warm_up`; both from the start of the run.
    pub fn peak_per_s(&self, warm_up: Duration, end: Duration) -> f64 {
        match (&self.shape, self.intensity(warm_up.as_secs_f64())) {
            (Shape::Replay(replay), _) => replay.peak_per_s(warm_up, end),
            (_, intensity) => intensity.map_or(0.0, |intensity| intensity.peak(end.as_secs_f64())),
        }
    }

    /// The mean rate while *measure* lasts from `start` to `end` of the run.
    pub fn mean_per_s(&self, start: Duration, end: Duration) -> f64 {
        let (start_s, end_s) = (start.as_secs_f64(), end.as_secs_f64());
        match (&self.shape, self.intensity(start_s)) {
            (Shape::Steady(rate), _) => rate.per_s(),
            (Shape::Replay(replay), _) => replay.count(start, end) as f64 / (end_s - start_s),
            (_, intensity) => {
                let count = intensity.map_or(0.0, |intensity| intensity.count(end_s) - intensity.count(start_s));
                count / (end_s - start_s)
            }
        }
    }

    /// The rate over time, if it is one.
    fn intensity(&self, warm_up_s: f64) -> Option<Intensity> {
        let constant = |rate| Course::Linear { from: rate, to: rate };
        match &self.shape {
            // A second of it goes on for ever.
            Shape::Steady(rate) => Some(Intensity::new([(1.0, constant(rate.per_s))])),
            Shape::Stages(stages) => {
                let first = stages.first().map_or(0.0, |stage| stage.first_rate());
                let warm_up = (warm_up_s > 0.0).then_some((warm_up_s, constant(first)));
                Some(Intensity::new(warm_up.into_iter().chain(stages.iter().flat_map(|stage| stage.courses()))))
            }
            Shape::Replay(_) => None,
        }
    }

    /// The intended times from the start of the run, while there are any, and whose each is where a recording names people.
    /// The same seed and stream give the same times.
    pub fn times(
        &self,
        seed: u64,
        stream: u64,
        warm_up: Duration,
    ) -> Box<dyn Iterator<Item = (Duration, Option<u32>)> + Send> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        let walk = match (&self.shape, self.intensity(warm_up.as_secs_f64())) {
            (Shape::Replay(replay), _) => return Box::new(replay.times(warm_up)),
            (_, intensity) => intensity.map(Intensity::walk),
        };
        let mut walk = walk.expect("only a recording is no rate");
        let timed = move |count| Some((Duration::from_secs_f64(walk.time_s(count)?), None));
        match self.spacing {
            Spacing::Uniform => {
                // A phase of its own, so that two operations of the same rate are not always sent at once.
                let phase: f64 = StandardUniform.sample(&mut rng);
                let counts = (0_u64..).map(move |n| n as f64 + phase);
                Box::new(counts.map_while(timed))
            }
            Spacing::Poisson => {
                let gaps = Exp1.sample_iter(rng);
                let counts = gaps.scan(0.0, |count: &mut f64, gap: f64| {
                    *count += gap;
                    Some(*count)
                });
                Box::new(counts.map_while(timed))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(text: &str, warm_up_s: u64, count: usize) -> Vec<f64> {
        let arrivals: Arrivals = toml::from_str(text).unwrap();
        arrivals.times(7, 3, Duration::from_secs(warm_up_s)).take(count).map(|(at, _)| at.as_secs_f64()).collect()
    }

    #[test]
    fn uniform_arrivals_are_evenly_spaced() {
        let times = times("rate_per_s = 100\nspacing = \"uniform\"", 0, 1000);
        assert!(times[0] < 0.01);
        assert!(times.windows(2).all(|pair| (pair[1] - pair[0] - 0.01).abs() < 1e-8));
    }

    /// Checks that `gaps`, which should be exponential with a mean of one, are, at a significance of 1 %.
    fn check_exponential(mut gaps: Vec<f64>) {
        gaps.sort_by(f64::total_cmp);
        let share = |n: usize| n as f64 / gaps.len() as f64;
        let distances = gaps.iter().enumerate().map(|(n, gap)| {
            let truth = 1.0 - (-gap).exp();
            (truth - share(n)).abs().max((share(n + 1) - truth).abs())
        });
        let distance = distances.fold(0.0, f64::max);
        assert!(distance < 1.63 / (gaps.len() as f64).sqrt(), "{distance}");
    }

    #[test]
    fn poisson_gaps_pass_a_kolmogorov_smirnov_test() {
        let times = times("rate_per_s = 50", 0, 10_001);
        check_exponential(times.windows(2).map(|pair| 50.0 * (pair[1] - pair[0])).collect());
    }

    #[test]
    fn a_poisson_process_on_a_ramp_is_one_once_its_clock_is_rescaled() {
        let times = times("stages = [{ for_s = 100, from_per_s = 10, to_per_s = 190 }]", 0, 9000);
        let count = |t: f64| 10.0 * t + 180.0 / 100.0 * t * t / 2.0;
        check_exponential(times.windows(2).map(|pair| count(pair[1]) - count(pair[0])).collect());
    }

    /// How many evenly spaced arrivals of `stages` lie in each of these seconds.
    fn counts(stages: &str, warm_up_s: u64, seconds: [u32; 4]) -> [usize; 4] {
        let times = times(&format!("spacing = \"uniform\"\nstages = [{stages}]"), warm_up_s, 100_000);
        seconds.map(|second| times.iter().filter(|at| at.floor() == f64::from(second)).count())
    }

    #[test]
    fn stages_follow_one_another_from_the_start_of_measure() {
        let stages = "{ for_s = 5, rate_per_s = 20 }, { for_s = 2, rate_per_s = 200 }, { for_s = 3, rate_per_s = 0 }, { for_s = 1, rate_per_s = 20 }";
        assert_eq!(counts(stages, 0, [0, 5, 8, 10]), [20, 200, 0, 20]);
        assert_eq!(counts(stages, 3, [0, 8, 11, 30]), [20, 200, 0, 20]);
    }

    #[test]
    fn steps_climb_to_the_last_rate_and_waves_swing() {
        let steps = "{ for_s = 4, from_per_s = 10, to_per_s = 40, steps = 4 }";
        assert_eq!(counts(steps, 0, [0, 1, 2, 3]), [10, 20, 30, 40]);
        let wave = "{ for_s = 100, low_per_s = 0, high_per_s = 200, peak_at_s = 30.5, period_s = 60 }";
        let [low, rising, peak, falling] = counts(wave, 0, [0, 15, 30, 45]);
        assert!(low < 2 && peak > 198 && rising.abs_diff(falling) <= 6, "{low} {rising} {peak} {falling}");
    }

    #[test]
    fn the_seed_and_the_stream_decide_the_times() {
        let arrivals = Arrivals::steady(Rate::try_from(10.0).unwrap(), Spacing::Poisson);
        let first = |seed, stream| arrivals.times(seed, stream, Duration::ZERO).take(5).collect::<Vec<_>>();
        assert_eq!(first(1, 1), first(1, 1));
        assert_ne!(first(1, 1), first(2, 1));
        assert_ne!(first(1, 1), first(1, 2));
    }

    #[test]
    fn what_cannot_be_a_stage_is_refused() {
        let refuse = |text: &str| toml::from_str::<Arrivals>(text).unwrap_err().to_string();
        assert!(refuse("").contains("either"));
        assert!(refuse("rate_per_s = 1\nreplay = { file = \"a\" }").contains("either"));
        assert!(refuse("spacing = \"uniform\"\nreplay = { file = \"a\" }").contains("of its recording"));
        assert!(refuse("replay = { file = \"a\", speed = 0 }").contains("0 is not a speed"));
        assert!(refuse("rate_per_s = 1\nstages = [{ for_s = 1, rate_per_s = 1 }]").contains("either"));
        assert!(refuse("stages = [{ for_s = 1, rate_per_s = 0 }]").contains("always zero"));
        assert!(refuse("stages = [{ for_s = 0, rate_per_s = 1 }]").contains("cannot last 0 s"));
        assert!(refuse("stages = [{ for_s = 1, rate_per_s = -1 }]").contains("-1 is not a rate"));
        assert!(refuse("stages = [{ for_s = 1, from_per_s = 1 }]").contains("a stage has"));
        assert!(refuse("stages = [{ for_s = 1, low_per_s = 2, high_per_s = 1 }]").contains("above it"));
    }
}
