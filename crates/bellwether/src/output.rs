//! What commands print: a table for people, JSON for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// Columns of the narrowest terminal that people use.
pub const WIDTH: usize = 80;

/// Blanks between two columns.
const GAP: usize = 2;

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
    pub fn print(self) {
        self.print_with(Vec::new());
    }

    /// Prints it within [`WIDTH`] columns: what stands in the last column and does not fit comes below its row.
    pub fn print_narrow(self) {
        let (rows, below) = self.narrowed();
        rows.print_with(below);
    }

    fn narrowed(self) -> (Self, Vec<Option<String>>) {
        let texts =
            |row: &comfy_table::Row| row.cell_iter().map(comfy_table::Cell::content).collect::<Vec<_>>();
        let headings: Vec<String> = self.table.header().map(texts).unwrap_or_default();
        let mut rows: Vec<Vec<String>> = self.table.row_iter().map(texts).collect();
        let last = headings.len().saturating_sub(1);
        let chars = |row: &Vec<String>, at: usize| row.get(at).map_or(0, |cell| cell.chars().count());
        let widest = |at: usize| rows.iter().chain([&headings]).map(|row| chars(row, at)).max().unwrap_or(0);
        let taken: usize = (0..last).map(|at| widest(at) + GAP).sum();
        let mut below = Vec::with_capacity(rows.len());
        for row in &mut rows {
            let is_long = taken + chars(row, last) > WIDTH;
            below.push(
                row.get_mut(last).filter(|_| is_long).map(|cell| format!("  {}", std::mem::take(cell))),
            );
        }
        let mut narrow = Self::new(&headings.iter().map(String::as_str).collect::<Vec<_>>());
        rows.into_iter().for_each(|row| narrow.push(row));
        (narrow, below)
    }

    /// The same, with a line below each row that has one.
    pub fn print_with(mut self, below: Vec<Option<String>>) {
        for column in self.table.column_iter_mut() {
            column.set_padding((0, GAP as u16));
        }
        let headings = std::iter::once(None);
        let mut below = headings.chain(below);
        for line in self.table.lines() {
            say(line.trim_end());
            if let Some(more) = below.next().flatten() {
                say(&more);
            }
        }
    }
}

/// The beginning of a text of one line, with a sign that there is more.
pub fn cut(text: &str, chars_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let indent: String = text.chars().take_while(|c| *c == ' ').collect();
    let line = indent + &line;
    match line.char_indices().nth(chars_max) {
        None => line,
        Some(_) => line.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Columns of a line that is broken by words.
const WRAPPED_COLUMNS: usize = 80;

/// Prints a text behind a head, broken into lines that continue below where the text began. A word is never broken:
/// people copy commands and addresses.
pub fn say_wrapped(head: &str, text: &str) {
    let indent = head.chars().count().min(WRAPPED_COLUMNS / 4);
    for line in wrapped(head, text, indent) {
        say(&line);
    }
}

/// A text behind a head, in lines that continue below where the text began.
pub(crate) fn wrapped(head: &str, text: &str, indent: usize) -> Vec<String> {
    let mut lines = vec![head.to_owned()];
    let mut is_begun = false;
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        let columns = line.chars().count() + usize::from(is_begun) + word.chars().count();
        if is_begun && columns > WRAPPED_COLUMNS {
            lines.push(format!("{}{word}", " ".repeat(indent)));
        } else {
            if is_begun {
                line.push(' ');
            }
            line.push_str(word);
            is_begun = true;
        }
    }
    lines
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

/// Prints a line for people on standard error, where it does not disturb what programs read.
pub fn warn(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Labels as `{a="b"}` from their JSON form.
pub fn labels_text(labels: &Value) -> String {
    serde_json::from_value::<bellwether_model::Labels>(labels.clone()).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_by_words_and_continues_below_where_it_began() {
        let text = "word ".repeat(20);
        let lines = wrapped("  ✓ rule     ", &text, 13);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        assert!(
            lines[0].starts_with("  ✓ rule     word") && lines[1].starts_with("             word"),
            "{lines:#?}"
        );
        assert_eq!(lines.join(" ").split_whitespace().filter(|word| *word == "word").count(), 20);
        let long = "x".repeat(200);
        assert_eq!(wrapped("- ", &long, 2), [format!("- {long}")]);
    }

    #[test]
    fn what_does_not_fit_in_the_last_column_comes_below_its_row() {
        let mut rows = Rows::new(&["figure", "name"]);
        let names = ["short".to_owned(), "n".repeat(72), "n".repeat(73)];
        names.iter().for_each(|name| rows.push(["1".to_owned(), name.clone()]));
        let (narrow, below) = rows.narrowed();
        assert_eq!(below, [None, None, Some(format!("  {}", names[2]))]);
        let last: Vec<String> =
            narrow.table.row_iter().map(|row| row.cell_iter().last().unwrap().content()).collect();
        assert_eq!(last, [names[0].as_str(), names[1].as_str(), ""]);
    }

    #[test]
    fn a_long_text_is_cut_by_characters() {
        for (text, want) in
            [("short", "short"), ("ééééééé", "éééé…"), ("  a\n b", "  a b"), ("exact", "exact")]
        {
            assert_eq!(cut(text, 5), want);
        }
    }
}
