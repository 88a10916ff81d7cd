//! What the server counts about itself, in Prometheus' text format.

mod durations;
mod keys;
pub(crate) mod plain;
mod process;
mod shown;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::app::App;
use crate::intake::wall_time;
pub(crate) use durations::{COUNTS, Counts, Durations, quantile_s};
pub(crate) use keys::KeyCounts;
pub(crate) use process::ProcessFigures;
pub(crate) use shown::{Ending, RequestTimes};
use shown::{Numbers, Shown, Stages, Syncs};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabel {
    key: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    reason: &'static str,
}

/// The counters. Whoever counts something new adds a field here and a line to [`registry`](Self::registry).
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) requests: Arc<RequestTimes>,
    pub(crate) active: Gauge<i64, AtomicI64>,
    pub(crate) connections: Gauge<i64, AtomicI64>,
    entries: Family<KeyLabel, Counter>,
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
    pub(crate) stages: Arc<Stages>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let entries = Family::<KeyLabel, Counter>::default();
        for key in KeyCounts::names() {
            // A series that begins when something is counted hides what was counted first.
            drop(entries.get_or_create(&KeyLabel { key }));
        }
        Self {
            requests: Arc::default(),
            active: Gauge::default(),
            connections: Gauge::default(),
            entries,
            ingest_bytes: Counter::default(),
            suspended: Counter::default(),
            intake: IntakeCounters::default(),
            maintenance: MaintenanceCounters::default(),
        }
    }

    /// Counts an upload that was acknowledged.
    pub(crate) fn count_upload(&self, keys: &KeyCounts, body_bytes: usize) {
        for (key, entries) in keys.present() {
            self.entries.get_or_create(&KeyLabel { key }).inc_by(entries);
        }
        self.ingest_bytes.inc_by(body_bytes as u64);
    }

    /// How many entries were acknowledged.
    pub(crate) fn entries_sent(&self) -> u64 {
        KeyCounts::names().iter().map(|key| self.entries.get_or_create(&KeyLabel { key }).get()).sum()
    }

    /// Everything, with what the store and the system say now. Blocks the thread for as long as those need.
    pub(crate) fn registry(&self, app: &App) -> Registry {
        let mut registry = Registry::default();
        let requests = "How long requests took, from their head to the start of their answer";
        let shown = Shown(Arc::clone(&self.requests));
        registry.register_with_unit("http_server_request_duration", requests, Unit::Seconds, shown);
        registry.register("http_server_active_requests", "Requests under way", self.active.clone());
        registry.register("em_connections", "Open connections", self.connections.clone());
        registry.register("em_ingest_entries", "Entries acknowledged, by key", self.entries.clone());
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
            shed.get_or_create(&labels).inc_by(refused);
            waiting.get_or_create(&labels).set(i64::try_from(now).unwrap_or(i64::MAX));
        }
        registry.register("em_shed", "Requests that were refused because their queue was full or too slow", shed);
        registry.register("em_waiting_requests", "Requests that wait for their turn", waiting);
        let subscribers = Gauge::<i64, AtomicI64>::default();
        subscribers.set(i64::try_from(app.hub.subscribers()).unwrap_or(i64::MAX));
        registry.register("em_sse_subscribers", "Subscribers to logs", subscribers);
        let dropped = "Subscribers that fell behind and were let go";
        registry.register("em_sse_dropped", dropped, app.hub.dropped.clone());
        let delivery = "How long it took from an acknowledgement until a subscriber was told";
        let shown = Shown(Arc::clone(&app.hub.delivery));
        registry.register_with_unit("em_sse_delivery", delivery, Unit::Seconds, shown);
        self.intake.register(&mut registry);
        self.maintenance.register(&mut registry);
        register_store(&mut registry, app);
        register_people(&mut registry, app);
        if let Some(process) = ProcessFigures::now() {
            process.register(&mut registry);
        }
        registry
    }
}

/// What the store says of itself.
fn register_store(registry: &mut Registry, app: &App) {
    let stat = app.store.stat();
    if let Ok(sizes) = app.store.sizes() {
        let tiers = [
            ("log", sizes.log_bytes as f64),
            ("volumes", sizes.volumes_bytes as f64),
            ("directory", sizes.directory_bytes as f64),
        ];
        let bytes = Numbers { label: "tier", values: tiers.to_vec() };
        registry.register_with_unit("em_store", "What the store takes on its disk", Unit::Bytes, bytes);
        set(registry, "em_store_free_bytes", "What may still be written to the store's disk", sizes.free_bytes as f64);
    }
    let syncs = Syncs(app.store.sync_times());
    registry.register_with_unit("em_store_fsync", "How long syncs of the log took", Unit::Seconds, syncs);
    let is_writable = app.store.damage().is_none() && !app.store.is_poisoned();
    let gauges = [
        ("em_store_entries", "Entries in the store", stat.entries as f64),
        ("em_store_hot_entries", "Entries in the log that are not sealed", stat.hot_entries as f64),
        ("em_store_hot_bytes", "Memory that the uploads in the log take", stat.hot_bytes as f64),
        ("em_store_segments", "Segment files of the log", stat.segments as f64),
        ("em_store_writable", "1 while uploads can be kept, else 0", f64::from(u8::from(is_writable))),
    ];
    for (name, help, value) in gauges {
        set(registry, name, help, value);
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
}

/// Who there is, who waits, and how full the server is.
fn register_people(registry: &mut Registry, app: &App) {
    let users = app.store.stat().users;
    let synced = app.activity.synced(users, wall_time().as_secs_f64());
    let since = [
        ("hour", synced.hour as f64),
        ("day", synced.day as f64),
        ("week", synced.week as f64),
        ("longer", synced.longer as f64),
        ("never", synced.never as f64),
    ];
    let phones = "Users by how long ago their phone synced, each counted once: within an hour, else a day, else a week";
    registry.register("em_phones", phones, Numbers { label: "synced", values: since.to_vec() });
    let room = app.limits.bodies_bytes_max as f64;
    let gauges = [
        ("em_users", "Registered users", users as f64),
        ("em_pipeline_users_pending", "Users with entries that were not taken in", app.store.pending() as f64),
        ("em_pipeline_lag_seconds", "How long the oldest upload waits to be taken in", app.store.lag().as_secs_f64()),
        ("em_connections_max", "How many connections are served at once", app.limits.connections_max as f64),
        ("em_bodies_bytes", "Memory that bodies take", app.bodies_bytes() as f64),
        ("em_bodies_bytes_max", "Memory that bodies may take", room),
    ];
    for (name, help, value) in gauges {
        set(registry, name, help, value);
    }
}

fn set(registry: &mut Registry, name: &str, help: &str, value: f64) {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        let gauge = Gauge::<i64, AtomicI64>::default();
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
        gauge.set(value as i64);
        registry.register(name, help, gauge);
    } else {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
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
        let stages = "How long the stages of the pipeline's runs took";
        registry.register_with_unit("em_pipeline_stage", stages, Unit::Seconds, Shown(Arc::clone(&self.stages)));
        registry.register_with_unit("em_intake_cpu", "CPU time of the intake", Unit::Seconds, self.cpu_s.clone());
    }
}
