//! Labels that people make themselves, beside those that an app offers. They stand in the profile.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use rushhour_model::ids::UserId;
use rushhour_model::wire::{
    CustomLabelDeleteRequest, CustomLabelGetRequest, CustomLabelGetResponse, CustomLabelInsertRequest,
    CustomLabelResponse, CustomLabelUpdateRequest, ErrorResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::App;
use crate::body::{JsonBody, parse};
use crate::error::ServerError;
use crate::routes::json;

/// Where they stand in a profile.
const FIELD: &str = "custom_labels";
/// The most that one person may make of a kind.
const LABELS_MAX: usize = 1_000;
/// The longest kind or label.
const LABEL_BYTES_MAX: usize = 256;

/// A label in the profile. One that was deleted stays, inactive: trips may have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Label {
    label: String,
    frequency: i64,
    is_active: bool,
}

type Labels = Vec<Label>;

/// `POST /customlabel/get`
#[utoipa::path(
    post,
    path = "/customlabel/get",
    request_body = CustomLabelGetRequest,
    responses((status = 200, description = "As asked", body = HashMap<String, Vec<String>>), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn get(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: CustomLabelGetRequest<'_> = parse(&body.bytes)?;
    let user = body.caller.user(&app, request.user.as_deref())?;
    let keys = request.keys.ok_or(ServerError::Missing("keys"))?;
    let profile = app.store.profile(user).await?;
    let answer: CustomLabelGetResponse =
        keys.into_iter().map(|key| (key.clone(), shown(&labels_of(&profile, &key)))).collect();
    Ok(json(&answer))
}

/// `POST /customlabel/insert`
#[utoipa::path(
    post,
    path = "/customlabel/insert",
    request_body = CustomLabelInsertRequest,
    responses((status = 200, description = "As asked", body = CustomLabelResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn insert(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: CustomLabelInsertRequest<'_> = parse(&body.bytes)?;
    let user = body.caller.user(&app, request.user.as_deref())?;
    let new = request.inserted_label.ok_or(ServerError::Missing("inserted_label"))?;
    change(&app, user, &new.key, |labels| use_label(labels, &new.label, 0)).await
}

/// `POST /customlabel/update`
#[utoipa::path(
    post,
    path = "/customlabel/update",
    request_body = CustomLabelUpdateRequest,
    responses((status = 200, description = "As asked", body = CustomLabelResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn update(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: CustomLabelUpdateRequest<'_> = parse(&body.bytes)?;
    let user = body.caller.user(&app, request.user.as_deref())?;
    let new = request.updated_label.ok_or(ServerError::Missing("updated_label"))?;
    let update = |labels: &mut Labels| {
        let is_known = labels.iter().any(|label| label.label == new.new_label);
        if is_known || new.is_new_label_must_added {
            use_label(labels, &new.new_label, 1)?;
        }
        if let Some(old) = labels.iter_mut().find(|label| label.label == new.old_label) {
            old.frequency = (old.frequency - 1).max(0);
        }
        Ok(())
    };
    change(&app, user, &new.key, update).await
}

/// `POST /customlabel/delete`
#[utoipa::path(
    post,
    path = "/customlabel/delete",
    request_body = CustomLabelDeleteRequest,
    responses((status = 200, description = "As asked", body = CustomLabelResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn delete(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: CustomLabelDeleteRequest<'_> = parse(&body.bytes)?;
    let user = body.caller.user(&app, request.user.as_deref())?;
    let old = request.deleted_label.ok_or(ServerError::Missing("deleted_label"))?;
    let delete = |labels: &mut Labels| {
        labels.iter_mut().filter(|label| label.label == old.label).for_each(|label| label.is_active = false);
        Ok(())
    };
    change(&app, user, &old.key, delete).await
}

/// Changes a user's labels of a kind, durably, and answers with those that are left.
async fn change(
    app: &App,
    user: UserId,
    key: &str,
    change: impl FnOnce(&mut Labels) -> Result<(), ServerError>,
) -> Result<Response, ServerError> {
    is_short("key", key)?;
    // One at a time, so that none is lost between reading and writing.
    let _turn = app.labels.lock().await;
    let profile = app.store.profile(user).await?;
    let mut labels = labels_of(&profile, key);
    change(&mut labels)?;
    let mut kinds = profile.get(FIELD).and_then(Value::as_object).cloned().unwrap_or_default();
    kinds.insert(key.to_owned(), serde_json::to_value(&labels).expect("labels are plain JSON"));
    let fields = Map::from_iter([(FIELD.to_owned(), Value::Object(kinds))]);
    app.store.update_profile(user, fields).await?;
    Ok(json(&CustomLabelResponse { label: shown(&labels) }))
}

fn labels_of(profile: &Map<String, Value>, key: &str) -> Labels {
    let found = profile.get(FIELD).and_then(|kinds| kinds.get(key));
    found.and_then(|labels| Labels::deserialize(labels).ok()).unwrap_or_default()
}

/// The active ones, the most used first; of two that are used alike the older one.
fn shown(labels: &[Label]) -> Vec<String> {
    let mut active: Vec<&Label> = labels.iter().filter(|label| label.is_active).collect();
    active.sort_by_key(|label| std::cmp::Reverse(label.frequency));
    active.into_iter().map(|label| label.label.clone()).collect()
}

/// Makes a label, or brings it back, and counts that it is used so often more.
fn use_label(labels: &mut Labels, name: &str, times: i64) -> Result<(), ServerError> {
    is_short("label", name)?;
    if let Some(label) = labels.iter_mut().find(|label| label.label == name) {
        label.frequency += times;
        label.is_active = true;
        return Ok(());
    }
    if labels.len() >= LABELS_MAX {
        return Err(ServerError::Invalid {
            name: "label",
            reason: format!("there are {LABELS_MAX} of this kind already"),
        });
    }
    labels.push(Label { label: name.to_owned(), frequency: times, is_active: true });
    Ok(())
}

fn is_short(name: &'static str, text: &str) -> Result<(), ServerError> {
    let reason = || format!("it has {} bytes, and 1 to {LABEL_BYTES_MAX} are taken", text.len());
    let is_short = (1..=LABEL_BYTES_MAX).contains(&text.len());
    is_short.then_some(()).ok_or_else(|| ServerError::Invalid { name, reason: reason() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_shown_by_use_and_deleted_ones_come_back() {
        let mut labels = Labels::new();
        for (name, times) in [("walk", 0), ("skate", 1), ("ride", 1), ("ride", 1)] {
            use_label(&mut labels, name, times).unwrap();
        }
        assert_eq!(shown(&labels), ["ride", "skate", "walk"]);
        labels[2].is_active = false;
        assert_eq!(shown(&labels), ["skate", "walk"]);
        use_label(&mut labels, "ride", 0).unwrap();
        assert_eq!(shown(&labels), ["ride", "skate", "walk"], "it was used before");
        assert!(use_label(&mut labels, "", 0).is_err());
    }
}
