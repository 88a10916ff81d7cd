//! Requests that a scenario describes itself: any method, path, headers and body, filled from a CSV feeder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::template::{Filling, Template};

/// The largest feeder that is taken.
const FEEDER_ROWS_MAX: usize = 1_000_000;

/// A request as a scenario describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// `GET`, `POST`, …
    #[serde(default)]
    pub method: Verb,
    /// The path with its query.
    pub path: Template,
    /// Beside `host` and, with a body, `content-length` and `content-type`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<HeaderKey, HeaderText>,
    /// The body.
    pub body: Option<Template>,
    /// A CSV file with headings, relative to the scenario; each request is filled from one of its rows.
    pub feeder: Option<PathBuf>,
}

/// A method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Verb(pub Method);

impl Default for Verb {
    fn default() -> Self {
        Self(Method::POST)
    }
}

impl TryFrom<String> for Verb {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let method = text.to_ascii_uppercase().parse().map_err(|_| format!("`{text}` is not a method such as GET"))?;
        Ok(Self(method))
    }
}

impl From<Verb> for String {
    fn from(verb: Verb) -> Self {
        verb.0.to_string()
    }
}

/// The name of a header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HeaderKey(String);

impl TryFrom<String> for HeaderKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse::<HeaderName>().map_err(|_| format!("`{text}` is not the name of a header"))?;
        Ok(Self(text))
    }
}

impl From<HeaderKey> for String {
    fn from(key: HeaderKey) -> Self {
        key.0
    }
}

impl HeaderKey {
    pub(crate) fn name(&self) -> HeaderName {
        self.0.parse().expect("it was parsed when it was made")
    }
}

/// The value of a header, which may have gaps as a path and a body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HeaderText(Template);

impl TryFrom<String> for HeaderText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        HeaderValue::from_str(&text).map_err(|_| format!("`{text}` cannot be the value of a header"))?;
        Ok(Self(Template::try_from(text)?))
    }
}

impl From<HeaderText> for String {
    fn from(text: HeaderText) -> Self {
        text.0.into()
    }
}

impl HeaderText {
    /// The value, if it has no gaps.
    pub(crate) fn plain(&self) -> Option<HeaderValue> {
        self.0.plain().map(value)
    }

    pub(crate) fn fill(&self, filling: &Filling<'_>) -> HeaderValue {
        value(self.0.fill(filling))
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.columns()
    }
}

/// What a feeder has that no header can have is left out.
fn value(mut text: String) -> HeaderValue {
    text.retain(|character| !character.is_control());
    HeaderValue::from_str(&text).expect("only control characters cannot be in a header")
}

/// The rows that requests are filled from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feeder {
    /// The names of the columns.
    pub headings: Vec<String>,
    /// As many cells each as there are headings.
    pub rows: Vec<Vec<String>>,
}

impl Feeder {
    /// Reads a CSV file with headings, and checks that `request` finds its columns in it.
    ///
    /// # Errors
    /// When it cannot be read, has no rows or too many, or lacks a column.
    pub fn read(path: &Path, request: &Described) -> Result<Self, String> {
        let failed = |error: csv::Error| format!("reading the feeder {}: {error}", path.display());
        let mut reader = csv::Reader::from_path(path).map_err(failed)?;
        let headings: Vec<_> = reader.headers().map_err(failed)?.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for row in reader.records() {
            if rows.len() == FEEDER_ROWS_MAX {
                return Err(format!("the feeder {} has more than {FEEDER_ROWS_MAX} rows", path.display()));
            }
            rows.push(row.map_err(failed)?.iter().map(str::to_owned).collect());
        }
        if rows.is_empty() {
            return Err(format!("the feeder {} has no rows", path.display()));
        }
        let feeder = Self { headings, rows };
        match request.missing(&feeder.headings) {
            Some(column) => Err(format!("the feeder {} has no column `{column}`", path.display())),
            None => Ok(feeder),
        }
    }
}

impl Described {
    /// A column that it asks for and that is not among `headings`.
    pub fn missing(&self, headings: &[String]) -> Option<&str> {
        let templates = [Some(&self.path), self.body.as_ref()];
        let headers = self.headers.values().flat_map(HeaderText::columns);
        let mut columns = templates.into_iter().flatten().flat_map(Template::columns).chain(headers);
        columns.find(|column| !headings.iter().any(|heading| heading == column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feeder_needs_the_columns_that_are_asked_for_and_rows() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rows.csv");
        let request: Described =
            toml::from_str("path = \"/a/${id}\"\nbody = \"${user}\"\nheaders = { x-colour = \"${colour}\" }").unwrap();
        std::fs::write(&file, "id,colour\n1,red\n2,blue\n").unwrap();
        assert_eq!(Feeder::read(&file, &request).unwrap().rows.len(), 2);
        std::fs::write(&file, "id\n1\n").unwrap();
        assert!(Feeder::read(&file, &request).unwrap_err().contains("no column `colour`"));
        std::fs::write(&file, "id,colour\n").unwrap();
        assert!(Feeder::read(&file, &request).unwrap_err().contains("no rows"));
    }

    #[test]
    fn what_no_request_can_carry_is_refused() {
        for text in
            ["path = \"/\"\nmethod = \"a b\"", "path = \"/\"\nheaders = { \"a b\" = \"c\" }", "method = \"GET\""]
        {
            assert!(toml::from_str::<Described>(text).is_err(), "{text}");
        }
    }
}
