//! Arrivals as somebody recorded them, sent again at any speed: when each came, and who it was if the file says so.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scenario::{Phases, Speed};

/// The column of times, in seconds.
const TIME_COLUMN: &str = "at_s";
/// The column of names, if there is one.
const USER_COLUMN: &str = "user";
/// The longest recording that is taken: it is kept in memory, 16 bytes for each line.
const ARRIVALS_MAX: usize = 10_000_000;
/// The highest rate is looked for in stretches of this length.
const PEAK_S: f64 = 1.0;

/// A recording, and how it is sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// A CSV file with the heading `at_s`, and `user` if it matters who it was; relative to the scenario file.
    pub file: PathBuf,
    /// So many seconds of the recording pass in one of the run's.
    #[serde(default = "as_it_was")]
    pub speed: Speed,
    /// Which second of the recording is the first of *measure*; what came before it is for the *warm-up*.
    #[serde(default)]
    pub from_s: f64,
    /// What the file says; nothing until it is read.
    #[serde(skip)]
    recorded: Arc<[Recorded]>,
}

fn as_it_was() -> Speed {
    Speed::of(1.0)
}

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Recorded {
    at_s: f64,
    /// The n-th name that is new in the file.
    user: Option<u32>,
}

impl Replay {
    /// Reads the recording, from where `beside` says that its file lies, for a run of these phases.
    ///
    /// # Errors
    /// With the file and the line, when it cannot be read, its times fall, or nothing of it would be sent.
    pub(crate) fn read(&mut self, beside: impl Fn(&Path) -> PathBuf, phases: &Phases) -> Result<(), String> {
        let path = beside(&self.file);
        let failed = |reason: String| format!("reading the arrivals {}: {reason}", path.display());
        let text = std::fs::read(&path).map_err(|error| failed(error.to_string()))?;
        self.recorded = parse(&text).map_err(failed)?.into();
        let is_sent = |at: &Duration| (phases.measure_start()..phases.measure_end()).contains(at);
        if self.times(phases.measure_start()).any(|(at, _)| is_sent(&at)) {
            return Ok(());
        }
        let (first, last) = (self.recorded.first(), self.recorded.last());
        let [first_s, last_s] = [first, last].map(|recorded| recorded.map_or(0.0, |recorded| recorded.at_s));
        let end_s = self.from_s + phases.measure_s.as_f64() * self.speed.as_f64();
        Err(failed(format!(
            "they lie between {first_s} s and {last_s} s, and the run sends those from {} s to {end_s} s; see `from_s`",
            self.from_s
        )))
    }

    /// When requests are intended from the start of the run, and by the how-many-eth person if the file names people.
    pub(crate) fn times(&self, warm_up: Duration) -> impl Iterator<Item = (Duration, Option<u32>)> + Send + use<> {
        let (recorded, speed, from_s) = (Arc::clone(&self.recorded), self.speed.as_f64(), self.from_s);
        let warm_up_s = warm_up.as_secs_f64();
        (0..recorded.len()).filter_map(move |line| {
            let Recorded { at_s, user } = *recorded.get(line)?;
            // What is before the run, or beyond all times, is not sent.
            let at = Duration::try_from_secs_f64(warm_up_s + (at_s - from_s) / speed).ok()?;
            Some((at, user))
        })
    }

    /// The highest rate before `end`, over a second.
    pub(crate) fn peak_per_s(&self, warm_up: Duration, end: Duration) -> f64 {
        let times = || self.times(warm_up).map(|(at, _)| at).take_while(|at| *at < end);
        let (mut oldest, mut within, mut most) = (times().peekable(), 0_u32, 0_u32);
        for at in times() {
            within += 1;
            while oldest.next_if(|old| (at - *old).as_secs_f64() >= PEAK_S).is_some() {
                within -= 1;
            }
            most = most.max(within);
        }
        f64::from(most) / PEAK_S
    }

    /// How many requests there are from `start` to `end` of the run.
    pub(crate) fn count(&self, start: Duration, end: Duration) -> usize {
        self.times(start).filter(|(at, _)| (start..end).contains(at)).count()
    }
}

