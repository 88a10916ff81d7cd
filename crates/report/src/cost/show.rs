//! What a day costs, for people.

use crate::cost::{CostVector, Figure};
use crate::summary::three_digits;
use crate::table::Table;

impl CostVector {
    /// One row per cost, with the range that holds the truth with 95 %.
    pub fn table(&self) -> Table {
        let core_ms = |core_s: Figure| core_s.times(1_000.0);
        let rows = [
            ("ingest core ms", core_ms(self.ingest_core_s)),
            ("pipeline core ms", core_ms(self.pipeline_core_s)),
            ("query core ms", core_ms(self.query_core_s)),
            ("disk bytes", self.disk_bytes),
            ("read ios", self.read_ios),
            ("write ios", self.write_ios),
            ("network bytes", self.network_bytes),
            ("log bytes (of a user)", self.log_bytes),
            ("hot memory bytes (of a user)", self.memory_hot_bytes),
        ];
        let mut table = Table::new(1, &["a user-day's", "mean", "low", "high"]);
        table.rows.extend(rows.map(|(name, of)| {
            let numbers = [of.value, of.low, of.high].map(three_digits);
            std::iter::once(name.to_owned()).chain(numbers).collect()
        }));
        table
    }

    /// What decides most often, in a line.
    pub(crate) fn brief(&self) -> String {
        let core_ms = three_digits(self.core_s().value * 1_000.0);
        format!("a user-day: {core_ms} core ms, {:.0} bytes", self.disk_bytes.value)
    }
}
