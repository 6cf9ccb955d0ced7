//! Commands of a shell, as far as it takes to see what a person who pastes them sends: words with their quotes, pipes,
//! redirections, here-documents. Nothing is run or expanded, but for variables that the same text sets to plain words.

use std::collections::BTreeMap;
use std::ops::Range;

use bellwether_diag::{FileId, Span};

use super::SectionId;

/// A block of commands.
#[derive(Clone, Debug)]
pub struct Script {
    /// The file or part.
    pub file: FileId,
    /// The language it is said to be in: `sh`, `bash`.
    pub language: String,
    /// Its commands, those of substitutions too, in the order in which they end.
    pub commands: Vec<Command>,
    /// Texts given to commands.
    pub here_documents: Vec<HereDocument>,
    /// Backslashes at the end of a line.
    pub continuations: Vec<Range<usize>>,
    /// Variables that it sets to plain words.
    pub variables: BTreeMap<String, String>,
    /// The section of the document it stands in.
    pub section: Option<SectionId>,
}

/// One command.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// Its words, assignments before it included.
    pub words: Vec<Word>,
    /// What files and addresses in angle brackets it reads and writes.
    pub redirections: Vec<Word>,
    /// Whether it reads what the command before it writes.
    pub reads_pipe: bool,
    /// What ends it, and where: `&` glued to a word is seldom meant.
    pub end: Option<(char, usize)>,
}

/// A word of a command.
#[derive(Clone, Debug)]
pub struct Word {
    /// What the command is given, quotes removed, variables as written.
    pub text: String,
    /// As it is written.
    pub raw: String,
    /// Where, in the text of the script.
    pub place: Range<usize>,
}

/// Text that is given to a command.
#[derive(Clone, Debug)]
pub struct HereDocument {
    /// Its lines.
    pub text: String,
    /// Where they stand.
    pub place: Range<usize>,
    /// Whether variables in it are replaced.
    pub expands: bool,
}

impl Script {
    /// Reads commands.
    pub(crate) fn read(text: &str, file: FileId, language: &str, section: Option<SectionId>) -> Self {
        let mut reader = Reader {
            text,
            at: 0,
            depth: 0,
            waiting: Vec::new(),
            script: Self::empty(file, language, section),
        };
        reader.commands(false);
        let mut script = reader.script;
        for word in script.commands.iter().flat_map(|command| &command.words) {
            if let Some((name, value)) = word.text.split_once('=')
                && is_name(name)
                && !value.is_empty()
                && !value.contains(['$', '`', '<'])
            {
                script.variables.insert(name.to_owned(), value.to_owned());
            }
        }
        script
    }

    fn empty(file: FileId, language: &str, section: Option<SectionId>) -> Self {
        Self {
            file,
            language: language.to_owned(),
            commands: Vec::new(),
            here_documents: Vec::new(),
            continuations: Vec::new(),
            variables: BTreeMap::new(),
            section,
        }
    }

    /// A place in it as a span.
    pub fn span(&self, place: Range<usize>) -> Span {
        Span::new(self.file, place)
    }
}

impl Command {
    /// The command's name, without assignments before it.
    pub fn name(&self) -> Option<&Word> {
        self.words.iter().find(|word| !is_assignment(&word.text))
    }

    /// What is given to it.
    pub fn arguments(&self) -> impl Iterator<Item = &Word> {
        let name = self.name().map_or(usize::MAX, |name| name.place.start);
        self.words.iter().filter(move |word| word.place.start > name)
    }

    /// Whether it is a certain command.
    pub fn is(&self, name: &str) -> bool {
        self.name().is_some_and(|word| word.text == name)
    }

    /// The values of an option: `-H x`, `--header x`, `--header=x`.
    pub fn values(&self, options: &[&str]) -> Vec<&Word> {
        let words: Vec<&Word> = self.arguments().collect();
        let after =
            words.windows(2).filter(|pair| options.contains(&pair[0].text.as_str())).map(|pair| pair[1]);
        let glued = words.iter().copied().filter(|word| {
            let long = word.text.split_once('=').map(|(option, _)| option);
            long.is_some_and(|option| option.starts_with("--") && options.contains(&option))
        });
        after.chain(glued).collect()
    }

