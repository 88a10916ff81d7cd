//! The capacity table as one page that needs nothing else.

use crate::cost::CapacityTable;
use crate::table::Table;

const PAGE: &str = include_str!("page.html");

/// A page with the table and its notes under `title`.
pub fn page(title: &str, table: &CapacityTable) -> String {
    let notes: String = table.notes.iter().map(|note| format!("<li>{}</li>\n", escaped(note))).collect();
    let Table { names, headings, rows } = table.table();
    let cell = |tag: &str, (at, text): (usize, &String)| {
        let class = if at < names { "" } else { " class=\"number\"" };
        format!("<{tag}{class}>{}</{tag}>", escaped(text))
    };
    let line = |tag: &str, row: &[String]| {
        let cells: String = row.iter().enumerate().map(|text| cell(tag, text)).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let body: String = rows.iter().map(|row| line("td", row)).collect();
    let headings = headings.iter().map(|heading| heading.replace('_', " ")).collect::<Vec<_>>();
    // Only the title is somebody else's text, so it goes in last.
    PAGE.replace("{{head}}", &line("th", &headings))
        .replace("{{rows}}", &body)
        .replace("{{notes}}", &notes)
        .replace("{{title}}", &escaped(title))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
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
        assert!(page.contains("<td>m5.xlarge</td><td>io1:10:500</td><td>disk</td>"), "{page}");
        assert!(page.contains("<td class=\"number\">12502</td>"), "{page}");
        assert!(page.contains("<li>users = min("), "{page}");
        assert!(!page.contains("{{") && !page.contains("http"), "{page}");
    }
}
