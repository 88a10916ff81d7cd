//! The interface, without a socket.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may panic")]

mod auth;
mod compressed;
mod heatmap;
mod labels;
mod large_puts;
mod logs;
mod openapi;
mod others_data;
mod overload;
mod routes;
mod server;
mod usages;
