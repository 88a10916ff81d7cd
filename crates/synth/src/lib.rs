//! People who do not exist: from a seed to what they did, and to what their phones recorded and sent.
//!
//! Pure: no I/O, no clock, nothing that can fail. A person's life depends on the seed, the parameters and the person's
//! number alone, never on how many others there are or who asks first.

mod agenda;
mod clock;
pub mod course;
pub mod draws;
pub mod entries;
mod kinematics;
mod labels;
pub mod life;
mod memory;
pub mod mode_choice;
pub mod parameters;
pub mod person;
pub mod phone;
pub mod plane;
pub mod region;
pub mod roads;
pub mod sensed;
mod today;
pub mod track;
pub mod travel;
pub mod truth;
pub mod upload;
pub mod week;
pub mod world;
