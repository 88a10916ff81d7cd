//! An observer that keeps what a run tells while it goes on, and passes it on.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rushhour_load::observer::{Observer, Stage};
use rushhour_report::interval::Interval;

use crate::health::HealthLog;
use crate::intervals::IntervalLog;
use crate::metrics::RunMetrics;

/// Keeps every second of a run in its folder, and adds it to what Prometheus is told.
pub struct Keeping {
    observer: Rc<dyn Observer>,
    log: RefCell<Option<IntervalLog>>,
    health: RefCell<Option<HealthLog>>,
    metrics: Option<Arc<RunMetrics>>,
    /// What went wrong first; a run goes on without its seconds, and says so at the end.
    trouble: RefCell<Result<()>>,
}

impl Keeping {
    /// Passes everything on to `observer`.
    pub fn new(observer: Rc<dyn Observer>, log: Option<IntervalLog>, metrics: Option<Arc<RunMetrics>>) -> Rc<Self> {
        let health = RefCell::new(None);
        Rc::new(Self { observer, log: RefCell::new(log), health, metrics, trouble: RefCell::new(Ok(())) })
    }

    /// Keeps how the machine is as well.
    pub fn watch(&self, health: HealthLog) {
        self.health.replace(Some(health));
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
            *self.trouble.borrow_mut() = kept;
        }
        self.observer.interval(interval);
    }

    fn finish(&self) {
        self.observer.finish();
    }
}
