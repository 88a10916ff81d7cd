//! The launcher: starts a target on this machine, runs a scenario against it, and keeps what happened.
//!
//! The server is started as a process of its own, so that what is measured is never in the measuring process. This
//! crate does not know what is inside a request.

pub mod capacity;
mod cgroup;
pub mod cost;
mod emulation;
mod exposition;
pub mod health;
pub mod host;
pub mod intervals;
pub mod keeping;
mod launch;
mod leftovers;
pub mod machine;
pub mod marks;
pub mod metrics;
pub mod pairs;
mod process;
mod processors;
mod reference;
pub mod run_page;
pub mod rundir;
mod sample;
pub mod scrape;
pub mod study;
pub mod target;
mod volume;

pub use launch::{Launch, launch, shape};
