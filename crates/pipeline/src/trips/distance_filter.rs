//! Trips in fixes at fixed distances: a trip has ended when the next fix comes long after.

use crate::trips::{Cut, Method, Run, SILENCE_S_MAX};

/// A gap this long may end a trip.
const GAP_S: f64 = 600.0;
/// Who was slower than this in such a gap, stayed: 100 m in five minutes.
const SLOW_M_PER_S: f64 = 100.0 / 300.0;
/// Fixes this near to each other are noise of a stay.
const STAY_M: f64 = 50.0;

/// Appends the trips of `run`.
pub(super) fn cut(run: &Run<'_>, cuts: &mut Vec<Cut>) {
    let rows = run.rows.clone();
    let mut start = Some(rows.start);
    for row in rows.clone().skip(1) {
        let Some(first) = start else { break };
        if row <= first || !is_end(run, row) {
            continue;
        }
        start = (row..rows.end).find(|next| !is_same_stay(run, *next));
        cuts.push(Cut {
            start: first,
            end: row - 1,
            method: Method::DistanceFilter,
            found_ts: run.fix(row).write_ts,
            next: start,
        });
    }
    let last = rows.end - 1;
    if let (Some(start), Some(found_ts)) = (start, run.stopped_moving_ts(last)) {
        cuts.push(Cut { start, end: last, method: Method::DistanceFilter, found_ts, next: None });
    }
}

fn is_same_stay(run: &Run<'_>, row: usize) -> bool {
    run.metres(row - 1, row) < STAY_M
}

fn is_end(run: &Run<'_>, row: usize) -> bool {
    let gap_s = run.gap_s(row - 1, row);
    let is_slow = || run.metres(row - 1, row) / gap_s < SLOW_M_PER_S;
    gap_s > GAP_S
        && (run.is_restarted(row - 1, row) || !run.has_motion(row - 1, row) || gap_s > SILENCE_S_MAX || is_slow())
}
