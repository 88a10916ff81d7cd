//! The numbers of a run: how they are gathered into percentiles, kept as JSON, and shown as tables.
//!
//! Everything here works on what a run left behind. This crate knows neither HTTP nor people nor the server.

pub mod calibration;
pub mod capacity;
pub mod catalogue;
pub mod compare;
pub mod cost;
pub mod diagnosis;
pub mod environment;
pub mod histogram;
pub mod history;
pub mod hlog;
pub mod instance;
pub mod interval;
pub mod junit;
pub mod limit;
pub mod merge;
mod metric;
pub mod nearest;
pub mod page;
pub mod prometheus;
pub mod recompute;
pub mod result;
mod student;
pub mod study;
pub mod summary;
pub mod table;
pub mod usl;
pub mod volume;
pub mod watch;
