//! A run's own figures while it goes on, for Prometheus: fed by its intervals, read over HTTP.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use rushhour_report::histogram::Latencies;
use rushhour_report::interval::{Interval, IntervalOperation};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// The bounds of the classic buckets, in seconds: those that OpenTelemetry advises for requests, and some at both ends for
/// lateness and for answers that nobody would wait for.
const BUCKETS_S: [f64; 21] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5,
    10.0, 30.0, 60.0,
];
/// Whoever asks has this long, then the connection is closed: they are answered one after the other.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
/// After a connection could not be accepted, as when the process has no file left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// What the operations of a run have done so far.
#[derive(Debug, Default)]
pub struct RunMetrics(Mutex<Totals>);

#[derive(Clone, Debug, Default)]
struct Totals(BTreeMap<String, IntervalOperation>);

impl RunMetrics {
    /// Before the run.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next interval.
    pub fn add(&self, interval: &Interval) {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, operation) in &interval.operations {
            let total = totals.0.entry(name.clone()).or_default();
            total.merge(operation);
            // It is a state, not a count.
            total.backlog = operation.backlog;
        }
    }

    /// The page, in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let totals = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(totals));
        let mut text = String::new();
        encode(&mut text, &registry).expect("memory can be written to");
        text
    }
}

type Count = fn(&IntervalOperation) -> u64;
type Part = fn(&IntervalOperation) -> &Latencies;

const COUNTERS: [(&str, &str, Count); 7] = [
    ("emload_offered", "Requests that the schedule intended", |of| of.offered),
    ("emload_sent", "Requests written to a connection", |of| of.sent),
    ("emload_completed", "Requests answered with success", |of| of.completed),
    ("emload_failed", "Requests that failed, dropped and limited ones included", |of| of.failed),
    ("emload_censored", "Requests given up because the run ended", |of| of.censored),
    ("emload_dropped", "Requests given up before they were sent, as the scenario asked for", |of| of.shed),
    ("emload_limited", "Requests that the target refused by its own rule", |of| of.limited),
];
const HISTOGRAMS: [(&str, &str, Part); 2] = [
    ("emload_response", "From the intended time to the end of the answer", |of| &of.response),
    ("emload_send_lag", "From the intended time to the release: the generator's own delay", |of| &of.lateness),
];

impl Collector for Totals {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, of) in COUNTERS {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            self.each(metric, |mut metric, total| metric.encode_counter::<NoLabelSet, _, u64>(&of(total), None))?;
        }
        let sum = |of: Count| self.0.values().map(of).sum::<u64>();
        let backlog = sum(|of| of.backlog);
        let inflight = sum(|of| of.offered).saturating_sub(sum(IntervalOperation::ended) + backlog);
        let gauges = [
            ("emload_inflight", "Requests sent or about to be, and not answered", inflight),
            ("emload_backlog", "Requests that wait for a connection", backlog),
        ];
        for (name, help, value) in gauges {
            encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)?;
        }
        for (name, help, of) in HISTOGRAMS {
            let metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
            self.each(metric, |mut metric, total| {
                let latencies = of(total);
                let buckets = buckets(latencies);
                metric.encode_histogram::<NoLabelSet>(latencies.sum_s(), latencies.count(), &buckets, None)
            })?;
        }
        Ok(())
    }
}

