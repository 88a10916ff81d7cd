//! What is sent: a scenario file, or the flags that stand for one. Parsing it is validating it; behind this file no
//! value can be wrong.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use rushhour_report::limit::Limit;
use rushhour_synth::parameters::Share;
use rushhour_synth::region::{PRESETS, RegionParameters};
use serde::{Deserialize, Serialize};

use crate::arrivals::{Arrivals, Rate, Shape};
use crate::described::Described;
use crate::document::{self, DocumentError};
use crate::operation::{Call, Name as OperationName, Operation};

mod numbers;
mod phases;
mod scaled;
mod sending;

pub use numbers::{Milliseconds, Speed};
pub use phases::{Phases, Seconds};
pub use sending::{Carrier, Connections, Pacing, Sending};

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
    /// What makes a study of the days before the phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study: Option<Study>,
    /// How long each phase is.
    #[serde(default)]
    pub phases: Phases,
    /// How often each operation is sent.
    #[serde(default)]
    pub arrivals: BTreeMap<OperationName, Arrivals>,
    /// Requests that are none of the calls of phones and the app, by the names they have in `arrivals`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<OperationName, Described>,
    /// How requests are carried.
    #[serde(default)]
    pub connections: Connections,
    /// How requests are let go.
    #[serde(default)]
    pub sending: Sending,
    /// What must hold for the run to pass; [`Scenario::limits`] when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Vec<Limit>>,
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

/// A study: the days before the phases are what is measured, and the phases ask for what was made of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// After the uploads the target's pipeline is waited for, at most so long.
    pub settle_s_max: Seconds,
    /// Of so many people, evenly spread, the trips that were found are compared with the truth.
    #[serde(default)]
    pub truth_people: u32,
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
    /// How they go on living: their phones then send what they send when they send it, in the place of `arrivals`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
}

/// How people live while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// So many seconds of theirs pass in one of ours; 60 makes a day of 24 minutes.
    #[serde(default = "default_speed")]
    pub speed: Speed,
    /// How many of them open the diary on a day, at about nine in the evening.
    #[serde(default = "default_diaries_share")]
    pub diaries_share: Share,
}

fn default_speed() -> Speed {
    Speed::of(1.0)
}

