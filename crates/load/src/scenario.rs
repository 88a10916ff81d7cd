//! What is sent: a scenario file, or the flags that stand for one. Parsing it is validating it; behind this file no
//! value can be wrong.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;
use rushhour_synth::region::{PRESETS, RegionParameters};
use serde::{Deserialize, Serialize};

use crate::arrivals::{Arrivals, Rate};
use crate::document::{self, DocumentError};
use crate::operation::Operation;

/// People, what they upload, how often they act, and what must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// A short name; it becomes part of the result's folder.
    #[serde(default = "default_name")]
    pub name: Name,
    /// What the scenario is for.
    #[serde(default)]
    pub description: String,
    /// Same seed, same requests.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// How many people there are.
    #[serde(default = "default_users")]
    pub users: NonZeroU32,
    /// What their phones upload.
    #[serde(default)]
    pub days: Days,
    /// People who are made up, in the place of `users` who live recorded days.
    pub population: Option<Synthetic>,
    /// How long each phase is.
    #[serde(default)]
    pub phases: Phases,
    /// How often each operation is sent.
    #[serde(default)]
    pub arrivals: BTreeMap<Operation, Arrivals>,
    /// How requests are carried.
    #[serde(default)]
    pub connections: Connections,
    /// What must hold for the run to pass.
    #[serde(default)]
    pub limits: Limits,
}

impl Default for Scenario {
    fn default() -> Self {
        Self::parse("").expect("every field has a default")
    }
}

fn default_name() -> Name {
    Name("load".to_owned())
}

fn default_seed() -> u64 {
    1
}

fn default_users() -> NonZeroU32 {
    const { NonZeroU32::new(50).expect("not zero") }
}

/// A name that can be part of a folder's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 60 || name.starts_with('.') || !name.chars().all(is_plain) {
            return Err(format!("`{name}` is not a name of up to 60 letters, digits, `-`, `_` and `.`"));
        }
        Ok(Self(name))
    }
}

/// The recorded days that stand for the people's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Days {
    /// A folder with `*.raw.json` or `*.raw.json.gz` files, relative to the scenario file.
    pub dir: Option<PathBuf>,
    /// The date of everybody's first day.
    pub first_day: Date,
    /// How many days everybody uploads before the phases begin; all recorded ones when absent.
    pub before: Option<u32>,
}

impl Default for Days {
    fn default() -> Self {
        Self { dir: None, first_day: default_first_day(), before: None }
    }
}

/// People who are made up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Synthetic {
    /// How many there are.
    pub people: NonZeroU32,
    /// How many days each of them has uploaded before the phases begin; they go on living.
    pub days: u32,
    /// Where they live; when absent, where the file of their parameters says.
    pub region: Option<Preset>,
    /// A file as in `scenarios/populations`, relative to the scenario file; a city in the United States when absent.
    pub parameters: Option<PathBuf>,
    /// The date of everybody's first day.
    #[serde(default = "default_first_day")]
    pub first_day: Date,
}

/// A region that comes with the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Preset(String);

impl Preset {
    /// What it is made from.
    pub fn parameters(&self) -> RegionParameters {
        RegionParameters::preset(&self.0).expect("only names of presets are taken")
    }
}

impl TryFrom<String> for Preset {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if RegionParameters::preset(&name).is_none() {
            return Err(format!("`{name}` is none of the regions {}", PRESETS.join(", ")));
        }
        Ok(Self(name))
    }
}

/// A Monday, far enough from a change of the clocks anywhere.
fn default_first_day() -> Date {
    Date::constant(2026, 1, 5)
}

/// How long each phase is. Only requests intended in *measure* count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Phases {
    /// Sent, not counted.
    pub warm_up_s: Seconds,
    /// Counted.
    #[serde(deserialize_with = "positive_seconds")]
    pub measure_s: Seconds,
    /// How long to wait at the end for what is still under way.
    pub drain_s: Seconds,
}

impl Default for Phases {
    fn default() -> Self {
        Self { warm_up_s: Seconds(2.0), measure_s: Seconds(30.0), drain_s: Seconds(10.0) }
    }
}

impl Phases {
    /// When *measure* starts, from the start of the run.
    pub fn measure_start(&self) -> Duration {
        self.warm_up_s.duration()
    }

    /// When *measure* ends and *drain* starts.
    pub fn measure_end(&self) -> Duration {
        self.measure_start() + self.measure_s.duration()
    }

