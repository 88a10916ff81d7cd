//! The vocabulary of a travel diary: entries as phones send them, and the bodies of the HTTP interface.
//!
//! Everything else speaks in these types. This crate does no I/O, reads no clock and draws no randomness; it fails only
//! at decoding bytes. Together with the route paths it is the only place that knows the protocol's spellings.

pub mod analysis;
mod arrival;
pub mod day;
pub mod entered;
pub mod entry;
pub mod extended_json;
pub mod ids;
pub mod local_date;
pub mod received;
pub mod record;
pub mod sensed;
pub mod shift;
pub mod stored;
pub mod strict;
pub mod wire;
