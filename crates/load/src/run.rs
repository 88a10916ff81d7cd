//! A whole run: register, upload, drive, judge.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use rushhour_report::environment::Environment;
use rushhour_report::result::{GeneratorUse, PhaseLengths, RunResult, SCHEMA, ScheduleFacts, UploadResult};
use tokio::time::{Instant, sleep};

use crate::address::Address;
use crate::control;
use crate::driver::{Bounds, Driven, Ending, drive};
use crate::error::LoadError;
use crate::observer::{HostProbe, HostSample, Observer, Stage};
use crate::pool::Pool;
use crate::population::Population;
use crate::recorder::Recorder;
use crate::request::{Ahead, Before, Requests};
use crate::scenario::{Phases, Scenario};
use crate::schedule::Schedule;
use crate::stop::Stop;
use crate::transport::Transport;
use crate::transport::http1::Http1;
use crate::upload::upload;
use crate::validity::{Facts, judge};

/// What is to be run, and what it is called in the result.
#[derive(Debug)]
pub struct Run {
    /// What is sent.
    pub scenario: Scenario,
    /// Whose phones send it.
    pub population: Population,
    /// Where it is sent.
    pub address: Address,
    /// What the target is called.
    pub target: String,
    /// Where and with what.
    pub environment: Environment,
}

/// Runs a scenario against a target. Must run inside a [`tokio::task::LocalSet`] on a runtime of one thread.
///
/// # Errors
/// When the target does not take the users; from then on whatever happens is in the result.
pub async fn run(
    run: Run,
    host: HostProbe,
    observer: Rc<dyn Observer>,
    mut stop: Stop,
) -> Result<RunResult, LoadError> {
    let Run { scenario, population, address, target, environment } = run;
    let pool = Rc::new(Pool::new(Http1::new(address.clone()), scenario.connections.max.get()));

    observer.steps(Stage::Register, population.users().into());
    tokio::select! {
        registered = control::register(&address, &population, &*observer) => registered?,
        () = stop.requested() => {}
    }
    let (upload, population) = upload_before(population, &scenario, &pool, &*observer, &mut stop).await;
    let pool = Rc::into_inner(pool).expect("every upload has ended");

    let requests = Ahead::start(Requests::new(Schedule::new(&scenario), population));
    let watched = Watched::start(scenario.phases, host, Rc::clone(&observer));
    let (driven, recorder) = drive(requests, pool, Recorder::new(&scenario), bounds(&scenario), stop).await;
    let generator = generator_use(&watched, host(), &driven, &recorder);
    observer.finish();

    let measured = measured(&scenario.phases, &driven);
    let operations = recorder.results(measured);
    let limits = &scenario.limits;
    let facts = Facts { limits, driven, upload: &upload, operations: &operations, generator: &generator };
    let (verdict, reasons) = judge(&facts);
    Ok(RunResult {
        schema: SCHEMA,
        scenario: scenario.name.as_str().to_owned(),
        target,
        verdict,
        reasons,
        seed: scenario.seed,
        schedule: ScheduleFacts::default(),
        users: scenario.users().get(),
        phases: lengths(&scenario.phases),
        measured_s: measured.as_secs_f64(),
        upload,
        operations,
        limits: Vec::new(),
        slow: Vec::new(),
        generator,
        target_use: None,
        environment,
    })
}

fn bounds(scenario: &Scenario) -> Bounds {
    Bounds {
        request_timeout: scenario.connections.request_timeout_s.duration(),
        backlog_max: scenario.connections.backlog_max.get().into(),
        end: scenario.phases.end(),
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

async fn upload_before<T: Transport + 'static>(
    population: Population,
    scenario: &Scenario,
    pool: &Rc<Pool<T>>,
    observer: &dyn Observer,
    stop: &mut Stop,
) -> (UploadResult, Population) {
    observer.steps(Stage::Upload, population.person_days_before());
    let request_timeout = scenario.connections.request_timeout_s.duration();
    let mut before = Ahead::start(Before(population));
    let result = upload(&mut before, pool, request_timeout, observer, stop).await;
    (result, before.into_inner().0)
}

/// What the machine had used when *measure* began and ended, as far as the run got there.
struct Watched {
    start: Rc<Cell<Option<(Instant, HostSample)>>>,
    end: Rc<Cell<Option<(Instant, HostSample)>>>,
}

impl Watched {
    /// Starts watching the phases go by, from now on.
    fn start(phases: Phases, host: HostProbe, observer: Rc<dyn Observer>) -> Self {
        let watched = Self { start: Rc::default(), end: Rc::default() };
        let (start, end) = (Rc::clone(&watched.start), Rc::clone(&watched.end));
        tokio::task::spawn_local(async move {
            observer.lasts(Stage::WarmUp, phases.warm_up_s.duration());
            sleep(phases.warm_up_s.duration()).await;
            start.set(Some((Instant::now(), host())));
            observer.lasts(Stage::Measure, phases.measure_s.duration());
            sleep(phases.measure_s.duration()).await;
            end.set(Some((Instant::now(), host())));
            observer.lasts(Stage::Drain, phases.drain_s.duration());
        });
        watched
    }
}

fn generator_use(watched: &Watched, now: HostSample, driven: &Driven, recorder: &Recorder) -> GeneratorUse {
    let lateness = recorder.lateness().percentiles();
    // With too few samples for a p99 the longest must do.
    let lateness_p99_ms = lateness.p99.or(lateness.max);
    let idle = GeneratorUse { backlog_max: driven.backlog_max, lateness_p99_ms, ..GeneratorUse::default() };
    let Some((started, before)) = watched.start.get() else { return idle };
    let (ended, after) = watched.end.get().unwrap_or((Instant::now(), now));
    let wall_s = (ended - started).as_secs_f64();
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    GeneratorUse {
        thread_cpu_ratio: share(after.thread_cpu_s - before.thread_cpu_s, wall_s),
        cpu_ratio: share(after.process_cpu_s - before.process_cpu_s, after.total_s - before.total_s),
        steal_ratio: share(after.steal_s - before.steal_s, after.total_s - before.total_s),
        ..idle
    }
}