    /// When the run ends, whatever is still under way.
    pub fn end(&self) -> Duration {
        self.measure_end() + self.drain_s.duration()
    }
}

/// A length of time: zero to a year.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Seconds(f64);

impl Seconds {
    /// As the standard library has it.
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }

    /// As a number.
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// As what must not be zero, such as the time to measure.
    ///
    /// # Errors
    /// When it is.
    pub fn positive(self) -> Result<Self, String> {
        if self.0 > 0.0 { Ok(self) } else { Err("nothing can be measured in 0 s".to_owned()) }
    }
}

fn positive_seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
    Seconds::deserialize(deserializer)?.positive().map_err(serde::de::Error::custom)
}

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        const YEAR_S: f64 = 366.0 * 86_400.0;
        if (0.0..=YEAR_S).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(format!("{seconds} s is not a length of time between 0 and a year"))
        }
    }
}

/// How requests are carried, with the bound of everything that could grow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// At most this many at once; a request that finds none free waits, and its response time grows.
    pub max: NonZeroU32,
    /// A request that is not answered within this time of being sent has failed.
    pub request_timeout_s: Seconds,
    /// When this many requests wait for a connection the target is saturated and the run stops.
    pub backlog_max: NonZeroU32,
}

impl Default for Connections {
    fn default() -> Self {
        const MAX: NonZeroU32 = NonZeroU32::new(64).expect("not zero");
        const BACKLOG_MAX: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");
        Self { max: MAX, request_timeout_s: Seconds(30.0), backlog_max: BACKLOG_MAX }
    }
}

/// Bounds that make a run fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest share of requests that may fail.
    pub failed_ratio_max: Ratio,
    /// The largest p99 of the response time of each operation, in milliseconds.
    pub response_p99_ms: BTreeMap<Operation, Milliseconds>,
}

impl Default for Limits {
    /// What people put up with: `get` at once, an upload or a day of the diary within a second, one error in a thousand.
    fn default() -> Self {
        let p99 = |operation, ms| (operation, Milliseconds(ms));
        Self {
            failed_ratio_max: Ratio(0.001),
            response_p99_ms: BTreeMap::from([
                p99(Operation::Get, 250.0),
                p99(Operation::Put, 1000.0),
                p99(Operation::Timeline, 1000.0),
                p99(Operation::Find, 1000.0),
            ]),
        }
    }
}

/// A share between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Ratio(f64);

impl Ratio {
    /// As a number.
    pub fn as_f64(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Ratio {
    type Error = String;

    fn try_from(ratio: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&ratio) {
            Ok(Self(ratio))
        } else {
            Err(format!("{ratio} is not a share between 0 and 1"))
        }
    }
}

/// A bound on a latency: above zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Milliseconds(f64);

impl Milliseconds {
    /// As a number.
    pub fn as_f64(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Milliseconds {
    type Error = String;

    fn try_from(ms: f64) -> Result<Self, String> {
        if ms > 0.0 && ms.is_finite() { Ok(Self(ms)) } else { Err(format!("{ms} ms is not a bound above zero")) }
    }
}

/// What the flags of the command line put in the place of a scenario's values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// New rates; operations that are not named keep theirs.
    pub rates: BTreeMap<Operation, Rate>,
    /// The length of *measure*.
    pub measure_s: Option<Seconds>,
    /// The recorded days.
    pub days_dir: Option<PathBuf>,
    /// How many people.
    pub users: Option<NonZeroU32>,
    /// The seed.
    pub seed: Option<u64>,
}

impl Scenario {
    /// Reads a scenario from TOML.
    ///
    /// # Errors
    /// With the line, and with the field that may have been meant where one is unknown.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let scenario: Self = document::parse(text)?;
        if scenario.population.is_some() && scenario.days.dir.is_some() {
            let what = "people live recorded days (`[days]`) or are made up (`[population]`): leave one of them out";
            return Err(DocumentError::new(what));
        }
        Ok(scenario)
    }

    /// How many people there are.
    pub fn users(&self) -> NonZeroU32 {
        self.population.as_ref().map_or(self.users, |population| population.people)
    }

