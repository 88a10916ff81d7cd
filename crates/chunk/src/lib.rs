//! The bytes in which entries are kept: some six of them for an entry that is three hundred as JSON.
//!
//! [`Rows`] are entries of one user, taken apart into leaves: [`Rows::parse`] takes JSON texts apart, [`Rows::encode`]
//! makes a chunk of them, [`Rows::decode`] reads it, and [`Rows::texts`] puts the entries together again. A [`Reader`]
//! reads them as values of other types, a [`Look`] sees a few of their fields, and [`Ordinary`] takes an upload apart while
//! its JSON is read. Every entry comes back as the same JSON value, to the bit of its floats and to the point of `5.0`; what is not an object, has a
//! key twice or is out of all proportion comes back as the same text.
//!
//! This crate is pure: it reads no file and knows of no store. How a chunk comes to be so small is told in
//! `docs/design/chunk.md`.

mod bodies;
mod chunk;
mod column;
mod decode;
mod draft;
mod encode;
mod flatten;
mod integer;
mod look;
mod moment;
mod number;
mod ordinary;
mod part;
mod paths;
mod plain;
mod primed;
mod primer;
mod range_coder;
mod reader;
mod rounding;
mod rows;
mod sizes;
mod stream;
mod tables;
mod template;
mod text;
mod value;

pub use look::{Fields, Leaf, Look, Seen};
pub use ordinary::Ordinary;
pub use primer::Primer;
pub use reader::Reader;
pub use rows::{Name, NewRow, Rows, by_identity, by_time};
pub use sizes::{Sizes, StreamSize, sizes};
