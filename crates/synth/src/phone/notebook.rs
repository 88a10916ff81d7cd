//! What a phone has written and not yet sent.
//!
//! Write times are what identifies an entry, so no two of a key are equal: a phone that is asked to write twice within
//! the finest time it can tell writes the second a little later.

use crate::sensed::{Battery, Config, Fix, Label, Motion, Recording, Setting, Stat, StatKind, State, Step, Transition};
use crate::truth::{LocaleIndex, Micros, SECOND_US};

use super::Platform;

const MILLISECOND_US: Micros = 1_000;
/// At most this many rows go into one put: emission-format a.1.
pub(super) const PUT_ROWS_MAX: usize = 10_000;

/// What a phone has written and not yet sent.
#[derive(Clone, Debug)]
pub(super) struct Notebook {
    /// What is there.
    pub(super) unsent: Recording,
    /// The finest time that the phone can tell: milliseconds on Android, microseconds on iOS.
    tick_us: Micros,
    last: LastWrites,
}

/// When a key was last written. Keys that are written seldom share a clock.
#[derive(Clone, Debug)]
struct LastWrites {
    fix: Micros,
    filtered: Micros,
    motion: Micros,
    transition: Micros,
    battery: Micros,
    stat: Micros,
    config: Micros,
    label: Micros,
}

impl Notebook {
    /// An empty one.
    pub(super) fn new(platform: Platform, start_us: Micros) -> Self {
        let tick_us = match platform {
            Platform::Android => MILLISECOND_US,
            Platform::Ios => 1,
        };
        let at = start_us - start_us.rem_euclid(tick_us);
        let last = LastWrites {
            fix: at,
            filtered: at,
            motion: at,
            transition: at,
            battery: at,
            stat: at,
            config: at,
            label: at,
        };
        Self { unsent: Recording::default(), tick_us, last }
    }

    /// Writes a fix, and its copy if it passed the filter. Tells when the copy was written.
    pub(super) fn fix(&mut self, fix: Fix, is_kept: bool) -> Option<Micros> {
        let write_us = stamp(&mut self.last.fix, fix.write_us, self.tick_us);
        let filtered_write_us = is_kept.then(|| stamp(&mut self.last.filtered, write_us, self.tick_us));
        self.unsent.fixes.push(Fix { write_us, filtered_write_us, ..fix });
        filtered_write_us
    }

    /// Writes a fix with the write time that it has, though that may be another one's.
    pub(super) fn equal_fix(&mut self, fix: Fix, is_kept: bool) -> Option<Micros> {
        self.last.fix = self.last.fix.max(fix.write_us);
        self.last.filtered = self.last.filtered.max(fix.write_us);
        let filtered_write_us = is_kept.then_some(fix.write_us);
        self.unsent.fixes.push(Fix { filtered_write_us, ..fix });
        filtered_write_us
    }

    /// When the last fix was written.
    pub(super) fn last_fix_us(&self) -> Micros {
        self.last.fix
    }

    /// Writes what the activity recogniser said.
    pub(super) fn motion(&mut self, motion: Motion, is_written_as_measured: bool) {
        let write_us = stamp(&mut self.last.motion, motion.write_us, self.tick_us);
        let ts_us = if is_written_as_measured { write_us } else { motion.ts_us };
        self.unsent.motions.push(Motion { ts_us, write_us, ..motion });
    }

    /// Writes a transition. Tells when it was written.
    pub(super) fn transition(&mut self, at_us: Micros, state: State, step: Step, locale: LocaleIndex) -> Micros {
        let write_us = stamp(&mut self.last.transition, at_us, self.tick_us);
        self.unsent.transitions.push(Transition { write_us, state, step, locale });
        write_us
    }

    /// Writes a battery reading.
    pub(super) fn battery(&mut self, battery: Battery) {
        let write_us = stamp(&mut self.last.battery, battery.write_us, self.tick_us);
        self.unsent.batteries.push(Battery { write_us, ..battery });
    }

    /// Writes what the app says about itself.
    pub(super) fn stat(
        &mut self,
        at_us: Micros,
        kind: StatKind,
        name: &'static str,
        reading: f64,
        locale: LocaleIndex,
    ) {
        let write_us = stamp(&mut self.last.stat, at_us, self.tick_us);
        self.unsent.stats.push(Stat { write_us, kind, name, reading, locale });
    }

    /// Writes a configuration.
    pub(super) fn config(&mut self, at_us: Micros, setting: Setting, locale: LocaleIndex) {
        let write_us = stamp(&mut self.last.config, at_us, self.tick_us);
        self.unsent.configs.push(Config { write_us, setting, locale });
    }

    /// Writes what somebody said.
    pub(super) fn label(&mut self, label: Label) {
        let write_us = stamp(&mut self.last.label, label.write_us, self.tick_us);
        self.unsent.labels.push(Label { write_us, ..label });
    }

    /// How many rows were written until `cut_us`, that time included.
    pub(super) fn rows_until(&self, cut_us: Micros) -> usize {
        let Recording { fixes, motions, transitions, batteries, stats, configs, labels } = &self.unsent;
        let kept = count(fixes, cut_us, |fix| fix.write_us);
        let copies = fixes.iter().take(kept).filter(|fix| fix.filtered_write_us.is_some()).count();
        kept + copies
            + count(motions, cut_us, |motion| motion.write_us)
            + count(transitions, cut_us, |transition| transition.write_us)
            + count(batteries, cut_us, |battery| battery.write_us)
            + count(stats, cut_us, |stat| stat.write_us)
            + count(configs, cut_us, |config| config.write_us)
            + count(labels, cut_us, |label| label.write_us)
    }

