//! What the server tells while it runs: lines of text or JSON on stderr.

use anyhow::{Context, Result};
use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

/// When whoever reads the log is slower than the server, so many lines wait, and further ones are lost.
const LINES_MAX: usize = 16_384;
/// Only our own crates are listened to.
const TARGETS: &str = "rushhour";

/// What is logged, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// How the log is written to stderr
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// What is worth a line: answers with 5xx and slow ones are warnings, every request is for debugging
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Warn)]
    log_level: LogLevel,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
        }
    }
}

impl LogArgs {
    /// Listens from now on, on a thread that nobody waits for; what is still to be written is when the guard is dropped.
    pub(crate) fn listen(&self) -> Result<WorkerGuard> {
        let (writer, guard) =
            NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES_MAX).finish(std::io::stderr());
        let targets = Targets::new().with_target(TARGETS, LevelFilter::from(self.log_level));
        let registry = registry().with(targets);
        let installed = match self.log_format {
            LogFormat::Text => tracing::subscriber::set_global_default(registry.with(layer().with_writer(writer))),
            LogFormat::Json => tracing::subscriber::set_global_default(
                registry.with(layer().json().flatten_event(true).with_writer(writer)),
            ),
        };
        installed.context("starting the log")?;
        Ok(guard)
    }
}
