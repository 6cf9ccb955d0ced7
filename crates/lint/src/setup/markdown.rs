//! Documents taken apart: sections, lines of prose, tables, code in the line and fenced blocks, each with its place.
//!
//! No full reader of Markdown: what matters here is where code begins and ends, also in documents that nest a fence in a
//! fence or forget to close one. A fence ends at the first bare fence of at least its length; a block of Markdown is read
//! as Markdown in turn.

use std::ops::Range;

use bellwether_diag::{FileId, Sources, Span};

/// A document.
#[derive(Clone, Debug, Default)]
pub struct Markdown {
    /// The file or part.
    pub file: FileId,
    /// Its sections; the first is what stands before any heading.
    pub sections: Vec<Section>,
    /// Lines outside of fences, those of tables too, without blank ones.
    pub prose: Vec<Prose>,
    /// Code in the line.
    pub inline: Vec<Inline>,
    /// Fenced blocks.
    pub blocks: Vec<Block>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Fences that do not end where they seem to.
    pub broken_fences: Vec<BrokenFence>,
}

/// A fence that does not end where its author thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenFence {
    /// What is wrong with it.
    pub kind: BrokenFenceKind,
    /// Where it begins.
    pub span: Span,
    /// The line that shows it.
    pub shown_by: Span,
}

/// What is wrong with a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenFenceKind {
    /// The end of a fence inside ends it.
    EndsEarly,
    /// Another begins before it ends.
    NotClosed,
    /// It never ends.
    NeverEnds,
    /// Its text is outside of the list item it begins in.
    LeavesItem,
}

/// What stands below a heading, up to the next one of any level.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The heading's text; empty before the first.
    pub title: String,
    /// Its level; 0 before the first.
    pub level: usize,
    /// The heading's place.
    pub span: Span,
}

/// A line outside of fences.
#[derive(Clone, Debug)]
pub struct Prose {
    /// Its text, without indentation.
    pub text: String,
    /// Where that stands.
    pub span: Span,
    /// Index of its section.
    pub section: usize,
}

/// Code between backticks.
#[derive(Clone, Debug)]
pub struct Inline {
    /// The code.
    pub text: String,
    /// Where that stands.
    pub span: Span,
    /// Index of its section.
    pub section: usize,
}

/// A fenced block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its language as written, in lower case: `yaml`.
    pub language: String,
    /// Its contents as a file by themselves.
    pub file: FileId,
    /// Where the contents stand.
    pub span: Span,
    /// Index of its section.
    pub section: usize,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// The cells of the first row.
    pub header: Vec<(String, Span)>,
    /// The others'.
    pub rows: Vec<Vec<(String, Span)>>,
    /// Index of its section.
    pub section: usize,
}

struct Fence {
    mark: char,
    length: usize,
    language: String,
    begins: usize,
    line: Range<usize>,
    /// Where the text of the list item begins in which it stands; 0 outside of lists.
    item: usize,
    is_broken: bool,
}

