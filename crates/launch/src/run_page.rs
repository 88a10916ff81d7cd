//! Everything in a run's folder that belongs on its page. What cannot be read is named on the page, and the rest is shown;
//! only a result that is damaged or too new is refused as a whole.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rushhour_report::environment::Environment;
use rushhour_report::page::{Origin, RunPage, Stretch, TargetSample, Timeline, read_samples, read_scraped};
use serde::de::DeserializeOwned;

use crate::health::HEALTH_FILE;
use crate::pairs::BUILDS_FILE;
use crate::rundir::{HISTOGRAMS_FILE, RESULT_FILE, numbered, read_histograms, read_intervals, read_result};
use crate::scrape;
use crate::study::read_study;

/// The page's file name.
pub const PAGE_FILE: &str = "report.html";
const ENVIRONMENT_FILE: &str = "environment.json";
/// Files that are shown as they are.
const SHOWN: [&str; 4] = [BUILDS_FILE, "scenario.toml", "target.toml", ENVIRONMENT_FILE];

/// Reads what the page of the run in `dir` is made of.
///
/// # Errors
/// When it is no run's folder, or its result is damaged or of a newer version.
pub fn read_run_page(dir: &Path) -> Result<RunPage> {
    let is_there = |name: &str| dir.join(name).is_file();
    if !is_there(RESULT_FILE) && !is_there(ENVIRONMENT_FILE) {
        bail!("{} is no run's folder: it has neither {RESULT_FILE} nor {ENVIRONMENT_FILE}", dir.display());
    }
    let mut page = RunPage { name: name(dir), ..RunPage::default() };
    if is_there(RESULT_FILE) {
        page.result = Some(read_result(dir)?);
    }
    let mut damage = Vec::new();
    if is_there(ENVIRONMENT_FILE) {
        page.environment = taken(read_json(&dir.join(ENVIRONMENT_FILE)), &mut damage);
    }
    page.stretches = if is_there("intervals.ndjson") { stretches(dir, &mut damage) } else { Vec::new() };
    if is_there(HISTOGRAMS_FILE) {
        page.histograms = taken(read_histograms(dir), &mut damage);
    }
    page.target = sittings(dir).map(|name| samples(dir, &name, &mut damage)).collect();
    if page.target.is_empty() {
        page.target.push(scraped(dir, &mut damage));
    }
    page.study = taken(read_study(dir), &mut damage).flatten();
    page.health = samples(dir, HEALTH_FILE, &mut damage);
    page.files = shown(dir, &mut damage);
    page.damage = damage;
    Ok(page)
}

fn shown(dir: &Path, damage: &mut Vec<String>) -> Vec<(String, String)> {
    let file = |name: &&str| Some(((*name).to_owned(), text_of(&dir.join(name), damage)?));
    SHOWN.iter().filter_map(file).collect()
}

/// What the content of `dir` was made from, as far as that can be read: also of files of other versions.
pub fn read_origin(dir: &Path) -> Origin {
    #[derive(serde::Deserialize)]
    struct Named {
        name: String,
    }
    let named = |file: &str| {
        let text = std::fs::read_to_string(dir.join(file)).ok()?;
        toml::from_str::<Named>(&text).ok().map(|of| of.name)
    };
    Origin {
        scenario: named("scenario.toml").unwrap_or_default(),
        target: named("target.toml").unwrap_or_default(),
        environment: read_json::<Environment>(&dir.join(ENVIRONMENT_FILE)).ok(),
        files: shown(dir, &mut Vec::new()),
    }
}

/// The folder's own name, also where it is given as `.`.
pub fn name(dir: &Path) -> String {
    let whole = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    whole.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The value, or a note of what is damaged.
fn taken<T>(read: Result<T>, damage: &mut Vec<String>) -> Option<T> {
    read.map_err(|error| damage.push(format!("{error:#}"))).ok()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let reading = || format!("reading {}", path.display());
    serde_json::from_str(&std::fs::read_to_string(path).with_context(reading)?).with_context(reading)
}

/// The text of a file, if there is one.
fn text_of(path: &Path, damage: &mut Vec<String>) -> Option<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        read => taken(read.with_context(|| format!("reading {}", path.display())), damage),
    }
}

/// The seconds up to the first that cannot be read.
fn stretches(dir: &Path, damage: &mut Vec<String>) -> Vec<Stretch> {
    let Some(intervals) = taken(read_intervals(dir), damage) else { return Vec::new() };
    let mut timeline = Timeline::new(&intervals.extent());
    for interval in intervals.iter() {
        match interval.with_context(|| format!("reading the intervals of {}", dir.display())) {
            Ok(interval) => timeline.add(&interval),
            Err(error) => {
                damage.push(format!("{error:#}; what lies behind is not shown"));
                break;
            }
        }
    }
    timeline.finish()
}

