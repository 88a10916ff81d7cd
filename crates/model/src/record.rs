//! JSON objects with known fields: typed where the format is known, kept as they came everywhere else.
//!
//! A derived `#[serde(flatten)]` would do the same but reads every object twice, refuses a whole object for one field of
//! an unexpected type, and takes a `null` for an absence. The macro `record` reads in one pass; a field of another type than
//! expected stays in `extra`, and what lacks a required field is handed back whole.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Number, Value};

/// A JSON object.
pub type Object = Map<String, Value>;

/// A JSON value of one type. What is not of that type is handed back.
pub trait Field: Sized + Serialize {
    /// Reads the value.
    fn from_value(value: Value) -> Result<Self, Value>;
    /// The value again.
    fn into_value(self) -> Value;
    /// What it is as a number, if it is one.
    fn as_number(&self) -> Option<f64> {
        None
    }
}

/// A place for a field: one that must be there, or an [`Option`].
pub trait Slot: Sized {
    /// Reads the value that stands in the place.
    fn fill(value: Value) -> Result<Self, Value>;
    /// What it is when nothing stands there; `None` when something must.
    fn absent() -> Option<Self>;
    /// The value again, if there is one.
    fn into_value(self) -> Option<Value>;
    /// Writes it under `name`, if it is there.
    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error>;
    /// What stands there as a number, if it is one.
    fn number(&self) -> Option<f64>;
}

impl<T: Field> Slot for T {
    fn fill(value: Value) -> Result<Self, Value> {
        T::from_value(value)
    }

    fn absent() -> Option<Self> {
        None
    }

    fn into_value(self) -> Option<Value> {
        Some(Field::into_value(self))
    }

    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry(name, self)
    }

    fn number(&self) -> Option<f64> {
        self.as_number()
    }
}

impl<T: Field> Slot for Option<T> {
    fn fill(value: Value) -> Result<Self, Value> {
        T::from_value(value).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn into_value(self) -> Option<Value> {
        self.map(Field::into_value)
    }

    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        self.as_ref().map_or(Ok(()), |value| map.serialize_entry(name, value))
    }

    fn number(&self) -> Option<f64> {
        self.as_ref().and_then(Field::as_number)
    }
}

/// A value that may also be `null`, which is not the same as absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Nullable<T>(pub Option<T>);

impl<T: Field> Field for Nullable<T> {
    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Null => Ok(Self(None)),
            value => T::from_value(value).map(|value| Self(Some(value))),
        }
    }

    fn into_value(self) -> Value {
        self.0.map_or(Value::Null, Field::into_value)
    }

    fn as_number(&self) -> Option<f64> {
        self.0.as_ref().and_then(Field::as_number)
    }
}

impl<T: Serialize> Serialize for Nullable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

macro_rules! plain_fields {
    ($($Type:ty: $Variant:ident),*) => {$(
        impl Field for $Type {
            fn from_value(value: Value) -> Result<Self, Value> {
                match value {
                    Value::$Variant(value) => Ok(value),
                    other => Err(other),
                }
            }

            fn into_value(self) -> Value {
                Value::$Variant(self)
            }
        }
    )*};
}

plain_fields!(String: String, bool: Bool, Object: Object);

impl Field for Number {
    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Number(number) => Ok(number),
            other => Err(other),
        }
    }

    fn into_value(self) -> Value {
        Value::Number(self)
    }

    fn as_number(&self) -> Option<f64> {
        self.as_f64()
    }
}

impl Field for Value {
    fn from_value(value: Value) -> Result<Self, Value> {
        Ok(value)
    }

    fn into_value(self) -> Value {
        self
    }

    fn as_number(&self) -> Option<f64> {
        self.as_f64()
    }
}

impl Field for i64 {
    fn from_value(value: Value) -> Result<Self, Value> {
        value.as_i64().ok_or(value)
    }

    fn into_value(self) -> Value {
        self.into()
    }

    #[expect(clippy::cast_precision_loss, reason = "as a reader of JSON does it")]
    fn as_number(&self) -> Option<f64> {
        Some(*self as f64)
    }
}

impl<T: Field> Field for Vec<T> {
    /// All of it or nothing: a list with one strange element is handed back as it was.
    fn from_value(value: Value) -> Result<Self, Value> {
        let Value::Array(items) = value else { return Err(value) };
        let mut read = Vec::with_capacity(items.len());
        let mut items = items.into_iter();
        while let Some(item) = items.next() {
            match T::from_value(item) {
                Ok(item) => read.push(item),
                Err(strange) => {
                    let before = read.into_iter().map(Field::into_value);
                    return Err(Value::Array(before.chain([strange]).chain(items).collect()));
                }
            }
        }
        Ok(read)
    }

    fn into_value(self) -> Value {
        Value::Array(self.into_iter().map(Field::into_value).collect())
    }
}

/// Names and values one after another.
pub trait Fields<'a> {
    /// Why there is no next one.
    type Error;
    /// The next one.
    fn next(&mut self) -> Result<Option<(Cow<'a, str>, Value)>, Self::Error>;
}

/// The fields of an object in memory.
#[derive(Debug)]
pub struct InMemory(pub serde_json::map::IntoIter);

impl Fields<'static> for InMemory {
    type Error = Infallible;

    fn next(&mut self) -> Result<Option<(Cow<'static, str>, Value)>, Infallible> {
        Ok(self.0.next().map(|(name, value)| (Cow::Owned(name), value)))
    }
}

