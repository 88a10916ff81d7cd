//! An entry as a server takes it in: checked for an identity, otherwise kept to the letter.
//!
//! Nothing here needs to know what a key means. The text goes to the store as the phone wrote it, apart from the three
//! corrections that every e-mission server makes on arrival: stamps in milliseconds become seconds, dots in the field
//! names of `stats` entries become underscores, and ids of another server are dropped.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::object::Object;
use crate::shift::MILLISECONDS_FROM;

/// The longest type or key that is taken; the longest in use has 30 bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// An entry that has everything by which a server identifies it.
#[derive(Debug, PartialEq)]
pub struct Received<'a> {
    /// `metadata.type`.
    pub kind: Cow<'a, str>,
    /// `metadata.key`.
    pub key: Cow<'a, str>,
    /// `metadata.write_ts`, in seconds since 1970.
    pub write_ts: f64,
    /// The whole entry as one JSON object.
    pub text: Cow<'a, str>,
}

/// What an entry lacks.
#[derive(Debug, thiserror::Error)]
pub enum Lack {
    /// A part that identifies it is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A type or key that cannot be one.
    #[error("`{name}` has {bytes} bytes; at least 1 and at most {NAME_BYTES_MAX} are taken")]
    NameLength {
        /// Which of the two.
        name: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// A part has the wrong JSON type.
    #[error("{0}")]
    Shape(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    metadata: Option<Object<Identity<'a>>>,
    #[serde(borrow)]
    data: Option<Object<Sensed<'a>>>,
    #[serde(borrow)]
    _id: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    write_ts: Option<f64>,
}

#[derive(Deserialize)]
struct Sensed<'a> {
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
}

impl<'a> Received<'a> {
    /// Reads one element of `phone_to_server`.
    ///
    /// # Errors
    /// When it is not an object with `data` and a `metadata` that has `type`, `key` and a numeric `write_ts`.
    pub fn read(raw: &'a RawValue) -> Result<Self, Lack> {
        let Object(head): Object<Head<'a>> = serde_json::from_str(raw.get())?;
        let Object(identity) = head.metadata.ok_or(Lack::Missing("metadata"))?;
        let Object(sensed) = head.data.ok_or(Lack::Missing("data"))?;
        let kind = identity.kind.ok_or(Lack::Missing("metadata.type"))?;
        let key = identity.key.ok_or(Lack::Missing("metadata.key"))?;
        for (name, text) in [("metadata.type", &kind), ("metadata.key", &key)] {
            if text.is_empty() || text.len() > NAME_BYTES_MAX {
                return Err(Lack::NameLength { name, bytes: text.len() });
            }
        }
        let write_ts = identity.write_ts.ok_or(Lack::Missing("metadata.write_ts"))?;
        let ts_in_ms = sensed.ts.is_some_and(|ts| ts.get().parse().is_ok_and(is_in_ms));
        let has_ids = head._id.is_some() || head.user_id.is_some();
        let text = if is_in_ms(write_ts) || ts_in_ms || has_ids || key.contains("stats") {
            Cow::Owned(correct(raw, &key)?)
        } else {
            Cow::Borrowed(raw.get())
        };
        Ok(Self { kind, key, write_ts: seconds(write_ts), text })
    }
}

fn is_in_ms(stamp: f64) -> bool {
    stamp >= MILLISECONDS_FROM
}

fn seconds(stamp: f64) -> f64 {
    if is_in_ms(stamp) { stamp / 1000.0 } else { stamp }
}

/// The entry again, with the corrections made.
fn correct(raw: &RawValue, key: &str) -> Result<String, serde_json::Error> {
    let mut entry: Map<String, Value> = serde_json::from_str(raw.get())?;
    entry.shift_remove("_id");
    entry.shift_remove("user_id");
    for (part, field) in [("metadata", "write_ts"), ("data", "ts")] {
        let Some(stamp) = entry.get_mut(part).and_then(|part| part.get_mut(field)) else { continue };
        if let Some(ms) = stamp.as_f64().filter(|ms| is_in_ms(*ms)) {
            *stamp = Number::from_f64(seconds(ms)).map_or(Value::Null, Value::Number);
        }
    }
    if key.contains("stats") {
        entry = entry.into_iter().map(undot_field).collect();
    }
    serde_json::to_string(&entry)
}

fn undot_field((name, value): (String, Value)) -> (String, Value) {
    (name.replace('.', "_"), undot(value))
}

fn undot(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().map(undot_field).collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(undot).collect()),
        leaf => leaf,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, String, f64, String), String> {
        let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
        let entry = Received::read(&raw).map_err(|lack| lack.to_string())?;
        Ok((entry.kind.into(), entry.key.into(), entry.write_ts, entry.text.into()))
    }

    #[test]
    fn an_ordinary_entry_is_kept_to_the_letter() {
        let text = r#"{ "data": {"ts": 1.50, "x": 1E2}, "metadata": {"key": "b/l", "type": "t", "write_ts": 2.0}, "z": null }"#;
        assert_eq!(read(text).unwrap(), ("t".into(), "b/l".into(), 2.0, text.into()));
    }

    #[test]
    fn milliseconds_become_seconds_in_both_places() {
        let text = r#"{"metadata":{"key":"k","type":"t","write_ts":1440688718971},"data":{"ts":1440688718970.5,"end_ts":1440688718971}}"#;
        let (_, _, write_ts, text) = read(text).unwrap();
        assert_eq!(write_ts.to_bits(), 1_440_688_718.971_f64.to_bits());
        assert_eq!(
            text,
            r#"{"metadata":{"key":"k","type":"t","write_ts":1440688718.971},"data":{"ts":1440688718.9705,"end_ts":1440688718971}}"#
        );
    }

    #[test]
    fn dots_leave_the_field_names_of_stats_only() {
        let entry = |key: &str, field: &str| {
            format!(
                r#"{{"metadata":{{"key":"{key}","type":"t","write_ts":1}},"data":{{"reading":[{{"{field}":"a.b"}}]}}}}"#
            )
        };
        assert_eq!(read(&entry("stats/client_time", "a.b")).unwrap().3, entry("stats/client_time", "a_b"));
        assert_eq!(read(&entry("manual/survey", "a.b")).unwrap().3, entry("manual/survey", "a.b"));
    }

    #[test]
    fn ids_of_another_server_are_dropped() {
        let text = r#"{"_id":{"$oid":"00"},"metadata":{"key":"k","type":"t","write_ts":1},"user_id":"u","data":{}}"#;
        assert_eq!(read(text).unwrap().3, r#"{"metadata":{"key":"k","type":"t","write_ts":1},"data":{}}"#);
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, lack) in [
            (r#"{"data":{}}"#, "`metadata` is missing"),
            (r#"{"metadata":null,"data":{}}"#, "`metadata` is missing"),
            (r#"{"metadata":{"type":"t","key":"k","write_ts":1}}"#, "`data` is missing"),
            (r#"{"metadata":{"key":"k","write_ts":1},"data":{}}"#, "`metadata.type` is missing"),
            (r#"{"metadata":{"type":"t","write_ts":1},"data":{}}"#, "`metadata.key` is missing"),
            (r#"{"metadata":{"type":"t","key":"k"},"data":{}}"#, "`metadata.write_ts` is missing"),
            (r#"{"metadata":{"type":"t","key":"","write_ts":1},"data":{}}"#, "`metadata.key` has 0 bytes"),
            (r#"{"metadata":{"type":"t","key":"k","write_ts":"1"},"data":{}}"#, "invalid type: string"),
            (r#"{"metadata":["t","k",1],"data":{}}"#, "expected an object"),
            (r#"{"metadata":{"type":"t","key":"k","write_ts":1},"data":[]}"#, "expected an object"),
            ("[1]", "expected an object"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(lack), "{text}: {error}");
        }
    }
}
