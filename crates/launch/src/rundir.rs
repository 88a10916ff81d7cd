//! The folder of a run: `results/<date>-<host>-<scenario>-<target>[-n]/`. What is known is written at once, so that a
//! run that is cut short leaves what it had.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rushhour_load::scenario::Scenario;
use rushhour_report::environment::Environment;
use rushhour_report::hlog::Histograms;
use rushhour_report::result::RunResult;
use rushhour_report::summary;

use crate::health::HealthLog;
use crate::intervals::{IntervalLog, Intervals};
use crate::leftovers::{DATA_DIR, sweep_runs};
use crate::run_page::{PAGE_FILE, read_run_page};
use crate::target::Target;

/// The result's file name.
pub const RESULT_FILE: &str = "result.json";
const TARGET_FILE: &str = "target.toml";
pub(crate) const HISTOGRAMS_FILE: &str = "histograms.hlog";

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
        let dir = Self::named(out, scenario.name.as_str(), target.name.as_str(), environment)?;
        dir.describe(scenario, target)?;
        Ok(dir)
    }

    /// Makes a new folder below `out` for many runs of a scenario, for a purpose that its name begins with.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be made.
    pub fn create_many(
        out: &Path,
        purpose: &str,
        (scenario, target): (&Scenario, &Target),
        environment: &Environment,
    ) -> Result<Self> {
        sweep_runs(out);
        let name = format!("{purpose}-{}", scenario.name.as_str());
        let dir = Self::named(out, &name, target.name.as_str(), environment)?;
        dir.describe(scenario, target)?;
        Ok(dir)
    }

    fn describe(&self, scenario: &Scenario, target: &Target) -> Result<()> {
        self.write("scenario.toml", &toml::to_string(scenario).context("writing the scenario as TOML")?)?;
        self.write(TARGET_FILE, &toml::to_string(target).context("writing the target as TOML")?)
    }

    /// Opens the folder of a study that was interrupted, to go on with it.
    ///
    /// # Errors
    /// When there is none, or it is of another scenario or target.
    pub fn reopen(path: &Path, scenario: &Scenario, target: &Target) -> Result<Self> {
        let file = path.join("scenario.toml");
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let kept = Scenario::parse(&text).with_context(|| format!("reading {}", file.display()))?;
        if kept != *scenario {
            bail!("{} was begun with another scenario: go on with the one in {}", path.display(), file.display());
        }
        if read_target(path)? != *target {
            let file = path.join(TARGET_FILE);
            bail!("{} was begun with another target: go on with the one in {}", path.display(), file.display());
        }
        if !path.join(DATA_DIR).is_dir() {
            bail!("there is no data left in {} to go on with", path.display());
        }
        Ok(Self { path: path.to_owned() })
    }

    /// The first file of `target.csv`, `target-2.csv`, … that is not there: each sitting at a study has its own.
    pub(crate) fn unused(&self, stem: &str, ending: &str) -> PathBuf {
        numbered(stem, ending)
            .find_map(|name| Some(self.join(&name)).filter(|path| !path.exists()))
            .expect("names are counted without end")
    }

    /// Makes a new folder below `out` for a run of which others sent the parts, the first of them from folder `part`.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be made.
    pub fn create_merged(out: &Path, merged: &RunResult, part: &Path) -> Result<Self> {
        let dir = Self::named(out, &merged.scenario, "merged", &merged.environment)?;
        for name in ["scenario.toml", TARGET_FILE] {
            let kept = part.join(name);
            if kept.is_file() {
                std::fs::copy(&kept, dir.join(name)).with_context(|| format!("copying {}", kept.display()))?;
            }
        }
        Ok(dir)
    }

    fn named(out: &Path, scenario: &str, target: &str, environment: &Environment) -> Result<Self> {
        let date = environment.started_at.get(..10).unwrap_or("undated");
        let host: String =
            environment.host.chars().filter(|c| c.is_ascii_alphanumeric() || "-+".contains(*c)).collect();
        let path = new_folder(out, &format!("{date}-{host}-{scenario}-{target}"))?;
        let dir = Self { path };
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

    /// Draws the page of everything that is in the folder.
    ///
    /// # Errors
    /// When it cannot be written, or the folder's own result cannot be read.
    pub fn keep_page(&self) -> Result<()> {
        self.write(PAGE_FILE, &read_run_page(&self.path)?.html())
    }

    /// Keeps what the result's percentiles were read from, so that it can be merged with others.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_histograms(&self, histograms: &Histograms, result: &RunResult) -> Result<()> {
        self.write(HISTOGRAMS_FILE, &histograms.hlog(result.phases.warm_up_s, result.measured_s))
    }

    /// Opens the files to which intervals are appended as the run goes on.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn intervals(&self) -> Result<IntervalLog> {
        IntervalLog::create(&self.path)
    }

    /// Opens the file that tells how the machine was.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn health(&self) -> Result<HealthLog> {
        HealthLog::create(&self.path)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }
}

