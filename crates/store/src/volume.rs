//! Volumes: the files that sealed chunks are in, one of which is written at a time.

mod frame;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use rand::RngExt;
use rand::rngs::StdRng;

pub(crate) use frame::{Draft, Frame, Frames, PersonNote, VOLUME_HEADER_BYTES, VolumeHeader, erase};

use crate::chunk::Rows;
use crate::directory::{ChunkRow, VolumeRow};
use crate::disk::{Disk, DiskFile, is_full};
use crate::error::Error;

/// The volumes of a store.
#[derive(Debug)]
pub(crate) struct Volumes {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    files: RwLock<BTreeMap<u32, Volume>>,
    writer: Mutex<Writer>,
}

/// An open volume.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) header: VolumeHeader,
}

#[derive(Debug)]
struct Writer {
    /// A volume is closed once it is this long.
    volume_bytes: u64,
    rng: StdRng,
    /// The number of the next volume.
    next: u32,
    /// The volume that takes the next group, and where.
    tail: Option<(u32, u64)>,
}

/// Where a group of frames was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) volume: u32,
    /// Where the volume ends now.
    pub(crate) end: u64,
    /// Where each frame starts and how long it is.
    pub(crate) places: Vec<(u32, u32)>,
}

impl Volumes {
    /// Opens the volumes in `dir`. `rows` is what the directory knows of them.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        rows: &BTreeMap<u32, VolumeRow>,
        volume_bytes: u64,
        rng: StdRng,
    ) -> Result<Self, Error> {
        let mut files = BTreeMap::new();
        let numbers = numbers(&*disk, &dir)?;
        for number in numbers.iter().filter(|number| rows.contains_key(number)) {
            let path = volume_path(&dir, *number);
            let file = disk.open(&path).map_err(Error::io("opening", &path))?;
            // One whose header is damaged is found out by whoever reads from it.
            if let Some(header) = VolumeHeader::read(&*file).filter(|header| header.number == *number) {
                files.insert(*number, Volume { file, header });
            }
        }
        let next = numbers.last().max(rows.keys().last()).map_or(1, |last| last + 1);
        let tail = rows.last_key_value().filter(|(number, row)| files.contains_key(number) && row.end < volume_bytes);
        let writer = Writer { volume_bytes, rng, next, tail: tail.map(|(number, row)| (*number, row.end)) };
        Ok(Self { disk, dir, files: RwLock::new(files), writer: Mutex::new(writer) })
    }

    pub(crate) fn path(&self, number: u32) -> PathBuf {
        volume_path(&self.dir, number)
    }

    /// The files in the folder that are no volumes of this store: left behind when a volume was given up, or never taken
    /// into use.
    pub(crate) fn strays(&self) -> Result<Vec<PathBuf>, Error> {
        let known = self.files.read().expect("no writer panics");
        let strays = numbers(&*self.disk, &self.dir)?.into_iter().filter(|number| !known.contains_key(number));
        Ok(strays.map(|number| self.path(number)).collect())
    }

    /// The volume of this number, `None` when it is gone.
    pub(crate) fn get(&self, number: u32) -> Option<Volume> {
        self.files.read().expect("no writer panics").get(&number).cloned()
    }

    /// Reads a chunk; `None` when its volume is gone.
    pub(crate) fn read(&self, row: &ChunkRow) -> Result<Option<Rows>, Error> {
        self.read_until(row, None, f64::INFINITY)
    }

    /// Reads a chunk, only the rows of `keys` if some are given, and of those that were written after `until` perhaps not
    /// all; `None` when its volume is gone.
    pub(crate) fn read_until(
        &self,
        row: &ChunkRow,
        keys: Option<&[String]>,
        until: f64,
    ) -> Result<Option<Rows>, Error> {
        let Some(bytes) = self.bytes_of(row)? else { return Ok(None) };
        Rows::decode_until(&bytes, keys, until).map(Some).ok_or_else(|| self.damaged(row))
    }

    /// Reads a chunk as the bytes that it has; `None` when its volume is gone.
    pub(crate) fn bytes_of(&self, row: &ChunkRow) -> Result<Option<Vec<u8>>, Error> {
        let Some(volume) = self.get(row.volume) else { return Ok(None) };
        let mut bytes = vec![0; usize::try_from(row.bytes).expect("a chunk fits in memory")];
        match volume.file.read_at(row.offset.into(), &mut bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(self.damaged(row)),
            read => read.map_err(Error::io("reading", &self.path(row.volume)))?,
        }
        let payload = Frame::read(&bytes, volume.header.salt).and_then(|frame| frame.chunk_of(row));
        payload.map(|payload| Some(payload.to_vec())).ok_or_else(|| self.damaged(row))
    }

    /// The error of a chunk that is not what the directory says.
    pub(crate) fn damaged(&self, row: &ChunkRow) -> Error {
        let what = "a chunk is not what was written".to_owned();
        Error::Corrupt { file: self.path(row.volume), offset: row.offset.into(), what }
    }

    /// Writes a group of frames, durably; nothing counts before the directory knows of it.
    ///
    /// # Errors
    /// [`Error::DiskFull`], and whatever else fails; then the next group takes the place of what was written.
    pub(crate) fn write(&self, drafts: &[Draft]) -> Result<Written, Error> {
        let mut writer = self.writer.lock().expect("no holder panics");
        let (number, offset) = match writer.tail.take() {
            Some(tail) => tail,
            None => self.create(&mut writer)?,
        };
        let volume = self.get(number).expect("the volume that is written is open");
        let (bytes, places) = frame::group(drafts, volume.header.salt, offset);
        let path = self.path(number);
        // What a crash left behind the end must not pass for a group that was written after this one.
        let is_longer = volume.file.len().map_err(Error::io("measuring", &path))? > offset;
        let cut = if is_longer { volume.file.set_len(offset) } else { Ok(()) };
        if let Err(error) = cut.and_then(|()| volume.file.write_at(offset, &bytes)) {
            writer.tail = Some((number, offset));
            let full = is_full(&error).then(|| Error::full(&path, bytes.len() as u64));
            return Err(full.unwrap_or_else(|| Error::io("writing", &path)(error)));
        }
        // After a failed sync nobody knows what the file holds behind `offset`: the next group starts a new volume.
        volume.file.sync().map_err(Error::io("syncing", &path))?;
        let end = offset + bytes.len() as u64;
        writer.tail = (end < writer.volume_bytes).then_some((number, end));
        Ok(Written { volume: number, end, places })
    }

    /// Starts the next group in a volume of its own: nobody knows whether the directory took the last one.
    pub(crate) fn give_up_tail(&self) {
        self.writer.lock().expect("no holder panics").tail = None;
    }

    fn create(&self, writer: &mut Writer) -> Result<(u32, u64), Error> {
        let header = VolumeHeader { number: writer.next, salt: writer.rng.random() };
        let path = self.path(header.number);
        let file = self.disk.create(&path).map_err(|error| self.refused(&path, error))?;
        let prepared = file.write_at(0, &header.write()).and_then(|()| file.sync());
        if let Err(error) = prepared.and_then(|()| self.disk.sync_dir(&self.dir)) {
            let _ = self.disk.remove(&path);
            return Err(self.refused(&path, error));
        }
        writer.next += 1;
        self.files.write().expect("no reader panics").insert(header.number, Volume { file, header });
        Ok((header.number, VOLUME_HEADER_BYTES as u64))
    }

    fn refused(&self, path: &Path, error: std::io::Error) -> Error {
        let bytes = VOLUME_HEADER_BYTES as u64;
        if is_full(&error) { Error::full(path, bytes) } else { Error::io("creating", path)(error) }
    }

    /// How long one becomes before the next one is started.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.writer.lock().expect("no holder panics").volume_bytes
    }

    /// How long the files are together.
    pub(crate) fn bytes(&self) -> Result<u64, Error> {
        let files = self.files.read().expect("no writer panics").clone();
        let length =
            |(number, volume): (&u32, &Volume)| volume.file.len().map_err(Error::io("measuring", &self.path(*number)));
        files.iter().map(length).sum()
    }

    /// Whether groups are written to this volume.
    pub(crate) fn is_tail(&self, number: u32) -> bool {
        self.writer.lock().expect("no holder panics").tail.is_some_and(|(tail, _)| tail == number)
    }

    /// Removes a volume that nothing refers to. Whoever reads it now can finish.
    pub(crate) fn remove(&self, number: u32) -> Result<(), Error> {
        self.files.write().expect("no reader panics").remove(&number);
        self.remove_file(&self.path(number))
    }

    /// Removes a file of the folder.
    pub(crate) fn remove_file(&self, path: &Path) -> Result<(), Error> {
        self.disk.remove(path).map_err(Error::io("removing", path))?;
        self.disk.sync_dir(&self.dir).map_err(Error::io("syncing", &self.dir))
    }
}

/// The numbers of the volumes in `dir`, in order.
pub(crate) fn numbers(disk: &dyn Disk, dir: &Path) -> Result<Vec<u32>, Error> {
    let paths = disk.list(dir).map_err(Error::io("listing", dir))?;
    let volumes = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "chunks"));
    let mut numbers: Vec<u32> = volumes.filter_map(|path| path.file_stem()?.to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The file of volume `number`.
pub(crate) fn volume_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.chunks"))
}
