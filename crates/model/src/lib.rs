//! The vocabulary of a travel diary: entries as phones send them, and the bodies of the HTTP interface.
//!
//! Everything else speaks in these types. This crate does no I/O, reads no clock and draws no randomness; it fails only
//! at decoding bytes. Together with the route paths it is the only place that knows the protocol's spellings.

pub mod day;
pub mod entry;
pub mod ids;
pub mod object;
pub mod received;
pub mod sensed;
pub mod shift;
pub mod wire;
