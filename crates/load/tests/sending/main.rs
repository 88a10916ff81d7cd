//! Sending on a paused clock, to targets whose behaviour is scripted: what is true of them is known.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod driver;
mod lies;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use rushhour_load::line::Bounds;
use rushhour_load::operation::Operation;
use rushhour_load::request::Request;

const BOUNDS: Bounds = Bounds {
    connections_max: 1,
    connect_gap: Duration::ZERO,
    request_timeout: Duration::from_secs(30),
    backlog_max: usize::MAX,
    end: Duration::from_secs(12),
    shed_after: None,
    drop: false,
    patience: None,
};

/// Number `number` of a schedule with one operation.
fn request(number: u64, at: Duration) -> Request {
    Request {
        number,
        at,
        operation: Operation(0),
        user: 0,
        method: "POST".parse().unwrap(),
        path: "/".parse().unwrap(),
        headers: Arc::default(),
        has_id: false,
        body: "{}".into(),
        entries: 0,
        person_days: 0,
        retries_at: Vec::new(),
        is_retry: false,
    }
}
