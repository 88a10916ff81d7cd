//! `rushhour journeys`: phones as closed loops, on goose; only in programs that were built with the feature `journeys`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use rushhour_load::address::Address;
use rushhour_load::scenario::Seconds;

use crate::exit::{Exit, Failure};
use crate::load_args::parse_seconds;

/// Drive a running server by phones that wait for each answer, and sleep until they would sync or show the diary.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour journeys scenarios/evening-diary.toml --url http://127.0.0.1:8080
  rushhour journeys scenarios/evening-diary.toml --url http://127.0.0.1:8080 --dashboard 127.0.0.1:5118

A phone that waits asks nothing, so this is a closed loop: for what people would have waited, see `rushhour load`.
It needs a program that was built with `--features journeys`.")]
pub(crate) struct Args {
    /// A scenario file with people who live (`population.live`)
    scenario: PathBuf,
    /// Where the server is, such as http://127.0.0.1:8080
    #[arg(long)]
    url: Address,
    /// How many people
    #[arg(long, value_name = "COUNT")]
    users: Option<NonZeroU32>,
    /// How long to measure, such as 30s or 5m
    #[arg(long, value_parser = parse_seconds)]
    duration: Option<Seconds>,
    /// Show goose's dashboard at this address meanwhile, such as 127.0.0.1:5118
    #[arg(long, value_name = "ADDR")]
    dashboard: Option<SocketAddr>,
    /// Certificates in PEM to trust in the place of the system's, for https:// targets
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// Says how to get a program that can.
#[cfg(not(feature = "journeys"))]
pub(crate) fn run(_: Args, _: bool) -> Result<Exit, Failure> {
    let what = "this program was built without journeys; build it with `cargo build --release --features journeys`";
    Err(Failure::Usage(anyhow::anyhow!(what)))
}

/// Runs the subcommand.
#[cfg(feature = "journeys")]
pub(crate) fn run(args: Args, quiet: bool) -> Result<Exit, Failure> {
    use anyhow::{Context, Error};
    use rushhour_journeys::{Journeys, JourneysError, table};
    use rushhour_load::scenario::Overrides;
    use rushhour_load::stop::stop;
    use rushhour_load::tls::Trust;
    use rushhour_load::transport::http1::Http1;

    let overrides = Overrides { users: args.users, measure_s: args.duration, ..Overrides::default() };
    let (scenario, materials) = crate::materials::scenario(Some(&args.scenario), overrides, quiet)?;
    let target = Http1::new(args.url, &Trust { ca_file: args.ca }).map_err(|error| Failure::Usage(error.into()))?;
    let journeys = Journeys { scenario, materials, target, dashboard: args.dashboard };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    // goose itself listens to Ctrl-C.
    let running = rushhour_journeys::run(journeys, crate::progress::Progress::new(quiet), stop().1);
    let finished = tokio::task::LocalSet::new().block_on(&runtime, running).map_err(|error| match error {
        JourneysError::NobodyLives => Failure::Usage(error.into()),
        error => Failure::Failed(Error::from(error)),
    })?;
    crate::output::show(&table(&finished.journeys).text())?;
    Ok(Exit::Done)
}
