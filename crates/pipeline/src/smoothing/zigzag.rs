//! Zigzags: the phone jumps to a wrong place, stays there for some fixes, and jumps back.
//!
//! The section is cut at its jumps. The pieces between are good and bad in turn; which is which is told by the piece
//! that is most certainly good. (The original's `SmoothZigzag`.)

use std::ops::Range;

use crate::smoothing::Sample;

/// Points within this are one cluster, and a jump is longer.
const CLUSTER_M: f64 = 100.0;

/// Where the points jump.
pub(super) struct Jumps<'a> {
    pub(super) speeds: &'a [f64],
    pub(super) distances: &'a [f64],
    /// Faster is a jump, in metres per second.
    pub(super) threshold: f64,
    /// iOS shows the jump back better than the jump to.
    pub(super) is_ios: bool,
}

impl Jumps<'_> {
    /// The points behind a jump; `None` when a jump back has no jump to.
    fn places(&self) -> Option<Vec<usize>> {
        let is_fast = |place: &usize| self.speeds.get(*place).is_some_and(|speed| *speed > self.threshold);
        let is_far = |place: &usize| self.distances.get(*place).is_some_and(|metres| *metres > CLUSTER_M);
        let fast = (0..self.speeds.len()).filter(is_fast);
        if !self.is_ios {
            return Some(fast.collect());
        }
        let mut places = Vec::new();
        for back in fast.filter(is_far) {
            // Jumps to come before jumps back, so the last far one is the one before.
            let to = (0..back).rev().find(is_far)?;
            places.extend([to, back]);
        }
        Some(places)
    }
}

/// Whether each point is kept; `None` when the pieces contradict each other.
pub(super) fn keep(samples: &[Sample<'_>], jumps: &Jumps<'_>) -> Option<Vec<bool>> {
    let mut bounds = vec![0];
    bounds.extend(jumps.places()?);
    bounds.push(samples.len());
    let mut pieces = Vec::new();
    for (start, end) in bounds.iter().zip(bounds.iter().skip(1)) {
        pieces.push(Piece::of(samples, *start..*end)?);
    }
    let mut keep = vec![true; samples.len()];
    if pieces.len() == 1 {
        return Some(keep);
    }
    let good = good_piece(&pieces)?;
    let bad = bad_pieces(samples, pieces.get(good + 1..)?.iter().map(|piece| piece.rows.clone()), from_left)?;
    for rows in bad.into_iter().chain(bad_pieces(
        samples,
        pieces.get(..good)?.iter().rev().map(|piece| piece.rows.clone()),
        from_right,
    )?) {
        keep.get_mut(rows)?.fill(false);
    }
    Some(keep)
}

struct Piece {
    rows: Range<usize>,
    metres: f64,
}

impl Piece {
    fn of(samples: &[Sample<'_>], rows: Range<usize>) -> Option<Self> {
        let ([first, ..], [.., last]) = (samples.get(rows.clone())?, samples.get(rows.clone())?) else { return None };
        Some(Self { metres: first.at.distance_m(last.at), rows })
    }

    fn is_cluster(&self) -> bool {
        self.metres < CLUSTER_M
    }
}

/// The shortest piece that leads anywhere; when none does, the neighbour of the shortest.
fn good_piece(pieces: &[Piece]) -> Option<usize> {
    let shortest = |leads: bool| {
        let candidates = pieces.iter().enumerate().filter(move |(_, piece)| piece.is_cluster() != leads);
        candidates.min_by(|(_, one), (_, other)| one.metres.total_cmp(&other.metres)).map(|(place, _)| place)
    };
    shortest(true).or_else(|| shortest(false).map(|worst| if worst == 0 { 1 } else { worst - 1 }))
}

/// The part of a piece that is nearer to the good one, and the rest.
type Parts = (Range<usize>, Range<usize>);

/// The bad ones of the pieces that lie outwards from the good one, nearest first: every second, starting with the first.
/// A piece that should be bad but leads somewhere is cut where it leaves its cluster.
fn bad_pieces(
    samples: &[Sample<'_>],
    outwards: impl Iterator<Item = Range<usize>>,
    cut: fn(&[Sample<'_>], Range<usize>) -> Option<Parts>,
) -> Option<Vec<Range<usize>>> {
    let mut bad = Vec::new();
    let mut is_bad = true;
    for rows in outwards {
        let mut rest = Some(rows);
        while let Some(rows) = rest.take() {
            if !is_bad {
                is_bad = true;
                continue;
            }
            if Piece::of(samples, rows.clone())?.is_cluster() {
                bad.push(rows);
                is_bad = false;
                continue;
            }
            let (near, far) = cut(samples, rows)?;
            if !Piece::of(samples, near.clone())?.is_cluster() {
                return None;
            }
            bad.push(near);
            is_bad = false;
            rest = Some(far);
        }
    }
    Some(bad)
}

fn is_step(samples: &[Sample<'_>], row: usize) -> bool {
    let pair = row.checked_sub(1).and_then(|before| Some((samples.get(before)?, samples.get(row)?)));
    pair.is_some_and(|(one, next)| one.at.distance_m(next.at) > CLUSTER_M)
}

/// The part up to the first long step, and the rest.
fn from_left(samples: &[Sample<'_>], rows: Range<usize>) -> Option<Parts> {
    let step = (rows.start + 1..rows.end).find(|row| is_step(samples, *row))?;
    Some((rows.start..step, step..rows.end))
}

/// The part behind the last long step, and the rest.
fn from_right(samples: &[Sample<'_>], rows: Range<usize>) -> Option<Parts> {
    let step = (rows.start + 1..rows.end).rev().find(|row| is_step(samples, *row))?;
    Some((step..rows.end, rows.start..step))
}
