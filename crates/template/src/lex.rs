//! Cuts a template into text and the words of its actions. A word that cannot be read is reported and replaced by
//! `Bad`, so that the parser can go on and find the other problems of the file.

use crate::ast::Span;
use crate::error::{PROBLEMS_MAX, Problem};
use crate::literal;
use crate::value::Value;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Text outside actions, already trimmed.
    Text(String),
    Open,
    Close,
    Space,
    Pipe,
    Comma,
    Assign,
    Declare,
    LeftParen,
    RightParen,
    Dot,
    /// `.Name`
    Field(String),
    /// `$` or `$name`
    Variable(String),
    /// A function, keyword, `true`, `false` or `nil`.
    Name(String),
    Literal(Lit),
    /// Already reported.
    Bad,
}

/// A literal; compared by its printed form, which is enough for tokens.
#[derive(Clone, Debug)]
pub(crate) struct Lit(pub(crate) Value);

impl PartialEq for Lit {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    problems: Vec<Problem>,
}

pub(crate) fn lex(text: &str) -> (Vec<Token>, Vec<Problem>) {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), problems: Vec::new() };
    let mut trim_left = false;
    while lexer.at < text.len() {
        trim_left = lexer.text_and_action(trim_left);
    }
    (lexer.tokens, lexer.problems)
}

