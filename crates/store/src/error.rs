//! What can go wrong, named for the caller.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rushhour_model::ids::UserId;

/// Why the store refused.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Writes stopped after a failed write or flush; what was acknowledged is safe. Restart to recover from the log.
    #[error("the store takes no more writes after a failed one; restart the server to recover from the log")]
    Poisoned,
    /// More waits to be sealed than there is memory or room on the disk for; a later try may succeed.
    #[error("too much waits to be sealed, so nothing can be uploaded for a while")]
    Unsealed,
    /// The disk has no room; nothing was written, and a later try may succeed.
    #[error("there is no room: {bytes} bytes must be free for {path}; free some space and send it again")]
    DiskFull {
        /// What was to be written.
        path: PathBuf,
        /// How much must be free, with what is kept for sealing.
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
    /// A part of a file is not what was written, and is not returned as data.
    #[error("{file} is damaged at byte {offset}: {what}; restore that file from a copy, or see `store verify`")]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where the damage starts.
        offset: u64,
        /// What was found.
        what: String,
    },
    /// The log is damaged, so that the store can be read and not be written.
    #[error(
        "the store is read-only because its log is damaged: {damage}; restore that file from a copy, or give up what is lost with `store repair`"
    )]
    ReadOnly {
        /// The first damage.
        damage: String,
    },
    /// What was encoded does not decode to the same; nothing was sealed, and everything is still in the log.
    #[error("entries of user {user} do not come back from a chunk as they are; they stay in the log")]
    Unfaithful {
        /// Whose entries.
        user: UserId,
    },
    /// There is no such user.
    #[error("user {0} is not registered")]
    UnknownUser(UserId),
    /// A file has a form that this version does not know.
    #[error("{path} has version {version}, which this program does not know; use the one that wrote it")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// The directory had to be opened again after its disk failed, and lost what was not durable.
    #[error("the directory was opened again after a failure; read again and repeat the change")]
    Reopened,
    /// The data folder belongs to another process.
    #[error("{0} is in use by another process; stop it, or give another folder with --data")]
    InUse(PathBuf),
    /// The log has entries of users whom the directory of users does not know, so nobody could reach them.
    #[error(
        "the log in {dir} has entries of {strangers} users whom its directory.redb does not know; restore that file, or make it anew with `store rebuild`"
    )]
    DirectoryLost {
        /// The data folder.
        dir: PathBuf,
        /// How many users.
        strangers: usize,
    },
    /// There is a directory, so it is not made anew.
    #[error("{0} is there; move it away first if it shall be made anew")]
    DirectoryThere(PathBuf),
    /// The directory of users, chunks and diaries failed.
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
    /// No room for `bytes` at `path`.
    pub(crate) fn full(path: &Path, bytes: u64) -> Self {
        Self::DiskFull { path: path.to_owned(), bytes }
    }

    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source: Arc::new(source) }
    }
}
