//! The reference server as a process of its own.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail};
use rushhour_load::address::Address;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a server may take to open its store and listen.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a server may take to stop once told: its own drain of 10 s, and time to write out what waits.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// What the server prints in front of its address once it listens.
const READY_LINE: &str = "listening on ";

/// A server that was started here. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    address: Address,
    log: PathBuf,
    // Kept open: a server that cannot print any more would be told so by a signal.
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl ServerProcess {
    /// Starts `program serve` with `flags` on a free port with its store in `data_dir`, after it has written its number into
    /// each of `doors`, and waits until it is ready.
    pub(crate) async fn start(
        program: &Path,
        flags: &[OsString],
        (data_dir, log): (&Path, &Path),
        doors: &[PathBuf],
    ) -> Result<Self> {
        let errors = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let mut child = through(doors, program)
            .args(["serve", "--with-parent", "--listen", "127.0.0.1:0", "--quiet", "--data"])
            .arg(data_dir)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            // Ctrl-C is for the launcher, which stops the server when the run has been kept.
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let stdout = child.stdout.take().context("the server's output was not piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(READY_TIMEOUT, lines.next_line()).await;
        let line = line.with_context(|| format!("the server was not ready after {} s", READY_TIMEOUT.as_secs()))??;
        let Some(url) = line.as_deref().and_then(|line| line.strip_prefix(READY_LINE)) else {
            bail!("the server ended before it was ready: {}", last_words(log));
        };
        let address = url.parse().map_err(Error::msg).context("the server printed no address")?;
        Ok(Self { child, address, log: log.to_owned(), _stdout: lines })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Its process id; `None` once it has ended.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.child.id().and_then(|id| i32::try_from(id).ok())
    }

    /// Tells it to stop and waits until it has; an error if it had ended before, or fails to.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the server ended during the run with {status}: {}", last_words(&self.log));
        }
        let pid = self.pid().and_then(Pid::from_raw).context("the server has no process id")?;
        kill_process(pid, Signal::TERM).context("telling the server to stop")?;
        match timeout(STOP_TIMEOUT, self.child.wait()).await {
            Ok(status) => {
                let status = status?;
                if !status.success() {
                    bail!("the server ended with {status}: {}", last_words(&self.log));
                }
                Ok(())
            }
            Err(_) => {
                self.child.kill().await?;
                bail!("the server did not stop within {} s and was killed", STOP_TIMEOUT.as_secs())
            }
        }
    }
}

/// A command that is a member of control groups before it does anything: a server that looks how many processors it has must
/// see those that it is given.
fn through(doors: &[PathBuf], program: &Path) -> Command {
    const ENTER: &str = r#"while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; exec "$@""#;
    if doors.is_empty() {
        return Command::new(program);
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", ENTER, "enter"]).args(doors).arg("--").arg(program);
    command
}

/// The end of what a server wrote to its log.
fn last_words(log: &Path) -> String {
    const LINES_MAX: usize = 5;
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.trim().lines().collect();
    match lines.get(lines.len().saturating_sub(LINES_MAX)..) {
        Some([]) | None => "it wrote nothing".to_owned(),
        Some(last) => last.join("\n"),
    }
}