/// Go's white space in templates.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, len: usize) {
        self.tokens.push(Token { kind, span: self.at..self.at + len });
        self.at += len;
    }

    fn fail(&mut self, len: usize, message: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem::new(self.at..self.at + len, message));
        }
        self.push(Kind::Bad, len);
    }

    /// One stretch of text and the action after it. Returns whether that action trims the text that follows.
    fn text_and_action(&mut self, trim_left: bool) -> bool {
        let rest = self.rest();
        let Some(open) = rest.find("{{") else {
            self.push_text(rest, trim_left, false);
            return false;
        };
        let after = &rest[open + 2..];
        let trims = after.starts_with('-') && after[1..].starts_with(is_space);
        self.push_text(&rest[..open], trim_left, trims);
        let skip = if trims { 2 + 2 } else { 2 };
        let inside = &rest[open + skip..];
        let trimmed = if trims { inside.trim_start_matches(is_space) } else { inside };
        if trimmed.starts_with("/*") {
            self.at += skip + (inside.len() - trimmed.len());
            return self.comment();
        }
        self.push(Kind::Open, skip);
        self.action()
    }

    fn push_text(&mut self, text: &str, trim_left: bool, trim_right: bool) {
        let mut kept = text;
        if trim_left {
            kept = kept.trim_start_matches(is_space);
        }
        if trim_right {
            kept = kept.trim_end_matches(is_space);
        }
        if !kept.is_empty() {
            self.tokens
                .push(Token { kind: Kind::Text(kept.to_owned()), span: self.at..self.at + text.len() });
        }
        self.at += text.len();
    }

    fn comment(&mut self) -> bool {
        let rest = self.rest();
        let Some(end) = rest.find("*/") else {
            self.fail(rest.len(), "this comment is never closed; write */}}");
            return false;
        };
        let after = &rest[end + 2..];
        let tight = after.trim_start_matches(is_space);
        if after.starts_with("}}") {
            self.at += end + 4;
            return false;
        }
        if after.starts_with(is_space) && tight.starts_with("-}}") {
            self.at += end + 2 + (after.len() - tight.len()) + 3;
            return true;
        }
        let len = rest.find("}}").map_or(rest.len(), |at| at + 2);
        self.fail(len.max(end + 2), "a comment must be the whole action: nothing between */ and }}");
        false
    }

    fn action(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else {
                let end = self.text.len();
                self.problems.push(Problem::new(end..end, "this action is never closed; write }}"));
                return false;
            };
            if rest.starts_with("}}") {
                self.push(Kind::Close, 2);
                return false;
            }
            if is_space(c) {
                let len = rest.len() - rest.trim_start_matches(is_space).len();
                if rest[len..].starts_with("-}}") {
                    self.push(Kind::Close, len + 3);
                    return true;
                }
                self.push(Kind::Space, len);
                continue;
            }
            self.word(c);
        }
    }

    fn word(&mut self, c: char) {
        let rest = self.rest();
        match c {
            '|' => self.push(Kind::Pipe, 1),
            ',' => self.push(Kind::Comma, 1),
            '=' => self.push(Kind::Assign, 1),
            '(' => self.push(Kind::LeftParen, 1),
            ')' => self.push(Kind::RightParen, 1),
            ':' if rest.starts_with(":=") => self.push(Kind::Declare, 2),
            ':' => self.fail(1, "':' must be followed by '=', as in {{ $x := 1 }}"),
            '"' => self.quoted(),
            '`' => self.raw(),
            '\'' => self.character(),
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.field(),
            '$' => {
                let len = 1 + word_len(&rest[1..]);
                self.push_word(Kind::Variable(rest[..len].to_owned()), len);
            }
            '+' | '-' | '.' => self.number(),
            _ if c.is_ascii_digit() => self.number(),
            _ if is_word(c) => {
                let len = word_len(rest);
                self.push_word(Kind::Name(rest[..len].to_owned()), len);
            }
            _ => self.fail(c.len_utf8(), format!("unexpected {c:?} in an action")),
        }
    }

    fn field(&mut self) {
        let rest = self.rest();
        let len = 1 + word_len(&rest[1..]);
        let kind = if len == 1 { Kind::Dot } else { Kind::Field(rest[1..len].to_owned()) };
        self.push_word(kind, len);
    }

    /// A word must end where something that can end a word stands: `$x@y` is not two words.
    fn push_word(&mut self, kind: Kind, len: usize) {
        let next = self.rest()[len..].chars().next();
        let ends = next.is_none_or(|c| is_space(c) || matches!(c, '.' | ',' | '|' | ':' | ')' | '(' | '='))
            || self.rest()[len..].starts_with("}}");
        if ends || kind == Kind::Dot {
            return self.push(kind, len);
        }
        self.at += len;
        let bad = next.unwrap_or(' ');
        self.fail(bad.len_utf8(), format!("unexpected {bad:?} after a name"));
    }

    /// The length of a quoted constant including its quotes, or `None` when its line or the text ends first.
    fn quoted_len(&self, quote: u8) -> Option<usize> {
        let bytes = self.rest().as_bytes();
        let mut at = 1;
        loop {
            match bytes.get(at)? {
                b'\\' if bytes.get(at + 1).is_some_and(|b| *b != b'\n') => at += 2,
                b'\n' | b'\\' => return None,
                b if *b == quote => return Some(at + 1),
                _ => at += 1,
            }
        }
    }

    fn unterminated(&mut self, what: &str) {
        let rest = self.rest();
        let end = [rest.find('\n'), rest.find("}}")].into_iter().flatten().min().unwrap_or(rest.len());
        self.fail(
            end,
            format!("this {what} is never closed on its line; close it, or use `...` for several lines"),
        );
    }

    fn quoted(&mut self) {
        let Some(len) = self.quoted_len(b'"') else { return self.unterminated("text") };
        match literal::unquote(&self.rest()[1..len - 1], '"') {
            Ok(text) => self.push(Kind::Literal(Lit(Value::text(text))), len),
            Err(reason) => self.fail(len, reason),
        }
    }

    fn raw(&mut self) {
        let rest = self.rest();
        match rest[1..].find('`') {
            Some(end) => {
                let text = rest[1..=end].replace('\r', "");
                self.push(Kind::Literal(Lit(Value::text(text))), end + 2);
            }
            None => self.fail(rest.len(), "this text is never closed; write ` at its end"),
        }
    }

    fn character(&mut self) {
        let Some(len) = self.quoted_len(b'\'') else { return self.unterminated("character") };
        let text = literal::unquote(&self.rest()[1..len - 1], '\'');
        match text.as_ref().map(|text| text.chars().collect::<Vec<_>>()) {
            Ok(chars) if chars.len() == 1 => {
                self.push(Kind::Literal(Lit(Value::Int(i64::from(u32::from(chars[0]))))), len);
            }
            Ok(_) => self.fail(len, "a character constant holds exactly one character; use \"...\" for text"),
            Err(reason) => {
                let reason = reason.clone();
                self.fail(len, reason);
            }
        }
    }

    fn number(&mut self) {
        let rest = self.rest();
        let len = literal::number_len(rest);
        let next = rest[len..].chars().next();
        if next.is_some_and(is_word) {
            let len = len + word_len(&rest[len..]);
            return self.fail(len, format!("{:?} is not a number", &rest[..len]));
        }
        match literal::number(&rest[..len]) {
            Ok(value) => self.push(Kind::Literal(Lit(value)), len),
            Err(reason) => self.fail(len.max(1), reason),
        }
    }
}

fn word_len(text: &str) -> usize {
    text.len() - text.trim_start_matches(is_word).len()
}
