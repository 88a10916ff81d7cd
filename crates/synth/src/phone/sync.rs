//! Talking to the server: what is put, and what is said about it.

use rand::RngExt;

use super::Platform;
use super::curve::Curve;
use super::device::Device;
use super::faults::us;
use super::notebook::PUT_ROWS_MAX;
use crate::sensed::StatKind;
use crate::truth::{Fault, LocaleIndex, Micros, SECOND_US};
use crate::upload::{Call, Request};

/// Seconds that a put and a get take, by quantile: emission-format e.4.
static PUSH_S: Curve = Curve::through(&[(0.0, 0.3), (0.5, 0.8), (0.95, 3.0), (1.0, 8.0)]);
static PULL_S: Curve = Curve::through(&[(0.0, 0.3), (0.5, 0.86), (0.95, 3.0), (1.0, 9.0)]);
/// What a put takes that is none.
const NO_PUSH_S: f64 = 0.015;
/// How long a phone waits for an answer: a choice.
const TIMEOUT_US: Micros = 30 * SECOND_US;
/// From the first entry of a sync to the first call: emission-format a.1 has the order.
const CALL_AFTER_US: Micros = 120_000;

/// What there is to talk about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occasion {
    pub(super) at_us: Micros,
    /// Rows that were written until then may be put; none when nothing may.
    pub(super) cut_us: Option<Micros>,
    pub(super) is_tracking: bool,
    pub(super) locale: LocaleIndex,
}

impl Device {
    /// Puts what may be put and gets what there is. Tells whether the server answered a put.
    pub(super) fn sync(&mut self, occasion: Occasion) -> bool {
        let Occasion { at_us, cut_us, is_tracking, locale } = occasion;
        let rng = &mut self.chances.syncs;
        let (push_s, pull_s) = (PUSH_S.draw(rng), PULL_S.draw(rng));
        let [is_lost, is_unanswered, is_split] =
            [Fault::Unreachable, Fault::Unanswered, Fault::SplitUpload].map(|fault| self.odds.strikes(fault, rng));
        self.notebook.stat(at_us, StatKind::NavEvent, "sync_launched", -1.0, locale);
        // iOS reads the battery at transitions, which surround its syncs.
        if self.platform == Platform::Android {
            self.read_battery(at_us, is_tracking, locale);
        }
        if is_lost {
            self.note(Fault::Unreachable, at_us, at_us + TIMEOUT_US);
            for name in ["push_duration", "pull_duration", "sync_duration"] {
                self.notebook.stat(at_us + TIMEOUT_US, StatKind::Error, name, -1.0, locale);
            }
            return false;
        }
        let cut_us = cut_us.filter(|&cut_us| self.notebook.rows_until(cut_us) > 0);
        let push_s = cut_us.map_or(NO_PUSH_S, |_| push_s);
        if let Some(cut_us) = cut_us {
            let cut_us = if is_split { self.split(at_us, cut_us) } else { cut_us };
            self.put(at_us + CALL_AFTER_US, cut_us, !is_unanswered);
        }
        let mut done_us = at_us + CALL_AFTER_US + us(push_s);
        let is_failure = is_unanswered && cut_us.is_some();
        if is_failure {
            done_us += TIMEOUT_US;
            self.notebook.stat(done_us, StatKind::Error, "push_duration", -1.0, locale);
        } else {
            self.notebook.stat(done_us, StatKind::Time, "push_duration", push_s, locale);
        }
        self.witnessed.calls.push(Call { at_us: done_us, request: Request::Get });
        done_us += us(pull_s);
        self.notebook.stat(done_us, StatKind::Time, "pull_duration", pull_s, locale);
        self.notebook.stat(done_us, StatKind::Time, "sync_duration", push_s + pull_s, locale);
        cut_us.is_some() && !is_failure
    }

    /// A time before `cut_us` at which an upload falls apart; the rest waits for the next sync.
    fn split(&mut self, at_us: Micros, cut_us: Micros) -> Micros {
        let first_us = self.notebook.first_write_us().unwrap_or(cut_us).min(cut_us);
        self.note(Fault::SplitUpload, at_us, at_us);
        first_us + (cut_us - first_us) / 2
    }

    /// Puts what was written until `cut_us`, as far as it fits.
    fn put(&mut self, at_us: Micros, cut_us: Micros, is_answered: bool) {
        let is_too_much = self.notebook.rows_until(cut_us) > PUT_ROWS_MAX;
        let cut_us = if is_too_much { self.notebook.full_cut_us(cut_us) } else { cut_us };
        let recording = self.notebook.take_until(cut_us);
        if !is_answered {
            self.note(Fault::Unanswered, at_us, at_us + TIMEOUT_US);
            self.notebook.put_back(recording.clone());
        }
        self.witnessed.calls.push(Call { at_us, request: Request::Put { recording, is_answered } });
    }

    /// Puts everything that was written until `cut_us`, whatever it takes, and gets for the last time.
    pub(super) fn put_rest(&mut self, at_us: Micros, cut_us: Micros) {
        let mut at_us = at_us;
        while self.notebook.rows_until(cut_us) > 0 {
            self.put(at_us, cut_us, true);
            at_us += SECOND_US;
        }
        self.witnessed.calls.push(Call { at_us, request: Request::Get });
    }

    /// How long it is until Android syncs the next time, if it does not doze then; and whether it does.
    pub(super) fn next_sync(&mut self) -> (Micros, bool) {
        /// The sync adapter's period and its slack: emission-format a.1; the slack is a choice.
        const PERIOD_US: Micros = 3_600 * SECOND_US;
        let rng = &mut self.chances.syncs;
        (PERIOD_US + rng.random_range(0..40 * SECOND_US), rng.random::<f64>() < self.doze_share)
    }
}
