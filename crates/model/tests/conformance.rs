//! The 15 real days, where the machine has them (`RUSHHOUR_DAYS`): what phones sent, and what the original server made
//! of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![expect(clippy::print_stderr, reason = "it tells how much was compared")]

#[path = "support/glance.rs"]
mod glance;

use std::fs::File;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use glance::glance;
use rushhour_model::analysis::{Document, Finding};
use rushhour_model::entry::{Data, Entry};
use rushhour_model::record::{Field, Record};
use rushhour_model::stored::observe::{Observed, observe};
use rushhour_model::stored::{StoredEntry, to_phone, to_stored};
use serde_json::Value;

/// Every day's name with the content of its files of `kind`; `None` when the machine has no days.
fn days(kind: &str) -> Option<Vec<(String, Vec<Value>)>> {
    #[expect(clippy::disallowed_methods, reason = "the days lie where the machine has them")]
    let dir = PathBuf::from(std::env::var_os("RUSHHOUR_DAYS")?);
    let ending = format!(".{kind}.json.gz");
    let listing = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("RUSHHOUR_DAYS={}: {error}", dir.display()));
    let mut paths: Vec<_> = listing.map(|item| item.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(&ending));
    paths.sort();
    assert!(!paths.is_empty(), "no *{ending} in {}", dir.display());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().trim_end_matches(&ending).to_owned();
        (name, serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap())
    };
    Some(paths.into_iter().map(read).collect())
}

fn without_ids(mut value: Value) -> Value {
    let fields = value.as_object_mut().unwrap();
    fields.shift_remove("_id");
    fields.shift_remove("user_id");
    value
}

#[test]
fn phone_form_is_typed_and_comes_back_as_it_came() {
    let Some(days) = days("raw") else { return };
    let mut count = 0;
    for (name, entries) in &days {
        for before in entries {
            let entry: Entry = serde_json::from_str(&before.to_string()).unwrap();
            assert!(!matches!(entry.data, Data::Other(_)), "{name}: {before}");
            assert_eq!(Entry::try_from(before.clone()).unwrap(), entry);
            assert_eq!(serde_json::to_value(&entry).unwrap(), *before, "{name}");
            count += 1;
        }
    }
    eprintln!("{count} entries of {} days read and written back", days.len());
}

#[test]
fn a_glance_is_enough_for_what_phones_sense() {
    let Some(days) = days("raw") else { return };
    let (mut seen, mut sensed) = (0, 0);
    for before in days.iter().flat_map(|(_, entries)| entries) {
        let text = before.to_string();
        let whole = observe(serde_json::from_str(&text).unwrap());
        let glance = glance(before);
        sensed += usize::from(!matches!(whole, Ok(Observed::Input(_))));
        seen += usize::from(glance.is_some());
        if let Some(glance) = glance {
            assert_eq!(Ok(glance), whole, "{text}");
        }
    }
    eprintln!("a glance was enough for {seen} of {sensed} entries");
    assert!(seen * 100 >= sensed * 90, "{seen} of {sensed}");
}

#[test]
fn phone_form_becomes_the_originals_stored_form_field_by_field() {
    let (Some(raw), Some(stored)) = (days("raw"), days("stored")) else { return };
    let mut count = 0;
    for ((name, raw), (_, stored)) in raw.iter().zip(stored) {
        assert_eq!(raw.len(), stored.len(), "{name}");
        for (before, theirs) in raw.iter().zip(stored) {
            let ours = to_stored(Entry::try_from(before.clone()).unwrap()).unwrap();
            assert_eq!(serde_json::to_value(&ours).unwrap(), without_ids(theirs), "{name}: {before}");
            count += 1;
        }
    }
    eprintln!("{count} entries of {} days formatted", raw.len());
}

#[test]
fn stored_form_is_read_and_becomes_phone_form_again() {
    let (Some(raw), Some(stored)) = (days("raw"), days("stored")) else { return };
    for ((name, raw), (_, stored)) in raw.iter().zip(stored) {
        for (sent, before) in raw.iter().zip(stored) {
            let read = StoredEntry::try_from(before.clone()).unwrap();
            assert!(read.id.is_some() && read.user.is_some() && read.metadata.extra.is_empty(), "{name}: {before}");
            assert_eq!(serde_json::to_value(&read).unwrap(), before, "{name}");
            let ours = serde_json::to_value(to_phone(read).unwrap()).unwrap();
            assert_eq!(ours, *sent, "{name}: {before}");
        }
    }
}

#[test]
fn analysis_documents_are_typed_and_come_back_as_they_came() {
    let Some(days) = days("analysis") else { return };
    let mut count = 0;
    for (name, documents) in &days {
        for before in documents {
            let document = Document::from_value(before.clone()).unwrap_or_else(|value| panic!("{name}: {value}"));
            assert!(!matches!(document.data, Finding::Other(_)), "{name}: {before}");
            assert_eq!(serde_json::to_value(&document).unwrap(), *before, "{name}");
            let numbers = |part: &str| before[part].as_object().unwrap().iter().map(|(name, of)| (name, of.as_f64()));
            assert!(numbers("metadata").all(|(name, of)| document.metadata.number(name) == of), "{name}: {before}");
            assert!(numbers("data").all(|(name, of)| document.data.number(name) == of), "{name}: {before}");
            assert_eq!(document.data.number("nobody_has_this"), None);
            assert_eq!(document.into_value(), *before, "{name}");
            count += 1;
        }
    }
    eprintln!("{count} analysis documents of {} days", days.len());
}
