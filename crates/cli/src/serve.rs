//! `rushhour serve`: the reference server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rushhour_server::intake::Intake;
use rushhour_server::{App, Limits, Maintenance, open_operator_page, router, serve};
use rushhour_store::{Options, Policy, Store, blocking};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};
use tokio::net::TcpListener;
use tracing::info;

use crate::exit::{Exit, Failure};
use crate::intake_args::IntakeArgs;
use crate::ios_rounding::IosRounding;
use crate::logs::LogArgs;
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
    /// What an acknowledged upload survives: a power loss (sync), the end of the process (log), or neither (memory)
    #[arg(long, value_enum, default_value_t = Ack::Sync)]
    ack: Ack,
    /// Round what iOS phones say below a centimetre and a millisecond when it is sealed; it is half of their bytes
    #[arg(long, value_enum, default_value_t = IosRounding::Off)]
    ios_rounding: IosRounding,
    #[command(flatten)]
    intake: IntakeArgs,
    #[command(flatten)]
    log: LogArgs,
    /// Show the operator's page at /: to everybody (on), to this machine if only it is listened to (auto), or not
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = OperatorPage::Auto)]
    operator_page: OperatorPage,
    /// Seal everything at once, for tests that want to see as much of it as they can
    #[arg(long, hide = true)]
    seal_eagerly: bool,
    /// Stop when the process that started this one is gone
    #[arg(long, hide = true)]
    with_parent: bool,
}

/// When an upload is acknowledged.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ack {
    Sync,
    Log,
    Memory,
}

/// When there is an operator's page.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum OperatorPage {
    Auto,
    On,
    Off,
}

impl OperatorPage {
    /// Whether there is one at `address`.
    fn is_shown(self, address: SocketAddr) -> bool {
        match self {
            Self::Auto => address.ip().is_loopback(),
            Self::On => true,
            Self::Off => false,
        }
    }
}

impl From<Ack> for rushhour_store::Ack {
    fn from(ack: Ack) -> Self {
        match ack {
            Ack::Sync => Self::Sync,
            Ack::Log => Self::Log,
            Ack::Memory => Self::Memory,
        }
    }
}

/// How often the store looks whether something is to be sealed.
const MAINTAIN_EVERY: Duration = Duration::from_secs(10);

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
    let _log = args.log.listen()?;
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
    let policy = if args.seal_eagerly {
        Policy::eager()
    } else {
        Policy { seals_untaken: args.intake.is_off(), ..Policy::default() }
    };
    let ios_rounding = args.ios_rounding.into();
    let options =
        Options { ack: args.ack.into(), policy, ios_rounding, ..Options::new(&args.data, surroundings::rng()?) };
    let store = Store::open(options).with_context(|| format!("opening the store in {}", args.data.display()))?;
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
    if let Some(damage) = store.damage() {
        say(&format!(
            "the log is damaged, so nothing can be uploaded: {damage}; restore that file from a copy, or see `store repair`"
        ));
    }
    let address = listener.local_addr().context("asking for the address")?;
    show(&format!("listening on http://{address}\n"))?;
    info!(%address, users = stat.users, entries = stat.entries, "listening");
    let app = Arc::new(App::new(store, limits));
    if args.operator_page.is_shown(address) {
        open_operator_page(&app);
    }
    let intake = Intake::start(&app, args.intake.options()?).context("starting the intake")?;
    let every = if args.seal_eagerly { Duration::from_millis(1) } else { MAINTAIN_EVERY };
    let maintenance = Maintenance::start(&app, every).context("starting the maintenance")?;
    serve(listener, router(Arc::clone(&app)), app, signal.recv()).await;
    blocking(move || {
        intake.stop();
        maintenance.stop();
    })
    .await;
    info!("stopped");
    if !quiet {
        say("stopped");
    }
    Ok(Exit::Done)
}
