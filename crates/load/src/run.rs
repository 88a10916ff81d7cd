//! A whole run: register, upload, prepare, drive, judge.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rushhour_report::environment::Environment;
use rushhour_report::hlog::Histograms;
use rushhour_report::interval::Interval;
use rushhour_report::limit::tightest_ms;
use rushhour_report::result::{GeneratorUse, Model, PhaseLengths, RunResult, SCHEMA, ScheduleFacts, Shard};
use rushhour_report::watch::Watch;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::before::before;
use crate::driver::{Driven, Ending};
use crate::error::LoadError;
use crate::lag::Lag;
use crate::line::Bounds;
use crate::live::InOrder;
use crate::observer::{HostProbe, Observer, Stage};
use crate::plan::{Materials, Plan};
use crate::probe::probe;
use crate::request::Requests;
use crate::scenario::{Pacing, Phases, Scenario};
use crate::schedule::{Identity, Part, Schedule};
use crate::sender::{Job, Sent, Stream};
use crate::software::Software;
use crate::stop::{self, Stop, Stopper};
use crate::transport::http1::Http1;
use crate::upload::Uploaded;
use crate::validity::{Facts, judge};
use crate::watched::{Used, Watched};

/// Senders that start at once need this long to be ready.
const LEAD: Duration = Duration::from_millis(50);
/// A thread sends at most this often, if the scenario does not say how many threads there are.
const THREAD_RATE_MAX_PER_S: f64 = 30_000.0;
/// Intervals that were handed on and not looked at yet.
const INTERVALS_MAX: usize = 64;

/// What is to be run, and what it is called in the result.
#[derive(Debug)]
pub struct Run {
    /// What is sent.
    pub scenario: Scenario,
    /// What its requests are made from.
    pub materials: Materials,
    /// Where it is sent.
    pub target: Http1,
    /// What the target is called.
    pub target_name: String,
    /// What it runs, if that is known to matter.
    pub software: Option<Software>,
    /// Where and with what.
    pub environment: Environment,
    /// Which part of the schedule is sent from here, and when all machines start.
    pub share: Share,
    /// What was uploaded at earlier sittings, and is not uploaded again.
    pub uploaded: Uploaded,
}

/// A machine's share of a run: all of it unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct Share {
    /// Which part of the schedule.
    pub part: Part,
    /// When all machines start; as soon as everything is ready when absent.
    pub start: Option<Start>,
}

/// A moment that several machines agreed on.
#[derive(Clone, Debug)]
pub struct Start {
    /// On the clock that requests are timed by.
    pub at: Instant,
    /// By the time of day, in seconds since 1970.
    pub wall_s: f64,
    /// The same as text.
    pub text: String,
}

/// What a run leaves behind.
#[derive(Debug)]
pub struct Finished {
    /// Everything that is shown.
    pub result: RunResult,
    /// Every latency that was counted.
    pub histograms: Histograms,
}

