//! A synthetic population as files: written in the forms that servers, pipelines and people read, with its ground
//! truth; and what can be said about it: its statistics, and how much of it a pipeline recovers.
//!
//! All I/O of the generator is here; what is written is made in `synth`, which cannot fail.

pub mod configuration;
pub mod error;
pub mod export;
pub mod folder;
mod forms;
pub mod generate;
pub mod in_order;
pub mod inspect;
pub mod manifest;
pub mod osm;
pub mod people;
pub mod recovery;
pub mod scene;
pub mod score;
pub mod statistics;
pub mod truth;
pub mod validate;
