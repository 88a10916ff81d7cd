//! Smoothing: which fixes of a section are jumps that nobody made.

mod posdap;
mod zigzag;

use rushhour_model::extended_json::ObjectId;
use serde::{Deserialize, Serialize};

use crate::gaps::filled;
use crate::observations::{Filter, Fix};
use crate::position::Position;
use crate::statistics::outlier_threshold;
use crate::track::{Timed, distances_m, speeds_m_per_s, speeds_over};

/// Faster than this many ranges between the quartiles above the upper one is an outlier.
const OUTLIER_RANGES: f64 = 3.0;
/// The speed of sound in metres per second: nothing that carries people is faster.
pub(crate) const SOUND_M_PER_S: f64 = 340.29;

/// How bad points were told from good ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Smoother {
    /// Points jump to and fro between two groups.
    Zigzag,
    /// Points between which nobody can move.
    Posdap,
}

impl Smoother {
    /// The name in `data.filtering_algo`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zigzag => "SmoothZigzag",
            Self::Posdap => "SmoothPosdap",
        }
    }
}

/// What smoothing found in a section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Smoothed {
    /// The fixes that are jumps, by their ids.
    pub deleted: Vec<ObjectId>,
    /// Who found them.
    pub smoother: Smoother,
}

/// A point of a section: a fix, or one that fills a gap.
pub(crate) struct Sample<'a> {
    pub(crate) ts: f64,
    pub(crate) at: Position,
    /// The fix; `None` for one that fills a gap.
    pub(crate) fix: Option<&'a Fix>,
}

impl Timed for Sample<'_> {
    fn ts(&self) -> f64 {
        self.ts
    }

    fn at(&self) -> Position {
        self.at
    }
}

/// Finds the jumps; `None` when the points leave no choice, in which case none is deleted.
pub(crate) fn smooth(fixes: &[Fix]) -> Option<Smoothed> {
    let samples: Vec<Sample<'_>> = fixes.iter().map(|fix| Sample { ts: fix.ts, at: fix.at, fix: Some(fix) }).collect();
    let filters = || fixes.iter().filter_map(|fix| fix.filter);
    let is_ios = filters().next().is_some() && filters().all(|filter| filter == Filter::Distance);
    let samples = if is_ios { filled(samples) } else { samples };
    let distances = distances_m(&samples);
    let speeds = speeds_over(&samples, &distances);
    let threshold = outlier_threshold(&speeds, OUTLIER_RANGES)?;
    let keep = zigzag::keep(&samples, &zigzag::Jumps { speeds: &speeds, distances: &distances, threshold, is_ios })?;
    let rest = Rest::of(&samples, &keep);
    let (keep, smoother) = if keep.iter().all(|keep| *keep) || rest.is_plausible() {
        (keep, Smoother::Zigzag)
    } else {
        let other = posdap::keep(&samples);
        if Rest::of(&samples, &other).is_plausible() { (other, Smoother::Posdap) } else { (keep, Smoother::Zigzag) }
    };
    let is_jump = |(sample, keep): (&Sample<'_>, bool)| sample.fix.filter(|_| !keep).map(Fix::id);
    let deleted = samples.iter().zip(keep).filter_map(is_jump).collect();
    Some(Smoothed { deleted, smoother })
}

/// The speeds of what would be left.
struct Rest(Vec<f64>);

impl Rest {
    fn of(samples: &[Sample<'_>], keep: &[bool]) -> Self {
        let left: Vec<&Sample<'_>> =
            samples.iter().zip(keep).filter(|(_, keep)| **keep).map(|(sample, _)| sample).collect();
        Self(speeds_m_per_s(&left))
    }

    fn is_plausible(&self) -> bool {
        let max = self.0.iter().copied().fold(0.0, f64::max);
        max < SOUND_M_PER_S || outlier_threshold(&self.0, OUTLIER_RANGES).is_none_or(|threshold| max <= threshold)
    }
}

impl<T: Timed> Timed for &T {
    fn ts(&self) -> f64 {
        (**self).ts()
    }

    fn at(&self) -> Position {
        (**self).at()
    }
}
