//! What people said, as documents have it.

use rushhour_model::record::Object;
use serde_json::Value;

use crate::input::{Input, Said};

/// Inputs by name, and additions. A label stands for itself, a survey as the whole entry.
pub(super) fn said(said: &Said<'_>) -> (Object, Vec<Value>) {
    let latest = said.latest.iter().map(|input| (input.name().to_owned(), answer(input))).collect();
    (latest, said.additions.iter().map(|input| whole(input)).collect())
}

fn answer(input: &Input) -> Value {
    let is_survey = input.key.ends_with("_user_input");
    input.label.clone().filter(|_| !is_survey).map_or_else(|| whole(input), Value::String)
}

fn whole(input: &Input) -> Value {
    serde_json::from_str(&input.entry).unwrap_or_default()
}
