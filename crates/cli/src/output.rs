//! Printing: results to stdout, everything else to stderr.

use std::io::{ErrorKind, Write, stderr, stdout};

use anyhow::{Context, Result};

/// Prints a result. A reader that has seen enough (`| head`) is no error.
pub(crate) fn show(text: &str) -> Result<()> {
    let mut stdout = stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("writing to stdout"),
    }
}

/// Tells a person something.
pub(crate) fn say(line: &str) {
    // When stderr is gone nobody is listening.
    let _ = writeln!(stderr(), "{line}");
}
