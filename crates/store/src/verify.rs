//! Looking at everything: what there is, how large it is, and whether it is what was written.

use std::collections::BTreeMap;

use crate::chunk::Rows;
use crate::core::Core;
use crate::directory::ChunkRow;
use crate::error::Error;
use crate::log::{LogPosition, scan};
use crate::query::second_of;
use crate::store::Store;
use crate::volume::{Frame, Frames};

/// What the files of a store take, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Segments of the log, with the room that is reserved.
    pub log: u64,
    /// Chunks that count, with what says who users are.
    pub live_chunks: u64,
    /// Chunks that others took the place of.
    pub dead_chunks: u64,
    /// Diaries, which are in the directory's file.
    pub diaries: u64,
    /// The rest of that file.
    pub directory: u64,
    /// Volumes.
    pub volumes: usize,
    /// Chunks that count.
    pub chunks: u64,
}

impl Usage {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.log + self.live_chunks + self.dead_chunks + self.diaries + self.directory
    }
}

/// Something in a store that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The file.
    pub file: std::path::PathBuf,
    /// Where in it.
    pub offset: u64,
    /// What is wrong.
    pub what: String,
}

/// What [`Store::verify`] has looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Uploads in the log.
    pub uploads: u64,
    /// Chunks that count.
    pub chunks: u64,
    /// Entries in both.
    pub entries: u64,
    /// What is wrong.
    pub flaws: Vec<Flaw>,
}

impl Store {
    /// How many bytes what takes. Blocks the thread.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn usage(&self) -> Result<Usage, Error> {
        let core = &self.core;
        let diaries = core.directory.diary_bytes()?;
        let directory = core.directory.bytes()?.saturating_sub(diaries);
        let mut usage = Usage { log: core.segments.bytes()?, diaries, directory, ..Usage::default() };
        for (number, row) in core.directory.volumes()? {
            let path = core.volumes.path(number);
            let volume = core.volumes.get(number);
            let length =
                volume.map_or(Ok(row.end), |volume| volume.file.len()).map_err(Error::io("measuring", &path))?;
            usage.volumes += 1;
            usage.dead_chunks += row.dead + length.saturating_sub(row.end);
            usage.live_chunks += row.end.saturating_sub(row.dead);
        }
        core.directory.each_chunk(&mut |_| usage.chunks += 1)?;
        Ok(usage)
    }

    /// Looks at every frame of the log and of the volumes: whether each is whole, decodes, and is what the directory says.
    /// `progress` is told how many bytes were read. What happens meanwhile may be missed. Blocks the thread.
    ///
    /// # Errors
    /// When a file cannot be read. What is damaged is no error here, but a [`Flaw`].
    pub fn verify(&self, progress: &mut dyn FnMut(u64)) -> Result<Verified, Error> {
        let _working = self.maintenance.lock().expect("no holder panics");
        let mut verified = Verified::default();
        self.core.verify_log(&mut verified)?;
        progress(self.core.segments.bytes()?);
        let mut rows: BTreeMap<u32, BTreeMap<u32, ChunkRow>> = BTreeMap::new();
        self.core.directory.each_chunk(&mut |row| {
            rows.entry(row.volume).or_default().insert(row.offset, row);
        })?;
        for (number, volume) in self.core.directory.volumes()? {
            self.core.verify_volume(number, volume.end, rows.remove(&number).unwrap_or_default(), &mut verified)?;
            progress(volume.end);
        }
        for (volume, rows) in rows {
            for (offset, _) in rows {
                let file = self.core.volumes.path(volume);
                let what = "a chunk that the directory knows is in no volume".to_owned();
                verified.flaws.push(Flaw { file, offset: offset.into(), what });
            }
        }
        Ok(verified)
    }
}

impl Core {
    fn verify_log(&self, verified: &mut Verified) -> Result<(), Error> {
        let start = self.directory.log_start()?;
        let start = LogPosition { segment: start.segment, ..start };
        // What is being written now may look torn, which is no flaw.
        let scanned = scan(&*self.disk, self.segments.dir(), start, self.directory.last_segment()?, &mut |_, _| {})?;
        let damage = scanned.damage.into_iter();
        verified.flaws.extend(damage.map(|damage| Flaw {
            file: damage.file,
            offset: damage.offset,
            what: damage.what,
        }));
        for user in self.hot.users() {
            for record in self.hot.snapshot(user).records {
                match self.read_record(user, &record, None) {
                    Ok(rows) => {
                        verified.uploads += 1;
                        verified.entries += rows.map_or(0, |rows| rows.len() as u64);
                    }
                    Err(error) => verified.flaw(error)?,
                }
            }
        }
        Ok(())
    }

    fn verify_volume(
        &self,
        number: u32,
        end: u64,
        mut rows: BTreeMap<u32, ChunkRow>,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        let path = self.volumes.path(number);
        let flaw = |offset: u64, what: &str| Flaw { file: path.clone(), offset, what: what.to_owned() };
        let Some(volume) = self.volumes.get(number) else {
            verified.flaws.push(flaw(0, "the volume is missing, or its header is damaged"));
            return Ok(());
        };
        let frames = Frames::of(&*volume.file, volume.header, end).map_err(Error::io("reading", &path))?;
        frames.each(&mut |at, _, frame| {
            let row = u32::try_from(at).ok().and_then(|at| rows.remove(&at));
            match (frame, row) {
                (None, _) => verified.flaws.push(flaw(at as u64, "a stretch is not what was written")),
                // What nothing refers to only has to be whole.
                (Some(_), None) => {}
                (Some(frame), Some(row)) => match chunk_flaw(&frame, &row) {
                    Some(what) => verified.flaws.push(flaw(at as u64, what)),
                    None => {
                        verified.chunks += 1;
                        verified.entries += u64::from(row.entries);
                    }
                },
            }
        });
        for (offset, _) in rows {
            verified.flaws.push(flaw(offset.into(), "no frame starts where the directory knows a chunk"));
        }
        Ok(())
    }
}

fn chunk_flaw(frame: &Frame<'_>, row: &ChunkRow) -> Option<&'static str> {
    let Some(payload) = frame.chunk_of(row) else { return Some("a chunk is another one than the directory says") };
    let Some(rows) = Rows::decode(payload, None) else { return Some("a chunk does not decode") };
    let is_so = (0..rows.len()).all(|at| {
        let second = second_of(rows.write_ts(at));
        (row.first_s..=row.last_s).contains(&second) && (row.first_upload..=row.last_upload).contains(&rows.upload(at))
    });
    let has_all = u32::try_from(rows.len()) == Ok(row.entries);
    (!is_so || !has_all).then_some("the entries of a chunk are not those that the directory says")
}

impl Verified {
    fn flaw(&mut self, error: Error) -> Result<(), Error> {
        match error {
            Error::Corrupt { file, offset, what } => self.flaws.push(Flaw { file, offset, what }),
            error => return Err(error),
        }
        Ok(())
    }
}
