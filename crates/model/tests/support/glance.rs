//! A glance at an entry that was parsed.

use rushhour_model::stored::glance::{Glance, Leaf, PATHS};
use rushhour_model::stored::observe::Observed;
use serde_json::Value;

/// What `entry` says to a pipeline, if a glance is enough.
pub(crate) fn glance(entry: &Value) -> Option<Observed> {
    let look = |field| {
        let path = PATHS.get(field as usize)?;
        Some(match entry.pointer(&format!("/{}", path.replace('.', "/")))? {
            Value::Null => Leaf::Null,
            Value::Bool(value) => Leaf::Bool(*value),
            Value::Number(number) => number.as_i64().map_or_else(
                || number.as_f64().filter(|_| number.is_f64()).map_or(Leaf::Other, Leaf::Float),
                Leaf::Int,
            ),
            Value::String(text) => Leaf::Text(text),
            Value::Array(_) | Value::Object(_) => Leaf::Other,
        })
    };
    Glance::new(look).observe()
}
