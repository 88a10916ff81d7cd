//! A thread that sends a part of the schedule, with a runtime, a timer and connections of its own, so that threads share
//! nothing while they send.

use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rushhour_report::interval::Interval;
use tokio::sync::{Mutex, mpsc};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until};

use crate::closed::drive_closed;
use crate::driver::{Driven, drive};
use crate::error::LoadError;
use crate::line::{Bounds, Line};
use crate::observer::HostProbe;
use crate::pacer::Pacer;
use crate::recorder::Recorder;
use crate::request::{Ahead, Ready, Request};
use crate::scenario::{Carrier, Pacing, Scenario};
use crate::stop::Stop;
use crate::transport::Transport;
use crate::transport::http1::Http1;
use crate::transport::proxied::Proxied;
use crate::watched::{Used, Watched};

/// How often a sender says what happened.
const INTERVAL: Duration = Duration::from_secs(1);

/// What a thread is to send, and how.
pub(crate) struct Job {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) requests: Stream,
    pub(crate) http1: Http1,
    pub(crate) pacing: Pacing,
    pub(crate) bounds: Bounds,
    pub(crate) epoch: Instant,
    pub(crate) host: HostProbe,
    pub(crate) intervals: mpsc::Sender<Interval>,
    pub(crate) stop: Stop,
}

/// Where requests come from.
pub(crate) enum Stream {
    /// They cost next to nothing to make.
    Ready(Box<dyn Iterator<Item = Request> + Send>),
    /// They are made on a thread of their own.
    Ahead(Box<dyn Iterator<Item = Request> + Send>),
}

/// What a thread has sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) driven: Driven,
    pub(crate) recorder: Recorder,
    pub(crate) used: Used,
}

impl Job {
    /// Starts sending.
    pub(crate) fn start(self, number: u32) -> Result<JoinHandle<Result<Sent, LoadError>>, LoadError> {
        let thread = std::thread::Builder::new().name(format!("sender-{number}"));
        thread.spawn(move || self.run()).map_err(LoadError::Thread)
    }

    fn run(self) -> Result<Sent, LoadError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LoadError::Thread)?;
        runtime.block_on(LocalSet::new().run_until(async move {
            match self.scenario.sending.transport {
                Carrier::Http1 => {
                    let transport = self.http1.clone();
                    self.send(transport).await
                }
                Carrier::Reqwest => {
                    let transport = Proxied::new(&self.http1).map_err(LoadError::Client)?;
                    self.send(transport).await
                }
            }
        }))
    }

    async fn send<T: Transport + 'static>(self, transport: T) -> Result<Sent, LoadError> {
        let Self { scenario, requests, pacing, bounds, epoch, host, intervals, stop, .. } = self;
        let pacer = Pacer::new(pacing, epoch).map_err(LoadError::Thread)?;
        let line = Line::new(transport, bounds, epoch, Recorder::new(&scenario));
        let watched = Watched::start(scenario.phases, epoch, host);
        let telling = tokio::task::spawn_local(tell(Rc::clone(&line), epoch, intervals.clone()));
        sleep_until(epoch).await;
        let driven = match requests {
            Stream::Ready(requests) if scenario.sending.closed => {
                drive_closed(&Rc::new(Mutex::new(Ready(requests))), &line, scenario.phases.measure_end(), stop).await
            }
            Stream::Ready(requests) => drive(Ready(requests), &line, pacer, stop).await,
            Stream::Ahead(requests) => drive(Ahead::start(requests), &line, pacer, stop).await,
        };
        telling.abort();
        // What happened after the last full second. Somebody may have stopped listening; the recorder has it all.
        let _ = intervals.try_send(line.record().take_interval(epoch.elapsed(), line.backlog()));
        let used = watched.finish();
        let recorder = line.record().clone();
        Ok(Sent { driven, recorder, used })
    }
}

/// Hands on what happened, second by second. Who listens too slowly gets longer intervals, not more of them.
async fn tell<T: Transport + 'static>(line: Rc<Line<T, Recorder>>, epoch: Instant, intervals: mpsc::Sender<Interval>) {
    for second in 1_u32.. {
        let at = INTERVAL * second;
        sleep_until(epoch + at).await;
        if let Ok(room) = intervals.try_reserve() {
            room.send(line.record().take_interval(at, line.backlog()));
        }
    }
}