/// Half of the people look at their day: a guess, to be set from a server's own figures.
fn default_diaries_share() -> Share {
    Share::try_from(0.5).expect("a valid constant")
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
pub(crate) fn default_first_day() -> Date {
    Date::constant(2026, 1, 5)
}

/// What the flags of the command line put in the place of a scenario's values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// New rates; operations that are not named keep theirs.
    pub rates: BTreeMap<OperationName, Rate>,
    /// The length of *measure*.
    pub measure_s: Option<Seconds>,
    /// The recorded days.
    pub days_dir: Option<PathBuf>,
    /// How many people.
    pub users: Option<NonZeroU32>,
    /// The seed.
    pub seed: Option<u64>,
    /// At most so many connections.
    pub connections: Option<NonZeroU32>,
    /// A closed loop in the place of the schedule.
    pub closed: bool,
    /// How releases are timed.
    pub pacing: Option<Pacing>,
    /// How many threads send.
    pub threads: Option<NonZeroU32>,
    /// What carries the requests.
    pub transport: Option<Carrier>,
    /// What must hold as well.
    pub limits: Vec<Limit>,
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
        if scenario.live().is_some() && scenario.has_calls() {
            let what =
                "people who live (`population.live`) make their calls themselves: [arrivals] may only have [requests]";
            return Err(DocumentError::new(what));
        }
        scenario.check_names()?;
        Ok(scenario)
    }

    /// Checks that every operation with arrivals is one.
    fn check_names(&self) -> Result<(), DocumentError> {
        if let Some(name) = self.requests.keys().find(|name| Call::named(name.as_str()).is_some()) {
            return Err(DocumentError::new(&format!("[requests.{name}]: phones and the app have a call of that name")));
        }
        let known: Vec<_> = self.known_names().collect();
        let unknown = self.arrivals.keys().find(|name| !known.contains(&name.as_str()));
        unknown.map_or(Ok(()), |name| {
            let what =
                format!("[arrivals.{name}]: `{name}` is neither a call ({}) nor in [requests]", known.join(", "));
            Err(DocumentError::unknown(&what, name.as_str(), &known))
        })
    }

    /// The names that an operation can have.
    pub fn known_names(&self) -> impl Iterator<Item = &str> {
        Call::ALL.iter().map(|call| call.name()).chain(self.requests.keys().map(OperationName::as_str))
    }

    /// The operations that have arrivals, in the order of their names.
    pub fn operations(&self) -> impl Iterator<Item = (Operation, &OperationName, &Arrivals)> {
        (0..).map(Operation).zip(&self.arrivals).map(|(operation, (name, arrivals))| (operation, name, arrivals))
    }

    /// How people live while the run goes on, if they do.
    pub fn live(&self) -> Option<Live> {
        self.population.as_ref().and_then(|population| population.live)
    }

    /// The names of everything that is sent: of the operations, and behind them the calls of people who live.
    pub fn names(&self) -> Vec<OperationName> {
        let lived = self.live().map_or(&[][..], |_| &Call::LIVED);
        self.arrivals.keys().cloned().chain(lived.iter().map(|call| (*call).into())).collect()
    }

    /// What must hold. Without limits of its own, what people put up with: `get` at once, an upload or a day of the diary
    /// within a second, one error in a thousand.
    pub fn limits(&self) -> Vec<Limit> {
        const PUT_UP_WITH: [(Call, u32); 4] =
            [(Call::Get, 250), (Call::Put, 1000), (Call::Timeline, 1000), (Call::Find, 1000)];
        self.limits.clone().unwrap_or_else(|| {
            let names = self.names();
            let asked = PUT_UP_WITH.iter().filter(|(call, _)| names.contains(&(*call).into()));
            let texts = asked.map(|(call, ms)| format!("{}.response_ms.p99 < {ms}", call.name()));
            let texts = std::iter::once("*.failed_ratio <= 0.001".to_owned()).chain(texts);
            texts.map(|text| text.parse().expect("valid constants")).collect()
        })
    }

    /// The scenario with what its recordings of arrivals say, from where `beside` says that their files lie.
    ///
    /// # Errors
    /// With the file and what is wrong in it.
    pub fn with_recordings(mut self, beside: impl Fn(&Path) -> PathBuf) -> Result<Self, DocumentError> {
        for arrivals in self.arrivals.values_mut() {
            if let Shape::Replay(replay) = &mut arrivals.shape {
                replay.read(&beside, &self.phases).map_err(|error| DocumentError::new(&error))?;
            }
        }
        Ok(self)
    }

    /// Checks what only shows once the flags are in it: that limits are put on operations that are sent, and that neither
    /// people who live nor recordings are asked to wait for answers.
    ///
    /// # Errors
    /// With what does not fit, and the nearest names.
    pub fn check(&self) -> Result<(), DocumentError> {
        if self.sending.closed && self.live().is_some() {
            let what = "people who live (`population.live`) send when they do: a closed loop has no times";
            return Err(DocumentError::new(what));
        }
        if self.sending.closed && self.arrivals.values().any(|arrivals| matches!(arrivals.shape, Shape::Replay(_))) {
            let what = "a recording (`replay`) is sent when its requests came: a closed loop has no times";
            return Err(DocumentError::new(what));
        }
        let names = self.names();
        let names = names.iter().map(OperationName::as_str);
        let checked = self.limits.iter().flatten().try_for_each(|limit| limit.check_names(names.clone()));
        checked.map_err(|error| DocumentError::new(&error.to_string()))
    }

    /// Whether anything that is sent needs people whom the target knows.
    pub fn has_calls(&self) -> bool {
        self.arrivals.keys().any(|name| Call::named(name.as_str()).is_some())
    }

    /// The highest rate of all operations together.
    pub fn peak_per_s(&self) -> f64 {
        let peak = |arrivals: &Arrivals| arrivals.peak_per_s(self.phases.measure_start(), self.phases.measure_end());
        self.arrivals.values().map(peak).sum()
    }

    /// How many people there are.
    pub fn users(&self) -> NonZeroU32 {
        self.population.as_ref().map_or(self.users, |population| population.people)
    }

    /// The scenario with the flags' values in the place of its own.
    pub fn with(mut self, overrides: Overrides) -> Self {
        for (operation, rate) in overrides.rates {
            let spacing = self.arrivals.get(&operation).map(|arrivals| arrivals.spacing).unwrap_or_default();
            self.arrivals.insert(operation, Arrivals::steady(rate, spacing));
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
        self.connections.max = overrides.connections.unwrap_or(self.connections.max);
        self.sending.closed |= overrides.closed;
        self.sending.pacing = overrides.pacing.or(self.sending.pacing);
        self.sending.threads = overrides.threads.or(self.sending.threads);
        self.sending.transport = overrides.transport.unwrap_or(self.sending.transport);
        if !overrides.limits.is_empty() {
            self.limits = Some(self.limits().into_iter().chain(overrides.limits).collect());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrivals::Spacing;

    #[test]
    fn an_empty_scenario_is_the_default_one_and_survives_being_written() {
        let scenario = Scenario::parse("[arrivals]\nput = { rate_per_s = 2.5, spacing = \"uniform\" }").unwrap();
        let rate = Rate::try_from(2.5).unwrap();
        assert_eq!(scenario.arrivals[&Call::Put.into()], Arrivals::steady(rate, Spacing::Uniform));
        let replayed = "[arrivals]\nput = { replay = { file = \"a.csv\", speed = 60, from_s = 28800 } }";
        for scenario in [scenario, Scenario::parse(replayed).unwrap()] {
            let written = toml::to_string(&scenario).unwrap();
            assert_eq!(Scenario::parse(&written).unwrap(), scenario);
        }
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
        refuses("[phases]\nwarmup_s = 3", 2, &["did you mean `warm_up_s`?"]);
    }

    #[test]
    fn an_operation_that_nothing_describes_is_refused() {
        let refuse = |text: &str| Scenario::parse(text).unwrap_err().to_string();
        let error = refuse("[arrivals.timelin]\nrate_per_s = 3");
        assert!(error.contains("neither a call (get, put, timeline,"), "{error}");
        assert!(error.contains("did you mean `timeline`?"), "{error}");
        let described = "[requests.home]\nmethod = \"GET\"\npath = \"/\"\n";
        assert!(Scenario::parse(&format!("{described}[arrivals.home]\nrate_per_s = 3")).is_ok());
        assert!(refuse(&format!("{described}[arrivals.hom]\nrate_per_s = 3")).contains("did you mean `home`?"));
        assert!(refuse("[requests.get]\npath = \"/\"").contains("have a call of that name"));
    }

    #[test]
    fn what_does_not_fit_the_flags_is_refused() {
        let refuse = |text: &str| Scenario::parse(text).unwrap().check().unwrap_err().to_string();
        let lived = "[population]\npeople = 5\ndays = 1\nlive = {}";
        assert!(refuse(&format!("sending = {{ closed = true }}\n{lived}")).contains("no times"));
        let replayed = "sending = { closed = true }\n[arrivals.get]\nreplay = { file = \"a.csv\" }";
        assert!(refuse(replayed).contains("no times"));
        assert!(refuse("limits = [\"put.failed < 1\"]\n[arrivals.get]\nrate_per_s = 1").contains("put"));
        assert!(Scenario::parse(lived).unwrap().check().is_ok());
    }

    #[test]
    fn a_value_that_cannot_be_is_refused_with_its_line() {
        refuses("[arrivals.get]\nrate_per_s = -5", 2, &["-5 is not a rate"]);
        refuses("[arrivals.get]\nrate_per_s = inf", 2, &["inf is not a rate"]);
        refuses("users = 0", 1, &["nonzero"]);
        refuses("[phases]\nmeasure_s = -1", 2, &["not a length of time"]);
        refuses("[phases]\nmeasure_s = 0", 2, &["nothing can be measured"]);
        refuses("[arrivals.get]\nrate_per_s = 1e-30", 2, &["is not a rate"]);
        refuses("limits = [\"get.response_ms.p95 < 2\"]", 1, &["`response_ms.p95` is no number"]);
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
            Overrides { rates: BTreeMap::from([(Call::Get.into(), rate)]), seed: Some(9), ..Overrides::default() };
        let changed = scenario.clone().with(overrides);
        assert_eq!(changed.arrivals[&Call::Get.into()], Arrivals::steady(rate, Spacing::Uniform));
        assert_eq!((changed.seed, changed.users), (9, scenario.users));
    }
}
