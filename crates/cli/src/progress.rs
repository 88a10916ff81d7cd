//! Progress bars on stderr, for people: silent when nobody looks.

use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use rushhour_load::observer::{Observer, Stage};

const STEPS: &str = "{prefix:>9} {wide_bar} {human_pos}/{human_len} {rate}, {eta} left";
const TIME: &str = "{prefix:>9} {wide_bar} {elapsed} of {msg}";
/// How often a bar that follows the clock moves.
const TICK: Duration = Duration::from_millis(100);

/// One bar, for the stage a run is in.
#[derive(Debug)]
pub(crate) struct Progress {
    quiet: bool,
    bar: RefCell<ProgressBar>,
}

impl Progress {
    /// Bars, unless `quiet` or stderr is no terminal.
    pub(crate) fn new(quiet: bool) -> Rc<Self> {
        Rc::new(Self { quiet, bar: RefCell::new(ProgressBar::hidden()) })
    }

    fn replace(&self, stage: Stage, length: u64, template: &str) -> ProgressBar {
        let target = if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template(template).expect("the templates are valid constants");
        let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.0}/s", state.per_sec());
        });
        let bar = ProgressBar::with_draw_target(Some(length), target).with_style(style).with_prefix(word(stage));
        self.bar.replace(bar.clone()).finish_and_clear();
        bar
    }
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

    fn finish(&self) {
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
        Stage::Prepare => "prepare",
        Stage::Wait => "wait",
        Stage::WarmUp => "warm-up",
        Stage::Measure => "measure",
        Stage::Drain => "drain",
    }
}
