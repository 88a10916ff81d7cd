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
use rushhour_load::software::Software;
use rushhour_load::stop::Stop;
use rushhour_load::tls::{TlsError, Trust};
use rushhour_load::transport::http1::Http1;
use rushhour_load::{Finished, Run, Share, run};
use rushhour_report::environment::Environment;
use rushhour_report::result::{RunResult, TargetUse};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::host::sample;
use crate::keeping::Keeping;
use crate::marks::{Mark, Marking};
use crate::metrics::RunMetrics;
use crate::process::ServerProcess;
use crate::rundir::RunDir;
use crate::sample::{Sampler, cpu_s};
use crate::scrape::{Scrape, Scraped, scrape};
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
    let Launch { scenario, materials, trust, share, target, scrape: page, program, environment } = launch;
    if matches!(target.server, Server::External { .. }) && !target.flags.is_empty() {
        bail!("the target {} has flags for a server that somebody else has started", target.name.as_str());
    }
    let dir = RunDir::create(out, &scenario, &target, &environment)?;
    let keeping = Keeping::new(observer, Some(dir.intervals()?), metrics);
    keeping.watch(dir.health()?);
    let scraping = page.map(|url| Scraping::start(url, &trust, &dir)).transpose()?;
    let observer: Rc<dyn Observer> = match &scraping {
        Some(scraping) => Rc::new(Marking::new(Rc::clone(&keeping) as _, scraping.marker())),
        None => Rc::clone(&keeping) as _,
    };
    let name = target.name.as_str().to_owned();
    let run_at = |address: Address, software| {
        let target = Http1::new(address, &trust)?;
        Ok(Run { scenario, materials, target, target_name: name, software, environment, share })
    };
    let (mut finished, trouble) = match target.server {
        Server::External { url, software } => (run(run_at(url, software)?, sample, observer, stop).await?, Ok(())),
        Server::Reference => run_reference(&dir, (&program, &target.flags), run_at, observer, stop).await?,
    };
    let mut scraped = Ok(Scraped::default());
    if let Some(scraping) = scraping {
        scraped = scraping.finish().await;
    }
    // What was seen from outside is more than what a process says of itself.
    let told = scraped.as_ref().ok().and_then(|scraped| scraped.target_use);
    finished.result.target_use = finished.result.target_use.or(told);
    dir.keep_histograms(&finished.histograms, &finished.result)?;
    dir.keep(&finished.result)?;
    keeping.close()?;
    dir.keep_page()?;
    trouble.and(scraped.map(drop)).with_context(|| format!("what was measured is kept in {}", dir.path().display()))?;
    Ok((dir, finished.result))
}

/// A metrics page that is being kept.
struct Scraping {
    marks: UnboundedSender<Mark>,
    task: JoinHandle<Result<Scraped>>,
}

impl Scraping {
    /// Starts keeping the metrics page at `url`.
    fn start(url: Url, trust: &Trust, dir: &RunDir) -> Result<Self> {
        let client = Client::builder().tls_backend_preconfigured(trust.client_config()?).build();
        let client = client.context("setting up the HTTP client")?;
        let (job, dir) = (Scrape { url, every: SCRAPED_EVERY, client, started: Instant::now() }, dir.path().to_owned());
        let (marks, marked) = unbounded_channel();
        let task = tokio::task::spawn_local(async move { scrape(job, &dir, marked).await });
        Ok(Self { marks, task })
    }

    /// Asks for the page at each mark.
    fn marker(&self) -> impl Fn(Mark) + use<> {
        let marks = self.marks.clone();
        move |mark| {
            // Who cannot write any more has ended, and says so at the end.
            let _ = marks.send(mark);
        }
    }

    /// Asks once more.
    async fn finish(self) -> Result<Scraped> {
        // It has ended already if it could not write.
        let _ = self.marks.send(Mark::Over);
        self.task.await.context("keeping the target's metrics")?
    }
}

/// The result of a run against a server of our own, and what went wrong with the server beside it.
async fn run_reference(
    dir: &RunDir,
    (program, flags): (&Path, &[String]),
    run_at: impl FnOnce(Address, Option<Software>) -> Result<Run, TlsError>,
    observer: Rc<dyn Observer>,
    stop: Stop,
) -> Result<(Finished, Result<()>)> {
    let data_dir = dir.join("data");
    observer.steps(Stage::Start, 1);
    let server = ServerProcess::start(program, flags, &data_dir, &dir.join("server.log")).await?;
    let pid = server.pid().context("the server ended at once")?;
    let sampler = Sampler::start(pid, &data_dir, &dir.join("target.csv"))?;
    let measured = Rc::new(Cell::new((None, None)));
    let noted = Rc::clone(&measured);
    let marking = Marking::new(Rc::clone(&observer), move |mark| match mark {
        Mark::MeasureBegins => noted.set((cpu_s(pid), None)),
        Mark::MeasureEnds => noted.set((noted.get().0, cpu_s(pid))),
        Mark::Over => {}
    });
    let outcome = run(run_at(server.address().clone(), None)?, sample, Rc::new(marking), stop).await;
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
    let (start_s, end_s): (Option<f64>, Option<f64>) = measured.get();
    let measure_cpu_s = start_s.and_then(|start_s| Some(end_s? - start_s));
    finished.result.target_use = used.as_ref().ok().map(|used| TargetUse { measure_cpu_s, ..*used });
    Ok((finished, stopped.and(used.map(drop)).and(removed)))
}
