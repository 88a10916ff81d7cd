//! Which tokens are believed, and whom they name.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::watched::{FileError, Watched};

/// How tokens are judged.
#[derive(Debug, Default)]
pub(crate) enum Believed {
    /// Any is believed.
    #[default]
    All,
    /// Those that the store knows already.
    Registered,
    /// Those in a list.
    Listed(Watched<HashSet<Fingerprint>>),
    /// Those that start with a secret.
    Secret(Watched<Vec<String>>),
    /// Those that are signed.
    Signed(Watched<Keys>),
}

/// SHA-256 of a token. Looking up a fingerprint takes a time that says nothing about how near a guess is.
type Fingerprint = [u8; 32];

impl Believed {
    pub(crate) fn listed(path: &Path) -> Result<Self, FileError> {
        let read = |bytes: &[u8]| Ok(lines(bytes)?.iter().map(|token| fingerprint(token)).collect());
        Ok(Self::Listed(Watched::open(path, read)?))
    }

    pub(crate) fn secret(path: &Path) -> Result<Self, FileError> {
        Ok(Self::Secret(Watched::open(path, secrets)?))
    }

    pub(crate) fn signed(path: &Path) -> Result<Self, FileError> {
        Ok(Self::Signed(Watched::open(path, Keys::read)?))
    }

    /// Whom `token` names, if it is believed.
    pub(crate) fn name<'a>(&self, app: &App, token: &'a str) -> Option<Cow<'a, str>> {
        let is_believed = match self {
            Self::All => true,
            Self::Registered => app.store.user(token).is_some(),
            Self::Listed(known) => known.get().contains(&fingerprint(token)),
            Self::Secret(known) => known.get().iter().fold(false, |is, secret| is | starts_with(token, secret)),
            Self::Signed(keys) => return keys.get().subject(token).map(Cow::Owned),
        };
        is_believed.then_some(Cow::Borrowed(token))
    }

    pub(crate) fn refresh(&self) -> Result<(), FileError> {
        match self {
            Self::All | Self::Registered => Ok(()),
            Self::Listed(file) => file.refresh(),
            Self::Secret(file) => file.refresh(),
            Self::Signed(file) => file.refresh(),
        }
    }
}

/// A token or secret per line; empty lines and those that start with `#` are none.
fn lines(bytes: &[u8]) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

/// The original's `secret_list.json`, a JSON list, or a secret per line. An empty secret would let everybody in.
fn secrets(bytes: &[u8]) -> Result<Vec<String>, String> {
    let is_list = bytes.trim_ascii_start().first() == Some(&b'[');
    let secrets: Vec<String> =
        if is_list { serde_json::from_slice(bytes).map_err(|error| error.to_string())? } else { lines(bytes)? };
    if secrets.iter().any(String::is_empty) {
        return Err("a secret is empty, which every token starts with".to_owned());
    }
    Ok(secrets)
}

fn fingerprint(token: &str) -> Fingerprint {
    Sha256::digest(token).into()
}

/// In a time that says nothing about how much of the secret was right.
fn starts_with(token: &str, secret: &str) -> bool {
    token.as_bytes().get(..secret.len()).is_some_and(|start| start.ct_eq(secret.as_bytes()).into())
}

/// Keys that tokens are signed with.
pub(crate) struct Keys {
    /// Each with its id, when the file says one.
    keys: Vec<(Option<String>, Algorithm, DecodingKey)>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl Keys {
    /// A key set in JSON, a public RSA key in PEM, or a secret, by how the file starts.
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Err("there is no key in it".to_owned());
        }
        if text.starts_with(b"-----BEGIN") {
            let key = DecodingKey::from_rsa_pem(text).map_err(|error| error.to_string())?;
            return Ok(Self { keys: vec![(None, Algorithm::RS256, key)] });
        }
        if !text.starts_with(b"{") {
            return Ok(Self { keys: vec![(None, Algorithm::HS256, DecodingKey::from_secret(text))] });
        }
        let set: JwkSet = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let keys = set.keys.iter().map(|key| {
            let algorithm = match key.algorithm {
                jsonwebtoken::jwk::AlgorithmParameters::RSA(_) => Algorithm::RS256,
                jsonwebtoken::jwk::AlgorithmParameters::OctetKey(_) => Algorithm::HS256,
                _ => return Err("only RSA keys (RS256) and secrets (HS256) are taken".to_owned()),
            };
            let decoding = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
            Ok((key.common.key_id.clone(), algorithm, decoding))
        });
        Ok(Self { keys: keys.collect::<Result<_, String>>()? })
    }

    /// The subject of a token that one of the keys has signed and that has not expired.
    fn subject(&self, token: &str) -> Option<String> {
        let header = decode_header(token).ok()?;
        let fits = |key: &&(Option<String>, Algorithm, DecodingKey)| {
            key.1 == header.alg && (key.0.is_none() || header.kid.is_none() || key.0 == header.kid)
        };
        self.keys.iter().filter(fits).find_map(|(_, algorithm, key)| {
            let mut validation = Validation::new(*algorithm);
            validation.validate_nbf = true;
            // Whom it was issued for is not said by a study's tokens.
            validation.validate_aud = false;
            Some(decode::<Claims>(token, key, &validation).ok()?.claims.sub)
        })
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_a_prefix_and_never_empty() {
        assert_eq!(secrets(br#"["abc", "x"]"#).unwrap(), ["abc", "x"]);
        assert_eq!(secrets(b"# ours\nabc\n\n x \n").unwrap(), ["abc", "x"]);
        assert!(secrets(br#"["abc", ""]"#).is_err());
        assert!(starts_with("abcdef", "abc") && starts_with("abc", "abc"));
        assert!(!starts_with("ab", "abc") && !starts_with("xabc", "abc"));
    }

    #[test]
    fn a_signed_token_names_its_subject_until_it_expires() {
        let keys = Keys::read(b"between us\n").unwrap();
        let signed = |key: &[u8], claims: serde_json::Value| {
            encode(&Header::default(), &claims, &EncodingKey::from_secret(key)).unwrap()
        };
        let good = json!({"sub": "anna", "exp": 4_000_000_000_u64});
        assert_eq!(keys.subject(&signed(b"between us", good.clone())).as_deref(), Some("anna"));
        assert_eq!(keys.subject(&signed(b"between them", good)), None, "of another key");
        assert_eq!(keys.subject(&signed(b"between us", json!({"sub": "anna", "exp": 1_000}))), None, "expired");
        assert_eq!(keys.subject(&signed(b"between us", json!({"sub": "anna"}))), None, "never expires");
        assert_eq!(keys.subject("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0."), None, "not signed");
        assert_eq!(keys.subject("anna"), None);
    }
}