/// Runs a scenario against a target. Must run inside a [`tokio::task::LocalSet`] on a runtime of one thread.
///
/// # Errors
/// When the target cannot be spoken to or does not take the users; from then on whatever happens is in the result.
pub async fn run(run: Run, host: HostProbe, observer: Rc<dyn Observer>, mut stop: Stop) -> Result<Finished, LoadError> {
    let Run { scenario, materials, target, target_name, software, environment, share, uploaded } = run;
    let Materials { population, feeders } = materials;
    probe(&target).await?;
    let part = (share.part, uploaded);
    let (upload, population) = before(&scenario, population, &target, part, &observer, &mut stop).await?;

    let warnings = software.map(|software| software.warnings(&scenario, population.days_before())).unwrap_or_default();

    observer.steps(Stage::Prepare, 0);
    let materials = Materials { population, feeders };
    let (plan, identity) = Plan::new(&scenario, materials, target.address(), || observer.step());
    let epoch = epoch(share.start.as_ref(), &*observer, &stop).await?;
    let senders = Senders { scenario: Arc::new(scenario), plan: Arc::new(plan), target, part: share.part, epoch, host };
    let phases = senders.scenario.phases;
    let watched = Watched::start(phases, epoch, host);
    let watch_lag = || Lag::watch(senders.target.clone(), epoch + phases.measure_start());
    let lag = senders.scenario.live().map(|live| (watch_lag(), live.speed.as_f64()));
    let mut watch = Watch::new(senders.scenario.limits(), measure_s(&senders.scenario.phases));
    let (sent, aborted) = senders.send(&observer, &mut watch, &stop).await?;
    let used = watched.finish();
    // A second of a quick life is long.
    let pipeline_lag_max_s = lag.and_then(|(lag, speed)| Some(lag.finish()? * speed));
    observer.finish();

    let scenario = Arc::into_inner(senders.scenario).expect("every sender has ended");
    let driven = sent.driven;
    let measured = measured(&scenario.phases, &driven);
    let operations = sent.recorder.results(measured);
    let schedule = ScheduleFacts {
        started_late_s: share.start.as_ref().map(|start| host().wall_s - start.wall_s - epoch.elapsed().as_secs_f64()),
        start_at: share.start.map(|start| start.text),
        ..facts(&scenario, &identity, share.part)
    };
    let generator = generator_use(&sent, &used, &schedule, share.part, scenario.live().is_some());
    let limits = watch.outcomes(&operations);
    let (verdict, reasons) = judge(&Facts {
        limits: &limits,
        tightest_ms: tightest_ms(&scenario.limits()),
        aborted: aborted.as_deref(),
        driven,
        upload: &upload,
        operations: &operations,
        generator: &generator,
    });
    let result = RunResult {
        schema: SCHEMA,
        scenario: scenario.name.as_str().to_owned(),
        target: target_name,
        verdict,
        reasons,
        warnings,
        seed: scenario.seed,
        users: scenario.users().get(),
        schedule,
        phases: lengths(&scenario.phases),
        measured_s: measured.as_secs_f64(),
        upload,
        operations,
        limits,
        slow: sent.recorder.slow(),
        generator,
        pipeline_lag_max_s,
        target_use: None,
        machine: None,
        environment,
    };
    Ok(Finished { result, histograms: sent.recorder.histograms() })
}

/// When the run starts: at the moment that was agreed on, or now.
async fn epoch(start: Option<&Start>, observer: &dyn Observer, stop: &Stop) -> Result<Instant, LoadError> {
    let ready = Instant::now() + LEAD;
    let Some(start) = start else { return Ok(ready) };
    if start.at < ready {
        return Err(LoadError::TooLate { late_s: (ready - start.at).as_secs_f64() });
    }
    observer.lasts(Stage::Wait, start.at - ready);
    let mut stop = stop.clone();
    tokio::select! {
        () = sleep_until(start.at - LEAD) => {}
        () = stop.requested() => {}
    }
    Ok(start.at)
}

struct Senders {
    scenario: Arc<Scenario>,
    plan: Arc<Plan>,
    target: Http1,
    part: Part,
    epoch: Instant,
    host: HostProbe,
}

