//! Lists of different lengths, kept one after another.

/// One list for each number below a count.
#[derive(Clone, Debug)]
pub(crate) struct Rows<T> {
    /// Where each list starts; and where the last one ends.
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Rows<T> {
    /// The items of each row, in the order in which they come.
    pub(crate) fn new(count: usize, mut pairs: Vec<(u32, T)>) -> Self {
        pairs.sort_by_key(|(row, _)| *row);
        let mut starts = Vec::with_capacity(count + 1);
        for (number, (row, _)) in (0..).zip(&pairs) {
            while starts.len() <= *row as usize {
                starts.push(number);
            }
        }
        starts.resize(count + 1, u32::try_from(pairs.len()).expect("fewer items than numbers"));
        Self { starts, items: pairs.into_iter().map(|(_, item)| item).collect() }
    }

    /// A row.
    pub(crate) fn row(&self, row: u32) -> &[T] {
        let start = |row: usize| self.starts.get(row).map(|&start| start as usize);
        let row = row as usize;
        start(row).zip(start(row + 1)).and_then(|(start, end)| self.items.get(start..end)).expect("a row that exists")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_items_and_may_be_empty() {
        let rows = Rows::new(5, vec![(3, 'a'), (1, 'b'), (3, 'c')]);
        let all: Vec<&[char]> = (0..5).map(|row| rows.row(row)).collect();
        assert_eq!(all, [&[][..], &['b'], &[], &['a', 'c'], &[]]);
    }
}
