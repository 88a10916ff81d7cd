//! A target's own metrics page, asked for every few seconds and kept as `target-metrics.ndjson` in the run's folder. What it
//! says of its process becomes part of the result.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Url};
use rushhour_report::result::TargetUse;
use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::exposition::series;
use crate::marks::Mark;

/// The file's name.
pub(crate) const FILE: &str = "target-metrics.ndjson";
/// A longer page is cut: it is somebody else's, and it is kept in memory.
const PAGE_BYTES_MAX: usize = 4 << 20;
/// More are counted and not kept.
const SERIES_MAX: usize = 2_000;
/// A page that takes longer is given up.
const TIMEOUT: Duration = Duration::from_secs(5);
/// So many pages that could not be had are told one by one; all are counted.
const ERRORS_MAX: u64 = 100;
/// What Prometheus' client libraries say of their process
/// (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).
pub(crate) const CPU_S: &str = "process_cpu_seconds_total";
pub(crate) const MEMORY_BYTES: &str = "process_resident_memory_bytes";

/// What is scraped, and how often.
#[derive(Clone, Debug)]
pub struct Scrape {
    /// The page, such as `http://192.0.2.7:8080/metrics`.
    pub url: Url,
    /// How long it is from one time to the next.
    pub every: Duration,
    /// What asks: it knows about proxies and certificates.
    pub client: Client,
    /// When the run began.
    pub started: Instant,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scraped {
    /// How many pages were kept.
    pub pages: u64,
    /// How many could not be had.
    pub failed: u64,
    /// Series of the last page beyond those that are kept.
    pub left_out: usize,
    /// What the target said of its process, if it did.
    pub target_use: Option<TargetUse>,
}

/// What the pages said of the target's process so far.
#[derive(Debug, Default)]
struct Process {
    first_cpu_s: Option<f64>,
    last_cpu_s: Option<f64>,
    measure_begins_cpu_s: Option<f64>,
    measure_ends_cpu_s: Option<f64>,
    memory_peak_bytes: Option<f64>,
}

impl Process {
    /// Takes in a page; `mark` is what it was asked for at.
    fn add<'a>(&mut self, page: impl Iterator<Item = (&'a str, f64)> + Clone, mark: Option<Mark>) {
        let told = |name: &str| page.clone().find(|(series, _)| *series == name).map(|(_, value)| value);
        let cpu_s = told(CPU_S);
        self.first_cpu_s = self.first_cpu_s.or(cpu_s);
        self.last_cpu_s = cpu_s.or(self.last_cpu_s);
        match mark {
            Some(Mark::MeasureBegins) => self.measure_begins_cpu_s = cpu_s,
            Some(Mark::MeasureEnds) => self.measure_ends_cpu_s = cpu_s,
            Some(Mark::Over) | None => {}
        }
        self.memory_peak_bytes = self.memory_peak_bytes.into_iter().chain(told(MEMORY_BYTES)).reduce(f64::max);
    }

    fn target_use(&self) -> Option<TargetUse> {
        // A process that was started anew counts from zero: then nothing is known.
        let used = |from: Option<f64>, to: Option<f64>| Some(to? - from?).filter(|cpu_s| *cpu_s >= 0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of bytes")]
        let bytes = |bytes: f64| bytes as u64;
        let target_use = TargetUse {
            cpu_s: used(self.first_cpu_s, self.last_cpu_s),
            measure_cpu_s: used(self.measure_begins_cpu_s, self.measure_ends_cpu_s),
            memory_peak_bytes: self.memory_peak_bytes.map(bytes),
            ..TargetUse::default()
        };
        (target_use != TargetUse::default()).then_some(target_use)
    }
}

/// A line of the file.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Line<'a> {
    /// The series that have changed since the line before.
    Page { at_s: f64, series: BTreeMap<&'a str, f64> },
    /// Why there is no page.
    Error { at_s: f64, error: String },
}

