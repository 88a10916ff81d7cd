//! A table as a value: made once, shown as text for people, or as Markdown or CSV for programs.

use comfy_table::presets;
use comfy_table::{CellAlignment, Table as TextTable, TableStyle};

/// Rows of text under headings. The first column is aligned left, the others right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// One per column.
    pub headings: Vec<String>,
    /// As many cells each as there are headings.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table under `headings`.
    pub fn new(headings: &[&str]) -> Self {
        Self { headings: headings.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        self.draw(presets::UTF8_HORIZONTAL_ONLY)
    }

    /// For a document.
    pub fn markdown(&self) -> String {
        self.draw(presets::ASCII_MARKDOWN)
    }

    /// For a program.
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let lines = std::iter::once(&self.headings).chain(&self.rows);
        lines.for_each(|line| writer.write_record(line).expect("writing into memory cannot fail"));
        let bytes = writer.into_inner().expect("writing into memory cannot fail");
        String::from_utf8(bytes).expect("the cells are text")
    }

    fn draw(&self, style: TableStyle) -> String {
        let mut table = TextTable::new();
        table.load_style(style).set_header(&self.headings).add_rows(&self.rows);
        table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
        table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }
}
