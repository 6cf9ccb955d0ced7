//! Builds the tree of [`crate::yaml_node`] from libyaml events, within limits, and says what libyaml's errors mean.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufReader, Chain, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use libyaml_safer::{Event, EventData, Mark, Parser, ScalarStyle};

use crate::yaml_node::{Node, Scalar, Value};
use crate::yaml_syntax::explain;
use crate::{Diagnostic, Diagnostics, FileId, Sources, Span};

/// The largest file that is read.
pub const FILE_BYTES_MAX: usize = 32 << 20;
/// The deepest nesting that is read.
pub const DEPTH_MAX: usize = 100;
/// How many values aliases and merge keys may copy in one file: a few lines of nested aliases would otherwise
/// fill the memory.
pub const ALIAS_NODES_MAX: usize = 1_000_000;
/// How many values one file may hold.
pub const NODES_MAX: usize = 4_000_000;

const STR_TAG: &str = "tag:yaml.org,2002:str";
const BINARY_TAG: &str = "tag:yaml.org,2002:binary";
const MERGE_KEY: &str = "<<";
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// Bytes the port takes from the text at a time.
const CHUNK_BYTES: usize = 16 << 10;

pub(crate) fn read(sources: &Sources, file: FileId, out: &mut Diagnostics) -> Vec<Node> {
    let text = sources.text(file);
    if let Some(problem) = unreadable(text, file) {
        out.push(problem);
        return Vec::new();
    }
    let joined = json_surrogates_joined(text);
    let mut builder = Builder::new(text, joined.as_deref().unwrap_or(text), file, out);
    match builder.documents() {
        Ok(()) | Err(Stop) => builder.done,
    }
}

/// What makes a text not worth handing to the parser.
fn unreadable(text: &str, file: FileId) -> Option<Diagnostic> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("file has {} bytes, more than the {FILE_BYTES_MAX} that are read", text.len());
        return Some(
            Diagnostic::error("yaml-too-large", Span::new(file, 0..0), message).with_help("split it"),
        );
    }
    // The port reads these as errors without a place, so they are looked for here.
    let (index, bad) =
        text.char_indices().find(|(index, c)| is_forbidden(*c) && !(*index == 0 && *c == '\u{feff}'))?;
    let span = Span::new(file, index..index + bad.len_utf8());
    let message = format!("character U+{:04X} is not allowed in YAML", u32::from(bad));
    let help = "remove it, or write it as an escape inside double quotes";
    Some(Diagnostic::error("yaml-character", span, message).with_help(help))
}

/// JSON writes characters beyond U+FFFF as two escapes, which YAML does not know: gives the text with each pair
/// replaced by an escaped line break, which means nothing, and YAML's long escape, which together are as long.
fn json_surrogates_joined(text: &str) -> Option<String> {
    const PAIR_BYTES: usize = 12;
    if !text.trim_start().starts_with(['{', '[']) || !text.to_ascii_lowercase().contains("\\ud") {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let code = escape.get(..PAIR_BYTES).and_then(surrogate_pair);
        // Anything else is taken with the character it escapes, so that `\\\\ud83d` is left alone.
        let skip = escape.chars().take(2).map(char::len_utf8).sum();
        let (taken, tail) = escape.split_at(code.map_or(skip, |_| PAIR_BYTES));
        match code {
            Some(code) => out.push_str(&format!("\\\n\\U{:08x}", u32::from(code))),
            None => out.push_str(taken),
        }
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

/// The character that `\ud83d\ude00` means.
fn surrogate_pair(escapes: &str) -> Option<char> {
    let (high, low) = escapes.strip_prefix("\\u")?.split_once("\\u")?;
    let unit = |hex: &str| u16::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 4);
    char::decode_utf16([unit(high)?, unit(low)?]).next()?.ok()
}

/// Characters outside YAML's printable set.
fn is_forbidden(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    }
}

/// Reading cannot go on; the reason has been reported.
struct Stop;

/// A value kept for its aliases, with how many values it holds and how deep it is.
#[derive(Clone)]
struct Anchor {
    node: Node,
    nodes: usize,
    depth: usize,
}

/// A value just read.
struct Built {
    node: Node,
    nodes: usize,
    depth: usize,
}

