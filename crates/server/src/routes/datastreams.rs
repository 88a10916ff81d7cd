//! Finding entries by key and time.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use rushhour_model::analysis::Document;
use rushhour_model::ids::UserId;
use rushhour_model::wire::{FindEntriesRequest, TruncMethod, WRITE_TS, write_find_entries_response};
use rushhour_pipeline::documents::Wanted;
use rushhour_pipeline::keys::ALL;
use rushhour_store::{Found, Query, TimeField, blocking};
use serde_json::{Value, json};

use crate::app::App;
use crate::auth;
use crate::body::{JsonBody, parse};
use crate::diary::documents_between;
use crate::error::ServerError;
use crate::routes::json_text;

/// `POST /datastreams/find_entries/<time_type>`. The body, not the time type, decides the form of the query.
pub(crate) async fn find_entries(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: FindEntriesRequest<'_> = parse(&body.bytes)?;
    let user = auth::user(&app, request.user.as_deref())?;
    if request.from_local_date.is_some() || request.to_local_date.is_some() {
        return Err(ServerError::NotYet("the local-date form of find_entries (use start_time and end_time)"));
    }
    let truncation = truncation(request.max_entries, request.trunc_method)?;
    let keys = request.key_list.filter(|keys| !keys.is_empty());
    let name = request.key_time.as_deref().unwrap_or(WRITE_TS).to_owned();
    let query = Query {
        keys: keys.clone(),
        field: field(&name),
        from: request.start_time,
        to: request.end_time,
        entries_max: app.limits.entries_max,
    };
    let (from, to) = (query.from, query.to);
    let (mut found, waiting) = split(app.store.find(user, query).await?);
    let shown = Arc::clone(&app);
    found.extend(blocking(move || find_documents(&shown, user, keys.as_deref(), &name, from, to)).await?);
    found.extend(waiting);
    if let Some((entries_max, method)) = truncation {
        truncate(&mut found, entries_max, method);
    }
    let entries = found.iter().map(|entry| (entry.id, entry.text.as_str()));
    Ok(json_text(write_find_entries_response(user, entries)))
}

/// What was taken in, and what was not, which the original calls the usercache and has last, by `write_ts`.
fn split(found: Vec<Found>) -> (Vec<Found>, Vec<Found>) {
    let (taken, mut waiting): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|entry| entry.is_taken);
    waiting.sort_by(|one, other| one.write_ts.total_cmp(&other.write_ts).then(one.id.cmp(&other.id)));
    (taken, waiting)
}

/// What the pipeline has found, behind what was taken in.
fn find_documents(
    app: &App,
    user: UserId,
    keys: Option<&[String]>,
    name: &str,
    from: Option<f64>,
    to: Option<f64>,
) -> Result<Vec<Found>, rushhour_store::Error> {
    let wanted = keys.map_or(Wanted::All, Wanted::Keys);
    if keys.is_some_and(|keys| !keys.iter().any(|key| ALL.contains(&key.as_str()))) {
        return Ok(Vec::new());
    }
    let is_within = |stamp: &f64| from.is_none_or(|from| from <= *stamp) && to.is_none_or(|to| *stamp <= to);
    let mut found = Vec::new();
    // Only times tell which part of the diary to read.
    let (first, last) = if name.ends_with("ts") { (from, to) } else { (None, None) };
    for document in documents_between(&app.store, user, wanted, first, last)? {
        let Document { id, metadata, data, .. } = document;
        let value = json!({"metadata": metadata, "data": data});
        let leaf = name.split('.').try_fold(&value, |value, field| value.get(field));
        if let Some(stamp) = leaf.and_then(Value::as_f64).filter(is_within) {
            found.push(Found { id, stamp, text: value.to_string(), write_ts: stamp, is_taken: true });
        }
    }
    found.sort_by(|one, other| one.stamp.total_cmp(&other.stamp).then(one.id.cmp(&other.id)));
    found.truncate(app.limits.entries_max);
    Ok(found)
}

fn field(name: &str) -> TimeField {
    if name == WRITE_TS { TimeField::WriteTs } else { TimeField::Path(name.split('.').map(str::to_owned).collect()) }
}

fn truncation(
    entries_max: Option<usize>,
    method: Option<TruncMethod>,
) -> Result<Option<(usize, TruncMethod)>, ServerError> {
    match (entries_max, method) {
        (Some(entries_max), Some(method)) => Ok(Some((entries_max, method))),
        (Some(_), None) => Err(ServerError::Missing("trunc_method")),
        (None, _) => Ok(None),
    }
}

fn truncate(found: &mut Vec<Found>, entries_max: usize, method: TruncMethod) {
    if found.len() <= entries_max {
        return;
    }
    match method {
        TruncMethod::First => found.truncate(entries_max),
        TruncMethod::Last => drop(found.drain(..found.len() - entries_max)),
        TruncMethod::Sample => {
            let step = found.len().checked_div(entries_max).map_or(usize::MAX, |step| step + 1);
            let mut position = 0;
            found.retain(|_| {
                position += 1;
                (position - 1) % step == 0
            });
            found.truncate(entries_max);
        }
    }
}

#[cfg(test)]
mod tests {
    use rushhour_model::ids::{UserId, entry_id};

    use super::*;

    fn check(count: u32, entries_max: usize, method: TruncMethod, left: &[f64]) {
        let id = entry_id(UserId(Default::default()), "t", "k", 0.0);
        let entry =
            |stamp: u32| Found { id, stamp: stamp.into(), text: String::new(), write_ts: stamp.into(), is_taken: true };
        let mut found: Vec<_> = (0..count).map(entry).collect();
        truncate(&mut found, entries_max, method);
        assert_eq!(found.iter().map(|entry| entry.stamp).collect::<Vec<_>>(), left);
    }

    #[test]
    fn an_answer_that_is_too_long_is_cut_as_asked() {
        check(5, 2, TruncMethod::First, &[0.0, 1.0]);
        check(5, 2, TruncMethod::Last, &[3.0, 4.0]);
        check(5, 2, TruncMethod::Sample, &[0.0, 3.0]);
        check(5, 0, TruncMethod::Sample, &[]);
        check(2, 2, TruncMethod::Sample, &[0.0, 1.0]);
    }
}
