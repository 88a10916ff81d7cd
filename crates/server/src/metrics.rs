//! What the server counts about itself, in Prometheus' text format.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

use crate::app::App;

/// The bounds that OpenTelemetry advises for `http.server.request.duration`, in seconds.
const DURATION_BUCKETS_S: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    http_request_method: String,
    http_route: String,
    http_response_status_code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    reason: &'static str,
}

type Durations = Family<RequestLabels, Histogram, fn() -> Histogram>;

/// The counters.
#[derive(Debug)]
pub(crate) struct Metrics {
    durations: Durations,
    active: Gauge<i64, AtomicI64>,
    pub(crate) entries: Counter,
    pub(crate) ingest_bytes: Counter,
    pub(crate) suspended: Counter,
    pub(crate) intake: IntakeCounters,
    pub(crate) maintenance: MaintenanceCounters,
}

/// What the maintenance counts.
#[derive(Debug, Default)]
pub(crate) struct MaintenanceCounters {
    pub(crate) sealed_entries: Counter,
    pub(crate) sealed_chunks: Counter,
    pub(crate) failed: Counter,
}

/// What the intake counts.
#[derive(Debug, Default)]
pub(crate) struct IntakeCounters {
    pub(crate) runs: Counter,
    pub(crate) entries: Counter,
    pub(crate) rejected: Counter,
    pub(crate) set_aside: Counter,
    pub(crate) failed: Counter,
    pub(crate) cpu_s: Counter<f64, AtomicU64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            durations: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS_S)),
            active: Gauge::default(),
            entries: Counter::default(),
            ingest_bytes: Counter::default(),
            suspended: Counter::default(),
            intake: IntakeCounters::default(),
            maintenance: MaintenanceCounters::default(),
        }
    }

    /// Everything, with the store's own figures.
    pub(crate) fn registry(&self, app: &App) -> Registry {
        let mut registry = Registry::default();
        let requests = "How long requests took, from their head to the start of their answer";
        registry.register_with_unit("http_server_request_duration", requests, Unit::Seconds, self.durations.clone());
        registry.register("http_server_active_requests", "Requests under way", self.active.clone());
        registry.register("em_ingest_entries", "Entries acknowledged", self.entries.clone());
        registry.register_with_unit(
            "em_ingest",
            "Body bytes of acknowledged uploads",
            Unit::Bytes,
            self.ingest_bytes.clone(),
        );
        let suspended = "Uploads of suspended subgroups, which were dropped";
        registry.register("em_suspended_uploads", suspended, self.suspended.clone());
        let (shed, waiting) = (Family::<ClassLabels, Counter>::default(), Family::<ClassLabels, Gauge>::default());
        for (class, refused, now) in app.admission.refused() {
            let labels = ClassLabels { reason: class };
            shed.get_or_create(&labels).inc_by(refused.get());
            waiting.get_or_create(&labels).set(i64::try_from(now).unwrap_or(i64::MAX));
        }
        registry.register("em_shed", "Requests that were refused because their queue was full or too slow", shed);
        registry.register("em_waiting_requests", "Requests that wait for their turn", waiting);
        let subscribers = Gauge::<i64, AtomicI64>::default();
        subscribers.set(i64::try_from(app.hub.subscribers()).unwrap_or(i64::MAX));
        registry.register("em_sse_subscribers", "Subscribers to logs", subscribers);
        let dropped = "Subscribers that fell behind and were let go";
        registry.register("em_sse_dropped", dropped, app.hub.dropped.clone());
        self.intake.register(&mut registry);
        self.maintenance.register(&mut registry);
        let stat = app.store.stat();
        let gauges = [
            ("em_users", "Registered users", stat.users as u64),
            ("em_store_entries", "Entries in the store", stat.entries),
            ("em_intake_pending_users", "Users with entries that were not taken in", app.store.pending() as u64),
            ("em_store_hot_entries", "Entries in the log that are not sealed", stat.hot_entries),
            ("em_store_segments", "Segment files of the log", stat.segments as u64),
        ];
        for (name, help, value) in gauges {
            let gauge = Gauge::<i64, AtomicI64>::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        }
        let counters = [
            ("em_store_syncs", "Groups of uploads made durable", stat.syncs),
            ("em_store_uploads", "Uploads in those groups", stat.uploads),
            ("em_store_written_bytes", "Bytes written to the log", stat.written_bytes),
            ("em_store_dropped", "Uploads that were acknowledged from memory and could not be written", stat.dropped),
        ];
        for (name, help, value) in counters {
            let counter = Counter::<u64>::default();
            counter.inc_by(value);
            registry.register(name, help, counter);
        }
        registry
    }
}

impl MaintenanceCounters {
    fn register(&self, registry: &mut Registry) {
        registry.register("em_store_sealed_entries", "Entries moved to chunks", self.sealed_entries.clone());
        registry.register("em_store_sealed_chunks", "Chunks written for them", self.sealed_chunks.clone());
        registry.register(
            "em_store_maintenance_failed",
            "Maintenance that failed, and is tried again",
            self.failed.clone(),
        );
    }
}

impl IntakeCounters {
    fn register(&self, registry: &mut Registry) {
        registry.register("em_intake_runs", "Runs of the pipeline over one user", self.runs.clone());
        registry.register("em_intake_entries", "Entries taken in", self.entries.clone());
        registry.register(
            "em_intake_rejected_entries",
            "Entries that the pipeline could not read",
            self.rejected.clone(),
        );
        registry.register("em_intake_set_aside", "Runs that failed and set their user aside", self.set_aside.clone());
        registry.register(
            "em_intake_failed",
            "Runs that failed in the store, and are tried again",
            self.failed.clone(),
        );
        registry.register_with_unit("em_intake_cpu", "CPU time of the intake", Unit::Seconds, self.cpu_s.clone());
    }
}

/// Counts and times a request.
pub(crate) async fn measure(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let method = known_method(request.method()).to_owned();
    // The route, not the path: a path holds days, and an attacker can make up any number of them.
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    app.metrics.active.inc();
    let _active = Active(&app);
    let response = next.run(request).await;
    let labels = RequestLabels {
        http_request_method: method,
        http_route: route,
        http_response_status_code: response.status().as_u16(),
    };
    app.metrics.durations.get_or_create(&labels).observe(started.elapsed().as_secs_f64());
    response
}

/// The method's name. A client can make up any number of others, and each label is kept for ever.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

/// A request under way, also when its client goes away in the middle.
struct Active<'a>(&'a App);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.metrics.active.dec();
    }
}
