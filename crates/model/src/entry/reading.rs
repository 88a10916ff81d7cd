//! Reading entries from JSON in one pass.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::entry::{Data, Entry, EntryError, Form, Metadata, lacking};
use crate::record::{Object, Record, Streamed, Text};

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// In one pass when `metadata` comes before `data`, as phones send it.
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Entry, A::Error> {
        let mut read_metadata: Option<Metadata> = None;
        let mut typed = None;
        let mut untyped = None;
        let mut extra = Object::new();
        while let Some(name) = access.next_key_seed(Text)? {
            match (&*name, &read_metadata) {
                ("metadata", _) => {
                    read_metadata = Some(access.next_value_seed(MetadataSeed)?);
                    // Data that came before is read anew, as the metadata that counts prescribes.
                    untyped = typed.take().map(Data::into_value).or(untyped);
                }
                ("data", Some(metadata)) => typed = Some(access.next_value_seed(DataSeed(metadata))?),
                ("data", None) => untyped = Some(access.next_value()?),
                _ => {
                    extra.insert(name.into_owned(), access.next_value()?);
                }
            }
        }
        let missing = |name| serde::de::Error::custom(EntryError::Missing(name));
        let metadata = read_metadata.ok_or_else(|| missing("metadata"))?;
        let data = typed.or_else(|| untyped.map(|value| Data::of(&metadata, value))).ok_or_else(|| missing("data"))?;
        Ok(Entry { metadata, data, extra })
    }
}

/// Reads data in the form that the metadata prescribes, without a detour over an untyped object.
struct DataSeed<'a>(&'a Metadata);

impl<'de> DeserializeSeed<'de> for DataSeed<'_> {
    type Value = Data;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        match Form::of(self.0) {
            Some(form) => deserializer.deserialize_any(FormVisitor(form)),
            None => Value::deserialize(deserializer).map(Data::Other),
        }
    }
}

/// Reads metadata, which must be an object.
struct MetadataSeed;

impl<'de> DeserializeSeed<'de> for MetadataSeed {
    type Value = Metadata;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Metadata, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MetadataSeed {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Metadata, A::Error> {
        let read = Metadata::read(Streamed::new(access))?;
        read.map_err(|object| serde::de::Error::custom(EntryError::Metadata(lacking(&object))))
    }
}

struct FormVisitor(Form);

impl<'de> Visitor<'de> for FormVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Data, A::Error> {
        self.0.read(Streamed::new(access))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Data, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(access)).map(|items| Data::Other(Value::Array(items)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Data, E> {
        Ok(Data::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Data, E> {
        Ok(Data::Other(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Data, E> {
        Ok(Data::Other(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data::Other(Value::Null))
    }
}
