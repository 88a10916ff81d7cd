//! Quality segments: points between which one could move. Of two segments that no one could go between, the points of
//! the shorter that are too far from the longer are cut. (Named after the POSDAP code that the original took it from.)

use crate::smoothing::{SOUND_M_PER_S, Sample};
use crate::track::speed_m_per_s;

/// Metres per second of distance between segments that are believed: the original divides its limit by 1,000.
const BELIEVED_M_PER_S: f64 = SOUND_M_PER_S / 1000.0;

/// Whether each point is kept.
pub(super) fn keep(samples: &[Sample<'_>]) -> Vec<bool> {
    let mut keep = vec![true; samples.len()];
    let segments = segments(samples);
    let Some((mut last, rest)) = segments.split_first() else { return keep };
    for segment in rest {
        if segment.is_empty() {
            continue;
        }
        let (cut, kept) =
            if duration_s(samples, segment) <= duration_s(samples, last) { (segment, last) } else { (last, segment) };
        if let Some(reference) = kept.last().and_then(|row| samples.get(*row)) {
            for row in cut {
                let is_far = samples.get(*row).is_some_and(|sample| {
                    let believed_m = BELIEVED_M_PER_S * (reference.ts - sample.ts).abs();
                    reference.at.distance_m(sample.at) > believed_m
                });
                if let Some(keep) = keep.get_mut(*row).filter(|_| is_far) {
                    *keep = false;
                }
            }
        }
        last = segment;
    }
    keep
}

/// Each segment's rows. The first point belongs to none: there is nothing to compare it with.
fn segments(samples: &[Sample<'_>]) -> Vec<Vec<usize>> {
    let mut segments = vec![Vec::new()];
    for (row, (one, next)) in samples.iter().zip(samples.iter().skip(1)).enumerate() {
        if speed_m_per_s(one, next) > SOUND_M_PER_S {
            segments.push(Vec::new());
        }
        if let Some(segment) = segments.last_mut() {
            segment.push(row + 1);
        }
    }
    segments
}

fn duration_s(samples: &[Sample<'_>], rows: &[usize]) -> f64 {
    let ts = |row: Option<&usize>| row.and_then(|row| samples.get(*row)).map_or(0.0, |sample| sample.ts);
    ts(rows.last()) - ts(rows.first())
}
