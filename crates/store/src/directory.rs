//! Who there is: tokens and profiles, in redb, because there are few of them and each change must be atomic.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use rushhour_model::ids::UserId;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::Error;

const TOKENS: TableDefinition<&str, u128> = TableDefinition::new("tokens");
const PROFILES: TableDefinition<u128, &[u8]> = TableDefinition::new("profiles");

/// The directory's file.
#[derive(Debug)]
pub(crate) struct Directory {
    database: Database,
    path: PathBuf,
}

impl Directory {
    /// Opens or creates the directory.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process has it open.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("directory.redb");
        let database = Database::create(&path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Error::InUse(dir.to_owned()),
            error => failed(&path)(error.into()),
        })?;
        let directory = Self { database, path };
        directory.attempt(|database| {
            let change = database.begin_write()?;
            change.open_table(TOKENS)?;
            change.open_table(PROFILES)?;
            Ok(change.commit()?)
        })?;
        Ok(directory)
    }

    /// Every token with its user.
    pub(crate) fn tokens(&self) -> Result<Vec<(String, UserId)>, Error> {
        self.attempt(|database| {
            let table = database.begin_read()?.open_table(TOKENS)?;
            let pairs = table.iter()?.map(|pair| {
                let (token, user) = pair?;
                Ok((token.value().to_owned(), UserId(Uuid::from_u128(user.value()))))
            });
            pairs.collect()
        })
    }

    /// Gives `token` the id `user` unless it already has one, durably, and returns the id it has.
    pub(crate) fn register(&self, token: &str, user: UserId) -> Result<UserId, Error> {
        self.attempt(|database| {
            let change = database.begin_write()?;
            let known = change.open_table(TOKENS)?.get(token)?.map(|known| known.value());
            if let Some(known) = known {
                return Ok(UserId(Uuid::from_u128(known)));
            }
            change.open_table(TOKENS)?.insert(token, user.0.as_u128())?;
            change.commit()?;
            Ok(user)
        })
    }

    /// The fields set in the user's profile.
    pub(crate) fn profile(&self, user: UserId) -> Result<Map<String, Value>, Error> {
        self.attempt(|database| {
            let table = database.begin_read()?.open_table(PROFILES)?;
            Ok(table.get(user.0.as_u128())?.map(|fields| read_fields(fields.value())).unwrap_or_default())
        })
    }

    /// Sets `fields` in the user's profile, durably.
    pub(crate) fn update_profile(&self, user: UserId, fields: Map<String, Value>) -> Result<(), Error> {
        self.attempt(|database| {
            let change = database.begin_write()?;
            {
                let mut table = change.open_table(PROFILES)?;
                let mut profile =
                    table.get(user.0.as_u128())?.map(|fields| read_fields(fields.value())).unwrap_or_default();
                profile.extend(fields);
                let text = serde_json::to_vec(&profile).expect("a map with text keys can be written as JSON");
                table.insert(user.0.as_u128(), text.as_slice())?;
            }
            Ok(change.commit()?)
        })
    }

    fn attempt<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Error> {
        work(&self.database).map_err(failed(&self.path))
    }
}

fn read_fields(text: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(text).expect("the directory only holds what update_profile wrote, under redb's checksums")
}

fn failed(path: &Path) -> impl FnOnce(redb::Error) -> Error {
    move |source| Error::Directory { path: path.to_owned(), source: Arc::new(source) }
}
