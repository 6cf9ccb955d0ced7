//! What a receiver takes at most, and what is left out for it: always at the end, between characters, with a mark that
//! shows it and, where there is room, a link to the rest.

use super::cut_chars;

/// Cuts by characters and ends with a link to all of it.
pub(super) fn cut_chars_with_link(text: &str, max: usize, link: &str) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    let end = format!("\n{link}");
    match max.checked_sub(end.chars().count()).filter(|room| *room > 1) {
        Some(room) => cut_chars(text, room) + &end,
        None => cut_chars(text, max),
    }
}

/// The same by bytes of a text.
pub(super) fn cut_bytes_with_link(text: &str, max: usize, link: &str) -> String {
    cut_measured(text, max, link, char::len_utf8)
}

/// The same by bytes of the text inside a JSON text.
pub(super) fn cut_json_bytes_with_link(text: &str, max: usize, link: &str) -> String {
    cut_measured(text, max, link, json_bytes)
}

fn cut_measured(text: &str, max: usize, link: &str, measure: fn(char) -> usize) -> String {
    let length = |text: &str| text.chars().map(measure).sum::<usize>();
    if length(text) <= max {
        return text.to_owned();
    }
    let with_link = format!("…\n{link}");
    let end = if length(&with_link) * 2 <= max { with_link } else { "…".to_owned() };
    let mut room = max.saturating_sub(length(&end));
    let mut out = String::new();
    for c in text.chars() {
        match room.checked_sub(measure(c)) {
            Some(left) => room = left,
            None => break,
        }
        out.push(c);
    }
    out + &end
}

/// RFC 8259, section 7, as `serde_json` writes it.
fn json_bytes(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    }
}

/// Cuts a text into pieces of at most so many UTF-16 units, where possible at the ends of lines. Nothing is lost.
pub(super) fn split_at_lines(text: &str, max: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut room = max;
    for line in text.split_inclusive('\n') {
        if utf16(line) > room && !piece.trim().is_empty() {
            pieces.push(std::mem::take(&mut piece));
            room = max;
        }
        for c in line.chars() {
            if c.len_utf16() > room {
                pieces.push(std::mem::take(&mut piece));
                room = max;
            }
            room -= c.len_utf16();
            piece.push(c);
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

/// The length by which Telegram counts.
pub(super) fn utf16(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_ends_with_a_link() {
        assert_eq!(cut_chars_with_link("short", 10, "http://x"), "short");
        assert_eq!(cut_chars_with_link(&"ü".repeat(20), 14, "http://x"), "üüüü…\nhttp://x");
        assert_eq!(
            cut_bytes_with_link(&"ü".repeat(20), 24, "http://x"),
            format!("{}…\nhttp://x", "ü".repeat(6))
        );
        assert_eq!(cut_bytes_with_link(&"ü".repeat(20), 10, "http://x"), "üüü…");
        assert_eq!(cut_json_bytes_with_link(&"\n".repeat(20), 10, "http://x"), "\n\n\n…");
    }

    #[test]
    fn a_long_text_is_split_at_line_ends_and_nothing_is_lost() {
        let text = "one\ntwo\nthree\n";
        assert_eq!(split_at_lines(text, 8), ["one\ntwo\n", "three\n"]);
        assert_eq!(split_at_lines("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(split_at_lines("😀😀", 3), ["😀", "😀"]);
    }
}