struct Builder<'a> {
    text: &'a str,
    file: FileId,
    out: &'a mut Diagnostics,
    parser: Parser<BufReader<Chain<&'a [u8], &'a [u8]>>>,
    /// Bytes the parser never saw: the byte order mark.
    offset: usize,
    anchors: BTreeMap<String, Anchor>,
    /// Anchors whose value is still being read; an alias to one would hold itself.
    open_anchors: BTreeSet<String>,
    nodes: usize,
    alias_nodes: usize,
    /// Where the last event ended.
    reached: Mark,
    done: Vec<Node>,
}

impl<'a> Builder<'a> {
    /// `text` is what the file holds; `parsed`, of the same length, is what the parser gets to see.
    fn new(text: &'a str, parsed: &'a str, file: FileId, out: &'a mut Diagnostics) -> Self {
        let body = parsed.strip_prefix(BYTE_ORDER_MARK).unwrap_or(parsed);
        let mut parser = Parser::new();
        parser.set_encoding(libyaml_safer::Encoding::Utf8);
        // The port panics where a scalar reaches the end of a text without a line break, so there always is one.
        let padding: &[u8] = if body.ends_with('\n') { b"" } else { b"\n" };
        parser.set_input(BufReader::with_capacity(CHUNK_BYTES, body.as_bytes().chain(padding)));
        Self {
            text,
            file,
            out,
            parser,
            offset: parsed.len() - body.len(),
            anchors: BTreeMap::new(),
            open_anchors: BTreeSet::new(),
            nodes: 0,
            alias_nodes: 0,
            reached: Mark::default(),
            done: Vec::new(),
        }
    }

