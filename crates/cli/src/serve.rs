//! `rushhour serve`: the reference server.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rushhour_server::intake::Intake;
use rushhour_server::{
    App, Limits, Maintenance, OperatorKey, QueueLimits, Tls, listen, open_operator_page, router, serve,
};
use rushhour_store::{Options, Policy, Store, blocking};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};
use tracing::info;

use crate::exit::{Exit, Failure};
use crate::intake_args::IntakeArgs;
use crate::ios_rounding::IosRounding;
use crate::logs::LogArgs;
use crate::output::{say, show};
use crate::progress::spinner;
use crate::serve_auth::AuthArgs;
use crate::signals::StopSignal;
use crate::surroundings;

/// Run the reference server until Ctrl-C or SIGTERM.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour serve --listen 127.0.0.1:8080 --data /tmp/diary
  curl -d '{\"user\":\"anna\"}' http://127.0.0.1:8080/profile/create

  rushhour serve --data /srv/diary --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem \
    --auth token_list --auth-file tokens.txt --rate-limit 600/m:50

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
    /// Round what iOS phones say below a centimetre and a millisecond when it is sealed: saves a quarter of their bytes or more
    #[arg(long, value_enum, default_value_t = IosRounding::Off)]
    ios_rounding: IosRounding,
    #[command(flatten)]
    auth: AuthArgs,
    /// The chain of certificates that clients are shown, in PEM; read again when it changes
    #[arg(long, value_name = "FILE.pem", requires = "tls_key", help_heading = "Who may call")]
    tls_cert: Option<PathBuf>,
    /// The key of the first of them, in PEM
    #[arg(long, value_name = "FILE.pem", requires = "tls_cert", help_heading = "Who may call")]
    tls_key: Option<PathBuf>,
    /// How many follow logs at once
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().subscribers_max)]
    subscribers_max: usize,
    /// How many answers that read much are worked on at once
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().reads.at_once)]
    reads_at_once: usize,
    /// How requests are served: side by side (default), or one after another (serial), to show what becomes of that
    #[arg(long, value_enum, default_value_t = Manner::Default)]
    store: Manner,
    /// How long each request takes at least with --store serial
    #[arg(long, value_name = "TIME", default_value = "1.1s", value_parser = service_time)]
    service_time: Duration,
    #[command(flatten)]
    intake: IntakeArgs,
    #[command(flatten)]
    log: LogArgs,
    /// Show the operator's page at /: always (on), if only this machine is listened to or there is a key (auto), or not
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = OperatorPage::Auto)]
    operator_page: OperatorPage,
    /// Show it only to who shows the key in the first line of this file, as a password or a bearer token
    #[arg(long, value_name = "FILE")]
    operator_key_file: Option<PathBuf>,
    /// Seal everything at once, for tests that want to see as much of it as they can
    #[arg(long, hide = true)]
    seal_eagerly: bool,
    /// Stop when the process that started this one is gone
    #[arg(long, hide = true)]
    with_parent: bool,
}

/// How requests are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Manner {
    Default,
    Serial,
}

/// Reads `1.1s` or `200ms`.
fn service_time(text: &str) -> Result<Duration> {
    let time: jiff::SignedDuration = text.parse().context("write a time as in 1.1s or 200ms")?;
    Ok(Duration::try_from(time)?)
}

/// How often the files are looked at that say who is believed.
const REFRESH_EVERY: Duration = Duration::from_secs(2);

/// Reads what changes of the files that say who is believed, and tells what makes no sense of it.
async fn refresh(app: Arc<App>, tls: Option<Arc<Tls>>) {
    let mut every = tokio::time::interval(REFRESH_EVERY);
    loop {
        every.tick().await;
        let (app, tls) = (Arc::clone(&app), tls.clone());
        let refreshed = blocking(move || [app.refresh(), tls.map_or(Ok(()), |tls| tls.refresh())]).await;
        for error in refreshed.into_iter().filter_map(Result::err) {
            say(&format!("{error}; what was known of it stays"));
        }
    }
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
    fn is_shown(self, address: SocketAddr, has_key: bool) -> bool {
        match self {
            Self::Auto => has_key || address.ip().is_loopback(),
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

impl Args {
    fn limits(&self) -> Limits {
        let defaults = Limits::default();
        Limits {
            body_bytes_max: self.body_bytes_max,
            connections_max: self.connections_max,
            subscribers_max: self.subscribers_max,
            reads: QueueLimits { at_once: self.reads_at_once, ..defaults.reads },
            bodies: QueueLimits { at_once: defaults.bodies.at_once.max(surroundings::cores()), ..defaults.bodies },
            diaries: QueueLimits {
                at_once: defaults.diaries.at_once.max(2 * surroundings::cores()),
                ..defaults.diaries
            },
            ..defaults
        }
    }
}

/// How often the store looks whether something is to be sealed.
const MAINTAIN_EVERY: Duration = Duration::from_secs(10);

/// What a server that is started with these flags rounds what iPhones say to.
///
/// # Errors
/// When it would not start with them.
pub(crate) fn ios_rounding(flags: &[OsString]) -> Result<rushhour_store::IosRounding, clap::Error> {
    #[derive(clap::Parser)]
    struct Serve {
        #[command(flatten)]
        args: Args,
    }
    let own = ["serve", "--data", "data"].map(OsString::from);
    let Serve { args } = clap::Parser::try_parse_from(own.iter().chain(flags))?;
    Ok(args.ios_rounding.into())
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    // The name under which a launcher counts the processor time of requests, beside that of the log, intake and maintenance.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().thread_name("requests").build().context("starting the runtime")?;
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
    let limits = args.limits();
    let auth = args.auth.auth()?;
    let operator_key = args.operator_key_file.as_deref().map(OperatorKey::open).transpose()?;
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificates), Some(key)) => Some(Arc::new(Tls::open(certificates, key)?)),
        _ => None,
    };
    let listener = listen(args.listen)
        .with_context(|| format!("listening on {}; is the port in use? --listen takes another", args.listen))?;
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
    let scheme = if tls.is_some() { "https" } else { "http" };
    show(&format!("listening on {scheme}://{address}\n"))?;
    info!(%address, users = stat.users, entries = stat.entries, "listening");
    let app = App::guarded(store, limits, auth);
    let app = Arc::new(if args.store == Manner::Serial { app.serial(args.service_time) } else { app });
    if args.operator_page.is_shown(address, operator_key.is_some()) {
        open_operator_page(&app, operator_key);
    }
    let intake = Intake::start(&app, args.intake.options()?).context("starting the intake")?;
    let every = if args.seal_eagerly { Duration::from_millis(1) } else { MAINTAIN_EVERY };
    let maintenance = Maintenance::start(&app, every).context("starting the maintenance")?;
    let refreshing = tokio::spawn(refresh(Arc::clone(&app), tls.clone()));
    serve(listener, tls, router(Arc::clone(&app)), app, signal.recv()).await;
    refreshing.abort();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_rounds_to_stands_in_its_flags() {
        let of = |flags: &[&str]| ios_rounding(&flags.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of(&["--intake", "continuous"]).unwrap(), rushhour_store::IosRounding::Off);
        let rounding = of(&["--ios-rounding", "1cm", "--intake-cores", "2"]).unwrap();
        assert_eq!(rounding, rushhour_store::IosRounding::Centimetre);
        assert!(of(&["--ios-rounding", "2cm"]).unwrap_err().to_string().contains("1cm"));
    }
}