impl Senders {
    /// Sends the whole part from as many threads as it takes, and adds up what they did.
    /// Gives the reason if a limit of `watch` stopped it.
    async fn send(
        &self,
        observer: &Rc<dyn Observer>,
        watch: &mut Watch,
        stop: &Stop,
    ) -> Result<(Sent, Option<String>), LoadError> {
        let threads = threads(&self.scenario);
        let (stopper, stopped) = stop::stop();
        let passing_on = tokio::task::spawn_local(pass_on(stop.clone(), stopper.clone()));
        let (intervals, mut told) = mpsc::channel(INTERVALS_MAX);
        let running: Result<Vec<_>, _> =
            (0..threads).map(|thread| self.job(thread, threads, intervals.clone(), &stopped).start(thread)).collect();
        let running = running?;
        drop(intervals);
        let phases = tokio::task::spawn_local(tell_phases(Rc::clone(observer), self.scenario.phases, self.epoch));
        let mut seconds = Seconds::new(threads as usize);
        let mut aborted = None;
        while let Some(interval) = told.recv().await {
            let Some(second) = seconds.add(interval) else { continue };
            observer.interval(&second);
            aborted = aborted.or(watch.add(&second));
            if aborted.is_some() {
                stopper.stop();
            }
        }
        for second in seconds.rest() {
            observer.interval(&second);
            watch.add(&second);
        }
        phases.abort();
        passing_on.abort();
        let sent =
            running.into_iter().map(|sender| sender.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        let all = sent.reduce(|all, more| Ok(united(all?, more?)));
        Ok((all.expect("there is at least one thread")?, aborted))
    }

    fn job(&self, thread: u32, threads: u32, intervals: mpsc::Sender<Interval>, stop: &Stop) -> Job {
        let schedule = match self.scenario.sending.closed {
            true => Schedule::endless(&self.scenario),
            false => Schedule::new(&self.scenario),
        };
        let part = self.part.part(thread, threads);
        let scheduled = Requests::new(Arc::clone(&self.plan), schedule, part);
        let requests = match self.plan.lived(&self.scenario, part) {
            Some(lived) => Stream::Ahead(Box::new(InOrder::of(lived, scheduled))),
            None => Stream::Ready(Box::new(scheduled)),
        };
        Job {
            scenario: Arc::clone(&self.scenario),
            requests,
            http1: self.target.clone(),
            pacing: pacing(&self.scenario, self.part, threads),
            bounds: bounds(&self.scenario, threads),
            epoch: self.epoch,
            host: self.host,
            intervals,
            stop: stop.clone(),
        }
    }
}

/// What two threads did together.
fn united(all: Sent, more: Sent) -> Sent {
    let mut recorder = all.recorder;
    recorder.merge(&more.recorder);
    let (one, other) = (all.driven, more.driven);
    let driven = Driven {
        ending: one.ending.max(other.ending),
        ended: one.ended.max(other.ended),
        backlog_max: one.backlog_max + other.backlog_max,
        released: one.released + other.released,
    };
    let used = Used {
        thread_cpu_ratio: all.used.thread_cpu_ratio.max(more.used.thread_cpu_ratio),
        run_queue_wait_ratio: all.used.run_queue_wait_ratio.max(more.used.run_queue_wait_ratio),
        ..all.used
    };
    Sent { driven, recorder, used }
}

/// Stops with `stopper` what somebody stops.
async fn pass_on(mut stop: Stop, stopper: Stopper) {
    stop.requested().await;
    stopper.stop();
}

fn measure_s(phases: &Phases) -> Range<f64> {
    phases.measure_start().as_secs_f64()..phases.measure_end().as_secs_f64()
}

/// The seconds of a run, each once every thread has told its part of it.
struct Seconds {
    threads: usize,
    open: BTreeMap<u64, (usize, Interval)>,
}

impl Seconds {
    fn new(threads: usize) -> Self {
        Self { threads, open: BTreeMap::new() }
    }

    fn add(&mut self, interval: Interval) -> Option<Interval> {
        #[expect(clippy::cast_possible_truncation, reason = "a run lasts at most a few years")]
        let second = interval.start_s.round() as u64;
        let (told, whole) = self.open.entry(second).or_default();
        whole.merge(&interval);
        *told += 1;
        let is_whole = *told == self.threads;
        is_whole.then(|| self.open.remove(&second)).flatten().map(|(_, whole)| whole)
    }

