//! A diary in memory: what a server does with its store, done with a vector.

use std::collections::BTreeMap;
use std::ops::Range;

use rushhour_model::entry::Entry;
use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::{UserId, entry_id};
use rushhour_pipeline::chapter::{Chapter, Opening};
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::outline::{Outline, rebuild};
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write};

/// A person's entries and chapters.
#[derive(Default)]
pub(crate) struct Diary {
    entries: BTreeMap<ObjectId, Entry>,
    pub(crate) chapters: Vec<Chapter>,
    /// How many chapters the last upload rewrote.
    pub(crate) rewritten: usize,
}

impl Diary {
    pub(crate) fn take_in(&mut self, upload: Vec<Entry>) {
        let user = UserId(Default::default());
        let mut fresh = Observations::default();
        for entry in upload {
            let id = entry_id(user, &entry.metadata.kind, &entry.metadata.key, entry.metadata.write_s());
            fresh.push(id, entry.clone());
            self.entries.insert(id, entry);
        }
        if self.chapters.is_empty() {
            self.chapters = write(Observations::default(), Vec::new(), Opening::first(), &settings(user));
        }
        let news = fresh.news();
        let inputs = fresh.take_inputs();
        let standing = self.chapters.iter().rposition(|chapter| chapter.opening.stands(&news)).unwrap();
        let old = self.chapters.split_off(standing);
        self.rewritten = old.len();
        let opening = old.first().unwrap().opening.clone();
        let mut carried: Vec<_> = old.into_iter().flat_map(|chapter| chapter.inputs).collect();
        for input in inputs {
            let is_before = |chapter: &&mut Chapter| chapter.opening.inputs_from_ts() <= input.start_ts;
            if input.start_ts >= opening.inputs_from_ts() || self.chapters.is_empty() {
                carried.push(input);
            } else if let Some(chapter) = self.chapters.iter_mut().rev().find(is_before) {
                chapter.add_inputs([input]);
            }
        }
        let needs_from = opening.start.map_or(f64::NEG_INFINITY, |start| start.needs_from_write_ts);
        let mut observations = Observations::default();
        for (id, entry) in self.entries.iter().filter(|(_, entry)| entry.metadata.write_s() >= needs_from) {
            observations.push(*id, entry.clone());
        }
        observations.take_inputs();
        self.chapters.extend(write(observations, carried, opening, &settings(user)));
    }
}

impl Diary {
    /// The chapters of `range`, found again from what is kept of them.
    pub(crate) fn rebuilt(&self, range: Range<usize>) -> Vec<Chapter> {
        let user = UserId(Default::default());
        let kept = |chapter: &Chapter| -> Outline {
            serde_json::from_value(serde_json::to_value(Outline::of(chapter)).unwrap()).unwrap()
        };
        let outlines: Vec<Outline> = self.chapters.get(range).unwrap().iter().map(kept).collect();
        let start = outlines.first().and_then(|outline| outline.opening.start);
        let from = start.map_or(f64::NEG_INFINITY, |start| start.needs_from_write_ts);
        let until = outlines.iter().map(|outline| outline.needs_until_write_ts).fold(f64::NEG_INFINITY, f64::max);
        let observed = |from: f64, until: f64| {
            let mut observations = Observations::default();
            let is_asked = |entry: &Entry| (from..=until).contains(&entry.metadata.write_s());
            for (id, entry) in self.entries.iter().filter(|(_, entry)| is_asked(entry)) {
                observations.push(*id, entry.clone());
            }
            observations
        };
        let inputs = observed(f64::NEG_INFINITY, f64::INFINITY).take_inputs();
        rebuild(user, &outlines, observed(from, until), &inputs)
    }
}

fn settings(user: UserId) -> Settings<'static> {
    static NOWHERE: std::sync::LazyLock<(Stops, Model)> = std::sync::LazyLock::new(Default::default);
    Settings { user, stops: &NOWHERE.0, model: &NOWHERE.1 }
}