/// The fields of an object that is being read.
#[derive(Debug)]
pub struct Streamed<'de, A> {
    access: A,
    input: PhantomData<&'de ()>,
}

impl<A> Streamed<'_, A> {
    /// The fields that `access` gives.
    pub fn new(access: A) -> Self {
        Self { access, input: PhantomData }
    }
}

impl<'de, A: MapAccess<'de>> Fields<'de> for Streamed<'de, A> {
    type Error = A::Error;

    fn next(&mut self) -> Result<Option<(Cow<'de, str>, Value)>, A::Error> {
        let Some(name) = self.access.next_key_seed(Text)? else { return Ok(None) };
        Ok(Some((name, self.access.next_value()?)))
    }
}

/// A text, borrowed from the input where it has no escapes.
#[derive(Clone, Copy, Debug)]
pub struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// An object with known fields.
pub trait Record: Sized {
    /// Reads it, or hands back all fields when a required one is missing or of another type.
    fn read<'a, F: Fields<'a>>(fields: F) -> Result<Result<Self, Object>, F::Error>;
    /// Writes its fields into `map`, but those with the names `without`.
    fn write<M: SerializeMap>(&self, without: &[&str], map: &mut M) -> Result<(), M::Error>;
    /// All its fields.
    fn into_object(self) -> Object;
    /// The number of this name, if there is one: as [`Record::into_object`] has it, without making that.
    fn number(&self, name: &str) -> Option<f64>;
    /// Reads it from an object in memory.
    fn from_object(object: Object) -> Result<Self, Object> {
        match Self::read(InMemory(object.into_iter())) {
            Ok(read) => read,
            Err(never) => match never {},
        }
    }
}

/// Declares records: `field: Type` must be there, `field: Option<Type>` may be; `= "name"` gives the name in JSON where
/// it is not the field's.
macro_rules! record {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $wire:literal) => { $wire };
    ($($(#[$about:meta])* pub struct $Name:ident {
        $($(#[$note:meta])* $field:ident $(= $wire:literal)?: $Type:ty,)*
    })*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $Name {
            $($(#[$note])* pub $field: $Type,)*
            /// Fields we do not know, and known ones of another type than expected.
            pub extra: $crate::record::Object,
        }

        impl $crate::record::Record for $Name {
            fn read<'a, F: $crate::record::Fields<'a>>(
                mut fields: F,
            ) -> Result<Result<Self, $crate::record::Object>, F::Error> {
                use $crate::record::Slot;
                $(let mut $field: Option<$Type> = None;)*
                let mut extra = $crate::record::Object::new();
                while let Some((name, value)) = fields.next()? {
                    $(if name == record!(@name $field $($wire)?) {
                        match Slot::fill(value) {
                            Ok(value) => {
                                $field = Some(value);
                                // Of a name that comes twice the last one counts, also over one of another type.
                                if !extra.is_empty() {
                                    extra.shift_remove(&*name);
                                }
                            }
                            Err(value) => {
                                $field = None;
                                extra.insert(name.into_owned(), value);
                            }
                        }
                        continue;
                    })*
                    extra.insert(name.into_owned(), value);
                }
                $(let $field = $field.or_else(<$Type as Slot>::absent);)*
                if true $(&& $field.is_some())* {
                    $(let $field = $field.expect("all of them were just seen to be there");)*
                    return Ok(Ok(Self { $($field,)* extra }));
                }
                $(if let Some(value) = $field.and_then(Slot::into_value) {
                    extra.insert(record!(@name $field $($wire)?).to_owned(), value);
                })*
                Ok(Err(extra))
            }

            fn write<M: serde::ser::SerializeMap>(&self, without: &[&str], map: &mut M) -> Result<(), M::Error> {
                $(if !without.contains(&record!(@name $field $($wire)?)) {
                    $crate::record::Slot::write(&self.$field, record!(@name $field $($wire)?), map)?;
                })*
                let mut extra = self.extra.iter().filter(|(name, _)| !without.contains(&name.as_str()));
                extra.try_for_each(|(name, value)| map.serialize_entry(name, value))
            }

            fn into_object(self) -> $crate::record::Object {
                // A server's additions find room too: growing an object means hashing all its names again.
                const ROOM: usize = 4 + [$(stringify!($field)),*].len();
                let mut object = $crate::record::Object::with_capacity(ROOM + self.extra.len());
                $(if let Some(value) = $crate::record::Slot::into_value(self.$field) {
                    object.insert(record!(@name $field $($wire)?).to_owned(), value);
                })*
                object.extend(self.extra);
                object
            }

            fn number(&self, name: &str) -> Option<f64> {
                $(if name == record!(@name $field $($wire)?) && !self.extra.contains_key(name) {
                    return $crate::record::Slot::number(&self.$field);
                })*
                self.extra.get(name)?.as_f64()
            }
        }

        impl $crate::record::Field for $Name {
            fn from_value(value: serde_json::Value) -> Result<Self, serde_json::Value> {
                match value {
                    serde_json::Value::Object(object) => {
                        $crate::record::Record::from_object(object).map_err(serde_json::Value::Object)
                    }
                    other => Err(other),
                }
            }

            fn into_value(self) -> serde_json::Value {
                serde_json::Value::Object($crate::record::Record::into_object(self))
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $crate::record::Record::write(self, &[], &mut map)?;
                map.end()
            }
        }
    )*};
}
pub(crate) use record;
