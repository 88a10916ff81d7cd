//! Files of entries: a JSON array, packed or not by the ending of its name, read and written one entry at a time, so that
//! a file may be larger than memory.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use indicatif::ProgressBar;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::Value;

/// As good as zstd's own default.
const ZSTD_LEVEL: i32 = 3;
/// A bar that is told of every page of a disk costs more than the reading.
const FILE_BUFFER_BYTES: usize = 1 << 16;

/// Hands every element of the array in `path` to `each`, with its index.
///
/// # Errors
/// When the file cannot be read, is not a JSON array, or `each` fails.
pub(crate) fn read(path: &Path, each: &mut dyn FnMut(usize, Value) -> Result<()>) -> Result<()> {
    read_counted(path, &ProgressBar::hidden(), each)
}

/// [`read`], with a bar that moves by the bytes of the file.
///
/// # Errors
/// As there.
pub(crate) fn read_counted(
    path: &Path,
    bar: &ProgressBar,
    each: &mut dyn FnMut(usize, Value) -> Result<()>,
) -> Result<()> {
    let file = bar.wrap_read(File::open(path).with_context(|| format!("reading {}", path.display()))?);
    let reader: Box<dyn Read> = match ending(path) {
        "gz" => Box::new(MultiGzDecoder::new(BufReader::with_capacity(FILE_BUFFER_BYTES, file))),
        "zst" => Box::new(zstd::Decoder::new(file).with_context(|| format!("reading {}", path.display()))?),
        _ => Box::new(file),
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, reader));
    let mut failed = None;
    let elements = Elements { each, failed: &mut failed };
    let read = json.deserialize_seq(elements).and_then(|()| json.end());
    match failed {
        Some(error) => Err(error),
        None => read.with_context(|| format!("reading {} as a JSON array", path.display())),
    }
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

struct Elements<'a> {
    each: &'a mut dyn FnMut(usize, Value) -> Result<()>,
    /// What `each` said: serde's own errors are only texts.
    failed: &'a mut Option<anyhow::Error>,
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(element) = array.next_element()? {
            if let Err(error) = (self.each)(index, element) {
                *self.failed = Some(error);
                return Err(serde::de::Error::custom("stopped"));
            }
            index += 1;
        }
        Ok(())
    }
}

/// An array that is being written, one entry a line.
pub(crate) struct EntryWriter {
    output: Output,
    is_empty: bool,
    name: String,
}

enum Output {
    Plain(Box<dyn Write>),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl EntryWriter {
    /// Writes to `path`, or to stdout.
    pub(crate) fn create(path: Option<&PathBuf>) -> Result<Self> {
        let name = path.map_or("stdout".to_owned(), |path| path.display().to_string());
        let output = match path {
            None => Output::Plain(Box::new(BufWriter::new(stdout()))),
            Some(path) => {
                let file = BufWriter::new(File::create(path).with_context(|| format!("creating {name}"))?);
                match ending(path) {
                    "gz" => Output::Gzip(GzEncoder::new(file, Compression::default())),
                    "zst" => Output::Zstd(zstd::Encoder::new(file, ZSTD_LEVEL).context("starting zstd")?),
                    _ => Output::Plain(Box::new(file)),
                }
            }
        };
        Ok(Self { output, is_empty: true, name })
    }

    /// Adds an entry.
    pub(crate) fn push(&mut self, entry: &impl serde::Serialize) -> Result<()> {
        let mut line = if self.is_empty { b"[\n".to_vec() } else { b",\n".to_vec() };
        self.is_empty = false;
        serde_json::to_writer(&mut line, entry).context("writing an entry as JSON")?;
        self.write(&line)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.output {
            Output::Plain(output) => output.write_all(bytes),
            Output::Gzip(output) => output.write_all(bytes),
            Output::Zstd(output) => output.write_all(bytes),
        };
        written.with_context(|| format!("writing {}", self.name))
    }

    /// Closes the array and the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.write(if self.is_empty { b"[]\n" } else { b"\n]\n" })?;
        let finished = match self.output {
            Output::Plain(mut output) => output.flush(),
            Output::Gzip(output) => output.finish().and_then(|mut file| file.flush()),
            Output::Zstd(output) => output.finish().and_then(|mut file| file.flush()),
        };
        finished.with_context(|| format!("writing {}", self.name))
    }
}
