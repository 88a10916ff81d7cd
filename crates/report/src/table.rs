//! A table as a value: made once, shown as text for people, or as Markdown or CSV for programs.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, LineStyle, Table as TextTable, TableStyle};

/// One rule under the headings is enough to read a table by.
const TEXT: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Rows of text under headings. The first `names` columns are aligned left, the numbers behind them right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// How many columns hold names.
    pub names: usize,
    /// One per column.
    pub headings: Vec<String>,
    /// As many cells each as there are headings.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table under `headings`, of which the first `names` head names.
    pub fn new(names: usize, headings: &[&str]) -> Self {
        Self { names, headings: headings.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let folded = self.headings.iter().map(|heading| fold(heading)).collect();
        Self { headings: folded, ..self.clone() }.draw(TEXT, (0, 1))
    }

    /// For a program.
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let lines = std::iter::once(&self.headings).chain(&self.rows);
        lines.for_each(|line| writer.write_record(line).expect("writing into memory cannot fail"));
        let bytes = writer.into_inner().expect("writing into memory cannot fail");
        String::from_utf8(bytes).expect("the cells are text")
    }

    /// For a program: one object per row, numbers as numbers.
    pub fn json(&self) -> String {
        let cell = |text: &String| -> serde_json::Value {
            let is_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
            let number = || text.parse::<serde_json::Number>().ok().filter(|_| is_number);
            number().map_or_else(|| text.clone().into(), Into::into)
        };
        let row = |row: &Vec<String>| -> serde_json::Value {
            let cells = self.headings.iter().cloned().zip(row.iter().map(cell));
            serde_json::Value::Object(cells.collect())
        };
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        serde_json::to_string_pretty(&rows).expect("texts and numbers can be written as JSON") + "\n"
    }

    /// For a document.
    pub fn markdown(&self) -> String {
        self.draw(ASCII_MARKDOWN, (1, 1))
    }

    fn draw(&self, style: TableStyle, padding: (u16, u16)) -> String {
        let mut table = TextTable::new();
        table.load_style(style).set_header(&self.headings).add_rows(&self.rows);
        for column in table.column_iter_mut() {
            column.set_padding(padding);
        }
        table.column_iter_mut().skip(self.names).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
        table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }
}

/// Two lines instead of a long one, so that ten columns fit a terminal.
fn fold(heading: &str) -> String {
    const LONG: usize = 9;
    if heading.len() > LONG { heading.replacen('_', "_\n", 1) } else { heading.to_owned() }
}
