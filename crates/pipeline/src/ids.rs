//! Ids of documents: each follows from what the document is about, so that finding it again gives it the same id.

use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::{UserId, entry_id};

/// The id of the leg of `user` between two times.
pub(crate) fn leg_id(user: UserId, key: &str, start_ts: f64, end_ts: f64) -> ObjectId {
    entry_id(user, &format!("{:016x}", end_ts.to_bits()), key, start_ts)
}

/// The id of the document of this key that hangs on `parent`, the `number`th of its kind.
pub(crate) fn id_of(parent: ObjectId, key: &str, number: u32) -> ObjectId {
    let mut bytes = [0; 16];
    for (byte, of_parent) in bytes.iter_mut().zip(parent.0) {
        *byte = of_parent;
    }
    entry_id(UserId(uuid::Uuid::from_bytes(bytes)), "", key, f64::from(number))
}
