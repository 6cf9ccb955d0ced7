//! Where text came from: files by number, and byte ranges in them that turn into the lines and columns people read.
//!
//! A span is three numbers and a file is named once, so that every value of a large rule file can keep its place.

use crate::{Diagnostic, Diagnostics};

/// A file of a [`Sources`], by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Its first byte.
    pub start: u32,
    /// The byte after its last; equal to `start` for a place between two characters.
    pub end: u32,
}

impl Span {
    /// From a file and a range of bytes.
    pub fn new(file: FileId, range: std::ops::Range<usize>) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { file, start: clamp(range.start), end: clamp(range.end) }
    }

    /// The range as indices into the file's text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The smallest span that holds both; of two files, the first one's.
    pub fn to(self, other: Self) -> Self {
        if self.file != other.file {
            return self;
        }
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A place as people count it, from one; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// One file's name and text.
#[derive(Clone, Debug)]
struct Source {
    name: String,
    text: String,
    /// Invariant: byte offsets of the starts of all lines, ascending, the first is 0.
    line_starts: Vec<u32>,
    /// Where it begins, if it is a part of another file. Invariant: that file was added before and is no part itself.
    part_of: Option<(FileId, u32)>,
}

/// All texts that were read. Unknown file numbers and ranges beyond a text are answered with the nearest thing
/// that exists, because an error message must never be the thing that fails.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// No files yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file (or any named text) and gives its number.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        self.add_source(name.into(), text.into(), None)
    }

    /// Adds a piece of a file, such as a block of YAML in a document, as a file that can be read by itself: its spans
    /// are positions in the whole file.
    pub fn add_part(&mut self, whole: FileId, range: std::ops::Range<usize>) -> FileId {
        let place = self.whole(Span::new(whole, range));
        let text = self.slice(place).to_owned();
        self.add_source(self.name(place.file).to_owned(), text, Some((place.file, place.start)))
    }

    fn add_source(&mut self, name: String, text: String, part_of: Option<(FileId, u32)>) -> FileId {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(breaks.map(|(index, _)| index as u32 + 1)).collect();
        self.files.push(Source { name, text, line_starts, part_of });
        FileId(self.files.len() as u32 - 1)
    }

    /// Adds a file from bytes. Bytes that are not UTF-8 are reported and replaced; the file is then not worth
    /// reading further, so check [`Diagnostics::has_errors`] first.
    pub fn add_bytes(&mut self, name: impl Into<String>, bytes: Vec<u8>, out: &mut Diagnostics) -> FileId {
        let error = match String::from_utf8(bytes) {
            Ok(text) => return self.add(name, text),
            Err(error) => error,
        };
        let valid = error.utf8_error().valid_up_to();
        let bad = error.as_bytes().get(valid).copied().unwrap_or_default();
        // Everything before the bad byte is kept as it is, so the place stays right in the replaced text.
        let file = self.add(name, String::from_utf8_lossy(error.as_bytes()).into_owned());
        let span = Span::new(file, valid..valid + '\u{fffd}'.len_utf8());
        out.push(
            Diagnostic::error("not-utf8", span, format!("byte 0x{bad:02x} is not valid UTF-8"))
                .with_help("save the file as UTF-8"),
        );
        file
    }

    /// All file numbers, in the order they were added.
    pub fn files(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..self.files.len() as u32).map(FileId)
    }

    fn source(&self, file: FileId) -> Option<&Source> {
        self.files.get(file.0 as usize)
    }

    /// A file's name as it was added.
    pub fn name(&self, file: FileId) -> &str {
        self.source(file).map_or("<unknown>", |source| &source.name)
    }

    /// A file's whole text.
    pub fn text(&self, file: FileId) -> &str {
        self.source(file).map_or("", |source| &source.text)
    }

    /// The same place in the file that a person knows: that of a part is one of the file it belongs to.
    pub fn whole(&self, span: Span) -> Span {
        match self.source(span.file).and_then(|source| source.part_of) {
            Some((file, begins)) => Span { file, start: span.start + begins, end: span.end + begins },
            None => span,
        }
    }

    /// The text a span covers, cut to the file and to whole characters.
    pub fn slice(&self, span: Span) -> &str {
        let text = self.text(span.file);
        let (start, end) = (floor_char(text, span.start), floor_char(text, span.end));
        &text[start.min(end)..end]
    }

    /// Line and column of a span's start.
    pub fn position(&self, span: Span) -> Position {
        let span = self.whole(span);
        let Some(source) = self.source(span.file) else { return Position { line: 1, column: 1 } };
        let start = floor_char(&source.text, span.start);
        let line = source.line_starts.partition_point(|line_start| *line_start as usize <= start) - 1;
        let before = &source.text[source.line_starts[line] as usize..start];
        let column = before.trim_start_matches('\u{feff}').chars().count();
        Position { line: line as u32 + 1, column: column as u32 + 1 }
    }

    /// A line's text without its line break, and the offset of its first byte. Lines count from 1.
    pub fn line(&self, file: FileId, line: u32) -> (&str, u32) {
        let Some(source) = self.source(file) else { return ("", 0) };
        let index = (line.max(1) as usize - 1).min(source.line_starts.len() - 1);
        let start = source.line_starts[index];
        let text = &source.text[start as usize..];
        let end = text.find('\n').unwrap_or(text.len());
        (text[..end].trim_end_matches('\r'), start)
    }
}

/// The nearest character boundary at or before an offset.
fn floor_char(text: &str, offset: u32) -> usize {
    text.floor_char_boundary((offset as usize).min(text.len()))
}
