//! Text that was written in UTF-8 and read in another encoding on its way.

use bellwether_diag::{FileId, Severity, Span};

use crate::{Area, Check, Form, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "mojibake",
    area: Area::Doc,
    severity: Severity::Warning,
    title: "characters that were read in the wrong encoding",
    why: "`Ã—` is a `×` whose bytes of UTF-8 were taken for Windows-1252 and saved again. Diagrams, icons and formulas of the \
          document are unreadable, and so is what is copied from it. Read the file as it was before, or convert it back.",
    wrong: &[("README.md", "The budget is (100% - target) Ã— period.\n")],
    right: &[("README.md", "The budget is (100% - target) × period.\n")],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for file in setup
        .files
        .iter()
        .filter(|file| matches!(file.form, Form::Markdown | Form::Rules | Form::Alertmanager))
    {
        let found = all_in(setup, file.file);
        let Some((place, meant)) = found.first() else { continue };
        let lines = found.iter().map(|(place, _)| setup.sources.position(*place).line);
        let mut lines: Vec<u32> = lines.collect();
        lines.dedup();
        let message = match lines.len() {
            1 => format!("this was {meant:?} before it was read in the wrong encoding"),
            count => format!(
                "this was {meant:?} before it was read in the wrong encoding, as is text on {count} lines"
            ),
        };
        report.find(*place, message).help("save the file again from its source as UTF-8");
    }
}

fn all_in(setup: &Setup, file: FileId) -> Vec<(Span, char)> {
    let text = setup.sources.text(file);
    let mut found = Vec::new();
    if text.is_ascii() {
        return found;
    }
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_ascii() {
            continue;
        }
        if let Some((meant, len)) = decoded(&text[at..]) {
            found.push((Span::new(file, at..at + len), meant));
            while chars.peek().is_some_and(|(next, _)| *next < at + len) {
                chars.next();
            }
        }
    }
    found
}

/// The character that the next ones are the bytes of, and how long they are.
fn decoded(text: &str) -> Option<(char, usize)> {
    let mut bytes = Vec::new();
    let mut len = 0;
    let wanted = match byte_of(text.chars().next()?)? {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    for c in text.chars().take(wanted) {
        bytes.push(byte_of(c)?);
        len += c.len_utf8();
    }
    let meant = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    // What people write in documents; the rest is more likely to be two characters of another language.
    let is_usual =
        matches!(meant as u32, 0xA0..=0x24F | 0x2000..=0x2BFF | 0x3000..=0x30FF | 0xFE0F | 0x1F000..=0x1FAFF);
    is_usual.then_some((meant, len))
}

/// The byte that Windows-1252 reads as a character.
fn byte_of(c: char) -> Option<u8> {
    const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    match c as u32 {
        code @ (0x80..=0xFF) => Some(code as u8),
        _ => HIGH.chars().position(|high| high == c).map(|index| 0x80 + index as u8),
    }
}
