//! Progress on stderr, for people: bars in a terminal, and a line a minute where somebody will read a log.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::rc::Rc;
use std::time::Duration;

use indicatif::{
    HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};
use rushhour_load::observer::{Observer, Stage};
use rushhour_report::interval::{Interval, IntervalOperation};

use crate::output::say;

const STEPS: &str = "{prefix:>9} {wide_bar} {human_pos}/{human_len} {rate}, {eta} left";
const TIME: &str = "{prefix:>9} {wide_bar} {elapsed} of {msg}";
const LINE: &str = "{msg}";
/// How often a bar that follows the clock moves.
const TICK: Duration = Duration::from_millis(100);
/// How often a line is written where no bar can move, in seconds.
const LINE_EVERY_S: u64 = 60;

/// One bar for the stage a run is in, and above it a line for each operation.
#[derive(Debug)]
pub(crate) struct Progress {
    all: MultiProgress,
    bar: RefCell<ProgressBar>,
    lines: RefCell<BTreeMap<String, ProgressBar>>,
    /// After how many of [`LINE_EVERY_S`] of the stage a line was written last; `None` where there are bars, or nothing is to be
    /// told.
    written: Option<Cell<u64>>,
}

impl Progress {
    /// Bars, or lines if stderr is no terminal; nothing if `quiet`.
    pub(crate) fn new(quiet: bool) -> Rc<Self> {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let all = MultiProgress::with_draw_target(target);
        let written = (!quiet && !stderr().is_terminal()).then(Cell::default);
        Rc::new(Self { all, bar: RefCell::new(ProgressBar::hidden()), lines: RefCell::default(), written })
    }

    /// Writes a line if it is time for one.
    fn write(&self) {
        let Some(written) = &self.written else { return };
        let bar = self.bar.borrow();
        let passed = bar.elapsed().as_secs() / LINE_EVERY_S;
        if written.replace(passed) == passed {
            return;
        }
        let (length, message) = (bar.length().unwrap_or_default(), bar.message());
        let whole = if message.is_empty() { HumanCount(length).to_string() } else { message };
        if let Some(line) = line(&bar.prefix(), &whole, bar.position() as f64 / length as f64, bar.elapsed()) {
            say(&line);
        }
    }

    fn replace(&self, stage: Stage, length: u64, template: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(template).expect("the templates are valid constants");
        let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.0}/s", state.per_sec());
        });
        self.bar.borrow().finish_and_clear();
        let bar = self.all.add(ProgressBar::new(length).with_style(style).with_prefix(word(stage)));
        self.bar.replace(bar.clone());
        if let Some(written) = &self.written {
            written.set(0);
        }
        bar
    }

    /// The line of an operation; made above the bar when it is first told of.
    fn line(&self, operation: &str) -> ProgressBar {
        let style = || ProgressStyle::with_template(LINE).expect("the templates are valid constants");
        let mut lines = self.lines.borrow_mut();
        let new = || self.all.insert_before(&self.bar.borrow(), ProgressBar::no_length().with_style(style()));
        lines.entry(operation.to_owned()).or_insert_with(new).clone()
    }
}

/// How far a stage has come of the whole, with the time that is left if it goes on as it did.
fn line(stage: &str, whole: &str, share: f64, elapsed: Duration) -> Option<String> {
    (share > 0.0 && share <= 1.0).then(|| {
        let left = HumanDuration(elapsed.mul_f64((1.0 / share - 1.0).min(1e6)));
        format!("{stage}: {:.0} % of {whole}, {left} left", (share * 100.0).floor())
    })
}

/// Whole milliseconds.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What an operation did in the last second.
fn told(name: &str, length_s: f64, operation: &IntervalOperation) -> String {
    let per_s = |count: u64| count as f64 / length_s.max(1e-3);
    let ms = |quantile| operation.response.quantile_ms(quantile).or(operation.response.max_ms());
    let ms = |quantile| ms(quantile).map_or("–".to_owned(), |ms| format!("{ms:.1}"));
    let (sent, completed) = (per_s(operation.offered), per_s(operation.completed));
    let (p50, p99) = (ms(0.5), ms(0.99));
    let mut line =
        format!("{name:>14} {sent:>8.1}/s asked {completed:>8.1}/s answered  p50 {p50:>7} ms  p99 {p99:>7} ms");
    for (count, what) in [(operation.failed, "failed"), (operation.backlog, "waiting")] {
        if count > 0 {
            let _ = write!(line, "  {count} {what}");
        }
    }
    line
}

