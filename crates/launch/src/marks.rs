//! When *measure* begins and ends, for whoever notes what the target has used by then.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use rushhour_load::observer::{Observer, Stage};
use rushhour_load::upload::Uploaded;
use rushhour_report::interval::Interval;

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// *Measure* begins.
    MeasureBegins,
    /// *Measure* has ended, or the run has.
    MeasureEnds,
    /// Nobody marks any more.
    Over,
}

/// Passes everything on, and says when *measure* begins and ends.
pub(crate) struct Marking<F> {
    observer: Rc<dyn Observer>,
    mark: F,
    is_measuring: Cell<bool>,
}

impl<F: Fn(Mark)> Marking<F> {
    /// Passes everything on to `observer`, and marks to `mark`.
    pub(crate) fn new(observer: Rc<dyn Observer>, mark: F) -> Self {
        Self { observer, mark, is_measuring: Cell::new(false) }
    }

    fn end(&self) {
        if self.is_measuring.replace(false) {
            (self.mark)(Mark::MeasureEnds);
        }
    }
}

impl<F: Fn(Mark)> Observer for Marking<F> {
    fn steps(&self, stage: Stage, steps: u64) {
        self.observer.steps(stage, steps);
    }

    fn lasts(&self, stage: Stage, length: Duration) {
        match stage {
            Stage::Measure => {
                self.is_measuring.set(true);
                (self.mark)(Mark::MeasureBegins);
            }
            Stage::Drain => self.end(),
            _ => {}
        }
        self.observer.lasts(stage, length);
    }

    fn step(&self) {
        self.observer.step();
    }

    fn uploaded(&self, uploaded: &Uploaded) {
        self.observer.uploaded(uploaded);
    }

    fn interval(&self, interval: &Interval) {
        self.observer.interval(interval);
    }

    fn finish(&self) {
        self.end();
        self.observer.finish();
    }
}
