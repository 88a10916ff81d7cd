//! What every e-mission server corrects when an entry arrives: stamps in milliseconds become seconds, and dots in the
//! field names of `stats` entries become underscores, as MongoDB once forbade them.

use serde_json::{Number, Value};

use crate::record::Object;

/// Stamps from here on are in milliseconds; the original draws the line here too (`usercache/put`).
pub(crate) const MILLISECONDS_FROM: f64 = 1e11;

/// The stamp in seconds.
pub(crate) fn in_seconds(stamp: &Number) -> Number {
    let ms = stamp.as_f64().filter(|stamp| *stamp >= MILLISECONDS_FROM);
    ms.and_then(|ms| Number::from_f64(ms / 1000.0)).unwrap_or_else(|| stamp.clone())
}

/// Brings the `ts` of an entry's data to seconds.
pub(crate) fn correct_ts(data: &mut Object) {
    if let Some(Value::Number(stamp)) = data.get_mut("ts") {
        *stamp = in_seconds(stamp);
    }
}

/// The object without dots in its field names, at any depth.
pub(crate) fn undot_object(object: Object) -> Object {
    object.into_iter().map(|(name, value)| (name.replace('.', "_"), undot(value))).collect()
}

fn undot(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(undot_object(object)),
        Value::Array(items) => Value::Array(items.into_iter().map(undot).collect()),
        leaf => leaf,
    }
}

/// Whether a field's name has a dot in it, at any depth.
pub(crate) fn has_dotted_name(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.iter().any(|(name, value)| name.contains('.') || has_dotted_name(value)),
        Value::Array(items) => items.iter().any(has_dotted_name),
        _ => false,
    }
}