/// The lines of a file, in order of their times.
fn parse(text: &[u8]) -> Result<Vec<Recorded>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let headings = reader.headers().map_err(|error| error.to_string())?;
    let column = |name| headings.iter().position(|heading| heading == name);
    let time_column = column(TIME_COLUMN).ok_or_else(|| format!("there is no column `{TIME_COLUMN}`"))?;
    let user_column = column(USER_COLUMN);
    let mut names: HashMap<String, u32> = HashMap::new();
    let mut recorded: Vec<Recorded> = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| error.to_string())?;
        let line = row.position().map_or(0, csv::Position::line);
        let text = row.get(time_column).unwrap_or_default();
        let at_s = text.parse().ok().filter(|at_s: &f64| at_s.is_finite());
        let at_s = at_s.ok_or_else(|| format!("line {line}: `{text}` is not a time in seconds"))?;
        if let Some(before) = recorded.last().filter(|before| before.at_s > at_s) {
            return Err(format!("line {line}: {at_s} s comes after {} s; the times must not fall", before.at_s));
        }
        if recorded.len() == ARRIVALS_MAX {
            return Err(format!("line {line}: there are more than {ARRIVALS_MAX} arrivals"));
        }
        let user = user_column.map(|column| {
            let next = u32::try_from(names.len()).expect("there are fewer names than lines");
            *names.entry(row.get(column).unwrap_or_default().to_owned()).or_insert(next)
        });
        recorded.push(Recorded { at_s, user });
    }
    if recorded.is_empty() {
        return Err("there are no arrivals".to_owned());
    }
    Ok(recorded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, replay: &str) -> Result<Replay, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.csv"), text).unwrap();
        let mut replay: Replay = toml::from_str(&format!("file = \"a.csv\"\n{replay}")).unwrap();
        let phases = toml::from_str("warm_up_s = 1\nmeasure_s = 10").unwrap();
        replay.read(|file| dir.path().join(file), &phases)?;
        Ok(replay)
    }

    fn times(replay: &Replay) -> Vec<(f64, Option<u32>)> {
        replay.times(Duration::from_secs(1)).map(|(at, user)| (at.as_secs_f64(), user)).collect()
    }

    #[test]
    fn a_recording_is_sent_from_where_it_should_be_and_as_fast() {
        let replay = read("at_s\n100\n160\n160\n220\n", "speed = 60\nfrom_s = 160").unwrap();
        assert_eq!(times(&replay), [(0.0, None), (1.0, None), (1.0, None), (2.0, None)]);
        assert_eq!(replay.count(Duration::from_secs(1), Duration::from_secs(11)), 3);
        assert_eq!(replay.peak_per_s(Duration::from_secs(1), Duration::from_secs(11)), 2.0);
        // Two seconds of warm-up would be needed for the first line.
        let replay = read("at_s\n100\n160\n", "speed = 30\nfrom_s = 160").unwrap();
        assert_eq!(times(&replay), [(1.0, None)]);
    }

    #[test]
    fn who_is_the_same_in_the_file_is_the_same_in_the_run() {
        let replay = read("user,what,at_s\nanna,a,0\nben,b,1\nanna,c,2\n", "").unwrap();
        assert_eq!(times(&replay), [(1.0, Some(0)), (2.0, Some(1)), (3.0, Some(0))]);
    }

    #[test]
    fn what_cannot_be_sent_again_is_refused_with_its_line() {
        let refused = |text: &str, part: &str| {
            let error = read(text, "").unwrap_err();
            assert!(error.contains(part) && error.contains("a.csv"), "{error}");
        };
        refused("at_s\n1\n2.5\n2\n", "line 4: 2 s comes after 2.5 s");
        refused("at_s\n1\nsoon\n", "line 3: `soon` is not a time");
        refused("at_s\n1\nNaN\n", "line 3: `NaN` is not a time");
        refused("at_s,user\n1\n", "1 field");
        refused("time\n1\n", "no column `at_s`");
        refused("at_s\n", "there are no arrivals");
        refused("at_s\n1700000000\n", "the run sends those from 0 s to 10 s; see `from_s`");
    }
}