impl Observer for Progress {
    fn steps(&self, stage: Stage, steps: u64) {
        self.replace(stage, steps, STEPS);
    }

    fn lasts(&self, stage: Stage, length: Duration) {
        let ms = millis(length);
        let bar = self.replace(stage, ms, TIME).with_message(format!("{}s", length.as_secs_f64()));
        if bar.is_hidden() {
            return;
        }
        std::thread::spawn(move || {
            while !bar.is_finished() {
                bar.set_position(millis(bar.elapsed()).min(ms));
                std::thread::sleep(TICK);
            }
        });
    }

    fn step(&self) {
        self.bar.borrow().inc(1);
        self.write();
    }

    fn interval(&self, interval: &Interval) {
        if self.all.is_hidden() {
            // Nobody else moves the bar of a stage that follows the clock.
            let bar = self.bar.borrow().clone();
            if !bar.message().is_empty() {
                bar.set_position(millis(bar.elapsed()));
                self.write();
            }
            return;
        }
        for (name, operation) in &interval.operations {
            self.line(name).set_message(told(name, interval.length_s, operation));
        }
    }

    fn finish(&self) {
        self.lines.take().into_values().for_each(|line| line.finish_and_clear());
        self.bar.borrow().finish_and_clear();
    }
}

/// Shows that something of unknown length goes on.
pub(crate) fn spinner(quiet: bool, what: &'static str) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(None, target).with_message(what);
    bar.enable_steady_tick(TICK);
    bar
}

/// Counts towards `length`, with the time that is left.
pub(crate) fn counter(quiet: bool, what: &'static str, length: u64) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{prefix:>9} {wide_bar} {human_pos}/{human_len}, {eta} left");
    let style = style.expect("the template is a valid constant");
    ProgressBar::with_draw_target(Some(length), target).with_style(style).with_prefix(what)
}

/// Counts bytes towards `length`, with how fast, what the message says, and the time that is left.
pub(crate) fn bytes(quiet: bool, what: &'static str, length: u64) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style =
        ProgressStyle::with_template("{prefix:>9} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}{msg}, {eta} left");
    let style = style.expect("the template is a valid constant");
    ProgressBar::with_draw_target(Some(length), target).with_style(style).with_prefix(what)
}

/// Counts people who are made, with how fast, what the message says, and the time that is left.
pub(crate) fn people(quiet: bool, length: u64) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template(
        "{prefix:>9} {wide_bar} {human_pos}/{human_len} people, {per_sec:>7}, {msg}, {eta} left",
    );
    let style = style.expect("the template is a valid constant");
    let style = style.with_key("per_sec", |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{:.1}/s", state.per_sec());
    });
    let bar = ProgressBar::with_draw_target(Some(length), target).with_style(style).with_prefix("synth");
    bar.enable_steady_tick(TICK);
    bar
}

fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Start => "start",
        Stage::Stop => "stop",
        Stage::Register => "register",
        Stage::Upload => "upload",
        Stage::Settle => "pipeline",
        Stage::Prepare => "prepare",
        Stage::Wait => "wait",
        Stage::WarmUp => "warm-up",
        Stage::Measure => "measure",
        Stage::Drain => "drain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_and_how_long_it_will_take() {
        let at = |share| line("upload", "1,820,000", share, Duration::from_secs(600));
        assert_eq!(at(0.25).as_deref(), Some("upload: 25 % of 1,820,000, 30 minutes left"));
        assert_eq!(at(1.0).as_deref(), Some("upload: 100 % of 1,820,000, 0 seconds left"));
        assert_eq!(at(0.0), None);
    }
}
