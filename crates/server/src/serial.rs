//! One request at a time: what becomes of a server whose store does one thing after another.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::app::App;

/// The one who serves.
#[derive(Debug)]
pub(crate) struct Serial {
    turn: Mutex<()>,
    service_time: Duration,
}

impl Serial {
    pub(crate) fn new(service_time: Duration) -> Self {
        Self { turn: Mutex::default(), service_time }
    }
}

/// Serves a request after all that came before it, and not faster than it is said to be.
pub(crate) async fn in_turn(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(serial) = &app.serial else { return next.run(request).await };
    let _turn = serial.turn.lock().await;
    let (response, ()) = tokio::join!(next.run(request), sleep(serial.service_time));
    response
}
