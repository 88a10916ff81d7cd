//! What can go wrong with the files of a population.

use std::io;
use std::path::{Path, PathBuf};

use crate::osm::OsmError;

/// Why a population could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something is where the data set should go.
    #[error("{0} is not empty; with --force what an earlier run made there is replaced")]
    NotEmpty(PathBuf),
    /// Something is where the data set should go, and no earlier run made it.
    #[error("{0} is not empty and has no manifest of an earlier run: what is there is not ours to replace")]
    NotOurs(PathBuf),
    /// There is no region of that name.
    #[error("there is no region named {name}; there are {known}")]
    Region {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// There are no streets to live on.
    #[error(transparent)]
    Osm(#[from] OsmError),
    /// A population, a manifest or a table says what cannot be.
    #[error("{path}: {what}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// A file could not be read.
    #[error("reading {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written: the disk is full, for example. What is there does not look complete.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Whether what was asked for cannot be, rather than that it failed.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Read { .. } | Self::Write { .. } | Self::Interrupted)
    }

    pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Read { path, source }
    }

    pub(crate) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Write { path, source }
    }

    pub(crate) fn invalid(path: &Path, what: impl ToString) -> Self {
        Self::Invalid { path: path.to_owned(), what: what.to_string() }
    }
}
