//! A failure as text for people: where it was expected, and expected and got next to each other.

use bellwether_diag::{Diagnostic, Diagnostics, Sources, Style};
use bellwether_model::Labels;

use super::expect::{Field, FieldKind, Item, Mismatch};
use super::run::Failure;
use super::series;

/// Values up to this many characters stand side by side; longer ones one under the other.
const CELL_MAX: usize = 44;
/// How much of a value is shown.
const SHOWN_MAX: usize = 400;

/// A failure as text, ending in a line break.
pub fn render_failure(failure: &Failure, sources: &Sources, style: Style) -> String {
    let mut diagnostics = Diagnostics::new();
    diagnostics.push(Diagnostic::error("test-failed", failure.span, failure.message.clone()));
    let mut out = diagnostics.render(sources, style);
    let paint = Paint { is_on: style.color };
    for mismatch in &failure.mismatches {
        match mismatch {
            Mismatch::Missing(item) => line(&mut out, &paint.expected("missing"), item),
            Mismatch::Unexpected(item) => line(&mut out, &paint.got("unexpected"), item),
            Mismatch::Differs { labels, fields } => differs(&mut out, labels, fields, paint),
        }
    }
    for note in &failure.notes {
        out.push_str(&format!("    {} {note}\n", paint.dim("note:")));
    }
    out
}

fn line(out: &mut String, word: &str, item: &Item) {
    let value = item.value.as_ref().map(|value| format!(" {}", series::text(value))).unwrap_or_default();
    out.push_str(&format!("    {word}: {}{value}\n", item.labels));
    for (name, text) in item.annotations.iter() {
        out.push_str(&format!("      annotation {name} {}\n", quoted(text)));
    }
}

fn differs(out: &mut String, labels: &Labels, fields: &[Field], paint: Paint) {
    out.push_str(&format!("    {labels} differs:\n"));
    let rows: Vec<[String; 3]> = fields.iter().map(row).collect();
    let fits = |row: &[String; 3]| row[1].chars().count() <= CELL_MAX && row[2].chars().count() <= CELL_MAX;
    let width = |column: usize| {
        let shown = rows.iter().filter(|row| column == 0 || fits(row));
        shown.map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let (names, expected) = (width(0), width(1).max("expected".len()));
    if rows.iter().any(fits) {
        let (left, right) = (pad("expected", expected), "got");
        out.push_str(&format!("      {}  {}  {}\n", pad("", names), paint.dim(&left), paint.dim(right)));
    }
    for row in &rows {
        let [name, wanted, came] = row;
        if fits(row) {
            let wanted = paint.expected(&pad(wanted, expected));
            out.push_str(&format!("      {}  {wanted}  {}\n", pad(name, names), paint.got(came)));
        } else {
            stacked(out, name, (wanted, came), paint);
        }
    }
}

/// Long values one under the other, with a mark below the first character that differs.
fn stacked(out: &mut String, name: &str, (wanted, came): (&str, &str), paint: Paint) {
    out.push_str(&format!("      {name}\n"));
    out.push_str(&format!("        {} {}\n", paint.dim("expected"), paint.expected(wanted)));
    out.push_str(&format!("        {}      {}\n", paint.dim("got"), paint.got(came)));
    let same = wanted.chars().zip(came.chars()).take_while(|(a, b)| a == b).count();
    if same > 0 {
        out.push_str(&format!("        {}{}\n", " ".repeat("expected ".len() + same), paint.dim("^")));
    }
}

fn row(field: &Field) -> [String; 3] {
    let name = match &field.kind {
        FieldKind::Label(name) => format!("label {name}"),
        FieldKind::Annotation(name) => format!("annotation {name}"),
        FieldKind::Value => "value".to_owned(),
    };
    let cell = |text: &Option<String>| match (text, &field.kind) {
        (None, _) => "(none)".to_owned(),
        (Some(text), FieldKind::Value) => shortened(text),
        (Some(text), FieldKind::Label(_) | FieldKind::Annotation(_)) => quoted(text),
    };
    [name, cell(&field.expected), cell(&field.got)]
}

/// In quotes, on one line, with nothing that a terminal would act upon.
fn quoted(text: &str) -> String {
    shortened(&format!("{text:?}"))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn pad(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(blanks))
}

/// ANSI colours, or none.
#[derive(Clone, Copy)]
struct Paint {
    is_on: bool,
}

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.is_on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn expected(self, text: &str) -> String {
        self.wrap("32", text)
    }

    fn got(self, text: &str) -> String {
        self.wrap("31", text)
    }

    fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }
}