impl Markdown {
    /// Takes a document apart.
    pub(crate) fn read(sources: &mut Sources, file: FileId) -> Self {
        let text = sources.text(file).to_owned();
        let mut read = Self { file, sections: vec![Section::default()], ..Self::default() };
        let mut fence: Option<Fence> = None;
        let mut item = 0;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let (begins, end) = (at, at + line.len());
            at = end;
            match &mut fence {
                Some(open) if closes(open, line) => {
                    read.close(sources, open, begins);
                    fence = None;
                }
                Some(open) => read.inside(open, line, begins),
                None => match opens(line, begins) {
                    Some(open) if read.ends_one_that_ended_early(&open, &text[end..]) => {}
                    Some(open) => fence = Some(Fence { item: item_of(line, item), ..open }),
                    None => {
                        item = item_after(line, item);
                        read.line(line, begins);
                    }
                },
            }
        }
        if let Some(open) = fence {
            read.broken(BrokenFenceKind::NeverEnds, &open, open.line.clone());
            read.close(sources, &open, text.len());
        }
        read
    }

    /// A line inside of a fence.
    fn inside(&mut self, open: &mut Fence, line: &str, begins: usize) {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        let place = begins + indent..begins + indent + text.len();
        if text.is_empty() || open.is_broken {
            return;
        }
        let kind = if indent < open.item {
            BrokenFenceKind::LeavesItem
        } else if !is_markdown(&open.language) && opens(line, begins).is_some_and(|it| is_begun(&it, open)) {
            BrokenFenceKind::NotClosed
        } else {
            return;
        };
        open.is_broken = true;
        self.broken(kind, open, place);
    }

    fn broken(&mut self, kind: BrokenFenceKind, open: &Fence, shown_by: Range<usize>) {
        let span = Span::new(self.file, open.line.clone());
        self.broken_fences.push(BrokenFence { kind, span, shown_by: Span::new(self.file, shown_by) });
    }

    /// Whether a bare fence is the end of one that another has ended before: a block of its own would hold the beginning of
    /// the next.
    fn ends_one_that_ended_early(&self, open: &Fence, rest: &str) -> bool {
        let is_owed = self.broken_fences.iter().any(|fence| fence.kind == BrokenFenceKind::EndsEarly);
        let next = rest.split_inclusive('\n').find_map(|line| opens(line, 0));
        is_owed && open.language.is_empty() && next.is_some_and(|next| !next.language.is_empty())
    }

    fn section(&self) -> usize {
        self.sections.len() - 1
    }

    fn close(&mut self, sources: &mut Sources, open: &Fence, end: usize) {
        let file = sources.add_part(self.file, open.begins..end);
        let (span, section) = (Span::new(self.file, open.begins..end), self.section());
        if is_markdown(&open.language) {
            let mut inner = Self::read(sources, file);
            if let Some(last) = inner.broken_fences.pop_if(|it| it.kind == BrokenFenceKind::NeverEnds) {
                let span = Span::new(self.file, open.line.clone());
                let kind = BrokenFenceKind::EndsEarly;
                self.broken_fences.push(BrokenFence { kind, span, shown_by: last.span });
            }
            self.take_in(inner);
            return;
        }
        self.blocks.push(Block { language: open.language.clone(), file, span, section });
    }

    /// What an inner document holds becomes part of this one, in sections of its own; what follows belongs to the last of
    /// them, as it does for a reader where the inner fence of two ended the outer one.
    fn take_in(&mut self, inner: Self) {
        let offset = self.sections.len();
        let first =
            Section { title: self.sections[self.section()].title.clone(), ..inner.sections[0].clone() };
        self.sections.push(first);
        self.sections.extend(inner.sections.into_iter().skip(1));
        self.prose.extend(inner.prose.into_iter().map(|it| Prose { section: it.section + offset, ..it }));
        self.inline.extend(inner.inline.into_iter().map(|it| Inline { section: it.section + offset, ..it }));
        self.blocks.extend(inner.blocks.into_iter().map(|it| Block { section: it.section + offset, ..it }));
        self.tables.extend(inner.tables.into_iter().map(|it| Table { section: it.section + offset, ..it }));
        self.broken_fences.extend(inner.broken_fences);
    }

    fn line(&mut self, line: &str, begins: usize) {
        let text = line.trim();
        if text.is_empty() {
            return;
        }
        let start = begins + (line.len() - line.trim_start().len());
        let span = Span::new(self.file, start..start + text.len());
        let level = text.bytes().take_while(|byte| *byte == b'#').count();
        if (1..=6).contains(&level) && text[level..].starts_with([' ', '\t']) {
            let title = text[level..].trim().to_owned();
            self.sections.push(Section { title, level, span });
            return;
        }
        self.code_in(text, start);
        if text.starts_with('|') {
            self.row(text, start);
        }
        self.prose.push(Prose { text: text.to_owned(), span, section: self.section() });
    }

    fn code_in(&mut self, text: &str, start: usize) {
        let mut at = 0;
        while let Some(open) = text[at..].find('`').map(|found| at + found) {
            let ticks = text[open..].bytes().take_while(|byte| *byte == b'`').count();
            let inside = open + ticks;
            let Some(length) = text[inside..].find(&text[open..inside]) else { return };
            let (code, section) = (&text[inside..inside + length], self.section());
            let trimmed = code.trim();
            let begins = start + inside + (code.len() - code.trim_start().len());
            let span = Span::new(self.file, begins..begins + trimmed.len());
            self.inline.push(Inline { text: trimmed.to_owned(), span, section });
            at = inside + length + ticks;
        }
    }

    fn row(&mut self, text: &str, start: usize) {
        let mut cells = Vec::new();
        let mut at = start + 1;
        for cell in text[1..].trim_end_matches('|').split('|') {
            let begins = at + (cell.len() - cell.trim_start().len());
            let trimmed = cell.trim();
            cells.push((trimmed.to_owned(), Span::new(self.file, begins..begins + trimmed.len())));
            at += cell.len() + 1;
        }
        let section = self.section();
        // A table goes on while its rows follow one another.
        let follows =
            self.prose.last().is_some_and(|last| last.text.starts_with('|') && last.section == section);
        match self.tables.last_mut().filter(|_| follows) {
            Some(table) if is_rule(&cells) && table.rows.is_empty() => {}
            Some(table) => table.rows.push(cells),
            None => self.tables.push(Table { header: cells, rows: Vec::new(), section }),
        }
    }
}

