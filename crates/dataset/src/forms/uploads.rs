//! `uploads/0000/synth-0000007.jsonl.zst`: every call of a person's phone as a line of JSON, in order of time.
//!
//! A line is `{"at": seconds since 1970, "user": token, "route": path, "is_answered": bool, "body": {…}}`. What a phone
//! did not learn the answer of comes again in a later line. There are a thousand people to a folder.
//!
//! A file is a sequence of zstd frames, each with whole lines: a block that is in memory as a whole is compressed more quickly
//! than a stream.

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
    packer: zstd::bulk::Compressor<'static>,
    /// What is not packed yet.
    text: Vec<u8>,
    packed: Vec<u8>,
}

struct Current<'a> {
    token: String,
    writer: Writer,
    file: Output<'a>,
}

/// The quickest that shrinks well: mobility.md 5.
pub(crate) const ZSTD_LEVEL: i32 = 1;
/// What is made by the gigabyte is packed quicker still: two thirds of the time, half as much again to store. Measured.
const PACKING_LEVEL: i32 = -3;
/// A frame is packed as soon as its text is so long: a put can make it some megabytes longer.
const FRAME_BYTES: usize = 1 << 20;

impl<'a> Uploads<'a> {
    pub(crate) fn new(folder: &'a Folder, world: &'a World) -> Self {
        let packer = zstd::bulk::Compressor::new(PACKING_LEVEL).expect("the level is a valid constant");
        Self { folder, world, current: None, packer, text: Vec::new(), packed: Vec::new() }
    }

    pub(crate) fn begin(&mut self, person: &Person) -> Result<(), Error> {
        let token = person.token();
        let file = self.folder.create(format!("uploads/{:04}/{token}.jsonl.zst", person.user / 1_000))?;
        let writer = Writer::new(person.handset.platform, &self.world.region.locales);
        self.current = Some(Current { token, writer, file });
        Ok(())
    }

    pub(crate) fn add(&mut self, day: &Day) -> Result<(), Error> {
        let Current { token, writer, .. } = self.current.as_mut().expect("a person has begun");
        for call in &day.calls {
            writer.push_call(token, call, &mut self.text);
        }
        if self.text.len() >= FRAME_BYTES { self.pack() } else { Ok(()) }
    }

    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.pack()?;
        self.current.take().expect("a person has begun").file.commit()
    }

    /// Writes a frame.
    fn pack(&mut self) -> Result<(), Error> {
        let Current { file, .. } = self.current.as_mut().expect("a person has begun");
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.text.len()));
        let is_packed = self.packer.compress_to_buffer(&self.text, &mut self.packed);
        is_packed.and_then(|_| file.write_all(&self.packed)).map_err(Error::writing(file.target()))?;
        self.text.clear();
        Ok(())
    }
}
