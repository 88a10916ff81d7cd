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
    document(title, &format!("<h1>{title_text}</h1>\n<div class=\"card\">{rows}</div>\n<ul>\n{notes}</ul>\n{law}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::cost::tests::vector;
    use crate::cost::{Headroom, TableOrder};

    #[test]
    fn the_page_holds_the_rows_and_runs_nobodys_text() {
        let cost = vector();
        let order = TableOrder {
            instances: &[],
            volumes: &[],
            months: &[6],
            cost: &cost,
            headroom: Headroom::default(),
            calibrations: &std::collections::BTreeMap::new(),
            searches: &[],
        };
        let table = CapacityTable::new(&order, &Catalogue::built_in()).unwrap();
        let page = page("A <script> & more", &table);
        assert!(page.contains("<title>A &lt;script&gt; &amp; more</title>"), "{page}");
        assert!(
            page.contains(
                "<td class=\"name\">m5.xlarge</td><td class=\"name\">io1:10:500</td><td class=\"name\">disk</td>"
            ),
            "{page}"
        );
        assert!(page.contains("<td>12502</td>"), "{page}");
        assert!(page.contains("<li>users = min("), "{page}");
        assert!(!page.contains("{{"), "{page}");
    }
}
