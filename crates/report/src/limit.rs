//! Limits: bounds on the numbers of a result, such as `put.response_ms.p99 < 250 in every 10 s, abort after 30 s`.
//!
//! A limit holds only when there was a value that holds it. One whose operation was never offered did not hold anything,
//! and a run that passed because nothing was looked at would be worse than one that fails.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::metric::{Metric, is_latency};
use crate::nearest::suggestion;
use crate::result::{LimitOutcome, OperationResult};

/// A bound on one number of one operation, or of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// `None` stands for each.
    operation: Option<String>,
    metric: Metric,
    comparison: Comparison,
    bound: f64,
    window_s: Option<NonZeroU32>,
    abort_after_s: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// What is wrong with a limit, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LimitError(String);

const EACH: &str = "*";
const WINDOW: &str = " in every ";
const ABORT: &str = ", abort after ";

impl Limit {
    /// How long its windows are, in seconds; `None` when it is put on a whole run.
    pub fn window_s(&self) -> Option<NonZeroU32> {
        self.window_s
    }

    /// How many seconds of *measure* must be over before a breach stops the run; `None` when none does.
    pub fn abort_after_s(&self) -> Option<u32> {
        self.abort_after_s
    }

    /// The longest response time it allows, in milliseconds; `None` when it is put on something else.
    pub fn response_ms_max(&self) -> Option<f64> {
        (self.metric.is_response() && !self.is_lower_bound()).then_some(self.bound)
    }

    /// Whether little is a breach, not much.
    pub(crate) fn is_lower_bound(&self) -> bool {
        matches!(self.comparison, Comparison::Above | Comparison::AtLeast)
    }

    /// Whether its operation is one of `operations`.
    ///
    /// # Errors
    /// When it is not, with the nearest.
    pub fn check_names<'a>(&self, operations: impl Iterator<Item = &'a str> + Clone) -> Result<(), LimitError> {
        match &self.operation {
            Some(name) if !operations.clone().any(|known| known == name) => {
                let near = suggestion(name, operations);
                Err(LimitError(format!("the limit `{self}` names `{name}`, which this run does not send{near}")))
            }
            _ => Ok(()),
        }
    }

    /// What becomes of it on the numbers of a whole run, or of a window: one outcome for its operation, or for each that
    /// anything was offered of.
    pub fn judge(&self, operations: &BTreeMap<String, OperationResult>) -> Vec<LimitOutcome> {
        match &self.operation {
            Some(name) => vec![self.outcome(name, operations.get(name))],
            None => {
                let asked = operations.iter().filter(|(_, operation)| operation.offered + operation.completed > 0);
                asked.map(|(name, operation)| self.outcome(name, Some(operation))).collect()
            }
        }
    }

    /// What becomes of it when there is nothing to judge; none for a limit on each operation.
    pub(crate) fn unjudged(&self) -> Option<LimitOutcome> {
        self.operation.as_ref().map(|name| self.outcome(name, None))
    }

    fn outcome(&self, name: &str, operation: Option<&OperationResult>) -> LimitOutcome {
        let (value, metric) = operation.and_then(|operation| self.metric.value(operation)).unzip();
        // An outcome's text is a limit on its own operation, so that it can be judged again on merged numbers.
        let limit = Self { operation: Some(name.to_owned()), abort_after_s: None, ..self.clone() };
        LimitOutcome {
            limit: limit.to_string(),
            operation: name.to_owned(),
            metric: metric.unwrap_or_else(|| self.metric.name().to_owned()),
            held: value.is_some_and(|value| self.holds(value)),
            value,
            window_start_s: None,
        }
    }

    fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Below => value < self.bound,
            Comparison::AtMost => value <= self.bound,
            Comparison::Above => value > self.bound,
            Comparison::AtLeast => value >= self.bound,
        }
    }
}

/// The tightest bound on a response time, in milliseconds: what lateness is measured against.
pub fn tightest_ms<'a>(limits: impl IntoIterator<Item = &'a Limit>) -> Option<f64> {
    limits.into_iter().filter_map(Limit::response_ms_max).min_by(f64::total_cmp)
}

