//! What a comment to the linter holds for: in YAML and queries what begins on its line, or, where it stands alone, what
//! begins on the next one; in documents the paragraph, block or section after it; before everything else, the file.

use std::ops::Range;

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{FileId, Span};

use crate::{Form, Setup};

/// A comment: all of it, and the words after the mark.
pub(super) struct Comment {
    pub(super) whole: Range<usize>,
    pub(super) words: Range<usize>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `# …`
    Line,
    /// `<!-- … -->`
    Html,
    /// `{{/* … */}}`
    Template,
}

/// The parts of one file that a comment can hold for, by where they begin.
pub(super) struct Scopes<'a> {
    setup: &'a Setup,
    file: FileId,
    text: &'a str,
    is_markdown: bool,
    /// Fields, items and queries, in places of the whole file.
    things: Vec<Range<usize>>,
    /// Texts over several lines, which may hold comments themselves.
    texts: Vec<Range<usize>>,
    /// Contents of fenced blocks.
    blocks: Vec<Range<usize>>,
}

impl<'a> Scopes<'a> {
    pub(super) fn of(setup: &'a Setup, file: FileId) -> Self {
        let is_markdown = setup.files.iter().any(|input| input.file == file && input.form == Form::Markdown);
        let text = setup.sources.text(file);
        let mut scopes =
            Self { setup, file, text, is_markdown, things: vec![], texts: vec![], blocks: vec![] };
        let place = |span: Span| Some(setup.sources.whole(span)).filter(|whole| whole.file == file);
        for tree in setup.trees.iter().filter(|tree| place(Span::new(tree.file, 0..0)).is_some()) {
            scopes.take_in(&tree.node, tree.node.span);
        }
        for query in &setup.queries {
            if let Some(span) = place(query.whole(&setup.sources)) {
                scopes.things.push(span.range());
                scopes.texts.push(span.range());
            }
        }
        let documents = setup.documents.iter().flat_map(|document| &document.blocks);
        scopes.blocks = documents.filter_map(|block| place(block.span)).map(Span::range).collect();
        scopes
    }

    /// A tree's fields and items; `thing` is the place of the node with its key.
    fn take_in(&mut self, node: &Node, thing: Span) {
        let whole = |span: Span| self.setup.sources.whole(span).range();
        let (thing, own) = (whole(thing), whole(node.span));
        self.things.push(thing);
        match &node.value {
            Value::Null => {}
            Value::Scalar(_) => self.texts.push(own),
            Value::Sequence(items) => items.iter().for_each(|item| self.take_in(item, item.span)),
            Value::Mapping(entries) => {
                entries.iter().for_each(|(key, value)| self.take_in(value, key.span.to(value.span)));
            }
        }
    }

    /// The comment a mark stands in; `None` if it is only talked about.
    pub(super) fn comment(&mut self, mark: usize, words: usize) -> Option<Comment> {
        let before = self.text[..mark].trim_end_matches([' ', '\t']);
        let ends = |close: &str| self.text[words..].find(close).map(|length| words + length);
        let line_end = ends("\n").unwrap_or(self.text.len());
        let in_block = self.blocks.iter().any(|block| block.contains(&mark));
        if before.ends_with("<!--") && !in_block && !self.is_code(mark) {
            let end = ends("-->")?;
            let whole = before.len() - "<!--".len()..end + "-->".len();
            return Some(Comment { whole, words: words..end, kind: Kind::Html });
        }
        if before.ends_with("{{/*") || before.ends_with("{{- /*") {
            let end = ends("*/")?;
            let begins = before.rfind("{{")?;
            let closes = self.text[end..].find("}}").map_or(end, |length| end + length + 2);
            return Some(Comment { whole: begins..closes, words: words..end, kind: Kind::Template });
        }
        if before.ends_with('#') && (in_block || !self.is_markdown) {
            let begins = before.trim_end_matches('#').len();
            return Some(Comment { whole: begins..line_end, words: words..line_end, kind: Kind::Line });
        }
        None
    }

