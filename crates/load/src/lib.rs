//! The load simulator: a scenario becomes a schedule, the schedule becomes requests at intended times, and what
//! happened to each becomes a result.
//!
//! Latency counts from the intended time, so a target that freezes shows in every request that it delayed. This crate
//! knows nothing of the server but its HTTP interface.

pub mod address;
pub mod arrivals;
mod before;
mod bodies;
pub mod closed;
pub mod control;
pub mod described;
pub mod document;
pub mod driver;
mod error;
mod intensity;
mod lag;
pub mod line;
mod live;
pub mod observer;
pub mod operation;
pub mod pacer;
pub mod plan;
pub mod population;
pub mod probe;
mod recorded;
pub mod recorder;
pub mod recording;
pub mod replay;
pub mod request;
mod run;
pub mod scenario;
pub mod schedule;
mod sender;
mod settle;
pub mod software;
pub mod stop;
mod synthetic;
pub mod template;
pub mod tls;
pub mod transport;
pub mod upload;
pub mod validity;
mod watched;

pub use before::before;
pub use error::LoadError;
pub use run::{Finished, Run, Share, Start, run};
