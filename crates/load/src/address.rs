//! Where a target is: an address that requests can be sent to.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::Authority;
use serde::{Deserialize, Serialize};

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// An address such as `http://127.0.0.1:8080` or `https://example.org`. Nothing else can be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    scheme: Scheme,
    authority: Authority,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Address {
    /// Host and port as they stand in the address.
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The host alone, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port; that of the protocol when none is given.
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.is_tls() { HTTPS_PORT } else { HTTP_PORT })
    }

    /// Whether it is spoken to through TLS.
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls() { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let failed = |reason: &str| format!("`{text}` is not an address such as http://127.0.0.1:8080: {reason}");
        let uri: Uri = text.parse().map_err(|error: hyper::http::uri::InvalidUri| failed(&error.to_string()))?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(failed("it starts with neither http:// nor https://")),
        };
        if uri.path() != "/" || uri.query().is_some() {
            return Err(failed("an address has no path"));
        }
        let authority = uri.into_parts().authority.ok_or_else(|| failed("it names no host"))?;
        Ok(Self { scheme, authority })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_what_is_needed_to_connect() {
        let address: Address = "http://localhost:81/".parse().unwrap();
        assert_eq!((address.host(), address.port(), address.authority()), ("localhost", 81, "localhost:81"));
        assert_eq!(address.to_string(), "http://localhost:81");
        let address: Address = "http://[::1]:81".parse().unwrap();
        assert_eq!((address.host(), address.port(), address.authority()), ("::1", 81, "[::1]:81"));
        assert_eq!("http://localhost".parse::<Address>().unwrap().port(), 80);
        let address: Address = "https://localhost".parse().unwrap();
        assert_eq!(
            (address.port(), address.is_tls(), address.to_string()),
            (443, true, "https://localhost".to_owned())
        );
    }

    #[test]
    fn what_cannot_be_driven_is_no_address() {
        for (text, reason) in [
            ("localhost:8080", "neither http:// nor"),
            ("ftp://localhost", "neither http:// nor"),
            ("http://localhost/diary", "no path"),
            ("http://localhost?a", "no path"),
            ("http://", "is not an address"),
            ("", "is not an address"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