    fn is_code(&self, mark: usize) -> bool {
        let inline = self.setup.documents.iter().flat_map(|document| &document.inline);
        let places = inline.map(|code| self.setup.sources.whole(code.span));
        places.into_iter().any(|span| span.file == self.file && span.range().contains(&mark))
    }

    pub(super) fn scope(&self, comment: &Comment) -> Range<usize> {
        let skip = if self.is_markdown { is_blank_or_html } else { is_blank_or_comment };
        let is_first = self.text[..comment.whole.start].lines().all(skip);
        match comment.kind {
            Kind::Html | Kind::Line if is_first && self.is_markdown == (comment.kind == Kind::Html) => {
                0..self.text.len()
            }
            Kind::Html => self.in_document(comment),
            Kind::Template if is_first => 0..self.text.len(),
            Kind::Line => self.in_code(comment),
            Kind::Template => self.line_of(comment.whole.start),
        }
    }

    fn in_code(&self, comment: &Comment) -> Range<usize> {
        let at = comment.whole.start;
        let around = self.texts.iter().filter(|text| text.contains(&at));
        if let Some(text) = around.min_by_key(|text| text.len()) {
            return text.clone();
        }
        let own = self.line_of(at);
        let line = match self.text[own.start..at].trim().is_empty() {
            true => self.next_line(comment.whole.end, is_blank_or_comment),
            false => own,
        };
        let begin_there = self.things.iter().filter(|thing| line.contains(&thing.start));
        // A list begins where its first item does; what is in front of that is meant for the item.
        let largest = begin_there.filter(|thing| !self.is_list(thing)).max_by_key(|thing| thing.len());
        largest.map_or(line.clone(), |thing| line.start..thing.end.max(line.end))
    }

    /// Whether a place begins with the dash of an item, as only lists do.
    fn is_list(&self, thing: &Range<usize>) -> bool {
        self.text.get(thing.clone()).is_some_and(|text| text.starts_with("- "))
    }

    fn in_document(&self, comment: &Comment) -> Range<usize> {
        let own = self.line_of(comment.whole.start);
        let beside = self.text[own.start..comment.whole.start].trim().len()
            + self.text[comment.whole.end..self.line_of(comment.whole.end).end].trim().len();
        let line = match beside > 0 {
            true => own,
            false => self.next_line(comment.whole.end, is_blank_or_html),
        };
        if let Some(block) = self.blocks.iter().find(|block| block.start == line.end) {
            return line.start..block.end;
        }
        let level = |line: &str| line.trim_start().bytes().take_while(|byte| *byte == b'#').count();
        let ends: Box<dyn Fn(&str) -> bool> = match level(&self.text[line.clone()]) {
            0 => Box::new(|next: &str| next.trim().is_empty() || next.trim_start().starts_with("```")),
            own => Box::new(move |next: &str| (1..=own).contains(&level(next))),
        };
        let mut end = line.end;
        for next in self.text[line.end..].split_inclusive('\n') {
            if ends(next) && !self.blocks.iter().any(|block| block.contains(&end)) {
                break;
            }
            end += next.len();
        }
        line.start..end
    }

    fn line_of(&self, at: usize) -> Range<usize> {
        let start = self.text[..at].rfind('\n').map_or(0, |before| before + 1);
        let end = self.text[at..].find('\n').map_or(self.text.len(), |length| at + length + 1);
        start..end
    }

    /// The first line after a place that is not to be skipped.
    fn next_line(&self, at: usize, skip: impl Fn(&str) -> bool) -> Range<usize> {
        let mut line = self.line_of(at);
        while line.end < self.text.len() {
            line = self.line_of(line.end);
            if !skip(&self.text[line.clone()]) {
                break;
            }
        }
        line
    }
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#') || line == "---"
}

fn is_blank_or_html(line: &str) -> bool {
    line.trim().is_empty() || line.trim().starts_with("<!--")
}