/// Lateness below this is not held against a run, however tight its limits: timers are no better.
const LATENESS_MS: f64 = 2.0;
/// Lateness may be this share of the tightest limit.
const LATENESS_SHARE: f64 = 0.02;

/// How late the generator may let requests go, in milliseconds: our delay must not be what is judged.
pub fn lateness_max_ms(tightest_ms: Option<f64>) -> f64 {
    tightest_ms.map_or(LATENESS_MS, |tightest_ms| LATENESS_MS.max(LATENESS_SHARE * tightest_ms))
}

/// Why a run failed: a sentence for each limit that did not hold.
pub fn breaches(outcomes: &[LimitOutcome], operations: &BTreeMap<String, OperationResult>) -> Vec<String> {
    outcomes.iter().filter(|outcome| !outcome.held).map(|outcome| sentence(outcome, operations)).collect()
}

/// Why a limit did not hold, in a sentence that may leave the result's folder.
pub fn sentence(outcome: &LimitOutcome, operations: &BTreeMap<String, OperationResult>) -> String {
    let LimitOutcome { limit, metric, value, window_start_s, .. } = outcome;
    let Some(value) = value else { return format!("{limit} does not hold: there was nothing to judge it by") };
    if !is_told(outcome, operations) {
        return format!("{limit} does not hold; its value is not told, as every answer was empty");
    }
    let asked = limit.strip_prefix(&outcome.operation).and_then(|limit| limit.strip_prefix('.')).unwrap_or(limit);
    let what = match asked.strip_prefix(metric.as_str()) {
        Some(_) => "it was".to_owned(),
        None => format!("with too few samples for the percentile, {metric} is judged, which was"),
    };
    let window = window_start_s.map_or(String::new(), |start_s| format!(" in those from second {start_s} on"));
    format!("{limit} does not hold: {what} {}{window}{}", rounded(*value), kinds(outcome, operations))
}

/// Whether the value may leave the result's folder: the latencies of an operation that did no work may not.
pub fn is_told(outcome: &LimitOutcome, operations: &BTreeMap<String, OperationResult>) -> bool {
    let is_empty = operations.get(&outcome.operation).is_some_and(|operation| operation.is_always_empty);
    !(is_empty && is_latency(&outcome.metric))
}

/// Four digits: no histogram has more to tell.
pub(crate) fn rounded(value: f64) -> String {
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    if magnitude >= 3.0 {
        return format!("{value:.0}");
    }
    let unit = 10_f64.powf(3.0 - magnitude);
    ((value * unit).round() / unit).to_string()
}

/// Which failures they were, behind the number of failures of a whole run.
fn kinds(outcome: &LimitOutcome, operations: &BTreeMap<String, OperationResult>) -> String {
    let errors = operations.get(&outcome.operation).map(|operation| &operation.errors);
    match errors {
        Some(errors) if outcome.metric.starts_with("failed") && outcome.window_start_s.is_none() => {
            let kinds: Vec<_> = errors.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            format!(" ({})", kinds.join(", "))
        }
        _ => String::new(),
    }
}

impl Display for Limit {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let sign = match self.comparison {
            Comparison::Below => "<",
            Comparison::AtMost => "<=",
            Comparison::Above => ">",
            Comparison::AtLeast => ">=",
        };
        let operation = self.operation.as_deref().unwrap_or(EACH);
        write!(to, "{operation}.{} {sign} {}", self.metric.name(), self.bound)?;
        self.window_s.map_or(Ok(()), |window_s| write!(to, "{WINDOW}{window_s} s"))?;
        self.abort_after_s.map_or(Ok(()), |after_s| write!(to, "{ABORT}{after_s} s"))
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let (hold, abort_after) = split(text, ABORT);
        let (hold, window) = split(hold, WINDOW);
        let at = hold.find(['<', '>']).ok_or_else(|| {
            LimitError(format!("`{hold}` compares nothing; write a limit such as `put.response_ms.p99 < 250`"))
        })?;
        let (name, rest) = hold.split_at(at);
        let (operation, metric) = names(name.trim())?;
        let (comparison, bound) = comparison(rest);
        let limit = Self {
            operation,
            metric,
            comparison,
            bound: number(bound)?,
            window_s: window.map(seconds).transpose()?,
            abort_after_s: abort_after.map(seconds).transpose()?,
        };
        limit.checked()
    }
}