    fn documents(&mut self) -> Result<(), Stop> {
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamEnd => return Ok(()),
                EventData::StreamStart { .. } | EventData::DocumentEnd { .. } => {}
                EventData::DocumentStart { .. } => {
                    self.anchors.clear();
                    let first = self.next()?;
                    let built = self.node(first, 1)?;
                    self.done.push(built.node);
                }
                EventData::Alias { .. }
                | EventData::Scalar { .. }
                | EventData::SequenceStart { .. }
                | EventData::SequenceEnd
                | EventData::MappingStart { .. }
                | EventData::MappingEnd => return Ok(()),
            }
        }
    }

    fn next(&mut self) -> Result<Event, Stop> {
        // The port has a panic left for a tag before a comma (`[!,`). The parser is not used again after one.
        match catch_unwind(AssertUnwindSafe(|| self.parser.parse())) {
            Ok(Ok(event)) => {
                self.reached = event.end_mark;
                Ok(event)
            }
            Ok(Err(error)) => {
                self.out.push(explain(&error, self.text, self.file, self.offset));
                Err(Stop)
            }
            Err(_) => {
                let after = self.span(self.reached, self.reached);
                self.stop(
                    "yaml-syntax",
                    after,
                    "what follows cannot be read; a tag such as `!x` may be the cause".to_owned(),
                )
            }
        }
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Built, Stop> {
        let span = self.span(event.start_mark, event.end_mark);
        self.count(span, depth)?;
        match event.data {
            EventData::Alias { anchor } => self.alias(&anchor, span, depth),
            EventData::Scalar { anchor, tag, value, style, .. } => {
                if tag.as_deref() == Some(BINARY_TAG) {
                    let message = "!!binary holds bytes, and nothing here is made of bytes";
                    let diagnostic = Diagnostic::error("yaml-syntax", span, message);
                    self.out.push(diagnostic.with_help("write the text itself"));
                }
                let node = self.scalar(span, tag.as_deref(), value, style);
                Ok(self.keep(anchor, Built { node, nodes: 1, depth: 1 }))
            }
            EventData::SequenceStart { anchor, .. } => {
                self.open(anchor.as_ref());
                let built = self.sequence(self.after_properties(span), depth)?;
                Ok(self.keep(anchor, built))
            }
            EventData::MappingStart { anchor, .. } => {
                self.open(anchor.as_ref());
                let built = self.mapping(self.after_properties(span), depth)?;
                Ok(self.keep(anchor, built))
            }
            EventData::StreamStart { .. }
            | EventData::StreamEnd
            | EventData::DocumentStart { .. }
            | EventData::DocumentEnd { .. }
            | EventData::SequenceEnd
            | EventData::MappingEnd => {
                Ok(Built { node: Node { span, value: Value::Null }, nodes: 1, depth: 1 })
            }
        }
    }

    fn count(&mut self, span: Span, depth: usize) -> Result<(), Stop> {
        self.nodes += 1;
        if depth > DEPTH_MAX {
            return self.stop("yaml-too-deep", span, format!("nested deeper than {DEPTH_MAX} levels"));
        }
        if self.nodes > NODES_MAX {
            return self.stop("yaml-too-large", span, format!("more than {NODES_MAX} values in one file"));
        }
        Ok(())
    }

    fn stop<T>(&mut self, id: &'static str, span: Span, message: String) -> Result<T, Stop> {
        self.out.push(Diagnostic::error(id, span, message));
        Err(Stop)
    }

    fn scalar(&self, span: Span, tag: Option<&str>, mut text: String, style: ScalarStyle) -> Node {
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
            && text.ends_with('\n')
            && self.ends_in_padding(span)
        {
            text.pop();
        }
        let plain = matches!(style, ScalarStyle::Plain | ScalarStyle::Any);
        let quoted = !plain || tag == Some(STR_TAG);
        let span = self.trimmed(self.after_properties(span));
        let is_null = !quoted && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
        let value = if is_null { Value::Null } else { Value::Scalar(Scalar { text, quoted }) };
        Node { span, value }
    }

    fn sequence(&mut self, start: Span, depth: usize) -> Result<Built, Stop> {
        let (mut items, mut nodes, mut depth_max) = (Vec::new(), 1, 0);
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::SequenceEnd) {
                let span = self.collection_span(start, &event, items.last().map(|item: &Node| item.span));
                return Ok(Built {
                    node: Node { span, value: Value::Sequence(items) },
                    nodes,
                    depth: depth_max + 1,
                });
            }
            let built = self.node(event, depth + 1)?;
            nodes += built.nodes;
            depth_max = depth_max.max(built.depth);
            items.push(built.node);
        }
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Result<Built, Stop> {
        let mut entries = Entries::default();
        let (mut merges, mut nodes, mut depth_max) = (Vec::new(), 1, 0);
        let mut last = None;
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::MappingEnd) {
                let span = self.collection_span(start, &event, last);
                nodes += self.merge(&mut entries, merges)?;
                let value = Value::Mapping(entries.list);
                return Ok(Built { node: Node { span, value }, nodes, depth: depth_max + 1 });
            }
            let key = self.node(event, depth + 1)?;
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            nodes += key.nodes + value.nodes;
            depth_max = depth_max.max(key.depth).max(value.depth);
            last = Some(if value.node.is_null() { key.node.span } else { value.node.span });
            if is_merge(&key.node) {
                merges.push(value);
            } else {
                self.insert(&mut entries, key.node, value.node);
            }
        }
    }

    fn insert(&mut self, entries: &mut Entries, key: Node, value: Node) {
        if let Some(first) = entries.first(&key) {
            let name = key.as_text().unwrap_or("").to_owned();
            let diagnostic =
                Diagnostic::error("yaml-duplicate-key", key.span, format!("{name:?} is written twice"))
                    .with_help("keep one of the two")
                    .with_related(first, "the first one is here");
            self.out.push(diagnostic);
            return;
        }
        entries.push(key, value);
    }

    /// Adds what merge keys bring. What is written wins over what is merged, wherever it stands; of several merged
    /// mappings the first one wins.
    fn merge(&mut self, entries: &mut Entries, merges: Vec<Built>) -> Result<usize, Stop> {
        let mut added = 0;
        for merged in merges {
            let span = merged.node.span;
            let mappings = match merged.node.value {
                Value::Sequence(items) => items,
                value @ (Value::Null | Value::Scalar(_) | Value::Mapping(_)) => vec![Node { span, value }],
            };
            for mapping in mappings {
                let Value::Mapping(list) = mapping.value else {
                    let message = format!(
                        "a merge key takes a mapping or a list of mappings, found {}",
                        mapping.value.kind()
                    );
                    self.out.push(
                        Diagnostic::error("yaml-merge", mapping.span, message)
                            .with_help("write an alias of a mapping, such as `<<: *defaults`"),
                    );
                    continue;
                };
                for (key, value) in list {
                    if entries.first(&key).is_none() {
                        added += 2;
                        entries.push(key, value);
                    }
                }
            }
        }
        Ok(added)
    }

    fn open(&mut self, anchor: Option<&String>) {
        self.open_anchors.extend(anchor.cloned());
    }

    fn keep(&mut self, anchor: Option<String>, built: Built) -> Built {
        if let Some(name) = anchor {
            self.open_anchors.remove(&name);
            let anchor = Anchor { node: built.node.clone(), nodes: built.nodes, depth: built.depth };
            // Keeping a copy costs as much as an alias, so it counts as one.
            self.alias_nodes += built.nodes;
            self.anchors.insert(name, anchor);
        }
        built
    }

    fn alias(&mut self, name: &str, span: Span, depth: usize) -> Result<Built, Stop> {
        if self.open_anchors.contains(name) {
            return self.stop("yaml-alias", span, format!("alias *{name} stands inside the value it names"));
        }
        let Some(anchor) = self.anchors.get(name) else {
            let message = format!("alias *{name} has no anchor before it");
            let known = crate::suggest(name, self.anchors.keys().map(String::as_str));
            let help = match known {
                Some(known) => format!("did you mean *{known}?"),
                None => format!("write &{name} before the value it should repeat"),
            };
            self.out.push(Diagnostic::error("yaml-alias", span, message).with_help(help));
            return Err(Stop);
        };
        self.alias_nodes += anchor.nodes;
        if self.alias_nodes > ALIAS_NODES_MAX {
            let message = format!("aliases repeat more than {ALIAS_NODES_MAX} values");
            return self.stop("yaml-too-large", span, message);
        }
        if depth + anchor.depth > DEPTH_MAX {
            return self.stop("yaml-too-deep", span, format!("nested deeper than {DEPTH_MAX} levels"));
        }
        Ok(Built { node: anchor.node.clone(), nodes: anchor.nodes, depth: anchor.depth })
    }

    fn span(&self, start: Mark, end: Mark) -> Span {
        let place = |mark: Mark| (mark.index as usize + self.offset).min(self.text.len());
        Span::new(self.file, place(start)..place(end).max(place(start)))
    }

    /// A span without the anchor and tag before the value.
    fn after_properties(&self, span: Span) -> Span {
        let end = (span.end as usize).min(self.text.len());
        let mut start = (span.start as usize).min(end);
        // A collection's start event ends where its first token does, so look at the text, not only at the span.
        while let Some(rest) = self.text.get(start..).filter(|rest| rest.starts_with(['&', '!'])) {
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let gap = rest[word..].find(|c: char| !c.is_whitespace()).unwrap_or(rest.len() - word);
            start += word + gap;
        }
        Span::new(self.file, start..end.max(start))
    }

    /// Whether a block scalar's last line break is the one that was added to the text.
    fn ends_in_padding(&self, span: Span) -> bool {
        let last_line = self.text.rsplit('\n').next().unwrap_or("");
        span.end as usize == self.text.len() && !last_line.trim().is_empty()
    }

    /// A span without blank space at its end, which block scalars bring.
    fn trimmed(&self, span: Span) -> Span {
        let text = self.text.get(span.range()).unwrap_or("");
        Span { end: span.start + text.trim_end().len() as u32, ..span }
    }

    /// From the first character of a collection to the last of its last item, or to its closing bracket.
    fn collection_span(&self, start: Span, end: &Event, last: Option<Span>) -> Span {
        let flow = self.text.get(start.start as usize..).is_some_and(|rest| rest.starts_with(['[', '{']));
        let end = self.span(end.start_mark, end.end_mark);
        let last = match (flow, last) {
            // An aliased item stands elsewhere, possibly before this collection.
            (false, Some(item)) if item.end > start.start && item.end <= end.end => item.end,
            (false, _) => start.end,
            (true, _) => end.end,
        };
        Span { end: last.max(start.start), ..start }
    }
}

/// A mapping under construction.
#[derive(Default)]
struct Entries {
    list: Vec<(Node, Node)>,
    /// Places of scalar keys; looked up, never iterated.
    places: HashMap<String, Span>,
}

impl Entries {
    fn first(&self, key: &Node) -> Option<Span> {
        self.places.get(key.as_text()?).copied()
    }

    fn push(&mut self, key: Node, value: Node) {
        if let Some(name) = key.as_text() {
            self.places.insert(name.to_owned(), key.span);
        }
        self.list.push((key, value));
    }
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.value, Value::Scalar(scalar) if scalar.text == MERGE_KEY && !scalar.quoted)
}
