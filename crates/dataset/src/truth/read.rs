//! Reading the ground truth of a data set.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::truth::Row;

/// The rows of a table of the data set in `dir`, in the order of people. Of shards in one folder all are read.
///
/// # Errors
/// When there is no such table. A row that cannot be read is an error in its place.
pub fn read<R: Row>(dir: &Path) -> Result<impl Iterator<Item = Result<R, Error>> + use<R>, Error> {
    let mut readers = Vec::new();
    for path in files(dir, R::TABLE)? {
        let reader = csv::Reader::from_path(&path).map_err(|error| Error::invalid(&path, error))?;
        let rows = reader.into_deserialize::<R>();
        readers.push(rows.map(move |row| row.map_err(|error| Error::invalid(&path, error))));
    }
    Ok(readers.into_iter().flatten())
}

/// `truth/trips.csv`, or `truth/trips-….csv`, in the order of people.
fn files(dir: &Path, table: &str) -> Result<Vec<PathBuf>, Error> {
    let dir = dir.join("truth");
    let is_one = |name: &str| {
        let rest = name.strip_prefix(table).and_then(|rest| rest.strip_suffix(".csv"));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let mut paths = Vec::new();
    for item in std::fs::read_dir(&dir).map_err(Error::reading(&dir))? {
        let path = item.map_err(Error::reading(&dir))?.path();
        if path.file_name().is_some_and(|name| is_one(&name.to_string_lossy())) {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(Error::invalid(&dir, format!("there is no {table}.csv")));
    }
    Ok(paths)
}
