//! A target's own metrics page, asked for every few seconds and kept as `target-metrics.ndjson` in the run's folder.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Url};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::exposition::series;

/// The file's name.
const FILE: &str = "target-metrics.ndjson";
/// A longer page is cut: it is somebody else's, and it is kept in memory.
const PAGE_BYTES_MAX: usize = 4 << 20;
/// More are counted and not kept.
const SERIES_MAX: usize = 2_000;
/// A page that takes longer is given up.
const TIMEOUT: Duration = Duration::from_secs(5);
/// So many pages that could not be had are told one by one; all are counted.
const ERRORS_MAX: u64 = 100;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scraped {
    /// How many pages were kept.
    pub pages: u64,
    /// How many could not be had.
    pub failed: u64,
    /// Series of the last page beyond those that are kept.
    pub left_out: usize,
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

/// Asks until `stop` is done, and appends a line to the file in `dir` each time.
///
/// # Errors
/// When the file cannot be written. A page that cannot be had is a line, not an error.
pub async fn scrape(scrape: Scrape, dir: &Path, stop: impl Future<Output = ()>) -> Result<Scraped> {
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
    let mut stop = pin!(stop);
    loop {
        let asked = async {
            ticks.tick().await;
            page(&scrape).await
        };
        let page = tokio::select! {
            page = asked => page,
            () = &mut stop => return Ok(scraped),
        };
        let at_s = scrape.started.elapsed().as_secs_f64();
        match page {
            Ok(page) => {
                scraped.pages += 1;
                let series = series(&page);
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
    use tokio::sync::oneshot;

    use super::*;

    /// Scrapes a target that gives these answers one after the other, and then goes away; gives the lines of the file.
    async fn lines(answers: Vec<String>) -> (Scraped, Vec<serde_json::Value>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap()).parse().unwrap();
        let (told, all_told) = oneshot::channel::<()>();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1024]).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            // One more is asked for only when the last answer was kept.
            let _ = listener.accept().await;
            drop(told);
        });
        let dir = tempfile::tempdir().unwrap();
        // It wants to know whom to believe even where no TLS is spoken.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        let every = Duration::from_millis(1);
        let job = Scrape { url, every, client, started: Instant::now() };
        let scraped = scrape(job, dir.path(), async { drop(all_told.await) }).await.unwrap();
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
        let (scraped, lines) = lines(vec![first, answer("503 Service Unavailable", "no"), last]).await;
        assert_eq!(scraped, Scraped { pages: 2, failed: 1, left_out: 0 });
        assert_eq!(lines[0]["series"], serde_json::json!({"a_total": 1.0, "b{x=\"y z\"}": 2.5}));
        assert_eq!(lines[1]["error"], "the page answered 503 Service Unavailable");
        assert_eq!(lines[2]["series"], serde_json::json!({"a_total": 2.0}));
        assert!(lines.iter().all(|line| line["at_s"].as_f64().is_some_and(|at_s| at_s >= 0.0)));
    }

    #[tokio::test]
    async fn a_page_without_end_is_cut_at_a_line_and_its_series_are_counted() {
        let body: String = (0..1_000_000).map(|n| format!("a{n} 1\n")).collect();
        assert!(body.len() > PAGE_BYTES_MAX);
        let (scraped, lines) = lines(vec![answer("200 OK", &body)]).await;
        assert_eq!((scraped.pages, scraped.failed), (1, 0));
        assert_eq!(lines[0]["series"].as_object().unwrap().len(), SERIES_MAX);
        let whole = body[..PAGE_BYTES_MAX].rsplit_once('\n').unwrap().0;
        assert_eq!(scraped.left_out, whole.lines().count() - SERIES_MAX);
    }
}
