//! Regular expressions as Prometheus and Alertmanager read them: the dialect of Go (RE2), told to a library that speaks
//! a slightly different one. Where both accept a text and mean different things, Go's meaning holds.
//!
//! Differences settled here: `\d \s \w \b` are about ASCII, `\Q…\E` quotes, `\07` is octal, `\<` is a character, a brace
//! that begins no repetition is a character, and in classes `[`, `&&`, `--` and `~~` are characters.
//! Syntax: <https://github.com/google/re2/wiki/Syntax>.

/// A pattern in the library's dialect that means what the given one means in Go's, with all of its parentheses
/// balanced; or what is wrong with it. Patterns that are wrong in both dialects may be handed on as they are.
pub fn from_go(pattern: &str) -> Result<String, &'static str> {
    let mut translator =
        Translator { rest: pattern, out: String::with_capacity(pattern.len() + 8), depth: 0 };
    translator.pattern()?;
    if translator.depth > 0 { Err("unclosed group") } else { Ok(translator.out) }
}

/// What may stand in `[[:…:]]`.
const CLASS_NAMES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

struct Translator<'a> {
    rest: &'a str,
    out: String,
    depth: usize,
}

impl<'a> Translator<'a> {
    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn take_if(&mut self, wanted: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(wanted) else { return false };
        self.rest = rest;
        true
    }

    fn pattern(&mut self) -> Result<(), &'static str> {
        while let Some(c) = self.take() {
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.open()?,
                ')' => {
                    self.depth = self.depth.checked_sub(1).ok_or("unopened group")?;
                    self.out.push(')');
                }
                '{' => self.brace(),
                '}' => self.out.push_str("\\}"),
                other => self.out.push(other),
            }
        }
        Ok(())
    }

    /// A brace begins a repetition, or is a character.
    fn brace(&mut self) {
        match repetition_length(self.rest) {
            None => self.out.push_str("\\{"),
            Some(length) => {
                self.out.push('{');
                self.out.push_str(&self.rest[..length]);
                self.rest = &self.rest[length..];
            }
        }
    }

    fn open(&mut self) -> Result<(), &'static str> {
        self.depth += 1;
        self.out.push('(');
        let is_named = ["?P<", "?<"].iter().any(|start| self.rest.starts_with(start));
        if !self.rest.starts_with('?') || is_named {
            return Ok(());
        }
        let flags = self.rest.split([':', ')']).next().unwrap_or_default();
        if flags.chars().any(|flag| !matches!(flag, '?' | 'i' | 'm' | 's' | 'U' | '-')) {
            return Err(
                "unrecognized flag; there are i, m, s and U, and neither look-around nor back references",
            );
        }
        self.out.push_str(flags);
        self.rest = &self.rest[flags.len()..];
        Ok(())
    }

    fn class(&mut self) -> Result<(), &'static str> {
        self.out.push('[');
        if self.take_if("^") {
            self.out.push('^');
        }
        let mut is_first = true;
        while is_first || !self.rest.starts_with(']') {
            is_first = false;
            if self.take_named_class()? {
                continue;
            }
            let from = self.out.len();
            let is_character = self.class_member()?;
            // A hyphen before the closing bracket is a character, as is one after `\d`.
            let begins_range = is_character && self.rest.starts_with('-') && !self.rest.starts_with("-]");
            if begins_range && self.take_if("-") {
                self.out.push('-');
                let is_character = self.class_member()?;
                if !is_character {
                    self.out.truncate(from);
                    return Err("a range in a character class ends in a class");
                }
            }
        }
        self.take();
        self.out.push(']');
        Ok(())
    }

    /// `[:alpha:]` inside a class.
    fn take_named_class(&mut self) -> Result<bool, &'static str> {
        let inside = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]"));
        let Some((name, rest)) = inside else { return Ok(false) };
        if !CLASS_NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err("unknown name of a character class");
        }
        self.out.push_str(&format!("[:{name}:]"));
        self.rest = rest;
        Ok(true)
    }

    /// One character of a class, or an escape; says whether it is a single character.
    fn class_member(&mut self) -> Result<bool, &'static str> {
        let c = self.take().ok_or("unclosed character class")?;
        if c == '\\' {
            let is_set = self.rest.starts_with(['d', 'D', 's', 'S', 'w', 'W', 'p', 'P']);
            self.escape(true)?;
            return Ok(!is_set);
        }
        if c.is_ascii_punctuation() {
            self.by_number(c)
        } else {
            self.out.push(c)
        }
        Ok(true)
    }

    /// A character by its number: the library gives some of them a meaning of their own.
    fn by_number(&mut self, c: char) {
        self.out.push_str(&format!("\\x{:02X}", u32::from(c)));
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), &'static str> {
        let Some(c) = self.take() else { return Err("trailing backslash") };
        match c {
            'd' | 's' | 'w' | 'D' | 'S' | 'W' => self.perl_class(c, in_class),
            'b' if !in_class => self.out.push_str("(?-u:\\b)"),
            // The library knows only that of all letters, lest it match between the bytes of one character.
            'B' if !in_class => self.out.push_str("\\B"),
            'Q' if !in_class => {
                let end = self.rest.find("\\E");
                self.out.push_str(&regex::escape(&self.rest[..end.unwrap_or(self.rest.len())]));
                self.rest = end.map_or("", |end| &self.rest[end + 2..]);
            }
            '0'..='7' => return self.octal(c),
            'A' | 'z' if !in_class => self.out.extend(['\\', c]),
            'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'x' | 'p' | 'P' => {
                self.out.extend(['\\', c]);
                self.braced();
            }
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => self.by_number(other),
            _ => return Err("unrecognized escape sequence"),
        }
        Ok(())
    }

    /// The braces of `\x{41}` and `\p{Greek}`, which are no repetition.
    fn braced(&mut self) {
        if let Some(end) = self.rest.strip_prefix('{').and_then(|rest| rest.find('}')) {
            self.out.push_str(&self.rest[..end + 2]);
            self.rest = &self.rest[end + 2..];
        }
    }

    fn perl_class(&mut self, letter: char, in_class: bool) {
        let members = match letter.to_ascii_lowercase() {
            'd' => "0-9",
            's' => "\\t\\n\\x0C\\r ",
            _ => "0-9A-Za-z_",
        };
        let inner = if letter.is_ascii_uppercase() { "[^" } else { "[" };
        if in_class && letter.is_ascii_lowercase() {
            self.out.push_str(members);
        } else {
            self.out.push_str(&format!("{inner}{members}]"));
        }
    }

    /// `\0`, `\07` and `\012` are octal; `\1` alone would be a back reference, which there is none of.
    fn octal(&mut self, first: char) -> Result<(), &'static str> {
        let more = self.rest.bytes().take(2).take_while(|b| matches!(b, b'0'..=b'7')).count();
        if first != '0' && more == 0 {
            return Err("there are no back references");
        }
        let digits = format!("{first}{}", &self.rest[..more]);
        self.rest = &self.rest[more..];
        let number = u32::from_str_radix(&digits, 8).map_err(|_| "unrecognized escape sequence")?;
        self.out.push_str(&format!("\\x{{{number:X}}}"));
        Ok(())
    }
}

