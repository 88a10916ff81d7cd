//! Any bytes at all through every reader: nothing panics, and what is read comes back as it came.
//!
//! `cargo +nightly fuzz run entry` in `crates/model`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rushhour_model::analysis::Document;
use rushhour_model::entry::Entry;
use rushhour_model::received::Received;
use rushhour_model::record::Field;
use rushhour_model::shift;
use rushhour_model::stored::{StoredEntry, to_phone, to_stored};
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    if let Ok(raw) = serde_json::from_slice::<&RawValue>(bytes) {
        let _ = Received::read(raw);
    }
    let from_text = serde_json::from_slice::<Entry>(bytes);
    if let Ok(mut entry) = Entry::try_from(value.clone()) {
        assert_eq!(serde_json::to_value(&entry).expect("an entry can be written"), value);
        if let Ok(from_text) = from_text {
            assert_eq!(from_text, entry);
        }
        if let Ok(stored) = to_stored(entry.clone()) {
            let _ = to_phone(stored);
        }
        shift::by_days(&mut entry, 1);
    }
    if let Ok(stored) = StoredEntry::try_from(value.clone()) {
        let _ = to_phone(stored);
    }
    let _ = Document::from_value(value).map(Field::into_value);
});
