//! Trips in fixes at fixed intervals: a trip ends when the phone has stayed for five minutes, or was silent.

use std::cell::Cell;

use crate::trips::{Cut, Method, Run, SILENCE_S_MAX};

/// A fix that the phone wrote so much later than it was taken is a mistake (original: issue 457).
const LAG_S_MAX: f64 = 1000.0;
/// Staying this long ends a trip.
const STAY_S: f64 = 300.0;
/// Some phones stop after five minutes, so the oldest fix of a stay may be this young.
const STAY_S_MIN: f64 = 270.0;
/// As many fixes are looked at, at most.
const RECENT_MAX: usize = 9;
/// And at least so many.
const RECENT_MIN: usize = 7;
/// Who stays, stays within this.
const STAY_M: f64 = 100.0;
/// A gap this long ends a trip, unless something moved in it.
const GAP_S: f64 = 600.0;
/// Who was slower than this in a long gap, stayed.
const SLOW_M_PER_S: f64 = STAY_M / STAY_S;
/// A fix this soon after another, and near it, belongs to the same stay.
const SAME_STAY_S: f64 = 60.0;

/// Appends the trips of `run`.
pub(super) fn cut(run: &Run<'_>, cuts: &mut Vec<Cut>) {
    let rows: Vec<usize> =
        run.rows.clone().filter(|row| run.fix(*row).write_ts - run.fix(*row).ts < LAG_S_MAX).collect();
    let stays = Stays { run, rows, far: Cell::new(0), all_same_from: Cell::new(usize::MAX) };
    let mut start = 0;
    while start < stays.rows.len() {
        let Some(cut) = stays.next_cut(start) else { break };
        cuts.push(cut.cut);
        start = cut.next;
    }
}

struct Stays<'a> {
    run: &'a Run<'a>,
    /// The rows that are looked at, by their place among the fixes.
    rows: Vec<usize>,
    /// A row that was far from the last that was asked about: the next one is probably far from it too.
    far: Cell<usize>,
    /// From here on all rows are one stay.
    all_same_from: Cell<usize>,
}

/// A trip, and the row where looking for the next one starts.
struct Next {
    cut: Cut,
    next: usize,
}

#[expect(clippy::indexing_slicing, reason = "rows are counted from 0 to their number")]
impl Stays<'_> {
    fn ts(&self, row: usize) -> f64 {
        self.run.fix(self.rows[row]).ts
    }

    fn write_ts(&self, row: usize) -> f64 {
        self.run.fix(self.rows[row]).write_ts
    }

    fn metres(&self, one: usize, other: usize) -> f64 {
        self.run.fix(self.rows[one]).at.distance_m(self.run.fix(self.rows[other]).at)
    }

    /// The first trip from `start` on that has ended.
    fn next_cut(&self, start: usize) -> Option<Next> {
        let last = self.rows.len() - 1;
        let found = (start + 1..=last).find(|row| self.is_end(start, *row));
        let Some(row) = found else { return self.stopped(start, last) };
        let (end, has_recent) = self.end_before(start, row);
        if !has_recent {
            return Some(Next { cut: self.cut(start, end, self.write_ts(row), Some(row)), next: row });
        }
        let (next, settled) = match self.next_start(row, last) {
            Some(next) => (next, Some(next)),
            // All that follows is the same stay so far.
            None => (row + 1, None),
        };
        Some(Next { cut: self.cut(start, end, self.write_ts(row), settled), next })
    }

    /// The first row behind `row` that does not belong to its stay.
    fn next_start(&self, row: usize, last: usize) -> Option<usize> {
        if row >= self.all_same_from.get() {
            return None;
        }
        let found = (row + 1..=last).find(|next| !self.is_same_stay(*next));
        if found.is_none() {
            self.all_same_from.set(row);
        }
        found
    }

    /// The open trip, if the phone said that it has ended.
    fn stopped(&self, start: usize, last: usize) -> Option<Next> {
        if start == last {
            return None;
        }
        let found_ts = self.run.stopped_moving_ts(self.rows[last])?;
        let (end, _) = self.end_before(start, last);
        Some(Next { cut: self.cut(start, end, found_ts, None), next: last + 1 })
    }

    fn cut(&self, start: usize, end: usize, found_ts: f64, next: Option<usize>) -> Cut {
        Cut {
            start: self.rows[start],
            end: self.rows[end],
            method: Method::TimeFilter,
            found_ts,
            next: next.map(|row| self.rows[row]),
        }
    }

    fn is_same_stay(&self, row: usize) -> bool {
        self.ts(row) - self.ts(row - 1) <= SAME_STAY_S && self.metres(row - 1, row) < STAY_M
    }

    fn is_end(&self, start: usize, row: usize) -> bool {
        let (one, next) = (self.rows[row - 1], self.rows[row]);
        let gap_s = self.run.gap_s(one, next);
        let is_slow = || self.run.metres(one, next) / gap_s < SLOW_M_PER_S;
        self.run.is_restarted(one, next)
            || gap_s > GAP_S && (!self.run.has_motion(one, next) || is_slow())
            || gap_s > SILENCE_S_MAX
            || self.is_stay(start, row)
    }

    /// The first row of those that tell whether the phone stays at `row`: the last nine, or all of five minutes; and the
    /// first of those in five minutes.
    fn recent(&self, start: usize, row: usize) -> (usize, usize) {
        let five_minutes_ago = self.ts(row) - STAY_S;
        let young = self.rows.partition_point(|place| self.run.fix(*place).ts <= five_minutes_ago).min(row);
        let first = start.max(young.min(row.saturating_sub(RECENT_MAX)));
        (first, young.max(first))
    }

    fn is_stay(&self, start: usize, row: usize) -> bool {
        let (first, young) = self.recent(start, row);
        row - first >= RECENT_MIN
            && young < row
            && self.ts(row) - self.ts(young) > STAY_S_MIN
            && self.is_near_all(first, row)
    }

    fn is_near_all(&self, first: usize, row: usize) -> bool {
        let is_far = |other: &usize| self.metres(*other, row) >= STAY_M;
        let known = Some(self.far.get()).filter(|far| (first..row).contains(far) && is_far(far));
        // The oldest is the most likely to be far.
        let far = known.or_else(|| (first..row).find(is_far));
        self.far.set(far.unwrap_or_default());
        far.is_none()
    }

    /// The row in the middle of the stay that ends at `row`, and whether there was a fix in its five minutes.
    fn end_before(&self, start: usize, row: usize) -> (usize, bool) {
        let (first, young) = self.recent(start, row);
        let (recent, young) = ((row - first).min(RECENT_MAX), row - young);
        // Medians of consecutive numbers, twice their value so that they stay whole.
        let of_recent = (row - recent) + row;
        let of_young = (row - young) + (row - 1).max(row - young);
        if young == 0 { (of_recent / 2, false) } else { (of_recent.min(of_young) / 2, true) }
    }
}