impl Limit {
    fn checked(self) -> Result<Self, LimitError> {
        if (self.window_s.is_some() || self.abort_after_s.is_some()) && !self.metric.is_per_interval() {
            let what = "is only known of a whole run: leave out the window and the abort";
            return Err(LimitError(format!("`{}` {what}", self.metric.name())));
        }
        Ok(self)
    }
}

fn split<'a>(text: &'a str, at: &str) -> (&'a str, Option<&'a str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// The operation, which may have dots in its name, and the metric.
fn names(name: &str) -> Result<(Option<String>, Metric), LimitError> {
    let splits = name.match_indices('.').filter_map(|(at, _)| Some((name.get(..at)?, name.get(at + 1..)?)));
    let known = splits.clone().find_map(|(operation, metric)| Some((operation, Metric::named(metric)?)));
    match (known, name.split_once('.')) {
        (Some((EACH, metric)), _) => Ok((None, metric)),
        (Some((operation, metric)), _) if !operation.is_empty() => Ok((Some(operation.to_owned()), metric)),
        (None, Some((_, unknown))) => {
            let near = Metric::suggestion(unknown);
            Err(LimitError(format!("`{unknown}` is no number of an operation's result{near}")))
        }
        _ => Err(LimitError(format!(
            "`{name}` names no number of an operation; write `{EACH}.failed_ratio` for each, `put.failed_ratio` for one"
        ))),
    }
}

fn comparison(rest: &str) -> (Comparison, &str) {
    let signs =
        [("<=", Comparison::AtMost), (">=", Comparison::AtLeast), ("<", Comparison::Below), (">", Comparison::Above)];
    let found = signs.into_iter().find_map(|(sign, comparison)| Some((comparison, rest.strip_prefix(sign)?)));
    found.expect("the rest begins with one of the two signs")
}

fn number(text: &str) -> Result<f64, LimitError> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number
        .ok_or_else(|| LimitError(format!("`{}` is not a number; the unit is part of the name before it", text.trim())))
}

/// `10 s`, or `10s`.
fn seconds<T: FromStr>(text: &str) -> Result<T, LimitError> {
    let number = text.trim().trim_end_matches('s').trim_end();
    number.parse().map_err(|_| LimitError(format!("`{}` is not a number of whole seconds such as `10 s`", text.trim())))
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrTable)
    }
}

/// The long form of a limit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    hold: String,
    window_s: Option<NonZeroU32>,
    abort_after_s: Option<u32>,
}

struct TextOrTable;

impl<'de> Visitor<'de> for TextOrTable {
    type Value = Limit;

