//! Uploading the days before the run, as fast as the target takes them: every connection always has one under way.

use std::time::Duration;

use rushhour_report::result::UploadResult;
use tokio::time::Instant;

use crate::driver::{Bounds, Line, Pace, drive};
use crate::observer::Observer;
use crate::recorder::{Outcome, Record, Sample};
use crate::request::{Request, Source};
use crate::stop::Stop;
use crate::transport::Transport;

/// Sends every request, each as soon as a connection is free. Must run inside a [`tokio::task::LocalSet`].
pub async fn upload<T: Transport + 'static>(
    requests: &mut impl Source,
    transport: T,
    bounds: Bounds,
    observer: &dyn Observer,
    stop: &Stop,
) -> UploadResult {
    let started = Instant::now();
    let line = Line::new(transport, bounds, started, Uploaded::default());
    drive(Counted { requests, observer }, &line, Pace::Closed(Duration::MAX), stop.clone()).await;
    let seconds = started.elapsed().as_secs_f64();
    UploadResult { seconds, ..line.record().0 }
}

/// Requests whose days of people are told as they go.
struct Counted<'a, S> {
    requests: &'a mut S,
    observer: &'a dyn Observer,
}

impl<S: Source> Source for Counted<'_, S> {
    async fn next(&mut self) -> Option<Request> {
        let request = self.requests.next().await?;
        (0..request.person_days).for_each(|_| self.observer.step());
        Some(request)
    }
}

/// What was uploaded.
#[derive(Debug, Default)]
struct Uploaded(UploadResult);

impl Record for Uploaded {
    fn record(&mut self, sample: &Sample) {
        let result = &mut self.0;
        match sample.outcome {
            Outcome::Completed(_) => {
                result.sent += 1;
                result.entries += sample.entries as u64;
                result.bytes += sample.request_bytes as u64;
            }
            Outcome::Failed(_) => {
                result.sent += 1;
                result.failed += 1;
            }
            // Nobody waits for what was under way when somebody stopped the run.
            Outcome::Censored => {}
        }
    }
}
