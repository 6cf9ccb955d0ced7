//! Escaping for e-mail: what a value becomes depends on where in the page it lands.
//!
//! The state of the page is followed over the template's own text. Between tags a value is escaped as text, in an
//! attribute as an attribute; a link attribute (`href`, `src`, `action`) also refuses every scheme but http, https
//! and mailto. Values inside `<script>`, `<style>`, a comment or a tag's name are refused: no mail needs them, and
//! each would need rules of its own. A value made by `safeHtml` stands as it is between tags; one made by `safeUrl`
//! may have any scheme in a link.

use std::fmt::Write;

use crate::printf;
use crate::value::{SafeKind, Value};

/// What stands in a link whose scheme is refused.
const REFUSED_URL: &str = "#unsafe-link";

/// Where in the page the output is.
#[derive(Clone, Debug, Default, PartialEq)]
enum Place {
    #[default]
    Text,
    /// After `<`, while the tag's name is read.
    TagName,
    /// Inside a tag, between attributes.
    Tag,
    /// After an attribute's name and `=`.
    BeforeValue,
    Value {
        quote: Option<char>,
        is_empty: bool,
    },
    Comment,
    /// Inside an element whose content is not html.
    Raw,
}

/// Follows a page and escapes what is put into it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Escaper {
    place: Place,
    /// The tag being read, in lower case.
    tag: String,
    /// The attribute being read, in lower case.
    attribute: String,
    /// The last characters of a comment or raw element, to find its end.
    tail: String,
}

impl Escaper {
    /// Follows text of the template itself.
    pub(crate) fn feed(&mut self, text: &str) {
        for c in text.chars() {
            self.step(c);
        }
    }

    fn step(&mut self, c: char) {
        match self.place.clone() {
            Place::Text if c == '<' => {
                self.tag.clear();
                self.place = Place::TagName;
            }
            Place::Text => {}
            Place::TagName => self.tag_name(c),
            Place::Tag => self.in_tag(c),
            Place::BeforeValue => match c {
                '"' | '\'' => self.place = Place::Value { quote: Some(c), is_empty: true },
                '>' => self.close_tag(),
                c if c.is_whitespace() => {}
                _ => self.place = Place::Value { quote: None, is_empty: false },
            },
            Place::Value { quote: Some(quote), .. } if c == quote => self.leave_value(),
            Place::Value { quote: None, .. } if c.is_whitespace() => self.leave_value(),
            Place::Value { quote: None, .. } if c == '>' => self.close_tag(),
            Place::Value { quote, .. } => self.place = Place::Value { quote, is_empty: false },
            Place::Comment => self.until(c, "-->"),
            Place::Raw => {
                let end = format!("</{}>", self.tag.trim_start_matches('/'));
                self.until(c, &end);
            }
        }
    }

    fn tag_name(&mut self, c: char) {
        match c {
            '>' => self.close_tag(),
            c if c.is_whitespace() && self.tag.is_empty() => self.place = Place::Text,
            c if c.is_whitespace() => {
                self.attribute.clear();
                self.place = Place::Tag;
            }
            c => self.tag.extend(c.to_lowercase()),
        }
        if self.tag == "!--" {
            self.tail.clear();
            self.place = Place::Comment;
        }
    }

    fn in_tag(&mut self, c: char) {
        match c {
            '>' => self.close_tag(),
            '=' => self.place = Place::BeforeValue,
            '/' => {}
            c if c.is_whitespace() => self.attribute.clear(),
            c => self.attribute.extend(c.to_lowercase()),
        }
    }

    fn leave_value(&mut self) {
        self.attribute.clear();
        self.place = Place::Tag;
    }

    fn close_tag(&mut self) {
        self.attribute.clear();
        self.tail.clear();
        let is_raw = matches!(self.tag.as_str(), "script" | "style");
        self.place = if is_raw { Place::Raw } else { Place::Text };
    }

    fn until(&mut self, c: char, end: &str) {
        self.tail.extend(c.to_lowercase());
        if self.tail.ends_with(end) {
            self.place = Place::Text;
            self.tail.clear();
        } else if self.tail.len() > 64 {
            self.tail = self.tail.chars().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect();
        }
    }

    /// The text that may stand for a value here.
    pub(crate) fn escape(&mut self, value: &Value) -> Result<String, String> {
        let text = match value {
            Value::Missing | Value::Nil => String::new(),
            _ => printf::show(value),
        };
        match self.place.clone() {
            Place::Text => match value {
                Value::Safe(SafeKind::Html, _) => {
                    self.feed(&text);
                    Ok(text)
                }
                _ => Ok(escape_html(&text)),
            },
            Place::BeforeValue => {
                self.place = Place::Value { quote: None, is_empty: false };
                Ok(self.attribute_value(value, &text, true, true))
            }
            Place::Value { quote, is_empty } => {
                self.place = Place::Value { quote, is_empty: false };
                Ok(self.attribute_value(value, &text, quote.is_none(), is_empty))
            }
            Place::Tag | Place::TagName => {
                Err("a value cannot be part of a tag; put it into a quoted attribute".to_owned())
            }
            Place::Comment => Ok(String::new()),
            Place::Raw => Err(format!("a value cannot stand inside <{}>", self.tag)),
        }
    }

    fn attribute_value(&self, value: &Value, text: &str, is_unquoted: bool, is_start: bool) -> String {
        let is_link =
            matches!(self.attribute.as_str(), "href" | "src" | "action" | "formaction" | "background");
        let trusted = matches!(value, Value::Safe(SafeKind::Url, _));
        let text = if is_link && is_start && !trusted && !has_safe_scheme(text) { REFUSED_URL } else { text };
        // Event handlers are scripts: nothing a value holds may become one.
        let text = if self.attribute.starts_with("on") { "" } else { text };
        let escaped = escape_html(text);
        match is_unquoted {
            true => escaped
                .replace(' ', "&#32;")
                .replace('\t', "&#9;")
                .replace('\n', "&#10;")
                .replace('=', "&#61;")
                .replace('`', "&#96;"),
            false => escaped,
        }
    }
}

fn has_safe_scheme(url: &str) -> bool {
    match url.split_once(':') {
        Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => {
            ["http", "https", "mailto"].iter().any(|safe| scheme.eq_ignore_ascii_case(safe))
        }
        _ => true,
    }
}

/// Go's `html`.
pub(crate) fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Go's `js`.
pub(crate) fn escape_js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '\'' | '"' => out.extend(['\\', c]),
            '<' | '>' | '&' | '=' => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c if c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Go's `urlquery`: a space becomes `+`.
pub(crate) fn escape_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Undoes `%41` (and `+`): Go's `url.QueryUnescape`.
pub(crate) fn unescape_query(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                let code = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                out.push(code.ok_or_else(|| format!("{text:?} has a % that is not followed by two digits"))?);
                at += 3;
            }
            b'+' => {
                out.push(b' ');
                at += 1;
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}
