//! How a request is carried. The driver only knows these two traits, so a test can script what a target does.

mod gathered;
pub mod http1;
pub mod proxied;

use std::future::Future;

use crate::request::Request;

/// 507, Insufficient Storage (RFC 4918).
const FULL: u16 = 507;

/// Opens connections to one target.
pub trait Transport {
    /// What it opens.
    type Connection: Connection;

    /// Opens one, or says why it cannot be opened.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Failure>>;
}

/// Carries one request at a time.
pub trait Connection {
    /// Sends `request` and reads the whole answer.
    fn exchange(&mut self, request: &Request) -> impl Future<Output = Result<Answer, Failure>>;

    /// Whether another request may be sent on it.
    fn is_usable(&self) -> bool;
}

/// A successful answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The size of its body.
    pub bytes: u64,
    /// Whether it carried nothing.
    pub is_empty: bool,
}

/// Why there was no successful answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The target answered with this status.
    Status(u16),
    /// The target refused by its own rule, with 429, or 503 that says when to come again.
    Limited(u16),
    /// No answer within the time allowed.
    Timeout,
    /// No connection could be opened.
    Connect,
    /// The target had closed the connection before anything was sent on it: another may be tried.
    Closed,
    /// The connection broke while it was used.
    Broken,
    /// We gave it up before it was sent, as the scenario asked for.
    Shed,
}

impl Failure {
    /// The word in results and tables.
    pub fn kind(self) -> String {
        match self {
            Self::Status(status) => format!("status {status}"),
            Self::Limited(status) => format!("limited {status}"),
            Self::Timeout => "timeout".to_owned(),
            Self::Connect => "connect".to_owned(),
            Self::Closed => "closed".to_owned(),
            Self::Broken => "broken".to_owned(),
            Self::Shed => "shed".to_owned(),
        }
    }

    /// Whether the target has no room for it.
    pub fn is_full(self) -> bool {
        self == Self::Status(FULL)
    }

    /// Whether a phone would send the same again later: the target did not have it, or did not say so.
    pub fn is_passing(self) -> bool {
        match self {
            Self::Status(status) => status >= 500,
            Self::Limited(_) | Self::Timeout | Self::Connect | Self::Closed | Self::Broken => true,
            Self::Shed => false,
        }
    }

    /// Whether the target might have answered later, so that the time waited is a lower bound of what it would have taken.
    pub fn is_lower_bound(self) -> bool {
        matches!(self, Self::Timeout | Self::Shed)
    }
}