/// Asks every so often, at every one of `marks`, and for the last time at the last of them; appends a line to the file in
/// `dir` each time.
///
/// # Errors
/// When the file cannot be written. A page that cannot be had is a line, not an error.
pub async fn scrape(scrape: Scrape, dir: &Path, mut marks: UnboundedReceiver<Mark>) -> Result<Scraped> {
    let path = dir.join(FILE);
    let mut file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    let mut write = move |line: &Line<'_>| {
        let text = serde_json::to_string(line).expect("numbers and names can be written as JSON") + "\n";
        file.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))
    };
    let mut scraped = Scraped::default();
    let mut known: HashMap<String, f64> = HashMap::new();
    let mut ticks = interval(scrape.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut process = Process::default();
    let mut is_over = false;
    while !is_over {
        let mut mark = None;
        tokio::select! {
            biased;
            next = marks.recv() => {
                is_over = matches!(next, None | Some(Mark::Over));
                mark = next;
            }
            _ = ticks.tick() => {}
        }
        let page = page(&scrape).await;
        let at_s = scrape.started.elapsed().as_secs_f64();
        match page {
            Ok(page) => {
                scraped.pages += 1;
                let series = series(&page);
                process.add(series.clone(), mark);
                scraped.left_out = series.clone().skip(SERIES_MAX).count();
                let is_news = |(name, value): &(&str, f64)| known.insert((*name).to_owned(), *value) != Some(*value);
                write(&Line::Page { at_s, series: series.take(SERIES_MAX).filter(is_news).collect() })?;
                if known.len() > 2 * SERIES_MAX {
                    // Names come and go; whatever is still there is told anew.
                    known.clear();
                }
            }
            Err(error) => {
                scraped.failed += 1;
                if scraped.failed <= ERRORS_MAX {
                    write(&Line::Error { at_s, error: format!("{error:#}") })?;
                }
            }
        }
    }
    Ok(Scraped { target_use: process.target_use(), ..scraped })
}

/// What a series said last, of a run that is kept in `dir`; `None` when no page had it, or none was asked for.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn last(dir: &Path, name: &str) -> Result<Option<f64>> {
    let path = dir.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<serde_json::Value>, _>>();
    let lines = lines.with_context(|| format!("{} is damaged", path.display()))?;
    Ok(lines.iter().rev().find_map(|line| line.get("series")?.get(name)?.as_f64()))
}

