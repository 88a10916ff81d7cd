//! A recorded day: what one phone sent between one morning and one night, cut into the uploads it would make.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use jiff::civil::Date;
use rushhour_model::day::{DAY_S, utc_day};
use rushhour_model::entry::{Data, Entry};

use crate::error::LoadError;

/// The most entries a phone sends at once (e-mission's `LIMIT 10000`).
const UPLOAD_ENTRIES_MAX: usize = 10_000;
/// A phone uploads when a trip has ended. What it writes within this time still belongs to the end: iOS goes through
/// several steps, each with a battery reading.
const TRIP_END_TAIL_S: f64 = 60.0;

/// One phone's day.
#[derive(Clone, Debug)]
pub struct Recording {
    /// What was sent, in order.
    pub entries: Vec<Entry>,
    /// The day it starts on, in UTC.
    pub first_day: Date,
    /// How many days it covers, at least one.
    pub length_days: u32,
    /// Which entries go into each upload.
    pub uploads: Vec<Range<usize>>,
}

impl Recording {
    /// A recording of `entries`.
    ///
    /// # Errors
    /// With the reason when there are none, or when their times are not times.
    pub fn new(entries: Vec<Entry>) -> Result<Self, String> {
        let times = || entries.iter().map(|entry| entry.metadata.write_s());
        let first_s = times().fold(f64::INFINITY, f64::min);
        let last_s = times().fold(f64::NEG_INFINITY, f64::max);
        let first_day = utc_day(first_s).ok_or("it has no entries, or their `write_ts` is not in seconds")?;
        let days = ((last_s - first_s) / DAY_S as f64).ceil().max(1.0);
        if days > 366.0 {
            return Err(format!("it spans {days} days; a recording is a day, or a few"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "between 1 and 366")]
        let length_days = days as u32;
        let uploads = uploads(&entries);
        Ok(Self { entries, first_day, length_days, uploads })
    }
}

/// Cuts after every trip end, and where a batch is full.
fn uploads(entries: &[Entry]) -> Vec<Range<usize>> {
    let mut uploads = Vec::new();
    let mut start = 0;
    let mut trip_end_s = None;
    for (index, entry) in entries.iter().enumerate() {
        let write_s = entry.metadata.write_s();
        let is_behind_trip_end = trip_end_s.is_some_and(|end_s| write_s > end_s + TRIP_END_TAIL_S);
        if is_behind_trip_end || index - start == UPLOAD_ENTRIES_MAX {
            uploads.push(start..index);
            start = index;
            trip_end_s = None;
        }
        if matches!(&entry.data, Data::Transition(step) if step.is_trip_end()) {
            trip_end_s = Some(write_s);
        }
    }
    uploads.push(start..entries.len());
    uploads
}

/// Reads every `*.raw.json` and `*.raw.json.gz` in `dir`, in order of their names.
///
/// # Errors
/// [`LoadError::Days`] when there is none, or one cannot be read.
pub fn read_dir(dir: &Path) -> Result<Vec<Recording>, LoadError> {
    let failed = |path: &Path, reason: String| LoadError::Days { path: path.to_owned(), reason };
    let listing = std::fs::read_dir(dir).map_err(|error| failed(dir, error.to_string()))?;
    let mut paths = Vec::new();
    for item in listing {
        let path = item.map_err(|error| failed(dir, error.to_string()))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".raw.json") || name.ends_with(".raw.json.gz") {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(failed(dir, "no *.raw.json or *.raw.json.gz file is there".to_owned()));
    }
    paths.sort();
    paths.iter().map(|path| read(path).map_err(|reason| failed(path, reason))).collect()
}

fn read(path: &PathBuf) -> Result<Recording, String> {
    let file = BufReader::new(File::open(path).map_err(|error| error.to_string())?);
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let mut text = Vec::new();
    let bytes =
        if is_packed { MultiGzDecoder::new(file).read_to_end(&mut text) } else { { file }.read_to_end(&mut text) };
    bytes.map_err(|error| error.to_string())?;
    let entries = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    Recording::new(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries written as `seconds` or `seconds!`, where `!` ends a trip.
    fn recording(entries: &str) -> Recording {
        let entry = |word: &str| {
            let seconds = word.trim_end_matches('!');
            let transition = if word.ends_with('!') { "local.transition.stopped_moving" } else { "T_NOP" };
            let text = format!(
                r#"{{"metadata":{{"key":"statemachine/transition","type":"message","write_ts":{seconds}}},
                "data":{{"currState":"s","transition":"{transition}","ts":{seconds}}}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        Recording::new(entries.split_whitespace().map(entry).collect()).unwrap()
    }

    #[test]
    fn an_upload_ends_with_a_trip_and_the_rest_goes_last() {
        let uploads = |entries| format!("{:?}", recording(entries).uploads);
        assert_eq!(uploads("0 10 20! 21 500 600! 601! 700"), "[0..4, 4..7, 7..8]");
        assert_eq!(uploads("0 10"), "[0..2]");
        assert_eq!(uploads("0!"), "[0..1]");
    }

    #[test]
    fn a_batch_has_at_most_ten_thousand_entries() {
        let entries: Vec<String> = (0..25_000).map(|second| second.to_string()).collect();
        assert_eq!(recording(&entries.join(" ")).uploads, [0..10_000, 10_000..20_000, 20_000..25_000]);
    }

    #[test]
    fn a_recording_knows_its_days() {
        let short = recording("86399 86401");
        assert_eq!((short.first_day, short.length_days), (Date::constant(1970, 1, 1), 1));
        assert_eq!(recording("0 86401").length_days, 2);
        assert!(Recording::new(Vec::new()).is_err());
    }
}
