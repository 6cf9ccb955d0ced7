//! Problems as text for terminals and logs: one line that can be searched and clicked, then the source line with
//! the place underlined.
//!
//! Written here because the first line is the product (`file:line:column: error: what; remedy`) and source lines
//! come from files nobody has vetted: tabs, wide characters, escape sequences and lines of a megabyte must neither
//! misplace the underline nor reach the terminal as they are.

use unicode_width::UnicodeWidthChar;

use crate::{Diagnostic, Severity, Sources, Span};

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to use ANSI colours.
    pub color: bool,
}

/// A tab is shown as this many spaces, wherever it stands, so that the underline cannot drift.
const TAB: &str = "    ";
/// The widest piece of a source line that is shown, in columns.
const LINE_WIDTH_MAX: usize = 160;
/// How many characters are looked at on each side of the underlined part, since a line may be the whole file.
const CONTEXT_CHARS_MAX: usize = 1000;
/// How much of a long line is kept before the underlined part, in columns.
const CONTEXT_WIDTH: usize = 60;

/// One problem as text, ending in a line break.
pub(crate) fn render(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let paint = Paint { on: style.color };
    let label = paint.severity(diagnostic.severity);
    let place = diagnostic.span.map(|span| format!("{}: ", place(sources, span))).unwrap_or_default();
    let sentence = printable(&diagnostic.sentence());
    let mut out = format!("{}{label}: {}\n", paint.bold(&place), paint.bold(&sentence));
    if let Some(span) = diagnostic.span {
        out.push_str(&excerpt(sources, span, paint, diagnostic.severity));
    }
    for related in &diagnostic.related {
        let label = paint.severity(Severity::Note);
        let message = printable(&related.message);
        out.push_str(&format!("  {label}: {}: {message}\n", self::place(sources, related.span)));
    }
    out
}

/// The same with its id, and the remedy on a line of its own: for a reader who may want to read up on it or switch it off.
pub(crate) fn render_named(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let paint = Paint { on: style.color };
    let label =
        paint.as_severity(diagnostic.severity, &format!("{}[{}]", diagnostic.severity, diagnostic.id));
    let place = diagnostic.span.map(|span| format!("{}: ", place(sources, span))).unwrap_or_default();
    let message = printable(&diagnostic.message);
    let mut out = format!("{}{label}: {}\n", paint.bold(&place), paint.bold(&message));
    if let Some(span) = diagnostic.span {
        out.push_str(&excerpt(sources, span, paint, diagnostic.severity));
    }
    for related in &diagnostic.related {
        let message = printable(&related.message);
        out.push_str(&format!(
            "  {}: {}: {message}\n",
            paint.bold("see"),
            self::place(sources, related.span)
        ));
    }
    if let Some(help) = &diagnostic.help {
        out.push_str(&format!("  {}: {}\n", paint.bold("help"), printable(help)));
    }
    out
}

/// `file:line:column`.
fn place(sources: &Sources, span: Span) -> String {
    let position = sources.position(span);
    format!("{}:{}:{}", printable(sources.name(span.file)), position.line, position.column)
}

/// The source line and the underline below it.
fn excerpt(sources: &Sources, span: Span, paint: Paint, severity: Severity) -> String {
    let span = sources.whole(span);
    let line_number = sources.position(span).line;
    let (line, line_start) = sources.line(span.file, line_number);
    let start = line.floor_char_boundary((span.start.saturating_sub(line_start) as usize).min(line.len()));
    let end = line.floor_char_boundary((span.end.saturating_sub(line_start) as usize).min(line.len()));
    let (before, marked, after) = (&line[..start], &line[start..end.max(start)], &line[end.max(start)..]);
    let (before, marked, after) = (last_chars(before), first_chars(marked), first_chars(after));
    let (before, marked, after) = (printable(before), printable(marked), printable(after));
    let (before, marked, after) = cut(&before, &marked, &after);
    let gutter = line_number.to_string();
    let blank = " ".repeat(gutter.len());
    let underline = "^".repeat(width(&marked).max(1));
    format!(
        "{bar_line} {before}{marked}{after}\n{bar_blank} {indent}{underline}\n",
        bar_line = paint.dim(&format!("  {gutter} |")),
        bar_blank = paint.dim(&format!("  {blank} |")),
        indent = " ".repeat(width(&before)),
        underline = paint.as_severity(severity, &underline),
    )
}

fn first_chars(text: &str) -> &str {
    text.char_indices().nth(CONTEXT_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}

fn last_chars(text: &str) -> &str {
    text.char_indices().rev().nth(CONTEXT_CHARS_MAX).map_or(text, |(start, _)| &text[start..])
}

/// Shortens a line to what fits, keeping the beginning of the marked part in view.
fn cut(before: &str, marked: &str, after: &str) -> (String, String, String) {
    if width(before) + width(marked) + width(after) <= LINE_WIDTH_MAX {
        return (before.to_owned(), marked.to_owned(), after.to_owned());
    }
    let before = keep_end(before, CONTEXT_WIDTH);
    let shown = keep_start(marked, LINE_WIDTH_MAX - CONTEXT_WIDTH);
    let room = LINE_WIDTH_MAX.saturating_sub(width(&before) + width(&shown));
    // What follows a marked part that is itself cut short is nowhere near it.
    let after = if shown.len() < marked.len() { String::new() } else { keep_start(after, room) };
    (before, shown, after)
}

fn keep_start(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let kept = take_columns(text.chars(), columns);
    format!("{}...", kept.into_iter().collect::<String>())
}

fn keep_end(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let kept = take_columns(text.chars().rev(), columns);
    format!("...{}", kept.into_iter().rev().collect::<String>())
}

fn take_columns(chars: impl Iterator<Item = char>, columns: usize) -> Vec<char> {
    let mut used = 0;
    let fits = |c: &char| {
        used += char_width(*c);
        used <= columns
    };
    chars.take_while(fits).collect()
}

/// Text that is safe to print on one line: tabs widened, control and direction-changing characters replaced.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str(TAB),
            '\u{feff}' => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {
                out.push('\u{fffd}')
            }
            '\u{2028}' | '\u{2029}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// ANSI colours, or none.
#[derive(Clone, Copy)]
struct Paint {
    on: bool,
}

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn as_severity(self, severity: Severity, text: &str) -> String {
        let code = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;36",
        };
        self.wrap(code, text)
    }

    fn severity(self, severity: Severity) -> String {
        self.as_severity(severity, severity.as_str())
    }
}