/// A file's or folder's name and, after it, those that are taken when it is there already: `a.csv`, `a-2.csv`, …
pub(crate) fn numbered(stem: &str, ending: &str) -> impl Iterator<Item = String> {
    std::iter::once(format!("{stem}{ending}")).chain((2..).map(move |n: u32| format!("{stem}-{n}{ending}")))
}

/// Writes a file so that there is either what was there or what is there now.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, text).with_context(|| format!("writing {}", new.display()))?;
    std::fs::rename(&new, path).with_context(|| format!("renaming {}", new.display()))
}

/// Makes a folder of this name below `out`, which need not exist, or the first of `name-2`, `name-3`, … that does not.
///
/// # Errors
/// When it cannot be made.
pub fn new_folder(out: &Path, name: &str) -> Result<PathBuf> {
    std::fs::create_dir_all(out).with_context(|| format!("creating {}", out.display()))?;
    create_unused(out, name)
}

/// Makes `name`, or the first of `name-2`, `name-3`, … that does not exist: no run ever writes into another's folder.
fn create_unused(out: &Path, name: &str) -> Result<PathBuf> {
    for name in numbered(name, "") {
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
    if path.is_dir() && !file.exists() {
        let page = path.join(PAGE_FILE);
        let hint = if page.exists() { format!("; what it has is shown by {}", page.display()) } else { String::new() };
        bail!("{} is not the folder of a run that ended: it has no {RESULT_FILE}{hint}", path.display());
    }
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    RunResult::read(&text).with_context(|| format!("reading {} as a result", file.display()))
}

/// Reads the histograms that were kept beside a result.
///
/// # Errors
/// When there are none, or they cannot be read.
pub fn read_histograms(dir: &Path) -> Result<Histograms> {
    let file = dir.join(HISTOGRAMS_FILE);
    let log = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    Histograms::read(&log).with_context(|| format!("reading {}", file.display()))
}

/// Reads the target of the runs in a folder.
///
/// # Errors
/// When it was not kept, or is damaged.
pub fn read_target(dir: &Path) -> Result<Target> {
    let file = dir.join(TARGET_FILE);
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    Target::parse(&text).with_context(|| format!("reading {}", file.display()))
}

/// Reads the intervals that were kept beside a result.
///
/// # Errors
/// When there are none.
pub fn read_intervals(dir: &Path) -> Result<Intervals> {
    Intervals::read(dir)
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

    #[test]
    fn a_study_goes_on_against_the_target_it_was_begun_with() {
        let (out, scenario) = (tempfile::tempdir().unwrap(), Scenario::default());
        let rounding = Target::parse("name = \"study\"\nflags = [\"--ios-rounding\", \"1cm\"]").unwrap();
        let dir = RunDir::create(out.path(), &scenario, &rounding, &Environment::default()).unwrap();
        std::fs::create_dir(dir.join(DATA_DIR)).unwrap();
        assert_eq!(RunDir::reopen(dir.path(), &scenario, &rounding).unwrap().path(), dir.path());
        let error = RunDir::reopen(dir.path(), &scenario, &Target::local()).unwrap_err().to_string();
        assert!(error.contains("was begun with another target: go on with the one in"), "{error}");
    }

    /// Every result that is kept in this repository, whatever schema it was written in.
    #[test]
    fn results_of_older_versions_can_be_read() {
        let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results");
        for name in ["", "-2", "-3"].map(|n| format!("2026-11-21-vm-quickstart-local{n}")) {
            let result = read_result(&results.join(&name)).unwrap();
            assert_eq!((result.schema, result.scenario.as_str()), (1, "quickstart"), "{name}");
            assert!(result.operations["put"].response_ms.p99.is_some() && result.schedule.hash.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_result_of_a_newer_version_is_refused_as_such() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(RESULT_FILE), "{\"schema\": 99, \"scenario\": {}}").unwrap();
        let message = format!("{:#}", read_result(dir.path()).unwrap_err());
        assert!(
            message.ends_with(
                "as a result: schema 99 is newer than 2, the newest that this version reads; use a newer rushhour"
            ),
            "{message}"
        );
    }

    #[test]
    fn who_asks_for_the_result_of_a_search_is_told_of_its_page() {
        let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results");
        let search = results.join("2026-11-23-vm-capacity-capacity-mix-m5-large");
        let message = read_result(&search).unwrap_err().to_string();
        assert!(message.contains("it has no result.json; what it has is shown by"), "{message}");
        assert!(message.ends_with("m5-large/report.html"), "{message}");
        let nothing = tempfile::tempdir().unwrap();
        assert!(read_result(nothing.path()).unwrap_err().to_string().ends_with("it has no result.json"));
    }

    #[test]
    fn histograms_are_kept_and_found_again() {
        let out = tempfile::tempdir().unwrap();
        let dir = RunDir { path: out.path().to_owned() };
        let mut histograms = Histograms::default();
        let get = histograms.operations.entry("get".to_owned()).or_default();
        get.response.record(std::time::Duration::from_millis(3));
        let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results");
        let result = read_result(&results.join("2026-11-21-vm-quickstart-local")).unwrap();
        dir.keep_histograms(&histograms, &result).unwrap();
        assert_eq!(read_histograms(dir.path()).unwrap(), histograms);
    }
}
