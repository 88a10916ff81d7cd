//! A launch: the target's process around a load's run.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Url};
use rushhour_load::address::Address;
use rushhour_load::observer::{Observer, Stage};
use rushhour_load::plan::Materials;
use rushhour_load::scenario::Scenario;
use rushhour_load::stop::Stop;
use rushhour_load::tls::{TlsError, Trust};
use rushhour_load::transport::http1::Http1;
use rushhour_load::{Finished, Run, Share, run};
use rushhour_report::environment::Environment;
use rushhour_report::interval::Interval;
use rushhour_report::result::{RunResult, TargetUse};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::host::sample;
use crate::keeping::Keeping;
use crate::metrics::RunMetrics;
use crate::process::ServerProcess;
use crate::rundir::RunDir;
use crate::sample::{Sampler, cpu_s};
use crate::scrape::{self, Scrape};
use crate::target::{Server, Target};

/// How often the target's own metrics are asked for.
const SCRAPED_EVERY: Duration = Duration::from_secs(5);

/// What is to be launched.
#[derive(Debug)]
pub struct Launch {
    /// What is sent.
    pub scenario: Scenario,
    /// What its requests are made from.
    pub materials: Materials,
    /// Whom to believe, if the target speaks TLS.
    pub trust: Trust,
    /// Which part is sent from here, and when.
    pub share: Share,
    /// What it is sent to.
    pub target: Target,
    /// The target's own metrics page.
    pub scrape: Option<Url>,
    /// This program, which is also the reference server.
    pub program: PathBuf,
    /// Where and with what.
    pub environment: Environment,
}

/// Starts the target, runs the scenario, stops the target, and keeps the result in a new folder below `out`.
///
/// # Errors
/// When the target does not start or ends by itself, or something cannot be kept.
pub async fn launch(
    launch: Launch,
    out: &Path,
    metrics: Option<Arc<RunMetrics>>,
    observer: Rc<dyn Observer>,
    stop: Stop,
) -> Result<(RunDir, RunResult)> {
    let Launch { scenario, materials, trust, share, target, scrape, program, environment } = launch;
    if matches!(target.server, Server::External { .. }) && !target.flags.is_empty() {
        bail!("the target {} has flags for a server that somebody else has started", target.name.as_str());
    }
    let dir = RunDir::create(out, &scenario, &target, &environment)?;
    let scraping = scrape.map(|url| scraping(url, &trust, &dir)).transpose()?;
    let observer = Keeping::new(observer, Some(dir.intervals()?), metrics);
    let name = target.name.as_str().to_owned();
    let run_at = |address: Address| {
        let target = Http1::new(address, &trust)?;
        Ok(Run { scenario, materials, target, target_name: name, environment, share })
    };
    let (finished, trouble) = match target.server {
        Server::External { url } => (run(run_at(url)?, sample, Rc::clone(&observer) as _, stop).await?, Ok(())),
        Server::Reference => {
            run_reference(&dir, (&program, &target.flags), run_at, Rc::clone(&observer) as _, stop).await?
        }
    };
    dir.keep_histograms(&finished.histograms, &finished.result)?;
    dir.keep(&finished.result)?;
    observer.close()?;
    if let Some(scraping) = scraping {
        scraping.abort();
    }
    trouble.with_context(|| format!("what was measured is kept in {}", dir.path().display()))?;
    Ok((dir, finished.result))
}

/// Starts keeping the metrics page at `url`.
fn scraping(url: Url, trust: &Trust, dir: &RunDir) -> Result<AbortHandle> {
    let client = Client::builder().tls_backend_preconfigured(trust.client_config()?).build();
    let client = client.context("setting up the HTTP client")?;
    let (scrape, dir) = (Scrape { url, every: SCRAPED_EVERY, client, started: Instant::now() }, dir.path().to_owned());
    let task = async move { scrape::scrape(scrape, &dir, std::future::pending()).await };
    Ok(tokio::task::spawn_local(task).abort_handle())
}

/// The result of a run against a server of our own, and what went wrong with the server beside it.
async fn run_reference(
    dir: &RunDir,
    (program, flags): (&Path, &[String]),
    run_at: impl FnOnce(Address) -> Result<Run, TlsError>,
    observer: Rc<dyn Observer>,
    stop: Stop,
) -> Result<(Finished, Result<()>)> {
    let data_dir = dir.join("data");
    observer.steps(Stage::Start, 1);
    let server = ServerProcess::start(program, flags, &data_dir, &dir.join("server.log")).await?;
    let pid = server.pid().context("the server ended at once")?;
    let sampler = Sampler::start(pid, &data_dir, &dir.join("target.csv"))?;
    let marks =
        Rc::new(CpuMarks { observer: Rc::clone(&observer), pid, start_s: Cell::default(), end_s: Cell::default() });
    let outcome = run(run_at(server.address().clone())?, sample, Rc::clone(&marks) as _, stop).await;
    observer.steps(Stage::Stop, 1);
    let used = sampler.finish();
    let stopped = server.stop().await;
    observer.finish();
    let mut finished = match (outcome, &stopped) {
        (Ok(finished), _) => finished,
        // A server that died is the better explanation of whatever else went wrong.
        (Err(_), Err(_)) => return Err(stopped.expect_err("just seen")),
        (Err(error), Ok(())) => return Err(error.into()),
    };
    let removed = std::fs::remove_dir_all(&data_dir).with_context(|| format!("removing {}", data_dir.display()));
    finished.result.target_use =
        used.as_ref().ok().map(|used| TargetUse { measure_cpu_s: marks.measure_cpu_s(), ..*used });
    Ok((finished, stopped.and(used.map(drop)).and(removed)))
}

/// Passes everything on, and notes what the target had used when *measure* began and ended.
struct CpuMarks {
    observer: Rc<dyn Observer>,
    pid: i32,
    start_s: Cell<Option<f64>>,
    end_s: Cell<Option<f64>>,
}

impl CpuMarks {
    fn measure_cpu_s(&self) -> f64 {
        let used = self.start_s.get().and_then(|start| Some(self.end_s.get()? - start));
        used.unwrap_or_default()
    }
}

impl Observer for CpuMarks {
    fn steps(&self, stage: Stage, steps: u64) {
        self.observer.steps(stage, steps);
    }

    fn lasts(&self, stage: Stage, length: Duration) {
        match stage {
            Stage::Measure => self.start_s.set(cpu_s(self.pid)),
            Stage::Drain => self.end_s.set(cpu_s(self.pid)),
            _ => {}
        }
        self.observer.lasts(stage, length);
    }

    fn step(&self) {
        self.observer.step();
    }

    fn interval(&self, interval: &Interval) {
        self.observer.interval(interval);
    }

    fn finish(&self) {
        if self.end_s.get().is_none() {
            self.end_s.set(cpu_s(self.pid));
        }
        self.observer.finish();
    }
}
