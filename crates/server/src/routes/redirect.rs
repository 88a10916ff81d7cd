//! Links in mails and on posters that open the app.

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use rushhour_model::wire::{ErrorResponse, route};

/// `GET /redirect/<route>`: to the same route of the app; `join` leads to the page that sets the app up.
#[utoipa::path(
    get,
    path = "/redirect/{route}",
    params(("route" = String, Path, description = "The app's route")),
    responses((status = 303, description = "To the app"), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn redirect(uri: Uri) -> Response {
    // As it came: what was escaped has to stay so.
    let asked = uri.path().strip_prefix(route::REDIRECT).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
    let query = uri.query().unwrap_or_default();
    let target = if asked == "join" { format!("/#/setup?{query}") } else { format!("emission://{asked}?{query}") };
    let target = HeaderValue::try_from(target).expect("what stood in a request's first line can stand in a header");
    let mut response = Response::default();
    response.headers_mut().insert(header::LOCATION, target);
    *response.status_mut() = StatusCode::SEE_OTHER;
    response
}