    fn expecting(&self, to: &mut Formatter<'_>) -> fmt::Result {
        to.write_str("a limit such as \"put.response_ms.p99 < 250\", or a table with `hold`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Limit, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Limit, A::Error> {
        let Table { hold, window_s, abort_after_s } = Table::deserialize(MapAccessDeserializer::new(map))?;
        let text: Limit = hold.parse().map_err(serde::de::Error::custom)?;
        let limit =
            Limit { window_s: window_s.or(text.window_s), abort_after_s: abort_after_s.or(text.abort_after_s), ..text };
        limit.checked().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Percentiles;

    fn limit(text: &str) -> Limit {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// A run of `put`, whose p99 is 300 ms, and of `get`, which answered nothing and has too few samples for a p99.
    fn operations() -> BTreeMap<String, OperationResult> {
        let put = OperationResult {
            offered: 1000,
            completed: 998,
            failed: 2,
            errors: BTreeMap::from([("timeout".to_owned(), 2)]),
            response_ms: Percentiles { count: 1000, p99: Some(300.0), max: Some(900.0), ..Percentiles::default() },
            ..OperationResult::default()
        };
        let get = OperationResult {
            offered: 5,
            completed: 5,
            is_always_empty: true,
            response_ms: Percentiles { count: 5, max: Some(7.0), ..Percentiles::default() },
            ..OperationResult::default()
        };
        let idle = OperationResult::default();
        BTreeMap::from([("put".to_owned(), put), ("get".to_owned(), get), ("find".to_owned(), idle)])
    }

    #[test]
    fn a_limit_is_written_as_it_is_read() {
        for text in [
            "put.response_ms.p99 < 250",
            "*.failed_ratio <= 0.001",
            "v1.put.errors.status 500 <= 3",
            "get.completed_per_s >= 99.5 in every 10 s",
            "get.completed > 5, abort after 0 s",
            "put.response_ms.p99_9 < 250 in every 60 s, abort after 120 s",
        ] {
            assert_eq!(limit(text).to_string(), text);
        }
        assert_eq!(limit("put.failed<3"), limit(" put.failed  <  3 "));
        assert_eq!(limit("put.failed < 3 in every 10s"), limit("put.failed < 3 in every 10 s"));
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        limits: Vec<Limit>,
    }

    #[test]
    fn a_limit_is_a_text_or_a_table_in_a_file() {
        let table = "limits = [{ hold = \"put.failed < 3\", window_s = 10, abort_after_s = 30 }]";
        let file: File = toml::from_str(table).unwrap();
        assert_eq!(file.limits, [limit("put.failed < 3 in every 10 s, abort after 30 s")]);
        assert_eq!(toml::from_str::<File>(&toml::to_string(&file).unwrap()).unwrap(), file);
        let refused = |text: &str| toml::from_str::<File>(text).unwrap_err().to_string();
        assert!(refused("limits = [{ hold = \"put.failed < 3\", window = 1 }]").contains("unknown field `window`"));
        assert!(refused("limits = [{ hold = \"put.failed < 3\", window_s = 0 }]").contains("nonzero"));
        assert!(refused("limits = [{ hold = \"put.shed < 3\", window_s = 1 }]").contains("only known of a whole run"));
        assert!(refused("limits = [\"put.p99 < 250\"]").contains("did you mean `response_ms.p99`"));
        assert!(refused("limits = [7]").contains("a limit such as"));
    }

    #[test]
    fn what_is_no_limit_is_refused_in_a_sentence() {
        for (text, part) in [
            (
                "put.response_ms.p95 < 250",
                "`response_ms.p95` is no number of an operation's result; did you mean `response_ms.p50`",
            ),
            ("put.failed_ration <= 1", "did you mean `failed_ratio`"),
            ("put.failed", "`put.failed` compares nothing"),
            ("", "compares nothing"),
            ("failed < 3", "`failed` names no number of an operation; write `*.failed_ratio` for each"),
            (".failed < 3", "names no number of an operation"),
            ("put.failed < many", "`many` is not a number"),
            ("put.response_ms.p99 < 250ms", "`250ms` is not a number; the unit is part of the name"),
            ("put.failed < inf", "`inf` is not a number"),
            ("put.failed < 3 in every 0 s", "`0 s` is not a number of whole seconds"),
            ("put.failed < 3 in every 1.5 s", "`1.5 s` is not"),
            ("put.service_ms.p99 < 3 in every 5 s", "`service_ms.p99` is only known of a whole run"),
            ("put.shed < 3, abort after 5 s", "`shed` is only known of a whole run"),
        ] {
            let message = text.parse::<Limit>().unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn an_operation_that_is_not_sent_is_refused_with_the_nearest() {
        let sent = ["get", "put", "timeline"];
        let check = |text: &str| limit(text).check_names(sent.into_iter()).map_err(|error| error.to_string());
        assert_eq!(check("put.failed < 3"), Ok(()));
        assert_eq!(check("*.failed < 3"), Ok(()));
        let message = "the limit `timelines.failed < 3` names `timelines`, which this run does not send; \
                       did you mean `timeline`?";
        assert_eq!(check("timelines.failed < 3"), Err(message.to_owned()));
    }

    /// Checks what becomes of a limit: `held` or `breached` with the value, for each operation it is put on.
    fn check(text: &str, outcomes: &[(&str, Option<f64>, bool)]) {
        let found = limit(text).judge(&operations());
        let found: Vec<_> = found.iter().map(|found| (found.operation.as_str(), found.value, found.held)).collect();
        assert_eq!(found, outcomes, "{text}");
    }

    #[test]
    fn a_limit_holds_when_its_value_does() {
        check("put.response_ms.p99 < 300", &[("put", Some(300.0), false)]);
        check("put.response_ms.p99 <= 300", &[("put", Some(300.0), true)]);
        check("put.completed > 998", &[("put", Some(998.0), false)]);
        check("put.completed >= 998", &[("put", Some(998.0), true)]);
        check("put.errors.timeout < 2", &[("put", Some(2.0), false)]);
        check("put.failed_ratio <= 0.002", &[("put", Some(0.002), true)]);
    }

    #[test]
    fn a_star_stands_for_each_operation_that_was_offered() {
        check("*.failed_ratio <= 0.001", &[("get", Some(0.0), true), ("put", Some(0.002), false)]);
    }

    #[test]
    fn with_too_few_samples_for_a_percentile_the_longest_must_hold() {
        check("get.response_ms.p99 < 250", &[("get", Some(7.0), true)]);
        check("get.response_ms.p99 < 5", &[("get", Some(7.0), false)]);
    }

    #[test]
    fn a_limit_that_had_nothing_to_judge_did_not_hold() {
        check("find.response_ms.p99 < 250", &[("find", None, false)]);
        check("find.failed_ratio < 1", &[("find", None, false)]);
        check("absent.failed < 3", &[("absent", None, false)]);
        check("find.failed < 3", &[("find", Some(0.0), true)]);
    }

    /// Checks the sentence about a limit.
    fn says(text: &str, expected: &str) {
        let operations = operations();
        assert_eq!(breaches(&limit(text).judge(&operations), &operations), [expected]);
    }

    #[test]
    fn a_sentence_tells_the_value_unless_nothing_was_done_for_it() {
        says("put.response_ms.p99 < 250", "put.response_ms.p99 < 250 does not hold: it was 300");
        says("put.failed_ratio < 0.001", "put.failed_ratio < 0.001 does not hold: it was 0.002 (2 timeout)");
        says(
            "put.response_ms.p99_9 < 250",
            "put.response_ms.p99_9 < 250 does not hold: with too few samples for the percentile, response_ms.max is \
             judged, which was 900",
        );
        says(
            "get.response_ms.p99 < 5",
            "get.response_ms.p99 < 5 does not hold; its value is not told, as every answer was empty",
        );
        says("get.completed > 5", "get.completed > 5 does not hold: it was 5");
        says("find.wait_ms.p99 < 5", "find.wait_ms.p99 < 5 does not hold: there was nothing to judge it by");
        assert_eq!([0.0, 0.123_456, 12_345.6, 99.999].map(rounded), ["0", "0.1235", "12346", "100"]);
    }

    #[test]
    fn the_tightest_limit_is_on_a_response_time() {
        let limits =
            ["*.failed < 1", "put.response_ms.p99 < 250", "get.response_ms.p50 <= 90.5", "get.wait_ms.max < 2"];
        assert_eq!(tightest_ms(&limits.map(limit)), Some(90.5));
        assert_eq!(tightest_ms(&[limit("put.response_ms.p99 > 3"), limit("put.response_ms.count < 3")]), None);
    }
}
