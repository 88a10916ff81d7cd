//! Where and with what a run was made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machine, the program and the moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// When the run started, RFC 3339.
    pub started_at: String,
    /// The machine's name.
    pub host: String,
    /// Its operating system and kernel.
    pub kernel: String,
    /// Its processor.
    pub cpu_model: String,
    /// How many processors this program may use.
    pub cores: usize,
    /// Its memory.
    pub memory_bytes: u64,
    /// How busy it was before the run: processes that wanted a processor, averaged over a minute.
    pub load_1m: f64,
    /// The version of this program.
    pub version: String,
    /// The commit it was built from.
    pub commit: String,
    /// How it was called.
    pub command: Vec<String>,
}
