//! An entry in stored form: as the original server keeps it after formatting, and as its timeline files have it.

mod codes;
mod format;
pub mod glance;
pub mod observe;
mod restore;

use serde::Serialize;
use serde_json::{Number, Value};

pub use format::{Refusal, to_stored};
pub use restore::to_phone;

use crate::entry::Platform;
use crate::extended_json::ObjectId;
use crate::ids::UserId;
use crate::local_date::LocalDate;
use crate::record::{Field, Nullable, Object, Record, record};

record! {
    /// What a stored entry says about itself.
    pub struct StoredMetadata {
        /// What was recorded.
        key: String,
        /// `android`, `ios`, or `server` for what the server made itself.
        platform: Option<Platform>,
        /// How the phone kept it; the server's own entries have none.
        kind = "type": Option<String>,
        /// When it was written, in seconds since 1970.
        write_ts: Number,
        /// When the app read it, in seconds since 1970; `0` for never.
        read_ts: Option<Number>,
        /// The IANA zone of its times.
        time_zone: Option<String>,
        /// `"none"` or `null` on iOS.
        plugin: Option<Nullable<String>>,
        /// Which entry this one was made from; composite trips only.
        origin_key: Option<String>,
        /// `write_ts` in the zone, in parts.
        write_local_dt: LocalDate,
        /// `write_ts` in the zone, as text.
        write_fmt_time: String,
    }
}

/// An entry in stored form.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredEntry {
    /// Its id; absent in what was just formatted.
    #[serde(rename = "_id", skip_serializing_if = "Option::is_none")]
    pub id: Option<ObjectId>,
    /// Whose it is; absent in what was just formatted.
    #[serde(rename = "user_id", skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Key, zone and times.
    pub metadata: StoredMetadata,
    /// What was recorded, with the server's additions.
    pub data: Object,
    /// Fields beside these.
    #[serde(flatten)]
    pub extra: Object,
}

/// Why a JSON value is not a stored entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// It is no object, or a part of it is missing or of another type.
    #[error("a stored entry has an object `{0}`")]
    Missing(&'static str),
    /// Its metadata is not complete.
    #[error("a stored entry's `metadata` has `key`, `write_ts`, `write_local_dt` and `write_fmt_time`")]
    Metadata,
}

impl TryFrom<Value> for StoredEntry {
    type Error = StoredError;

    fn try_from(value: Value) -> Result<Self, StoredError> {
        let Value::Object(mut fields) = value else { return Err(StoredError::Missing("metadata")) };
        let mut part = |name| match fields.shift_remove(name) {
            Some(Value::Object(object)) => Ok(object),
            _ => Err(StoredError::Missing(name)),
        };
        let (metadata, data) = (part("metadata")?, part("data")?);
        Ok(Self {
            id: take(&mut fields, "_id"),
            user: take(&mut fields, "user_id"),
            metadata: StoredMetadata::from_object(metadata).map_err(|_| StoredError::Metadata)?,
            data,
            extra: fields,
        })
    }
}

/// Takes a field out of `fields` if it is what it should be, and leaves it there if not.
pub(crate) fn take<T: Field>(fields: &mut Object, name: &str) -> Option<T> {
    match T::from_value(fields.shift_remove(name)?) {
        Ok(value) => Some(value),
        Err(strange) => {
            fields.insert(name.to_owned(), strange);
            None
        }
    }
}
