//! A page of HTML that is too long for one message, in pieces.

use super::limit::utf16;

/// What a text of HTML is made of, as far as splitting it goes.
enum Token<'a> {
    Open {
        name: &'a str,
        whole: &'a str,
    },
    Close {
        name: &'a str,
        whole: &'a str,
    },
    /// A character, an entity, or a `<` that begins no tag.
    Unit(&'a str),
}

/// Splits HTML so that every piece closes what it opens: what is open at the end of one is closed there and opened
/// again in the next. Never inside a tag or an entity.
pub(super) fn split_html(text: &str, max: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = Piece::default();
    // The state at the last end of a line, to which a piece can go back.
    let mut line_end: Option<(Piece<'_>, usize)> = None;
    let (mut at, mut began) = (0, 0);
    while at < text.len() {
        let token = token_at(&text[at..]);
        let whole = match &token {
            Token::Open { whole, .. } | Token::Close { whole, .. } | Token::Unit(whole) => *whole,
        };
        let grows = match &token {
            Token::Open { name, whole } => utf16(whole) + name.len() + 3,
            Token::Close { .. } => 0,
            Token::Unit(whole) => utf16(whole),
        };
        let is_begun = at > began;
        if is_begun && piece.length() + grows > max {
            let (full, next) = line_end.take().unwrap_or_else(|| (piece.clone(), at));
            let text = full.open_tags();
            piece = Piece { text_utf16: utf16(&text), text, open: full.open.clone() };
            pieces.push(full.closed());
            (at, began) = (next, next);
            continue;
        }
        piece.take(&token, whole);
        at += whole.len();
        if whole == "\n" {
            line_end = Some((piece.clone(), at));
        }
    }
    pieces.push(piece.closed());
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

#[derive(Clone, Default)]
struct Piece<'a> {
    text: String,
    /// The length of the text.
    text_utf16: usize,
    /// Names and whole tags of what is open.
    open: Vec<(&'a str, &'a str)>,
}

impl<'a> Piece<'a> {
    /// Its length once everything open is closed.
    fn length(&self) -> usize {
        self.text_utf16 + self.open.iter().map(|(name, _)| name.len() + 3).sum::<usize>()
    }

    fn open_tags(&self) -> String {
        self.open.iter().map(|(_, whole)| *whole).collect()
    }

    fn closed(&self) -> String {
        let ends = self.open.iter().rev().map(|(name, _)| format!("</{name}>"));
        self.text.clone() + &ends.collect::<String>()
    }

    fn take(&mut self, token: &Token<'a>, whole: &str) {
        match token {
            Token::Open { name, whole } => self.open.push((name, whole)),
            Token::Close { name, .. } => {
                if let Some(index) = self.open.iter().rposition(|(open, _)| open == name) {
                    self.open.truncate(index);
                }
            }
            Token::Unit(_) => {}
        }
        self.text += whole;
        self.text_utf16 += utf16(whole);
    }
}

fn token_at(text: &str) -> Token<'_> {
    /// The longest entity Telegram knows is `&quot;`; numbers are longer.
    const ENTITY_MAX: usize = 12;
    let first = text.chars().next().map_or(1, char::len_utf8);
    let unit = Token::Unit(&text[..first]);
    match text.as_bytes().first() {
        Some(b'&') => match text.bytes().take(ENTITY_MAX).position(|b| b == b';') {
            Some(end) => Token::Unit(&text[..=end]),
            None => unit,
        },
        Some(b'<') => {
            let Some(end) = text.find('>') else { return unit };
            let (whole, inside) = (&text[..=end], &text[1..end]);
            let (closes, inside) = match inside.strip_prefix('/') {
                Some(inside) => (true, inside),
                None => (false, inside),
            };
            let name = inside.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
            match name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()) {
                true if closes => Token::Close { name, whole },
                true if whole.ends_with("/>") => Token::Unit(whole),
                true => Token::Open { name, whole },
                false => unit,
            }
        }
        _ => unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_of_a_split_page_is_valid_by_itself() {
        let check = |text: &str, max: usize, want: &[&str]| assert_eq!(split_html(text, max), want, "{text}");
        check("<b>one</b>\n<b>two</b>\n", 14, &["<b>one</b>\n", "<b>two</b>\n"]);
        check("<b>one two</b>", 13, &["<b>one tw</b>", "<b>o</b>"]);
        check("a &amp; b &lt; c", 9, &["a &amp; b", " &lt; c"]);
        check(
            "<a href=\"http://x\">link</a>",
            25,
            &["<a href=\"http://x\">li</a>", "<a href=\"http://x\">nk</a>"],
        );
        check("1 < 2 & 3", 100, &["1 < 2 & 3"]);
        check("<b>one\n<i>two\nthree</i></b>", 24, &["<b>one\n<i>two\n</i></b>", "<b><i>three</i></b>"]);
        let long = format!("<pre>{}</pre>", "line of text\n".repeat(2000));
        let pieces = split_html(&long, 4096);
        assert!(pieces.iter().all(|p| utf16(p) <= 4096 && p.starts_with("<pre>") && p.ends_with("</pre>")));
        assert_eq!(pieces.iter().map(|p| p.matches("line of text").count()).sum::<usize>(), 2000);
    }

    #[test]
    fn splitting_ends_also_where_one_tag_is_longer_than_a_message() {
        let tag = format!("<a href=\"{}\">x</a>", "y".repeat(50));
        let pieces = split_html(&format!("{tag}{tag}"), 20);
        assert!(!pieces.is_empty() && pieces.len() <= 8, "{pieces:?}");
    }
}
