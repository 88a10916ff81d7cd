//! `rushhour serve`: the reference server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use rushhour_server::intake::Intake;
use rushhour_server::{App, Limits, router, serve};
use rushhour_store::{Options, Store, blocking};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};
use tokio::net::TcpListener;

use crate::exit::{Exit, Failure};
use crate::intake_args::IntakeArgs;
use crate::output::{say, show};
use crate::progress::spinner;
use crate::signals::StopSignal;
use crate::surroundings;

/// Run the reference server until Ctrl-C or SIGTERM.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour serve --listen 127.0.0.1:8080 --data /tmp/diary
  curl -d '{\"user\":\"anna\"}' http://127.0.0.1:8080/profile/create

The first line on stdout is `listening on http://ADDRESS:PORT`; port 0 picks a free one.")]
pub(crate) struct Args {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The folder of the store; made when missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The largest body that is taken, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().body_bytes_max)]
    body_bytes_max: usize,
    /// How many connections are served at once
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().connections_max)]
    connections_max: usize,
    #[command(flatten)]
    intake: IntakeArgs,
    /// Stop when the process that started this one is gone
    #[arg(long, hide = true)]
    with_parent: bool,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    Ok(runtime.block_on(serve_until_stopped(args, quiet))?)
}

/// Every connection and every segment is an open file; the usual soft limit of 1,024 is less than both.
fn raise_file_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // If it cannot be raised, accepting waits for a free one and the log says that it cannot open a segment.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

async fn serve_until_stopped(args: &Args, quiet: bool) -> Result<Exit> {
    let mut signal = StopSignal::listen()?;
    raise_file_limit();
    if args.with_parent {
        // A launcher that was killed cannot stop its server, which would then disturb whatever is measured next.
        set_parent_process_death_signal(Some(Signal::TERM)).context("asking to stop with the parent")?;
    }
    let limits =
        Limits { body_bytes_max: args.body_bytes_max, connections_max: args.connections_max, ..Limits::default() };
    let listener = TcpListener::bind(args.listen).await.with_context(|| format!("listening on {}", args.listen))?;
    let reading = spinner(quiet, "reading the log");
    let store = Store::open(Options::new(&args.data, surroundings::rng()?))
        .with_context(|| format!("opening the store in {}", args.data.display()))?;
    reading.finish_and_clear();
    let stat = store.stat();
    if !quiet {
        say(&format!("{} users and {} entries in {}", stat.users, stat.entries, args.data.display()));
    }
    if stat.torn_bytes > 0 {
        say(&format!(
            "the end of the log was cut short by a crash; {} unacknowledged bytes were removed",
            stat.torn_bytes
        ));
    }
    let address = listener.local_addr().context("asking for the address")?;
    show(&format!("listening on http://{address}\n"))?;
    let app = Arc::new(App::new(store, limits));
    let intake = Intake::start(&app, args.intake.options()?).context("starting the intake")?;
    serve(listener, router(app), limits, signal.recv()).await;
    blocking(move || intake.stop()).await;
    if !quiet {
        say("stopped");
    }
    Ok(Exit::Done)
}
