//! Characters that have no meaning in a query, and what was probably meant by them: `&&`, typographic quotes, the
//! variables of dashboards, names from other languages.

use crate::lex::{Lexer, Token, is_word_part};

impl Lexer<'_> {
    /// Reads a character that looks like one of the language's own as that one. The outer result is whether it does, the
    /// inner one the token, if there is any.
    pub(crate) fn look_alike(&mut self, first: char) -> Option<Option<Token>> {
        let (sign, written) = match first {
            '\u{2212}' | '\u{2010}'..='\u{2015}' => ("-", "-"),
            '\u{d7}' | '\u{22c5}' | '\u{b7}' => ("*", "*"),
            '\u{f7}' => ("/", "/"),
            '\u{2264}' => ("<=", "<="),
            '\u{2265}' => (">=", ">="),
            '\u{2260}' => ("!=", "!="),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => {
                return Some(Some(self.typographic('"')));
            }
            '\u{2018}' | '\u{2019}' | '\u{201a}' => return Some(Some(self.typographic('\''))),
            '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}' => {
                let help = Some("it looks like a blank; write a plain one");
                self.unexpected(first, first.len_utf8(), help);
                return Some(None);
            }
            _ => return None,
        };
        let help = format!("write {written}");
        self.unexpected(first, first.len_utf8(), Some(&help));
        Some(Some(Token::Sign(sign)))
    }

    /// Reads a character that has no place in the language at all.
    pub(crate) fn misplaced(&mut self, first: char) -> Option<Token> {
        let is_double = self.rest()[first.len_utf8()..].starts_with(first);
        let width = if is_double { 2 * first.len_utf8() } else { first.len_utf8() };
        match first {
            '&' => {
                self.unexpected(first, width, Some("write `and`"));
                Some(Token::Word("and".to_owned()))
            }
            '|' => {
                self.unexpected(first, width, Some("write `or`"));
                Some(Token::Word("or".to_owned()))
            }
            ';' => {
                self.unexpected(first, 1, Some("a query is one expression; leave the semicolon out"));
                None
            }
            '$' => {
                let start = self.at;
                let rest = &self.rest()[1..];
                let is_name = |c: char| is_word_part(c) || matches!(c, '{' | '}' | '.');
                let name = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                self.at +=
                    1 + if rest.starts_with('{') { rest.find('}').map_or(name, |n| n + 1) } else { name };
                let help = "variables belong to a dashboard, which replaces them; write a value here";
                self.problem(start..self.at, "unexpected character: '$'", Some(help));
                Some(Token::Unknown)
            }
            '!' => {
                let message = match self.rest().chars().nth(1) {
                    Some(next) => format!("unexpected character after '!': {next:?}"),
                    None => "unexpected character: '!'".to_owned(),
                };
                let help = "a matcher is written = != =~ or !~; series are excluded with `unless`";
                self.problem(self.at..self.at + 1, message, Some(help));
                self.at += 1;
                Some(Token::Unknown)
            }
            '.' => {
                self.unexpected(first, 1, Some("quote a name that contains dots: {\"http.requests\"}"));
                Some(Token::Unknown)
            }
            '~' => {
                let help = "regular expressions stand in braces: up{job=~\"a.*\"}";
                self.unexpected(first, width, Some(help));
                Some(Token::Unknown)
            }
            '?' | '\\' | '\'' | '"' | '`' => {
                self.unexpected(first, first.len_utf8(), None);
                Some(Token::Unknown)
            }
            _ => {
                self.unexpected(
                    first,
                    first.len_utf8(),
                    Some("quote names that hold such characters: {\"...\"}"),
                );
                Some(Token::Unknown)
            }
        }
    }

    fn unexpected(&mut self, first: char, width: usize, help: Option<&str>) {
        let message = format!("unexpected character: {first:?}");
        self.problem(self.at..self.at + width, message, help);
        self.at += width;
    }

    /// A text between typographic quotes, up to the next quote of any kind on its line.
    fn typographic(&mut self, straight: char) -> Token {
        let start = self.at;
        let opening = self.rest().chars().next().unwrap_or(straight);
        let inner_start = start + opening.len_utf8();
        let is_closing = |c: char| match straight {
            '"' => matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201f}' | '\u{ab}' | '\u{bb}'),
            _ => matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201b}'),
        };
        let rest = &self.text[inner_start..];
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let message = format!("unexpected character: {opening:?}");
        let help = format!("write straight quotes: {straight}");
        let Some((length, closing)) = line.char_indices().find(|(_, c)| is_closing(*c)) else {
            self.problem(start..inner_start, message, Some(&help));
            self.out.lost_at.get_or_insert(start);
            self.at = inner_start + line.len();
            return Token::Text(line.to_owned());
        };
        self.at = inner_start + length + closing.len_utf8();
        self.problem(start..self.at, message, Some(&help));
        Token::Text(line[..length].to_owned())
    }
}
