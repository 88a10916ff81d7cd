//! The files of an import: whose each is, and by which token the store will know them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use rushhour_dataset::truth::{UserRow, read as read_truth};
use rushhour_model::ids::UserId;
use serde::Deserialize;
use serde_json::Value;

use crate::entry_file::read;
use crate::score_source::{all_files, person_in_name};
use crate::store_entry::user_of;

/// A file of one user's entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// Whose it says it is.
    pub(crate) user: Option<UserId>,
    /// The token that their phone has.
    pub(crate) token: String,
    pub(crate) bytes: u64,
}

/// The files among `paths`. The token is the one that the data set's table of people or the table of an earlier export
/// tells; without one it is the id in the file's name or in its first entry; without that it is the file's name.
pub(crate) fn sources(paths: &[PathBuf]) -> Result<Vec<Source>> {
    let mut tables: BTreeMap<PathBuf, BTreeMap<UserId, String>> = BTreeMap::new();
    let mut sources = Vec::new();
    for path in all_files(&paths.iter().map(|path| timeline_of(path)).collect::<Vec<_>>())? {
        let bytes = std::fs::metadata(&path).with_context(|| format!("reading {}", path.display()))?.len();
        let user = match person_in_name(&path) {
            Some(user) => Some(user),
            None => first_entry(&path)?.as_ref().and_then(user_of),
        };
        let folder = path.parent().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        if !tables.contains_key(&folder) {
            tables.insert(folder.clone(), tokens(&folder)?);
        }
        let known = user.and_then(|user| tables.get(&folder)?.get(&user).cloned());
        let token = known.or_else(|| user.map(|user| user.to_string())).unwrap_or_else(|| stem(&path));
        sources.push(Source { path, user, token, bytes });
    }
    if sources.is_empty() {
        bail!("there are no files of entries in {}", paths.first().cloned().unwrap_or_default().display());
    }
    Ok(sources)
}

/// The entries of a data set or an export are in a folder of their own.
fn timeline_of(path: &Path) -> PathBuf {
    Some(path.join("timeline")).filter(|timeline| timeline.is_dir()).unwrap_or_else(|| path.to_owned())
}

fn stem(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split('.').next().unwrap_or(name).to_owned()
}

/// A row of `users.csv` in an export.
#[derive(Debug, Deserialize, serde::Serialize)]
pub(crate) struct TokenRow {
    /// The token; somebody with several has a row for each.
    pub(crate) token: String,
    /// Whom it stands for.
    pub(crate) user_id: String,
}

/// The tokens that the tables in `folder` tell, if there are any.
fn tokens(folder: &Path) -> Result<BTreeMap<UserId, String>> {
    let mut tokens = BTreeMap::new();
    let mut add = |id: &str, token: String| {
        let user = UserId::parse(id).ok_or_else(|| anyhow!("in {}: {id} is no id of a person", folder.display()))?;
        tokens.entry(user).or_insert(token);
        anyhow::Ok(())
    };
    if folder.join("truth").is_dir() {
        for row in read_truth::<UserRow>(folder).context("reading the people of the data set")? {
            let row = row.context("reading the people of the data set")?;
            add(&row.user_id, row.token)?;
        }
    }
    let table = folder.join("users.csv");
    if table.is_file() {
        let mut reader = csv::Reader::from_path(&table).with_context(|| format!("reading {}", table.display()))?;
        for row in reader.deserialize::<TokenRow>() {
            let row = row.with_context(|| format!("reading {}", table.display()))?;
            add(&row.user_id, row.token)?;
        }
    }
    Ok(tokens)
}

fn first_entry(path: &Path) -> Result<Option<Value>> {
    let mut first = None;
    let read = read(path, &mut |_, value| {
        first = Some(value);
        Err(anyhow!("the first one is enough"))
    });
    match first {
        Some(first) => Ok(Some(first)),
        None => read.map(|()| None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_file_is_stands_in_a_table_or_its_name_or_its_first_entry() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let (one, two) = ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002");
        write("set/users.csv", &format!("token,user_id\nanna,{one}\n"));
        write(&format!("set/timeline/export_{one}.json"), "[]");
        write(&format!("set/timeline/export_pipelinestate_{one}.json"), "[]");
        write("set/timeline/other.json", &format!(r#"[{{"user_id":{{"$uuid":"{two}"}}}}, 5]"#));
        write("monday.raw.json", "[{}]");
        let paths = [dir.path().join("set"), dir.path().join("monday.raw.json")];
        let found = sources(&paths).unwrap();
        let told: Vec<_> = found.iter().map(|source| (source.token.as_str(), source.user)).collect();
        assert_eq!(told, [("anna", UserId::parse(one)), (two, UserId::parse(two)), ("monday", None)]);
    }
}
