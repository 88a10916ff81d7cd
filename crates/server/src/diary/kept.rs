//! Chapters as the store keeps them: an outline, and a number that tells whether what is found again is the same.
//!
//! ```text
//! kept = version u8 | digest u32 | outline in postcard
//! ```
//! Numbers are little-endian.

use rushhour_pipeline::chapter::Chapter;
use rushhour_pipeline::outline::Outline;

/// The first byte of every kept chapter and state. Another one means that the diary is written anew. It is raised with every
/// change of what the pipeline finds, or of how it is written.
const VERSION: u8 = 2;

/// A chapter as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KeptChapter {
    pub(super) outline: Outline,
    /// Of the legs and inputs that it had when it was written.
    pub(super) digest: u32,
}

impl KeptChapter {
    pub(super) fn pack(chapter: &Chapter) -> Vec<u8> {
        let head = digest(chapter).to_le_bytes();
        let outline = postcard::to_stdvec(&Outline::of(chapter)).expect("plain structures can be written");
        versioned(&[head.as_slice(), outline.as_slice()].concat())
    }

    /// `None` when the bytes are not a chapter of this version; then the diary is written anew.
    pub(super) fn unpack(bytes: &[u8]) -> Option<Self> {
        let (digest, outline) = unversioned(bytes)?.split_first_chunk()?;
        Some(Self { outline: postcard::from_bytes(outline).ok()?, digest: u32::from_le_bytes(*digest) })
    }

    /// Whether `chapter` is the one that was written.
    pub(super) fn is_of(&self, chapter: &Chapter) -> bool {
        digest(chapter) == self.digest
    }
}

fn digest(chapter: &Chapter) -> u32 {
    let parts = postcard::to_stdvec(&(&chapter.legs, &chapter.inputs)).expect("plain structures can be written");
    crc32c::crc32c(&parts)
}

/// `bytes` behind the version.
pub(super) fn versioned(bytes: &[u8]) -> Vec<u8> {
    [&[VERSION], bytes].concat()
}

/// The bytes behind the version, if it is ours.
pub(super) fn unversioned(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_first().filter(|(version, _)| **version == VERSION).map(|(_, bytes)| bytes)
}
