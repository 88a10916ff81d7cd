//! An observer that keeps what a run tells while it goes on, and passes it on.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rushhour_load::observer::{Observer, Stage};
use rushhour_load::upload::Uploaded;
use rushhour_report::interval::Interval;

use crate::health::HealthLog;
use crate::intervals::IntervalLog;
use crate::metrics::RunMetrics;
use crate::rundir::RunDir;
use crate::study::keep_uploaded;

/// Keeps every second of a run in its folder, and adds it to what Prometheus is told.
pub struct Keeping {
    observer: Rc<dyn Observer>,
    /// Where it is noted how far a study's uploads are.
    study_dir: Option<PathBuf>,
    log: RefCell<Option<IntervalLog>>,
    health: RefCell<Option<HealthLog>>,
    metrics: Option<Arc<RunMetrics>>,
    /// What went wrong first; a run goes on without its seconds, and says so at the end.
    trouble: RefCell<Result<()>>,
}

impl Keeping {
    /// Passes everything on to `observer`, and keeps nothing.
    pub fn nothing(observer: Rc<dyn Observer>, metrics: Option<Arc<RunMetrics>>) -> Rc<Self> {
        Rc::new(Self {
            observer,
            study_dir: None,
            log: RefCell::default(),
            health: RefCell::default(),
            metrics,
            trouble: RefCell::new(Ok(())),
        })
    }

    /// Keeps everything in `dir`, of a study also how far its uploads are, and passes it on to `observer`.
    ///
    /// # Errors
    /// When a file cannot be made.
    pub fn everything(
        observer: Rc<dyn Observer>,
        (dir, is_study): (&RunDir, bool),
        metrics: Option<Arc<RunMetrics>>,
    ) -> Result<Rc<Self>> {
        let (log, health) = (RefCell::new(Some(dir.intervals()?)), RefCell::new(Some(dir.health()?)));
        let study_dir = is_study.then(|| dir.path().to_owned());
        Ok(Rc::new(Self { observer, study_dir, log, health, metrics, trouble: RefCell::new(Ok(())) }))
    }

    fn note(&self, kept: Result<()>) {
        let mut trouble = self.trouble.borrow_mut();
        if trouble.is_ok() {
            *trouble = kept;
        }
    }

    /// What could not be kept.
    ///
    /// # Errors
    /// The first of it.
    pub fn close(&self) -> Result<()> {
        self.log.take();
        let health = self.health.take().map_or(Ok(()), HealthLog::finish);
        self.trouble.replace(Ok(())).and(health)
    }
}

impl Observer for Keeping {
    fn steps(&self, stage: Stage, steps: u64) {
        self.observer.steps(stage, steps);
    }

    fn lasts(&self, stage: Stage, length: Duration) {
        self.observer.lasts(stage, length);
    }

    fn step(&self) {
        self.observer.step();
    }

    fn uploaded(&self, uploaded: &Uploaded) {
        if let Some(dir) = &self.study_dir {
            self.note(keep_uploaded(dir, uploaded));
        }
        self.observer.uploaded(uploaded);
    }

    fn interval(&self, interval: &Interval) {
        if let Some(metrics) = &self.metrics {
            metrics.add(interval);
        }
        if let Some(health) = &*self.health.borrow() {
            health.look(interval.end_s());
        }
        let kept = self.log.borrow_mut().as_mut().map_or(Ok(()), |log| log.add(interval));
        if kept.is_err() {
            self.log.take();
            self.note(kept);
        }
        self.observer.interval(interval);
    }

    fn finish(&self) {
        self.observer.finish();
    }
}
