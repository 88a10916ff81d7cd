//! The launcher: starts a target on this machine, runs a scenario against it, and keeps what happened.
//!
//! The server is started as a process of its own, so that what is measured is never in the measuring process. This
//! crate does not know what is inside a request.

mod exposition;
pub mod health;
pub mod host;
pub mod intervals;
pub mod keeping;
mod launch;
pub mod marks;
pub mod metrics;
mod process;
pub mod run_page;
pub mod rundir;
mod sample;
pub mod scrape;
pub mod target;

pub use launch::{Launch, launch};
