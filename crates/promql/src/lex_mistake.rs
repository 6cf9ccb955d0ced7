//! Characters that have no meaning in a query, and what was probably meant by them: `&&`, typographic quotes, the
//! variables of dashboards, names from other languages.

use crate::lex::{Lexer, Token, is_word_part};

/// Reads a character that looks like one of the language's own as that one. The outer result is whether it does, the
/// inner one the token, if there is any.
pub(crate) fn look_alike(lexer: &mut Lexer<'_>, first: char) -> Option<Option<Token>> {
    let (sign, written) = match first {
        '\u{2212}' | '\u{2010}'..='\u{2015}' => ("-", "-"),
        '\u{d7}' | '\u{22c5}' | '\u{b7}' => ("*", "*"),
        '\u{f7}' => ("/", "/"),
        '\u{2264}' => ("<=", "<="),
        '\u{2265}' => (">=", ">="),
        '\u{2260}' => ("!=", "!="),
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => {
            return Some(Some(typographic(lexer, '"')));
        }
        '\u{2018}' | '\u{2019}' | '\u{201a}' => return Some(Some(typographic(lexer, '\''))),
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}' => {
            let help = Some("it looks like a blank; write a plain one");
            unexpected(lexer, first, first.len_utf8(), help);
            return Some(None);
        }
        _ => return None,
    };
    let help = format!("write {written}");
    unexpected(lexer, first, first.len_utf8(), Some(&help));
    Some(Some(Token::Sign(sign)))
}

/// Reads a character that has no place in the language at all.
pub(crate) fn misplaced(lexer: &mut Lexer<'_>, first: char) -> Option<Token> {
    let is_double = lexer.rest()[first.len_utf8()..].starts_with(first);
    let width = if is_double { 2 * first.len_utf8() } else { first.len_utf8() };
    match first {
        '&' => {
            unexpected(lexer, first, width, Some("write `and`"));
            Some(Token::Word("and".to_owned()))
        }
        '|' => {
            unexpected(lexer, first, width, Some("write `or`"));
            Some(Token::Word("or".to_owned()))
        }
        ';' => {
            unexpected(lexer, first, 1, Some("a query is one expression; leave the semicolon out"));
            None
        }
        '$' => {
            let start = lexer.at;
            let rest = &lexer.rest()[1..];
            let is_name = |c: char| is_word_part(c) || matches!(c, '{' | '}' | '.');
            let name = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            lexer.at += 1 + if rest.starts_with('{') { rest.find('}').map_or(name, |n| n + 1) } else { name };
            let help = "variables belong to a dashboard, which replaces them; write a value here";
            lexer.problem(start..lexer.at, "unexpected character: '$'", Some(help));
            Some(Token::Unknown)
        }
        '!' => {
            let message = match lexer.rest().chars().nth(1) {
                Some(next) => format!("unexpected character after '!': {next:?}"),
                None => "unexpected character: '!'".to_owned(),
            };
            let help = "a matcher is written = != =~ or !~; series are excluded with `unless`";
            lexer.problem(lexer.at..lexer.at + 1, message, Some(help));
            lexer.at += 1;
            Some(Token::Unknown)
        }
        '.' => {
            unexpected(lexer, first, 1, Some("quote a name that contains dots: {\"http.requests\"}"));
            Some(Token::Unknown)
        }
        '~' => {
            let help = "regular expressions stand in braces: up{job=~\"a.*\"}";
            unexpected(lexer, first, width, Some(help));
            Some(Token::Unknown)
        }
        '?' | '\\' | '\'' | '"' | '`' => {
            unexpected(lexer, first, first.len_utf8(), None);
            Some(Token::Unknown)
        }
        _ => {
            unexpected(
                lexer,
                first,
                first.len_utf8(),
                Some("quote names that hold such characters: {\"...\"}"),
            );
            Some(Token::Unknown)
        }
    }
}

fn unexpected(lexer: &mut Lexer<'_>, first: char, width: usize, help: Option<&str>) {
    let message = format!("unexpected character: {first:?}");
    lexer.problem(lexer.at..lexer.at + width, message, help);
    lexer.at += width;
}

/// A text between typographic quotes, up to the next quote of any kind on its line.
fn typographic(lexer: &mut Lexer<'_>, straight: char) -> Token {
    let start = lexer.at;
    let opening = lexer.rest().chars().next().unwrap_or(straight);
    let inner_start = start + opening.len_utf8();
    let is_closing = |c: char| match straight {
        '"' => matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201f}' | '\u{ab}' | '\u{bb}'),
        _ => matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201b}'),
    };
    let rest = &lexer.text[inner_start..];
    let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
    let message = format!("unexpected character: {opening:?}");
    let help = format!("write straight quotes: {straight}");
    let Some((length, closing)) = line.char_indices().find(|(_, c)| is_closing(*c)) else {
        lexer.problem(start..inner_start, message, Some(&help));
        lexer.out.lost_at.get_or_insert(start);
        lexer.at = inner_start + line.len();
        return Token::Text(line.to_owned());
    };
    lexer.at = inner_start + length + closing.len_utf8();
    lexer.problem(start..lexer.at, message, Some(&help));
    Token::Text(line[..length].to_owned())
}
