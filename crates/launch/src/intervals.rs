//! The seconds of a run, kept as they go by: `intervals.ndjson` for programs that plot, `intervals.hlog` for those that merge.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rushhour_report::hlog;
use rushhour_report::interval::{Interval, IntervalError, csv, read};
use rushhour_report::page::Extent;

const LINES_FILE: &str = "intervals.ndjson";
const LOG_FILE: &str = "intervals.hlog";

/// The open files.
#[derive(Debug)]
pub struct IntervalLog {
    lines: Appended,
    log: Appended,
}

impl IntervalLog {
    pub(crate) fn create(dir: &Path) -> Result<Self> {
        let mut log = Appended::create(dir.join(LOG_FILE))?;
        log.append(&hlog::header())?;
        Ok(Self { lines: Appended::create(dir.join(LINES_FILE))?, log })
    }

    /// Appends an interval. It is with the system when this returns, so that a crash loses no more than the next.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, interval: &Interval) -> Result<()> {
        self.log.append(&interval.hlog())?;
        self.lines.append(&interval.ndjson())
    }
}

/// A file that grows. It has no buffer of its own: a write a second needs none.
#[derive(Debug)]
struct Appended {
    path: PathBuf,
    file: File,
}

impl Appended {
    fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self { path, file })
    }

    fn append(&mut self, text: &str) -> Result<()> {
        self.file.write_all(text.as_bytes()).with_context(|| format!("writing {}", self.path.display()))
    }
}

/// The seconds of a run that is over.
#[derive(Clone, Debug)]
pub struct Intervals {
    lines: String,
    log: String,
}

impl Intervals {
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = dir.join(name);
            std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
        };
        Ok(Self { lines: read(LINES_FILE)?, log: read(LOG_FILE)? })
    }

    /// What can be known of them without their histograms.
    pub fn extent(&self) -> Extent {
        Extent::read(&self.lines)
    }

    /// As CSV, without the latencies of operations that are `untold`.
    ///
    /// # Errors
    /// When a line is something else.
    pub fn csv(&self, untold: &BTreeSet<&str>) -> Result<String, IntervalError> {
        csv(&self.lines, untold)
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Result<Interval, IntervalError>> {
        read(&self.lines, &self.log)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use rushhour_report::interval::IntervalOperation;

    use super::*;

    #[test]
    fn seconds_can_be_read_while_more_are_still_to_come() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = IntervalLog::create(dir.path()).unwrap();
        let second = |start_s: u32| {
            let mut get = IntervalOperation { offered: 3, completed: 2, ..IntervalOperation::default() };
            get.response.record(Duration::from_millis(start_s.into()));
            let operations = BTreeMap::from([("get".to_owned(), get)]);
            Interval { start_s: start_s.into(), length_s: 1.0, operations }
        };
        let kept = || Intervals::read(dir.path()).unwrap().iter().map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(kept(), []);
        for count in 1..4 {
            log.add(&second(count - 1)).unwrap();
            assert_eq!(kept(), (0..count).map(second).collect::<Vec<_>>());
        }
    }
}
