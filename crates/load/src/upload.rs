//! Uploading the days before the run, as fast as the target takes them: every connection always has one under way, and what
//! the target refuses for now is sent again.

use std::rc::Rc;
use std::time::Duration;

use rushhour_report::histogram::Latencies;
use rushhour_report::result::UploadResult;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::closed::drive_closed;
use crate::line::{Bounds, Line};
use crate::observer::Observer;
use crate::operation::Operation;
use crate::recorder::{Outcome, Record, Sample};
use crate::request::{Request, Source};
use crate::stop::Stop;
use crate::transport::Transport;

/// A target that refuses the same upload for longer does not only catch its breath.
const PATIENCE: Duration = Duration::from_secs(600);

/// Sends every request, each as soon as a connection is free, and gives back where they came from. Must run inside a
/// [`tokio::task::LocalSet`].
pub async fn upload<T: Transport + 'static, S: Source + 'static>(
    requests: S,
    transport: T,
    bounds: Bounds,
    observer: Rc<dyn Observer>,
    stop: &Stop,
) -> (Uploaded, S) {
    let started = Instant::now();
    let line = Line::new(
        transport,
        Bounds { end: Duration::MAX, patience: Some(PATIENCE), ..bounds },
        started,
        Uploaded::default(),
    );
    let counted = Rc::new(Mutex::new(Counted { requests, line: Rc::clone(&line), observer }));
    drive_closed(&counted, &line, Duration::MAX, stop.clone()).await;
    let mut uploaded = line.record().clone();
    uploaded.counts.seconds = started.elapsed().as_secs_f64();
    let counted = Rc::into_inner(counted).expect("every worker has ended");
    (uploaded, counted.into_inner().requests)
}

/// Requests whose days of people are told as they go, until the target has no room.
struct Counted<S, T> {
    requests: S,
    line: Rc<Line<T, Uploaded>>,
    observer: Rc<dyn Observer>,
}

impl<S: Source, T: Transport + 'static> Source for Counted<S, T> {
    async fn next(&mut self) -> Option<Request> {
        if self.line.record().is_full {
            return None;
        }
        let request = self.requests.next().await?;
        (0..request.person_days).for_each(|_| self.observer.step());
        Some(request)
    }
}

/// What was uploaded of the days before a run, as far as whole days are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Uploaded {
    /// How many days of everybody.
    pub days: u32,
    /// Requests, entries and bytes; its response times are not set.
    pub counts: UploadResult,
    /// From a request's release to the end of its answer.
    pub response: Latencies,
    /// Whether the target had no room for more.
    pub is_full: bool,
}

impl Uploaded {
    /// Adds what was uploaded afterwards.
    pub(crate) fn add(&mut self, more: &Self) {
        let (all, more_counts) = (&mut self.counts, &more.counts);
        all.sent += more_counts.sent;
        all.failed += more_counts.failed;
        all.held_back += more_counts.held_back;
        all.entries += more_counts.entries;
        all.bytes += more_counts.bytes;
        all.seconds += more_counts.seconds;
        self.response.merge(&more.response);
        self.is_full |= more.is_full;
    }

    /// The same for a result.
    pub fn result(&self) -> UploadResult {
        let full_after_days = self.is_full.then_some(self.days);
        UploadResult { response_ms: self.response.percentiles(), full_after_days, ..self.counts }
    }
}

impl Record for Uploaded {
    fn held_back(&mut self, _operation: Operation) {
        self.counts.held_back += 1;
    }

    fn record(&mut self, sample: &Sample) {
        let counts = &mut self.counts;
        match sample.outcome {
            Outcome::Completed(_) => {
                counts.sent += 1;
                counts.entries += sample.entries as u64;
                counts.bytes += sample.request_bytes as u64;
                self.response.record(sample.done.saturating_sub(sample.intended));
            }
            // What there is no room for is not held against the target: that is what is told then.
            Outcome::Failed(failure) if failure.is_full() => self.is_full = true,
            Outcome::Failed(_) => {
                counts.sent += 1;
                counts.failed += 1;
            }
            // Nobody waits for what was under way when somebody stopped the run.
            Outcome::Censored => {}
        }
    }
}
