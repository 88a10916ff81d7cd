//! `timeline/synth_UUID.gz`: a person's entries in stored form, in the order in which they reached the server.
//!
//! The names are those that the original server's loader for several users looks for with the prefix `timeline/synth`; it
//! wants a file with the state of its pipeline beside each, which has nothing in it: the pipeline has not run.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use rushhour_model::entry::Entry;
use rushhour_model::ids::{UserId, entry_id};
use rushhour_model::stored::{StoredEntry, to_stored};
use rushhour_synth::entries::{Item, Writer, items};
use rushhour_synth::person::Person;
use rushhour_synth::phone::Platform;
use rushhour_synth::sensed::Recording;
use rushhour_synth::world::{Day, World};

use crate::error::Error;
use crate::folder::{Folder, Output};
use crate::forms::delivered;

/// One person after another.
pub(crate) struct Timelines<'a> {
    folder: &'a Folder,
    world: &'a World,
    current: Option<Current<'a>>,
}

struct Current<'a> {
    user: UserId,
    platform: Platform,
    writer: Writer,
    file: GzEncoder<Output<'a>>,
    is_empty: bool,
    text: Vec<u8>,
}

impl<'a> Timelines<'a> {
    pub(crate) fn new(folder: &'a Folder, world: &'a World) -> Self {
        Self { folder, world, current: None }
    }

    pub(crate) fn begin(&mut self, person: &Person) -> Result<(), Error> {
        let mut state = self.gzip(format!("timeline/synth_pipelinestate_{}.gz", person.id))?;
        state.write_all(b"[]\n").map_err(Error::writing(state.get_ref().target()))?;
        finish(state)?;
        self.current = Some(Current {
            user: UserId(person.id),
            platform: person.handset.platform,
            writer: Writer::new(person.handset.platform, &self.world.region.locales),
            file: self.gzip(format!("timeline/synth_{}.gz", person.id))?,
            is_empty: true,
            text: Vec::new(),
        });
        Ok(())
    }

    fn gzip(&self, path: String) -> Result<GzEncoder<Output<'a>>, Error> {
        Ok(GzEncoder::new(self.folder.create(path)?, Compression::default()))
    }

    pub(crate) fn add(&mut self, day: &Day) -> Result<(), Error> {
        let current = self.current.as_mut().expect("a person has begun");
        for recording in delivered(day) {
            current.add(recording).map_err(Error::writing(current.file.get_ref().target()))?;
        }
        Ok(())
    }

    pub(crate) fn end(&mut self) -> Result<(), Error> {
        let mut current = self.current.take().expect("a person has begun");
        let end: &[u8] = if current.is_empty { b"[]\n" } else { b"\n]\n" };
        let written = current.file.write_all(end);
        written.map_err(Error::writing(current.file.get_ref().target()))?;
        finish(current.file)
    }
}

fn finish(file: GzEncoder<Output<'_>>) -> Result<(), Error> {
    let target = file.get_ref().target().to_owned();
    file.finish().map_err(Error::writing(&target))?.commit()
}

impl Current<'_> {
    fn add(&mut self, recording: &Recording) -> io::Result<()> {
        for item in items(recording, self.platform) {
            let stored = stored(&mut self.writer, self.user, &item, &mut self.text);
            // At once: a compressor that is fed word by word spends its time on being called.
            self.text.clear();
            self.text.extend_from_slice(if self.is_empty { b"[\n" } else { b",\n" });
            serde_json::to_writer(&mut self.text, &stored)?;
            self.file.write_all(&self.text)?;
            self.is_empty = false;
        }
        Ok(())
    }
}

/// An entry as the server keeps it; `text` is what it is written in on the way.
fn stored(writer: &mut Writer, user: UserId, item: &Item<'_>, text: &mut Vec<u8>) -> StoredEntry {
    text.clear();
    writer.push_entry(item, text);
    let entry: Entry = serde_json::from_slice(text).expect("a phone's text is an entry");
    let metadata = &entry.metadata;
    let id = entry_id(user, &metadata.kind, &metadata.key, metadata.write_s());
    let stored = to_stored(entry).expect("a phone sends what the server can format");
    StoredEntry { id: Some(id), user: Some(user), ..stored }
}
