//! From uploads to diaries, through the routes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may panic")]

mod chapters;
mod diaries;
#[path = "../support/people.rs"]
mod people;
mod phone;
mod server;
mod sums;
