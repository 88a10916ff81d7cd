//! Many people's profiles at once: for what changes with every call of a phone.

use std::collections::HashMap;

use rushhour_model::ids::UserId;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::store::Store;

/// So many profiles are changed at once; whoever registers waits that long.
const PROFILES_MAX: usize = 4_096;

impl Store {
    /// Sets fields in the profiles of many users, durably, and some thousand of them in one change. People who are not
    /// known are left out. Other than with [`update_profile`](Self::update_profile) the volumes are not told: a
    /// directory that is made anew from them has these fields as they were when something else was changed. Blocks the
    /// thread.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::DiskFull`], or when the directory cannot be written; then any of the users may
    /// have their fields.
    pub fn update_profiles(&self, changes: &[(UserId, Map<String, Value>)]) -> Result<(), Error> {
        self.core.writable()?;
        for part in changes.chunks(PROFILES_MAX) {
            let known = part.iter().filter_map(|(user, fields)| Some((self.core.number(*user)?, fields)));
            self.core.directory.update_profiles(&known.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Shows every profile that has fields. Blocks the thread.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn profiles(&self, visit: &mut dyn FnMut(UserId, &Map<String, Value>)) -> Result<(), Error> {
        let people = self.core.people.read().expect("no writer panics");
        let users: HashMap<u32, UserId> = people.numbers.iter().map(|(user, number)| (*number, *user)).collect();
        drop(people);
        self.core.directory.profiles(&mut |number, fields| {
            if let Some(user) = users.get(&number) {
                visit(*user, fields);
            }
        })
    }
}
