//! What commands print: a table for people, JSON for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// A table under construction; columns keep their order.
pub struct Rows {
    table: Table,
}

impl Rows {
    /// With the headings of its columns.
    pub fn new(headings: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
        Self { table }
    }

    /// Adds a row.
    pub fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.table.add_row(cells);
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.table.row_iter().next().is_none()
    }

    /// Prints it without blanks at the edges.
    pub fn print(mut self) {
        for column in self.table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for line in self.table.lines() {
            say(line.trim_end());
        }
    }
}

/// Prints JSON, indented.
pub fn print_json(value: &Value) {
    say(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Prints a line on standard output. A reader that has gone (`| head`) is no error.
pub fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Labels as `{a="b"}` from their JSON form.
pub fn labels_text(labels: &Value) -> String {
    serde_json::from_value::<bellwether_model::Labels>(labels.clone()).unwrap_or_default().to_string()
}
