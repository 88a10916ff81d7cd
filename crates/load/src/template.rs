//! Texts with gaps: what a scenario's own requests are made from.
//!
//! `${user}` is the token of the person the schedule names, `${number}` the arrival's number in the schedule, `${at_s}` its
//! intended time in seconds, `${uuid}` an id of its own; every other name is a column of the request's feeder. `$$` is a `$`.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// A text with gaps, as it was written and in pieces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    User,
    Number,
    At,
    Uuid,
    Column(String),
}

/// What fills the gaps.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    /// The person's token.
    pub user: &'a str,
    /// The arrival's number.
    pub number: u64,
    /// The intended time, from the start of the run, in seconds.
    pub at_s: f64,
    /// Where ids come from: the scenario's seed.
    pub seed: u64,
    /// The feeder's headings and the row.
    pub row: Option<(&'a [String], &'a [String])>,
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            rest = match (after.strip_prefix('$'), after.strip_prefix('{').and_then(|after| after.split_once('}'))) {
                (Some(rest), _) => {
                    pieces.push(Piece::Text("$".to_owned()));
                    rest
                }
                (None, Some((name, rest))) => {
                    pieces.push(Piece::named(name)?);
                    rest
                }
                (None, None) => {
                    return Err(format!("after the `$` in `{text}` comes neither `{{name}}` nor another `$`"));
                }
            };
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { text, pieces })
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.text
    }
}

impl Piece {
    fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "user" => Self::User,
            "number" => Self::Number,
            "at_s" => Self::At,
            "uuid" => Self::Uuid,
            "" => return Err("`${}` names nothing".to_owned()),
            column => Self::Column(column.to_owned()),
        })
    }
}

impl Template {
    /// What it is filled to whatever fills it, if it has no gaps.
    pub fn plain(&self) -> Option<String> {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.pieces.iter().map(text).collect()
    }

    /// The columns it asks for.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Column(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The text with its gaps filled. Columns are there: they were checked when the scenario was read.
    pub fn fill(&self, filling: &Filling<'_>) -> String {
        let mut text = String::with_capacity(self.text.len() + 32);
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::User => text.push_str(filling.user),
                Piece::Number => {
                    let _ = write!(text, "{}", filling.number);
                }
                Piece::At => {
                    let _ = write!(text, "{}", filling.at_s);
                }
                Piece::Uuid => {
                    let id = uuid::Uuid::from_u64_pair(filling.seed, filling.number);
                    let _ = write!(text, "{id}");
                }
                Piece::Column(name) => {
                    let (headings, row) = filling.row.unwrap_or_default();
                    let cell = headings.iter().zip(row).find(|(heading, _)| *heading == name);
                    text.push_str(cell.map_or("", |(_, cell)| cell));
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> String {
        let (headings, row) = (["version".to_owned()], ["1.9".to_owned()]);
        let filling = Filling { user: "u7", number: 12, at_s: 1.5, seed: 1, row: Some((&headings, &row)) };
        Template::try_from(text.to_owned()).unwrap().fill(&filling)
    }

    #[test]
    fn gaps_are_filled_and_everything_else_stays() {
        assert_eq!(fill(r#"{"user":"${user}","n":${number},"t":${at_s}}"#), r#"{"user":"u7","n":12,"t":1.5}"#);
        assert_eq!(fill("v${version} costs 5$$"), "v1.9 costs 5$");
        assert_eq!(fill("plain"), "plain");
        assert_eq!(fill("${uuid}"), "00000000-0000-0001-0000-00000000000c");
    }

    #[test]
    fn what_is_not_a_gap_is_refused() {
        for text in ["$user", "a $", "${user", "${}"] {
            assert!(Template::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn columns_are_those_that_have_no_other_meaning() {
        let template = Template::try_from("${user} ${a} ${b}".to_owned()).unwrap();
        assert_eq!(template.columns().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(template.plain(), None);
        assert_eq!(Template::try_from("5$$".to_owned()).unwrap().plain(), Some("5$".to_owned()));
    }
}
