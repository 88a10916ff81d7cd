//! What is shown to Prometheus without being one of its library's own metrics.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use rushhour_store::{SYNC_BOUNDS_S, SyncTimes};

use crate::diary::{STAGES, StageTimes};
use crate::metrics::durations::{Counts, Durations};

/// Something that is shared with whoever counts in it.
#[derive(Debug)]
pub(crate) struct Shown<T>(pub(crate) Arc<T>);

impl<T: EncodeMetric> EncodeMetric for Shown<T> {
    fn encode(&self, encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.encode(encoder)
    }

    fn metric_type(&self) -> MetricType {
        self.0.metric_type()
    }
}

/// Numbers that are known when somebody asks, each with its label.
#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) label: &'static str,
    pub(crate) values: Vec<(&'static str, f64)>,
}

impl EncodeMetric for Numbers {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, value) in &self.values {
            encoder.encode_family(&[(self.label, *name)])?.encode_gauge(value)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

/// The syncs of the log.
#[derive(Debug)]
pub(crate) struct Syncs(pub(crate) SyncTimes);

impl EncodeMetric for Syncs {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let bounds = SYNC_BOUNDS_S.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(self.0.buckets).collect();
        let count = self.0.buckets.iter().sum();
        encoder.encode_histogram::<NoLabelSet>(self.0.sum_s, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// How long the stages of a run of the pipeline took.
#[derive(Debug, Default)]
pub(crate) struct Stages([Durations; STAGES.len()]);

impl Stages {
    pub(crate) fn observe(&self, took: StageTimes) {
        self.0.iter().zip(took).for_each(|(stage, took)| stage.observe(took));
    }
}

impl EncodeMetric for Stages {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, stage) in STAGES.into_iter().zip(&self.0) {
            stage.encode(encoder.encode_family(&[("stage", name)])?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// How requests ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) method: &'static str,
    pub(crate) status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    http_request_method: &'static str,
    http_route: String,
    http_response_status_code: u16,
}

/// The endings of a route.
type Endings = Vec<(Ending, Arc<Durations>)>;

/// How long requests took, by route and ending. There are few of both, and counting in a known one allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct RequestTimes {
    routes: RwLock<HashMap<String, Endings>>,
}

impl RequestTimes {
    pub(crate) fn observe(&self, route: &str, ending: Ending, took: Duration) {
        let routes = self.routes.read().expect("no holder panics");
        let known = routes.get(route).and_then(|endings| endings.iter().find(|(known, _)| *known == ending));
        if let Some((_, durations)) = known {
            durations.observe(took);
            return;
        }
        drop(routes);
        let mut routes = self.routes.write().expect("no holder panics");
        let endings = routes.entry(route.to_owned()).or_default();
        if !endings.iter().any(|(known, _)| *known == ending) {
            endings.push((ending, Arc::default()));
        }
        if let Some((_, durations)) = endings.iter().find(|(known, _)| *known == ending) {
            durations.observe(took);
        }
    }

    /// Shows the counts of every route and ending.
    pub(crate) fn visit(&self, visit: &mut dyn FnMut(&str, Ending, &Counts)) {
        for (route, endings) in self.routes.read().expect("no holder panics").iter() {
            for (ending, durations) in endings {
                visit(route, *ending, &durations.counts());
            }
        }
    }
}

impl EncodeMetric for RequestTimes {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (route, endings) in self.routes.read().expect("no holder panics").iter() {
            for (Ending { method, status }, durations) in endings {
                let labels = RequestLabels {
                    http_request_method: method,
                    http_route: route.clone(),
                    http_response_status_code: *status,
                };
                durations.encode(encoder.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
