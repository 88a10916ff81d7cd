//! What can go wrong before or while a load is driven, named for the caller.

use std::path::PathBuf;

/// Why a load could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The address of the target is not one we can talk to.
    #[error("`{url}` is not an address such as http://127.0.0.1:8080: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder of recorded days could not be used.
    #[error("the recorded days in {path}: {reason}")]
    Days {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The target did not take the users.
    #[error("registering the users at {url}: {reason}; is a server running there?")]
    Register {
        /// Where.
        url: String,
        /// What happened.
        reason: String,
    },
}
