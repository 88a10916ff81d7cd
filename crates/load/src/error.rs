//! What can go wrong before or while a load is driven, named for the caller.

use std::path::PathBuf;

use crate::address::Address;
use crate::tls::TlsError;

/// Why a load could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The folder of recorded days could not be used.
    #[error("the recorded days in {path}: {reason}")]
    Days {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The target cannot be spoken to.
    #[error("{address} cannot be driven: {reason}")]
    Target {
        /// Where.
        address: Address,
        /// What happened.
        reason: String,
    },
    /// The target did not take the users.
    #[error("registering the users at {address}: {reason}")]
    Register {
        /// Where.
        address: Address,
        /// What happened.
        reason: String,
    },
    /// The target has no metrics page.
    #[error("reading {url}: {reason}")]
    Metrics {
        /// Where.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The target's metrics page lacks a figure.
    #[error("the target's metrics page has no {name}, so nobody can wait for its pipeline: leave out [study]")]
    Untold {
        /// Its name.
        name: &'static str,
    },
    /// The target's pipeline did not finish.
    #[error(
        "after {longest_s:.0} s the pipeline still had {pending} people to take in; give it longer with study.settle_s_max, or fewer people"
    )]
    Unsettled {
        /// How long it was waited for.
        longest_s: f64,
        /// How many people had entries that it had not seen.
        pending: u64,
    },
    /// Nobody to trust.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP library could not be set up.
    #[error("setting up the HTTP client: {0}")]
    Client(reqwest::Error),
    /// The system gave no thread, runtime or timer.
    #[error("starting to send: {0}")]
    Thread(std::io::Error),
    /// The moment at which all machines were to start had passed.
    #[error(
        "everything was ready {late_s:.1} s after the moment at which all machines were to start; agree on a later one"
    )]
    TooLate {
        /// By how much.
        late_s: f64,
    },
}