    /// The scenario with the flags' values in the place of its own.
    pub fn with(mut self, overrides: Overrides) -> Self {
        for (operation, rate) in overrides.rates {
            let spacing = self.arrivals.get(&operation).map(|arrivals| arrivals.spacing).unwrap_or_default();
            self.arrivals.insert(operation, Arrivals { rate_per_s: rate, spacing });
        }
        self.phases.measure_s = overrides.measure_s.unwrap_or(self.phases.measure_s);
        if overrides.days_dir.is_some() {
            self.users = self.users();
            self.population = None;
        }
        self.days.dir = overrides.days_dir.or(self.days.dir);
        if let Some(users) = overrides.users {
            self.users = users;
            self.population.iter_mut().for_each(|population| population.people = users);
        }
        self.seed = overrides.seed.unwrap_or(self.seed);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_scenario_is_the_default_one_and_survives_being_written() {
        let scenario = Scenario::parse("[arrivals]\nput = { rate_per_s = 2.5, spacing = \"uniform\" }").unwrap();
        assert_eq!(scenario.arrivals[&Operation::Put].rate_per_s.per_s(), 2.5);
        let written = toml::to_string(&scenario).unwrap();
        assert_eq!(Scenario::parse(&written).unwrap(), scenario);
    }

    /// Checks that `text` is refused at `line`, with each part in the message.
    fn refuses(text: &str, line: usize, parts: &[&str]) {
        let message = Scenario::parse(text).unwrap_err().to_string();
        assert!(message.contains(&format!("at line {line},")), "{message}");
        parts.iter().for_each(|part| assert!(message.contains(part), "{part} is not in\n{message}"));
    }

    #[test]
    fn an_unknown_field_is_refused_with_its_line_and_a_suggestion() {
        refuses("seed = 1\nuser = 3", 2, &["unknown field `user`", "did you mean `users`?"]);
        refuses("[arrivals.get]\nrate = 3", 2, &["unknown field `rate`", "did you mean `rate_per_s`?"]);
        refuses("\n[arrivals.getTrips]\nrate_per_s = 3", 2, &["unknown variant `getTrips`", "did you mean `get`?"]);
        refuses("[phases]\nwarmup_s = 3", 2, &["did you mean `warm_up_s`?"]);
    }

    #[test]
    fn a_value_that_cannot_be_is_refused_with_its_line() {
        refuses("[arrivals.get]\nrate_per_s = -5", 2, &["-5 is not a rate"]);
        refuses("[arrivals.get]\nrate_per_s = inf", 2, &["inf is not a rate"]);
        refuses("users = 0", 1, &["nonzero"]);
        refuses("[phases]\nmeasure_s = -1", 2, &["not a length of time"]);
        refuses("[phases]\nmeasure_s = 0", 2, &["nothing can be measured"]);
        refuses("[arrivals.get]\nrate_per_s = 1e-30", 2, &["is not a rate"]);
        refuses("[limits]\nfailed_ratio_max = 2", 2, &["between 0 and 1"]);
        refuses("[limits.response_p99_ms]\nget = 0", 2, &["above zero"]);
        refuses("[days]\nfirst_day = \"yesterday\"", 2, &[]);
        refuses("name = \"../escape\"", 1, &["is not a name"]);
        refuses("seed = ", 1, &[]);
        refuses("[population]\npeople = 5\ndays = 1\nregion = \"atlantis\"", 4, &["`atlantis` is none", "berlin"]);
    }

    #[test]
    fn people_are_recorded_or_made_up() {
        let both = "days = { dir = \"d\" }\n[population]\npeople = 5\ndays = 1";
        assert!(Scenario::parse(both).unwrap_err().to_string().contains("leave one of them out"));
        let scenario = Scenario::parse("[population]\npeople = 5\ndays = 1").unwrap();
        assert_eq!(scenario.users().get(), 5);
        let more = Overrides { users: NonZeroU32::new(7), ..Overrides::default() };
        assert_eq!(scenario.clone().with(more).users().get(), 7);
        let recorded = Overrides { days_dir: Some("days".into()), ..Overrides::default() };
        let recorded = scenario.with(recorded);
        assert_eq!((recorded.population.as_ref(), recorded.users().get()), (None, 5));
    }

    #[test]
    fn flags_win_over_the_file() {
        let scenario = Scenario::parse("[arrivals.get]\nrate_per_s = 5\nspacing = \"uniform\"").unwrap();
        let rate = Rate::try_from(7.0).unwrap();
        let overrides =
            Overrides { rates: BTreeMap::from([(Operation::Get, rate)]), seed: Some(9), ..Overrides::default() };
        let changed = scenario.clone().with(overrides);
        assert_eq!(
            changed.arrivals[&Operation::Get],
            Arrivals { rate_per_s: rate, ..scenario.arrivals[&Operation::Get] }
        );
        assert_eq!((changed.seed, changed.users), (9, scenario.users));
    }
}
