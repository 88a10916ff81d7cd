//! The folder of a data set: nothing in it looks complete before it is.
//!
//! Every file is written under another name and renamed when it is whole; the manifest is the last one. What a run that
//! did not end had made is taken away again.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::manifest::{FileRow, Manifest};

/// A folder that a run fills.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    /// What was begun, complete or not.
    begun: Mutex<Vec<String>>,
    files: Mutex<Vec<FileRow>>,
    is_complete: bool,
}

impl Folder {
    /// An empty folder at `dir`, made when there is none.
    ///
    /// # Errors
    /// When it is not empty, and `force` does not allow to replace what an earlier run made, or no earlier run made it.
    pub fn open(dir: &Path, force: bool) -> Result<Self, Error> {
        let manifests = check(dir, force)?;
        std::fs::create_dir_all(dir).map_err(Error::writing(dir))?;
        clear(dir, &manifests)?;
        Ok(Self { dir: dir.to_owned(), begun: Mutex::default(), files: Mutex::default(), is_complete: false })
    }

    /// A new file; `path` is relative to the folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(&self, path: String) -> Result<Output<'_>, Error> {
        let target = self.dir.join(&path);
        self.begun.lock().expect("nobody panics with the list").push(path.clone());
        let name = target.file_name().expect("a file has a name").to_string_lossy();
        let partial = target.with_file_name(format!(".{name}.part"));
        let dir = target.parent().expect("a file is in a folder");
        let file =
            std::fs::create_dir_all(dir).and_then(|()| File::create(&partial)).map_err(Error::writing(&target))?;
        let file = Some(BufWriter::with_capacity(BUFFER_BYTES, file));
        Ok(Output { folder: self, target, partial, file, row: FileRow { path, bytes: 0, crc32c: 0 } })
    }

    /// The files that are complete, by name.
    pub fn files(&self) -> Vec<FileRow> {
        let mut files = self.files.lock().expect("nobody panics with the list").clone();
        files.sort();
        files
    }

    /// Says with the manifest that all files are there. What a crash of the machine loses can be made again: waiting for
    /// the disk would take longer.
    pub(crate) fn complete(self, manifest: &Manifest) -> Result<(), Error> {
        self.complete_as(manifest.file_name(), manifest)
    }

    /// Says with a manifest of another kind that all files are there. So that [`Folder::open`] can replace them one day,
    /// its name starts with `manifest`, and its field `files` has the [`files`](Self::files).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn complete_as(mut self, name: String, manifest: &impl Serialize) -> Result<(), Error> {
        let mut output = self.create(name)?;
        let path = output.target.clone();
        serde_json::to_writer_pretty(&mut output, manifest)
            .map_err(io::Error::from)
            .and_then(|()| output.write_all(b"\n"))
            .map_err(Error::writing(&path))?;
        output.commit()?;
        self.is_complete = true;
        Ok(())
    }
}

/// A page of a disk, many times over.
const BUFFER_BYTES: usize = 1 << 16;

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_complete {
            // There is nobody to tell; without a manifest the files are no data set.
            let begun = self.begun.lock().expect("nobody panics with the list");
            let _ = remove(&self.dir, begun.iter());
        }
    }
}

/// The manifests of the runs whose files have to go before `dir` can be filled.
pub(crate) fn check(dir: &Path, force: bool) -> Result<Vec<PathBuf>, Error> {
    let is_empty = match std::fs::read_dir(dir) {
        Ok(mut items) => items.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(Error::reading(dir)(error)),
    };
    if is_empty {
        return Ok(Vec::new());
    }
    if !force {
        return Err(Error::NotEmpty(dir.to_owned()));
    }
    let manifests = Manifest::find(dir)?;
    if manifests.is_empty() { Err(Error::NotOurs(dir.to_owned())) } else { Ok(manifests) }
}

/// What all manifests have.
#[derive(Deserialize)]
struct Listing {
    files: Vec<FileRow>,
}

impl Listing {
    fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::reading(path))?;
        serde_json::from_str(&text).map_err(|error| Error::invalid(path, error))
    }
}

/// Takes away what earlier runs made.
fn clear(dir: &Path, manifests: &[PathBuf]) -> Result<(), Error> {
    for path in manifests {
        let listing = Listing::read(path)?;
        std::fs::remove_file(path).map_err(Error::writing(path))?;
        remove(dir, listing.files.iter().map(|file| &file.path))?;
    }
    Ok(())
}

/// Removes files, and the folders that are empty without them.
fn remove<'a>(dir: &Path, files: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    for path in files.map(Path::new) {
        // A manifest may have come from anywhere.
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            continue;
        }
        let target = dir.join(path);
        match std::fs::remove_file(&target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::writing(&target)(error)),
            _ => {}
        }
        let above = path.ancestors().skip(1).filter(|part| !part.as_os_str().is_empty());
        // A folder that is not empty stays; so do those above it.
        let _ = above.map(|part| std::fs::remove_dir(dir.join(part))).take_while(Result::is_ok).count();
    }
    Ok(())
}

/// A file that is being written. Without [`Output::commit`] nothing of it stays.
#[derive(Debug)]
pub struct Output<'a> {
    folder: &'a Folder,
    target: PathBuf,
    partial: PathBuf,
    file: Option<BufWriter<File>>,
    row: FileRow,
}

impl Output<'_> {
    /// Where it will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Gives the file its name: it is whole.
    ///
    /// # Errors
    /// When the last of it cannot be written.
    pub fn commit(mut self) -> Result<(), Error> {
        self.flush()
            .and_then(|()| std::fs::rename(&self.partial, &self.target))
            .map_err(Error::writing(&self.target))?;
        self.file = None;
        self.folder.files.lock().expect("nobody panics with the list").push(self.row.clone());
        Ok(())
    }

    fn file(&mut self) -> &mut BufWriter<File> {
        self.file.as_mut().expect("it is gone only when it is committed")
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file().write(bytes)?;
        let (bytes, _) = bytes.split_at(written);
        self.row.bytes += written as u64;
        self.row.crc32c = crc32c::crc32c_append(self.row.crc32c, bytes);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // What is still to be written is not worth a try on a full disk.
            drop(file.into_parts());
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_not_there_before_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let folder = Folder::open(&out, false).unwrap();
        let mut output = folder.create("a/b.csv".to_owned()).unwrap();
        output.write_all(b"1\n").unwrap();
        assert!(!out.join("a/b.csv").exists());
        output.commit().unwrap();
        assert_eq!(std::fs::read(out.join("a/b.csv")).unwrap(), b"1\n");
        let [row] = folder.files().try_into().unwrap();
        assert_eq!(row, FileRow { path: "a/b.csv".to_owned(), bytes: 2, crc32c: crc32c::crc32c(b"1\n") });
        folder.create("a/c.csv".to_owned()).unwrap().write_all(b"1").unwrap();
        assert_eq!(std::fs::read_dir(out.join("a")).unwrap().count(), 1);
        drop(folder);
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
    }

    #[test]
    fn what_no_run_made_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("thesis.tex"), "").unwrap();
        assert!(matches!(Folder::open(dir.path(), false), Err(Error::NotEmpty(_))));
        assert!(matches!(Folder::open(dir.path(), true), Err(Error::NotOurs(_))));
        assert!(dir.path().join("thesis.tex").exists());
    }
}
