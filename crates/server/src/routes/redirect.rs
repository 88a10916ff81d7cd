//! Links in mails and on posters that open the app.

use axum::extract::{Path, RawQuery};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use rushhour_model::wire::ErrorResponse;

use crate::error::ServerError;

/// `GET /redirect/<route>`: to the same route of the app; `join` leads to the page that sets the app up.
#[utoipa::path(
    get,
    path = "/redirect/{route}",
    params(("route" = String, Path, description = "The app's route")),
    responses((status = 303, description = "To the app"), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn redirect(Path(route): Path<String>, RawQuery(query): RawQuery) -> Result<Response, ServerError> {
    let query = query.unwrap_or_default();
    let target = if route == "join" { format!("/#/setup?{query}") } else { format!("emission://{route}?{query}") };
    let reason = |_| ServerError::Invalid { name: "route", reason: "it cannot stand in a header".to_owned() };
    let mut response = Response::default();
    response.headers_mut().insert(header::LOCATION, HeaderValue::try_from(target).map_err(reason)?);
    *response.status_mut() = StatusCode::SEE_OTHER;
    Ok(response)
}
