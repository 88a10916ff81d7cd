//! What can go wrong, named for the caller.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the store refused.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Writes stopped after a failed write or flush; what was acknowledged is safe. Restart to recover from the log.
    #[error("the store takes no more writes after a failed one; restart the server to recover from the log")]
    Poisoned,
    /// The disk has no room for another log segment; nothing was written, and a later try may succeed.
    #[error("no room for another log segment of {bytes} bytes in {dir}; free some space and send it again")]
    DiskFull {
        /// The log's folder.
        dir: PathBuf,
        /// How much room was asked for.
        bytes: u64,
    },
    /// One upload is larger than a frame of the log can be.
    #[error("the upload takes {bytes} bytes in the log; at most {max} are possible; send it in parts")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        max: usize,
    },
    /// The log is damaged before its end, so acknowledged entries are lost.
    #[error(
        "the log is damaged: {segment} at byte {offset}: {what}; restore that file from a copy before starting again"
    )]
    Corrupt {
        /// The damaged file.
        segment: PathBuf,
        /// Where the damage starts.
        offset: u64,
        /// What was found.
        what: String,
    },
    /// The data folder belongs to another process.
    #[error("{0} is in use by another process; stop it, or give another folder with --data")]
    InUse(PathBuf),
    /// The log has entries of users whom the directory of users does not know, so nobody could reach them.
    #[error(
        "the log in {dir} has entries of {strangers} users whom its directory.redb does not know; restore that file"
    )]
    DirectoryLost {
        /// The data folder.
        dir: PathBuf,
        /// How many users.
        strangers: usize,
    },
    /// A file of users, profiles or diaries failed.
    #[error("{path} failed")]
    Directory {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: Arc<redb::Error>,
    },
    /// A file failed.
    #[error("{what} {path}")]
    Io {
        /// What was tried, such as "reading".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
}

impl Error {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source: Arc::new(source) }
    }
}
