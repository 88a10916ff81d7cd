//! The reference server: the HTTP interface of an e-mission server over the store.
//!
//! It answers what a correct client relies on, with the same paths and bodies; where it differs from the original on
//! purpose, `docs/COMPATIBILITY.md` says so. It knows neither who calls it nor how it is measured.

mod activity;
mod admission;
mod app;
mod auth;
mod body;
mod by_day;
mod connection;
pub mod diary;
mod error;
mod events;
pub mod intake;
mod maintenance;
mod metrics;
mod operator;
mod pieces;
mod put_body;
mod request_log;
mod routes;
mod serial;
mod stamps;
mod tls;
mod usages;
mod watched;

pub use admission::QueueLimits;
pub use app::{App, Limits};
pub use auth::{Aggregates, Auth, RateLimit};
pub use connection::{listen, serve};
pub use maintenance::Maintenance;
pub use operator::{OperatorKey, open_operator_page};
pub use routes::router;
pub use tls::Tls;
pub use watched::FileError;
