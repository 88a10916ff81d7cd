//! The load simulator: a scenario becomes a schedule, the schedule becomes requests at intended times, and what
//! happened to each becomes a result.
//!
//! Latency counts from the intended time, so a target that freezes shows in every request that it delayed. This crate
//! knows nothing of the server but its HTTP interface.

pub mod address;
pub mod arrivals;
pub mod control;
pub mod document;
pub mod driver;
mod error;
pub mod observer;
pub mod operation;
pub mod pool;
pub mod population;
mod recorded;
pub mod recorder;
pub mod recording;
pub mod request;
mod run;
pub mod scenario;
pub mod schedule;
pub mod stop;
mod synthetic;
pub mod transport;
pub mod upload;
pub mod validity;

pub use error::LoadError;
pub use run::{Run, run};
