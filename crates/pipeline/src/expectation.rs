//! Expectations: whether a person is asked to label a trip.

use rushhour_model::local_date::local_time;

use crate::leg::Cleaned;

/// 2021-06-01 20:00 in Los Angeles: from then on the first week of a month asks for more certainty (the original's
/// sample configuration).
const INTENSIVE_FROM_TS: f64 = 1_622_602_800.0;
const INTENSIVE_DAYS: i64 = 7;
const INTENSIVE_THRESHOLD: f64 = 0.65;
const RELAXED_THRESHOLD: f64 = 0.55;

/// What is expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Expectation {
    /// Whether the person is asked.
    pub(crate) to_label: bool,
    /// How likely labels must be to be shown.
    pub(crate) confidence_threshold: f64,
}

impl Expectation {
    pub(crate) fn of(trip: &Cleaned) -> Self {
        let end = &trip.end.moment;
        let day = local_time(end.ts, end.zone.rules()).map_or(0, |(date, _)| date.day);
        let is_intensive = end.ts >= INTENSIVE_FROM_TS && (1..=INTENSIVE_DAYS).contains(&day);
        let confidence_threshold = if is_intensive { INTENSIVE_THRESHOLD } else { RELAXED_THRESHOLD };
        let best = trip.labels.iter().map(|prediction| prediction.p).fold(0.0, f64::max);
        Self { to_label: best < confidence_threshold, confidence_threshold }
    }
}
