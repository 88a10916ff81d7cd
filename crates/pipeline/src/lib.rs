//! The pipeline: from what a person's phones observed to the trips of a diary.
//!
//! Every stage is a pure function; nothing here can fail, reads a clock or draws anything. What cannot be read comes back
//! beside the result, as [`Rejected`](observations::Rejected). The diary is written in [`chapters`](chapter), so that new
//! entries cost what they change, and every portioning of the same entries ends in the same diary.

mod changes;
pub mod chapter;
mod clean;
pub mod documents;
mod expectation;
pub mod features;
mod flip_flop;
mod gaps;
mod ids;
mod inference;
pub mod input;
pub mod keys;
pub mod labels;
pub mod leg;
mod legs;
pub mod mode;
pub mod moment;
pub mod observations;
pub mod outline;
pub mod place;
pub mod position;
mod resampling;
mod sections;
mod smoothing;
mod statistics;
mod stays;
pub mod timeline;
mod track;
pub mod transit;
mod trips;
pub mod write;
