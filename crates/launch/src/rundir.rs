//! The folder of a run: `results/<date>-<host>-<scenario>-<target>[-n]/`. What is known is written at once, so that a
//! run that is cut short leaves what it had.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rushhour_load::scenario::Scenario;
use rushhour_report::environment::Environment;
use rushhour_report::result::RunResult;
use rushhour_report::summary;

use crate::target::Target;

/// The result's file name.
pub const RESULT_FILE: &str = "result.json";

/// An open folder.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Makes a new folder below `out`, and keeps in it what is going to be run.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be made.
    pub fn create(out: &Path, scenario: &Scenario, target: &Target, environment: &Environment) -> Result<Self> {
        std::fs::create_dir_all(out).with_context(|| format!("creating {}", out.display()))?;
        let date = environment.started_at.get(..10).unwrap_or("undated");
        let host: String = environment.host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let name = format!("{date}-{host}-{}-{}", scenario.name.as_str(), target.name.as_str());
        let path = create_unused(out, &name)?;
        let dir = Self { path };
        dir.write("scenario.toml", &toml::to_string(scenario).context("writing the scenario as TOML")?)?;
        dir.write("target.toml", &toml::to_string(target).context("writing the target as TOML")?)?;
        dir.write("environment.json", &(serde_json::to_string_pretty(environment)? + "\n"))?;
        Ok(dir)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Keeps the result.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn keep(&self, result: &RunResult) -> Result<()> {
        self.write(RESULT_FILE, &(serde_json::to_string_pretty(result)? + "\n"))?;
        self.write("summary.md", &summary::markdown(result))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }
}

/// Makes `name`, or the first of `name-2`, `name-3`, … that does not exist: no run ever writes into another's folder.
fn create_unused(out: &Path, name: &str) -> Result<PathBuf> {
    let names = std::iter::once(name.to_owned()).chain((2..).map(|n: u32| format!("{name}-{n}")));
    for name in names {
        let path = out.join(name);
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("creating {}", path.display())),
        }
    }
    unreachable!("names are counted without end")
}

/// Reads a result that was kept; `path` is its folder, or the file itself.
///
/// # Errors
/// When there is none, or it cannot be read as one.
pub fn read_result(path: &Path) -> Result<RunResult> {
    let file = if path.is_dir() { path.join(RESULT_FILE) } else { path.to_owned() };
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {} as a result", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_gets_a_folder_of_its_own() {
        let out = tempfile::tempdir().unwrap();
        let environment =
            Environment { started_at: "2026-11-21T00:00:00Z".into(), host: "a/b".into(), ..Environment::default() };
        let create = || RunDir::create(out.path(), &Scenario::default(), &Target::local(), &environment).unwrap();
        let names = [create(), create(), create()].map(|dir| dir.path().file_name().unwrap().to_owned());
        assert_eq!(names, ["2026-11-21-ab-load-local", "2026-11-21-ab-load-local-2", "2026-11-21-ab-load-local-3"]);
        let scenario = std::fs::read_to_string(create().join("scenario.toml")).unwrap();
        assert_eq!(Scenario::parse(&scenario).unwrap(), Scenario::default());
    }
}
