//! Finding entries by key and time.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use rushhour_model::analysis::{Document, Finding};
use rushhour_model::ids::UserId;
use rushhour_model::stored::StoredMetadata;
use rushhour_model::wire::{
    ErrorResponse, FindEntriesRequest, FindEntriesResponse, TruncMethod, WRITE_TS, write_find_entries_response,
};
use rushhour_pipeline::keys::ALL;
use rushhour_store::{Found, LocalDates, PartRange, Query, TimeField, blocking};
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::body::{JsonBody, parse};
use crate::diary::documents_for;
use crate::error::ServerError;
use crate::routes::json_text;

/// `POST /datastreams/find_entries/<time_type>`. The body, not the time type, decides the form of the query.
#[utoipa::path(
    post,
    path = "/datastreams/find_entries/{time_type}",
    params(("time_type" = String, Path, description = "Ignored: the body says the form of the query")),
    request_body = FindEntriesRequest,
    responses((status = 200, description = "As asked", body = FindEntriesResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn find_entries(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: FindEntriesRequest<'_> = parse(&body.bytes)?;
    let user = body.caller.user(&app, request.user.as_deref())?;
    let truncation = truncation(request.max_entries, request.trunc_method)?;
    let query = query(&request, app.limits.entries_max)?;
    let (mut found, waiting) = split(app.store.find(user, query.clone()).await?);
    let shown = Arc::clone(&app);
    found.extend(blocking(move || find_documents(&shown, user, &query)).await?);
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

/// A document without its ids, which stand before it in an answer.
#[derive(Serialize)]
struct Shown<'a> {
    metadata: &'a StoredMetadata,
    data: &'a Finding,
}

/// What the pipeline has found, behind what was taken in.
fn find_documents(app: &App, user: UserId, query: &Query) -> Result<Vec<Found>, rushhour_store::Error> {
    if query.keys.as_ref().is_some_and(|keys| !keys.iter().any(|key| ALL.contains(&key.as_str()))) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    // Composite trips are long: each written into the same room, and then taken as long as it is.
    let mut room = Vec::new();
    for document in documents_for(&app.store, &app.recent, user, query)? {
        if let Some(stamp) = query.stamp_of_document(&document) {
            let Document { id, metadata, data, .. } = &document;
            room.clear();
            serde_json::to_writer(&mut room, &Shown { metadata, data }).expect("a document has names and numbers only");
            let text = std::str::from_utf8(&room).expect("JSON is text").to_owned();
            found.push(Found { id: *id, stamp, text, write_ts: stamp, is_taken: true });
        }
    }
    found.sort_by(|one, other| one.stamp.total_cmp(&other.stamp).then(one.id.cmp(&other.id)));
    found.truncate(query.entries_max);
    Ok(found)
}

/// The query of a request: by local dates if it has both bounds, otherwise by times.
pub(crate) fn query(request: &FindEntriesRequest<'_>, entries_max: usize) -> Result<Query, ServerError> {
    let keys = request.key_list.clone().filter(|keys| !keys.is_empty());
    if let (Some(from), Some(to)) = (&request.from_local_date, &request.to_local_date) {
        if !from.keys().eq(to.keys()) {
            let reason = "its parts are not those of `from_local_date`, in the same order".to_owned();
            return Err(ServerError::Invalid { name: "to_local_date", reason });
        }
        // What is no whole number is skipped, as the original does.
        let part = |(name, from): (&String, &Value)| {
            Some(PartRange { name: name.clone(), from: from.as_i64()?, to: to.get(name)?.as_i64()? })
        };
        let path = path_of(request.key_local_date.as_deref().unwrap_or(WRITE_TS));
        let field = TimeField::Local(LocalDates { path, parts: from.iter().filter_map(part).collect() });
        return Ok(Query { keys, field, from: None, to: None, entries_max });
    }
    let name = request.key_time.as_deref().unwrap_or(WRITE_TS);
    let field = if name == WRITE_TS { TimeField::WriteTs } else { TimeField::Path(path_of(name)) };
    Ok(Query { keys, field, from: request.start_time, to: request.end_time, entries_max })
}

fn path_of(name: &str) -> Vec<String> {
    name.split('.').map(str::to_owned).collect()
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
