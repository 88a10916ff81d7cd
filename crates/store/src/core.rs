//! What all parts of an open store share.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};

use rushhour_model::ids::UserId;

use crate::directory::Directory;
use crate::disk::Disk;
use crate::error::Error;
use crate::hot::Hot;
use crate::log::Segments;
use crate::open::IosRounding;
use crate::room::Room;
use crate::volume::Volumes;

/// The parts of an open store, but for its writing thread.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) directory: Directory,
    pub(crate) hot: Arc<Hot>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) volumes: Volumes,
    pub(crate) room: Arc<Room>,
    pub(crate) people: RwLock<People>,
    /// Entries in chunks, each identity counted once.
    pub(crate) sealed_entries: AtomicU64,
    /// What is sealed is rounded so.
    pub(crate) ios_rounding: IosRounding,
    /// Why nothing may be changed.
    pub(crate) damage: Option<String>,
}

/// Who there is.
#[derive(Debug, Default)]
pub(crate) struct People {
    pub(crate) tokens: HashMap<String, UserId>,
    pub(crate) numbers: HashMap<UserId, u32>,
}

impl Core {
    /// The number of a user.
    pub(crate) fn number(&self, user: UserId) -> Option<u32> {
        self.people.read().expect("no writer panics").numbers.get(&user).copied()
    }

    /// The number of a user who must be registered.
    pub(crate) fn known(&self, user: UserId) -> Result<u32, Error> {
        self.number(user).ok_or(Error::UnknownUser(user))
    }

    /// The tokens of some users.
    pub(crate) fn tokens_of(&self, users: &HashSet<UserId>) -> HashMap<UserId, Vec<String>> {
        let mut tokens: HashMap<UserId, Vec<String>> = HashMap::new();
        if !users.is_empty() {
            let people = self.people.read().expect("no writer panics");
            for (token, user) in people.tokens.iter().filter(|(_, user)| users.contains(user)) {
                tokens.entry(*user).or_default().push(token.clone());
            }
        }
        tokens.values_mut().for_each(|tokens| tokens.sort());
        tokens
    }

    /// Refuses when nothing may be changed.
    pub(crate) fn writable(&self) -> Result<(), Error> {
        self.damage.clone().map_or(Ok(()), |damage| Err(Error::ReadOnly { damage }))
    }
}
