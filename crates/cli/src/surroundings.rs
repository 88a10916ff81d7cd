//! Everything that is read from the air, once, so that nothing else has to: clock, randomness, command line, paths.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use rushhour_launch::host::Caller;

/// The version of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The moment and the program, for a result.
pub(crate) fn caller() -> Caller {
    Caller {
        #[expect(clippy::disallowed_methods, reason = "this is where the time comes in")]
        started_at: jiff::Timestamp::now(),
        version: VERSION.to_owned(),
        commit: env!("RUSHHOUR_COMMIT").to_owned(),
        // The program's own path says nothing about the run, and names a folder of this machine.
        command: std::env::args().skip(1).collect(),
    }
}

/// A generator that nobody can guess.
pub(crate) fn rng() -> Result<StdRng> {
    StdRng::try_from_rng(&mut SysRng).context("asking the system for randomness")
}

/// How many threads can run at a time.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// This program.
pub(crate) fn program() -> Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "this is where paths come in")]
    std::env::current_exe().context("finding this program")
}
