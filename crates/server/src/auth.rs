//! Who is calling. The token in the body stands for a user once `/profile/create` has registered it.

use rushhour_model::ids::UserId;

use crate::activity::Visit;
use crate::app::App;
use crate::error::ServerError;
use crate::intake::wall_time;

/// The user that `token` stands for.
pub(crate) fn user(app: &App, token: Option<&str>) -> Result<UserId, ServerError> {
    let token = token.ok_or(ServerError::NoToken)?;
    let user = app.store.user(token).ok_or(ServerError::UnknownToken)?;
    app.activity.note(user, Visit::Call, wall_time());
    Ok(user)
}
