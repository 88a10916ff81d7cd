//! The numbers of an operation that a limit can be put on: those of [`OperationResult`], under their names in
//! `result.json`, and two ratios.

use std::sync::LazyLock;

use serde_json::Value;

use crate::histogram::Percentiles;
use crate::nearest::suggestion;
use crate::result::OperationResult;

/// Of all requests that ended, one way or another.
const RATIOS: [&str; 2] = ["failed_ratio", "censored_ratio"];
/// Before the kind of a failure: kinds are not known beforehand, and one that did not occur counts 0.
const ERRORS: &str = "errors.";
/// What an interval knows; the other numbers are only kept for a whole run.
const PER_INTERVAL: [&str; 6] = ["offered", "sent", "completed", "failed", "censored", "completed_per_s"];
const RESPONSE: &str = "response_ms.";

/// Every name, as it is in `result.json`: found by writing a result, so that the two cannot drift apart.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let told =
        Percentiles { count: 0, p50: Some(0.0), p90: Some(0.0), p99: Some(0.0), p99_9: Some(0.0), max: Some(0.0) };
    let operation = OperationResult {
        response_ms: told,
        service_ms: told,
        wait_ms: told,
        lateness_ms: told,
        ..OperationResult::default()
    };
    let mut names = Vec::new();
    for (name, value) in json(&operation).as_object().into_iter().flatten() {
        match value {
            Value::Number(_) => names.push(name.clone()),
            Value::Object(parts) => names.extend(parts.keys().map(|part| format!("{name}.{part}"))),
            _ => {}
        }
    }
    names.extend(RATIOS.map(str::to_owned));
    names
});

/// One of the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metric(String);

impl Metric {
    /// The metric of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let is_kind = name.strip_prefix(ERRORS).is_some_and(|kind| !kind.is_empty());
        (is_kind || NAMES.iter().any(|known| known == name)).then(|| Self(name.to_owned()))
    }

    /// The nearest names, as the end of a sentence.
    pub(crate) fn suggestion(unknown: &str) -> String {
        suggestion(unknown, NAMES.iter().map(String::as_str))
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// Whether it is known of every second, or only of a whole run.
    pub(crate) fn is_per_interval(&self) -> bool {
        let name = self.name();
        PER_INTERVAL.contains(&name) || RATIOS.contains(&name) || name.starts_with(RESPONSE)
    }

    /// Whether it is a response time.
    pub(crate) fn is_response(&self) -> bool {
        self.0.starts_with(RESPONSE) && self.0 != "response_ms.count"
    }

    /// Its value and the name of what it was read from: with too few samples for a percentile the longest must do.
    /// `None` when there is no sample at all.
    pub(crate) fn value(&self, operation: &OperationResult) -> Option<(f64, String)> {
        let ended = operation.completed + operation.failed + operation.censored;
        let ratio = |count: u64| (ended > 0).then(|| (count as f64 / ended as f64, self.0.clone()));
        match self.name() {
            "failed_ratio" => ratio(operation.failed),
            "censored_ratio" => ratio(operation.censored),
            name => match name.split_once('.') {
                None => Some((json(operation).get(name)?.as_f64()?, name.to_owned())),
                Some(("errors", kind)) => {
                    Some((operation.errors.get(kind).copied().unwrap_or(0) as f64, name.to_owned()))
                }
                Some((part, quantile)) => {
                    let part_of = json(operation);
                    let at = |quantile: &str| {
                        Some((part_of.get(part)?.get(quantile)?.as_f64()?, format!("{part}.{quantile}")))
                    };
                    at(quantile).or_else(|| at("max"))
                }
            },
        }
    }
}

/// Whether a number of this name is one of an operation's latencies.
pub(crate) fn is_latency(name: &str) -> bool {
    name.contains("_ms.")
}

fn json(operation: &OperationResult) -> Value {
    serde_json::to_value(operation).expect("numbers and names can be written as JSON")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_names_are_those_of_the_result() {
        for name in [
            "rate_per_s",
            "offered",
            "sent",
            "completed",
            "failed",
            "censored",
            "shed",
            "limited",
            "completed_per_s",
            "response_bytes_mean",
            "response_ms.p50",
            "response_ms.p99_9",
            "service_ms.max",
            "wait_ms.p90",
            "lateness_ms.p99",
            "errors.status 500",
            "failed_ratio",
            "censored_ratio",
        ] {
            assert_eq!(Metric::named(name).map(|metric| metric.0).as_deref(), Some(name));
        }
        for name in ["", "errors.", "is_always_empty", "errors", "response_ms", "response_ms.p95", "Offered"] {
            assert_eq!(Metric::named(name), None);
        }
    }

    #[test]
    fn a_value_is_read_under_its_name() {
        let operation = OperationResult {
            completed: 6,
            failed: 3,
            censored: 1,
            response_bytes_mean: 12.5,
            errors: BTreeMap::from([("status 500".to_owned(), 3)]),
            response_ms: Percentiles { count: 10, p99: None, max: Some(7.5), ..Percentiles::default() },
            ..OperationResult::default()
        };
        let value = |name: &str| Metric::named(name).unwrap().value(&operation);
        let told = |value: f64, name: &str| Some((value, name.to_owned()));
        assert_eq!(value("failed"), told(3.0, "failed"));
        assert_eq!(value("response_bytes_mean"), told(12.5, "response_bytes_mean"));
        assert_eq!(value("failed_ratio"), told(0.3, "failed_ratio"));
        assert_eq!(value("censored_ratio"), told(0.1, "censored_ratio"));
        assert_eq!(value("errors.status 500"), told(3.0, "errors.status 500"));
        assert_eq!(value("errors.timeout"), told(0.0, "errors.timeout"));
        assert_eq!(value("response_ms.count"), told(10.0, "response_ms.count"));
        assert_eq!(value("response_ms.p99"), told(7.5, "response_ms.max"));
        assert_eq!(value("service_ms.p99"), None);
        assert_eq!(Metric::named("failed_ratio").unwrap().value(&OperationResult::default()), None);
    }
}
