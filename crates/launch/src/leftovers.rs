//! What a launcher that was killed has left behind: its control groups and its server's data. The next launch takes it away.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use procfs::process::Process;

use crate::capacity::STEPS_DIR;
use crate::cgroup::{Places, remove};
use crate::cost::DAYS_DIR;
use crate::study::STUDY_FILE;

/// What the name of each of our groups begins with.
const GROUP_PREFIX: &str = "rushhour-";
/// Says in a run's folder which process is at it.
const RUNNING_FILE: &str = "running";
/// Where a run's folder has its server's data.
pub(crate) const DATA_DIR: &str = "data";

/// A process: its number, and when it started, because numbers are given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    pid: i32,
    started: u64,
}

impl Life {
    fn own() -> Result<Self> {
        let stat = Process::myself().and_then(|process| process.stat()).context("looking at this process")?;
        Ok(Self { pid: stat.pid, started: stat.starttime })
    }

    fn parse(text: &str) -> Option<Self> {
        let (pid, started) = text.trim().split_once('-')?;
        Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }

    fn is_over(self) -> bool {
        let stat = Process::new(self.pid).and_then(|process| process.stat());
        !stat.is_ok_and(|stat| stat.starttime == self.started)
    }

    fn text(self) -> String {
        format!("{}-{}", self.pid, self.started)
    }
}

/// What this process calls its control group.
pub(crate) fn own_name() -> Result<String> {
    Ok(format!("{GROUP_PREFIX}{}", Life::own()?.text()))
}

/// Removes the groups of launchers that have ended.
pub(crate) fn sweep_groups(places: &Places) {
    for place in places.dirs.values() {
        for dir in dirs_in(place) {
            let life = dir.file_name().and_then(|name| name.to_str()?.strip_prefix(GROUP_PREFIX)).and_then(Life::parse);
            if life.is_some_and(Life::is_over) {
                // What cannot be removed does not stand in the way of a new group.
                let _ = remove(&dir);
            }
        }
    }
}

/// Says in a run's folder that this process is at it, until dropped.
#[derive(Debug)]
pub(crate) struct Running {
    dir: PathBuf,
}

impl Running {
    /// Says so in the folder of a run.
    pub(crate) fn in_dir(dir: &Path) -> Result<Self> {
        let file = dir.join(RUNNING_FILE);
        fs::write(&file, Life::own()?.text()).with_context(|| format!("writing {}", file.display()))?;
        Ok(Self { dir: dir.to_owned() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What stays is swept by the next launch.
        let _ = fs::remove_file(self.dir.join(RUNNING_FILE));
    }
}

/// Removes the data of runs below `out` whose launcher has ended, also of those that a search has made there; what they
/// measured stays.
pub(crate) fn sweep_runs(out: &Path) {
    let many = |dir: PathBuf| [STEPS_DIR, DAYS_DIR].into_iter().flat_map(move |runs| dirs_in(&dir.join(runs)));
    for dir in dirs_in(out).chain(dirs_in(out).flat_map(many)) {
        let file = dir.join(RUNNING_FILE);
        let life = fs::read_to_string(&file).ok().as_deref().and_then(Life::parse);
        // A study that was killed can be gone on with.
        let is_study = dir.join(STUDY_FILE).exists();
        if life.is_some_and(Life::is_over) && !is_study {
            // Whoever cannot remove it cannot make a run there either, and is told so.
            let _ = fs::remove_dir_all(dir.join(DATA_DIR));
            let _ = fs::remove_file(file);
        }
    }
}

fn dirs_in(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let items = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    items.filter(|item| item.file_type().is_ok_and(|kind| kind.is_dir())).map(|item| item.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_a_run_is_swept_once_its_launcher_has_ended() {
        let out = tempfile::tempdir().unwrap();
        let check = |name: &str, life: Option<Life>, is_swept: bool| {
            let dir = out.path().join(name);
            fs::create_dir_all(dir.join(DATA_DIR)).unwrap();
            fs::write(dir.join("intervals.ndjson"), "").unwrap();
            life.into_iter().for_each(|life| fs::write(dir.join(RUNNING_FILE), life.text()).unwrap());
            sweep_runs(out.path());
            assert_eq!(dir.join(DATA_DIR).exists(), !is_swept, "{name}");
            assert!(dir.join("intervals.ndjson").exists());
        };
        let own = Life::own().unwrap();
        let over = Life { started: own.started + 1, ..own };
        check("somebody else's", None, false);
        check("under way", Some(own), false);
        check("its number was given again", Some(over), true);
        check("a search/steps/its third", Some(over), true);
        check("what a day costs/days/its first", Some(over), true);
    }

    #[test]
    fn a_run_that_ends_says_no_more_that_it_is_under_way() {
        let dir = tempfile::tempdir().unwrap();
        let running = Running::in_dir(dir.path()).unwrap();
        assert!(dir.path().join(RUNNING_FILE).exists());
        drop(running);
        assert!(!dir.path().join(RUNNING_FILE).exists());
    }
}
