//! What the models know before the first entry: what they learnt from days of other phones.
//!
//! A day has a few hundred entries, of which the first hundred would go into learning what all phones have in common.
//! The primer is the models' bits after many days, one set for each [`Dialect`]; `examples/prime.rs` makes it. It belongs to
//! the format: another primer is another version.

use std::sync::LazyLock;

use crate::range_coder::Bit;
use crate::rows::Rows;
use crate::stream::{Repeats, Stream};
use crate::tables::Models;

/// What was learnt, packed.
static PRIMER: &[u8] = include_bytes!("primer.bin");
/// The primer is far smaller; it bounds what unpacking takes.
const PRIMER_BYTES_MAX: usize = 1 << 24;
/// So much is believed of what was learnt elsewhere, as if it were so many bits of this day.
const SEEN_MAX: u16 = 6;

/// Whose entries a chunk's are most like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Android,
    Ios,
    RoundedIos,
}

impl Dialect {
    pub(crate) fn of(is_ios: bool, is_rounded: bool) -> Self {
        match (is_ios, is_rounded) {
            (false, _) => Self::Android,
            (true, false) => Self::Ios,
            (true, true) => Self::RoundedIos,
        }
    }
}

/// Which models a stream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Location,
    Filtered,
    Motion,
    Others,
}

const DIALECTS: usize = 3;
const KINDS: usize = 4;

impl Kind {
    fn repeats(self) -> Repeats {
        match self {
            Self::Location => Repeats::Itself,
            Self::Filtered => Repeats::Other,
            Self::Motion | Self::Others => Repeats::Nothing,
        }
    }
}

/// What was learnt in writing a chunk.
pub(crate) struct Learnt {
    pub(crate) dialect: Dialect,
    pub(crate) streams: Vec<(Kind, Stream)>,
    pub(crate) tables: Models,
}

/// The models of all streams of all dialects.
#[derive(Clone, Debug)]
pub struct Primer {
    streams: [[Stream; KINDS]; DIALECTS],
    tables: [Models; DIALECTS],
}

static PRIMED: LazyLock<Primer> = LazyLock::new(|| {
    // Other models would be another format, by which nothing could be read that was written.
    Primer::unpack(PRIMER).expect("the primer is of these models; `examples/prime.rs` makes it")
});

impl Primer {
    /// The primer of the format.
    pub(crate) fn of_format() -> &'static Self {
        &PRIMED
    }

    /// Models that know nothing.
    pub fn blank() -> Self {
        let kinds = [Kind::Location, Kind::Filtered, Kind::Motion, Kind::Others];
        let streams = || kinds.map(|kind| Stream::new(kind.repeats()));
        Self { streams: std::array::from_fn(|_| streams()), tables: std::array::from_fn(|_| Models::default()) }
    }

    /// Learns from the entries of a chunk-to-be; returns how many bytes they took, by what was known before.
    pub fn learn(&mut self, rows: &Rows) -> usize {
        let (bytes, learnt) = rows.encode_by(self);
        let Learnt { dialect, streams, tables } = learnt;
        for (kind, mut stream) in streams {
            stream.forget();
            if let Some(known) = self.streams.get_mut(dialect as usize).and_then(|kinds| kinds.get_mut(kind as usize)) {
                *known = stream;
            }
        }
        if let Some(known) = self.tables.get_mut(dialect as usize) {
            *known = tables;
        }
        bytes.len()
    }

    /// The primer as the format would have it.
    ///
    /// # Panics
    /// Never: what was packed is unpacked.
    pub fn settled(&mut self) -> Self {
        Self::unpack(&self.pack()).expect("it was just packed")
    }

    /// How many bytes a chunk of these entries takes by what is known.
    pub fn bytes(&self, rows: &Rows) -> usize {
        rows.encode_by(self).0.len()
    }

    pub(crate) fn stream(&self, dialect: Dialect, kind: Kind) -> Stream {
        let stream = self.streams.get(dialect as usize).and_then(|kinds| kinds.get(kind as usize));
        stream.expect("there are all of them").clone()
    }

    pub(crate) fn tables(&self, dialect: Dialect) -> Models {
        self.tables.get(dialect as usize).expect("there are all of them").clone()
    }

    /// The primer as bytes: for each stream which columns it has, then of all bits what is likely, then how often each
    /// was seen.
    pub fn pack(&mut self) -> Vec<u8> {
        let mut columns = Vec::new();
        let mut likely = Vec::new();
        let mut seen = Vec::new();
        for stream in self.streams.iter_mut().flatten() {
            let numbers: Vec<u8> = stream.column_numbers().collect();
            columns.push(u8::try_from(numbers.len()).expect("there are fewer known fields"));
            columns.extend(numbers);
        }
        self.visit(&mut |bit| {
            let (zero, times) = bit.learnt();
            likely.extend(zero.to_le_bytes());
            seen.push(u8::try_from(times.min(SEEN_MAX)).expect("at most a few"));
        });
        let plain = [columns, seen, likely].concat();
        zstd::bulk::compress(&plain, 19).expect("compressing into a fresh vector cannot fail")
    }

    fn unpack(packed: &[u8]) -> Option<Self> {
        let plain = zstd::bulk::decompress(packed, PRIMER_BYTES_MAX).ok()?;
        let mut rest = &plain[..];
        let mut primer = Self::blank();
        for stream in primer.streams.iter_mut().flatten() {
            let (count, behind) = rest.split_first()?;
            let (numbers, behind) = behind.split_at_checked(usize::from(*count))?;
            numbers.iter().for_each(|number| stream.add_column(*number));
            rest = behind;
        }
        let bits = rest.len() / 3;
        let (seen, likely) = rest.split_at_checked(bits)?;
        let mut learnt = seen.iter().zip(likely.as_chunks::<2>().0);
        let mut is_whole = true;
        primer.visit(&mut |bit| match learnt.next() {
            Some((times, zero)) => *bit = Bit::known(u16::from_le_bytes(*zero), (*times).into()),
            None => is_whole = false,
        });
        primer.streams.iter_mut().flatten().for_each(Stream::share);
        (is_whole && learnt.next().is_none()).then_some(primer)
    }

    fn visit(&mut self, see: &mut dyn FnMut(&mut Bit)) {
        self.streams.iter_mut().flatten().for_each(|stream| stream.visit(see));
        self.tables.iter_mut().for_each(|tables| tables.visit(see));
    }
}
