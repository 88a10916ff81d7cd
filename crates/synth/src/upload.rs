//! What a phone says to the server, and when.

use crate::sensed::Recording;
use crate::truth::Micros;

/// One call of a phone.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The intended time.
    pub at_us: Micros,
    /// What it is.
    pub request: Request,
}

/// What a phone calls for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `usercache/get`: is there anything for me?
    Get,
    /// `usercache/put`: what I recorded.
    Put {
        /// The entries, in the order of writing; the phone never sends anything else than all it has up to some write time.
        recording: Recording,
        /// Whether the phone learned that the server has it. If not, the same entries come again in a later put, and
        /// whoever wants each entry once skips this one.
        is_answered: bool,
    },
}
