//! A block of queries: several may follow one another, with comments between them and names before them.

use bellwether_diag::{Diagnostic, FileId, Span};

use super::query::{Origin, Query};
use super::{SectionId, Setup};

/// A query in a block: where it begins and ends, and the comment above it.
struct Piece {
    range: std::ops::Range<usize>,
    comment: Option<String>,
}

impl Setup {
    pub(super) fn read_queries(&mut self, file: FileId, section: Option<SectionId>) {
        let text = self.sources.text(file).to_owned();
        for piece in pieces(&text) {
            let (name, skipped) = name_before(&text[piece.range.clone()]);
            let start = piece.range.start + skipped;
            let mut query =
                Query::in_text(&text[start..piece.range.end], file, start, Origin::Block, section);
            if name.is_some() {
                let named = Span::new(file, piece.range.start..start);
                self.problems.push(no_assignment(named));
            }
            (query.name, query.comment) = (name, piece.comment);
            self.report_query(&query);
            self.queries.push(query);
        }
    }

    /// What is wrong with a query becomes problems, each where it stands.
    pub(super) fn report_query(&mut self, query: &Query) {
        for error in &query.errors {
            let place = |part: &std::ops::Range<usize>| query.span(&self.sources, part.clone());
            let mut problem = error.diagnostic(FileId::default());
            problem.span = Some(place(&error.span));
            let related = error.related.iter();
            let spans: Vec<Span> = related.map(|(part, _)| place(part)).collect();
            problem.related.iter_mut().zip(spans).for_each(|(related, span)| related.span = span);
            self.problems.push(problem);
        }
    }
}

/// Documents name parts of a query as programs do; whoever pastes that gets an error.
fn no_assignment(span: Span) -> Diagnostic {
    Diagnostic::warning("promql", span, "PromQL has no assignment: this is no query")
        .with_help("write the query alone, or a recording rule that gives it the name")
}

/// Queries end at a blank line or a comment where no bracket is open. An unclosed one goes on to the next comment.
fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let (mut begins, mut end, mut depth, mut comment) = (None, 0, 0_i32, None);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, content) = (at, line.trim());
        at += line.len();
        let is_comment = content.starts_with('#');
        if (content.is_empty() && depth <= 0) || is_comment {
            if let Some(begins) = begins.take() {
                found.push(Piece { range: begins..end, comment: comment.take() });
                depth = 0;
            }
            if is_comment {
                comment = Some(content.trim_start_matches('#').trim().to_owned());
            }
            continue;
        }
        if content.is_empty() {
            continue;
        }
        begins.get_or_insert(start + line.find(content).unwrap_or(0));
        end = start + line.find(content).unwrap_or(0) + content.len();
        depth += brackets(content);
    }
    found.extend(begins.map(|begins| Piece { range: begins..end, comment }));
    found
}

/// How many more brackets a line opens than it closes.
fn brackets(line: &str) -> i32 {
    let (mut depth, mut quote) = (0, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '#') => break,
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, _) => {}
        }
    }
    depth
}

/// `burn_rate = ` before a query, which no query language has and documents like, and how long it is.
fn name_before(text: &str) -> (Option<String>, usize) {
    let Some((name, rest)) = text.split_once('=') else { return (None, 0) };
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if rest.starts_with(['=', '~']) || !is_name(name.trim()) {
        return (None, 0);
    }
    let skipped = text.len() - rest.trim_start().len();
    (Some(name.trim().to_owned()), skipped)
}
