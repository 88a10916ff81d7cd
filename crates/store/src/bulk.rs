//! Filling a store from files: people keep the ids that they have there, and are sealed as soon as they are read.

use std::sync::Arc;

use rushhour_model::ids::UserId;

use crate::error::Error;
use crate::maintain::Maintained;
use crate::store::{Store, blocking};

impl Store {
    /// Gives a token the user `id`, durably, or returns the one it has. When somebody else has `id` already, the token
    /// gets another one.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub async fn register_as(&self, token: &str, id: UserId) -> Result<UserId, Error> {
        if self.core.number(id).is_some() {
            return self.register(token).await;
        }
        self.core.writable()?;
        let (core, named) = (Arc::clone(&self.core), vec![(token.to_owned(), id)]);
        let users = blocking(move || core.register(named)).await?;
        Ok(*users.first().expect("each token gets a user"))
    }

    /// Seals everything of some users, whether it was taken in or not. Blocks the thread.
    ///
    /// # Errors
    /// As [`maintain`](Self::maintain).
    pub fn seal_users(&self, users: &[UserId]) -> Result<Maintained, Error> {
        let _working = self.maintenance.lock().expect("no holder panics");
        self.core.seal_all(users, self.sealing_threads)
    }
}
