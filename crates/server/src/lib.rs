//! The reference server: the HTTP interface of an e-mission server over the store.
//!
//! It answers what a correct client relies on, with the same paths and bodies; where it differs from the original on
//! purpose, `docs/COMPATIBILITY.md` says so. It knows neither who calls it nor how it is measured.

mod activity;
mod app;
mod auth;
mod body;
mod connection;
pub mod diary;
mod error;
pub mod intake;
mod maintenance;
mod metrics;
mod operator;
mod request_log;
mod routes;

pub use app::{App, Limits};
pub use connection::serve;
pub use maintenance::Maintenance;
pub use operator::open_operator_page;
pub use routes::router;
