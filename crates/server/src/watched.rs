//! Files that may change while the server runs: tokens, keys, certificates, the study's configuration.

use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

/// A file that could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("reading {}: {reason}", path.display())]
pub struct FileError {
    /// Which.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// What a file says, as of the last time that it was looked at and made sense.
pub(crate) struct Watched<T> {
    path: PathBuf,
    read: Reading<T>,
    known: RwLock<Arc<T>>,
    /// The last state of the file that was read, good or bad.
    stamp: Mutex<Stamp>,
}

/// What a file's bytes say, or what is wrong with them.
type Reading<T> = Box<dyn Fn(&[u8]) -> Result<T, String> + Send + Sync>;

/// Two versions of a file differ in one of these: change time in nanoseconds, bytes, inode.
type Stamp = (i64, i64, u64, u64);

impl<T> Watched<T> {
    /// Reads the file at `path`.
    pub(crate) fn open(
        path: &Path,
        read: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, FileError> {
        let stamp = stamp_of(path)?;
        let known = value_of(path, &read)?;
        let (known, stamp) = (RwLock::new(Arc::new(known)), Mutex::new(stamp));
        Ok(Self { path: path.to_owned(), read: Box::new(read), known, stamp })
    }

    /// What the file says.
    pub(crate) fn get(&self) -> Arc<T> {
        Arc::clone(&self.known.read().expect("no writer panics"))
    }

    /// Reads the file again if it has changed. If it makes no sense any more, what was known stays.
    pub(crate) fn refresh(&self) -> Result<(), FileError> {
        let stamp = stamp_of(&self.path)?;
        let mut last = self.stamp.lock().expect("no holder panics");
        if *last == stamp {
            return Ok(());
        }
        // A file that makes no sense is told of once, not every time.
        *last = stamp;
        let value = value_of(&self.path, &self.read)?;
        *self.known.write().expect("no reader panics") = Arc::new(value);
        Ok(())
    }
}

impl<T> fmt::Debug for Watched<T> {
    /// The path alone: what stands in the file may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.path).finish()
    }
}

fn stamp_of(path: &Path) -> Result<Stamp, FileError> {
    let found: Metadata = fs::metadata(path).map_err(|error| failed(path, error))?;
    Ok((found.ctime(), found.ctime_nsec(), found.len(), found.ino()))
}

fn value_of<T>(path: &Path, read: &dyn Fn(&[u8]) -> Result<T, String>) -> Result<T, FileError> {
    let bytes = fs::read(path).map_err(|error| failed(path, error))?;
    read(&bytes).map_err(|reason| failed(path, reason))
}

fn failed(path: &Path, reason: impl fmt::Display) -> FileError {
    FileError { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_when_it_changes_and_kept_when_it_makes_no_sense() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        let number = |bytes: &[u8]| String::from_utf8_lossy(bytes).parse::<u32>().map_err(|error| error.to_string());
        assert!(Watched::open(&path, number).is_err(), "there is none");
        // Written beside it and moved over it, so that the inode differs whatever the clock says.
        let replace = |text: &str| {
            fs::write(dir.path().join("next"), text).unwrap();
            fs::rename(dir.path().join("next"), &path).unwrap();
        };
        replace("1");
        let watched = Watched::open(&path, number).unwrap();
        replace("22");
        watched.refresh().unwrap();
        assert_eq!(*watched.get(), 22);
        replace("three");
        let error = watched.refresh().unwrap_err().to_string();
        assert!(error.ends_with("number: invalid digit found in string"), "{error}");
        watched.refresh().unwrap();
        assert_eq!(*watched.get(), 22);
    }
}
