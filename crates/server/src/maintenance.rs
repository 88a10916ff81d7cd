//! Maintenance: what is old in the store is sealed, the store is kept small, it is written down when phones were last heard
//! of, and summed up what everybody does, while requests come first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tracing::warn;

use crate::app::App;
use crate::intake::wall_time;

/// It gives way to everything else, as the intake does.
const NICE: i32 = 19;
/// How often it is written down when phones were last heard of: what a crash may lose of it.
const PROFILES_EVERY: Duration = Duration::from_secs(60);
/// How long it sleeps before it looks whether it shall stop.
const IDLE: Duration = Duration::from_millis(50);

/// How often the sums over everybody are made anew: reading 10,000 diaries of half a year takes some seconds.
const SUMS_EVERY: Duration = Duration::from_secs(600);

/// The running maintenance.
#[derive(Debug)]
pub struct Maintenance {
    is_stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Maintenance {
    /// Starts the threads, which look for something to do every so often.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(app: &Arc<App>, every: Duration) -> std::io::Result<Self> {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let start = |name: &str, work: fn(&App, Duration, &AtomicBool)| {
            let (app, stop) = (Arc::clone(app), Arc::clone(&is_stopped));
            Builder::new().name(name.into()).spawn(move || work(&app, every, &stop))
        };
        let threads = vec![start("maintenance", work)?, start("sealing", seal)?];
        Ok(Self { is_stopped, threads })
    }

    /// Stops the threads, and waits until they have finished what they are at. Blocks the thread.
    pub fn stop(self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A thread that panicked has been reported by its panic.
            let _ = thread.join();
        }
    }
}

/// All maintenance, with what time others leave.
fn work(app: &App, every: Duration, is_stopped: &AtomicBool) {
    // Where it cannot be kinder it works all the same.
    let _ = rustix::process::nice(NICE);
    if let Err(error) = app.activity.read_back(&app.store) {
        warn!(%error, "nobody knows when phones were last heard of");
        app.metrics.maintenance.failed.inc();
    }
    let (mut written, mut summed) = (wall_time(), (u64::MAX, Duration::ZERO));
    // A store that is read-only stays so until it is opened again.
    while !is_stopped.load(Ordering::Relaxed) && app.store.damage().is_none() {
        if app.store.is_pressed() || !maintain(app) {
            sum_up(app, &mut summed, is_stopped);
            rest(every, is_stopped);
        }
        // A clock that was set back only delays it.
        if wall_time().saturating_sub(written) >= PROFILES_EVERY {
            written = wall_time();
            write_profiles(app);
        }
    }
    if app.store.damage().is_none() {
        write_profiles(app);
    }
}

/// Seals as one among equals while so much waits for it that uploads would soon be refused: on a machine that is busy for
/// hours others leave no time. A thread may not take back what it gave way, so this is another one.
fn seal(app: &App, every: Duration, is_stopped: &AtomicBool) {
    while !is_stopped.load(Ordering::Relaxed) && app.store.damage().is_none() {
        if !app.store.is_pressed() || !maintain(app) {
            rest(every, is_stopped);
        }
    }
}

/// Writes down when phones were last heard of.
fn write_profiles(app: &App) {
    if let Err(error) = app.activity.write(&app.store) {
        warn!(%error, "it cannot be written down when phones were last heard of");
        app.metrics.maintenance.failed.inc();
    }
}

/// Sums up what everybody has done, if something was and the last time is long ago. `last` is how often the pipeline had
/// run then, and when that was.
fn sum_up(app: &App, last: &mut (u64, Duration), is_stopped: &AtomicBool) {
    let (runs, now) = (app.metrics.intake.runs.get(), wall_time());
    if runs == last.0 || now < last.1 + SUMS_EVERY {
        return;
    }
    // What cannot be read now is summed up the next time.
    let _ = app.everybody.look(&app.store, &|| is_stopped.load(Ordering::Relaxed));
    *last = (runs, now);
}

/// Does a bit of maintenance; returns whether there is more to do now.
fn maintain(app: &App) -> bool {
    let counters = &app.metrics.maintenance;
    match app.store.maintain(wall_time().as_secs_f64()) {
        Ok(done) => {
            counters.sealed_entries.inc_by(done.entries);
            counters.sealed_chunks.inc_by(done.chunks);
            counters.failed.inc_by(done.failed.len() as u64);
            if let Some((_, error)) = done.failed.first() {
                warn!(users = done.failed.len(), %error, "users cannot be sealed now");
            }
            // Who cannot be sealed now cannot be sealed in a moment either.
            done.has_more && done.failed.is_empty()
        }
        Err(error) => {
            warn!(%error, "the maintenance failed");
            counters.failed.inc();
            false
        }
    }
}

fn rest(time: Duration, is_stopped: &AtomicBool) {
    let mut left = time;
    while !left.is_zero() && !is_stopped.load(Ordering::Relaxed) {
        let part = left.min(IDLE);
        std::thread::sleep(part);
        left -= part;
    }
}
