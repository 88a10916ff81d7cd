//! TOML files that people write: read strictly, and refused with the line and what may have been meant.

use rushhour_report::nearest::nearest;
use serde::de::DeserializeOwned;

/// What is wrong with a file: where, what, and what may have been meant.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DocumentError(String);

impl DocumentError {
    /// What is wrong with a file as a whole.
    pub(crate) fn new(what: &str) -> Self {
        Self(what.to_owned())
    }

    /// That `unknown` is none of `expected`, with the one that may have been meant.
    pub(crate) fn unknown(what: &str, unknown: &str, expected: &[&str]) -> Self {
        let meant = nearest(unknown, expected.iter().copied())
            .first()
            .map_or(String::new(), |meant| format!("\ndid you mean `{meant}`?"));
        Self(format!("{what}{meant}"))
    }
}

/// Reads a document.
///
/// # Errors
/// With the line, and with the name that may have been meant where one is unknown.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, DocumentError> {
    toml::from_str(text).map_err(|error| {
        let mut message = error.to_string().trim_end().to_owned();
        if let Some(meant) = suggestion(error.message()) {
            message.push_str(&format!("\ndid you mean `{meant}`?"));
        }
        DocumentError(message)
    })
}

/// The expected name that is closest to the unknown one in a message such as "unknown field `a`, expected `b` or `c`".
fn suggestion(message: &str) -> Option<String> {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (unknown, expected) = names.split_first().filter(|_| message.starts_with("unknown "))?;
    nearest(unknown, expected.iter().copied()).first().map(ToString::to_string)
}