/// The text of the page, as far as it is kept.
async fn page(scrape: &Scrape) -> Result<String> {
    let mut response = scrape.client.get(scrape.url.clone()).timeout(TIMEOUT).send().await?;
    if !response.status().is_success() {
        bail!("the page answered {}", response.status());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = PAGE_BYTES_MAX - bytes.len();
        bytes.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if bytes.len() == PAGE_BYTES_MAX {
            // A number that was cut off would be another number.
            bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or_default());
            break;
        }
    }
    String::from_utf8(bytes).context("the page is not text")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    /// Scrapes a target that gives these answers one after the other: as many as there are `marks` at those, the last one when
    /// there are no more marks, and those between when it is time. Gives the lines of the file.
    async fn lines(answers: Vec<String>, marks: &[Mark]) -> (Scraped, Vec<serde_json::Value>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap()).parse().unwrap();
        let (marker, marked) = unbounded_channel();
        marks.iter().for_each(|mark| marker.send(*mark).unwrap());
        let last = answers.len() - 1;
        let mut marker = (last > 0).then_some(marker);
        tokio::spawn(async move {
            for (answer, number) in answers.into_iter().zip(1..) {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1024]).await.unwrap();
                marker = marker.filter(|_| number < last);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let dir = tempfile::tempdir().unwrap();
        // It wants to know whom to believe even where no TLS is spoken.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        let every = Duration::from_millis(1);
        let job = Scrape { url, every, client, started: Instant::now() };
        let scraped = scrape(job, dir.path(), marked).await.unwrap();
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        (scraped, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    fn answer(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn a_line_tells_what_has_changed_or_why_there_is_none() {
        let pages = ["# TYPE a counter\na_total 1\nb{x=\"y z\"} 2.5\n", "", "a_total 2\nb{x=\"y z\"} 2.5\n"];
        let [first, _, last] = pages.map(|page| answer("200 OK", page));
        let (scraped, lines) = lines(vec![first, answer("503 Service Unavailable", "no"), last], &[]).await;
        assert_eq!(scraped, Scraped { pages: 2, failed: 1, left_out: 0, target_use: None });
        assert_eq!(lines[0]["series"], serde_json::json!({"a_total": 1.0, "b{x=\"y z\"}": 2.5}));
        assert_eq!(lines[1]["error"], "the page answered 503 Service Unavailable");
        assert_eq!(lines[2]["series"], serde_json::json!({"a_total": 2.0}));
        assert!(lines.iter().all(|line| line["at_s"].as_f64().is_some_and(|at_s| at_s >= 0.0)));
    }

    #[test]
    fn what_a_series_said_last_is_found_though_it_did_not_change_since() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(last(dir.path(), "a").unwrap(), None);
        let lines =
            [r#"{"at_s":1,"series":{"a":1,"b":2}}"#, r#"{"at_s":2,"series":{"b":3}}"#, r#"{"at_s":3,"error":"no"}"#];
        std::fs::write(dir.path().join(FILE), lines.join("\n")).unwrap();
        assert_eq!(["a", "b", "c"].map(|name| last(dir.path(), name).unwrap()), [Some(1.0), Some(3.0), None]);
    }

    #[tokio::test]
    async fn a_page_without_end_is_cut_at_a_line_and_its_series_are_counted() {
        let body: String = (0..1_000_000).map(|n| format!("a{n} 1\n")).collect();
        assert!(body.len() > PAGE_BYTES_MAX);
        let (scraped, lines) = lines(vec![answer("200 OK", &body)], &[]).await;
        assert_eq!((scraped.pages, scraped.failed), (1, 0));
        assert_eq!(lines[0]["series"].as_object().unwrap().len(), SERIES_MAX);
        let whole = body[..PAGE_BYTES_MAX].rsplit_once('\n').unwrap().0;
        assert_eq!(scraped.left_out, whole.lines().count() - SERIES_MAX);
    }

    /// A page of a process that has used so much.
    fn process(cpu_s: f64, memory_bytes: u64) -> String {
        let text = format!("{CPU_S} {cpu_s}\n{MEMORY_BYTES} {memory_bytes}\nprocess_open_fds 7\n");
        answer("200 OK", &text)
    }

    #[tokio::test]
    async fn what_the_target_says_of_its_process_is_what_it_used() {
        let marks = [Mark::MeasureBegins, Mark::MeasureEnds];
        let used = async |pages: Vec<String>| lines(pages, &marks).await.0.target_use;
        let pages = vec![process(100.0, 5_000), process(112.5, 9_000), process(113.0, 7_000), process(114.0, 6_000)];
        let found = used(pages).await.unwrap();
        assert_eq!((found.cpu_s, found.measure_cpu_s, found.memory_peak_bytes), (Some(14.0), Some(12.5), Some(9_000)));
        assert_eq!((found.disk_bytes, found.written_bytes), (None, None));
        // One that was started anew, and one that says nothing of itself.
        let found = used(vec![process(100.0, 5_000), process(3.0, 4_000), process(4.0, 4_000)]).await.unwrap();
        assert_eq!((found.cpu_s, found.measure_cpu_s, found.memory_peak_bytes), (None, None, Some(5_000)));
        let silent = || answer("200 OK", "a_total 1\n");
        assert_eq!(used(vec![silent(), silent(), silent()]).await, None);
    }
}
