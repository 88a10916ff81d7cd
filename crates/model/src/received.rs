//! An entry as a server takes it in: checked for an identity, otherwise kept to the letter.
//!
//! Nothing here needs to know what a key means. The text goes to the store as the phone wrote it, apart from the three
//! corrections that every e-mission server makes on arrival: stamps in milliseconds become seconds, dots in the field
//! names of `stats` entries become underscores, and ids of another server are dropped.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::arrival::{self, MILLISECONDS_FROM, correct_ts, in_seconds, undot_object};
use crate::record::Object;
use crate::strict::Strict;

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

/// `metadata.key` of an entry as a store keeps it.
pub fn key_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        metadata: Keyed<'a>,
    }
    #[derive(Deserialize)]
    struct Keyed<'a> {
        #[serde(borrow)]
        key: Cow<'a, str>,
    }
    let named: Named<'_> = serde_json::from_str(text).ok()?;
    Some(named.metadata.key.into_owned())
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    metadata: Option<Strict<Identity<'a>>>,
    #[serde(borrow)]
    data: Option<Strict<Sensed<'a>>>,
    #[serde(default)]
    _id: Present,
    #[serde(default)]
    user_id: Present,
}

/// Whether a field is there, whatever it holds.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
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
        let Strict(head): Strict<Head<'a>> = serde_json::from_str(raw.get())?;
        let Strict(identity) = head.metadata.ok_or(Lack::Missing("metadata"))?;
        let Strict(sensed) = head.data.ok_or(Lack::Missing("data"))?;
        let kind = identity.kind.ok_or(Lack::Missing("metadata.type"))?;
        let key = identity.key.ok_or(Lack::Missing("metadata.key"))?;
        for (name, text) in [("metadata.type", &kind), ("metadata.key", &key)] {
            if text.is_empty() || text.len() > NAME_BYTES_MAX {
                return Err(Lack::NameLength { name, bytes: text.len() });
            }
        }
        let write_ts = identity.write_ts.ok_or(Lack::Missing("metadata.write_ts"))?;
        let ts_in_ms = sensed.ts.is_some_and(|ts| ts.get().parse().is_ok_and(is_in_ms));
        let has_ids = head._id.0 || head.user_id.0;
        let text = if is_in_ms(write_ts) || ts_in_ms || has_ids || key.contains("stats") && has_dotted_name(raw)? {
            Cow::Owned(correct(raw, &key)?)
        } else {
            Cow::Borrowed(raw.get())
        };
        let write_ts = if is_in_ms(write_ts) { write_ts / 1000.0 } else { write_ts };
        Ok(Self { kind, key, write_ts, text })
    }
}

fn is_in_ms(stamp: f64) -> bool {
    stamp >= MILLISECONDS_FROM
}

/// Whether a field's name has a dot in it: only then is the text worth writing anew.
fn has_dotted_name(raw: &RawValue) -> Result<bool, serde_json::Error> {
    serde_json::from_str(raw.get()).map(|value: Value| arrival::has_dotted_name(&value))
}

/// The entry again, with the corrections made.
fn correct(raw: &RawValue, key: &str) -> Result<String, serde_json::Error> {
    let mut entry: Object = serde_json::from_str(raw.get())?;
    entry.shift_remove("_id");
    entry.shift_remove("user_id");
    if let Some(Value::Number(write_ts)) = entry.get_mut("metadata").and_then(|metadata| metadata.get_mut("write_ts")) {
        *write_ts = in_seconds(write_ts);
    }
    if let Some(Value::Object(data)) = entry.get_mut("data") {
        correct_ts(data);
    }
    if key.contains("stats") {
        entry = undot_object(entry);
    }
    serde_json::to_string(&entry)
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
        let exact =
            r#"{"metadata":{"key":"stats/client_time","type":"t","write_ts":1},"data":{"reading":1.50,"x":1E2}}"#;
        assert_eq!(read(exact).unwrap().3, exact);
        assert_eq!(read(&entry("manual/survey", "a.b")).unwrap().3, entry("manual/survey", "a.b"));
    }

    #[test]
    fn ids_of_another_server_are_dropped() {
        let nulls = r#"{"_id":null,"metadata":{"key":"k","type":"t","write_ts":1},"user_id":null,"data":{}}"#;
        assert_eq!(read(nulls).unwrap().3, r#"{"metadata":{"key":"k","type":"t","write_ts":1},"data":{}}"#);
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
