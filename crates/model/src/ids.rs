//! Who an entry belongs to, and what it is called.

use std::fmt;

use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

use crate::extended_json::ObjectId;

/// The id that a user's token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl UserId {
    /// Reads 32 hexadecimal digits, with or without dashes between.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self)
    }

    /// The 32 hexadecimal digits that stand behind `$uuid` in extended JSON.
    pub fn hex(self) -> String {
        self.0.simple().to_string()
    }
}

/// What tells an entry from all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identity<'a> {
    /// Whose it is.
    pub user: UserId,
    /// `metadata.type`
    pub kind: &'a str,
    /// `metadata.key`
    pub key: &'a str,
    /// `metadata.write_ts`, in seconds since 1970.
    pub write_ts: f64,
}

impl Identity<'_> {
    /// The [`entry_id`] that follows from it.
    pub fn id(self) -> ObjectId {
        entry_id(self.user, self.kind, self.key, self.write_ts)
    }
}

/// The id of the entry that `user` has under this type, key and write time, as MongoDB's clients expect one in `_id`.
///
/// It is derived from the entry's identity, so it needs no space in the store and a re-sent entry keeps its id.
pub fn entry_id(user: UserId, kind: &str, key: &str, write_ts: f64) -> ObjectId {
    let mut name = Sha1::new_with_prefix(user.0);
    for part in [kind, key] {
        name.update(part);
        name.update([0]);
    }
    name.update(write_ts.to_bits().to_be_bytes());
    let [digest @ .., _, _, _, _]: [u8; 20] = name.finalize().into();
    // Its first bytes are those of the UUID of version 5 of that name (RFC 9562).
    let [id @ .., _, _, _, _] = Builder::from_sha1_bytes(digest).into_uuid().into_bytes();
    ObjectId(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_follows_every_part_of_the_identity() {
        let user = UserId(Uuid::from_u128(1));
        let id = entry_id(user, "message", "statemachine/transition", 1.5);
        assert_eq!(id, entry_id(user, "message", "statemachine/transition", 1.5));
        // Those of stores that were written before stay what they are.
        let name = b"message\0statemachine/transition\0\x3f\xf8\0\0\0\0\0\0";
        assert_eq!(id.0, Uuid::new_v5(&user.0, name).into_bytes()[..12]);
        let others = [
            entry_id(UserId(Uuid::from_u128(2)), "message", "statemachine/transition", 1.5),
            entry_id(user, "sensor-data", "statemachine/transition", 1.5),
            entry_id(user, "message", "background/battery", 1.5),
            entry_id(user, "message", "statemachine/transition", 1.25),
        ];
        assert!(others.iter().all(|other| *other != id));
    }
}
