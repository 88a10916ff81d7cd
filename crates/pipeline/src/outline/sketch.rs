//! Sketches: what is kept of a trip so that it is found again from its fixes alone.

use serde::{Deserialize, Serialize};

use crate::leg::{Leg, RawSection, Rows};
use crate::legs::Plan;
use crate::mode::Motion;
use crate::outline::packed::Time;
use crate::sections::Stretch;
use crate::trips::{Cut, Method};

/// Where a trip and its sections start and end, as rows of its chapter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sketch {
    /// Whether the untracked time before it was kept; `None` where there is none.
    untracked: Option<bool>,
    rows: Rows,
    method: Method,
    found_ts: f64,
    sections: Vec<Stretch>,
}

/// The sketches of all trips among the legs of a chapter. Untracked time always lies before one.
pub(super) fn sketches(legs: &[Leg]) -> Vec<Sketch> {
    let mut untracked = None;
    let sketch = |leg: &Leg| {
        let Some(rows) = leg.rows else {
            untracked = Some(leg.cleaned.is_some());
            return None;
        };
        let section = |section: &RawSection| Stretch { motion: section.motion, rows: section.rows };
        let sections = leg.sections.iter().map(section).collect();
        let Leg { method, found_ts, .. } = *leg;
        Some(Sketch { untracked: untracked.take(), rows, method, found_ts, sections })
    };
    legs.iter().filter_map(sketch).collect()
}

/// Whether each leg was kept that is found again from `sketches`, if it can be made by anybody.
pub(super) fn fates(sketches: &[Sketch]) -> impl Iterator<Item = bool> {
    sketches.iter().flat_map(|trip| trip.untracked.into_iter().chain([true]))
}

impl Sketch {
    /// The trip among fixes of which that in `first_row` is the first of the chapter.
    pub(super) fn plan(&self, first_row: usize) -> Plan {
        let rows = |rows: Rows| rows.counted_before(first_row);
        let Rows { first: start, last: end } = rows(self.rows);
        let stretch = |stretch: &Stretch| Stretch { rows: rows(stretch.rows), ..*stretch };
        Plan {
            cut: Cut { start, end, method: self.method, found_ts: self.found_ts, next: None },
            is_behind_untracked: self.untracked.is_some(),
            stretches: self.sections.iter().map(stretch).collect(),
        }
    }
}

/// A [`Sketch`] as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PackedSketch {
    untracked: Option<bool>,
    /// Behind the last fix of the trip before.
    first: isize,
    /// Behind the first.
    last: isize,
    method: Method,
    found: Time,
    /// The first section starts where the trip does, the last one ends where it does.
    motions: Vec<Motion>,
    between: Vec<Between>,
}

/// Where a section ends, behind where it starts, and how far behind that the next one starts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Between(isize, isize);

/// A row that is read or written, each counted from the one before.
struct Cursor(usize);

impl Cursor {
    fn write(&mut self, row: usize) -> isize {
        row.wrapping_sub(std::mem::replace(&mut self.0, row)).cast_signed()
    }

    fn read(&mut self, behind: isize) -> usize {
        self.0 = self.0.wrapping_add_signed(behind);
        self.0
    }
}

impl PackedSketch {
    /// `row` is the last one of the trip before.
    pub(super) fn pack(sketch: Sketch, base_ts: f64, row: &mut usize) -> Self {
        let Sketch { untracked, rows, method, found_ts, sections } = sketch;
        let mut at = Cursor(*row);
        *row = rows.last;
        let first = at.write(rows.first);
        let mut inner = Cursor(rows.first);
        let between = sections.iter().zip(sections.iter().skip(1));
        Self {
            untracked,
            first,
            last: at.write(rows.last),
            method,
            found: Time::pack(found_ts, base_ts),
            motions: sections.iter().map(|section| section.motion).collect(),
            between: between
                .map(|(one, next)| Between(inner.write(one.rows.last), inner.write(next.rows.first)))
                .collect(),
        }
    }

    /// The other way round.
    pub(super) fn unpack(self, base_ts: f64, row: &mut usize) -> Sketch {
        let Self { untracked, first, last, method, found, motions, between } = self;
        let mut at = Cursor(*row);
        let rows = Rows { first: at.read(first), last: at.read(last) };
        *row = rows.last;
        let mut inner = Cursor(rows.first);
        let mut between = between.into_iter();
        let section = |motion: Motion| {
            let first = inner.0;
            let last = match between.next() {
                Some(Between(behind, gap)) => {
                    let last = inner.read(behind);
                    inner.read(gap);
                    last
                }
                None => rows.last,
            };
            Stretch { motion, rows: Rows { first, last } }
        };
        let sections = motions.into_iter().map(section).collect();
        Sketch { untracked, rows, method, found_ts: found.unpack(base_ts), sections }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trips_come_back_with_their_sections_wherever_these_meet() {
        let stretch = |motion, first, last| Stretch { motion, rows: Rows { first, last } };
        let trip = |untracked, rows, sections| Sketch {
            untracked,
            rows,
            method: Method::DistanceFilter,
            found_ts: 1_767_574_800.123_456,
            sections,
        };
        let trips = [
            trip(
                None,
                Rows { first: 0, last: 300 },
                vec![
                    stretch(Motion::OnFoot, 0, 12),
                    // Led to the one before, then a gap, then one that overlaps.
                    stretch(Motion::InVehicle, 12, 200),
                    stretch(Motion::Bicycling, 230, 260),
                    stretch(Motion::OnFoot, 259, 300),
                ],
            ),
            trip(Some(false), Rows { first: 301, last: 310 }, Vec::new()),
            trip(Some(true), Rows { first: 400, last: 401 }, vec![stretch(Motion::Unknown, 400, 401)]),
        ];
        let base_ts = 1_767_571_200.5;
        let (mut written, mut read) = (0, 0);
        for trip in trips {
            let packed = PackedSketch::pack(trip.clone(), base_ts, &mut written);
            assert_eq!(packed.unpack(base_ts, &mut read), trip);
        }
    }
}
