//! TOML files that people write: read strictly, and refused with the line and what may have been meant.

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
        let meant = closest(unknown, expected).map_or(String::new(), |meant| format!("\ndid you mean `{meant}`?"));
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
    closest(unknown, expected).map(str::to_owned)
}

/// The name that was meant, if any was.
fn closest<'a>(unknown: &str, names: &[&'a str]) -> Option<&'a str> {
    /// Below this nothing was meant in particular; the message lists all names anyway.
    const ALIKE: f64 = 0.7;
    let likeness = |name: &str| strsim::jaro_winkler(unknown, name);
    let closest = names.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(closest) >= ALIKE).then_some(*closest)
}
