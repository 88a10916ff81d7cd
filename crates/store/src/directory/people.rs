//! Tokens, users and profiles.

use redb::{Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use rushhour_model::ids::UserId;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::directory::Directory;
use crate::error::Error;

const TOKENS: TableDefinition<&str, u32> = TableDefinition::new("tokens");
/// Each user's id, how many of their uploads were sealed, and whether a volume says who they are.
pub(super) const USERS: TableDefinition<u32, (u128, u32, bool)> = TableDefinition::new("users");
const PROFILES: TableDefinition<u32, &[u8]> = TableDefinition::new("profiles");
/// The number of the next user: numbers are never used again.
const NEXT_USER: TableDefinition<(), u32> = TableDefinition::new("next user");

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// Short for the id, in this store.
    pub(crate) number: u32,
    pub(crate) id: UserId,
    /// How many of their uploads were sealed.
    pub(crate) sealed: u32,
    /// Whether a volume says who they are, as of now.
    pub(crate) is_noted: bool,
}

pub(super) fn prepare(change: &WriteTransaction) -> Result<(), redb::Error> {
    change.open_table(TOKENS)?;
    change.open_table(USERS)?;
    change.open_table(PROFILES)?;
    change.open_table(NEXT_USER)?;
    Ok(())
}

impl Directory {
    /// Every token with the number of its user.
    pub(crate) fn tokens(&self) -> Result<Vec<(String, u32)>, Error> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(TOKENS)?;
            let pairs = table.iter()?.map(|pair| {
                let (token, user) = pair?;
                Ok((token.value().to_owned(), user.value()))
            });
            pairs.collect()
        })
    }

    /// Everybody, in order of their numbers.
    pub(crate) fn people(&self) -> Result<Vec<Person>, Error> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(USERS)?;
            let people = table.iter()?.map(|row| {
                let (number, row) = row?;
                Ok(person(number.value(), row.value()))
            });
            people.collect()
        })
    }

    /// One user.
    pub(crate) fn person(&self, number: u32) -> Result<Option<Person>, Error> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(USERS)?;
            Ok(table.get(number)?.map(|row| person(number, row.value())))
        })
    }

    /// Gives each token the user beside it unless it already has one, durably and all at once, and returns whom they have.
    pub(crate) fn register(&self, people: &[(String, UserId)]) -> Result<Vec<(UserId, u32)>, Error> {
        self.write(Durability::Immediate, |change| {
            let mut tokens = change.open_table(TOKENS)?;
            let mut users = change.open_table(USERS)?;
            let mut next = change.open_table(NEXT_USER)?;
            let mut registered = Vec::with_capacity(people.len());
            for (token, fresh) in people {
                let known = tokens.get(token.as_str())?.map(|known| known.value());
                if let Some(number) = known {
                    let id = users.get(number)?.map(|row| row.value().0);
                    registered.push((UserId(Uuid::from_u128(id.unwrap_or_default())), number));
                    continue;
                }
                let number = next.get(())?.map_or(0, |next| next.value());
                next.insert((), number + 1)?;
                tokens.insert(token.as_str(), number)?;
                users.insert(number, (fresh.0.as_u128(), 0, false))?;
                registered.push((*fresh, number));
            }
            Ok(registered)
        })
    }

    /// Puts in somebody whom a volume told of, in place of what was known of them.
    pub(crate) fn restore(&self, person: &Person, tokens: &[String], profile: &[u8]) -> Result<(), Error> {
        self.write(Durability::None, |change| {
            let number = person.number;
            let mut known = change.open_table(TOKENS)?;
            known.retain(|_, user| user != number)?;
            for token in tokens {
                known.insert(token.as_str(), number)?;
            }
            change.open_table(USERS)?.insert(number, (person.id.0.as_u128(), person.sealed, true))?;
            if !profile.is_empty() {
                change.open_table(PROFILES)?.insert(number, profile)?;
            }
            let mut next = change.open_table(NEXT_USER)?;
            let least = next.get(())?.map_or(0, |next| next.value()).max(number + 1);
            next.insert((), least)?;
            Ok(())
        })
    }

    /// Forgets a user, their tokens, profile, chunks and diary, durably; returns their tokens.
    pub(crate) fn remove(&self, number: u32) -> Result<Vec<String>, Error> {
        self.write(Durability::Immediate, |change| {
            let mut tokens = change.open_table(TOKENS)?;
            let mut gone = Vec::new();
            for token in tokens.extract_if(|_, user| user == number)? {
                gone.push(token?.0.value().to_owned());
            }
            change.open_table(USERS)?.remove(number)?;
            change.open_table(PROFILES)?.remove(number)?;
            super::chunks::forget(change, number)?;
            super::chapters::forget(change, number)?;
            Ok(gone)
        })
    }

    /// The fields set in the user's profile, as JSON; empty when there are none.
    pub(crate) fn profile_text(&self, number: u32) -> Result<Vec<u8>, Error> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(PROFILES)?;
            Ok(table.get(number)?.map(|fields| fields.value().to_vec()).unwrap_or_default())
        })
    }

    /// The fields set in the user's profile.
    pub(crate) fn profile(&self, number: u32) -> Result<Map<String, Value>, Error> {
        Ok(read_fields(&self.profile_text(number)?))
    }

    /// Sets `fields` in the user's profile, durably.
    pub(crate) fn update_profile(&self, number: u32, fields: Map<String, Value>) -> Result<(), Error> {
        self.write(Durability::Immediate, |change| {
            let mut table = change.open_table(PROFILES)?;
            let mut profile = table.get(number)?.map(|fields| read_fields(fields.value())).unwrap_or_default();
            profile.extend(fields);
            table.insert(number, text_of(&profile).as_slice())?;
            let mut users = change.open_table(USERS)?;
            let row = users.get(number)?.map(|row| row.value());
            if let Some((id, sealed, true)) = row {
                users.insert(number, (id, sealed, false))?;
            }
            Ok(())
        })
    }

    /// Sets fields in the profiles of these users, durably. What the volumes say of them stays as it is.
    pub(crate) fn update_profiles(&self, changes: &[(u32, &Map<String, Value>)]) -> Result<(), Error> {
        self.write(Durability::Immediate, |change| {
            let mut table = change.open_table(PROFILES)?;
            for (number, fields) in changes {
                let mut profile = table.get(number)?.map(|fields| read_fields(fields.value())).unwrap_or_default();
                profile.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
                table.insert(number, text_of(&profile).as_slice())?;
            }
            Ok(())
        })
    }

    /// Shows the fields of everybody who has some.
    pub(crate) fn profiles(&self, visit: &mut dyn FnMut(u32, &Map<String, Value>)) -> Result<(), Error> {
        self.read(|database| {
            for row in database.begin_read()?.open_table(PROFILES)?.iter()? {
                let (number, fields) = row?;
                visit(number.value(), &read_fields(fields.value()));
            }
            Ok(())
        })
    }
}

fn text_of(profile: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(profile).expect("a map with text keys can be written as JSON")
}

fn person(number: u32, (id, sealed, is_noted): (u128, u32, bool)) -> Person {
    Person { number, id: UserId(Uuid::from_u128(id)), sealed, is_noted }
}

fn read_fields(text: &[u8]) -> Map<String, Value> {
    if text.is_empty() {
        return Map::new();
    }
    serde_json::from_slice(text).expect("the directory only holds what update_profile wrote, under redb's checksums")
}
