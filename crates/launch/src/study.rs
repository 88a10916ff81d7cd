//! A study that is uploaded in one sitting or several: how far it is, and what it came to.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::pin::Pin;

use anyhow::{Context, Result};
use rushhour_load::address::Address;
use rushhour_load::upload::Uploaded;
use rushhour_report::histogram::Latencies;
use rushhour_report::hlog;
use rushhour_report::result::{RunResult, UploadResult};
use rushhour_report::study::{Sitting, Study, Truth};
use serde::{Deserialize, Serialize};

use crate::rundir::replace;

/// What a study came to so far.
pub const STUDY_FILE: &str = "study.json";
/// How far its uploads are.
const UPLOADED_FILE: &str = "uploaded.json";
/// The name of the uploads' response times in a histogram log.
const TAG: &str = "upload.response";

/// What a comparison with the truth comes to, later.
pub type Compared<'a> = Pin<Box<dyn Future<Output = Result<Truth>> + 'a>>;

/// Somebody who knows what is inside a target's answers and data, which the launcher does not.
pub trait Inspect: Debug {
    /// How much of the truth the target at this address has found.
    fn truth<'a>(&'a self, address: &'a Address) -> Compared<'a>;
    /// Bytes of the stopped target's data, by what they hold, once what was left in its log is sealed as it would have.
    ///
    /// # Errors
    /// When the data cannot be read.
    fn sealed_bytes(&self, data_dir: &Path) -> Result<BTreeMap<String, u64>>;
}

/// How far uploads are, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    days: u32,
    counts: UploadResult,
    response: String,
}

/// Notes in a run's folder how far its uploads are.
pub(crate) fn keep_uploaded(dir: &Path, uploaded: &Uploaded) -> Result<()> {
    let response = hlog::line(TAG, 0.0, uploaded.counts.seconds, &uploaded.response);
    let kept = Kept { days: uploaded.days, counts: uploaded.counts, response };
    replace(&dir.join(UPLOADED_FILE), &(serde_json::to_string_pretty(&kept)? + "\n"))
}

/// How far the uploads are of the run in this folder; not at all when nothing was noted.
pub(crate) fn read_uploaded(dir: &Path) -> Result<Uploaded> {
    let file = dir.join(UPLOADED_FILE);
    if !file.exists() {
        return Ok(Uploaded::default());
    }
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let damaged = || format!("{} is damaged", file.display());
    let Kept { days, counts, response } = serde_json::from_str(&text).with_context(damaged)?;
    let entry = hlog::read(&response).next().transpose().with_context(damaged)?;
    let response = entry.map_or(Ok(Latencies::default()), |entry| entry.latencies()).with_context(damaged)?;
    Ok(Uploaded { days, counts, response, is_full: false })
}

/// The study in this folder, if it is one's.
///
/// # Errors
/// When it is damaged.
pub fn read_study(dir: &Path) -> Result<Option<Study>> {
    let file = dir.join(STUDY_FILE);
    if !file.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is damaged", file.display()))
}

/// Adds a sitting that ended with `result` to `study`.
pub(crate) fn add(study: &mut Study, result: &RunResult, sitting: Sitting) {
    study.people = result.users;
    study.days = sitting.days;
    study.entries = result.upload.entries;
    study.upload_bytes = result.upload.bytes;
    study.upload_response_ms = result.upload.response_ms;
    let in_phases: u64 = result.operations.values().map(|operation| operation.failed).sum();
    study.failed = result.upload.failed + in_phases;
    study.sittings.push(sitting);
}

/// Keeps a study in a run's folder.
pub(crate) fn keep(dir: &Path, study: &Study) -> Result<()> {
    replace(&dir.join(STUDY_FILE), &(serde_json::to_string_pretty(study)? + "\n"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_uploaded_is_known_at_the_next_sitting() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_uploaded(dir.path()).unwrap(), Uploaded::default());
        let mut uploaded = Uploaded { days: 12, ..Uploaded::default() };
        uploaded.counts = UploadResult { sent: 3, entries: 70, seconds: 1.5, ..UploadResult::default() };
        uploaded.response.record(Duration::from_millis(4));
        keep_uploaded(dir.path(), &uploaded).unwrap();
        assert_eq!(read_uploaded(dir.path()).unwrap(), uploaded);
        std::fs::write(dir.path().join(UPLOADED_FILE), "{\"days\": 1").unwrap();
        let error = format!("{:#}", read_uploaded(dir.path()).unwrap_err());
        assert!(error.contains("uploaded.json is damaged"), "{error}");
    }
}