    fn rest(self) -> Vec<Interval> {
        self.open.into_values().map(|(_, interval)| interval).collect()
    }
}

async fn tell_phases(observer: Rc<dyn Observer>, phases: Phases, epoch: Instant) {
    sleep_until(epoch).await;
    observer.lasts(Stage::WarmUp, phases.warm_up_s.duration());
    sleep_until(epoch + phases.measure_start()).await;
    observer.lasts(Stage::Measure, phases.measure_s.duration());
    sleep_until(epoch + phases.measure_end()).await;
    observer.lasts(Stage::Drain, phases.drain_s.duration());
}

fn threads(scenario: &Scenario) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX));
    #[expect(clippy::cast_possible_truncation, reason = "the highest rates are some ten millions")]
    let wanted = (scenario.peak_per_s() / THREAD_RATE_MAX_PER_S).ceil().max(1.0) as u32;
    scenario.sending.threads.map_or(wanted.min(cores), |threads| threads.get())
}

fn pacing(scenario: &Scenario, part: Part, threads: u32) -> Pacing {
    let parts = f64::from(part.count) * f64::from(threads);
    scenario.sending.pacing.unwrap_or_else(|| Pacing::for_rate(scenario.peak_per_s() / parts))
}

/// What one of so many threads may use.
pub(crate) fn bounds(scenario: &Scenario, threads: u32) -> Bounds {
    let connections = &scenario.connections;
    let share = |whole: u32| (whole.div_ceil(threads)) as usize;
    Bounds {
        connections_max: share(connections.max.get()),
        connect_gap: Duration::from_secs(threads.into()) / connections.opened_per_s_max.get(),
        request_timeout: connections.request_timeout_s.duration(),
        backlog_max: share(connections.backlog_max.get()),
        end: scenario.phases.end(),
        shed_after: connections.shed_after_ms.map(|ms| Duration::from_secs_f64(ms.as_f64() / 1e3)),
        drop: connections.drop,
        patience: None,
    }
}

fn facts(scenario: &Scenario, identity: &Identity, part: Part) -> ScheduleFacts {
    let threads = threads(scenario);
    let is_closed = scenario.sending.closed;
    ScheduleFacts {
        hash: if is_closed { String::new() } else { identity.hash.clone() },
        arrivals: if is_closed { 0 } else { identity.arrivals },
        model: if is_closed { Model::Closed } else { Model::Open },
        pacing: pacing(scenario, part, threads).word().to_owned(),
        transport: scenario.sending.transport.word().to_owned(),
        threads,
        connections_max: scenario.connections.max.get(),
        shard: (part != Part::WHOLE).then_some(Shard { index: part.index, count: part.count }),
        ..ScheduleFacts::default()
    }
}

/// How much of *measure* the run got through.
fn measured(phases: &Phases, driven: &Driven) -> Duration {
    match driven.ending {
        Ending::Finished => phases.measure_s.duration(),
        Ending::Saturated | Ending::Interrupted => driven.ended.saturating_sub(phases.measure_start()),
    }
}

fn lengths(phases: &Phases) -> PhaseLengths {
    PhaseLengths {
        warm_up_s: phases.warm_up_s.as_f64(),
        measure_s: phases.measure_s.as_f64(),
        drain_s: phases.drain_s.as_f64(),
    }
}

fn generator_use(sent: &Sent, used: &Used, schedule: &ScheduleFacts, part: Part, has_live: bool) -> GeneratorUse {
    let scheduled = part.count_of(schedule.arrivals);
    // People who live are split by who they are, not by number.
    let is_countable = part == Part::WHOLE || !has_live;
    let is_whole =
        sent.driven.ending == Ending::Finished && schedule.model == Model::Open && scheduled > 0 && is_countable;
    let lateness = sent.recorder.lateness().percentiles();
    GeneratorUse {
        thread_cpu_ratio: sent.used.thread_cpu_ratio,
        run_queue_wait_ratio: sent.used.run_queue_wait_ratio,
        cpu_ratio: used.cpu_ratio,
        steal_ratio: used.steal_ratio,
        pressure_ratio: used.pressure_ratio,
        backlog_max: sent.driven.backlog_max,
        // With too few samples for a p99 the longest must do.
        lateness_p99_ms: lateness.p99.or(lateness.max),
        released_ratio: is_whole.then(|| sent.driven.released as f64 / scheduled as f64),
    }
}