    /// The latest time, to the second, until which at most as many rows were written as go into a put.
    pub(super) fn full_cut_us(&self, cut_us: Micros) -> Micros {
        let mut fits_us = self.first_write_us().unwrap_or(cut_us);
        let mut exceeds_us = cut_us;
        while exceeds_us - fits_us > SECOND_US {
            let middle_us = fits_us.midpoint(exceeds_us);
            if self.rows_until(middle_us) > PUT_ROWS_MAX { exceeds_us = middle_us } else { fits_us = middle_us }
        }
        fits_us
    }

    /// When the first row was written.
    pub(super) fn first_write_us(&self) -> Option<Micros> {
        let Recording { fixes, motions, transitions, batteries, stats, configs, labels } = &self.unsent;
        [
            fixes.first().map(|fix| fix.write_us),
            motions.first().map(|motion| motion.write_us),
            transitions.first().map(|transition| transition.write_us),
            batteries.first().map(|battery| battery.write_us),
            stats.first().map(|stat| stat.write_us),
            configs.first().map(|config| config.write_us),
            labels.first().map(|label| label.write_us),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What was written until `cut_us`, that time included.
    pub(super) fn take_until(&mut self, cut_us: Micros) -> Recording {
        let Recording { fixes, motions, transitions, batteries, stats, configs, labels } = &mut self.unsent;
        Recording {
            fixes: take(fixes, cut_us, |fix| fix.write_us),
            motions: take(motions, cut_us, |motion| motion.write_us),
            transitions: take(transitions, cut_us, |transition| transition.write_us),
            batteries: take(batteries, cut_us, |battery| battery.write_us),
            stats: take(stats, cut_us, |stat| stat.write_us),
            configs: take(configs, cut_us, |config| config.write_us),
            labels: take(labels, cut_us, |label| label.write_us),
        }
    }

    /// Puts back what was taken last: the phone did not learn that the server has it.
    pub(super) fn put_back(&mut self, taken: Recording) {
        let Recording { fixes, motions, transitions, batteries, stats, configs, labels } = &mut self.unsent;
        fixes.splice(..0, taken.fixes);
        motions.splice(..0, taken.motions);
        transitions.splice(..0, taken.transitions);
        batteries.splice(..0, taken.batteries);
        stats.splice(..0, taken.stats);
        configs.splice(..0, taken.configs);
        labels.splice(..0, taken.labels);
    }
}

/// The first time from `at_us` on that the phone can tell from the last one.
fn stamp(last_us: &mut Micros, at_us: Micros, tick_us: Micros) -> Micros {
    // A microsecond is what times are told in: nothing is to be cut off, and division takes long.
    let at_us = if tick_us == 1 { at_us } else { at_us - at_us.rem_euclid(MILLISECOND_US) };
    let write_us = at_us.max(*last_us + tick_us);
    *last_us = write_us;
    write_us
}

fn count<T>(rows: &[T], cut_us: Micros, write_us: impl Fn(&T) -> Micros) -> usize {
    rows.partition_point(|row| write_us(row) <= cut_us)
}

fn take<T>(rows: &mut Vec<T>, cut_us: Micros, write_us: impl Fn(&T) -> Micros) -> Vec<T> {
    let taken = count(rows, cut_us, write_us);
    if taken == rows.len() {
        // The next time there will be about as much.
        return std::mem::replace(rows, Vec::with_capacity(taken));
    }
    let rest = rows.split_off(taken);
    std::mem::replace(rows, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_entries_of_a_key_have_one_write_time() {
        let mut notebook = Notebook::new(Platform::Android, 5_000_300);
        let times = [5_000_300, 5_000_300, 5_000_900, 5_007_100, 5_001_000]
            .map(|at_us| notebook.transition(at_us, State::OngoingTrip, Step::ExitedGeofence, 0));
        assert_eq!(times, [5_001_000, 5_002_000, 5_003_000, 5_007_000, 5_008_000]);
    }

    #[test]
    fn what_was_written_until_a_time_can_be_taken_once() {
        let mut notebook = Notebook::new(Platform::Ios, 0);
        for at_us in [10, 20, 30] {
            notebook.transition(at_us, State::OngoingTrip, Step::Nop, 0);
            notebook.stat(at_us + 5, StatKind::Time, "pull_duration", 1.0, 0);
        }
        assert_eq!(notebook.rows_until(20), 3);
        let taken = notebook.take_until(20);
        assert_eq!((taken.transitions.len(), taken.stats.len(), taken.count()), (2, 1, 3));
        assert_eq!((notebook.rows_until(20), notebook.unsent.count()), (0, 3));
        assert_eq!(notebook.first_write_us(), Some(25));
    }

    #[test]
    fn a_put_has_no_more_rows_than_fit() {
        let mut notebook = Notebook::new(Platform::Ios, 0);
        for second in 0..15_000 {
            notebook.transition(second * SECOND_US, State::OngoingTrip, Step::Nop, 0);
        }
        let cut_us = notebook.full_cut_us(Micros::MAX / 4);
        let taken = notebook.take_until(cut_us).count();
        assert!((PUT_ROWS_MAX - 2..=PUT_ROWS_MAX).contains(&taken), "{taken}");
    }
}
