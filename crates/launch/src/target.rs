//! What a scenario is sent to: a target file.

use rushhour_load::address::Address;
use rushhour_load::document::{self, DocumentError};
use rushhour_load::scenario::Name;
use rushhour_load::software::Software;
use serde::{Deserialize, Serialize};

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// A short name; it becomes part of the result's folder.
    pub name: Name,
    /// Flags of `rushhour serve`, for a reference server that is not as it is by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// Which server.
    #[serde(default)]
    pub server: Server,
}

/// Which server, and who starts it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    /// The reference server with a fresh store, started and stopped by the launcher.
    #[default]
    Reference,
    /// One that is running already; its processor, memory and disk are not seen.
    External {
        /// Its address, such as `http://192.0.2.7:8080`.
        url: Address,
        /// `e-mission` for the original server: its pipeline leaves little data alone, and the result says when it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        software: Option<Software>,
    },
}

impl Target {
    /// The reference server on this machine as it is: what is launched when no file is given.
    pub fn local() -> Self {
        document::parse("name = \"local\"").expect("a constant")
    }

    /// Reads a target from TOML.
    ///
    /// # Errors
    /// With the line, and with the field that may have been meant where one is unknown.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        document::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_its_server() {
        assert_eq!(Target::local().server, Server::Reference);
        let target = Target::parse("name = \"a\"\n[server.external]\nurl = \"http://192.0.2.7\"").unwrap();
        let url = || "http://192.0.2.7".parse().unwrap();
        assert_eq!(target.server, Server::External { url: url(), software: None });
        let original = "name = \"a\"\n[server.external]\nurl = \"http://192.0.2.7\"\nsoftware = \"e-mission\"";
        let target = Target::parse(original).unwrap();
        assert_eq!(target.server, Server::External { url: url(), software: Some(Software::EMission) });
        assert_eq!(Target::parse(&toml::to_string(&target).unwrap()).unwrap(), target);
        let flags = "flags = [\"--store\", \"serial\"]";
        assert_eq!(Target::parse(&format!("name = \"a\"\n{flags}")).unwrap().flags, ["--store", "serial"]);
        let error = Target::parse("name = \"a\"\nserver = \"refrence\"").unwrap_err().to_string();
        assert!(error.contains("did you mean `reference`?"), "{error}");
    }
}
