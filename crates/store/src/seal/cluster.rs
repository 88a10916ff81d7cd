//! What belongs together: new entries and the chunks that they reach into, and how all of it becomes chunks again.

use std::collections::BTreeMap;

use crate::chunk::Rows;
use crate::directory::ChunkRow;
use crate::query::second_of;

/// Days with fewer entries share a chunk with their neighbours, as long as they have no more together.
const SMALL_ROWS_MAX: usize = 512;
/// A day with more entries becomes several chunks.
const CHUNK_ROWS_MAX: usize = 16_384;
const DAY_S: u32 = 86_400;

/// Some of the new rows, and the chunks that they are merged with.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) chunks: Vec<ChunkRow>,
    /// Rows among the new ones.
    pub(crate) fresh: Vec<usize>,
    first_day: u32,
    last_day: u32,
}

impl Cluster {
    /// Whether nothing is to be done when no row is new.
    pub(crate) fn is_settled(&self) -> bool {
        self.chunks.len() < 2
    }

    fn rows(&self) -> usize {
        self.fresh.len() + self.chunks.iter().map(|chunk| size(chunk.entries)).sum::<usize>()
    }

    fn absorb(&mut self, other: Self) {
        self.chunks.extend(other.chunks);
        self.fresh.extend(other.fresh);
        self.first_day = self.first_day.min(other.first_day);
        self.last_day = self.last_day.max(other.last_day);
    }
}

/// Groups those `rows` of `fresh` that count by day, each with the chunks of that day; small groups that follow one another are one. Groups
/// without new rows are left out.
pub(crate) fn clusters(fresh: &Rows, rows: &[usize], chunks: &[ChunkRow]) -> Vec<Cluster> {
    let mut days: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for row in rows {
        days.entry(second_of(fresh.write_ts(*row)) / DAY_S).or_default().push(*row);
    }
    let of_rows =
        days.into_iter().map(|(day, fresh)| Cluster { chunks: Vec::new(), fresh, first_day: day, last_day: day });
    let of_chunks = chunks.iter().map(|chunk| Cluster {
        chunks: vec![*chunk],
        fresh: Vec::new(),
        first_day: chunk.first_s / DAY_S,
        last_day: chunk.last_s / DAY_S,
    });
    let mut parts: Vec<Cluster> = of_rows.chain(of_chunks).collect();
    parts.sort_by_key(|part| part.first_day);
    let mut clusters: Vec<Cluster> = Vec::new();
    for part in parts {
        match clusters.last_mut() {
            // Two chunks of one day are so large that they were split; they belong together only for what is new.
            Some(last) if part.first_day <= last.last_day => last.absorb(part),
            Some(last) if last.rows() + part.rows() <= SMALL_ROWS_MAX => last.absorb(part),
            _ => clusters.push(part),
        }
    }
    clusters.retain(|cluster| !cluster.fresh.is_empty());
    clusters
}

/// The rows of the chunks-to-be: `kept` of `rows`, by day.
pub(crate) fn split(rows: &Rows, kept: &[usize]) -> Vec<Rows> {
    let mut days: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for row in kept {
        days.entry(second_of(rows.write_ts(*row)) / DAY_S).or_default().push(*row);
    }
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for day in days.into_values() {
        match parts.last_mut() {
            Some(last) if last.len() + day.len() <= SMALL_ROWS_MAX => last.extend(day),
            _ if day.len() > CHUNK_ROWS_MAX => parts.extend(split_day(rows, day)),
            _ => parts.push(day),
        }
    }
    let in_order = |mut part: Vec<usize>| {
        // They came in order of identity; days that share a chunk do too.
        rows.sort_by_identity(&mut part);
        rows.select(&part)
    };
    parts.into_iter().map(in_order).collect()
}

/// Parts of a day, none of which share a second.
fn split_day(rows: &Rows, mut day: Vec<usize>) -> Vec<Vec<usize>> {
    day.sort_by_key(|row| second_of(rows.write_ts(*row)));
    let seconds = day.chunk_by(|one, other| second_of(rows.write_ts(*one)) == second_of(rows.write_ts(*other)));
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for second in seconds {
        match parts.last_mut() {
            Some(last) if last.len() + second.len() <= CHUNK_ROWS_MAX => last.extend(second),
            _ => parts.push(second.to_vec()),
        }
    }
    parts
}

fn size(entries: u32) -> usize {
    usize::try_from(entries).expect("memory ends before 4 G rows")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::NewRow;

    fn rows(days: &[(f64, usize)]) -> Rows {
        let times = days.iter().flat_map(|(day, count)| (0..*count).map(move |row| day * 86_400.0 + row as f64));
        let row = |write_ts| NewRow { kind: "t", key: "k", write_ts, text: "{}" };
        Rows::parse(&times.map(row).collect::<Vec<_>>())
    }

    fn chunk(first_day: f64, last_day: f64, entries: u32) -> ChunkRow {
        let (first_s, last_s) = (second_of(first_day * 86_400.0), second_of(last_day * 86_400.0));
        let (volume, offset, bytes, lag_s, first_upload, last_upload) = (1, 0, 0, 0, 0, 0);
        ChunkRow { user: 0, first_s, last_s, volume, offset, bytes, lag_s, first_upload, last_upload, entries }
    }

    /// The sizes of clusters: new rows and chunks.
    fn check(days: &[(f64, usize)], chunks: &[ChunkRow], expected: &[(usize, usize)]) {
        let rows = rows(days);
        let all: Vec<usize> = (0..rows.len()).collect();
        let found = clusters(&rows, &all, chunks);
        assert_eq!(found.iter().map(|c| (c.fresh.len(), c.chunks.len())).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn new_rows_meet_the_chunks_of_their_days_and_small_neighbours() {
        check(&[(3.0, 1000), (4.0, 900)], &[], &[(1000, 0), (900, 0)]);
        check(&[(3.0, 1000)], &[chunk(2.0, 2.9, 1000), chunk(4.0, 4.9, 1000)], &[(1000, 0)]);
        check(&[(3.5, 1)], &[chunk(2.0, 2.9, 1000), chunk(3.1, 3.2, 1000), chunk(4.0, 4.9, 9)], &[(1, 1)]);
        check(&[(3.0, 100), (4.0, 100)], &[chunk(1.0, 1.9, 100), chunk(9.0, 9.9, 500)], &[(200, 1)]);
        check(&[(3.0, 1)], &[chunk(1.0, 6.0, 400), chunk(7.0, 7.9, 900)], &[(1, 1)]);
        check(&[(1.0, 1), (5.0, 1)], &[chunk(1.0, 5.0, 900)], &[(2, 1)]);
    }

    #[test]
    fn days_become_chunks_that_share_no_second() {
        let rows = rows(&[(1.0, 100), (2.0, 400), (3.0, 100), (4.0, 40_000)]);
        let all: Vec<usize> = (0..rows.len()).collect();
        let parts = split(&rows, &all);
        assert_eq!(parts.iter().map(Rows::len).collect::<Vec<_>>(), [500, 100, 16_384, 16_384, 7_232]);
        let ends = |part: &Rows| (second_of(part.write_ts(0)), second_of(part.write_ts(part.len() - 1)));
        assert!(parts.windows(2).all(|pair| ends(&pair[0]).1 < ends(&pair[1]).0));
    }
}
