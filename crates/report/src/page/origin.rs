//! What something was made from: where every page says it.

use super::html::{facts, file};
use crate::environment::Environment;
use crate::result::RunResult;
use crate::summary::bytes;

/// What a folder's content was made from, as far as that can be read.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The scenario's name.
    pub scenario: String,
    /// The target's name.
    pub target: String,
    /// Where and when.
    pub environment: Option<Environment>,
    /// Files that are shown as they are: their names and texts.
    pub files: Vec<(String, String)>,
}

impl Origin {
    /// What a result was made from, which it says itself.
    pub fn of(run: &RunResult) -> Self {
        let environment = Some(run.environment.clone());
        Self { scenario: run.scenario.clone(), target: run.target.clone(), environment, files: Vec::new() }
    }

    /// The part of a page with its configuration: `more`, where it was made, and the files.
    pub(crate) fn configuration(&self, more: impl IntoIterator<Item = (&'static str, String)>) -> String {
        let told = more.into_iter().chain(self.environment.iter().flat_map(machine));
        format!("<h2>Configuration</h2>\n<div class=\"card\">{}{}</div>\n", facts(told), files(&self.files))
    }
}

/// Files that open when somebody asks for them.
pub(crate) fn files(files: &[(String, String)]) -> String {
    files.iter().map(|(name, text)| file(name, text)).collect()
}

/// Where and when, for people.
pub(crate) fn machine(at: &Environment) -> Vec<(&'static str, String)> {
    vec![
        ("started", at.started_at.clone()),
        ("machine", format!("{}: {}, {} cores, {}", at.host, at.cpu_model, at.cores, bytes(at.memory_bytes))),
        ("system", format!("{}, load before {}", at.kernel, at.load_1m)),
        ("program", format!("rushhour {} {}", at.version, at.commit)),
        ("command", at.command.join(" ")),
    ]
}
