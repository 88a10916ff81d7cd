//! An entry in memory, of which some fields are read.

use rushhour_model::stored::glance::Fields;
use serde::Deserialize;
use serde::de::value::SeqDeserializer;
use serde_json::{Error, Value};

/// An entry in memory.
pub(crate) struct InMemory<'a>(pub(crate) &'a Value);

impl<'a> Fields<'a> for InMemory<'a> {
    fn pick<T: Deserialize<'a>>(&self, fields: &'static [&'static str]) -> Option<T> {
        let field = |path: &&str| {
            let (top, name) = path.split_once('.')?;
            self.0.get(top)?.get(name).filter(|value| !value.is_array() && !value.is_object())
        };
        let picked = fields.iter().map(field).collect::<Option<Vec<_>>>()?;
        T::deserialize(SeqDeserializer::<_, Error>::new(picked.into_iter())).ok()
    }
}
