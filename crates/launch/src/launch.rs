//! A launch: the target's process around a load's run.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Url};
use rushhour_load::address::Address;
use rushhour_load::observer::Observer;
use rushhour_load::plan::Materials;
use rushhour_load::scenario::Scenario;
use rushhour_load::stop::Stop;
use rushhour_load::tls::Trust;
use rushhour_load::transport::http1::Http1;
use rushhour_load::{Run, Share, run};
use rushhour_report::catalogue::Catalogue;
use rushhour_report::environment::Environment;
use rushhour_report::result::RunResult;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::host::{preflight, sample};
use crate::keeping::Keeping;
use crate::leftovers::sweep_runs;
use crate::machine::Shape;
use crate::marks::{Mark, Marking};
use crate::metrics::RunMetrics;
use crate::processors::{cores, split};
use crate::reference::Reference;
use crate::rundir::RunDir;
use crate::scrape::{Scrape, Scraped, scrape};
use crate::study::{Inspect, read_uploaded};
use crate::target::{Metrics, Server, Target};

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
    /// Who looks at the target of a study.
    pub inspect: Option<Rc<dyn Inspect>>,
    /// The folder of an interrupted study, to go on with it.
    pub resume: Option<PathBuf>,
}

impl Launch {
    /// All of `scenario` from here and now against `target`, which is believed as the system does, and nothing beside it.
    pub fn new(
        (scenario, materials): (Scenario, Materials),
        target: Target,
        program: PathBuf,
        environment: Environment,
    ) -> Self {
        let (trust, share) = (Trust::default(), Share::default());
        let (scrape, inspect, resume) = (None, None, None);
        Self { scenario, materials, trust, share, target, scrape, program, environment, inspect, resume }
    }
}

/// What a target's server is held to, if to anything: worth asking before many runs.
///
/// # Errors
/// When its file contradicts itself, or this machine cannot be that one.
pub fn shape(target: &Target, environment: &Environment) -> Result<Option<Shape>> {
    if let Some(setting) = target.idle_settings().first() {
        bail!("the target {} says `{setting}` of a server that somebody else has started", target.name.as_str());
    }
    let shape = target.machine.as_ref().map(|machine| machine.shape(&Catalogue::built_in(), &environment.cpu_model));
    let shape = shape.transpose().context("reading the target's machine")?;
    if let Some(wanted) = shape.as_ref().and_then(|shape| shape.cores) {
        split(&cores()?, wanted)?;
    }
    Ok(shape)
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
    let Launch { scenario, materials, trust, share, target, scrape: page, program, environment, inspect, resume } =
        launch;
    let shape = shape(&target, &environment)?;
    let preflight = preflight(out, shape.as_ref())?;
    sweep_runs(out);
    let dir = match resume {
        Some(path) => RunDir::reopen(&path, &scenario, &target)?,
        None => RunDir::create(out, &scenario, &target, &environment)?,
    };
    let uploaded = read_uploaded(dir.path())?;
    let keeping = Keeping::everything(observer, (&dir, inspect.is_some()), metrics)?;
    let scraping = Scraping::of(page, target.metrics.as_ref())?;
    let observer: Rc<dyn Observer> = match &scraping {
        Some(scraping) => Rc::new(Marking::new(Rc::clone(&keeping) as _, scraping.marker())),
        None => Rc::clone(&keeping) as _,
    };
    let name = target.name.as_str().to_owned();
    let run_at = |address: Address, software| -> Result<Run> {
        let target = Http1::new(address, &trust)?;
        if let Some(scraping) = &scraping {
            scraping.start(target.address(), &trust, &dir)?;
        }
        Ok(Run { scenario, materials, target, target_name: name, software, environment, share, uploaded })
    };
    let (mut finished, trouble) = match target.server {
        Server::External { url, software, .. } => (run(run_at(url, software)?, sample, observer, stop).await?, Ok(())),
        Server::Reference => {
            let (flags, shape) = (target.serve_flags(), shape.as_ref());
            let server = Reference { program: &program, flags: &flags, shape, inspect: inspect.as_deref() };
            server.run(&dir, run_at, observer, stop).await?
        }
    };
    finished.result.warnings.extend(preflight);
    let mut scraped = Ok(Scraped::default());
    if let Some(scraping) = &scraping {
        scraped = scraping.finish().await;
    }
    // What was seen from outside is more than what a process says of itself.
    let told = scraped.as_ref().ok().and_then(|scraped| scraped.target_use.clone());
    finished.result.target_use = finished.result.target_use.take().or(told);
    dir.keep_histograms(&finished.histograms, &finished.result)?;
    dir.keep(&finished.result)?;
    keeping.close()?;
    dir.keep_page()?;
    trouble.and(scraped.map(drop)).with_context(|| format!("what was measured is kept in {}", dir.path().display()))?;
    Ok((dir, finished.result))
}

/// A metrics page that is being kept.
struct Scraping {
    /// Where; `/metrics` at the target's address when absent.
    page: Option<Url>,
    marks: UnboundedSender<Mark>,
    marked: Cell<Option<UnboundedReceiver<Mark>>>,
    task: Cell<Option<JoinHandle<Result<Scraped>>>>,
}

impl Scraping {
    /// What is to be kept: the page that was asked for, or that of the target file.
    fn of(page: Option<Url>, metrics: Option<&Metrics>) -> Result<Option<Self>> {
        let told = metrics.and_then(|metrics| metrics.url.as_deref()).map(Url::parse).transpose();
        let page = page.or(told.context("reading the address of the target's metrics")?);
        let (marks, marked) = unbounded_channel();
        let scraping = Self { page, marks, marked: Cell::new(Some(marked)), task: Cell::default() };
        Ok(Some(scraping).filter(|scraping| scraping.page.is_some() || metrics.is_some()))
    }

    /// Starts keeping the page of the target at `address`.
    fn start(&self, address: &Address, trust: &Trust, dir: &RunDir) -> Result<()> {
        let Some(marked) = self.marked.take() else { return Ok(()) };
        let url = match &self.page {
            Some(page) => page.clone(),
            None => Url::parse(&format!("{address}/metrics")).context("making the address of the target's metrics")?,
        };
        let client = Client::builder().tls_backend_preconfigured(trust.client_config()?).build();
        let client = client.context("setting up the HTTP client")?;
        let (job, dir) = (Scrape { url, every: SCRAPED_EVERY, client, started: Instant::now() }, dir.path().to_owned());
        self.task.set(Some(tokio::task::spawn_local(async move { scrape(job, &dir, marked).await })));
        Ok(())
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
    async fn finish(&self) -> Result<Scraped> {
        // It has ended already if it could not write.
        let _ = self.marks.send(Mark::Over);
        match self.task.take() {
            Some(task) => task.await.context("keeping the target's metrics")?,
            None => Ok(Scraped::default()),
        }
    }
}
