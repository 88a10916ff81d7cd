//! The road network, and ways through it.
