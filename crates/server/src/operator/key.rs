//! The operator's key: who shows it may look at the operator's page from anywhere.

use std::path::Path;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::watched::{FileError, Watched};

/// The key in a file, which is looked at again when it changes.
#[derive(Debug)]
pub struct OperatorKey(Watched<[u8; 32]>);

impl OperatorKey {
    /// Reads the key: the first line of the file.
    ///
    /// # Errors
    /// When the file cannot be read, or has no key.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let read = |bytes: &[u8]| {
            let key = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
            if key.is_empty() { Err("there is no key in its first line".to_owned()) } else { Ok(digest(key)) }
        };
        Watched::open(path, read).map(Self)
    }

    pub(super) fn refresh(&self) -> Result<(), FileError> {
        self.0.refresh()
    }

    /// Whether a request shows the key: as a bearer token, or as the password that a browser asks for.
    pub(super) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, given)) = given.and_then(|value| value.split_once(' ')) else { return false };
        let key = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => given.trim().as_bytes().to_vec(),
            "basic" => password(given.trim()).unwrap_or_default(),
            _ => return false,
        };
        // In a time that says nothing about how much of it was right.
        digest(&key).ct_eq(&*self.0.get()).into()
    }
}

/// What stands behind the name, whatever that is.
fn password(given: &str) -> Option<Vec<u8>> {
    let pair = STANDARD.decode(given).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    pair.get(colon + 1..).map(<[u8]>::to_vec)
}

fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_is_shown_as_a_bearer_token_or_as_a_password() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "\n").unwrap();
        assert!(OperatorKey::open(&path).is_err(), "everybody shows nothing");
        std::fs::write(&path, "sesame\nand what else there is\n").unwrap();
        let key = OperatorKey::open(&path).unwrap();
        let is_shown = |given: &str| {
            key.is_shown(&HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(given).unwrap())]))
        };
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        assert!(is_shown("Bearer sesame") && is_shown(&basic("anybody:sesame")) && is_shown(&basic(":sesame")));
        for wrong in
            ["Bearer", "Bearer ", "Bearer sesam", "sesame", "Basic sesame", &basic("sesame"), &basic("sesame:")]
        {
            assert!(!is_shown(wrong), "{wrong}");
        }
        assert!(!key.is_shown(&HeaderMap::new()));
    }
}
