//! Who is calling: a token, where it may stand, whether it is believed, and how often it may call. It stands for a user
//! once `/profile/create` has registered it.

mod believed;
mod rate;
mod study;

use std::borrow::Cow;
use std::path::Path;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use rushhour_model::ids::UserId;
use serde_json::{Map, Value};

use crate::activity::Visit;
use crate::app::App;
use crate::auth::believed::Believed;
pub use crate::auth::rate::RateLimit;
use crate::auth::rate::Rates;
use crate::auth::study::Study;
use crate::error::ServerError;
use crate::intake::wall_time;
use crate::watched::FileError;

/// The header that a load balancer can hash on.
const KEY: HeaderName = HeaderName::from_static("x-em-key");

/// The longest name that is taken; those in use are e-mail addresses or some 40 characters.
const NAME_BYTES_MAX: usize = 256;

/// Whom the server believes, and how often they may call.
#[derive(Debug, Default)]
pub struct Auth {
    believed: Believed,
    study: Option<Study>,
    rates: Option<Rates>,
    pub(crate) aggregates: Aggregates,
}

/// Who is told sums over everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregates {
    /// Anybody: `no_auth` of the original.
    #[default]
    ForAll,
    /// Nobody without a token: `user_only`. Who has one is told their own.
    ForUsers,
    /// Nobody: `never`.
    Never,
}

impl Auth {
    /// Any token is believed: `skip` of the original.
    pub fn skip() -> Self {
        Self::default()
    }

    /// Tokens that were registered before are believed, and no others.
    pub fn registered() -> Self {
        Self { believed: Believed::Registered, ..Self::default() }
    }

    /// Tokens in the file are believed, one in each line: `token_list` of the original.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn token_list(file: &Path) -> Result<Self, FileError> {
        Ok(Self { believed: Believed::listed(file)?, ..Self::default() })
    }

    /// Tokens that start with a secret of the file are believed, `secret` of the original: a JSON list, or a secret in
    /// each line.
    ///
    /// # Errors
    /// When the file cannot be read, or has an empty secret.
    pub fn secret(file: &Path) -> Result<Self, FileError> {
        Ok(Self { believed: Believed::secret(file)?, ..Self::default() })
    }

    /// JSON web tokens are believed if a key of the file has signed them, and stand for their subject. The file is a key
    /// set in JSON, a public RSA key in PEM (RS256), or a secret (HS256).
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn jwt(file: &Path) -> Result<Self, FileError> {
        Ok(Self { believed: Believed::signed(file)?, ..Self::default() })
    }

    /// The same for a study: only tokens of its subgroups, and its configuration for phones that have an older one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn with_study(self, file: &Path) -> Result<Self, FileError> {
        Ok(Self { study: Some(Study::open(file)?), ..self })
    }

    /// The same with a bound on how often each user may call.
    pub fn with_rate_limit(self, limit: RateLimit) -> Self {
        Self { rates: Some(Rates::new(limit)), ..self }
    }

    /// The same with who is told sums over everybody.
    pub fn with_aggregates(self, aggregates: Aggregates) -> Self {
        Self { aggregates, ..self }
    }

    /// Reads what has changed of the files.
    ///
    /// # Errors
    /// When one makes no sense any more; what was known of it stays.
    pub fn refresh(&self) -> Result<(), FileError> {
        self.believed.refresh()?;
        self.study.as_ref().map_or(Ok(()), Study::refresh)
    }
}

/// What the head of a request says about who is calling.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    token: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ServerError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServerError> {
        Self::of(&parts.headers)
    }
}

/// The name of whoever is calling, who is believed.
#[derive(Debug)]
pub(crate) struct Name<'a>(pub(crate) Cow<'a, str>);

impl Caller {
    /// Reads `Authorization: Bearer` and `X-Em-Key`.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ServerError> {
        let text = |value: &HeaderValue| value.to_str().map(str::to_owned).map_err(|_| ServerError::Unbelieved(None));
        let bearer = headers.get(header::AUTHORIZATION).map(text).transpose()?;
        let bearer = bearer.map(|value| {
            let (scheme, token) = value.split_once(' ').unwrap_or(("", ""));
            let is_bearer = scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty();
            is_bearer.then(|| token.trim().to_owned()).ok_or(ServerError::Scheme)
        });
        let (bearer, key) = (bearer.transpose()?, headers.get(KEY).map(text).transpose()?);
        match (bearer, key) {
            (Some(one), Some(other)) if one != other => Err(ServerError::TwoTokens),
            (one, other) => Ok(Self { token: one.or(other) }),
        }
    }

    /// The name that the token in the head, or `in_body`, stands for. Two that differ are nobody's.
    pub(crate) fn name<'a>(&'a self, app: &App, in_body: Option<&'a str>) -> Result<Name<'a>, ServerError> {
        let token = match (self.token.as_deref(), in_body) {
            (Some(one), Some(other)) if one != other => return Err(ServerError::TwoTokens),
            (one, other) => one.or(other).ok_or(ServerError::NoToken)?,
        };
        let name = app.auth.believed.name(app, token).ok_or(ServerError::Unbelieved(None))?;
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_control) {
            let reason = format!("a token has 1 to {NAME_BYTES_MAX} bytes, and no control characters");
            return Err(ServerError::Invalid { name: "user", reason });
        }
        if let Some(objection) = app.auth.study.as_ref().and_then(|study| study.objection(&name)) {
            return Err(ServerError::Unbelieved(Some(objection)));
        }
        Ok(Name(name))
    }

    /// Whether the head has a token.
    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether whoever is calling may use what belongs to nobody.
    pub(crate) fn is_let_in(&self, app: &App) -> Result<(), ServerError> {
        if matches!(app.auth.believed, Believed::All) {
            return Ok(());
        }
        self.user(app, None).map(drop)
    }

    /// The user who is calling.
    pub(crate) fn user(&self, app: &App, in_body: Option<&str>) -> Result<UserId, ServerError> {
        self.visitor(app, in_body, Visit::Call)
    }

    /// The user who is calling, and for what.
    pub(crate) fn visitor(&self, app: &App, in_body: Option<&str>, visit: Visit) -> Result<UserId, ServerError> {
        self.name(app, in_body)?.user(app, visit)
    }
}

impl Name<'_> {
    /// The user that was registered by this name, who is noted to have called for this.
    pub(crate) fn user(&self, app: &App, visit: Visit) -> Result<UserId, ServerError> {
        let user = app.store.user(&self.0).ok_or(ServerError::UnknownToken)?;
        app.auth.rates.as_ref().map_or(Ok(()), |rates| rates.count(user))?;
        app.activity.note(user, visit, wall_time());
        Ok(user)
    }

    /// Whether what is uploaded by this name is dropped.
    pub(crate) fn is_suspended(&self, app: &App) -> bool {
        app.auth.study.as_ref().is_some_and(|study| study.is_suspended(&self.0))
    }

    /// The study's configuration, if the phone has an older one.
    pub(crate) fn configuration(
        &self,
        app: &App,
        has: Option<f64>,
        app_version: Option<&str>,
    ) -> Option<Map<String, Value>> {
        app.auth.study.as_ref()?.newer_than(&self.0, has, app_version)
    }
}