impl Totals {
    fn each(
        &self,
        mut metric: MetricEncoder<'_>,
        encode: impl Fn(MetricEncoder<'_>, &IntervalOperation) -> fmt::Result,
    ) -> fmt::Result {
        self.0.iter().try_for_each(|(name, total)| encode(metric.encode_family(&[("op", name.as_str())])?, total))
    }
}

/// How many latencies are in each bucket, by its upper bound in seconds.
fn buckets(latencies: &Latencies) -> Vec<(f64, u64)> {
    let mut before = 0;
    let until = BUCKETS_S.iter().map(|bound_s| (*bound_s, latencies.count_until(Duration::from_secs_f64(*bound_s))));
    let until = until.chain([(f64::INFINITY, latencies.count())]);
    until.map(|(bound_s, count)| (bound_s, count - std::mem::replace(&mut before, count))).collect()
}

/// Answers whoever asks `listener` for `/metrics`, one after the other, until `stop` is done.
pub async fn serve(listener: TcpListener, metrics: Arc<RunMetrics>, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    loop {
        let one = async {
            let Ok((stream, _)) = listener.accept().await else { return sleep(ACCEPT_PAUSE).await };
            let service = service_fn(|request: Request<_>| {
                let answer = answer(request.uri().path(), &metrics);
                async { Ok::<_, Infallible>(answer) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).keep_alive(false);
            // Whoever is too slow, or goes away, asks again.
            let _ = timeout(CONNECTION_TIMEOUT, http.serve_connection(TokioIo::new(stream), service)).await;
        };
        tokio::select! {
            () = one => {}
            () = &mut stop => return,
        }
    }
}

fn answer(path: &str, metrics: &RunMetrics) -> Response<Full<Bytes>> {
    let is_known = path == "/metrics";
    let text = if is_known { metrics.text() } else { "only /metrics is here\n".to_owned() };
    let mut response = Response::new(Full::new(text.into()));
    if is_known {
        response.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS);
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    /// A second in which `put` got one answer, after so many milliseconds, and five requests are waiting.
    fn second(ms: u64) -> Interval {
        let mut put = IntervalOperation {
            offered: 10,
            sent: 4,
            completed: 1,
            shed: 1,
            failed: 2,
            backlog: 5,
            ..IntervalOperation::default()
        };
        put.response.record(Duration::from_millis(ms));
        put.lateness.record(Duration::from_micros(200));
        let operations = BTreeMap::from([("put".to_owned(), put)]);
        Interval { start_s: 0.0, length_s: 1.0, operations }
    }

    #[test]
    fn counts_add_up_and_states_do_not() {
        let metrics = RunMetrics::new();
        metrics.add(&second(3));
        metrics.add(&second(70));
        let text = metrics.text();
        for line in [
            "# TYPE emload_offered counter",
            "emload_offered_total{op=\"put\"} 20",
            "emload_sent_total{op=\"put\"} 8",
            "emload_dropped_total{op=\"put\"} 2",
            "emload_inflight 9",
            "emload_backlog 5",
            "# TYPE emload_response_seconds histogram",
            "emload_response_seconds_count{op=\"put\"} 2",
            "emload_response_seconds_bucket{le=\"0.0025\",op=\"put\"} 0",
            "emload_response_seconds_bucket{le=\"0.005\",op=\"put\"} 1",
            "emload_response_seconds_bucket{le=\"0.075\",op=\"put\"} 2",
            "emload_response_seconds_bucket{le=\"+Inf\",op=\"put\"} 2",
            "emload_send_lag_seconds_bucket{le=\"0.0001\",op=\"put\"} 0",
            "emload_send_lag_seconds_bucket{le=\"0.00025\",op=\"put\"} 2",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    async fn ask(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn the_page_is_served_until_it_is_stopped() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Arc::new(RunMetrics::new());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let serving = tokio::spawn(serve(listener, Arc::clone(&metrics), stopped));
        metrics.add(&second(3));
        let page = ask(address, "/metrics").await;
        assert!(page.starts_with("HTTP/1.1 200 OK\r\ncontent-type: application/openmetrics-text"), "{page}");
        assert!(page.contains("\nemload_sent_total{op=\"put\"} 4\n") && page.ends_with("# EOF\n"), "{page}");
        metrics.add(&second(3));
        assert!(ask(address, "/metrics").await.contains("\nemload_sent_total{op=\"put\"} 8\n"));
        assert!(ask(address, "/").await.starts_with("HTTP/1.1 404 Not Found"));
        // Somebody who connects and says nothing does not hold the end up.
        let _silent = TcpStream::connect(address).await.unwrap();
        stop.send(()).unwrap();
        serving.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
