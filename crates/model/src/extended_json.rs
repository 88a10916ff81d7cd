//! MongoDB's extended JSON: ids, users and dates as timeline files have them.
//!
//! The older spelling is written, as the original server and its files have it; the newer ones and binary UUIDs are read
//! too.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ids::UserId;
use crate::record::Field;

/// A 12-byte id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub [u8; 12]);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits(&mut [0; 24]))
    }
}

impl ObjectId {
    /// Its hexadecimal digits, written into `room`. Diaries are full of ids, so this does without formatting.
    fn digits(self, room: &mut [u8; 24]) -> &str {
        hex::encode_to_slice(self.0, room).expect("each byte has two digits");
        std::str::from_utf8(room).expect("digits are ASCII")
    }

    /// Reads 24 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 12];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        // Written again it must be the same, so capitals are left to those who keep texts.
        Some(Self(bytes)).filter(|id| id.to_string() == text)
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            single(serializer, "$oid", &self.digits(&mut [0; 24]))
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let value = Value::deserialize(deserializer)?;
            Self::from_value(value).map_err(|value| D::Error::custom(format_args!("{value} is no id")))
        } else {
            Deserialize::deserialize(deserializer).map(Self)
        }
    }
}

impl Field for ObjectId {
    /// `{"$oid": hex}`
    fn from_value(value: Value) -> Result<Self, Value> {
        only(&value, "$oid").and_then(Value::as_str).and_then(Self::parse).ok_or(value)
    }

    fn into_value(self) -> Value {
        json!({"$oid": self.to_string()})
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        single(serializer, "$uuid", &*self.0.simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl Field for UserId {
    /// `{"$uuid": hex}` with or without dashes, and binary of subtype 3 (the older one, in Python's order of bytes) or 4.
    fn from_value(value: Value) -> Result<Self, Value> {
        let text = only(&value, "$uuid").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
        text.or_else(|| binary(&value)).map(Self).ok_or(value)
    }

    fn into_value(self) -> Value {
        json!({"$uuid": self.hex()})
    }
}

/// `{"$binary": base64, "$type": "03"}` or `{"$binary": {"base64": …, "subType": "03"}}`
fn binary(value: &Value) -> Option<Uuid> {
    let object = value.as_object()?;
    let (text, subtype) = match object.get("$binary")? {
        Value::String(text) => (text.as_str(), object.get("$type")?),
        inner => (inner.get("base64")?.as_str()?, inner.get("subType")?),
    };
    let is_uuid = match subtype {
        Value::String(subtype) => ["03", "3", "04", "4"].contains(&subtype.as_str()),
        subtype => matches!(subtype.as_i64(), Some(3 | 4)),
    };
    Uuid::from_slice(&STANDARD.decode(text).ok().filter(|_| is_uuid)?).ok()
}

/// A date: `{"$date": ms}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Milliseconds since 1970.
    pub ms: i64,
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        single(serializer, "$date", &self.ms)
    }
}

impl Field for Date {
    /// `{"$date": ms}`, `{"$date": {"$numberLong": "ms"}}` or `{"$date": "2016-06-20T08:28:11.932Z"}`
    fn from_value(value: Value) -> Result<Self, Value> {
        let ms = only(&value, "$date").and_then(|date| match date {
            Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(|stamp| stamp.as_millisecond()),
            Value::Object(_) => only(date, "$numberLong")?.as_str()?.parse().ok(),
            number => number.as_i64(),
        });
        ms.map(|ms| Self { ms }).ok_or(value)
    }

    fn into_value(self) -> Value {
        json!({"$date": self.ms})
    }
}

/// The value of the only field of an object.
fn only<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object().filter(|object| object.len() == 1)?.get(name)
}

fn single<S: Serializer>(serializer: S, name: &str, value: &(impl Serialize + ?Sized)) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(name, value)?;
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_user_is_the_same_user() {
        let user = UserId(Uuid::from_u128(0x421d_3f44_377e_4034_a4a1_49fa_4fa3_19a9));
        for text in [
            r#"{"$uuid":"421d3f44377e4034a4a149fa4fa319a9"}"#,
            r#"{"$uuid":"421d3f44-377e-4034-a4a1-49fa4fa319a9"}"#,
            r#"{"$binary":"Qh0/RDd+QDSkoUn6T6MZqQ==","$type":"03"}"#,
            r#"{"$binary":{"base64":"Qh0/RDd+QDSkoUn6T6MZqQ==","subType":"04"}}"#,
        ] {
            assert_eq!(UserId::from_value(serde_json::from_str(text).unwrap()), Ok(user), "{text}");
        }
        assert_eq!(serde_json::to_value(user).unwrap(), user.into_value());
    }

    #[test]
    fn every_spelling_of_a_date_is_the_same_date() {
        let date = Date { ms: 1_466_436_491_932 };
        for text in [
            r#"{"$date":1466436491932}"#,
            r#"{"$date":{"$numberLong":"1466436491932"}}"#,
            r#"{"$date":"2016-06-20T15:28:11.932Z"}"#,
        ] {
            assert_eq!(Date::from_value(serde_json::from_str(text).unwrap()), Ok(date), "{text}");
        }
        assert_eq!(serde_json::to_value(date).unwrap(), date.into_value());
    }

    #[test]
    fn what_is_no_id_is_handed_back() {
        for text in [
            r#"{"$oid":"6b007bcd6a1f11ce5d9a584"}"#,
            r#"{"$oid":"6b007bcd6a1f11ce5d9a58zz"}"#,
            r#"{"$oid":"6b007bcd6a1f11ce5d9a584a","x":1}"#,
            r#"{"$oid":"+1007bcd6a1f11ce5d9a584a"}"#,
            r#"{"$oid":"ééééééééébcd"}"#,
            "7",
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(ObjectId::from_value(value.clone()), Err(value));
        }
        let id = json!({"$oid": "6b007bcd6a1f11ce5d9a584a"});
        assert_eq!(ObjectId::from_value(id.clone()).unwrap().into_value(), id);
    }
}
