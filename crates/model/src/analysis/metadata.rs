//! The metadata of documents, of which many may have one in common.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::record::Field;
use crate::stored::StoredMetadata;

/// A document's metadata. A copy is the same one.
#[derive(Clone, Debug)]
pub struct Metadata {
    metadata: Arc<StoredMetadata>,
    /// As JSON, if it is written often.
    text: Option<Arc<RawValue>>,
}

impl Metadata {
    /// For many documents: it becomes JSON once for all of them.
    pub fn of_many(metadata: StoredMetadata) -> Self {
        let text = to_raw_value(&metadata).ok().map(Arc::from);
        Self { text, ..Self::from(metadata) }
    }
}

impl From<StoredMetadata> for Metadata {
    fn from(metadata: StoredMetadata) -> Self {
        Self { metadata: Arc::new(metadata), text: None }
    }
}

impl Deref for Metadata {
    type Target = StoredMetadata;

    fn deref(&self) -> &StoredMetadata {
        &self.metadata
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.metadata == other.metadata
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.text {
            Some(text) => text.serialize(serializer),
            None => self.metadata.serialize(serializer),
        }
    }
}

impl Field for Metadata {
    fn from_value(value: Value) -> Result<Self, Value> {
        StoredMetadata::from_value(value).map(Self::from)
    }

    fn into_value(self) -> Value {
        Arc::unwrap_or_clone(self.metadata).into_value()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_many_have_in_common_is_written_as_each_would_write_it() {
        let value = json!({"key": "analysis/recreated_location", "platform": "server", "write_ts": 1.5,
            "time_zone": "America/Los_Angeles", "write_fmt_time": "1969-12-31T16:00:01.500000-08:00", "beside": [1],
            "write_local_dt": {"year": 1969, "month": 12, "day": 31, "hour": 16, "minute": 0, "second": 1, "weekday": 2,
                "timezone": "America/Los_Angeles"}});
        let own = StoredMetadata::from_value(value.clone()).unwrap();
        let shared = Metadata::of_many(own.clone());
        assert_eq!(serde_json::to_string(&shared).unwrap(), serde_json::to_string(&own).unwrap());
        assert_eq!(serde_json::to_value(&shared).unwrap(), value);
        assert_eq!(shared, Metadata::from(own));
        assert_eq!(shared.into_value(), value);
    }
}