/// Whether a row is the one between the header and the others.
fn is_rule(cells: &[(String, Span)]) -> bool {
    cells.iter().all(|(text, _)| text.contains('-') && text.chars().all(|c| matches!(c, '-' | ':' | ' ')))
}

fn is_markdown(language: &str) -> bool {
    matches!(language, "markdown" | "md")
}

/// Whether a fence that begins inside another is a block of its own: it has a language.
fn is_begun(inner: &Fence, outer: &Fence) -> bool {
    !inner.language.is_empty() && inner.mark == outer.mark && inner.length >= outer.length
}

/// Where the text of a list item begins that a line belongs to; 0 if it belongs to none.
fn item_of(line: &str, item: usize) -> usize {
    let indent = line.len() - line.trim_start().len();
    if indent >= item { item } else { 0 }
}

/// Where the text of the current list item begins after a line.
fn item_after(line: &str, item: usize) -> usize {
    let text = line.trim_start();
    let indent = line.len() - text.len();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mark = match text.as_bytes().get(digits) {
        Some(b'-' | b'*' | b'+') if digits == 0 => 1,
        Some(b'.' | b')') if digits > 0 => digits + 1,
        _ => 0,
    };
    let blanks = text[mark..].bytes().take_while(|byte| *byte == b' ').count();
    match (text.is_empty(), mark > 0 && blanks > 0) {
        (true, _) => item,
        // More than four blanks are code, not a list's indentation.
        (false, true) => indent + mark + if blanks > 4 { 1 } else { blanks },
        (false, false) => item_of(line, item),
    }
}

fn opens(line: &str, begins: usize) -> Option<Fence> {
    let text = line.trim();
    let start = begins + (line.len() - line.trim_start().len());
    let whole = start..start + text.len();
    // A fence may follow the mark of a list item.
    let text = text.strip_prefix("- ").unwrap_or(text).trim_start();
    let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = text.chars().take_while(|c| *c == mark).count();
    let info = text[length..].trim();
    if length < 3 || info.contains('`') {
        return None;
    }
    let language = info.split([' ', ',', '{']).next().unwrap_or_default().to_ascii_lowercase();
    let begins = begins + line.len();
    Some(Fence { mark, length, language, begins, line: whole, item: 0, is_broken: false })
}

fn closes(open: &Fence, line: &str) -> bool {
    let text = line.trim();
    text.len() >= open.length && text.chars().all(|c| c == open.mark)
}