    /// Whether an option without a value is given.
    pub fn has(&self, options: &[&str]) -> bool {
        self.arguments().any(|word| options.contains(&word.text.as_str()))
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// Substitutions within substitutions, at most.
const DEPTH_MAX: usize = 20;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Here-documents that begin on the next line: their tags, and whether they expand.
    waiting: Vec<(String, bool)>,
    script: Script,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads commands up to the end, or to the bracket that ends a substitution.
    fn commands(&mut self, is_nested: bool) {
        let mut command = Command::default();
        while let Some(c) = self.next() {
            let start = self.at;
            match c {
                '\n' => {
                    self.at += 1;
                    self.end(&mut command, c, start);
                    self.here_documents();
                }
                ')' if is_nested => break,
                '\\' if self.rest().starts_with("\\\n") => {
                    self.script.continuations.push(start..start + 1);
                    self.at += 2;
                }
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                ';' | '&' | '|' => {
                    let doubled = self.rest()[1..].starts_with(c);
                    let follows_redirection = c == '&' && self.text[..start].ends_with(['>', '<']);
                    self.at += if doubled { 2 } else { 1 };
                    if follows_redirection {
                        continue;
                    }
                    self.end(&mut command, if doubled { ';' } else { c }, start);
                    command.reads_pipe = c == '|' && !doubled;
                }
                '<' | '>' => self.redirection(&mut command),
                '(' | ')' => self.at += 1,
                c if c.is_whitespace() => self.at += c.len_utf8(),
                _ => {
                    let word = self.word();
                    command.words.push(word);
                }
            }
        }
        self.end(&mut command, '\n', self.at);
    }

    fn end(&mut self, command: &mut Command, with: char, at: usize) {
        let mut done = std::mem::take(command);
        if !done.words.is_empty() || !done.redirections.is_empty() {
            done.end = Some((with, at));
            self.script.commands.push(done);
        }
    }

    fn redirection(&mut self, command: &mut Command) {
        let rest = self.rest();
        if rest.starts_with("<<") && !rest.starts_with("<<<") {
            self.at += 2;
            if self.next() == Some('-') {
                self.at += 1;
            }
            while self.next().is_some_and(|c| c == ' ') {
                self.at += 1;
            }
            let tag = self.word();
            self.waiting.push((tag.text, !tag.raw.contains(['\'', '"', '\\'])));
            return;
        }
        if rest.starts_with("<(") || rest.starts_with(">(") {
            self.at += 2;
            self.nested();
            return;
        }
        let start = self.at;
        while self.next().is_some_and(|c| matches!(c, '<' | '>')) {
            self.at += 1;
        }
        while self.next().is_some_and(|c| c == ' ') {
            self.at += 1;
        }
        if self
            .next()
            .is_none_or(|c| c.is_whitespace() || matches!(c, '&' | '<' | '>' | ';' | '|' | ')' | '#'))
        {
            return;
        }
        let mut target = self.word();
        target.place.start = start;
        command.redirections.push(target);
    }

    fn nested(&mut self) {
        if self.depth < DEPTH_MAX {
            self.depth += 1;
            self.commands(true);
            self.depth -= 1;
        }
        if self.next() == Some(')') {
            self.at += 1;
        }
    }

    fn word(&mut self) -> Word {
        let start = self.at;
        let mut text = String::new();
        while let Some(c) = self.next() {
            match c {
                '\'' => {
                    self.at += 1;
                    let len = self.rest().find('\'').unwrap_or(self.rest().len());
                    text.push_str(&self.rest()[..len]);
                    self.at = (self.at + len + 1).min(self.text.len());
                }
                '"' => self.double_quoted(&mut text),
                '`' => {
                    let len = self.rest()[1..].find('`').map_or(self.rest().len(), |len| len + 2);
                    text.push_str(&self.rest()[..len]);
                    self.at += len;
                }
                '$' => self.dollar(&mut text),
                '\\' if self.rest().starts_with("\\\n") => {
                    self.script.continuations.push(self.at..self.at + 1);
                    self.at += 2;
                }
                '\\' => {
                    self.at += 1;
                    if let Some(escaped) = self.next() {
                        text.push(escaped);
                        self.at += escaped.len_utf8();
                    }
                }
                c if c.is_whitespace() || matches!(c, ';' | '&' | '|' | '<' | '>' | '(' | ')') => break,
                c => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        // Nothing is read twice: what begins no word is a word by itself.
        if self.at == start {
            self.at += self.next().map_or(0, char::len_utf8);
        }
        Word { text, raw: self.text[start..self.at].to_owned(), place: start..self.at }
    }

    fn double_quoted(&mut self, text: &mut String) {
        self.at += 1;
        while let Some(c) = self.next() {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' if self.rest()[1..].starts_with(['"', '\\', '$', '`']) => {
                    text.push_str(&self.rest()[1..2]);
                    self.at += 2;
                }
                '$' => self.dollar(text),
                c => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    /// A variable or a substitution; both stay in the text as they are written.
    fn dollar(&mut self, text: &mut String) {
        let start = self.at;
        self.at += 1;
        match self.next() {
            Some('(') => {
                self.at += 1;
                self.nested();
            }
            Some('{') => self.at += self.rest().find('}').map_or(1, |len| len + 1),
            _ => {}
        }
        text.push_str(&self.text[start..self.at]);
    }

    /// Reads the here-documents that the line before has announced.
    fn here_documents(&mut self) {
        for (tag, expands) in std::mem::take(&mut self.waiting) {
            let start = self.at;
            let mut end = self.text.len();
            let mut at = start;
            for line in self.text[start..].split_inclusive('\n') {
                at += line.len();
                if line.trim() == tag {
                    end = at - line.len();
                    break;
                }
            }
            let text = self.text[start..end].to_owned();
            self.script.here_documents.push(HereDocument { text, place: start..end, expands });
            self.at = at;
        }
    }
}
