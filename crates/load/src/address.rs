//! Where a target is: an address that requests can be sent to.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::Authority;
use serde::{Deserialize, Serialize};

const HTTP_PORT: u16 = 80;

/// An address such as `http://127.0.0.1:8080`. Nothing else can be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Authority);

impl Address {
    /// Host and port as they stand in the address.
    pub fn authority(&self) -> &str {
        self.0.as_str()
    }

    /// The host alone, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.0.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, 80 when none is given.
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(HTTP_PORT)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
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
        if uri.scheme_str() != Some("http") {
            return Err(failed("only http:// can be driven so far"));
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(failed("an address has no path"));
        }
        uri.into_parts().authority.map(Self).ok_or_else(|| failed("it names no host"))
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
    }

    #[test]
    fn what_cannot_be_driven_is_no_address() {
        for (text, reason) in [
            ("localhost:8080", "only http://"),
            ("https://localhost", "only http://"),
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
