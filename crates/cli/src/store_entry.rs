//! Entries on their way between files and a store, which keeps them as phones send them.

use rushhour_model::entry::Entry;
use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::UserId;
use rushhour_model::received::Received;
use rushhour_model::record::Field;
use rushhour_model::shift::by_days;
use rushhour_model::stored::{StoredEntry, to_phone, to_stored};
use rushhour_store::NewRow;
use serde_json::{Value, json};

/// An entry that is to be kept.
#[derive(Debug)]
pub(crate) struct Item {
    kind: String,
    key: String,
    write_ts: f64,
    text: String,
    /// As a phone sends it, for copies on other days; `None` when nobody asked or no phone wrote it.
    entry: Option<Entry>,
}

impl Item {
    /// Takes an entry in either form. A stored one becomes what the phone sent if that can be told exactly, and stays as it
    /// is otherwise. `has_copies` says whether it will be moved to other days.
    pub(crate) fn new(value: Value, has_copies: bool) -> Result<Self, String> {
        let mut value = value;
        if let Some(fields) = value.as_object_mut() {
            // They follow from whom the store knows it of.
            fields.shift_remove("_id");
            fields.shift_remove("user_id");
        }
        if value.pointer("/metadata/write_fmt_time").is_none() {
            return Self::sent(&value, has_copies);
        }
        let phone = StoredEntry::try_from(value.clone()).map(to_phone);
        let Ok(Ok(entry)) = phone else { return Self::stored(&value, None) };
        let text = serde_json::to_string(&entry).map_err(|error| error.to_string())?;
        let (kind, key) = (entry.metadata.kind.clone(), entry.metadata.key.clone());
        let write_ts = entry.metadata.write_s();
        let copied = has_copies.then(|| entry.clone());
        let again = to_stored(entry).ok().and_then(|again| serde_json::to_value(again).ok());
        if again.as_ref() == Some(&value) {
            return Ok(Self { kind, key, write_ts, text, entry: copied });
        }
        Self::stored(&value, copied)
    }

    /// An entry as a phone sends it, taken as the server takes it.
    fn sent(value: &Value, has_copies: bool) -> Result<Self, String> {
        let raw = serde_json::value::to_raw_value(value).map_err(|error| error.to_string())?;
        let Received { kind, key, write_ts, text } = Received::read(&raw).map_err(|lack| lack.to_string())?;
        let entry = if has_copies { serde_json::from_str(&text).ok() } else { None };
        Ok(Self { kind: kind.into(), key: key.into(), write_ts, text: text.into(), entry })
    }

    fn stored(value: &Value, entry: Option<Entry>) -> Result<Self, String> {
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let key = text("/metadata/key").ok_or("`metadata.key` is missing, or no text")?;
        let write_ts = value.pointer("/metadata/write_ts").and_then(Value::as_f64);
        let write_ts = write_ts.ok_or("`metadata.write_ts` is missing, or no number")?;
        // What the server made itself has no type.
        let kind = text("/metadata/type").unwrap_or_default();
        Ok(Self { kind, key, write_ts, text: value.to_string(), entry })
    }

    /// Moves the entry by whole days; `None` when that cannot be done, because no phone wrote it.
    pub(crate) fn move_by_days(&mut self, days: i32) -> Option<()> {
        let entry = self.entry.as_mut()?;
        by_days(entry, days);
        self.write_ts = entry.metadata.write_s();
        self.text = serde_json::to_string(entry).ok()?;
        Some(())
    }

    /// As the store takes it.
    pub(crate) fn row(&self) -> NewRow<'_> {
        NewRow { kind: &self.kind, key: &self.key, write_ts: self.write_ts, text: &self.text }
    }
}

/// Whose a document in a file is, if it says so.
pub(crate) fn user_of(value: &Value) -> Option<UserId> {
    value.get("user_id").cloned().and_then(|id| UserId::from_value(id).ok())
}

/// An entry of a store as the original server exports it.
#[derive(Debug)]
pub(crate) enum Exported {
    /// In stored form.
    Stored(Value),
    /// As the phone sent it, because the server has no formatter for it.
    Sent(Value),
}

impl Exported {
    /// The entry `text` of `user`.
    pub(crate) fn new(user: UserId, id: ObjectId, text: &str) -> serde_json::Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        if value.pointer("/metadata/write_fmt_time").is_some() {
            return Ok(Self::Stored(owned(user, id, value)));
        }
        let stored = Entry::try_from(value.clone()).ok().and_then(|entry| to_stored(entry).ok());
        match stored {
            Some(stored) => Ok(Self::Stored(owned(user, id, serde_json::to_value(stored)?))),
            None => Ok(Self::Sent(owned(user, id, value))),
        }
    }
}

/// With what the server puts before every entry.
fn owned(user: UserId, id: ObjectId, entry: Value) -> Value {
    let mut owned = json!({"_id": id, "user_id": user});
    if let (Value::Object(owned), Value::Object(fields)) = (&mut owned, entry) {
        owned.extend(fields);
    }
    owned
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOTION: &str = r#"{"metadata":{"key":"background/motion_activity","platform":"android","type":"sensor-data","write_ts":1767600000.5,"read_ts":0,"time_zone":"Europe/Zurich"},"data":{"type":7,"confidence":92,"ts":1767600000.25}}"#;

    fn stored(text: &str) -> Value {
        let entry: Entry = serde_json::from_str(text).unwrap();
        serde_json::to_value(to_stored(entry).unwrap()).unwrap()
    }

    fn check(value: &Value, is_sent: bool) {
        let user = UserId(Default::default());
        let item = Item::new(value.clone(), true).unwrap();
        assert_eq!(item.text.contains("write_fmt_time"), !is_sent);
        let Exported::Stored(exported) = Exported::new(user, ObjectId([0; 12]), &item.text).unwrap() else { panic!() };
        assert_eq!(exported, owned(user, ObjectId([0; 12]), value.clone()));
    }

    #[test]
    fn stored_entries_are_kept_as_phones_send_them_and_come_back() {
        check(&stored(MOTION), true);
    }

    #[test]
    fn what_does_not_follow_from_phone_form_is_kept_as_it_is() {
        let mut strange = stored(MOTION);
        strange["data"]["fmt_time"] = "yesterday".into();
        check(&strange, false);
        let server = r#"{"metadata":{"key":"stats/pipeline_time","platform":"server","write_ts":1.5,"time_zone":"UTC",
            "write_local_dt":{},"write_fmt_time":"then"},"data":{"name":"a","ts":1.0,"reading":5}}"#;
        check(&serde_json::from_str(server).unwrap(), false);
    }

    #[test]
    fn copies_move_by_whole_days() {
        let mut item = Item::new(stored(MOTION), true).unwrap();
        item.move_by_days(2).unwrap();
        assert_eq!(item.row().write_ts, 1_767_772_800.5);
        assert!(item.text.contains("1767772800.25"));
        assert_eq!(Item::new(stored(MOTION), false).unwrap().move_by_days(1), None);
    }

    #[test]
    fn what_has_no_identity_is_refused() {
        let refused = |value| Item::new(value, false).unwrap_err();
        assert_eq!(refused(json!({"metadata": {"write_fmt_time": ""}})), "`metadata.key` is missing, or no text");
        assert_eq!(refused(json!({"data": {}})), "`metadata` is missing");
    }
}
