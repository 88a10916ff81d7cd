//! Who is calling. The token in the body stands for a user once `/profile/create` has registered it.

use rushhour_model::ids::UserId;

use crate::app::App;
use crate::error::ServerError;

/// The user that `token` stands for.
pub(crate) fn user(app: &App, token: Option<&str>) -> Result<UserId, ServerError> {
    let token = token.ok_or(ServerError::NoToken)?;
    app.store.user(token).ok_or(ServerError::UnknownToken)
}
