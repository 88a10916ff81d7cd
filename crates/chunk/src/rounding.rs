//! The declared loss: what iOS says below a centimetre and a millisecond is noise that takes half of its bytes.

use std::collections::HashMap;

use crate::number::Kind;
use crate::paths::{CALLED, Paths, Role};
use crate::rows::{Row, Rows, Shape, ShapeId};
use crate::value::Value;

/// Milliseconds of clocks.
const CLOCK: Kind = Kind::Decimal(3);
/// A time that is closer than this, in seconds, to a millisecond is one; the floats of today's times are 0.2 us apart.
const MILLISECOND_CLOSE_S: f64 = 1e-6;

/// What a value of a role is rounded to, if anything: positions to 1e-7 degrees, which are a centimetre, heights to
/// centimetres, speeds to centimetres a second, headings to tenths of a degree, accuracies to tenths of a metre.
fn grain(role: Role) -> Option<Kind> {
    match role {
        Role::Latitude | Role::Longitude => Some(Kind::Decimal(7)),
        Role::Altitude | Role::Speed => Some(Kind::Decimal(2)),
        Role::Heading | Role::Accuracy => Some(Kind::Decimal(1)),
        Role::Ts | Role::Rare => Some(CLOCK),
        Role::WriteTs | Role::Label | Role::Plain | Role::BootNanos | Role::Confidence | Role::Moment => None,
    }
}

/// Of a millisecond.
const MICROSECONDS: u32 = 1000;

/// Which leaves of a shape are rounded, and what they are.
#[derive(Debug)]
struct Plan {
    leaves: Vec<(usize, Role)>,
    /// Those that say when an entry was written.
    write_ts: Vec<usize>,
}

impl Plan {
    fn of(paths: &Paths, shape: &Shape) -> Self {
        let roles = || shape.iter().map(|path| paths.role(*path)).enumerate();
        let is_rounded = |(_, role): &(usize, Role)| grain(*role).is_some();
        let write_ts = roles().filter(|(_, role)| *role == Role::WriteTs);
        Self { leaves: roles().filter(is_rounded).collect(), write_ts: write_ts.map(|(leaf, _)| leaf).collect() }
    }
}

impl Rows {
    /// Whether some of the entries were rounded.
    pub fn is_rounded(&self) -> bool {
        self.is_rounded
    }

    /// Whether some of the entries are of iOS.
    pub fn has_ios(&self) -> bool {
        (0..self.len()).any(|row| self.is_ios(row))
    }

    fn is_ios(&self, row: usize) -> bool {
        self.platform_of(self.row(row)) == Some("ios")
    }

    /// Rounds the entries of iOS behind the first `known`, which were rounded before. Times of writing lose what they
    /// have below the millisecond, so that no entry changes its second, unless that would make one of two entries: then
    /// the later one keeps its time, or goes aside when that is the millisecond itself. One that says the same as one of the
    /// first `known` was sent again.
    pub fn round_ios(&mut self, known: usize) {
        let ios = self.ios_rows(known);
        if ios.is_empty() {
            return;
        }
        let plans: Vec<Plan> = self.shapes.iter().map(|shape| Plan::of(&self.paths, shape)).collect();
        let mut taken: HashMap<(u32, i64), usize> = HashMap::new();
        // A millisecond belongs to whoever was written at it, before those that are rounded to it.
        let is_whole = |row: &usize| floor(self.write_ts(*row)) == self.write_ts(*row);
        for row in (0..self.len().min(known)).chain(ios.iter().copied()).filter(is_whole) {
            taken.entry(self.millisecond(row)).or_insert(row);
        }
        for row in ios {
            self.round_body(row, &plans);
            let exact = self.row(row).write_ts;
            self.set_write_ts(row, floor(exact), &plans);
            let other = *taken.entry(self.millisecond(row)).or_insert(row);
            // What says the same as one that was rounded before was sent again; of two new ones both are kept.
            let is_sent_again = other < known && self.repeats(row, other);
            if other != row && !is_sent_again {
                self.set_write_ts(row, exact, &plans);
                if other < known && self.write_ts(other) == exact {
                    self.move_aside(row, known, &plans);
                }
            }
            self.is_rounded = true;
        }
    }

    /// Moves an entry that was written at the very millisecond to which an earlier one was rounded, microsecond by
    /// microsecond, to where there is none, or to where it was moved when it came the first time.
    fn move_aside(&mut self, row: usize, known: usize, plans: &[Plan]) {
        let (name, millisecond) = (self.row(row).name, self.write_ts(row));
        for step in 1..MICROSECONDS {
            self.set_write_ts(row, millisecond + f64::from(step) / 1e6, plans);
            let at = self.write_ts(row);
            let is_there = |other: &usize| self.row(*other).name == name && self.write_ts(*other) == at;
            if (0..known).find(is_there).is_none_or(|other| self.repeats(row, other)) {
                return;
            }
        }
    }

    fn ios_rows(&self, known: usize) -> Vec<usize> {
        (known..self.len()).filter(|row| self.is_ios(*row)).collect()
    }

    /// What `metadata.platform` says.
    pub(crate) fn platform_of(&self, row: &Row) -> Option<&str> {
        let leaf = self.shape(row.head).iter().position(|path| *path == CALLED.platform)?;
        self.leaves_of(row).get(leaf).map(|value| self.text_of(*value))
    }

    fn millisecond(&self, row: usize) -> (u32, i64) {
        let row = self.row(row);
        (row.name, CLOCK.near(floor(row.write_ts)))
    }

