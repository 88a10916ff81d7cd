//! The pairs of runs that a comparison of two builds has kept.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rushhour_report::compare::{Pair, Pairs};
use rushhour_report::result::Verdict;

use crate::rundir::{RESULT_FILE, read_result};

/// What says which two builds they are, by its file name.
pub const BUILDS_FILE: &str = "builds.toml";
/// How the folders of pairs begin: those that are compared, and those of the same build twice.
pub const PAIR: &str = "pair-";
/// The other ones.
pub const NOISE: &str = "noise-";
/// The folders in each of them.
pub const SIDES: [&str; 2] = ["baseline", "candidate"];

/// Reads the pairs below `dir`. Those of which a run is missing or was interrupted are only counted.
///
/// # Errors
/// When there are none, or a result is damaged.
pub fn read(dir: &Path) -> Result<Pairs> {
    let folders = folders(dir)?;
    let mut read = Pairs::default();
    for folder in &folders {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let into = match name {
            name if name.starts_with(PAIR) => &mut read.pairs,
            name if name.starts_with(NOISE) => &mut read.noise,
            _ => continue,
        };
        match pair(folder)? {
            Some(pair) => into.push(pair),
            None => read.unfinished += 1,
        }
    }
    if read.pairs.is_empty() {
        bail!("{} is no comparison: it has no folder {PAIR}01 with two runs", dir.display());
    }
    Ok(read)
}

fn pair(dir: &Path) -> Result<Option<Pair>> {
    let mut sides = Vec::new();
    for side in SIDES.map(|side| dir.join(side)) {
        let runs = if side.is_dir() { folders(&side)? } else { Vec::new() };
        let Some(run) = runs.into_iter().find(|run| run.join(RESULT_FILE).is_file()) else { return Ok(None) };
        sides.push(read_result(&run)?);
    }
    let is_whole = sides.iter().all(|run| run.verdict != Verdict::Interrupted);
    let mut sides = sides.into_iter();
    Ok(sides.next().zip(sides.next()).filter(|_| is_whole))
}

fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let listing = std::fs::read_dir(dir).with_context(|| format!("listing {}", dir.display()))?;
    let mut folders = listing.map(|item| Ok(item?.path())).collect::<Result<Vec<_>>>()?;
    folders.retain(|path| path.is_dir());
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use rushhour_report::result::RunResult;

    use super::*;

    const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../results/2026-11-21-vm-quickstart-local-4");

    #[test]
    fn pairs_that_came_to_no_end_are_counted_and_not_judged() {
        let dir = tempfile::tempdir().unwrap();
        let kept = read_result(Path::new(KEPT)).unwrap();
        let keep = |pair: &str, side: &str, verdict: Verdict| {
            let run = dir.path().join(pair).join(side).join("run");
            std::fs::create_dir_all(&run).unwrap();
            let result = RunResult { verdict, ..kept.clone() };
            std::fs::write(run.join(RESULT_FILE), serde_json::to_string(&result).unwrap()).unwrap();
        };
        assert!(read(dir.path()).unwrap_err().to_string().contains("no folder pair-01 with two runs"));
        keep("pair-01", "baseline", Verdict::Pass);
        keep("pair-01", "candidate", Verdict::Pass);
        keep("pair-02", "baseline", Verdict::Pass);
        keep("pair-03", "baseline", Verdict::Pass);
        keep("pair-03", "candidate", Verdict::Interrupted);
        keep("noise-01", "baseline", Verdict::Fail);
        keep("noise-01", "candidate", Verdict::Pass);
        let pairs = read(dir.path()).unwrap();
        assert_eq!((pairs.pairs.len(), pairs.noise.len(), pairs.unfinished), (1, 1, 2));
    }
}
