//! The program as its users run it: real processes, real sockets, real signals.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may panic")]

mod browser;
mod capacity;
mod compare;
mod diary;
mod events;
mod interrupt;
mod kill;
mod launch;
mod logs;
mod machines;
mod operator;
mod original;
mod otava;
mod prometheus;
mod report;
mod schemathesis;
mod serving;
mod shards;
mod stall;
mod starved;
mod store;
mod study;
mod synth;