    /// Rounds everything but the time of writing.
    fn round_body(&mut self, row: usize, plans: &[Plan]) {
        let Row { head, body, first, .. } = *self.row(row);
        let body_at = first + self.shape(head).len();
        let leaves = |shape: ShapeId, at: usize| {
            let plan = plans.get(shape as usize).map_or(&[][..], |plan| &plan.leaves);
            plan.iter().map(move |(leaf, role)| (at + leaf, *role))
        };
        for (leaf, role) in leaves(head, first).chain(leaves(body, body_at)) {
            let Some(value) = self.values.get(leaf).copied() else { return };
            let rounded = match (role, value.as_f64(), grain(role)) {
                // A time that is the time of writing stays it.
                (Role::Ts, Some(exact), _) => CLOCK.value(CLOCK.near(floor(exact))),
                (_, Some(exact), Some(grain)) => grain.value(grain.near(exact)),
                _ => value,
            };
            if let Some(value) = self.values.get_mut(leaf) {
                *value = rounded;
            }
        }
    }

    fn set_write_ts(&mut self, row: usize, write_ts: f64, plans: &[Plan]) {
        let Row { head, first, .. } = *self.row(row);
        for leaf in plans.get(head as usize).map_or(&[][..], |plan| &plan.write_ts) {
            if let Some(value) = self.values.get_mut(first + leaf)
                && value.is_number()
            {
                *value = if write_ts == floor(write_ts) {
                    CLOCK.value(CLOCK.near(write_ts))
                } else {
                    Value::Float(write_ts)
                };
            }
        }
        if let Some(row) = self.rows.get_mut(row) {
            row.write_ts = write_ts;
        }
    }

    fn repeats(&self, row: usize, other: usize) -> bool {
        let (mine, theirs) = (self.row(row), self.row(other));
        (mine.head, mine.body) == (theirs.head, theirs.body)
            && std::iter::zip(self.leaves_of(mine), self.leaves_of(theirs))
                .all(|(a, b)| self.is_same_value(*a, self, *b))
    }
}

/// The millisecond that a time is in.
fn floor(time_s: f64) -> f64 {
    let near = CLOCK.near(time_s);
    let millisecond = |payload: i64| CLOCK.value(payload).as_f64().unwrap_or_default();
    let nearest = millisecond(near);
    if nearest <= time_s || (nearest - time_s).abs() < MILLISECOND_CLOSE_S { nearest } else { millisecond(near - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::NewRow;

    fn rows(texts: &[(f64, &str)]) -> Rows {
        let rows = texts.iter().map(|(write_ts, text)| NewRow { kind: "t", key: "k", write_ts: *write_ts, text });
        Rows::parse(&rows.collect::<Vec<_>>())
    }

    #[test]
    fn what_is_below_a_centimetre_and_a_millisecond_goes() {
        let text = r#"{"metadata":{"platform":"ios","key":"k","type":"t","write_ts":1456160319.678613,"read_ts":0},"data":{"ts":1456160318.727512,"latitude":37.39020049373536,"accuracy":65.04,"altitude":30.96383476257324,"sensed_speed":-1,"bearing":12.34,"fmt_time":"2016-02-22T08:58:38.727512-08:00"}}"#;
        let mut rows = rows(&[(1_456_160_319.678_613, text)]);
        rows.round_ios(0);
        let expected = r#"{"metadata":{"key":"k","platform":"ios","type":"t","read_ts":0,"write_ts":1456160319.678},"data":{"ts":1456160318.727,"accuracy":65,"latitude":37.3902005,"sensed_speed":-1,"bearing":12.3,"altitude":30.96,"fmt_time":"2016-02-22T08:58:38.727000-08:00"}}"#;
        assert_eq!(rows.text(0), expected);
        assert!(rows.is_rounded());
        let once = rows.clone();
        rows.round_ios(0);
        assert!(rows == once, "rounding twice changes nothing");
        assert!(Rows::decode(&rows.encode(), None).is_some_and(|read| read.is_rounded() && read == rows));
    }

    #[test]
    fn two_entries_of_one_millisecond_stay_two() {
        let entry = |write_ts: &str, n: u32| {
            format!(
                r#"{{"metadata":{{"platform":"ios","key":"k","type":"t","write_ts":{write_ts}}},"data":{{"n":{n}}}}}"#
            )
        };
        let texts = [("5.0001", 1), ("5.0002", 2), ("5.0003", 1), ("6.0001", 1), ("6.0", 2)]
            .map(|(at, n)| (at.parse().unwrap(), entry(at, n)));
        let parsed = rows(&texts.each_ref().map(|(at, text)| (*at, text.as_str())));
        let mut rows = parsed.clone();
        rows.round_ios(0);
        let times: Vec<f64> = (0..5).map(|row| rows.write_ts(row)).collect();
        assert_eq!(times, [5.0, 5.0002, 5.0003, 6.0001, 6.0]);
        let mut sealed = rows.select(&[0, 1]);
        sealed.append(&parsed);
        sealed.round_ios(2);
        assert_eq!(sealed.write_ts(2), 5.0, "the first, sent again");
    }

    #[test]
    fn android_keeps_what_it_says() {
        let text = r#"{"metadata":{"platform":"android","write_ts":5.0001},"data":{"latitude":37.39020049373536}}"#;
        let mut rows = rows(&[(5.0001, text)]);
        let before = rows.clone();
        rows.round_ios(0);
        assert!(rows == before && !rows.is_rounded());
    }
}
