//! `uploads/0000/synth-0000007.jsonl.zst`: every call of a person's phone as a line of JSON, in order of time.
//!
//! A line is `{"at": seconds since 1970, "user": token, "route": path, "is_answered": bool, "body": {…}}`. What a phone
//! did not learn the answer of comes again in a later line. There are a thousand people to a folder.

use std::io::Write;

use rushhour_synth::entries::Writer;
use rushhour_synth::person::Person;
use rushhour_synth::world::{Day, World};

use crate::error::Error;
use crate::folder::{Folder, Output};

/// One person after another.
pub(crate) struct Uploads<'a> {
    folder: &'a Folder,
    world: &'a World,
    current: Option<Current<'a>>,
    text: Vec<u8>,
}

struct Current<'a> {
    token: String,
    writer: Writer,
    file: zstd::Encoder<'static, Output<'a>>,
}

/// The quickest that shrinks well: mobility.md 5.
pub(crate) const ZSTD_LEVEL: i32 = 1;

impl<'a> Uploads<'a> {
    pub(crate) fn new(folder: &'a Folder, world: &'a World) -> Self {
        Self { folder, world, current: None, text: Vec::new() }
    }

    pub(crate) fn begin(&mut self, person: &Person) -> Result<(), Error> {
        let token = person.token();
        let output = self.folder.create(format!("uploads/{:04}/{token}.jsonl.zst", person.user / 1_000))?;
        let target = output.target().to_owned();
        let file = zstd::Encoder::new(output, ZSTD_LEVEL).map_err(Error::writing(&target))?;
        let writer = Writer::new(person.handset.platform, &self.world.region.locales);
        self.current = Some(Current { token, writer, file });
        Ok(())
    }

    pub(crate) fn add(&mut self, day: &Day) -> Result<(), Error> {
        let Current { token, writer, file } = self.current.as_mut().expect("a person has begun");
        for call in &day.calls {
            self.text.clear();
            writer.push_call(token, call, &mut self.text);
            file.write_all(&self.text).map_err(Error::writing(file.get_ref().target()))?;
        }
        Ok(())
    }

    pub(crate) fn end(&mut self) -> Result<(), Error> {
        let Current { file, .. } = self.current.take().expect("a person has begun");
        let target = file.get_ref().target().to_owned();
        file.finish().map_err(Error::writing(&target))?.commit()
    }
}
