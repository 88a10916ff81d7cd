//! What a run tells others while it goes on and when it is over.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use reqwest::Url;
use rushhour_launch::metrics::{RunMetrics, serve};
use rushhour_report::junit::junit;
use rushhour_report::result::RunResult;
use tokio::net::TcpListener;

/// The flags of those who listen.
#[derive(Debug, clap::Args)]
pub(crate) struct TellArgs {
    /// Serve the run's figures to Prometheus at this address, such as 127.0.0.1:9464, under /metrics
    #[arg(long, value_name = "ADDR")]
    serve_metrics: Option<SocketAddr>,
    /// Keep the target's own metrics page in the result's folder, every five seconds
    #[arg(long, value_name = "URL")]
    pub(crate) scrape: Option<Url>,
    /// Write what became of each limit as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl TellArgs {
    /// Starts serving, if asked to. Must be called inside a [`tokio::task::LocalSet`].
    pub(crate) async fn serve(&self) -> Result<Option<Arc<RunMetrics>>> {
        let Some(address) = self.serve_metrics else { return Ok(None) };
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("serving metrics at {address}; is the port in use?"))?;
        let metrics = Arc::new(RunMetrics::new());
        tokio::task::spawn_local(serve(listener, Arc::clone(&metrics), std::future::pending()));
        Ok(Some(metrics))
    }

    /// Writes what became of the limits, if asked to.
    pub(crate) fn write_junit(&self, result: &RunResult) -> Result<()> {
        let Some(file) = &self.junit else { return Ok(()) };
        std::fs::write(file, junit(result)).with_context(|| format!("writing {}", file.display()))
    }
}
