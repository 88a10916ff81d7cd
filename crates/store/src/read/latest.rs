//! The last entry of some keys, from the newest upload back: what is older than what was found is never read, for
//! clients ask for this several times a second.

use std::cmp::Ordering;
use std::sync::Arc;

use rushhour_model::ids::UserId;

use super::{ATTEMPTS_MAX, Found, identity_of};
use crate::chunk::{Rows, by_time};
use crate::core::Core;
use crate::error::Error;
use crate::hot::HotRecord;
use crate::key_set::KeySet;

/// Rounding moves a write time by less than this, in seconds.
const MOVED_S_MAX: f64 = 0.001;

impl Core {
    /// See [`Store::latest`](crate::Store::latest).
    pub(crate) fn latest(&self, user: UserId, keys: &[String]) -> Result<Vec<Found>, Error> {
        for _ in 0..ATTEMPTS_MAX {
            if let Some(latest) = self.try_latest(user, keys)? {
                return Ok(latest);
            }
        }
        Err(self.never_still())
    }

    /// `None` when something was sealed or moved meanwhile.
    fn try_latest(&self, user: UserId, keys: &[String]) -> Result<Option<Vec<Found>>, Error> {
        let asked = KeySet::of(keys.iter().map(String::as_str));
        // The log comes first: what is sealed after this is still in the copy, and what was sealed before is in the chunks.
        let look = |hot: &crate::hot::HotUser| {
            let may_have = hot.records.iter().filter(|record| record.keys.may_meet(asked));
            (may_have.copied().collect::<Vec<HotRecord>>(), hot.taken)
        };
        let (mut records, taken) = self.hot.look(user, look).unwrap_or_default();
        let number = self.number(user);
        let last_chunk = |until_s| number.map_or(Ok((0, None)), |number| self.directory.last_chunk(number, until_s));
        let (sealed, mut chunk) = last_chunk(u32::MAX)?;
        let mut latest = Latest { of: keys.iter().map(|key| (key.as_str(), None)).collect() };
        records.retain(|record| record.number >= sealed);
        records.sort_by(|one, other| by_time(other.last_ts, one.last_ts));
        for record in &records {
            if latest.is_after(record.last_ts + MOVED_S_MAX) {
                break;
            }
            let Some(rows) = self.shown_record(user, record, Some(keys))? else { return Ok(None) };
            latest.add(&rows);
        }
        while let Some(row) = chunk.filter(|row| !latest.is_after(row.times().1)) {
            let Some(rows) = self.read_chunk(&row, Some(keys), f64::INFINITY)? else { return Ok(None) };
            latest.add(&Arc::new(rows));
            chunk = row.first_s.checked_sub(1).map_or(Ok((0, None)), last_chunk)?.1;
        }
        Ok(Some(latest.found(user, taken)))
    }
}

/// An entry, and the piece it is in.
type Best = (Arc<Rows>, usize);

/// The last entry of each key so far.
struct Latest<'a> {
    of: Vec<(&'a str, Option<Best>)>,
}

impl Latest<'_> {
    /// Whether an entry of each key was found that was written after `until`, so that nothing up to then matters.
    fn is_after(&self, until: f64) -> bool {
        self.of.iter().all(|(_, best)| best.as_ref().is_some_and(|(rows, row)| rows.write_ts(*row) > until))
    }

    fn add(&mut self, rows: &Arc<Rows>) {
        for row in 0..rows.len() {
            let key = &*rows.name(row).key;
            for (_, best) in self.of.iter_mut().filter(|(asked, _)| *asked == key) {
                if best.as_ref().is_none_or(|best| order((&best.0, best.1), (rows, row)).is_le()) {
                    *best = Some((Arc::clone(rows), row));
                }
            }
        }
    }

    fn found(self, user: UserId, taken: u32) -> Vec<Found> {
        let found = |(rows, row): Best| Found {
            id: identity_of(user, &rows, row).id(),
            stamp: rows.write_ts(row),
            text: rows.text(row),
            write_ts: rows.write_ts(row),
            is_taken: rows.upload(row) < taken,
        };
        let mut found: Vec<Found> = self.of.into_iter().filter_map(|(_, best)| best.map(found)).collect();
        found.sort_by(|one, other| by_time(one.stamp, other.stamp).then(one.id.cmp(&other.id)));
        found
    }
}

/// Of two rows of one key the later one is the last; of two versions of an entry the one of the later upload.
fn order(one: (&Rows, usize), other: (&Rows, usize)) -> Ordering {
    let (rows, row) = one;
    by_time(rows.write_ts(row), other.0.write_ts(other.1))
        .then_with(|| rows.name(row).cmp(other.0.name(other.1)))
        .then_with(|| rows.upload(row).cmp(&other.0.upload(other.1)))
}
