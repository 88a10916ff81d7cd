//! `rushhour load`: drive a server that is running.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use rushhour_launch::host::{environment, sample};
use rushhour_launch::keeping::Keeping;
use rushhour_launch::rundir::RunDir;
use rushhour_launch::study::read_study;
use rushhour_launch::target::{Server, Target};
use rushhour_launch::{Launch, launch};
use rushhour_load::Run;
use rushhour_load::address::Address;
use rushhour_load::scenario::Name;
use rushhour_load::software::Software;
use rushhour_load::stop::{Stop, stop};
use rushhour_load::transport::http1::Http1;
use rushhour_load::upload::Uploaded;
use rushhour_report::result::RunResult;
use rushhour_report::summary;
use tokio::task::LocalSet;

use crate::exit::{Exit, Failure};
use crate::load_args::OverrideArgs;
use crate::materials::scenario;
use crate::output::{say, show};
use crate::progress::Progress;
use crate::signals::StopSignal;
use crate::surroundings;
use crate::telling::TellArgs;

/// Drive a running server at fixed rates and print what it did.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour load --url http://127.0.0.1:8080 --get 100 --put 50 --duration 30s --days scenarios/days
  rushhour load scenarios/quickstart.toml --url http://127.0.0.1:8080 --put 200 --out results

Requests are let go at their intended times whatever the server does; response time counts from there.")]
pub(crate) struct Args {
    /// A scenario file; the flags below win over it
    scenario: Option<PathBuf>,
    /// Where the server is, such as http://127.0.0.1:8080
    #[arg(long)]
    url: Address,
    /// What the server is, if it is the original: the result then says when its pipeline had nothing to do
    #[arg(long, value_enum)]
    software: Option<SoftwareArg>,
    #[command(flatten)]
    overrides: OverrideArgs,
    #[command(flatten)]
    tell: TellArgs,
    /// Keep the result in a new folder below this one
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SoftwareArg {
    /// The original e-mission server
    EMission,
}

/// Runs the subcommand.
pub(crate) fn run(args: Args, quiet: bool) -> Result<Exit, Failure> {
    let caller = surroundings::caller();
    let share = args.overrides.share(caller.started_at).map_err(Failure::Usage)?;
    let trust = args.overrides.trust();
    let (scenario, materials) = scenario(args.scenario.as_deref(), args.overrides.overrides(), quiet)?;
    let environment = environment(&caller);
    let software = args.software.map(|SoftwareArg::EMission| Software::EMission);
    let progress = Progress::new(quiet);
    let tell = args.tell;
    if let Some(out) = args.out {
        let server = Server::External { url: args.url, software, instance: None, volume: None };
        let target = Target { server, ..Target::named(external()) };
        let program = surroundings::program()?;
        let scrape = tell.scrape.clone();
        let launched = Launch::new((scenario, materials), target, program, environment);
        let job = Launch { trust, share, scrape, ..launched };
        return keep(job, &out, &tell, progress);
    }
    if tell.scrape.is_some() {
        return Err(Failure::Usage(anyhow!(
            "--scrape keeps what it finds in the result's folder: give one with --out"
        )));
    }
    let target_name = args.url.to_string();
    let target = Http1::new(args.url, &trust).map_err(|error| Failure::Usage(error.into()))?;
    let uploaded = Uploaded::default();
    let run = Run { scenario, materials, target, target_name, software, environment, share, uploaded };
    let finished = block_on_one_thread(async |stop| {
        let keeping = Keeping::nothing(progress, tell.serve().await?);
        Ok(rushhour_load::run(run, sample, keeping, stop).await?)
    })?;
    conclude(&finished.result, None, &tell)
}

fn external() -> Name {
    "external".to_owned().try_into().expect("a valid constant")
}

/// Runs `job` and keeps everything below `out`.
pub(crate) fn keep(job: Launch, out: &Path, tell: &TellArgs, progress: Rc<Progress>) -> Result<Exit, Failure> {
    let (dir, result) = block_on_one_thread(async |stop| {
        let metrics = tell.serve().await?;
        launch(job, out, metrics, progress, stop).await
    })?;
    conclude(&result, Some(&dir), tell)
}

/// Prints the summary and where the result was kept, and gives the exit code.
fn conclude(result: &RunResult, dir: Option<&RunDir>, tell: &TellArgs) -> Result<Exit, Failure> {
    tell.write_junit(result)?;
    result.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
    show(&summary::text(result))?;
    if let Some(dir) = dir {
        if let Some(study) = read_study(dir.path())? {
            show(&format!("\n{}", study.table().text()))?;
        }
        show(&format!("\nkept in {}\n", dir.path().display()))?;
    }
    Ok(result.verdict.into())
}

/// Runs `work` on a runtime of this thread alone, as sending needs; the first Ctrl-C asks it to stop.
pub(crate) fn block_on_one_thread<T>(work: impl AsyncFnOnce(Stop) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    LocalSet::new().block_on(&runtime, async {
        let mut signal = StopSignal::listen()?;
        let (stopper, stopped) = stop();
        tokio::task::spawn_local(async move {
            signal.recv().await;
            stopper.stop();
            // Whoever asks twice does not want to wait for a clean end.
            signal.recv().await;
            std::process::exit(Exit::Interrupted.code().into());
        });
        work(stopped).await
    })
}