/// The length of `2}`, `2,}` or `2,5}` at the start of a text.
fn repetition_length(rest: &str) -> Option<usize> {
    let end = rest.find('}')?;
    let (least, most) = rest[..end].split_once(',').unwrap_or((&rest[..end], ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (!least.is_empty() && is_number(least) && is_number(most)).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::from_go;

    /// Patterns, texts, and what Go says: whether the whole text matches, or nothing where the pattern is refused.
    const AS_IN_GO: &[(&str, &str, Option<bool>)] = &[
        ("\\d+", "٣", Some(false)),
        ("\\d+", "3", Some(true)),
        ("\\w", "é", Some(false)),
        ("\\Qa.b\\E", "a.b", Some(true)),
        ("\\Qa.b\\E", "axb", Some(false)),
        ("a{", "a{", Some(true)),
        ("a{,3}", "aa", Some(false)),
        ("a{,3}", "a{,3}", Some(true)),
        ("a{2}", "aa", Some(true)),
        ("a{2,3}", "aaa", Some(true)),
        ("[[]", "[", Some(true)),
        ("[a&&b]", "&", Some(true)),
        ("[a&&b]", "a", Some(true)),
        ("[a--]", "-", None),
        ("[a--z]", "q", None),
        ("[~~a]", "~", Some(true)),
        ("\\<a\\>", "<a>", Some(true)),
        ("\\101", "A", Some(true)),
        ("\\1", "1", None),
        ("\\08", "\08", Some(true)),
        ("[\\d]", "5", Some(true)),
        ("[\\D]", "x", Some(true)),
        ("[^\\d]", "x", Some(true)),
        ("[^\\D]", "5", Some(true)),
        ("[]a]", "]", Some(true)),
        ("[^]a]", "b", Some(true)),
        ("(?x)a", "a", None),
        ("(?i)ABC", "abc", Some(true)),
        ("(?U)a+", "aa", Some(true)),
        ("a)(b", "ab", None),
        ("(?P<n>a)", "a", Some(true)),
        ("(?<n>a)", "a", Some(true)),
        ("\\pN", "5", Some(true)),
        ("\\p{Greek}", "α", Some(true)),
        ("[[:alpha:]]", "x", Some(true)),
        ("[[:foo:]]", "x", None),
        ("[[:alpha]", "a", Some(true)),
        ("\\_", "_", Some(true)),
        ("\\e", "e", None),
        ("\\-", "-", Some(true)),
        ("\\x41", "A", Some(true)),
        ("\\x{41}", "A", Some(true)),
        ("}", "}", Some(true)),
        ("{", "{", Some(true)),
        ("a}", "a}", Some(true)),
        ("x{1}{", "x{", Some(true)),
        ("\\ba\\b", "a", Some(true)),
        (".*\\bé", "aé", Some(true)),
        ("a|b", "b", Some(true)),
        ("", "", Some(true)),
        (".", "\n", Some(true)),
        ("[a-c-e]", "-", Some(true)),
        ("[a-\\d]", "a", None),
        ("[\\w-]", "-", Some(true)),
        ("[-a]", "-", Some(true)),
        ("[a^]", "^", Some(true)),
        ("[\\]]", "]", Some(true)),
        ("(?=a)", "a", None),
        ("\\z", "", Some(true)),
        ("\\Z", "", None),
        ("[\\b]", "b", None),
        ("é{2}", "éé", Some(true)),
        ("(?i)k", "K", Some(true)),
        ("\\B", "", Some(true)),
        ("a\\Bb", "ab", Some(true)),
        ("(?s-i:a.b)", "a\nb", Some(true)),
        ("[+--]", ",", Some(true)),
        ("[!--]", "-", Some(true)),
        ("\\/", "/", Some(true)),
        ("\\\"", "\"", Some(true)),
        ("\\ ", " ", Some(true)),
    ];

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, text, expected) in AS_IN_GO {
            let regex = from_go(pattern).ok().and_then(|p| regex::Regex::new(&format!("^(?s:{p})$")).ok());
            let got = regex.map(|regex| regex.is_match(text));
            assert_eq!(got, *expected, "{pattern:?} on {text:?}: {:?}", from_go(pattern));
        }
    }
}
