//! What the page is told: numbers and the names of routes.

use serde::Serialize;

use crate::activity::Synced;

/// How the server is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Snapshot {
    /// What is drawn as a line.
    pub(crate) moment: Moment,
    /// How long the process has been running.
    pub(crate) uptime_s: f64,
    /// Why nobody should be sent here, if so.
    pub(crate) unready: Option<&'static str>,
    /// By how many seconds the figures by route go back.
    pub(crate) window_s: f64,
    pub(crate) routes: Vec<RouteFigures>,
    pub(crate) users: usize,
    pub(crate) phones: Synced,
    pub(crate) entries: u64,
    pub(crate) disk: DiskFigures,
    pub(crate) connections: i64,
    pub(crate) connections_max: usize,
    pub(crate) bodies_bytes: usize,
    pub(crate) bodies_bytes_max: usize,
    pub(crate) open_files: f64,
    pub(crate) open_files_max: f64,
    pub(crate) threads: f64,
    /// Entries that the pipeline took in, per second.
    pub(crate) taken_per_s: f64,
    /// Entries that phones sent, per second.
    pub(crate) sent_per_s: f64,
}

/// A second of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Moment {
    /// When, in seconds since 1970.
    pub(crate) at_s: f64,
    pub(crate) requests_per_s: f64,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// Answers with 5xx, but for those that turn away.
    pub(crate) failed_per_s: f64,
    /// Answers with 429 and 503.
    pub(crate) turned_away_per_s: f64,
    pub(crate) active: i64,
    pub(crate) lag_s: f64,
    pub(crate) pending: usize,
    /// How many cores are busy.
    pub(crate) cpu_cores: f64,
    pub(crate) memory_bytes: f64,
}

/// A route, in the window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RouteFigures {
    pub(crate) route: String,
    pub(crate) per_s: f64,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// Answers with 4xx, but for 429.
    pub(crate) refused: u64,
    pub(crate) failed: u64,
    pub(crate) turned_away: u64,
}

/// The store's disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct DiskFigures {
    pub(crate) log_bytes: u64,
    pub(crate) volumes_bytes: u64,
    pub(crate) directory_bytes: u64,
    pub(crate) free_bytes: u64,
    /// By how much it grows, once that was seen for long enough.
    pub(crate) growth_bytes_per_day: Option<f64>,
    /// For how many days there is room if it goes on like that; none if it does not grow.
    pub(crate) days_left: Option<f64>,
}
