//! What is answered when a request cannot be served. The only place that chooses HTTP status codes.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rushhour_model::received::Lack;
use rushhour_model::wire::ErrorResponse;

use crate::routes::json;

/// When a client is advised to try again that found the server full: long enough that a crowd is not back at once.
const RETRY_AFTER_S: u64 = 5;

fn objection(objection: Option<&str>) -> String {
    objection.map_or(String::new(), |objection| format!(": {objection}"))
}

/// Whole seconds, rounded up, as `Retry-After` has them.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    #[error("the body is not JSON: {0}")]
    NotJson(serde_json::Error),
    #[error("the body is not what this route takes: {0}")]
    Shape(serde_json::Error),
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{name}`: {reason}")]
    Invalid { name: &'static str, reason: String },
    #[error("entry {index} of `phone_to_server`: {lack}; nothing of this batch was stored")]
    Entry { index: usize, lack: Lack },
    #[error("`phone_to_server` has {entries} entries; send at most {max} at a time")]
    ManyEntries { entries: usize, max: usize },
    #[error("`user` is missing: give your token")]
    NoToken,
    #[error("the token in the header and the one in the body differ")]
    TwoTokens,
    #[error("`Authorization` takes `Bearer` and a token")]
    Scheme,
    #[error("this page is the operator's: show the operator's key as a bearer token or as a password")]
    NoOperator,
    #[error("this token is not accepted{}", objection(.0.as_deref()))]
    Unbelieved(Option<String>),
    #[error("too many calls; the next one is taken in {} s", seconds(*.0))]
    TooOften(Duration),
    #[error("this token is not registered; call /profile/create first")]
    UnknownToken,
    #[error("there is no such {0}")]
    NoSuch(&'static str),
    #[error("the answer took more than {0} s; ask for less at a time")]
    Slow(f64),
    #[error("there is no route {0}")]
    NoRoute(String),
    #[error("{0} is not a method of this route")]
    Method(String),
    #[error("the body did not arrive within {0} s")]
    SlowBody(f64),
    #[error("not ready: {0}")]
    NotReady(&'static str),
    #[error("too many requests at once; send it again in {RETRY_AFTER_S} s")]
    Crowded,
    #[error("the body ended early: {0}")]
    CutBody(String),
    #[error("the body has more than {0} bytes; send fewer entries at a time")]
    LargeBody(usize),
    #[error(transparent)]
    Store(#[from] rushhour_store::Error),
}

impl ServerError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotJson(_)
            | Self::Shape(_)
            | Self::Missing(_)
            | Self::Invalid { .. }
            | Self::Entry { .. }
            | Self::CutBody(_) => StatusCode::BAD_REQUEST,
            Self::NoToken | Self::Scheme | Self::NoOperator => StatusCode::UNAUTHORIZED,
            Self::TwoTokens | Self::Unbelieved(_) | Self::UnknownToken => StatusCode::FORBIDDEN,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NoRoute(_) | Self::NoSuch(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::SlowBody(_) => StatusCode::REQUEST_TIMEOUT,
            Self::LargeBody(_) | Self::ManyEntries { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Store(rushhour_store::Error::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Store(rushhour_store::Error::DiskFull { .. }) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Crowded
            | Self::Slow(_)
            | Self::NotReady(_)
            | Self::Store(
                rushhour_store::Error::Poisoned
                | rushhour_store::Error::ReadOnly { .. }
                | rushhour_store::Error::Unsealed
                | rushhour_store::Error::Reopened,
            ) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether part of the body may still be on its way, so that the connection cannot be used again.
    fn leaves_body_unread(&self) -> bool {
        matches!(self, Self::SlowBody(_) | Self::LargeBody(_) | Self::CutBody(_) | Self::Crowded)
    }
}

impl IntoResponse for ServerError {
    fn into_response(self) -> Response<Body> {
        let mut response = json(&ErrorResponse { error: self.to_string() });
        *response.status_mut() = self.status();
        let retry_after_s = match &self {
            Self::TooOften(wait) => Some(seconds(*wait)),
            Self::Crowded | Self::Slow(_) | Self::Store(rushhour_store::Error::Unsealed) => Some(RETRY_AFTER_S),
            _ => None,
        };
        if let Some(wait_s) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            // A browser asks for a password only if it is told to.
            let scheme = if matches!(self, Self::NoOperator) { "Basic realm=\"operator\"" } else { "Bearer" };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        if self.leaves_body_unread() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
