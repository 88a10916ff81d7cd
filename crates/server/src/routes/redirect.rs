//! Links in mails and on posters that open the app.

use axum::extract::{Path, RawQuery};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::error::ServerError;

/// `GET /redirect/<route>`: to the same route of the app; `join` leads to the page that sets the app up.
pub(crate) async fn redirect(Path(route): Path<String>, RawQuery(query): RawQuery) -> Result<Response, ServerError> {
    let query = query.unwrap_or_default();
    let target = if route == "join" { format!("/#/setup?{query}") } else { format!("emission://{route}?{query}") };
    let reason = |_| ServerError::Invalid { name: "route", reason: "it cannot stand in a header".to_owned() };
    let mut response = Response::default();
    response.headers_mut().insert(header::LOCATION, HeaderValue::try_from(target).map_err(reason)?);
    *response.status_mut() = StatusCode::SEE_OTHER;
    Ok(response)
}
