//! Uploading the days before the run, as fast as the target takes them: every connection always has one under way.

use std::rc::Rc;
use std::time::Duration;

use rushhour_report::result::UploadResult;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::closed::drive_closed;
use crate::line::{Bounds, Line};
use crate::observer::Observer;
use crate::recorder::{Outcome, Record, Sample};
use crate::request::{Request, Source};
use crate::stop::Stop;
use crate::transport::Transport;

/// Sends every request, each as soon as a connection is free, and gives back where they came from. Must run inside a
/// [`tokio::task::LocalSet`].
pub async fn upload<T: Transport + 'static, S: Source + 'static>(
    requests: S,
    transport: T,
    bounds: Bounds,
    observer: Rc<dyn Observer>,
    stop: &Stop,
) -> (UploadResult, S) {
    let started = Instant::now();
    let line = Line::new(transport, Bounds { end: Duration::MAX, ..bounds }, started, Uploaded::default());
    let counted = Rc::new(Mutex::new(Counted { requests, observer }));
    drive_closed(&counted, &line, Duration::MAX, stop.clone()).await;
    let result = UploadResult { seconds: started.elapsed().as_secs_f64(), ..line.record().0 };
    let counted = Rc::into_inner(counted).expect("every worker has ended");
    (result, counted.into_inner().requests)
}

/// Requests whose days of people are told as they go.
struct Counted<S> {
    requests: S,
    observer: Rc<dyn Observer>,
}

impl<S: Source> Source for Counted<S> {
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
