//! The capacity table as one page that needs nothing else.

use crate::cost::CapacityTable;
use crate::page::html::{escape, table as rows};
use crate::page::{document, law_section};

/// A page with the table and its notes under `title`.
pub fn page(title: &str, table: &CapacityTable) -> String {
    let notes: String = table.notes.iter().map(|note| format!("<li>{}</li>\n", escape(note))).collect();
    let rows = rows(&table.table());
    let law = table.law.as_ref().map(law_section).unwrap_or_default();
    let title_text = escape(title);
    document(title, &format!("<h1>{title_text}</h1>\n<div class=\"card wide\">{rows}</div>\n<ul>\n{notes}</ul>\n{law}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::cost::tests::vector;
    use crate::cost::{Headroom, TableOrder};
    use crate::usl;

    fn table() -> CapacityTable {
        let cost = vector();
        let order = TableOrder {
            instances: &[],
            volumes: &[],
            months: &[6],
            cost: &cost,
            headroom: Headroom::default(),
            calibrations: &std::collections::BTreeMap::new(),
            searches: &[],
            filled: &[],
        };
        CapacityTable::new(&order, &Catalogue::built_in()).unwrap()
    }

    #[test]
    fn a_law_stands_beside_the_rows_and_makes_none() {
        let plain = table();
        let points = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0].map(|n: f64| format!("{n},{}\n", 100.0 * n / (1.0 + 0.1 * n)));
        let points = usl::Points::parse(&format!("cores,per_s\n{}", points.concat())).unwrap();
        let mut told = plain.clone();
        told.law = Some(usl::fit(points, 1).unwrap());
        assert!(
            told.text().contains("waits in line: 0.09") && !plain.text().contains("waits in line"),
            "{}",
            told.text()
        );
        assert!(told.markdown().contains("- waits in line: 0.09"), "{}", told.markdown());
        assert_eq!((told.table().csv(), &told.rows), (plain.table().csv(), &plain.rows));
        let page = page("machines", &told);
        assert!(page.contains("id=\"law\"") && page.contains("<li>waits in line: 0.09"), "{page}");
    }

    #[test]
    fn the_page_holds_the_rows_and_runs_nobodys_text() {
        let page = page("A <script> & more", &table());
        assert!(page.contains("<title>A &lt;script&gt; &amp; more</title>"), "{page}");
        assert!(
            page.contains(
                "<td class=\"name\">m5.xlarge</td><td class=\"name\">io1:10:500</td><td class=\"name\">disk</td>"
            ),
            "{page}"
        );
        assert!(page.contains("<td>11852</td>"), "{page}");
        assert!(page.contains("<li>users = min("), "{page}");
        assert!(!page.contains("{{"), "{page}");
    }
}
