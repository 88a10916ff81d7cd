//! What can go wrong before or while a load is driven, named for the caller.

use std::path::PathBuf;

use crate::address::Address;

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
    /// The target did not take the users.
    #[error("registering the users at {address}: {reason}; is a server running there?")]
    Register {
        /// Where.
        address: Address,
        /// What happened.
        reason: String,
    },
}
