//! Progress bars on stderr, for people: silent when nobody looks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use rushhour_load::observer::{Observer, Stage};
use rushhour_report::interval::{Interval, IntervalOperation};

const STEPS: &str = "{prefix:>9} {wide_bar} {human_pos}/{human_len} {rate}, {eta} left";
const TIME: &str = "{prefix:>9} {wide_bar} {elapsed} of {msg}";
const LINE: &str = "{msg}";
/// How often a bar that follows the clock moves.
const TICK: Duration = Duration::from_millis(100);

/// One bar for the stage a run is in, and above it a line for each operation.
#[derive(Debug)]
pub(crate) struct Progress {
    all: MultiProgress,
    bar: RefCell<ProgressBar>,
    lines: RefCell<BTreeMap<String, ProgressBar>>,
}

impl Progress {
    /// Bars, unless `quiet` or stderr is no terminal.
    pub(crate) fn new(quiet: bool) -> Rc<Self> {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let all = MultiProgress::with_draw_target(target);
        Rc::new(Self { all, bar: RefCell::new(ProgressBar::hidden()), lines: RefCell::default() })
    }

    fn replace(&self, stage: Stage, length: u64, template: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(template).expect("the templates are valid constants");
        let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.0}/s", state.per_sec());
        });
        self.bar.borrow().finish_and_clear();
        let bar = self.all.add(ProgressBar::new(length).with_style(style).with_prefix(word(stage)));
        self.bar.replace(bar.clone());
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
        let ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let bar = self.replace(stage, ms, TIME).with_message(format!("{}s", length.as_secs_f64()));
        if bar.is_hidden() {
            return;
        }
        std::thread::spawn(move || {
            while !bar.is_finished() {
                let elapsed = u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX);
                bar.set_position(elapsed.min(ms));
                std::thread::sleep(TICK);
            }
        });
    }

    fn step(&self) {
        self.bar.borrow().inc(1);
    }

    fn interval(&self, interval: &Interval) {
        if self.all.is_hidden() {
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