fn samples<T: DeserializeOwned>(dir: &Path, name: &str, damage: &mut Vec<String>) -> Vec<T> {
    let path = dir.join(name);
    // A target that somebody else started has none.
    let Some(text) = text_of(&path, damage) else { return Vec::new() };
    let read = read_samples(&text).with_context(|| format!("reading {}", path.display()));
    taken(read, damage).unwrap_or_default()
}

/// The names of what was sampled of the target, from the first sitting to the last.
fn sittings(dir: &Path) -> impl Iterator<Item = String> {
    numbered("target", ".csv").take_while(|name| dir.join(name).is_file())
}

/// What the target's own page said, if it was asked.
fn scraped(dir: &Path, damage: &mut Vec<String>) -> Vec<TargetSample> {
    let path = dir.join(scrape::FILE);
    let Some(text) = text_of(&path, damage) else { return Vec::new() };
    let read = read_scraped(&text, scrape::CPU_S, scrape::MEMORY_BYTES);
    taken(read.with_context(|| format!("reading {}", path.display())), damage).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rushhour_report::study::Study;

    use super::*;

    fn kept() -> tempfile::TempDir {
        let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/2026-11-21-vm-quickstart-local-4");
        let dir = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(results).unwrap().map(|file| file.unwrap().path()) {
            std::fs::copy(&file, dir.path().join(file.file_name().unwrap())).unwrap();
        }
        dir
    }

    #[test]
    fn a_kept_run_is_read_whole() {
        let page = read_run_page(kept().path()).unwrap();
        assert_eq!(page.damage, Vec::<String>::new());
        assert!(page.stretches.len() > 20 && page.target.concat().len() > 20 && page.histograms.is_some());
        assert_eq!(page.result.unwrap().scenario, "quickstart");
        assert!(page.study.is_none());
    }

    #[test]
    fn every_sitting_of_a_study_is_read() {
        let dir = kept();
        let copy = |name: &str| std::fs::copy(dir.path().join("target.csv"), dir.path().join(name)).unwrap();
        copy("target-2.csv");
        copy("target-4.csv");
        std::fs::write(dir.path().join("study.json"), serde_json::to_string(&Study::default()).unwrap()).unwrap();
        let page = read_run_page(dir.path()).unwrap();
        assert_eq!((page.target.len(), page.study, page.damage), (2, Some(Study::default()), vec![]));
    }

    #[test]
    fn a_file_that_is_damaged_is_named_and_the_rest_is_shown() {
        for name in ["intervals.ndjson", "intervals.hlog", "histograms.hlog", "target.csv", "environment.json"] {
            let dir = kept();
            let path = dir.path().join(name);
            let text = std::fs::read_to_string(&path).unwrap();
            let middle = text.len() / 2;
            let broken = format!("{}\n\u{0}\u{1} damage\n{}", &text[..middle], &text[middle..]);
            std::fs::write(&path, broken).unwrap();
            let page = read_run_page(dir.path()).unwrap();
            assert_eq!(page.damage.len(), 1, "{name}: {:?}", page.damage);
            assert!(page.damage[0].contains(name), "{:?}", page.damage);
        }
        for name in ["health.csv", "target.csv", "scenario.toml", "target.toml"] {
            let dir = kept();
            std::fs::write(dir.path().join(name), b"\xff\xfe no text").unwrap();
            let page = read_run_page(dir.path()).unwrap();
            assert!(page.damage.len() == 1 && page.damage[0].contains(name), "{name}: {:?}", page.damage);
        }
        let dir = kept();
        std::fs::write(dir.path().join(RESULT_FILE), "{").unwrap();
        assert!(format!("{:#}", read_run_page(dir.path()).unwrap_err()).contains(RESULT_FILE));
    }

    #[test]
    fn a_run_that_was_cut_off_has_what_it_kept() {
        let dir = kept();
        std::fs::remove_file(dir.path().join(RESULT_FILE)).unwrap();
        std::fs::remove_file(dir.path().join(HISTOGRAMS_FILE)).unwrap();
        let page = read_run_page(dir.path()).unwrap();
        assert!(page.result.is_none() && page.stretches.len() > 20 && page.environment.is_some());
        assert!(read_run_page(&dir.path().join("elsewhere")).is_err());
    }
}
